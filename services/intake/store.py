"""The tables of schema `intake` and all of intake's SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.memory import Memory

Described = Literal["unit", "procedure", "calendar"]
COUNTED_OBJECTS = ("accepted", "repeated", "refused")
COUNTED = 100_000  # dossiers; counting more would take longer than the question is worth
DESCRIBED = """
    CREATE TABLE IF NOT EXISTS intake.{table} (
        code text PRIMARY KEY,
        revision integer NOT NULL,
        document json NOT NULL,
        announced_at timestamptz
    )
    """  # one table a kind of reference data
IMPORT_TOTAL = """
    CREATE TABLE IF NOT EXISTS intake.import_total (  -- the sums of an import's lines
        import_id text PRIMARY KEY,
        lines integer NOT NULL,
        accepted bigint NOT NULL,
        repeated bigint NOT NULL,
        refused bigint NOT NULL,
        refused_lines integer NOT NULL
    ) WITH (fillfactor = 50)
    """
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
    """Record what became of import lines; a line processed again keeps its first outcome, and counts once.

    The sums of an import are locked until the commit: let this be the last that a transaction waits for.
    """
    if outcomes:
        await connection.execute(
            text(
                "WITH done AS (INSERT INTO intake.import_line "
                "SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:lines AS integer[]), "
                "CAST(:accepted AS integer[]), CAST(:repeated AS integer[]), CAST(:refused AS integer[])) "
                "ON CONFLICT DO NOTHING RETURNING import_id, accepted, repeated, refused) "
                "INSERT INTO intake.import_total AS t SELECT import_id, count(*), sum(accepted), sum(repeated), "
                "sum(refused), count(*) FILTER (WHERE refused > 0) FROM done GROUP BY import_id ORDER BY import_id "
                "ON CONFLICT (import_id) DO UPDATE SET lines = t.lines + excluded.lines, "
                "accepted = t.accepted + excluded.accepted, repeated = t.repeated + excluded.repeated, "
                "refused = t.refused + excluded.refused, refused_lines = t.refused_lines + excluded.refused_lines"
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
    """Return lines done, objects accepted, repeated and refused, and the lines in which some were refused."""
    rows = await connection.execute(
        text("SELECT lines, accepted, repeated, refused, refused_lines FROM intake.import_total WHERE import_id = :id"),
        {"id": import_id},
    )
    row = rows.one_or_none()
    return dict(row._mapping) if row else dict.fromkeys(("lines", *COUNTED_OBJECTS, "refused_lines"), 0)


async def list_runs_done(connection: AsyncConnection, import_id: str) -> list[tuple[int, int]]:
    """Return the lines that are done as runs without a gap: the first and the last of each, in order."""
    rows = await connection.execute(
        text(
            "SELECT min(line), max(line) FROM (SELECT line, line - row_number() OVER (ORDER BY line) AS run "
            "FROM intake.import_line WHERE import_id = :id) AS numbered GROUP BY run ORDER BY 1"
        ),
        {"id": import_id},
    )
    return [(first, last) for first, last in rows]


async def lock_described(
    connection: AsyncConnection, table: Described, codes: Sequence[str] | None
) -> dict[str, tuple[int, dict[str, Any]]]:
    """Return revision and document of the known ones of `codes`, None is all; other loads of that table wait."""
    await connection.execute(text(f"LOCK TABLE intake.{table} IN SHARE ROW EXCLUSIVE MODE"))
    some = "" if codes is None else "WHERE code = ANY(:codes)"
    rows = await connection.execute(
        text(f"SELECT code, revision, document FROM intake.{table} {some}"),
        {} if codes is None else {"codes": list(codes)},
    )
    return {code: (revision, document) for code, revision, document in rows}


async def put_described(
    connection: AsyncConnection, table: Described, documents: Mapping[str, tuple[int, dict[str, Any]]], *, at: datetime
) -> None:
    """Store documents with their revisions, announced at `at`."""
    codes = sorted(documents)
    await connection.execute(
        text(
            f"INSERT INTO intake.{table} (code, revision, document, announced_at) SELECT code, revision, document, :at "
            "FROM unnest(CAST(:codes AS text[]), CAST(:revisions AS integer[]), CAST(:documents AS json[])) "
            "AS new(code, revision, document) ON CONFLICT (code) DO UPDATE SET revision = excluded.revision, "
            "document = excluded.document, announced_at = excluded.announced_at"
        ),
        {
            "at": at,
            "codes": codes,
            "revisions": [documents[code][0] for code in codes],
            "documents": [orjson.dumps(documents[code][1]).decode() for code in codes],
        },
    )


async def list_described(connection: AsyncConnection, table: Described) -> list[dict[str, Any]]:
    """Return every document with its revision, by code."""
    rows = await connection.execute(text(f"SELECT revision, document FROM intake.{table} ORDER BY code"))
    return [{**document, "revision": revision} for revision, document in rows]


class Announced(NamedTuple):
    """A document as it was announced. at: None where that was before the moment was kept."""

    code: str
    revision: int
    document: dict[str, Any]
    at: datetime | None


async def list_announced(
    connection: AsyncConnection, table: Described, *, after: str, limit: int, since: datetime | None
) -> list[Announced]:
    """Return a page of documents in the order of their codes, those announced since then."""
    rows = await connection.execute(
        text(
            f"SELECT code, revision, document, announced_at FROM intake.{table} WHERE code > :after "
            "AND (CAST(:since AS timestamptz) IS NULL OR announced_at >= :since) ORDER BY code LIMIT :limit"
        ),
        {"after": after, "limit": limit, "since": since},
    )
    return [Announced._make(row) for row in rows]


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
                "(SELECT count(*) FROM (SELECT 1 FROM intake.thing WHERE key !~ '^[a-z_]+/' "
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
