"""Looks for many feedbacks about one unit or officer within a time, and says it to the superior: once while it lasts,
and again when there are half as many more.

Restricted feedback counts for its superior alone: there are two patterns then, one without it that others may see, and
one with it that nobody it is about ever does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.finding import pattern_store, reports
from services.complaints.finding.growing import AboutKind, decide
from services.complaints.finding.pattern_store import Pattern
from services.complaints.finding.store import Visible
from shared.cloudevents import Outgoing, outgoing
from shared.events import PatternSeen


async def look_for_patterns(
    connection: AsyncConnection, at: datetime, limits: Mapping[AboutKind, tuple[int, int]]
) -> list[Pattern]:
    """Return the patterns to be said now; looked at are those about whom a feedback came, changed or went since.

    limits: by what it is about, feedbacks that make a pattern, 1 or more, and days back from `at` in which they came.
    """
    abouts = await reports.take_new(connection, at)
    if not abouts:
        return []
    seen = {
        (one.about_kind, one.about, one.restricted): one
        for kind, (n, days) in limits.items()
        for one in await reports.list_seen(
            connection, [about for about in abouts if about[0] == kind], at=at, n=n, d=timedelta(days=days)
        )
    }
    standing = {
        (one.about_kind, one.about, one.restricted): one
        for one in await pattern_store.list_standing(connection, abouts)
    }
    to_say = []
    for key in sorted(seen.keys() | standing.keys()):
        now, before = seen.get(key), standing.get(key)
        act = decide(now, before)
        if act == "open" and now:
            to_say.append(await pattern_store.add_pattern(connection, now, at=at))
        elif act == "end" and before:
            await pattern_store.end_pattern(connection, before.id, at=at)
        elif now and before:
            again = act == "again"
            pattern = await pattern_store.put_pattern(connection, before.id, now, again_at=at if again else None)
            to_say += [pattern] if again else []
    return to_say


def said(pattern: Pattern, *, at: datetime) -> Outgoing:
    """Return the event of a pattern."""
    data = PatternSeen(
        code=pattern.code,
        revision=pattern.revision,
        about_kind=pattern.about_kind,
        about=pattern.about,
        count=pattern.count,
        since=pattern.first_at,
        until=pattern.last_at,
        to=pattern.above,
        not_to=pattern.not_to,
        restricted=pattern.restricted,
    )
    return outgoing(PatternSeen, id=f"{pattern.code}:{pattern.revision}", about=pattern.code, time=at, data=data)


def seen_by(*, ids: Sequence[str], units: Sequence[str] | None, restricted: bool) -> Visible:
    """Return which patterns a reader may see.

    ids: the reader's person and unit, from whom none may be kept. units: those the reader acts for, which the pattern
    must be told to; None: any. restricted: whether restricted ones are shown at all.
    """
    sql = "NOT (pattern.not_to && CAST(:may_ids AS text[])) AND (:may_restricted OR NOT pattern.restricted)"
    params = {"may_ids": list(ids), "may_restricted": restricted}
    if units is None:
        return Visible(sql, params)
    return Visible(f"{sql} AND pattern.above = ANY(:may_units)", params | {"may_units": list(units)})
