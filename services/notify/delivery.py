"""Sends stored notices: claim under a lease, send outside any transaction, note the outcome. Machine time throughout.

Invariants:
- a notice is stored before it is sent, and noted as ended only under the lease it was claimed with;
- what was sent and not noted, because we died in between, goes out again under the same Message-ID.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import channel, notices, saying
from services.notify.channel import GiveUp, Sent, TryLater
from services.notify.mail import Claimed
from services.notify.settings import NotifySettings
from shared import db, metrics, tracing
from shared.clock import machine_now
from shared.cloudevents import Outgoing
from shared.logs import log, log_traces, told
from shared.service import Running

IDLE_S = 0.5
CLAIM = 4  # sent at the same time, each over a connection of its own
RETRY_SECONDS = (10, 60, 300, 900, 1800)  # the last repeats for ever; a notice is never dropped

for _outcome in ("sent", "failed", "withheld", "recorded", "try_later"):
    metrics.notices.labels("email", _outcome)  # counted from 0: the first failure is an increase, too


async def deliver_for_ever(running: Running, *, settings: NotifySettings) -> None:
    """Send what waits, for ever; failures of the database are waited out."""
    while True:
        try:
            if await _deliver_some(running, settings):
                continue
        except Exception as error:
            if not db.is_transient(error):
                raise
            log.warning("delivery_waits", error=told(error))
        await asyncio.sleep(IDLE_S)


async def _deliver_some(running: Running, settings: NotifySettings) -> int:
    async with db.transaction(running.engine) as connection:
        claimed = await notices.claim(connection, lease=secrets.token_hex(8), limit=CLAIM)
    ended = await asyncio.gather(*(_deliver(running, notice, settings) for notice in claimed), return_exceptions=True)
    for failure in ended:
        if failure:
            raise failure
    return len(claimed)


async def _deliver(running: Running, notice: Claimed, settings: NotifySettings) -> None:
    if withheld := _withheld(notice, settings):
        status, reason = withheld
        await _finish(running, notice, status=status, reason=reason, sent_at=None)
        return
    with tracing.spans():
        for trace in notice.traces:
            tracing.child(trace, name="send email")
        outcome = await channel.send(notice, settings)
    match outcome:
        case Sent():
            await _finish(running, notice, status="sent", reason="", sent_at=machine_now())
        case GiveUp(reason):
            log.error("notice_failed", notice=notice.id, reason=reason)
            await _finish(running, notice, status="failed", reason=reason, sent_at=None)
        case TryLater(reason):
            seconds = RETRY_SECONDS[min(notice.attempts, len(RETRY_SECONDS)) - 1]
            log.warning("notice_waits", notice=notice.id, reason=reason, seconds=seconds)
            metrics.notices.labels("email", "try_later").inc()
            async with db.transaction(running.engine) as connection:
                await notices.try_later(connection, notice, reason=reason, seconds=seconds)


def _withheld(notice: Claimed, settings: NotifySettings) -> tuple[str, str] | None:
    """Return status and reason where the mode forbids sending."""
    if settings.send == "record":
        return "recorded", "recording_mode"
    if settings.send == "allowlist" and not settings.allows(notice.recipient):
        return "withheld", "not_on_allowlist"
    return None


async def _finish(running: Running, notice: Claimed, *, status: str, reason: str, sent_at: datetime | None) -> None:
    async def note(connection: AsyncConnection) -> list[Outgoing]:
        state = await notices.finish(connection, notice, status=status, reason=reason, sent_at=sent_at)
        return [saying.notice(state, at=running.clock.now(), traces=notice.traces)] if state else []

    await running.commit(note, cause="delivery")
    metrics.notices.labels("email", status).inc()
    log_traces("info", "notice_ended", notice.traces, notice=notice.id, channel="email", status=status)
