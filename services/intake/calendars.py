"""Work calendars as they are sent to be announced: checked against one another before any is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.cloudevents import Id
from shared.worktime import CalendarError, WorkCalendar, vietnam
from shared.worktime.loading import from_given

PROVINCE = "thanh-hoa"
LONGEST = 800_000  # bytes of a calendar's entries: NATS takes messages of a megabyte


Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Calendar(BaseModel):
    """A calendar: its entries as in a file, dates written out, and the units whose calendar it is."""

    model_config = ConfigDict(extra="forbid")
    name: Id
    given: dict[str, Any]
    units: Annotated[list[Word], Field(max_length=1000)] = []


class CalendarsError(ValueError):
    """A calendar cannot be used, by itself or beside the others; names it and the entry at fault."""


def check(calendars: Iterable[Mapping[str, Any]]) -> dict[str, WorkCalendar]:
    """Compile every calendar over the one it inherits from; returns them by name.

    raises: CalendarsError - the first that cannot be used.

    calendars: all there would be, the new in place of the old; the province's is known without.
    """
    waiting: dict[str, Any] = {}
    for one in calendars:
        try:
            length = len(orjson.dumps(one["given"]))
        except orjson.JSONEncodeError as error:  # a number of more than 64 bits, or nested too deep
            raise CalendarsError(f"{one['name']}: {error}") from None
        if length > LONGEST:
            raise CalendarsError(f"{one['name']}: longer than {LONGEST} bytes, which no stream takes")
        waiting[one["name"]] = one["given"]
    made: dict[str, WorkCalendar] = {} if PROVINCE in waiting else {PROVINCE: vietnam()}
    while waiting:
        ready = [name for name, given in waiting.items() if given.get("inherits") in (None, *made)]
        if not ready:
            name = min(waiting)
            raise CalendarsError(
                f"{name}: inherits: there is no calendar {waiting[name]['inherits']!r} to inherit from"
            )
        for name in ready:
            given = waiting.pop(name)
            inherits = given.get("inherits")
            try:
                made[name] = from_given(given, base=made[inherits] if inherits else None)
            except CalendarError as error:
                raise CalendarsError(f"{name}: {error}") from error
    return made
