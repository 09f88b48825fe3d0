"""What a calendar says of a year, for people who check one."""

from __future__ import annotations

from datetime import date
from typing import Any

from shared.worktime.calendars import WorkCalendar
from shared.worktime.content import WEEKDAYS, Shifts, Week


def summary(calendar: WorkCalendar, *, year: int) -> dict[str, Any]:
    """Return a calendar's zone, bounds, hours a week, and the days of a year that are not as others, as plain data.

    year: the nearest known one is told of where this one is not known.
    """
    content = calendar.content
    year = min(max(year, calendar.known_from.year), calendar.known_until.year)
    first, last = max(date(year, 1, 1), calendar.known_from), min(date(year, 12, 31), calendar.known_until)
    dates = {on: hours for on, hours in sorted(content.dates.items()) if first <= on <= last}
    hours_of = {on: content.usual(on)[hours] if isinstance(hours, int) else hours for on, hours in dates.items()}
    return {
        "timezone": str(calendar.zone),
        "known_from": str(calendar.known_from),
        "known_until": str(calendar.known_until),
        "version": calendar.version,
        "hours_a_week": _hours_a_week(content.week),
        "week": _written(content.week),
        "periods": [
            {
                "from": str(max(period.first, calendar.known_from)),
                "until": str(min(period.last, calendar.known_until)),
                "hours_a_week": _hours_a_week(period.week),
                "week": _written(period.week),
            }
            for period in content.periods
        ],
        "year": year,
        "working_days": sum(first.toordinal() <= day <= last.toordinal() for day in calendar.days),
        "days_off": [_day(calendar, on) for on, hours in hours_of.items() if not hours],
        "own_hours": [{**_day(calendar, on), "hours": texts(hours)} for on, hours in hours_of.items() if hours],
    }


def texts(shifts: Shifts) -> list[str]:
    """Return shifts as they are written in files."""
    return [
        f"{opens // 3600:02}:{opens // 60 % 60:02}-{closes // 3600:02}:{closes // 60 % 60:02}"
        for opens, closes in shifts
    ]


def _day(calendar: WorkCalendar, on: date) -> dict[str, Any]:
    told = {"on": str(on), "weekday": WEEKDAYS[on.weekday()], "name": calendar.names.get(on, "")}
    return told | ({"provisional": True} if on.toordinal() in calendar.provisional else {})


def _written(week: Week) -> dict[str, list[str]]:
    return {day: texts(shifts) for day, shifts in zip(WEEKDAYS, week, strict=True)}


def _hours_a_week(week: Week) -> float:
    return round(sum(closes - opens for shifts in week for opens, closes in shifts) / 3600, 2)
