"""What a policy is put together from beside its ladders: offsets, repeats, quiet hours, caps, promises. Pure."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from shared.rule_files import Part

WORKING_DAY_H = 8  # to compare days with hours when a file is checked; what decides is the calendar
LONGEST_DAYS = 250
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _clock_time(value: object) -> object:
    """YAML reads an unquoted 14:00 as a number of minutes; only a text is a clock time."""
    if not isinstance(value, str | time):
        raise ValueError('write clock times in quotes, such as "07:30"')
    return value


ClockTime = Annotated[time, BeforeValidator(_clock_time)]


def counted(number: int | None, thing: str) -> str:
    """Return so many things in English: one is told from several."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


class Offset(Part):
    """Working time from a due time: whole working days at its clock time, or working hours."""

    working_days: int | None = Field(default=None, ge=0, le=LONGEST_DAYS)
    working_hours: int | None = Field(default=None, ge=0, le=LONGEST_DAYS * WORKING_DAY_H)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.working_days is None) == (self.working_hours is None):
            raise ValueError("give either working_days or working_hours")
        return self

    @property
    def nominal_h(self) -> int:
        """Working hours, a day taken as eight: to tell which of two comes first."""
        return self.working_hours if self.working_hours is not None else (self.working_days or 0) * WORKING_DAY_H

    def __str__(self) -> str:
        if self.working_hours is not None:
            return counted(self.working_hours, "working hour")
        return counted(self.working_days, "working day")


class Repeat(Part):
    """What was told is told again every so many working days while it stands, `at_most` times at one level."""

    every_working_days: int = Field(ge=1, le=LONGEST_DAYS)
    at_most: int = Field(ge=1, le=50)


class Stop(Part):
    """When a ladder rests: working days from the due time. The matter stays in all counts."""

    after_working_days: int = Field(ge=1, le=LONGEST_DAYS)


class QuietHours(Part):
    """When nothing that goes at once may leave, local time; may go over midnight. days_off: nor on any day off."""

    since: ClockTime = Field(default=time(20), alias="from")
    until: ClockTime = Field(default=time(7), alias="to")
    days_off: bool = True

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if self.since == self.until:
            raise ValueError("from and to must differ; write `quiet_hours: null` for none")
        return self

    def holds(self, clock: time) -> bool:
        """Return whether a clock time lies in them; their end does not."""
        if self.since < self.until:
            return self.since <= clock < self.until
        return clock >= self.since or clock < self.until


class Caps(Part):
    """The most that reaches one person (notices in all) and one number (by SMS) on one day. None: no limit."""

    per_person: int | None = Field(default=12, ge=1, alias="per_person_per_day")
    per_number: int | None = Field(default=6, ge=1, alias="sms_per_number_per_day")


class FeedSilent(Part):
    """What becomes of first notices while their source is silent beyond its usual gap. hold_first: they are withheld.

    In a file: `withhold` or `tell`.
    """

    hold_first: bool = True

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        if given in ("withhold", "tell"):
            return {"hold_first": given == "withhold"}
        if isinstance(given, str):
            raise ValueError("write withhold or tell")
        return given


class Promises(Part):
    """limit_working_days: the last day that may be promised, counted from the day of the answer.

    renewals: how often a promise may be followed by a later one; then the level above hears of it.
    decide_working_days: what the operator has to decide on `settled` and `not_ours`; meanwhile the ladder rests.
    """

    limit_working_days: int = Field(default=5, ge=1, le=60)
    renewals: int = Field(default=1, ge=0, le=5)
    decide_working_days: int = Field(default=1, ge=1, le=20)


class Weekly(Part):
    """The page of the week: who gets it, on which day of it and when; on the next working day where that is off."""

    role: Literal["chairman"] = "chairman"
    weekday: Weekday = "mon"
    at: ClockTime = time(8)
