"""Messages that failed alone: parked with their reason, tried again at each start and now and then, until they go.

A parked message is fetched from its stream again, so nothing of it is lost by the parking; when the stream has let it
go, its bytes in quarantine remain for the operator.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from nats.aio.client import Client
from nats.errors import Error as NatsError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import bus, db, quarantine
from shared.bus import JetStreamError, Received
from shared.clock import machine_now
from shared.logs import log, told

FAILED_ALONE = "failed_alone"
RETRY_EVERY_S = 600
AT_ONCE = 100

Process = Callable[[Received], Awaitable[None]]


async def park(engine: AsyncEngine, schema: str, message: Received, error: Exception) -> None:
    """Keep a message that cannot be carried out, with its reason."""
    entry = quarantine.Entry(
        source=message.stream,
        reason=FAILED_ALONE,
        detail=told(error),
        origin=f"{message.stream}/{message.sequence}",
        at=machine_now(),
        raw=message.data,
    )
    async with db.transaction(engine) as connection:
        await quarantine.add(connection, schema, [entry])


async def retry_for_ever(
    engine: AsyncEngine, client: Client, schema: str, process: Process, *, streams: Sequence[str]
) -> None:
    """Try what is parked again: at the start, which follows every deploy, and every ten minutes.

    streams: those that the service may read; of others it hears ticks alone, and a tick that is none mends never.
    """
    while True:
        try:
            await retry(engine, client, schema, process, streams=streams)
        except (SQLAlchemyError, NatsError, OSError, TimeoutError) as error:
            log.warning("parked_wait", error=told(error))
        await asyncio.sleep(RETRY_EVERY_S)


async def retry(engine: AsyncEngine, client: Client, schema: str, process: Process, *, streams: Sequence[str]) -> int:
    """Try each parked message of `streams` once more; returns how many went. What fails again stays as it is."""
    gone = after = 0
    while parked := await _page(engine, schema, streams, after=after):
        for id, origin in parked:
            gone += await _try_again(engine, client, schema, process, id=id, origin=origin)
            after = id
    return gone


async def _page(engine: AsyncEngine, schema: str, streams: Sequence[str], *, after: int) -> list[tuple[int, str]]:
    async with engine.connect() as connection:
        rows = await connection.execute(
            text(
                f"SELECT id, origin FROM {schema}.quarantine WHERE reason = :reason AND id > :after "
                "AND split_part(origin, '/', 1) = ANY(:streams) ORDER BY id LIMIT :limit"
            ),
            {"reason": FAILED_ALONE, "after": after, "streams": list(streams), "limit": AT_ONCE},
        )
        return [(row.id, row.origin) for row in rows]


async def _try_again(
    engine: AsyncEngine, client: Client, schema: str, process: Process, *, id: int, origin: str
) -> bool:
    message = await _fetch(client, origin)
    if message is None:
        return False
    try:
        await process(message)
    except Exception as error:
        log.warning("parked_failed_again", origin=origin, error=type(error).__name__)
        return False
    async with db.transaction(engine) as connection:
        await connection.execute(text(f"DELETE FROM {schema}.quarantine WHERE id = :id"), {"id": id})
    log.info("parked_message_carried_out", origin=origin)
    return True


async def _fetch(client: Client, origin: str) -> Received | None:
    stream, _, sequence = origin.partition("/")
    try:
        found = (await bus.api(client, f"STREAM.MSG.GET.{stream}", {"seq": int(sequence)}))["message"]
    except JetStreamError:
        return None  # the stream has let it go
    headers = base64.b64decode(found.get("hdrs", "")).decode(errors="replace").split("\r\n")[1:]  # as the client does
    return Received(
        subject=found["subject"],
        data=base64.b64decode(found.get("data", "")),
        headers={name: value.strip() for name, _, value in (line.partition(":") for line in headers) if name},
        reply="",
        stream=stream,
        sequence=int(sequence),
        delivered=1,
        at=datetime.fromisoformat(found["time"][:19] + "+00:00"),
    )
