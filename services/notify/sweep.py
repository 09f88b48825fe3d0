"""What is due now: levels of the ladder, then the digests of a slot."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import addressing, digest, handlers, notices, pressing, saying, store
from services.notify.digest import Entry, Head
from services.notify.directory import Directory
from services.notify.notices import Notice
from services.notify.policy import Role, next_slot
from services.notify.pressing import Pressed, Rules
from shared import metrics
from shared.cloudevents import Outgoing
from shared.events import Kind, ObligationChanged

LEVELS_AT_ONCE = 500
POSTS_AT_ONCE = 20  # a digest may cover thousands of lines
TRACES_AT_MOST = 200  # that a notice names in the log
SOON_AFTER = timedelta(microseconds=1)


async def sweep(connection: AsyncConnection, at: datetime, *, rules: Rules) -> tuple[list[Outgoing], bool]:
    """Raise the levels reached at `at`; once there are no more, make the digests of the slots reached."""
    due = await store.lock_due(connection, at=at, limit=LEVELS_AT_ONCE)
    unplaced = bool(due) or await addressing.is_anything_unplaced(connection)
    if not unplaced and not await notices.due_posts(connection, at=at, limit=1):
        return [], False
    units = await addressing.get_directory(connection, policy=rules.policy)
    said = await _raise_levels(connection, due, units=units, at=at, rules=rules)
    if len(due) == LEVELS_AT_ONCE:
        return said, True
    slots, calendar = rules.policy.slots, rules.calendar
    if unplaced:
        await addressing.address(connection, units, slot=next_slot(slots, calendar=calendar, at=at))
    posts = await notices.due_posts(connection, at=at, limit=POSTS_AT_ONCE)
    following = next_slot(slots, calendar=calendar, at=at + SOON_AFTER)
    if late := await notices.taken(connection, posts):
        await notices.put_off(connection, late, at=at, until=following)
    fresh = {post: slot for post, slot in posts.items() if post not in late}
    await notices.hold_back(connection, list(fresh), at=at, until=following)
    said += await _make_digests(connection, fresh, units=units, at=at, rules=rules)
    return said, len(posts) == POSTS_AT_ONCE


async def _raise_levels(
    connection: AsyncConnection, due: Sequence[Pressed], *, units: Directory, at: datetime, rules: Rules
) -> list[Outgoing]:
    """Advance locked obligations whose timer has run out."""
    if not due:
        return []
    known = {pressed.obligation.obligation_id: pressed for pressed in due}
    held = await store.lock_lines(connection, sorted(known))
    meant = await addressing.look_up(connection, units, [pressed.obligation for pressed in due], at=at)
    changes = [
        pressing.advance(pressed, held=held.get(id, ()), rules=rules, at=at, meant=meant[id])
        for id, pressed in known.items()
    ]
    await handlers.write(connection, changes)
    return [saying.escalation(event, about, at=at) for change in changes for event, about in change.said]


@dataclass(frozen=True, slots=True)
class Present:
    """What digests of one sweep are made from. known: states of the obligations that get a line."""

    units: Directory
    known: Mapping[str, ObligationChanged]
    overdue: Mapping[str, tuple[int, set[Kind]]]
    reach: Mapping[str, datetime]
    at: datetime
    rules: Rules


async def _make_digests(
    connection: AsyncConnection, posts: Mapping[str, datetime], *, units: Directory, at: datetime, rules: Rules
) -> list[Outgoing]:
    """Render and store one notice for each post; they leave after the commit."""
    news = await notices.lock_news(connection, list(posts), at=at)
    if not news:
        return []
    parts = {
        post: digest.sections(digest.merged(entries), max_lines=rules.policy.max_lines)
        for post, entries in news.items()
    }
    shown = [e.obligation_id for found in parts.values() for part in found for e in part.entries]
    present = Present(
        units=units,
        known=await notices.get_obligations(connection, shown),
        overdue=await notices.standing(connection, list(news)),
        reach=await notices.get_reach(connection),
        at=at,
        rules=rules,
    )
    made = [_notice(post, posts[post], parts[post], digest.merged(entries), present) for post, entries in news.items()]
    await notices.add_notices(connection, made)
    for notice in made:
        await notices.take_up(connection, notice, digest.merged(news[notice.post]), at=at)
        metrics.notices.labels("email", notice.status).inc()
    return [_said(notice, at) for notice in made]


def _notice(
    post: str, slot: datetime, parts: Sequence[digest.Section], entries: Sequence[Entry], present: Present
) -> Notice:
    contact = present.units.contact(post)
    overdue, kinds = present.overdue.get(post, (0, set()))
    rendered = digest.render(
        parts,
        head=Head(post, contact or present.units.units.get(post)),
        overdue=overdue,
        kinds=kinds,
        known=present.known,
        names={code: unit.name for code, unit in present.units.units.items()},
        reach=present.reach,
        slot=slot,
        at=present.at,
        policy=present.rules.policy,
        calendar=present.rules.calendar,
    )
    return Notice(
        id=notice_id(post, slot),
        post=post,
        role=next(role for role in get_args(Role) if any(entry.role == role for entry in entries)),
        slot=slot,
        status="stored" if contact else "withheld",
        reason="" if contact else "no_contact",
        recipient=(contact.email if contact else None) or "",
        subject=rendered.subject,
        text_body=rendered.text,
        html_body=rendered.html,
        items=len(entries),
        stored_at=present.at,
        traces=list(dict.fromkeys(entry.trace for entry in entries if entry.trace))[:TRACES_AT_MOST],
    )


def notice_id(post: str, slot: datetime) -> str:
    """Return the id of a post's digest of a slot: the same in every run, so a repeat is seen as one."""
    return hashlib.sha256(f"{post} {slot.timestamp():.0f}".encode()).hexdigest()[:24]


def _said(notice: Notice, at: datetime) -> Outgoing:
    state = {
        "notice_id": notice.id,
        "revision": 1,
        "unit": notice.post,
        "role": notice.role,
        "channel": "email",
        "slot": notice.slot,
        "status": notice.status,
        "reason": notice.reason,
        "items": notice.items,
        "sent_at": None,
    }
    return saying.notice(state, at=at, traces=notice.traces)
