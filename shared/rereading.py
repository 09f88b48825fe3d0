"""Reading again what a stream still holds, beside the durable that hears it: a consumer for one reading."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from uuid import uuid4

from nats.aio.client import Client

from shared import bus
from shared.bus import JetStreamError, Received
from shared.puller import Puller
from shared.streams import StreamName

WINDOW = 1000  # messages fetched ahead of their use
WAIT_S = 1.0
FORGOTTEN_S = 60  # a reader that died is forgotten by the server after so long


class BeingReadError(Exception):
    """The stream is being read again for somebody else; try again when that is done."""


class Reading:
    """One reading. total: messages there are to read. first_at: when the oldest message of the stream was stored."""

    def __init__(self, puller: Puller, client: Client, *, total: int, first_at: datetime | None) -> None:
        self.total, self.first_at, self.read = total, first_at, 0
        self._puller, self._client = puller, client

    async def batches(self, *, objects: int) -> AsyncIterator[list[Received]]:
        """Yield what was in the stream when the reading began, in order; what came since may be among it."""
        while self.read < self.total:
            batch = await self._puller.take(objects=objects, weigh=lambda _: 1, wait_s=WAIT_S)
            if not batch and not await self._is_more():
                return
            self.read += len(batch)
            if batch:
                yield batch

    async def _is_more(self) -> bool:
        """Return whether messages still wait; the stream may have let the oldest ones go meanwhile."""
        lag = await bus.lag(self._client, stream=self._puller.stream, durable=self._puller.durable)
        return lag.pending > 0 or lag.unacked > 0


def reader_of(service: str) -> str:
    """Return the name of a service's consumer for reading again; there is one at a time."""
    return f"{service}-again"


@asynccontextmanager
async def reading(
    client: Client, *, service: str, stream: StreamName, subjects: Sequence[str]
) -> AsyncIterator[Reading]:
    """Give a reading of a stream from its beginning.

    raises: BeingReadError - another one is under way. JetStreamError - the stream is not there.
    """
    name = reader_of(service)
    info = await bus.api(client, f"STREAM.INFO.{stream}")
    config = {
        "name": name,
        "description": uuid4().hex,  # the server takes a second asking for the very same consumer for a repeated one
        "ack_policy": "none",
        "deliver_policy": "all",
        "filter_subjects": list(subjects),
        "mem_storage": True,
        "num_replicas": 1,
        "inactive_threshold": FORGOTTEN_S * 1_000_000_000,
    }
    request = {"stream_name": stream, "config": config, "action": "create"}
    try:
        made = await bus.api(client, f"CONSUMER.CREATE.{stream}.{name}", request)
    except JetStreamError as error:
        if error.status == 400:
            raise BeingReadError("a stream is being read again already; try again when that is done") from error
        raise
    puller = Puller(client, stream=stream, durable=name, window=WINDOW)
    try:
        await puller.start()
        first = datetime.fromisoformat(info["state"]["first_ts"]) if info["state"]["messages"] else None
        yield Reading(puller, client, total=made["num_pending"], first_at=first)
    finally:
        await puller.stop()
        with suppress(JetStreamError, TimeoutError):
            await bus.api(client, f"CONSUMER.DELETE.{stream}.{name}")
