"""What keeps news of a post from being told now. It waits for a later slot with its reason (holding.py).

A late dossier of the same unit keeps its steps back, a pause the news of its matter, a silent source what nobody was
told of, a cap all of a person's.
What somebody must not be told goes to another post, a settlement to whoever stands for a unit that is no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.addressing.directory import Directory
from services.notify.policies.when import next_day
from services.notify.pressing.rules import Rules
from services.notify.telling import holding, notices
from shared.events import NoticeChannel

SOON_AFTER = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Passed:
    """posts: those that may be told now, with their slots. made: how many notices each address and number had today."""

    posts: Mapping[str, datetime]
    made: Mapping[tuple[NoticeChannel, str], int]


async def let_through(
    connection: AsyncConnection, posts: Mapping[str, datetime], *, units: Directory, at: datetime, rules: Rules
) -> Passed:
    """Put off what must not be told now. posts: with the slot of their news; one without any left makes no notice."""
    if not posts:
        return Passed({}, {})
    if heirs := {post: units.desk(heir) for post in posts if (heir := units.heir(post))}:
        await holding.pass_on(connection, heirs, at=at)
    until = {post: rules.next_slot(at=at + SOON_AFTER, post=post) for post in posts}
    counted = sorted({of for post in posts for of in (post, *units.at_desk(post))})  # a digest counts what these have
    taken = [
        (post, id)
        for post, id, restricted in await holding.list_restricted(connection, counted)
        if not units.may_read(post, restricted)
    ]
    if taken:
        await holding.take_away(connection, taken)
    await notices.hold_back(connection, until, at=at)
    await holding.hold_paused(connection, until, at=at)
    silent = await holding.silent_sources(connection) if rules.policy.feed_silent.hold_first else frozenset()
    if silent:
        await holding.hold_silent(connection, until, sources=silent, at=at)
    made = await _made_today(connection, posts, units=units, at=at, rules=rules)
    over = _over_cap(posts, made, units=units, rules=rules)
    if over:
        tomorrow = {post: next_day(rules.policy.slots, calendar=rules.calendar_of(post), at=at) for post in over}
        await holding.put_off(connection, tomorrow, held="over_cap", at=at)
    return Passed({post: slot for post, slot in posts.items() if post not in over}, made)


async def _made_today(
    connection: AsyncConnection, posts: Mapping[str, datetime], *, units: Directory, at: datetime, rules: Rules
) -> Mapping[tuple[NoticeChannel, str], int]:
    caps = rules.policy.caps
    if caps.per_person is None and caps.per_number is None:
        return {}
    reached = [contact for post in posts if (contact := units.contact(post))]
    recipients = {to for contact in reached for to in (contact.email, contact.phone) if to}
    midnight = at.astimezone(rules.calendar.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return await holding.made_since(connection, recipients, since=midnight)


def _over_cap(
    posts: Mapping[str, datetime],
    made: Mapping[tuple[NoticeChannel, str], int],
    *,
    units: Directory,
    rules: Rules,
) -> list[str]:
    """Return the posts whose person has had all mails of the day; those of one person have theirs in order of code."""
    cap = rules.policy.caps.per_person
    if cap is None:
        return []
    over: list[str] = []
    now: dict[str, int] = {}
    for post in sorted(posts):
        contact = units.contact(post)
        if contact is None or not contact.email:
            continue
        now[contact.email] = now.get(contact.email, made.get(("email", contact.email), 0)) + 1
        if now[contact.email] > cap:
            over.append(post)
    return over
