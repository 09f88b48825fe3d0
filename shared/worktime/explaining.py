"""Why a due time is what it is: each stretch and day that counted, each that did not, in order of time. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from shared.worktime.calendars import WorkCalendar
from shared.worktime.limits import Limit, Pause, Reckoned, dates_of
from shared.worktime.reckoning import next_opening, open_seconds

Step = dict[str, Any]  # {"from", "to", "counts": open seconds, "why"} of a stretch, {"on", "counts", "why"} of a date


def explain(calendar: WorkCalendar, *, limit: Limit, reckoned: Reckoned) -> list[Step]:
    """Return what a due time was made of. counts: open seconds of a stretch, 1 of a day that is counted, else 0."""
    if not limit.in_days:
        return list(_stretches(calendar, reckoned))
    return [*_days(calendar, limit, reckoned), *_added(calendar, reckoned)]


def _stretches(calendar: WorkCalendar, reckoned: Reckoned) -> Iterator[Step]:
    """Yield open hours and pauses between start and due time, and the days off between them."""
    at = reckoned.start
    for pause in reckoned.added:
        yield from _open(calendar, at, pause.since)
        yield _paused(calendar, pause)
        at = pause.until
    yield from _open(calendar, at, reckoned.due_at)


def _open(calendar: WorkCalendar, start: datetime, end: datetime) -> Iterator[Step]:
    since, until = start.timestamp(), end.timestamp()
    first, last = bisect_right(calendar.closes, since), bisect_left(calendar.opens, until)
    day = start.astimezone(calendar.zone).date().toordinal() - 1
    for i in range(first, last):
        opens, closes = max(calendar.opens[i], since), min(calendar.closes[i], until)
        begins, on = _shown(calendar.zone, opens)
        for off in range(day + 1, on):
            yield from _off(calendar, off)
        day = on
        ends, _ = _shown(calendar.zone, closes)
        yield {"from": begins, "to": ends, "counts": int(closes - opens), "why": "open hours"}


@lru_cache(maxsize=16_384)  # openings and closings come again and again
def _shown(zone: ZoneInfo, instant: float) -> tuple[str, int]:
    """Return an instant in epoch seconds as it is written, and the ordinal of its date."""
    local = datetime.fromtimestamp(instant, zone)
    return local.isoformat(), local.toordinal()


@lru_cache(maxsize=16_384)
def _date(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def _days(calendar: WorkCalendar, limit: Limit, reckoned: Reckoned) -> Iterator[Step]:
    """Yield the dates from the start to the last day, each counted or not."""
    opening = next_opening(calendar, at=reckoned.start)
    from_opening = limit.ends == "clock_time" or limit.first_day == "same"
    first = (opening if from_opening else reckoned.start.astimezone(calendar.zone)).toordinal()
    last = reckoned.placed_at.toordinal()
    if reckoned.placed_at.time() == datetime.min.time():
        last -= 1
    if limit.first_day == "next":
        yield {"on": _date(first), "counts": 0, "why": "day of the start"}
        first += 1
    working = limit.unit == "working_days"
    left = int(limit.value) if working else dates_of(calendar, limit, after=first - 1)
    for day in range(first, last + 1):
        on = _date(day)
        if day in reckoned.skipped:
            yield {"on": on, "counts": 0, "why": "paused"}
        elif working and not _is_working(calendar, day):
            yield from _off(calendar, day)
        elif left == 0:
            yield {"on": on, "counts": 0, "why": "last day was off: next working day"}
        else:
            yield {"on": on, "counts": 1, "why": "working day" if working else "calendar day"}
            left -= 1


def _added(calendar: WorkCalendar, reckoned: Reckoned) -> Iterator[Step]:
    for pause in reckoned.added:
        yield _paused(calendar, pause) | {"why": "paused: added in open hours"}


def _paused(calendar: WorkCalendar, pause: Pause) -> Step:
    since, until = pause.since.astimezone(calendar.zone), pause.until.astimezone(calendar.zone)
    seconds = open_seconds(calendar, start=since, end=until)
    return {"from": since.isoformat(), "to": until.isoformat(), "counts": 0, "paused": seconds, "why": "paused"}


def _off(calendar: WorkCalendar, day: int) -> Iterator[Step]:
    """Yield a day off, with its name where it has one."""
    if not _is_working(calendar, day):
        on = date.fromordinal(day)
        name = calendar.names.get(on)
        yield {"on": str(on), "counts": 0, "why": f"holiday: {name}" if name else "day off"}


def _is_working(calendar: WorkCalendar, day: int) -> bool:
    n = bisect_left(calendar.days, day)
    return n < len(calendar.days) and calendar.days[n] == day
