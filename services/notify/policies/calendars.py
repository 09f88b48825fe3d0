"""Which calendar each unit has, of those that were announced. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from shared import announced
from shared.announced import PROVINCE
from shared.directory import Directory
from shared.worktime import WorkCalendar


class Said(NamedTuple):
    """The newest version of a calendar, and when it was announced, as `shared.announced` reads it."""

    name: str
    announced_at: str
    document: Mapping[str, Any]


class Calendars(NamedTuple):
    """The province's calendar, and those of units that have one of their own: by code, else by the words for them.

    version: two of one version count alike.
    """

    province: WorkCalendar
    own: Mapping[str, WorkCalendar]
    version: str


def calendars(said: Iterable[Said], *, units: Directory) -> Calendars:
    """Return the calendars as they are now. said: those that cannot be used are passed over."""
    ordered = sorted(said, key=lambda one: one.announced_at)
    made = {name: versions[-1][1] for name, versions in announced.calendars(ordered, strict=False).items()}
    names = announced.calendar_names((one for one in ordered if one.name in made), units)
    own = {unit: made[name] for unit, dated in names.items() if (name := dated.at(None)) and name != PROVINCE}
    marks = [made[PROVINCE].version, *(f"{unit} {calendar.version}" for unit, calendar in sorted(own.items()))]
    return Calendars(made[PROVINCE], own, hashlib.sha256("\n".join(marks).encode()).hexdigest()[:16])
