"""Matches what providers said with the notices it is about, for ever, and notes what follows. Machine time for waits.

Invariants:
- what was said is in the inbox, committed, before it is looked at here;
- the end is the same in whatever order and however often it is said (`states.after`), under the lock of the group;
- what names a notice whose own sending is not noted yet, or a reference not known yet, waits; but a failure of one
  that is between two tries is of the try before, which its gateway refused: that says nothing of the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import cases, saying
from services.notify.pressing.rules import Rules
from services.notify.receipts import addresses, inbox, store
from services.notify.receipts.following import mark_of
from services.notify.receipts.states import LOST, Standing, after, meaning, said_at
from services.notify.receipts.store import Sending
from services.notify.settings import NotifySettings
from shared import db, metrics
from shared.clock import monotonic_s
from shared.cloudevents import Outgoing
from shared.logs import log, told
from shared.service import Running

IDLE_S = 1
AT_ONCE = 100
FORGET_EVERY_S = 3600


@dataclass(slots=True)
class Look:
    """What a look at the inbox found. outcomes: of what is dealt with, by id. said: events."""

    outcomes: dict[int, str] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)
    said: list[Outgoing] = field(default_factory=list)


async def hear_for_ever(running: Running, *, rules: Rules, settings: NotifySettings) -> None:
    """Look at what was said, for ever; failures of the database are waited out."""
    forgot_s = monotonic_s()
    while True:
        try:
            if await hear_some(running, rules=rules, settings=settings) == AT_ONCE:
                continue
            if monotonic_s() - forgot_s > FORGET_EVERY_S:
                async with db.transaction(running.engine) as connection:
                    await inbox.forget(connection)
                forgot_s = monotonic_s()
        except Exception as error:
            if not db.is_transient(error):
                raise
            log.warning("receipts_wait", error=told(error))
        await asyncio.sleep(IDLE_S)


async def hear_some(running: Running, *, rules: Rules, settings: NotifySettings) -> int:
    """Look at the oldest things said that nobody looked at; returns how many there were."""
    heard: Sequence[Row[Any]] = ()
    look = Look()

    async def work(connection: AsyncConnection) -> list[Outgoing]:
        nonlocal heard
        heard = await inbox.take(connection, limit=AT_ONCE)
        if heard:
            await _look(connection, heard, look, at=running.clock.now(), rules=rules, settings=settings)
        return look.said

    await running.commit(work, cause="receipts")
    providers = {row.id: row.provider for row in heard}
    for id, outcome in look.outcomes.items():
        metrics.receipts.labels(providers[id], outcome).inc()
    return len(heard)


async def _look(
    connection: AsyncConnection,
    heard: Sequence[Row[Any]],
    look: Look,
    *,
    at: datetime,
    rules: Rules,
    settings: NotifySettings,
) -> None:
    about = await store.match(connection, heard)
    groups = await store.lock_groups(connection, sorted(set(about.values())))
    notices = {notice.id: (notice, group) for group in groups for notice in group}
    spoken: dict[str, list[Row[Any]]] = {}
    for row in heard:
        spoken.setdefault(about.get(row.id, ""), []).append(row)
    for id, rows in sorted(spoken.items()):
        notice, group = notices.get(id, (None, []))
        if notice is None or notice.status == "stored":
            between_tries = notice is not None and not notice.is_leased
            for row in rows:
                if between_tries and meaning(row.state) == "failed":
                    look.outcomes[row.id] = "refused_try"
                elif row.age_s < inbox.PATIENCE_S:
                    look.waiting.append(row.id)
                else:
                    look.outcomes[row.id] = "unmatched"
        elif notice.status != "sent" and notice.status != "failed":
            look.outcomes |= {row.id: "not_sent" for row in rows}
        else:
            await _take_in(connection, notice, group, rows, look, at=at, rules=rules, settings=settings)
    await inbox.done(connection, look.outcomes)
    await inbox.look_again(connection, look.waiting)


async def _take_in(
    connection: AsyncConnection,
    notice: Sending,
    group: Sequence[Sending],
    rows: Sequence[Row[Any]],
    look: Look,
    *,
    at: datetime,
    rules: Rules,
    settings: NotifySettings,
) -> None:
    """Note what was said of one notice, and what follows where it changed what is known."""
    before, mark = notice.standing, mark_of(notice.channel, notice.recipient, settings)
    look.outcomes |= {row.id: "unproven" for row in rows if not _may_be_true(row, mark)}
    rows = [row for row in rows if _may_be_true(row, mark)]
    stands = before
    for row in rows:
        said = Standing(meaning(row.state), said_at(row.said_at, heard_at=row.heard_at), row.code)
        look.outcomes[row.id] = _outcome(stands, said)
        stands = after(stands, said)
    no_such_address = any(
        row.dead and meaning(row.state) == "failed" and (not row.marks or mark in row.marks) for row in rows
    )
    said_to_fail = any(row.provider != store.UNPROVEN and meaning(row.state) == "failed" for row in rows)
    newly_failed = said_to_fail and stands.receipt == "failed" != before.receipt
    if newly_failed or (no_such_address and stands.receipt != "delivered"):
        await addresses.failed(
            connection, mark, channel=notice.channel, unit=notice.post, role=notice.role, at=at,
            reason=stands.code or "failed", for_good=no_such_address,
            dead_after=rules.policy_at(at).receipts.dead_after,
        )  # fmt: skip
    if stands != before:
        await _write(connection, notice, group, stands, look, at=at)
        if stands.receipt == "delivered" != before.receipt:
            await addresses.arrived(connection, {mark}, at=at)


def _may_be_true(row: Row[Any], mark: str) -> bool:
    """Return whether to heed a report: without a proof only one that names the address we wrote to."""
    return row.provider != store.UNPROVEN or (bool(mark) and mark in row.marks)


async def _write(
    connection: AsyncConnection,
    notice: Sending,
    group: Sequence[Sending],
    stands: Standing,
    look: Look,
    *,
    at: datetime,
) -> None:
    fallback_at = notice.fallback_at
    if stands.receipt == "failed" and not notice.fallback:
        fallback_at = at
    elif stands.receipt == "delivered":
        fallback_at = None
    changed = stands.receipt != notice.receipt
    state = await store.put_standing(
        connection, notice.id, stands, reason=_reason(stands) if changed else None, fallback_at=fallback_at
    )
    notice.receipt, notice.receipt_at, notice.receipt_code = stands.receipt, stands.at, stands.code
    if changed and stands.receipt in saying.RECEIPT_EVENTS:
        look.said.append(saying.notice(state, at=at, traces=notice.traces))
    if changed and stands.receipt == "delivered":
        look.said += await _arrived(connection, group, at=at)


async def _arrived(connection: AsyncConnection, group: Sequence[Sending], *, at: datetime) -> list[Outgoing]:
    """Withdraw what was to go out instead and has not begun to, and close the operator's case."""
    traces: Mapping[str, Sequence[str]] = {one.id: one.traces for one in group}
    states = await store.withdraw(connection, list(traces), reason="arrived")
    await cases.close(connection, "undelivered", [one.id for one in group], outcome="delivered", at=at)
    return [saying.notice(state, at=at, traces=traces[state["notice_id"]]) for state in states]


def _outcome(known: Standing, said: Standing) -> str:
    """Return what something said was taken for: a late one came after its time had run out."""
    if said.receipt == known.receipt:
        return "repeat"
    if after(known, said) == known:
        return "overruled"
    return "late" if said.receipt == "delivered" and known.receipt in LOST else said.receipt


def _reason(stands: Standing) -> str:
    return f"receipt: {stands.code}"[:200] if stands.receipt == "failed" else ""
