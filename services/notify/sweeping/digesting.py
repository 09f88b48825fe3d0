"""Makes the digests of a slot: one mail for each post with news, and an SMS beside it where the ladder asks for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import saying
from services.notify.addressing import mending
from services.notify.addressing.directory import Directory
from services.notify.answering import store as answers
from services.notify.policies.policy import part_of
from services.notify.pressing import stays
from services.notify.pressing.rules import Rules
from services.notify.pressing.stays import Stay
from services.notify.stored import Notice, NoticeKind
from services.notify.telling import holding, notices, rendering
from services.notify.telling.entries import OVERDUE, Entry, Spoken
from services.notify.telling.gate import Passed
from services.notify.telling.rendering import Matters, Present
from shared import metrics
from shared.cloudevents import Outgoing
from shared.events import NoticeChannel


async def make(
    connection: AsyncConnection,
    passed: Passed,
    *,
    units: Directory,
    at: datetime,
    rules: Rules,
    kind: NoticeKind = "digest",
) -> list[Outgoing]:
    """Render and store the notices of posts with news; they leave after the commit."""
    news = await notices.lock_news(connection, list(passed.posts), at=at) if passed.posts else {}
    if kind == "digest" and news:  # another copy may have made it while this one waited for its lines
        for post in await notices.taken(connection, passed.posts):
            news.pop(post, None)
    if not news:
        return []
    every = [
        rendering.matters(post, passed.posts[post], entries, kind=kind, rules=rules) for post, entries in news.items()
    ]
    present = await gather(connection, every, units=units, at=at, rules=rules)
    made: dict[str, list[Notice]] = {}
    texted: dict[str, int] = {}
    for of in every:
        mail = rendering.mail(of, present)
        made[of.post] = [mail]
        if _asked_for("sms", of.entries, rules):
            sms = rendering.sms(mail, of, present)
            texted[sms.recipient] = texted.get(sms.recipient, passed.made.get(("sms", sms.recipient), 0)) + 1
            made[of.post].append(_capped(sms, number=texted[sms.recipient], rules=rules))
        if _asked_for("webhook", of.entries, rules):
            made[of.post].append(rendering.hooked(mail, of, present))
    added = [notice for several in made.values() for notice in several]
    await notices.add_notices(connection, added)
    await notices.take_up(connection, {of.post: (made[of.post], of.entries) for of in every}, at=at)
    for notice in added:
        metrics.notices.labels(notice.channel, notice.status).inc()
    await mending.open_unreached(connection, [several[0] for several in made.values()], units, at=at)
    return [saying.stored(notice, at=at) for notice in added]


async def gather(
    connection: AsyncConnection, every: Sequence[Matters], *, units: Directory, at: datetime, rules: Rules
) -> Present:
    """Read what notices are rendered from. What goes at once counts only what it lists."""
    shown = [e.obligation_id for of in every for part in of.parts for e in part.entries]
    overdue = {of.post: _listed(of) for of in every if of.kind == "at_once"}
    if of_digest := [of.post for of in every if of.kind == "digest"]:
        overdue |= await notices.standing(connection, {post: units.at_desk(post) for post in of_digest})
    return Present(
        units=units,
        known=await notices.get_obligations(connection, shown),
        overdue=overdue,
        reach=await notices.get_reach(connection),
        silent=await holding.silent_sources(connection),
        at=at,
        rules=rules,
        promised=await _promised(connection, [e.obligation_id for of in every for e in of.entries]),
    )


def _listed(of: Matters) -> tuple[int, set[Spoken]]:
    number = sum(part.total for part in of.parts if part.part in OVERDUE)
    return number, {entry.spoken for entry in of.entries}


def _asked_for(channel: NoticeChannel, entries: Sequence[Entry], rules: Rules) -> bool:
    """Return whether a matter of a digest calls for a channel that somebody carries."""
    return channel in rules.carried and any(_calls_for(channel, entry, rules) for entry in entries)


def _calls_for(channel: NoticeChannel, entry: Entry, rules: Rules) -> bool:
    part = part_of(entry.obligation_id, kind=entry.kind)
    ladder = rules.policy.ladder(kind=entry.kind, field=entry.field, source=entry.source, part=part)
    return entry.news != "settled" and ladder.calls_for(channel, level=entry.level)


async def _promised(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Stay]:
    """Return the promises that stand for obligations, kept so far or missed."""
    found = {id: stays.promised(given) for id, given in (await answers.list_stays(connection, ids)).items()}
    return {id: promise for id, promise in found.items() if promise and promise.state in ("running", "missed")}


def _capped(beside: Notice, *, number: int, rules: Rules) -> Notice:
    """Return an SMS, withheld where its number has had all of the day; the next one counts the same matters."""
    cap = rules.policy.caps.per_number
    if cap is None or number <= cap or beside.status != "stored":
        return beside
    return replace(beside, status="withheld", reason="over_cap")
