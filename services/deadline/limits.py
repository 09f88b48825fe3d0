"""Processing limits of procedures: reading the catalogue, and the due time a limit gives. Pure.

Each unit is reckoned as what it is; none is converted into another.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from shared import worktime
from shared.worktime import Pause, WorkCalendar, open_seconds, open_time_after

Unit = worktime.LimitUnit | Literal["same_day"]
UNITS: Mapping[str, Unit] = {unit: unit for unit in (*get_args(worktime.LimitUnit), "same_day")}
CUT_OFF = time(15)
"""law: Luật Hộ tịch 2014, NĐ 23/2015/NĐ-CP Đ.7 - received after 15:00 and not solved at once: the next working day."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a matter may take. value: > 0, in `unit`; 0 for `same_day`. basis: the act that says so."""

    value: float
    unit: Unit
    basis: str


@dataclass(frozen=True, slots=True)
class Rule:
    case: str | None
    channel: str | None
    value: int
    unit: Unit
    difficult_days: int = 0
    valid_from: date | None = None
    valid_until: date | None = None
    basis: str = ""


def choose(rules: Sequence[Rule], *, case: str | None, channel: str | None, on: date, difficult: bool) -> Limit | None:
    rule = rules[0]
    return Limit(rule.value + rule.difficult_days * difficult, rule.unit, rule.basis)


def due_after(start: datetime, limit: Limit, *, calendar: WorkCalendar, pauses: Sequence[Pause] = ()) -> datetime:
    """Return when `limit`, counted from `start`, is used up; days keep the clock time of the start.

    pauses: ended ones, without overlaps, in order; their open time is added.
    raises: CalendarEndsError - past the last day whose holidays are known.
    law: Bộ luật Dân sự 2015 Đ.147(2), 148(5) - the first day is not counted, a last day that is off rolls forward.
    """
    if limit.unit != "same_day":
        return worktime.reckon(calendar, start=start, limit=_checked(limit.value, limit.unit), pauses=pauses).due_at
    due = worktime.same_day(calendar, start=start, cutoff=CUT_OFF)
    for pause in pauses:
        if pause.since < due and (since := max(pause.since, start)) < pause.until:
            due = open_time_after(calendar, start=due, seconds=open_seconds(calendar, start=since, end=pause.until))
    return due


def explain_due(
    start: datetime, limit: Limit, *, calendar: WorkCalendar, pauses: Sequence[Pause]
) -> tuple[datetime, list[worktime.Step]]:
    """Return the due time as `due_after` does, and what it was made of."""
    if limit.unit == "same_day":
        return due_after(start, limit, calendar=calendar, pauses=pauses), []
    checked = _checked(limit.value, limit.unit)
    reckoned = worktime.reckon(calendar, start=start, limit=checked, pauses=pauses)
    return reckoned.due_at, worktime.explain(calendar, limit=checked, reckoned=reckoned)


_checked = cache(worktime.Limit)  # a catalogue has few limits, and each due date asks for one


@cache
def carried() -> Mapping[str, Sequence[Rule]]:
    """Return the limits of the catalogue that the program carries, by procedure code.

    Rows of low confidence and those without a unit are left out: no due time of ours rather than a guessed one.
    """
    text = files("services.deadline").joinpath("data/procedures.csv").read_text("utf-8")
    return {
        row["code"]: [Rule(None, None, int(row["limit_value"]), UNITS[row["limit_unit"]], basis=row["legal_basis"])]
        for row in csv.DictReader(text.splitlines())
        if row["confidence"] != "low" and row["limit_unit"] in UNITS and row["limit_value"].isdigit()
    }
