"""One stream consumed = one batch subscriber = one transaction a batch, with the rules for trying again and parking.

What a consumer promises: a message is acked after its effects are committed; a failure of the servers makes the whole
consumer wait and try again for ever; a message that fails alone three times is parked with its reason; a tick is taken
only when everything before it is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from nats.aio.client import Client
from nats.errors import Error as NatsError
from pydantic import ValidationError

from shared import bus, metrics
from shared.bus import JetStreamError, Received
from shared.clock import monotonic_s
from shared.db import is_transient
from shared.events import Tick
from shared.logs import log, told
from shared.precedence import Precedence
from shared.puller import Puller
from shared.streams import STREAMS, StreamName

RETRY_SECONDS = (1, 5, 30, 120, 300)  # the last repeats for ever; nothing legal is dropped
ATTEMPTS_ALONE = 3
BATCH_OBJECTS = 500  # of one transaction: large enough to share its costs, small enough to lock briefly
STALLED_S = 30  # messages pending and none arriving for so long: the pull is set up anew
WATCH_EVERY_S = 5
PROVISION_AGAIN_S = 0.3  # while the stream's owner is starting too

Process = Callable[[Sequence[Received]], Awaitable[None]]
Park = Callable[[Received, Exception], Awaitable[None]]
OnTick = Callable[[StreamName, Tick], Awaitable[None]]


def _one(_: Received) -> int:
    return 1


@dataclass(frozen=True, slots=True)
class Hearing:
    """A stream that a service hears.

    subjects: which of its subjects; its ticks are always heard. weigh: objects in a message, which bound a transaction.
    window: messages fetched ahead of their use. aside: its ticks are not heard, since who says them waits for ours;
    what it brings may be later than the clock.
    """

    stream: StreamName
    subjects: tuple[str, ...]
    weigh: Callable[[Received], int] = _one
    window: int = 2000
    aside: bool = False

    @property
    def can_wait(self) -> bool:
        """Whether its messages give way to those of all other hearings of the service."""
        return STREAMS[self.stream].can_wait

    def subjects_with(self, tick: str) -> list[str]:
        """Return the subjects to ask for; NATS refuses overlapping ones."""
        covered = (
            self.can_wait
            or self.aside
            or any(subject.endswith(".>") and tick.startswith(subject[:-1]) for subject in self.subjects)
        )
        return [*self.subjects] if covered else [*self.subjects, tick]


class Consumer:
    """Runs one hearing of one service."""

    def __init__(
        self,
        client: Client,
        hearing: Hearing,
        *,
        durable: str,
        process: Process,
        park: Park,
        on_tick: OnTick,
        precedence: Precedence | None = None,
    ) -> None:
        self.hearing, self.durable = hearing, durable
        self._client, self._process, self._park, self._on_tick = client, process, park, on_tick
        self._precedence = precedence or Precedence()
        self._tick_subject = STREAMS[hearing.stream].tick
        self._puller: Puller | None = None
        self._progress_at = monotonic_s()
        self._in_hand: Sequence[Received] = ()
        self._finishing = False
        self.stalled = False
        self.there = False  # the durable; it cannot be before the stream's owner has made the stream
        self.redelivered = 0

    async def provision(self) -> None:
        await bus.provision_durable(
            self._client,
            stream=self.hearing.stream,
            durable=self.durable,
            subjects=self.hearing.subjects_with(self._tick_subject),
        )
        self.there = True

    async def run(self) -> None:
        """Consume for ever; a durable that is not there, or vanished, is provisioned as soon as it can be."""
        watchdog = asyncio.create_task(self._watch())
        try:
            while not self._finishing:
                if not self.there:
                    await self._provision_patiently()
                    continue
                puller = self._puller = Puller(
                    self._client, stream=self.hearing.stream, durable=self.durable, window=self.hearing.window
                )
                await puller.start()
                while not puller.gone and not self._finishing:
                    await self._take_next(puller)
                await puller.stop()
                if puller.gone:
                    log.warning("consumer_set_up_anew", stream=self.hearing.stream)
                    self.there = False
        except asyncio.CancelledError:
            if self._puller is not None and self._client.is_connected:
                await self._puller.stop()
                await bus.give_back(self._client, self._in_hand)
            raise
        finally:
            watchdog.cancel()

    def finish(self) -> None:
        """Take no more messages; `run` returns once the batch in hand is committed and acked."""
        self._finishing = True
        if self._puller:
            self._puller.wake()

    async def drained(self) -> None:
        """Return once nothing waits in the durable and nothing is in hand."""
        while True:
            if self.there:
                lag = await bus.lag(self._client, stream=self.hearing.stream, durable=self.durable)
                if not lag.pending and not lag.unacked:
                    return
            await asyncio.sleep(0.002)

    async def _take_next(self, puller: Puller) -> None:
        can_wait = self.hearing.can_wait
        objects = self._precedence.objects if can_wait else BATCH_OBJECTS
        if not (batch := await puller.take(objects=objects, weigh=self.hearing.weigh, wait_s=1)):
            return
        if can_wait:
            self._in_hand = batch  # given back should the process stop meanwhile
            await self._precedence.give_way()
        began = monotonic_s()
        await self._take(batch)
        if can_wait:
            await self._precedence.rest(worked_s=monotonic_s() - began)

    async def _take(self, batch: list[Received]) -> None:
        self._progress_at, self._in_hand, self.stalled = monotonic_s(), batch, False
        self.redelivered += sum(message.delivered > 1 for message in batch)
        try:
            batch.sort(key=lambda message: message.sequence)  # what comes again comes late, and belongs before its tick
            start = 0
            for index, message in enumerate(batch):
                if message.subject == self._tick_subject:
                    await self._work(batch[start:index])
                    await self._tick(message, after=batch[index + 1 :])
                    start = index + 1
            await self._work(batch[start:])
            self._in_hand = ()
        finally:
            self._progress_at = monotonic_s()

    async def _work(self, batch: Sequence[Received]) -> None:
        """Process messages in one transaction; on failure wait, or halve until the one that fails stands alone."""
        attempt = 0
        while batch:
            began = monotonic_s()
            try:
                with nullcontext() if self.hearing.can_wait else self._precedence.first():
                    await self._process(batch)
            except Exception as error:
                attempt += 1
                if is_transient(error) or isinstance(error, NatsError):
                    log.warning("batch_waits", stream=self.hearing.stream, attempt=attempt, error=told(error))
                    await self._wait(batch, RETRY_SECONDS[min(attempt, len(RETRY_SECONDS)) - 1])
                elif len(batch) > 1:
                    log.warning(
                        "batch_halved", stream=self.hearing.stream, messages=len(batch), error=type(error).__name__
                    )
                    middle = len(batch) // 2
                    await self._work(batch[:middle])
                    batch, attempt = batch[middle:], 0
                elif attempt >= ATTEMPTS_ALONE:
                    log.error("message_parked", stream=self.hearing.stream, sequence=batch[0].sequence, exc_info=error)
                    metrics.events.labels(self.hearing.stream, "parked").inc()
                    await self._park_patiently(batch[0], error)
                    break
                continue
            metrics.batch_seconds.labels(self.hearing.stream).observe(monotonic_s() - began)
            metrics.batch_size.labels(self.hearing.stream).observe(len(batch))
            break
        await bus.ack(self._client, batch)

    async def _park_patiently(self, message: Received, error: Exception) -> None:
        attempt = 0
        while True:
            try:
                return await self._park(message, error)
            except Exception as failed:
                if not is_transient(failed):
                    raise
                attempt += 1
                await self._wait([message], RETRY_SECONDS[min(attempt, len(RETRY_SECONDS)) - 1])

    async def _wait(self, batch: Sequence[Received], seconds: float) -> None:
        """Wait, telling the server meanwhile that these messages are in hand."""
        until = monotonic_s() + seconds
        while (left := until - monotonic_s()) > 0:
            await asyncio.sleep(min(left, bus.ACK_WAIT_S / 3))
            if self._client.is_connected:
                await bus.keep(self._client, batch)

    async def _tick(self, message: Received, *, after: Sequence[Received]) -> None:
        """Pass a tick on once all before it is acked, by other copies too. after: messages in hand behind it.

        What a copy that died had in hand comes again only now, behind the tick: it is done first.
        """
        assert self._puller
        try:
            tick = Tick.model_validate_json(message.data)
        except ValidationError:
            await self._park_patiently(message, ValueError("no tick"))
            await bus.ack(self._client, [message])
            return
        while True:
            in_hand = {message.sequence} | {later.sequence for later in after} | self._puller.sequences()
            lag = await bus.lag(self._client, stream=self.hearing.stream, durable=self.durable)
            if earlier := self._puller.take_before(message.sequence):
                await self._work(earlier)
            elif lag.unacked <= len(in_hand):
                break
            await asyncio.sleep(0.002)
        await self._on_tick(self.hearing.stream, tick)
        await bus.ack(self._client, [message])

    async def _provision_patiently(self) -> None:
        said = ""
        while not self._finishing:
            try:
                await self.provision()
                break
            except (JetStreamError, NatsError, OSError, TimeoutError) as error:
                if said != (said := told(error)):
                    log.warning("waiting_for_stream", stream=self.hearing.stream, error=said)
                await asyncio.sleep(PROVISION_AGAIN_S)

    async def _watch(self) -> None:
        """Export the lag; see a pull that has silently stopped."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            try:
                lag = await bus.lag(self._client, stream=self.hearing.stream, durable=self.durable)
            except JetStreamError as error:
                if error.status == 404 and self._puller:
                    self._puller.gone = True
                continue
            except (NatsError, OSError, TimeoutError):
                continue
            metrics.consumer_pending.labels(self.hearing.stream).set(lag.pending)
            metrics.consumer_unacked.labels(self.hearing.stream).set(lag.unacked)
            silent = monotonic_s() - self._progress_at > STALLED_S and not self._in_hand
            self.stalled = lag.pending > 0 and (silent or self.stalled)  # until some arrive, however often set up anew
            metrics.consumer_stalled.labels(self.hearing.stream).set(self.stalled)
            if silent and self.stalled and self._puller:
                log.error("consumer_stalled", stream=self.hearing.stream, pending=lag.pending)
                self._puller.gone = True
                self._progress_at = monotonic_s()
