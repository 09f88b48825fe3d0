"""Sends stored notices: claim under a lease, send outside any transaction, note the outcome. In machine time but for
quiet hours, which are business time.

Invariants:
- a notice is stored before it is sent, and noted as ended only under the lease it was claimed with;
- who is about to be handed a notice is stored before it is: what was handed over and not noted, because we died in
  between, goes out again under the same id, to the same provider if that works, and is counted as perhaps doubled;
- no channel waits for another, and no provider for another: each has its own notices under way, none more than it has
  room for.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from operator import itemgetter
from typing import get_args

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import saying
from services.notify.policies.when import Quiet
from services.notify.pressing.rules import Rules
from services.notify.receipts import following
from services.notify.sending import binding, claiming, rates, store
from services.notify.sending.claiming import Found
from services.notify.sending.mail import Claimed
from services.notify.sending.outcomes import GiveUp, Outcome, Sent, TryLater
from services.notify.sending.providers import Provider
from services.notify.sending.store import Ended, Later
from services.notify.sending.traffic import Lane, Traffic
from services.notify.settings import NotifySettings
from shared import db, metrics, stopping, tracing
from shared.clock import machine_now
from shared.cloudevents import Outgoing
from shared.events import NoticeChannel
from shared.logs import log, log_traces, told
from shared.service import Running

LOOK_S = 1  # for what waits, unless something was just committed; and between tries to note what is known
AGAIN_S = 0.5  # for what there was no room for: a rate lets it go with time alone
GATHER_S = 0.01  # what becomes free at about the same time is filled by one claim
STOP_S = 8  # for what is under way when the process is asked to stop, and half of it to note how it ended
NOTED_AT_ONCE = 100
RETRY_SECONDS = (10, 60, 300, 900, 1800)  # the last repeats for ever; a notice is never dropped
ELSEWHERE_S = 1  # until another provider is asked

WhenQuiet = Callable[[AsyncConnection, datetime], Awaitable[Quiet]]

for _channel, _outcome in product(
    get_args(NoticeChannel), ("sent", "failed", "withheld", "recorded", "withdrawn", "try_later")
):
    metrics.notices.labels(_channel, _outcome)  # counted from 0: the first failure is an increase, too
for _channel in get_args(NoticeChannel):
    metrics.notices_maybe_doubled.labels(_channel)


async def deliver_for_ever(
    running: Running, *, settings: NotifySettings, rules: Rules, traffic: Traffic, quiet: WhenQuiet
) -> None:
    """Send what waits, for ever; asked to stop, wait for what is under way and note how it ended.

    quiet: for whom it is, at an instant of business time.
    """
    delivery = Delivery(running, settings, rules, traffic, quiet)
    jobs = [asyncio.create_task(delivery.dispatch(channel)) for channel in get_args(NoticeChannel)]
    noting = asyncio.create_task(delivery.note_for_ever())
    looking = asyncio.create_task(delivery.look_for_ever())
    keeping = [looking, *binding.stay_bound(running, settings=settings, traffic=traffic)]
    try:
        ended, _ = await asyncio.wait([*jobs, noting, looking], return_when=asyncio.FIRST_COMPLETED)
        for job in ended:
            job.result()  # by itself none of them ends
    finally:
        stopping.heard()
        await delivery.stop(jobs, noting)
        await stopping.cancel(keeping)
        await traffic.close()


@dataclass
class Delivery:
    """What one copy of notify has in hand."""

    running: Running
    settings: NotifySettings
    rules: Rules
    traffic: Traffic
    quiet: WhenQuiet
    flying: set[asyncio.Task[None]] = field(default_factory=set)
    notes: asyncio.Queue[Ended | Later | None] = field(default_factory=asyncio.Queue)
    stopping: bool = False

    async def look_for_ever(self) -> None:
        """Wake the channels for which something waits: one look for all of them, while nothing is under way."""
        committed = self.running.committed
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await committed.wait()
            except TimeoutError:
                pass
            committed.clear()
            try:
                async with self.running.engine.connect() as connection:
                    for channel in await store.channels_due(connection):
                        self.traffic.freed[channel].set()
            except Exception as error:
                if not db.is_transient(error):
                    raise
                log.warning("delivery_waits", error=told(error))
                await asyncio.sleep(LOOK_S)

    async def dispatch(self, channel: NoticeChannel) -> None:
        """Claim notices of a channel as they come and its providers have room for them, and let each go its way."""
        freed = self.traffic.freed[channel]
        while not self.stopping:
            freed.clear()
            more, waits = False, True
            try:
                more, waits = await self._claim(channel)
            except Exception as error:
                if not db.is_transient(error):
                    raise
                log.warning("delivery_waits", error=told(error))
            if more:
                await asyncio.sleep(0)
                continue
            try:
                async with asyncio.timeout(AGAIN_S if waits else None):
                    await freed.wait()
                await asyncio.sleep(GATHER_S)
            except TimeoutError:
                pass

    async def _claim(self, channel: NoticeChannel) -> tuple[bool, bool]:
        """Claim what there is room for; returns whether more may be there now, and whether some may wait for room."""
        if not self.traffic.may_have_room(channel):
            return False, True
        found = Found()
        try:
            async with db.transaction(self.running.engine) as connection:
                quiet = await self.quiet(connection, self.running.clock.now())
                await claiming.claim(
                    connection, channel, found, traffic=self.traffic, settings=self.settings, quiet=quiet
                )
        except BaseException:
            for _, lane in found.given:
                lane.flying -= 1
            raise
        metrics.notices_maybe_doubled.labels(channel).inc(found.doubled)
        for notice, status, reason in found.withheld:
            self.notes.put_nowait(Ended(notice, status, reason))
        for notice, lane in found.given:
            task = asyncio.create_task(self._fly(notice, lane))
            self.flying.add(task)
            task.add_done_callback(self.flying.discard)
        return found.more, found.looked_at > 0 or not self.traffic.may_have_room(channel)

    async def _fly(self, notice: Claimed, lane: Lane) -> None:
        """Send one notice, and leave what became of it to be noted."""
        outcome: Outcome = TryLater("stopped", unsure=True)
        try:
            with tracing.spans():
                for trace in notice.traces:
                    tracing.child(trace, name=f"send {notice.channel}")
                outcome = await lane.way.send(notice)
        except Exception as error:  # a fault of ours in one notice holds up no other
            log.error("sending_failed", notice=notice.id, provider=lane.provider.name, exc_info=error)
            outcome = TryLater(type(error).__name__, unsure=True)
        finally:
            lane.came_back(outcome)
            self.notes.put_nowait(self._judged(notice, outcome, lane.provider))
            self.traffic.freed[notice.channel].set()

    def _judged(self, notice: Claimed, outcome: Outcome, by: Provider) -> Ended | Later:
        match outcome:
            case Sent(reference):
                return Ended(notice, "sent", reference=reference, sent_at=machine_now(), provider=by)
            case GiveUp(reason, no_such_address):
                log.error("notice_failed", notice=notice.id, reason=reason)
                return Ended(notice, "failed", reason, provider=by, no_such_address=no_such_address)
            case TryLater(reason, after, unsure, of_notice):
                elsewhere = not unsure and not of_notice and self.traffic.others_work(notice)
                seconds = rates.after_s(
                    notice.attempts,
                    seconds=(ELSEWHERE_S, *RETRY_SECONDS) if elsewhere else RETRY_SECONDS,
                    asked_s=None if elsewhere else after,
                    jitter=secrets.randbelow(1000) / 1000,
                )
                log.warning("notice_waits", notice=notice.id, reason=reason, seconds=round(seconds, 1))
                metrics.notices.labels(notice.channel, "try_later").inc()
                return Later(notice, reason, seconds, unsure)

    async def note_for_ever(self) -> None:
        """Note what ended, as much as there is at a time, until told that no more comes."""
        last = False
        while not last:
            some = [await self.notes.get()]
            while len(some) < NOTED_AT_ONCE and not self.notes.empty():
                some.append(self.notes.get_nowait())
            last = None in some
            await self._note([one for one in some if one is not None])

    async def _note(self, some: Sequence[Ended | Later]) -> None:
        """Commit outcomes, however long the database is away: what is known of a sending is not thrown away."""
        ended = [one for one in some if isinstance(one, Ended)]
        later = [one for one in some if isinstance(one, Later)]
        while some:
            try:
                await self.running.commit(lambda connection: self._write(connection, ended, later), cause="delivery")
                break
            except Exception as error:
                if not db.is_transient(error):
                    raise
                log.warning("outcomes_wait", number=len(some), error=told(error))
                await asyncio.sleep(LOOK_S)
        for one in ended:
            notice = one.notice
            metrics.notices.labels(notice.channel, one.status).inc()
            log_traces(
                "info", "notice_ended", notice.traces, notice=notice.id, channel=notice.channel, status=one.status
            )

    async def _write(
        self, connection: AsyncConnection, ended: Sequence[Ended], later: Sequence[Later]
    ) -> list[Outgoing]:
        if later:
            await store.try_later(connection, later)
        states = await store.finish(connection, ended) if ended else []
        of_id = {one.notice.id: one for one in ended}
        at = self.running.clock.now()
        for state in sorted(states, key=itemgetter("notice_id")):
            await following.ended(
                connection,
                of_id[state["notice_id"]],
                post=state["unit"],
                role=state["role"],
                at=at,
                rules=self.rules,
                settings=self.settings,
            )
        return [saying.notice(state, at=at, traces=of_id[state["notice_id"]].notice.traces) for state in states]

    async def stop(self, jobs: Sequence[asyncio.Task[None]], noting: asyncio.Task[None]) -> None:
        """Begin nothing new, wait for what is under way, and note it."""
        self.stopping = True
        for event in self.traffic.freed.values():
            event.set()
        await asyncio.gather(*jobs, return_exceptions=True)
        if self.flying:
            await asyncio.wait(self.flying, timeout=STOP_S)
        await stopping.cancel(list(self.flying))
        self.notes.put_nowait(None)
        try:
            async with asyncio.timeout(STOP_S / 2):
                await noting
        except TimeoutError:
            log.warning("outcomes_not_noted", number=self.notes.qsize())
