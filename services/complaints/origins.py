"""What came from outside under a number of its own: which feedback it became, and how new what was said of it is.

A number may be one of a telephone, so it is kept as a digest that nobody can try out. SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.secrecy import pepper

DDL = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.origin (
        source text NOT NULL,
        ref bytea NOT NULL,
        code text NOT NULL,
        as_of timestamptz,
        rank integer NOT NULL DEFAULT 0,
        PRIMARY KEY (source, ref)
    )
    """,
)


class Origin(NamedTuple):
    """source: such as `hotline`. ref: its number there, as written. digest: of both, which is what is kept."""

    source: str
    ref: str
    digest: bytes


def of(secret: bytes, source: str, ref: str) -> Origin:
    """Return an origin. secret: the pepper of the installation."""
    return Origin(source, ref, pepper.digest(secret, source, ref))


class Known(NamedTuple):
    """What is known of an origin. as_of, rank: of the newest state that was taken over; None: of none yet."""

    code: str
    as_of: datetime | None
    rank: int


async def claim(connection: AsyncConnection, codes: Sequence[tuple[Origin, str]]) -> dict[Origin, str]:
    """Give origins the codes of new feedback; return those that had one before, with it.

    One that is being claimed elsewhere is waited for. Of two equal ones the first is claimed.
    """
    given = sorted((origin.source, origin.digest, code) for origin, code in codes)
    await connection.execute(
        text(
            "INSERT INTO complaints.origin (source, ref, code) SELECT * FROM unnest(CAST(:sources AS text[]), "
            "CAST(:refs AS bytea[]), CAST(:codes AS text[])) ON CONFLICT DO NOTHING"
        ),
        {name: [one[at] for one in given] for at, name in enumerate(("sources", "refs", "codes"))},
    )
    known = await find(connection, [origin for origin, _ in codes])
    return {origin: known[origin].code for origin, code in codes if known[origin].code != code}


async def find(connection: AsyncConnection, origins: Iterable[Origin], *, lock: bool = False) -> dict[Origin, Known]:
    """Return what is known of some origins. lock: until the transaction ends."""
    asked = {(origin.source, origin.digest): origin for origin in origins}
    if not asked:
        return {}
    rows = await connection.execute(
        text(
            "SELECT source, ref, code, as_of, rank FROM complaints.origin WHERE (source, ref) IN (SELECT * FROM "
            "unnest(CAST(:sources AS text[]), CAST(:refs AS bytea[]))) ORDER BY source, ref"
            + (" FOR UPDATE" if lock else "")
        ),
        {"sources": [source for source, _ in asked], "refs": [ref for _, ref in asked]},
    )
    return {asked[row.source, row.ref]: Known(row.code, row.as_of, row.rank) for row in rows}


async def note(connection: AsyncConnection, origin: Origin, *, as_of: datetime, rank: int) -> None:
    """Remember the newest state taken over of an origin, which the caller has locked."""
    await connection.execute(
        text("UPDATE complaints.origin SET as_of = :as_of, rank = :rank WHERE source = :source AND ref = :ref"),
        {"as_of": as_of, "rank": rank, "source": origin.source, "ref": origin.digest},
    )
