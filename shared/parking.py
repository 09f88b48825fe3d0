"""Messages that failed alone: parked with their reason; `shared.retrying` tries them again until they are done."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from datetime import datetime

from nats.aio.client import Client
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import bus, db, quarantine
from shared.bus import JetStreamError, Received
from shared.logs import told
from shared.streams import plain

FAILED_ALONE = "failed_alone"
AS_IT_IS = "as it is"  # in place of the digest of what was sent

Note = Callable[[AsyncConnection, Received], Awaitable[None]]


async def park(
    engine: AsyncEngine, schema: str, message: Received, error: Exception, *, note: Note | None = None
) -> None:
    """Keep a message that cannot be carried out, with its reason. note: what else the service remembers of it."""
    entry = quarantine.Entry(
        source=message.stream,
        reason=FAILED_ALONE,
        detail=told(error),
        origin=f"{message.stream}/{message.sequence}",
        at=message.at,
        raw=message.data,
        subject=message.subject,
    )
    async with db.transaction(engine) as connection:
        await quarantine.add(connection, schema, [entry])
        if note:
            await note(connection, message)


async def fetch(client: Client, origin: str) -> Received | None:
    """Return a message from its stream. origin: `<stream>/<sequence>`. None: the stream has let it go."""
    stream, _, sequence = origin.partition("/")
    try:
        found = (await bus.api(client, f"STREAM.MSG.GET.{stream}", {"seq": int(sequence)}))["message"]
    except JetStreamError:
        return None  # the stream has let it go
    headers = base64.b64decode(found.get("hdrs", "")).decode(errors="replace").split("\r\n")[1:]  # as the client does
    return Received(
        subject=plain(found["subject"]),
        data=base64.b64decode(found.get("data", "")),
        headers={name: value.strip() for name, _, value in (line.partition(":") for line in headers) if name},
        reply="",
        stream=stream,
        sequence=int(sequence),
        delivered=1,
        at=datetime.fromisoformat(found["time"]),
    )
