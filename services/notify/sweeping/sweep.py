"""What is due now: levels of the ladder, then the digests of a slot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import handlers, saying, store
from services.notify.addressing import mending, seating
from services.notify.addressing import store as addressing
from services.notify.addressing.directory import Directory
from services.notify.answering import store as answers
from services.notify.pressing import in_force, pressing
from services.notify.pressing.pressing import Pressed
from services.notify.pressing.rules import Rules
from services.notify.sweeping import anew, digesting, reporting
from services.notify.telling import gate, holding, notices
from services.notify.telling.gate import SOON_AFTER
from shared.cloudevents import Outgoing

LEVELS_AT_ONCE = 500
LINES_AT_ONCE = 2000  # given a post in one transaction; more than a batch of levels makes
POSTS_AT_ONCE = 20  # a digest may cover thousands of lines


async def sweep(connection: AsyncConnection, at: datetime, *, rules: Rules) -> tuple[list[Outgoing], bool]:
    """Raise the levels reached at `at`; once there are no more, make the digests of the slots reached.

    Where other rules are in force than before, what is open is looked at anew first. Behind these comes what goes at
    once, and the weekly page.
    """
    rules = await in_force.rules_at(connection, rules, at=at)
    if await anew.look(connection, rules, at=at, limit=LEVELS_AT_ONCE):
        return [], True
    due = await store.lock_due(connection, at=at, limit=LEVELS_AT_ONCE)
    unplaced = bool(due) or await addressing.is_anything_unplaced(connection)
    if not (unplaced or await notices.is_any_due(connection, at=at) or await seating.is_any_shared(connection)):
        return await reporting.weekly_page(connection, at=at, rules=rules), False
    units = await addressing.get_directory(connection, policy=rules.policy, at=at)
    unplaced = await seating.leave(connection, units) or unplaced
    said = await _raise_levels(connection, due, units=units, at=at, rules=rules)
    placed = 0
    if unplaced:
        placed = await addressing.address(
            connection,
            units,
            slot_of=lambda post: rules.next_slot(at=at, post=post),
            soonest_of=lambda post: rules.awake(at=at, post=post),
            at=at,
            limit=LINES_AT_ONCE,
        )
    if len(due) == LEVELS_AT_ONCE or placed == LINES_AT_ONCE:
        return said, True
    told, more = await _tell(connection, units, at=at, rules=rules)
    if not more:
        told += await reporting.weekly_page(connection, at=at, rules=rules)
    return said + told, more


async def _tell(
    connection: AsyncConnection, units: Directory, *, at: datetime, rules: Rules
) -> tuple[list[Outgoing], bool]:
    """Make the digests that are due, and once there are no more, what goes at once; says whether more may be due.

    News of a post that has had its digest of this slot waits for the next.
    """
    await seating.join(connection, units, at=at)
    posts = await notices.due_posts(connection, at=at, limit=POSTS_AT_ONCE)
    if late := await notices.taken(connection, posts):
        until = {post: rules.next_slot(at=at + SOON_AFTER, post=post) for post in late}
        await holding.put_off(connection, until, held="", at=at)
    fresh = {post: slot for post, slot in posts.items() if post not in late}
    passed = await gate.let_through(connection, fresh, units=units, at=at, rules=rules)
    said = await digesting.make(connection, passed, units=units, at=at, rules=rules)
    if posts:
        if len(posts) < POSTS_AT_ONCE and (mended := await mending.find_mended(connection, units)):
            await addressing.forget_posts(connection)  # by the date alone: somebody took office, say
            await mending.close(connection, mended, at=at)
        return said, True
    hasty = await notices.due_posts(connection, at=at, limit=POSTS_AT_ONCE, at_once=True)
    hastily = await gate.let_through(connection, hasty, units=units, at=at, rules=rules)
    said += await digesting.make(connection, hastily, units=units, at=at, rules=rules, kind="at_once")
    return said, bool(hasty)


async def _raise_levels(
    connection: AsyncConnection, due: Sequence[Pressed], *, units: Directory, at: datetime, rules: Rules
) -> list[Outgoing]:
    """Advance locked obligations whose timer has run out."""
    if not due:
        return []
    known = await answers.with_stays(connection, {pressed.obligation.obligation_id: pressed for pressed in due})
    held = await store.lock_lines(connection, sorted(known))
    meant = await addressing.look_up(connection, units, [pressed.obligation for pressed in due], at=at)
    changes = [
        pressing.advance(pressed, held=held.get(id, ()), rules=rules, at=at, meant=meant[id])
        for id, pressed in known.items()
    ]
    await handlers.write(connection, changes, at=at, anew=False)
    return [saying.escalation(event, about, at=at) for change in changes for event, about in change.said]
