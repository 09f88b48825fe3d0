"""The policy file: ladders, digest slots and roles, checked. Pure but for reading that file."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from shared.events import Kind
from shared.worktime import CalendarEndsError, WorkCalendar, is_working_day

CARRIED = Path(__file__).parent / "data" / "policy.yaml"

Told = Literal["head", "superior"]  # whom a ladder can name
Role = Literal[Told, "receiving"]  # the unit that received a dossier, told while another holds its late step
NOTHING, NEAR = -1, 0  # levels below the ladder's first: nothing reached; near, told as information
SATURDAY = 5


class PolicyError(ValueError):
    """The policy file cannot be used; the message names each place and what is wrong there."""


def _clock_time(value: object) -> object:
    """YAML reads an unquoted 14:00 as a number of minutes; only a text is a clock time."""
    if not isinstance(value, str):
        raise ValueError('write clock times in quotes, such as "07:30"')
    return value


ClockTime = Annotated[time, BeforeValidator(_clock_time)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Level(_Part):
    """One rung. after_working_days: from the due time."""

    level: int = Field(ge=1, le=9)
    after_working_days: int = Field(ge=0, le=250)
    tell: Told


class Ladder(_Part):
    """What is done about one kind of obligation. near: whom to tell when it is near; null tells nobody."""

    near: Told | None = None
    levels: tuple[Level, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        for lower, upper in pairwise(self.levels):
            if upper.level <= lower.level or upper.after_working_days <= lower.after_working_days:
                raise ValueError(f"level {upper.level} must be higher and later than level {lower.level}")
        return self

    def told(self, *, reached: int) -> dict[Role, int]:
        """Return who knows of an obligation at `reached`, and the highest level that concerns each.

        A head passed over, because several levels went by unnoticed, is told all the same.
        """
        told: dict[Role, int] = {}
        if self.near and reached == NEAR:
            told[self.near] = NEAR
        for level in self.levels:
            if level.level <= reached:
                told[level.tell] = level.level
        return told


class Policy(_Part):
    """The whole file."""

    version: str = Field(min_length=1)
    slots: tuple[ClockTime, ...] = Field(min_length=1, max_length=12)
    max_lines: int = Field(default=50, ge=1, le=500)
    province: str = Field(min_length=1)
    oversight: str = Field(min_length=1)
    ladders: dict[Kind, Ladder]
    roles: dict[Role, str]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if list(self.slots) != sorted(set(self.slots)):
            raise ValueError("slots: list each clock time once, the earliest first")
        if missing := [repr(kind) for kind in get_args(Kind) if kind not in self.ladders]:
            raise ValueError(f"ladders: there is none for {', '.join(missing)}; each kind needs one")
        for role in get_args(Role):
            if not self.roles.get(role, "").strip():
                raise ValueError(f"roles: the text for {role!r} is missing")
        return self


def read(text: str) -> Policy:
    """Return the policy of a YAML text. raises: PolicyError - not YAML, or something in it is wrong."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PolicyError(f"not readable as YAML: {error}") from None
    if not isinstance(document, dict):
        raise PolicyError("the file must hold a mapping with version, slots, ladders, roles")
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        places = (f"{'.'.join(map(str, e['loc'])) or 'policy'}: {e['msg']}" for e in error.errors())
        raise PolicyError("; ".join(places)) from None


def load(path: Path | None) -> Policy:
    """Return the policy of a file, or the one the program carries. raises: PolicyError - also if it cannot be read."""
    try:
        return read((path or CARRIED).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: {error}") from None


def next_slot(slots: tuple[time, ...], *, calendar: WorkCalendar, at: datetime) -> datetime:
    """Return the first digest slot at or after `at`.

    Where the calendar does not reach, Monday to Friday count as working days: a late digest beats none.
    """
    local = at.astimezone(calendar.zone)
    for days in count():
        on = local.date() + timedelta(days=days)
        for slot in slots:
            instant = datetime.combine(on, slot, calendar.zone)
            if instant >= local and _works(calendar, on):
                return instant
    raise AssertionError("unreachable")


def _works(calendar: WorkCalendar, on: date) -> bool:
    try:
        return is_working_day(calendar, on=on)
    except CalendarEndsError:
        return on.weekday() < SATURDAY
