"""The operator's queue: what pressing cannot settle by itself, and somebody has to look at.

A case is open once for each (kind, subject); opened again it is the same. It never holds names, addresses or texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.audit import entries
from services.notify.audit import store as audit

# no_head: a unit nobody heads; no_contact: a head nobody reaches; loop: units above one another in a ring;
# unit_unknown: no unit of the directory is meant; not_ours, said_settled: what an acknowledgement said;
# own_absence: a head told that he is away, for the directory to say;
# undelivered: no channel and no other person was reached; dead_address: a provider refused it for good, its subject
# is `address/` and the number in the list of dead addresses; pattern_unsaid: of many feedbacks nobody above could be
# told, its subject is the pattern's number
Kind = Literal[
    "no_head",
    "no_contact",
    "loop",
    "unit_unknown",
    "not_ours",
    "said_settled",
    "own_absence",
    "undelivered",
    "dead_address",
    "pattern_unsaid",
]
ELSE = ("mended", "dismissed")
OUTCOMES: dict[Kind, tuple[str, ...]] = {  # how an operator may close one; else as above
    "not_ours": ("stays", "handed_over"),
    "said_settled": ("not_settled", "corrected"),
    "own_absence": ("entered", "dismissed"),
}

DDL = """
    CREATE TABLE IF NOT EXISTS {schema}.operator_case (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind text NOT NULL,
        subject text NOT NULL,
        unit text,
        detail text NOT NULL DEFAULT '',
        opened_at timestamptz NOT NULL,
        answer_by timestamptz,
        closed_at timestamptz,
        outcome text NOT NULL DEFAULT ''
    )
"""  # subject: of an obligation or a notice its id, of a unit its code; answer_by: business time
ONE_OPEN = (
    "CREATE UNIQUE INDEX IF NOT EXISTS operator_case_open ON {schema}.operator_case (kind, subject) "
    "WHERE closed_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Case:
    """Something for the operator. unit: whose matter it is, where known. answer_by: until when to act."""

    kind: Kind
    subject: str
    unit: str | None = None
    detail: str = ""
    answer_by: datetime | None = None


async def open_all(connection: AsyncConnection, cases: Sequence[Case], *, at: datetime) -> None:
    """Open cases; one that is open already stays as it is."""
    if not cases:
        return
    ordered = sorted({(case.kind, case.subject): case for case in cases}.values(), key=lambda c: (c.kind, c.subject))
    await connection.execute(
        text(
            "INSERT INTO notify.operator_case (kind, subject, unit, detail, answer_by, opened_at) SELECT *, :at FROM "
            "unnest(CAST(:kinds AS text[]), CAST(:subjects AS text[]), CAST(:units AS text[]), "
            "CAST(:details AS text[]), CAST(:answer_bys AS timestamptz[])) "
            "ON CONFLICT (kind, subject) WHERE closed_at IS NULL DO NOTHING"
        ),
        {
            "at": at,
            "kinds": [case.kind for case in ordered],
            "subjects": [case.subject for case in ordered],
            "units": [case.unit for case in ordered],
            "details": [case.detail for case in ordered],
            "answer_bys": [case.answer_by for case in ordered],
        },
    )


async def close(connection: AsyncConnection, kind: Kind, subjects: Sequence[str], *, outcome: str, at: datetime) -> int:
    """Close open cases; returns how many there were. Late in a transaction: the audit is locked until its end."""
    rows = await connection.execute(
        text(
            "UPDATE notify.operator_case SET closed_at = :at, outcome = :outcome "
            "WHERE kind = :kind AND subject = ANY(:subjects) AND closed_at IS NULL RETURNING subject"
        ),
        {"kind": kind, "subjects": list(subjects), "outcome": outcome, "at": at},
    )
    closed = sorted(rows.scalars())
    await audit.append(connection, [entries.case_closed(kind, one, outcome=outcome, at=at) for one in closed])
    return len(closed)


async def find_open(connection: AsyncConnection, id: int) -> Case | None:
    """Return an open case; None where none of that id is open."""
    rows = await connection.execute(
        text(
            "SELECT kind, subject, unit, detail, answer_by FROM notify.operator_case "
            "WHERE id = :id AND closed_at IS NULL"
        ),
        {"id": id},
    )
    row = rows.one_or_none()
    return Case(*row) if row else None


async def list_open(connection: AsyncConnection, *, after: int, limit: int) -> list[dict[str, Any]]:
    """Return open cases in the order they were opened, behind the id `after`."""
    rows = await connection.execute(
        text(
            "SELECT id, kind, subject, unit, detail, opened_at, answer_by FROM notify.operator_case "
            "WHERE closed_at IS NULL AND id > :after ORDER BY id LIMIT :limit"
        ),
        {"after": after, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]
