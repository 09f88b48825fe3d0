"""The tables of feedback and its history, and their SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.case import Case
from services.complaints.dues import Dues, dues_of
from services.complaints.permissions import VISIBLE, About, Actor, visible_values
from services.complaints.secrecy import identities
from shared.events import FeedbackTerm
from shared.worktime import vietnam

TERMS = TypeAdapter(tuple[FeedbackTerm, ...])
OF_CASE = (
    "code, filed_at, kind, suspected, kind_by, field, categories, handler, not_to, hides_identity, state, terms, been, "
    "moves, reopened, rating, joined_to, answered_at, published_at, published_question, "
    "published_answer, about_unit, remote, instance"
)
OF_ROW = (
    "id, revision, secret_hash, source, text, sealed, answer, sealed_answer, place, unit, dossier, procedure, "
    "anonymous, answer_working_days, has_dossier"
)
COLUMNS = f"{OF_CASE}, {OF_ROW}"
CASE_COLUMNS = tuple(OF_CASE.split(", "))
DERIVED = ("restricted", *Dues._fields)  # columns that a case makes and that are not read back


@dataclass(frozen=True, slots=True)
class Feedback:
    """One feedback, whole. sealed, sealed_answer: text and answer under seal. unit: in words.

    has_dossier: whether it names one, which itself may be under seal.
    """

    case: Case
    id: int
    revision: int
    secret_hash: bytes
    source: str
    text: str | None
    sealed: bytes | None
    answer: str | None
    sealed_answer: bytes | None
    place: str | None
    unit: str | None
    dossier: str | None
    procedure: str | None
    anonymous: bool
    answer_working_days: int
    has_dossier: bool

    @property
    def about(self) -> About:
        return About(self.case.restricted, self.case.handler, frozenset(self.case.not_to))


class Step(NamedTuple):
    """One act in the history of a feedback. actor: an opaque id, `sender` or `system`. note: under seal."""

    code: str
    revision: int
    at: datetime
    act: str
    actor: str
    unit: str | None
    note: bytes | None


def _feedback(row: Row[Any]) -> Feedback:
    values = row._asdict()
    of_case = {name: values.pop(name) for name in CASE_COLUMNS}
    for name in ("categories", "not_to", "been"):
        of_case[name] = tuple(of_case[name])
    return Feedback(case=Case(**of_case | {"terms": TERMS.validate_python(of_case["terms"])}), **values)


def case_values(case: Case) -> dict[str, Any]:
    """Return the columns of a case, those included that are derived of it."""
    values: dict[str, Any] = {name: getattr(case, name) for name in CASE_COLUMNS}
    for name in ("categories", "not_to", "been"):
        values[name] = list(values[name])
    derived = {"restricted": case.restricted, **dues_of(case, vietnam())._asdict()}
    return values | {"terms": TERMS.dump_json(case.terms).decode(), **derived}


INSERTED = (*CASE_COLUMNS, *DERIVED, "secret_hash", "source", "text", "sealed", "place", "unit", "dossier",
            "procedure", "anonymous", "answer_working_days", "has_dossier")  # fmt: skip
TYPES = {
    "filed_at": "timestamptz", "answered_at": "timestamptz", "published_at": "timestamptz", "suspected": "boolean",
    **dict.fromkeys(Dues._fields, "timestamptz"), "has_dossier": "boolean",
    "hides_identity": "boolean", "restricted": "boolean", "anonymous": "boolean", "terms": "jsonb", "moves": "integer",
    "reopened": "integer", "remote": "boolean", "instance": "integer", "rating": "integer",
    "answer_working_days": "integer", "secret_hash": "bytea", "sealed": "bytea",
}  # fmt: skip
LISTS = ("categories", "not_to", "been")  # arrays have no array of their own: they travel as JSON


async def add(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Store new feedback; return ids by code. rows: with the members of `INSERTED`."""
    taken = [f"ARRAY(SELECT jsonb_array_elements_text(g.{c}))" if c in LISTS else f"g.{c}" for c in INSERTED]
    given = ", ".join(
        f"CAST(:{name} AS {'jsonb' if name in LISTS else TYPES.get(name, 'text')}[])" for name in INSERTED
    )
    found = await connection.execute(
        text(
            f"INSERT INTO complaints.complaint ({', '.join(INSERTED)}) SELECT {', '.join(taken)} "
            f"FROM unnest({given}) AS g({', '.join(INSERTED)}) RETURNING code, id"
        ),
        {name: [orjson.dumps(r[name]).decode() if name in LISTS else r[name] for r in rows] for name in INSERTED},
    )
    return {row.code: row.id for row in found}


WRITTEN = ("text", "sealed", "answer", "sealed_answer", "unit", "place", "dossier", "procedure")


async def put(connection: AsyncConnection, feedback: Feedback) -> None:
    """Store a changed feedback, which the caller has locked; its revision is the new one."""
    values = case_values(feedback.case) | {name: getattr(feedback, name) for name in ("id", "revision", *WRITTEN)}
    changed = ", ".join(
        f"{name} = CAST(:{name} AS jsonb)" if name == "terms" else f"{name} = :{name}"
        for name in values
        if name not in ("id", "code", "filed_at")
    )
    await connection.execute(text(f"UPDATE complaints.complaint SET {changed} WHERE id = :id"), values)


async def add_steps(connection: AsyncConnection, steps: Sequence[Step]) -> None:
    names = ", ".join(Step._fields)
    types = ("text", "integer", "timestamptz", "text", "text", "text", "bytea")
    given = ", ".join(f"CAST(:{name} AS {type}[])" for name, type in zip(Step._fields, types, strict=True))
    await connection.execute(
        text(f"INSERT INTO complaints.step ({names}) SELECT * FROM unnest({given})"),
        {name: [step[at] for step in steps] for at, name in enumerate(Step._fields)},
    )


async def steps_of(connection: AsyncConnection, code: str) -> list[Step]:
    """Return the history of a feedback, in order; who read the identity stands in a log of its own."""
    rows = await connection.execute(
        text(f"SELECT {', '.join(Step._fields)} FROM complaints.step WHERE code = :code AND act <> :read ORDER BY id"),
        {"code": code, "read": identities.ACT},
    )
    return [Step(*row) for row in rows]


async def find(connection: AsyncConnection, code: str, *, lock: bool = False) -> Feedback | None:
    """Return a feedback by its number."""
    rows = await connection.execute(
        text(f"SELECT {COLUMNS} FROM complaints.complaint WHERE code = :code{' FOR UPDATE' if lock else ''}"),
        {"code": code},
    )
    row = rows.one_or_none()
    return _feedback(row) if row else None


async def lock_joined(connection: AsyncConnection, code: str) -> list[Feedback]:
    """Return what is joined to a feedback, locked in the order of ids."""
    rows = await connection.execute(
        text(f"SELECT {COLUMNS} FROM complaints.complaint WHERE joined_to = :code ORDER BY id FOR UPDATE"),
        {"code": code},
    )
    return [_feedback(row) for row in rows]


async def by_ids(connection: AsyncConnection, codes: Iterable[str], actor: Actor) -> list[Feedback]:
    """Return those of some feedback that an actor may see."""
    rows = await connection.execute(
        text(f"SELECT {COLUMNS} FROM complaints.complaint c WHERE code = ANY(:codes) AND {VISIBLE} ORDER BY id DESC"),
        {"codes": list(codes), **visible_values(actor)},
    )
    return [_feedback(row) for row in rows]


OPEN = "c.state NOT IN ('answered', 'published', 'refused', 'joined')"
IN_STATE = {
    None: "true", "open": OPEN, "answered": "c.state IN ('answered', 'published')", "refused": "c.state = 'refused'",
    "undecided": f"{OPEN} AND c.kind_by IS NULL",
}  # fmt: skip


async def find_visible(connection: AsyncConnection, actor: Actor, code: str) -> int | None:
    """Return the id of a feedback that an actor may see. It is shown to nobody: its gaps would tell what is hidden."""
    found = await connection.scalar(
        text(f"SELECT c.id FROM complaints.complaint c WHERE c.code = :code AND {VISIBLE}"),
        {"code": code, **visible_values(actor)},
    )
    return int(found) if found is not None else None


async def list_visible(
    connection: AsyncConnection, actor: Actor, *, state: str | None, before: int | None, limit: int
) -> list[Feedback]:
    """Return what an actor may see, the newest first. before: the id that ended the page before."""
    rows = await connection.execute(
        text(
            f"SELECT {COLUMNS} FROM complaints.complaint c WHERE {VISIBLE} AND {IN_STATE[state]} "
            "AND (CAST(:before AS bigint) IS NULL OR c.id < :before) ORDER BY c.id DESC LIMIT :limit"
        ),
        {"before": before, "limit": limit, **visible_values(actor)},
    )
    return [_feedback(row) for row in rows]


async def count_visible(connection: AsyncConnection, actor: Actor) -> dict[str, int]:
    """Return how many an actor may see, by state."""
    rows = await connection.execute(
        text(f"SELECT c.state, count(*) FROM complaints.complaint c WHERE {VISIBLE} GROUP BY c.state ORDER BY c.state"),
        visible_values(actor),
    )
    return {row[0]: row[1] for row in rows}


async def count(connection: AsyncConnection) -> dict[str, int]:
    """Return how many there are for all to know: what is restricted is in no count."""
    rows = await connection.execute(
        text(
            f"SELECT count(*) FILTER (WHERE {OPEN}), count(*) FILTER (WHERE c.answered_at IS NOT NULL) "
            "FROM complaints.complaint c WHERE NOT c.restricted"
        )
    )
    waiting, answered = rows.one()
    return {"open": waiting, "answered": answered}
