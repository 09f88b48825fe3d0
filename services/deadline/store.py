"""The tables of schema `deadline` and all of deadline's SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.deadline.changes import timer_of
from shared import tracing
from shared.events import Obligation

OPEN = "AND state IN ('open', 'paused')"
# also of a feedback that no answer is owed to any more, where something else still is
OPEN_MATTER = (
    "AND (state IN ('open', 'paused') OR (kind = 'answer' AND parts IS NOT NULL AND EXISTS (SELECT FROM "
    "deadline.obligation p WHERE p.id = ANY(string_to_array(o.parts, E'\\n')) AND p.state IN ('open', 'paused'))))"
)
COUNT_S, CANCELLED = 20, "57014"  # a total is not worth more; SQLSTATE of a statement that ran out of time
A_SECOND = timedelta(seconds=1)

TABLES = (
    """
    CREATE TABLE deadline.obligation (
        id text PRIMARY KEY,
        kind text NOT NULL,
        state text NOT NULL,
        due_at timestamptz,
        near_at timestamptz,
        timer_at timestamptz,
        trace uuid,  -- of what was last said of it: the sweep has no other cause
        parent text,  -- of a part of a dossier: the dossier's
        parts text,  -- of a dossier that has some: theirs, a line each
        changed_at timestamptz NOT NULL DEFAULT now(),
        document json NOT NULL,
        confidential boolean NOT NULL DEFAULT false  -- in no list, count or export
    ) WITH (fillfactor = 85)
    """,
    "CREATE INDEX obligation_timer ON deadline.obligation (timer_at) WHERE timer_at IS NOT NULL",
)


class Matter(NamedTuple):
    """A matter's own obligation, and the ids of its parts."""

    obligation: Obligation
    parts: Sequence[str]


class Put(NamedTuple):
    """An obligation to store. trace: what caused it. parts: ids, of a matter that has some."""

    obligation: Obligation
    trace: str
    parts: Sequence[str] = ()


async def lock_matters(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Matter]:
    """Lock the known ones of `ids`, in id order; parts are locked only behind the lock of their matter."""
    rows = await connection.execute(
        text("SELECT id, document::text, parts FROM deadline.obligation WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"),
        {"ids": list(ids)},
    )
    return {id: Matter(orjson.loads(document), _lines(parts)) for id, document, parts in rows}


async def lock_obligations(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Obligation]:
    """Lock the known ones of `ids`, in id order, and return them."""
    rows = await connection.execute(
        text("SELECT id, document::text FROM deadline.obligation WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"),
        {"ids": list(ids)},
    )
    return {id: orjson.loads(document) for id, document in rows}


async def get_obligations(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Obligation]:
    rows = await connection.execute(
        text("SELECT id, document::text FROM deadline.obligation WHERE id = ANY(:ids)"), {"ids": list(ids)}
    )
    return {id: orjson.loads(document) for id, document in rows}


async def find_obligation(connection: AsyncConnection, id: str) -> Obligation | None:
    document = (
        await connection.execute(text("SELECT document::text FROM deadline.obligation WHERE id = :id"), {"id": id})
    ).scalar()
    return orjson.loads(document) if document else None


async def put_obligations(connection: AsyncConnection, puts: Iterable[Put]) -> None:
    """Store the new state of obligations locked before."""
    columns = _columns(puts)
    if columns["ids"]:
        await connection.execute(
            text(
                "UPDATE deadline.obligation AS o SET state = n.state, due_at = n.due_at, near_at = n.near_at, "
                "timer_at = n.timer_at, trace = n.trace, parts = n.parts, changed_at = now(), "
                f"confidential = n.confidential, document = n.document FROM {ROWS} WHERE o.id = n.id"
            ),
            columns,
        )


async def add_obligations(connection: AsyncConnection, puts: Iterable[Put]) -> set[str]:
    """Store obligations not known before; returns the ids that were stored, another copy may have been first."""
    columns = _columns(puts)
    if not columns["ids"]:
        return set()
    rows = await connection.execute(
        text(
            "INSERT INTO deadline.obligation "
            "(id, kind, state, due_at, near_at, timer_at, trace, parent, parts, document, confidential) "
            "SELECT id, kind, state, due_at, near_at, timer_at, trace, parent, parts, document, confidential "
            f"FROM {ROWS} ON CONFLICT (id) DO NOTHING RETURNING id"
        ),
        columns,
    )
    return set(rows.scalars())


ROWS = (
    "unnest(CAST(:ids AS text[]), CAST(:kinds AS text[]), CAST(:states AS text[]), CAST(:due_ats AS timestamptz[]), "
    "CAST(:near_ats AS timestamptz[]), CAST(:timers AS timestamptz[]), CAST(:traces AS uuid[]), "
    "CAST(:parents AS text[]), CAST(:parts AS text[]), CAST(:documents AS json[]), CAST(:hidden AS boolean[])) "
    "AS n(id, kind, state, due_at, near_at, timer_at, trace, parent, parts, document, confidential)"
)


def _columns(puts: Iterable[Put]) -> dict[str, list[Any]]:
    ordered = sorted(puts, key=lambda put: put.obligation["obligation_id"])
    obligations = [put.obligation for put in ordered]
    return {
        "ids": [o["obligation_id"] for o in obligations],
        "kinds": [o["kind"] for o in obligations],
        "states": ["void" if o["end"] == "void" else o["state"] for o in obligations],
        "due_ats": [_at(o["due_at"]) for o in obligations],
        "near_ats": [_at(o["near_at"]) for o in obligations],
        "timers": [_timer(o) for o in obligations],
        "traces": [tracing.id_of(put.trace) or None for put in ordered],
        "parents": [o["parent"] for o in obligations],
        "parts": ["\n".join(put.parts) or None for put in ordered],
        "documents": [orjson.dumps(o).decode() for o in obligations],
        "hidden": [o.get("confidential", False) for o in obligations],  # a state stored before there was the word
    }


def _at(iso: str | None) -> datetime | None:
    return datetime.fromisoformat(iso) if iso else None


def _timer(obligation: Obligation) -> datetime | None:
    """Late begins a second after the due time, so its timer stands there."""
    at = _at(timer_of(obligation))
    return at + A_SECOND if at and obligation["timing"] == "due_soon" else at


async def claim_due(connection: AsyncConnection, *, now: datetime, limit: int) -> list[Put]:
    """Lock obligations whose timer is due, and return them as stored; another copy's are passed over."""
    rows = await connection.execute(
        text(
            "SELECT document::text, trace, parts FROM deadline.obligation WHERE timer_at <= :now "
            "ORDER BY timer_at LIMIT :limit FOR UPDATE SKIP LOCKED"
        ),
        {"now": now, "limit": limit},
    )
    return [_put(row) for row in rows]


def _put(row: Row[Any]) -> Put:
    trace = tracing.of_id(row.trace.hex) if row.trace else tracing.NONE
    return Put(orjson.loads(row.document), trace, _lines(row.parts))


def _lines(parts: str | None) -> tuple[str, ...]:
    return tuple(parts.split("\n")) if parts else ()


async def list_obligations(
    connection: AsyncConnection, *, after: str, limit: int, kind: str | None = None
) -> list[Obligation]:
    """Return a page of obligations in id order; what turned out not to be, and what is confidential, is left out."""
    rows = await connection.execute(
        text(
            "SELECT document::text FROM deadline.obligation WHERE id > :after "
            "AND (CAST(:kind AS text) IS NULL OR kind = :kind) AND state <> 'void' AND NOT confidential "
            "ORDER BY id LIMIT :limit"
        ),
        {"after": after, "limit": limit, "kind": kind},
    )
    return [orjson.loads(document) for document in rows.scalars()]


async def list_matters(
    connection: AsyncConnection, *, after: str, limit: int, open_only: bool = False, lock: bool = False
) -> dict[str, Put]:
    """Return a page of matters' own obligations, those of parts left out, in id order. lock: for a change of them."""
    rows = await connection.execute(
        text(
            "SELECT id, document::text AS document, trace, parts FROM deadline.obligation o WHERE id > :after "
            f"AND parent IS NULL {OPEN_MATTER * open_only} ORDER BY id LIMIT :limit {'FOR UPDATE OF o' * lock}"
        ),
        {"after": after, "limit": limit},
    )
    return {row.id: _put(row) for row in rows}


async def list_states(connection: AsyncConnection, *, after: str, limit: int, since: datetime | None) -> list[Put]:
    """Return a page of obligations and parts in id order, those that changed since then."""
    rows = await connection.execute(
        text(
            "SELECT document::text AS document, trace, parts FROM deadline.obligation WHERE id > :after "
            "AND (CAST(:since AS timestamptz) IS NULL OR changed_at >= :since) ORDER BY id LIMIT :limit"
        ),
        {"after": after, "limit": limit, "since": since},
    )
    return [_put(row) for row in rows]


async def is_any_open(connection: AsyncConnection) -> bool:
    found = await connection.execute(text(f"SELECT EXISTS (SELECT FROM deadline.obligation WHERE true {OPEN})"))
    return bool(found.scalar_one())


async def count_matters(connection: AsyncConnection) -> int:
    """Return how many open or paused matters there are, parts not counted; 0 where counting takes too long."""
    try:
        async with connection.begin_nested():
            await connection.execute(text(f"SET LOCAL statement_timeout = {COUNT_S * 1000}"))
            found = await connection.execute(
                text(f"SELECT count(*) FROM deadline.obligation o WHERE parent IS NULL {OPEN_MATTER}")
            )
            number = int(found.scalar_one())
            await connection.execute(text("SET LOCAL statement_timeout = DEFAULT"))
            return number
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != CANCELLED:
            raise
        return 0


async def count_obligations(connection: AsyncConnection, *, since: datetime | None) -> int:
    found = await connection.execute(
        text(
            "SELECT count(*) FROM deadline.obligation WHERE CAST(:since AS timestamptz) IS NULL OR changed_at >= :since"
        ),
        {"since": since},
    )
    return int(found.scalar_one())
