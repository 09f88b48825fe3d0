"""Where a zone's offset from UTC changes. Each year of a zone is looked through once in a process."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

Span = tuple[int, int, int]  # a stretch of one UTC offset: since and until in epoch seconds, offset in seconds

DAY_S = 86_400


def spans(zone: ZoneInfo, since: int, until: int) -> Iterator[Span]:
    """Cut a stretch of time, in epoch seconds, where the zone's offset from UTC changes."""
    begin, offset = since, _offset_at(zone, since)
    for year in range(_utc_year(since), _utc_year(until - 1) + 1):
        for change, changed in _changes(str(zone), year):
            if begin < change < until and changed != offset:
                yield begin, change, offset
                begin, offset = change, changed
    yield begin, until, offset


@lru_cache(maxsize=2048)
def _changes(name: str, year: int) -> tuple[tuple[int, int], ...]:
    """Return the instants in a year of UTC at which the offset changes, each with the new one.

    The zone's table of changes is not public, so each day is looked at and a change in it closed in on.
    """
    zone = ZoneInfo(name)
    begin, end = (int(datetime(of, 1, 1, tzinfo=UTC).timestamp()) for of in (year, year + 1))
    offset, found = _offset_at(zone, begin), []
    for instant in range(begin + DAY_S, end + DAY_S, DAY_S):
        while _offset_at(zone, instant) != offset:
            before, change = max(begin, instant - DAY_S), instant
            while change - before > 1:
                middle = (before + change) // 2
                before, change = (middle, change) if _offset_at(zone, middle) == offset else (before, middle)
            begin, offset = change, _offset_at(zone, change)
            found.append((change, offset))
    return tuple(found)


def _offset_at(zone: ZoneInfo, instant: int) -> int:
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _utc_year(instant: int) -> int:
    return datetime.fromtimestamp(instant, UTC).year
