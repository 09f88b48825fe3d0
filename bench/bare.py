"""The bare path: the same receive, inbox, outbox and relay over two hops, and no domain at all.

`python -m bench.bare intake|deadline`. One object of a FEED message becomes one event, each event one inbox row.
"""

from __future__ import annotations

import asyncio
import sys

import asyncpg
import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.deadline.main import SERVICE as DEADLINE
from services.intake.main import SERVICE as INTAKE
from services.intake.understanding import weigh
from shared.cloudevents import Outgoing
from shared.consumer import Hearing
from shared.events import DeadlineSet, DossierSaid
from shared.program import run
from shared.service import Heard, Service
from shared.settings import Settings

INBOX = {
    "intake": "CREATE TABLE IF NOT EXISTS intake.bare_inbox (id text PRIMARY KEY)",
    "deadline": "CREATE TABLE IF NOT EXISTS deadline.bare_inbox (id text PRIMARY KEY)",
}


async def _new(connection: AsyncConnection, schema: str, ids: list[str]) -> set[str]:
    rows = await connection.execute(
        text(
            f"INSERT INTO {schema}.bare_inbox SELECT unnest(CAST(:ids AS text[])) ON CONFLICT DO NOTHING RETURNING id"
        ),
        {"ids": sorted(set(ids))},
    )
    return set(rows.scalars())


async def from_feed(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Hop one: an event for each object."""
    found: dict[str, bytes] = {}
    for message in heard.messages:
        for index, element in enumerate(orjson.loads(message.data)["data"]):
            found[f"{message.sequence}/{index}"] = orjson.dumps({"code": element["MaHoSo"], "at": heard.now})
    new = await _new(connection, "intake", list(found))
    return [Outgoing(id, DossierSaid.subject(), found[id]) for id in found if id in new]


async def from_intake(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Hop two: an event for each event."""
    found = {message.headers["Nats-Msg-Id"]: message.data for message in heard.messages}
    new = await _new(connection, "deadline", list(found))
    return [Outgoing(id, DeadlineSet.subject(), body) for id, body in found.items() if id in new]


def bare(name: str) -> Service:
    if name == "intake":
        handlers = [(Hearing("FEED", ("feed.>",), weigh=weigh, window=1000), from_feed)]
        return Service("intake", INTAKE.says, owns="INTAKE", receives=("FEED",), handlers=handlers)
    hearing = Hearing("INTAKE", (DossierSaid.subject(),))
    return Service("deadline", DEADLINE.says, owns="DEADLINE", handlers=[(hearing, from_intake)])


def main(name: str) -> None:
    settings = Settings()

    async def prepare() -> None:
        connection = await asyncpg.connect(settings.database_url)
        await connection.execute(INBOX[name])
        await connection.close()

    asyncio.run(prepare())
    run(bare(name), settings)


if __name__ == "__main__":
    main(sys.argv[1])
