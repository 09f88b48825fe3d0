"""Periodic reports: which periods a series has, who owes a report for each, and until when. Pure.

A report is asked for once its period has ended, of the units that are in force then; where it is due before that, some
days earlier.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, NamedTuple, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from services.intake.national import Word
from shared.directory import unit_of
from shared.worktime import Limit, WorkCalendar, reckon

MONTHS: Mapping[str, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
UNITS_OF: Mapping[str, frozenset[str]] = {
    "communes": frozenset({"xa", "phuong"}),
    "departments": frozenset({"so", "ban", "van_phong", "co_quan_ngang_so"}),
}  # kinds in the directory
LONGEST_FILE = 256 * 1024
MOST_SERIES, MOST_UNITS, MOST_DAYS = 100, 1000, 366
LEAD = timedelta(days=10)  # of a report that is due before its period has ended
ROMAN = ("I", "II", "III", "IV")
DAY = timedelta(days=1)
LAST_CLOSING_DAY = 14  # law: NĐ 09/2019/NĐ-CP Đ.12 - from the 15th of a month to the 14th (medium confidence)

Length = Literal[
    "month", "quarter", "half_year", "year", "month_15_14", "quarter_15_14", "half_year_15_14", "year_15_14"
]


class SeriesError(ValueError):
    """A file of series cannot be used; says each place and what is wrong there."""


class Period(NamedTuple):
    """A span that a report is about. first, last: its days, both included. code: as ids have it, such as 2026-Q4."""

    code: str
    words: str
    first: date
    last: date


class Due(BaseModel):
    """Until when, one of: working days or calendar days after the period's last day, or a day of a month.

    on_day: of the period's last month, or of one `months_later`; beyond a month's end its last day. A day off moves to
    the next working day (Bộ luật Dân sự 2015 Đ.148(5)).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    working_days: Annotated[int | None, Field(ge=1, le=MOST_DAYS)] = None
    calendar_days: Annotated[int | None, Field(ge=1, le=MOST_DAYS)] = None
    on_day: Annotated[int | None, Field(ge=1, le=31)] = None
    months_later: Annotated[int, Field(ge=0, le=12)] = 0

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if sum(rule is not None for rule in (self.working_days, self.calendar_days, self.on_day)) != 1:
            raise ValueError("give one of working_days, calendar_days, on_day")
        if self.months_later and self.on_day is None:
            raise ValueError("months_later goes with on_day")
        return self


class Series(BaseModel):
    """A report that comes again and again.

    units: all communes, all departments, or words for some. since: a day of the first period. until: the last period
    has ended by then. enabled: what is shipped as an example makes nothing until somebody says so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    title: Annotated[Word, Field(min_length=1, max_length=300)]
    basis: Word = ""
    units: (
        Literal["communes", "departments", "all"]
        | Annotated[tuple[Annotated[Word, Field(min_length=1)], ...], Field(min_length=1, max_length=MOST_UNITS)]
    )
    period: Length
    due: Due
    since: date
    until: date | None = None
    enabled: Annotated[bool, Field(strict=True)] = True
    note: Word = ""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if not 2000 <= self.since.year <= 2100:
            raise ValueError("since: a year must lie between 2000 and 2100")
        if self.until and self.until < self.since:
            raise ValueError("until is before since")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    series: Annotated[list[Series], Field(max_length=MOST_SERIES), BeforeValidator(lambda raw: raw or [])]


def read(content: bytes) -> list[Series]:
    """Return the series of a YAML file. raises: SeriesError - not YAML, or something in it is wrong."""
    if len(content) > LONGEST_FILE:
        raise SeriesError(f"longer than {LONGEST_FILE} bytes")
    try:
        document = yaml.safe_load(content)
        found = _File.model_validate(document).series
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, ValidationError):
            places = (f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()[:20])
            raise SeriesError("; ".join(places)) from None
        raise SeriesError(f"not readable as YAML: {' '.join(str(error).split())[:300]}") from None
    if twice := {one.name for one in found if sum(other.name == one.name for other in found) > 1}:
        raise SeriesError(f"series: {', '.join(sorted(twice))} stands twice")
    return found


def next_period(series: Series, *, through: date | None) -> Period | None:
    """Return the first period after `through`, at first the one of the day `since`; None past `until`."""
    after = max(series.since, through + DAY) if through else series.since
    period = _period_of(series.period, after)
    return None if series.until and period.last > series.until else period


def _period_of(length: Length, on: date) -> Period:
    """Return the period of this length that has the day `on`."""
    kind = length.removesuffix("_15_14")
    closes_early = kind != length
    months = MONTHS[kind]
    # the month whose 14th, or whose end, is the next closing of a month at or after `on`
    ordinal = on.year * 12 + on.month - 1 + (closes_early and on.day > LAST_CLOSING_DAY)
    end = (ordinal // months + 1) * months - 1
    year, month = divmod(end, 12)
    if closes_early:
        before, of = divmod(end - months, 12)
        first, last = date(before, of + 1, LAST_CLOSING_DAY + 1), date(year, month + 1, LAST_CLOSING_DAY)
    else:
        before, of = divmod(end - months + 1, 12)
        first, last = date(before, of + 1, 1), date(year, month + 1, monthrange(year, month + 1)[1])
    code, words = _named(kind, year, month + 1)
    return Period(code, words, first, last)


def _named(kind: str, year: int, month: int) -> tuple[str, str]:
    if kind == "year":
        return f"{year}", f"năm {year}"
    if kind == "half_year":
        half = 1 + (month > 6)
        return f"{year}-H{half}", f"{'6 tháng đầu' if half == 1 else '6 tháng cuối'} năm {year}"
    if kind == "quarter":
        quarter = (month + 2) // 3
        return f"{year}-Q{quarter}", f"quý {ROMAN[quarter - 1]} năm {year}"
    return f"{year}-{month:02}", f"tháng {month} năm {year}"


def due_at(rule: Due, period: Period, *, calendar: WorkCalendar) -> datetime:
    """Return when the report on a period is due: the last closing of a working day.

    raises: CalendarEndsError - the calendar does not reach so far.
    law: Bộ luật Dân sự 2015 Đ.147(2), 148(5) - the first day is not counted, a last day off moves to the next working
    day.
    """
    start, days = period.last, rule.calendar_days or 1
    if rule.working_days:
        limit = Limit(rule.working_days, "working_days", ends="end_of_day")
        return reckon(calendar, start=_noon(start, calendar), limit=limit).due_at
    if rule.on_day:
        years, month = divmod(start.year * 12 + start.month - 1 + rule.months_later, 12)
        day = date(years, month + 1, min(rule.on_day, monthrange(years, month + 1)[1]))
        start, days = day - DAY, 1
    limit = Limit(days, "calendar_days", ends="end_of_day")
    return reckon(calendar, start=_noon(start, calendar), limit=limit).due_at


def asked_at(period: Period, due: datetime, *, calendar: WorkCalendar) -> datetime:
    """Return when the report on a period is asked for."""
    ended = datetime.combine(period.last + DAY, time(), calendar.zone)
    return ended if due > ended else due - LEAD


def owing(series: Series, units: Iterable[Mapping[str, Any]], named: Iterable[str | None], *, on: str) -> list[str]:
    """Return the codes of the units in force on a day that owe the report.

    units: documents of the directory. named: the codes that the words of a series mean, where it names units.
    """
    in_force = {one["code"]: one["kind"] for one in units if _is_in_force(one, on)}
    if isinstance(series.units, tuple):
        return sorted({code for code in named if code and code in in_force})
    kinds = UNITS_OF.get(series.units) or frozenset.union(*UNITS_OF.values())
    return sorted(code for code, kind in in_force.items() if kind in kinds)


def checked(units: Iterable[Mapping[str, Any]], *, on: str) -> list[str]:
    """Return the codes of the units in force on a day that may be checked: communes and departments."""
    kinds = frozenset.union(*UNITS_OF.values())
    return sorted(one["code"] for one in units if _is_in_force(one, on) and one["kind"] in kinds)


def _is_in_force(unit: Mapping[str, Any], on: str) -> bool:
    return bool(unit["active"]) and unit_of(unit).is_in_force(on)


def report_id(series: Series, period: Period, unit: str) -> str:
    """Return the id of the duty, as a source names it that tells of its submission."""
    return f"{series.name}/{period.code}/{unit}"


def title_of(series: Series, period: Period) -> str:
    return f"{series.title} {period.words} (từ {period.first:%d/%m/%Y} đến {period.last:%d/%m/%Y})"


def _noon(on: date, calendar: WorkCalendar) -> datetime:
    """Only its date counts: a start on a day off is as if at the end of the working day before."""
    return datetime.combine(on, time(12), calendar.zone)
