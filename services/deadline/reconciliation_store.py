"""Censuses of sources as heard, and what came of comparing them: their tables and SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.deadline.reconciling import Difference

TABLES = (
    """
    CREATE TABLE deadline.reconciliation (  -- a source's census, and what came of it
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        source text NOT NULL,
        taken_at timestamptz NOT NULL,
        mirror boolean NOT NULL,
        parts integer NOT NULL,
        heard_at timestamptz NOT NULL,  -- the newest part
        revision integer NOT NULL DEFAULT 0,  -- how often it was compared: again after a correction
        compared_at timestamptz,  -- business time; null: waits for parts, or for news on their way
        result json,
        UNIQUE (source, taken_at)
    )
    """,
    """
    CREATE TABLE deadline.reconciliation_part (
        reconciliation bigint NOT NULL REFERENCES deadline.reconciliation (id),
        part integer NOT NULL,
        heard_at timestamptz NOT NULL,
        document json NOT NULL,
        PRIMARY KEY (reconciliation, part)
    )
    """,
    """
    CREATE TABLE deadline.reconciliation_difference (
        reconciliation bigint NOT NULL REFERENCES deadline.reconciliation (id),
        dossier text NOT NULL,
        reason text NOT NULL,
        document json NOT NULL,
        PRIMARY KEY (reconciliation, dossier)
    )
    """,
)
COLUMNS = "id, source, taken_at, mirror, parts, heard_at, revision, compared_at, result"


class Reconciliation(NamedTuple):
    """A census and, once compared, its result: counts by side, how many were listed, agreed on, and why not."""

    id: int
    source: str
    taken_at: datetime
    mirror: bool
    parts: int
    heard_at: datetime
    revision: int
    compared_at: datetime | None
    result: dict[str, Any] | None


async def put_part(connection: AsyncConnection, census: Mapping[str, Any], *, heard_at: datetime) -> None:
    """Keep a part, unless a newer one is there; then the census is to be compared, perhaps once more.

    Where a source cuts its census into another number of parts, those of the older cut are dropped.
    """
    found = await connection.execute(
        text(
            "INSERT INTO deadline.reconciliation AS r (source, taken_at, mirror, parts, heard_at) "
            "VALUES (:source, :taken_at, :mirror, :parts, :heard_at) ON CONFLICT (source, taken_at) DO UPDATE SET "
            "parts = CASE WHEN excluded.heard_at >= r.heard_at THEN excluded.parts ELSE r.parts END, "
            "mirror = CASE WHEN excluded.heard_at >= r.heard_at THEN excluded.mirror ELSE r.mirror END, "
            "heard_at = greatest(r.heard_at, excluded.heard_at) RETURNING id, parts"
        ),
        {**{name: census[name] for name in ("source", "taken_at", "mirror", "parts")}, "heard_at": heard_at},
    )
    id, parts = found.one()
    if parts != census["parts"]:
        return  # of an older cut
    await connection.execute(
        text(
            "DELETE FROM deadline.reconciliation_part WHERE reconciliation = :id "
            "AND CAST(document->>'parts' AS integer) <> :parts"
        ),
        {"id": id, "parts": parts},
    )
    document = {name: census[name] for name in ("parts", "counts", "ended_from", "units", "overdue")}
    changed = await connection.execute(
        text(
            "INSERT INTO deadline.reconciliation_part AS p VALUES (:id, :part, :heard_at, CAST(:document AS json)) "
            "ON CONFLICT (reconciliation, part) DO UPDATE SET heard_at = excluded.heard_at, "
            "document = excluded.document WHERE p.heard_at < excluded.heard_at RETURNING part"
        ),
        {"id": id, "part": census["part"], "heard_at": heard_at, "document": orjson.dumps(document).decode()},
    )
    if changed.first():
        await connection.execute(
            text("UPDATE deadline.reconciliation SET compared_at = NULL WHERE id = :id"), {"id": id}
        )


async def find_ready(
    connection: AsyncConnection, *, taken_by: datetime, but: Collection[int] = ()
) -> Reconciliation | None:
    """Return the oldest census with all its parts that is not compared yet, of those taken by then, `but` left out."""
    rows = await connection.execute(
        text(
            f"SELECT {COLUMNS} FROM deadline.reconciliation AS r WHERE compared_at IS NULL AND taken_at <= :taken_by "
            "AND r.id <> ALL(CAST(:but AS bigint[])) "
            "AND parts = (SELECT count(*) FROM deadline.reconciliation_part WHERE reconciliation = r.id) "
            "ORDER BY taken_at, id LIMIT 1"
        ),
        {"taken_by": taken_by, "but": sorted(but)},
    )
    row = rows.one_or_none()
    return Reconciliation._make(row) if row else None


async def list_parts(connection: AsyncConnection, id: int) -> list[dict[str, Any]]:
    rows = await connection.execute(
        text("SELECT document FROM deadline.reconciliation_part WHERE reconciliation = :id ORDER BY part"), {"id": id}
    )
    return list(rows.scalars())


async def list_candidates(connection: AsyncConnection, *, source: str, at: datetime) -> list[str]:
    """Return the dossiers first heard of from `source` that may have been overdue at that moment, in order.

    Every date of a dossier lies at or behind its first or at or behind its present one, but for a date that was moved
    to and fro in between; such a dossier is compared only where the source lists it.
    """
    rows = await connection.execute(
        text(
            "SELECT document->>'subject_id' FROM deadline.obligation WHERE kind = 'dossier' "
            "AND document->>'source' = :source "
            "AND least(due_at, CAST(document->>'first_due_at' AS timestamptz)) < :at "
            "AND state <> 'void' AND (state <> 'ended' OR CAST(document->>'ended_at' AS timestamptz) > :at) ORDER BY id"
        ),
        {"source": source, "at": at},
    )
    return list(rows.scalars())


async def list_void(connection: AsyncConnection, codes: Sequence[str]) -> list[str]:
    """Return those of some codes under which there is no dossier any more: it may go by another code."""
    rows = await connection.execute(
        text(
            "SELECT document->>'subject_id' FROM deadline.obligation WHERE id = ANY(:ids) AND state = 'void' "
            "ORDER BY id"
        ),
        {"ids": [f"dossier/{code}" for code in codes]},
    )
    return list(rows.scalars())


class UnitCount(NamedTuple):
    """Dossiers of a unit at a moment, paused ones among the open, and those that ended in a period up to then."""

    unit: str | None
    unit_name: str | None
    open: int
    ended: int


async def count_by_unit(
    connection: AsyncConnection, *, source: str, at: datetime, ended_from: datetime | None
) -> list[UnitCount]:
    rows = await connection.execute(
        text(
            "SELECT unit, unit_name, count(*) FILTER (WHERE ended_at IS NULL OR ended_at > :at), "
            "count(*) FILTER (WHERE ended_at >= :since AND ended_at <= :at) FROM ("
            "SELECT document->>'unit' AS unit, document->>'unit_name' AS unit_name, "
            "CAST(document->>'ended_at' AS timestamptz) AS ended_at FROM deadline.obligation WHERE kind = 'dossier' "
            "AND state <> 'void' AND document->>'source' = :source "
            "AND CAST(document->>'accepted_at' AS timestamptz) <= :at) AS dossier "
            "GROUP BY unit, unit_name"
        ),
        {"source": source, "at": at, "since": ended_from},
    )
    return [UnitCount._make(row) for row in rows]


async def put_result(
    connection: AsyncConnection,
    one: Reconciliation,
    differences: Sequence[Difference],
    result: Mapping[str, Any],
    *,
    at: datetime,
) -> None:
    """Store what came of a census in place of what came of it before; not where a part came meanwhile."""
    stored = await connection.execute(
        text(
            "UPDATE deadline.reconciliation SET compared_at = :at, revision = revision + 1, "
            "result = CAST(:result AS json) WHERE id = :id AND compared_at IS NULL AND heard_at = :heard_at "
            "RETURNING id"
        ),
        {"id": one.id, "heard_at": one.heard_at, "at": at, "result": orjson.dumps(result).decode()},
    )
    if not stored.first():
        return
    await connection.execute(
        text("DELETE FROM deadline.reconciliation_difference WHERE reconciliation = :id"), {"id": one.id}
    )
    await connection.execute(
        text(
            "INSERT INTO deadline.reconciliation_difference SELECT :id, * FROM unnest(CAST(:dossiers AS text[]), "
            "CAST(:reasons AS text[]), CAST(:documents AS json[]))"
        ),
        {
            "id": one.id,
            "dossiers": [difference["dossier"] for difference in differences],
            "reasons": [difference["reason"] for difference in differences],
            "documents": [orjson.dumps(difference).decode() for difference in differences],
        },
    )


async def list_reconciliations(
    connection: AsyncConnection, *, source: str | None, before: int, limit: int
) -> list[Reconciliation]:
    """Return a page, the newest first."""
    rows = await connection.execute(
        text(
            f"SELECT {COLUMNS} FROM deadline.reconciliation WHERE id < :before "
            "AND (CAST(:source AS text) IS NULL OR source = :source) ORDER BY id DESC LIMIT :limit"
        ),
        {"source": source, "before": before, "limit": limit},
    )
    return [Reconciliation._make(row) for row in rows]


async def find_reconciliation(connection: AsyncConnection, id: int) -> Reconciliation | None:
    rows = await connection.execute(text(f"SELECT {COLUMNS} FROM deadline.reconciliation WHERE id = :id"), {"id": id})
    row = rows.one_or_none()
    return Reconciliation._make(row) if row else None


async def list_differences(
    connection: AsyncConnection, id: int, *, after: str, limit: int, reason: str | None
) -> list[dict[str, Any]]:
    """Return a page of differences, by dossier."""
    rows = await connection.execute(
        text(
            "SELECT document FROM deadline.reconciliation_difference WHERE reconciliation = :id AND dossier > :after "
            "AND (CAST(:reason AS text) IS NULL OR reason = :reason) ORDER BY dossier LIMIT :limit"
        ),
        {"id": id, "after": after, "limit": limit, "reason": reason},
    )
    return list(rows.scalars())


async def count_newest(connection: AsyncConnection) -> dict[tuple[str, str], int]:
    """Return the differences of each source's newest compared census, by reason."""
    rows = await connection.execute(
        text(
            "SELECT source, result FROM (SELECT DISTINCT ON (source) source, result FROM deadline.reconciliation "
            "WHERE compared_at IS NOT NULL ORDER BY source, taken_at DESC) AS newest"
        )
    )
    return {(row.source, reason): number for row in rows for reason, number in row.result["by_reason"].items()}
