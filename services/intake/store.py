"""The tables of schema `intake` and all of intake's SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.memory import Memory

Described = Literal["unit", "procedure", "calendar"]
COUNTED = 100_000  # dossiers; counting more would take longer than the question is worth
DESCRIBED = """
    CREATE TABLE IF NOT EXISTS intake.{table} (
        code text PRIMARY KEY,
        revision integer NOT NULL,
        document json NOT NULL
    )
    """  # one table a kind of reference data
TABLES = (
    """
    CREATE TABLE intake.thing (  -- a dossier or a duty, and every assertion heard of it
        key text PRIMARY KEY,
        document json NOT NULL
    ) WITH (fillfactor = 85)
    """,
    """
    CREATE TABLE intake.import_line (  -- what became of each line of an import
        import_id text NOT NULL,
        line integer NOT NULL,
        accepted integer NOT NULL,
        repeated integer NOT NULL,
        refused integer NOT NULL,
        PRIMARY KEY (import_id, line)
    )
    """,
)


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """What became of one line of an import: objects accepted, repeated, refused."""

    import_id: str
    line: int
    accepted: int
    repeated: int
    refused: int


async def lock_things(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Memory]:
    """Lock the known ones of `keys`, in key order, and return what is remembered of each."""
    rows = await connection.execute(
        text("SELECT key, document::text FROM intake.thing WHERE key = ANY(:keys) ORDER BY key FOR UPDATE"),
        {"keys": list(keys)},
    )
    return {key: Memory.of(orjson.loads(document)) for key, document in rows}


async def put_things(connection: AsyncConnection, memories: Mapping[str, Memory]) -> None:
    """Store what is now remembered of things locked before."""
    if memories:
        await connection.execute(
            text(
                "UPDATE intake.thing AS t SET document = new.document FROM "
                "unnest(CAST(:keys AS text[]), CAST(:documents AS json[])) AS new(key, document) WHERE t.key = new.key"
            ),
            _columns(memories),
        )


async def add_things(connection: AsyncConnection, memories: Mapping[str, Memory]) -> set[str]:
    """Store things not known before; returns the keys that another copy added meanwhile and that were not stored."""
    if not memories:
        return set()
    rows = await connection.execute(
        text(
            "INSERT INTO intake.thing (key, document) "
            "SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:documents AS json[])) "
            "ON CONFLICT (key) DO NOTHING RETURNING key"
        ),
        _columns(memories),
    )
    return set(memories) - set(rows.scalars())


def _columns(memories: Mapping[str, Memory]) -> dict[str, Any]:
    keys = sorted(memories)
    return {"keys": keys, "documents": [orjson.dumps(memories[key].document()).decode() for key in keys]}


async def add_line_outcomes(connection: AsyncConnection, outcomes: Sequence[LineOutcome]) -> None:
    """Record what became of import lines; a line processed again keeps its first outcome."""
    if outcomes:
        await connection.execute(
            text(
                "INSERT INTO intake.import_line SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:lines AS integer[]), "
                "CAST(:accepted AS integer[]), CAST(:repeated AS integer[]), CAST(:refused AS integer[])) "
                "ON CONFLICT DO NOTHING"
            ),
            {
                "ids": [o.import_id for o in outcomes],
                "lines": [o.line for o in outcomes],
                "accepted": [o.accepted for o in outcomes],
                "repeated": [o.repeated for o in outcomes],
                "refused": [o.refused for o in outcomes],
            },
        )


async def sum_import(connection: AsyncConnection, import_id: str) -> dict[str, int]:
    """Return lines done, objects accepted, repeated and refused, and how many lines from the first have no gap."""
    row = (
        await connection.execute(
            text(
                "SELECT count(*) AS lines, coalesce(sum(accepted), 0) AS accepted, "
                "coalesce(sum(repeated), 0) AS repeated, coalesce(sum(refused), 0) AS refused, "
                "count(*) FILTER (WHERE refused > 0) AS refused_lines "
                "FROM intake.import_line WHERE import_id = :id"
            ),
            {"id": import_id},
        )
    ).one()
    return {name: int(value) for name, value in row._mapping.items()}


async def find_lines_done(connection: AsyncConnection, import_id: str) -> list[int]:
    rows = await connection.execute(
        text("SELECT line FROM intake.import_line WHERE import_id = :id ORDER BY line"), {"id": import_id}
    )
    return list(rows.scalars())


async def lock_described(
    connection: AsyncConnection, table: Described, codes: Sequence[str]
) -> dict[str, tuple[int, dict[str, Any]]]:
    """Return revision and document of the known ones of `codes`; other loads of that table wait from here on."""
    await connection.execute(text(f"LOCK TABLE intake.{table} IN SHARE ROW EXCLUSIVE MODE"))
    rows = await connection.execute(
        text(f"SELECT code, revision, document FROM intake.{table} WHERE code = ANY(:codes)"), {"codes": list(codes)}
    )
    return {code: (revision, document) for code, revision, document in rows}


async def put_described(
    connection: AsyncConnection, table: Described, documents: Mapping[str, tuple[int, dict[str, Any]]]
) -> None:
    codes = sorted(documents)
    await connection.execute(
        text(
            f"INSERT INTO intake.{table} (code, revision, document) "
            "SELECT * FROM unnest(CAST(:codes AS text[]), CAST(:revisions AS integer[]), CAST(:documents AS json[])) "
            "ON CONFLICT (code) DO UPDATE SET revision = excluded.revision, document = excluded.document"
        ),
        {
            "codes": codes,
            "revisions": [documents[code][0] for code in codes],
            "documents": [orjson.dumps(documents[code][1]).decode() for code in codes],
        },
    )


async def list_described(connection: AsyncConnection, table: Described) -> list[dict[str, Any]]:
    """Return every document with its revision, by code."""
    rows = await connection.execute(text(f"SELECT revision, document FROM intake.{table} ORDER BY code"))
    return [{**document, "revision": revision} for revision, document in rows]


async def find_procedure(connection: AsyncConnection, code: str) -> dict[str, Any] | None:
    """Return a procedure with its revision."""
    rows = await connection.execute(
        text("SELECT revision, document FROM intake.procedure WHERE code = :code"), {"code": code}
    )
    return next(({**document, "revision": revision} for revision, document in rows), None)


async def find_unit_codes(connection: AsyncConnection, codes: Sequence[str]) -> set[str]:
    """Return those of `codes` that the directory knows."""
    rows = await connection.execute(
        text("SELECT code FROM intake.unit WHERE code = ANY(:codes)"), {"codes": list(codes)}
    )
    return set(rows.scalars())


async def count_units(connection: AsyncConnection) -> int:
    return int((await connection.execute(text("SELECT count(*) FROM intake.unit"))).scalar_one())


async def counts(connection: AsyncConnection, now: datetime) -> dict[str, dict[str, int]]:
    """Return what `dondoc status` shows. Beyond COUNTED dossiers the planner's statistics tell, once they know."""
    row = (
        await connection.execute(
            text(
                "SELECT (SELECT count(*) FROM intake.unit) AS units, "
                "(SELECT count(*) FROM (SELECT 1 FROM intake.thing WHERE key !~ '^(remediation|report)/' "
                "LIMIT :counted + 1) AS thing) AS counted, "
                "(SELECT reltuples::bigint FROM pg_class WHERE oid = 'intake.thing'::regclass) AS estimated"
            ),
            {"counted": COUNTED},
        )
    ).one()
    if row.counted <= COUNTED:
        dossiers = {"known": int(row.counted)}
    else:
        dossiers = {"about": int(row.estimated)} if row.estimated > COUNTED else {"more than": COUNTED}
    return {"directory": {"units": int(row.units)}, "dossiers": dossiers}


async def list_quarantine(connection: AsyncConnection, *, after: int, limit: int) -> list[dict[str, Any]]:
    rows = await connection.execute(
        text(
            "SELECT id, source, reason, detail, origin, seen, first_at, last_at, octet_length(raw) AS bytes "
            "FROM intake.quarantine WHERE id > :after ORDER BY id LIMIT :limit"
        ),
        {"after": after, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]


async def find_quarantined(connection: AsyncConnection, id: int) -> bytes | None:
    row = await connection.execute(text("SELECT raw FROM intake.quarantine WHERE id = :id"), {"id": id})
    return row.scalar()
