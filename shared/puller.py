"""Pulls a durable's messages: FastStream's batch subscriber was seen to lose fetched ones for all of `ack_wait`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from shared import bus
from shared.bus import Received, received
from shared.clock import monotonic_s
from shared.logs import log

HEARTBEAT_S = 5  # the server says it lives; two missed and the pull is asked for again
EXPIRES_S = 30
AHEAD_BYTES = 32 << 20  # fetched ahead of their use at most, however many messages that is


class Puller:
    """Pull a durable's messages into memory, a bounded window ahead of their use.

    Requests are kept outstanding, so a message is on its way before it is asked for. A lost connection, a missed
    heartbeat or an expired request only makes it ask again; what was delivered and not acked comes again.
    """

    def __init__(self, client: Client, *, stream: str, durable: str, window: int) -> None:
        self.stream, self.durable, self.window = stream, durable, window
        self._client = client
        self._buffer: deque[Received] = deque()
        self._arrived = asyncio.Event()
        self._wanted = self._held = 0
        self._subscription: Subscription | None = None
        self._heard_at = monotonic_s()
        self._inbox = client.new_inbox()
        self.gone = False  # the server no longer knows the durable

    async def start(self) -> None:
        self._subscription = await self._client.subscribe(
            self._inbox, cb=self._hear, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        await self._ask()

    async def take(self, *, objects: int, weigh: Callable[[Received], int], wait_s: float) -> list[Received]:
        """Return messages of at most `objects` objects together (at least one message), or none after `wait_s`."""
        if not self._buffer:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), wait_s)
            except TimeoutError:
                await self._check_heartbeat()
                return []
        batch: list[Received] = []
        weight = 0
        while self._buffer:
            weight += weigh(self._buffer[0])
            if batch and weight > objects:
                break
            batch.append(self._buffer.popleft())
        self._held -= sum(len(message.data) for message in batch)
        await self._ask()
        return batch

    def take_before(self, sequence: int) -> list[Received]:
        """Return what is in hand from before a place in the stream: what a copy that died left behind comes late."""
        earlier = [message for message in self._buffer if message.sequence < sequence]
        if earlier:
            self._buffer = deque(message for message in self._buffer if message.sequence >= sequence)
            self._held -= sum(len(message.data) for message in earlier)
        return earlier

    def sequences(self) -> set[int]:
        """Return the places in the stream of what is in hand."""
        return {message.sequence for message in self._buffer}

    def wake(self) -> None:
        """Let `take` return at once, with what there is."""
        self._arrived.set()

    async def stop(self) -> None:
        """Ask for no more, and return what was fetched and not used: another copy need not wait for `ack_wait`."""
        if not self._client.is_connected:
            return
        if self._subscription:
            await self._subscription.unsubscribe()
        await bus.give_back(self._client, self._buffer)
        self._buffer.clear()
        self._held = 0

    async def _ask(self) -> None:
        missing = self.window - self._wanted - len(self._buffer)
        room = AHEAD_BYTES - self._held
        if missing * 2 < self.window or room * 2 < AHEAD_BYTES:
            return
        self._wanted += missing
        request = {
            "batch": missing,
            "max_bytes": room,  # a request that reaches it ends, and says how many messages it still wanted
            "expires": EXPIRES_S * 1_000_000_000,
            "idle_heartbeat": HEARTBEAT_S * 1_000_000_000,
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self.durable}"
        await self._client.publish(subject, orjson.dumps(request), reply=self._inbox)

    async def _check_heartbeat(self) -> None:
        if monotonic_s() - self._heard_at > 2 * HEARTBEAT_S:
            log.warning("pull_unanswered", stream=self.stream, durable=self.durable)
            self._heard_at, self._wanted = monotonic_s(), 0
        await self._ask()

    async def _hear(self, message: Msg) -> None:
        self._heard_at = monotonic_s()
        if message.reply.startswith("$JS.ACK"):
            self._wanted = max(0, self._wanted - 1)
            self._buffer.append(received(message))
            self._held += len(message.data)
            self._arrived.set()
            return
        headers = message.headers or {}
        status = headers.get("Status", "")
        if status == "100":
            return
        self._wanted = max(0, self._wanted - int(headers.get("Nats-Pending-Messages", self._wanted)))
        if status == "409" and "Consumer Deleted" in headers.get("Description", ""):
            self.gone = True
            self._arrived.set()
        elif status == "503":  # no one answers for the consumer: not there, or a server that is starting
            self.gone = True
        if not self.gone:
            await self._ask()
