"""The tables of what people put right, and their SQL: links between codes, and reversals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import Fact

OPEN = "AND state = 'open'"
TABLES = (
    """
    CREATE TABLE intake.link (  -- said by a source or an operator: two codes are one dossier
        fact_id text PRIMARY KEY,
        one text NOT NULL,
        other text NOT NULL,
        fact json NOT NULL,
        retraction json
    )
    """,
    "CREATE INDEX link_one ON intake.link (one)",
    "CREATE INDEX link_other ON intake.link (other)",
    "CREATE SEQUENCE intake.link_revision",
    """
    CREATE TABLE intake.reversal (  -- two values of one slot that only the order of their receipt tells apart
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        came text NOT NULL UNIQUE,  -- the fact that came last and counts
        stood text NOT NULL,
        key text NOT NULL,
        document json NOT NULL,
        state text NOT NULL DEFAULT 'open',
        settled json
    )
    """,
    "CREATE INDEX reversal_open ON intake.reversal (id) WHERE state = 'open'",
)


@dataclass(frozen=True, slots=True)
class Link:
    """That two keys are one dossier. fact: as it was heard. retraction: the fact that takes it back."""

    one: str
    other: str
    fact: Fact
    retraction: Fact | None = None


async def lock_links(connection: AsyncConnection) -> None:
    """Let others who change links wait from here on; take it before the locks of things."""
    await connection.execute(text("LOCK TABLE intake.link IN SHARE ROW EXCLUSIVE MODE"))


async def list_links(connection: AsyncConnection, keys: Sequence[str]) -> list[Link]:
    """Return every link of the dossiers that `keys` belong to, retracted ones too."""
    rows = await connection.execute(
        text(
            "WITH RECURSIVE name(key) AS (SELECT unnest(CAST(:keys AS text[])) UNION "
            "SELECT CASE WHEN l.one = name.key THEN l.other ELSE l.one END FROM name "
            "JOIN intake.link AS l ON name.key = l.one OR name.key = l.other WHERE l.retraction IS NULL) "
            "SELECT DISTINCT ON (l.fact_id) l.one, l.other, l.fact::text AS fact, l.retraction::text AS retraction "
            "FROM name JOIN intake.link AS l ON name.key = l.one OR name.key = l.other ORDER BY l.fact_id"
        ),
        {"keys": list(keys)},
    )
    return [
        Link(row.one, row.other, orjson.loads(row.fact), orjson.loads(row.retraction) if row.retraction else None)
        for row in rows
    ]


async def put_links(connection: AsyncConnection, links: Iterable[Link]) -> None:
    """Store new links, and what became of known ones."""
    ordered = sorted(links, key=lambda link: link.fact["id"])
    await connection.execute(
        text(
            "INSERT INTO intake.link (fact_id, one, other, fact, retraction) "
            "SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:ones AS text[]), CAST(:others AS text[]), "
            "CAST(:facts AS json[]), CAST(:retractions AS json[])) "
            "ON CONFLICT (fact_id) DO UPDATE SET retraction = excluded.retraction"
        ),
        {
            "ids": [link.fact["id"] for link in ordered],
            "ones": [link.one for link in ordered],
            "others": [link.other for link in ordered],
            "facts": [orjson.dumps(link.fact).decode() for link in ordered],
            "retractions": [orjson.dumps(link.retraction).decode() if link.retraction else None for link in ordered],
        },
    )


async def next_revision(connection: AsyncConnection) -> int:
    return int((await connection.execute(text("SELECT nextval('intake.link_revision')"))).scalar_one())


async def add_reversals(connection: AsyncConnection, found: Iterable[tuple[str, Fact, Fact]]) -> None:
    """Store reversals: the thing's key, what stood, what came. One known before keeps what became of it."""
    ordered = sorted(found, key=lambda one: one[2]["id"])
    if ordered:
        await connection.execute(
            text(
                "INSERT INTO intake.reversal (came, stood, key, document) "
                "SELECT * FROM unnest(CAST(:came AS text[]), CAST(:stood AS text[]), CAST(:keys AS text[]), "
                "CAST(:documents AS json[])) ON CONFLICT (came) DO NOTHING"
            ),
            {
                "came": [came["id"] for _, _, came in ordered],
                "stood": [stood["id"] for _, stood, _ in ordered],
                "keys": [key for key, _, _ in ordered],
                "documents": [orjson.dumps({"stood": stood, "came": came}).decode() for _, stood, came in ordered],
            },
        )


async def list_reversals(
    connection: AsyncConnection, *, after: int, limit: int, open_only: bool
) -> list[dict[str, Any]]:
    """Return reversals, the oldest first."""
    rows = await connection.execute(
        text(
            "SELECT id, key, document, state, settled FROM intake.reversal WHERE id > :after "
            f"{OPEN * open_only} ORDER BY id LIMIT :limit"
        ),
        {"after": after, "limit": limit},
    )
    return [
        {"id": row.id, "dossier": row.key, **row.document, "state": row.state, "settled": row.settled} for row in rows
    ]


async def find_reversal(connection: AsyncConnection, id: int) -> tuple[str, str, str] | None:
    """Return a reversal's key, what came, and its state."""
    found = await connection.execute(
        text("SELECT key, came, state FROM intake.reversal WHERE id = :id FOR UPDATE"), {"id": id}
    )
    row = found.one_or_none()
    return (row.key, row.came, row.state) if row else None


async def settle_reversals(
    connection: AsyncConnection, facts: Sequence[str], *, state: str, settled: dict[str, Any]
) -> None:
    """Note what became of the open reversals in which one of `facts` stood or came."""
    await connection.execute(
        text(
            "UPDATE intake.reversal SET state = :state, settled = CAST(:settled AS json) "
            "WHERE state = 'open' AND (came = ANY(:facts) OR stood = ANY(:facts))"
        ),
        {"facts": list(facts), "state": state, "settled": orjson.dumps(settled).decode()},
    )
