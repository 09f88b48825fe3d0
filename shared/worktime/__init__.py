"""Working time: calendars, and how to add and to measure in them. Pure: never reads a clock, knows no service."""

from shared.worktime.calendars import CalendarError, WorkCalendar, calendar, calendar_over
from shared.worktime.explaining import Step, explain
from shared.worktime.limits import Level, Limit, LimitError, Pause, Reckoned, level_at, measure, reckon, same_day
from shared.worktime.limits import Unit as LimitUnit
from shared.worktime.province import vietnam
from shared.worktime.reckoning import (
    CalendarEndsError,
    crosses_provisional,
    days_off,
    is_working_day,
    next_opening,
    open_seconds,
    open_time_after,
    working_days_after,
    working_days_from,
)

__all__ = [
    "CalendarEndsError",
    "CalendarError",
    "Level",
    "Limit",
    "LimitError",
    "LimitUnit",
    "Pause",
    "Reckoned",
    "Step",
    "WorkCalendar",
    "calendar",
    "calendar_over",
    "crosses_provisional",
    "days_off",
    "explain",
    "is_working_day",
    "level_at",
    "measure",
    "next_opening",
    "open_seconds",
    "open_time_after",
    "reckon",
    "same_day",
    "vietnam",
    "working_days_after",
    "working_days_from",
]
