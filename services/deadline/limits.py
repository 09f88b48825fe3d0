"""Processing limits of procedures: reading the catalogue, and the due time a limit gives. Pure.

A limit in another unit than working days or hours has no due time yet; it is never converted.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Literal

from shared.worktime import WorkCalendar, open_time_after, working_days_after

Unit = Literal["working_days", "working_hours"]
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a matter may take. value: > 0, in `unit`. basis: the act that says so."""

    value: int
    unit: Unit
    basis: str


def due_after(start: datetime, limit: Limit, *, calendar: WorkCalendar) -> datetime:
    """Return when `limit`, counted from `start`, is used up; working days keep the clock time of the start.

    raises: CalendarEndsError - past the last day whose holidays are known.
    law: Bộ luật Dân sự 2015 Đ.147(2), 148(5) - the first day is not counted, a last day that is off rolls forward.
    """
    if limit.unit == "working_days":
        return working_days_after(calendar, start=start, days=limit.value)
    return open_time_after(calendar, start=start, seconds=limit.value * HOUR_S)


@cache
def carried() -> Mapping[str, Limit]:
    """Return the limits of the catalogue that the program carries, by procedure code.

    Rows of low confidence and of units not reckoned yet are left out: no due time of ours rather than a guessed one.
    """
    text = files("services.deadline").joinpath("data/procedures.csv").read_text("utf-8")
    units: dict[str, Unit] = {"working_days": "working_days", "working_hours": "working_hours"}
    return {
        row["code"]: Limit(int(row["limit_value"]), units[row["limit_unit"]], row["legal_basis"])
        for row in csv.DictReader(text.splitlines())
        if row["confidence"] != "low" and row["limit_unit"] in units and row["limit_value"].isdigit()
    }
