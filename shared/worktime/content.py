"""What a calendar says, checked from plain data and laid over a base. How it is compiled lives in calendars.py."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Shifts = tuple[tuple[int, int], ...]  # of one day: opening and closing in seconds since local midnight
Week = tuple[Shifts, ...]  # of Monday to Sunday
Place = tuple[str | int, ...]  # the keys and indexes that lead to an entry of plain data

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_YEARS = 100  # a slip in a year's digits must not compile millions of days
_SHIFT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24(?=:00)):([0-5]\d)")
_OF_PERIOD = ("from", "until", "week")


class Mistake(NamedTuple):
    """One thing that is wrong, and where; `says` begins with the entry at fault."""

    at: Place
    says: str


class CalendarError(ValueError):
    """The calendar's data contradict themselves; the message begins with the entry at fault."""

    def __init__(self, says: str, mistakes: Sequence[Mistake] = ()) -> None:
        super().__init__(says)
        self.mistakes = mistakes or (Mistake((), says),)


class Period(NamedTuple):
    """A week that holds from one date until another, both included: summer or winter hours."""

    first: date
    last: date
    week: Week


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What a calendar says, checked.

    periods: later ones go before earlier ones, all before the week.
    dates: hours of single dates, before all others; a number is a weekday (0 = Monday) whose hours hold then.
    """

    zone: ZoneInfo
    known_from: date
    known_until: date
    week: Week
    periods: tuple[Period, ...]
    dates: Mapping[date, Shifts | int]
    names: Mapping[date, str]
    provisional: frozenset[date]

    def usual(self, on: date) -> Week:
        """Return the week in force on a date."""
        return next((period.week for period in reversed(self.periods) if period.first <= on <= period.last), self.week)


def checked(given: Mapping[str, Any], *, base: Content | None = None) -> Content:
    """Return what plain data say, laid over `base` where there is one.

    given: as `calendar` in calendars.py takes it; what is missing or None is the base's. An own week stands in place
        of the base's week and periods, own periods go before the base's, own dates and names before the same ones of
        the base; a base's provisional day stays one unless its hours are given.
    raises: CalendarError - with every mistake.
    """
    told: list[Mistake] = []
    own = {key: value for key, value in given.items() if value is not None}
    zone = base.zone if base and "timezone" not in own else _zone(own.get("timezone"), told)
    week = base.week if base and "week" not in own else _week(("week",), own.get("week"), told)
    periods = _periods(own.get("periods", ()), told)
    dates = {day: hours_of(("dates", text), own["dates"][text], told) for text, day in _days("dates", own, told)}
    names = {day: own["names"][text] for text, day in _days("names", own, told)}
    provisional = {day for _, day in _days("provisional", own, told)}
    first, last = _known(own, base, told)
    if told:
        more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        raise CalendarError(told[0].says + more, told)
    if base is None:
        return Content(zone, first, last, week, periods, dates, names, frozenset(provisional))
    return Content(
        zone,
        first,
        last,
        week,
        periods if "week" in own else (*base.periods, *periods),
        {**base.dates, **dates},
        {**base.names, **names},
        frozenset(provisional | (base.provisional - dates.keys())),
    )


def date_of(text: object) -> date | None:
    """Return the date that a text such as 2026-11-24 writes, None if it writes none in just that way."""
    try:
        day = date.fromisoformat(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return day if day.isoformat() == text else None  # one spelling only, so that no date can be given twice


def _zone(name: Any, told: list[Mistake]) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # OSError: a folder of zones, such as "Asia"
        told.append(Mistake(("timezone",), f"timezone: {name!r} is not a known time zone"))
        return ZoneInfo("UTC")


def _known(own: Mapping[str, Any], base: Content | None, told: list[Mistake]) -> tuple[date, date]:
    first = base.known_from if base and "known_from" not in own else _date("known_from", own, told)
    last = base.known_until if base and "known_until" not in own else _date("known_until", own, told)
    if first is None or last is None:
        return date.min, date.max
    wrong = ""
    if last < first:
        wrong = f"is before known_from, {first}"
    elif last.year - first.year > LONGEST_YEARS:
        wrong = f"is more than {LONGEST_YEARS} years after known_from, {first}"
    elif first.year == MINYEAR or last.year >= MAXYEAR - 1:  # a day later, in another zone, is still to be a date
        wrong = "is too far away" if last.year >= MAXYEAR - 1 else f"goes with a known_from too far away, {first}"
    if wrong:
        told.append(Mistake(("known_until",), f"known_until: {last} {wrong}"))
    return first, last


def _date(entry: str, own: Mapping[str, Any], told: list[Mistake]) -> date | None:
    day = date_of(own.get(entry))
    if day is None:
        told.append(Mistake((entry,), f"{entry}: {own.get(entry)!r} is not a date such as 2026-11-24"))
    return day


def _days(entry: str, own: Mapping[str, Any], told: list[Mistake]) -> Iterable[tuple[str, date]]:
    """Yield the dates that an entry lists, or has as keys, as written and as they are."""
    given = own.get(entry, ())
    if isinstance(given, str) or not isinstance(given, Iterable):
        told.append(Mistake((entry,), f"{entry}: {given!r} does not list dates"))
        return
    for n, text in enumerate(given):
        day = date_of(text)
        if day is None:
            place = (entry, text) if isinstance(given, Mapping) else (entry, n)
            told.append(Mistake(place, f"{entry}: {text!r} is not a date such as 2026-11-24"))
        elif entry == "names" and not isinstance(own[entry][text], str):
            told.append(Mistake((entry, text), f"names.{text}: {own[entry][text]!r} is not a name"))
        else:
            yield text, day


def _week(place: Place, given: Any, told: list[Mistake]) -> Week:
    entry = named(place)
    if not isinstance(given, Mapping):
        told.append(Mistake(place, f"{entry}: {given!r} does not give shifts by weekday"))
        return ((),) * 7
    for day in sorted(map(str, given.keys() - set(WEEKDAYS))):
        told.append(Mistake((*place, day), f"{entry}.{day}: not one of {', '.join(WEEKDAYS)}"))
    return tuple(_shifts((*place, day), given.get(day) or (), told) for day in WEEKDAYS)


def _periods(given: Any, told: list[Mistake]) -> tuple[Period, ...]:
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        told.append(Mistake(("periods",), f"periods: {given!r} is not a list of periods"))
        return ()
    known = [(n, period) for n, one in enumerate(given) if (period := _period(("periods", n), one, told))]
    known.sort(key=lambda numbered: (numbered[1].first, numbered[0]))
    for (earlier, one), (later, other) in pairwise(known):
        if other.first <= one.last:
            told.append(Mistake(("periods", later), f"periods[{later}]: overlaps periods[{earlier}]"))
    return tuple(period for _, period in known)


def _period(place: Place, given: Any, told: list[Mistake]) -> Period | None:
    """Return one period; without `from` or `until` it has no such end."""
    entry, before = named(place), len(told)
    if not isinstance(given, Mapping):
        told.append(Mistake(place, f"{entry}: not an object with from, until and week"))
        return None
    for key in sorted(map(str, given.keys() - set(_OF_PERIOD))):
        told.append(Mistake((*place, key), f"{entry}.{key}: not one of {', '.join(_OF_PERIOD)}"))
    ends = {"from": date.min, "until": date.max}
    for key in ends:
        text = given.get(key)
        if text is not None and (day := date_of(text)) is None:
            told.append(Mistake((*place, key), f"{entry}.{key}: {text!r} is not a date such as 2026-11-24"))
        elif text is not None and day is not None:
            ends[key] = day
    if ends["until"] < ends["from"]:
        told.append(Mistake((*place, "until"), f"{entry}.until: {ends['until']} is before from, {ends['from']}"))
    week = _week((*place, "week"), given.get("week"), told)
    return None if len(told) > before else Period(ends["from"], ends["until"], week)


def hours_of(place: Place, given: Any, told: list[Mistake]) -> Shifts | int:
    """Return the shifts of a date, or the number of the weekday whose hours it has."""
    return WEEKDAYS.index(given) if isinstance(given, str) and given in WEEKDAYS else _shifts(place, given, told)


def _shifts(place: Place, texts: Any, told: list[Mistake]) -> Shifts:
    """Return the shifts of a day in order; those that touch are one."""
    entry = named(place)
    if isinstance(texts, str | Mapping) or not isinstance(texts, Sequence):
        told.append(Mistake(place, f"{entry}: {texts!r} is not a list of shifts"))
        return ()
    shifts = []
    for n, text in enumerate(texts):
        match = _SHIFT.fullmatch(str(text))
        if match is None:
            told.append(Mistake((*place, n), f"{entry}: {text!r} is not a shift such as 07:00-11:30"))
            continue
        from_h, from_m, to_h, to_m = map(int, match.groups())
        opening, closing = from_h * 3600 + from_m * 60, to_h * 3600 + to_m * 60
        if closing <= opening:
            told.append(Mistake((*place, n), f"{entry}: {text} closes before it has opened"))
            continue
        shifts.append((opening, closing, text, n))
    shifts.sort()
    joined: list[tuple[int, int]] = []
    for opening, closing, _, _ in shifts:
        if joined and joined[-1][1] == opening:
            joined[-1] = (joined[-1][0], closing)
        else:
            joined.append((opening, closing))
    for (_, closing, earlier, i), (opening, _, later, n) in pairwise(shifts):
        if opening < closing:
            told.append(Mistake((*place, max(i, n)), f"{entry}: {earlier} and {later} overlap"))
    return tuple(joined)


def named(place: Place) -> str:
    """Return a place as it is written in messages: week.mon, periods[0].week.mon."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).removeprefix(".")
