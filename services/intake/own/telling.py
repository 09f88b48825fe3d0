"""What every type of our own format has: its data, the times in it that happened, and the facts it asserts. Pure.

`happened` gives the times that are no promises; `tells` the assertions, for `as_of`, how new the knowledge is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, model_validator

from services.intake.facts import RANKS, Assertion
from services.intake.national import Word
from services.intake.own.words import EndOfDay, Moment, NothingIfEmpty, Number, SomeMoment
from shared.codes import national_procedure, short_agency
from shared.events import Channel


class Telling(BaseModel):
    """What every type has."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    def happened(self) -> list[str | None]:
        raise NotImplementedError

    def tells(self, as_of: str) -> Iterator[Assertion]:
        raise NotImplementedError


class Described(Telling):
    """What a dossier is about; an empty member says nothing."""

    procedure: Word = ""
    case: Word = ""
    field: Word = ""
    unit: Word = ""
    channel: Annotated[Channel | None, NothingIfEmpty] = None

    def about(self, as_of: str, *, status: int) -> Iterator[Assertion]:
        about = {
            "procedure": national_procedure(self.procedure),
            "field": self.field,
            "unit_name": self.unit,
            "agency": short_agency(self.unit) or "",
            **({"channel": self.channel} if self.channel else {}),
            **({"case": self.case} if self.case else {}),
        }
        if any(about.values()):
            yield Assertion("about", about, as_of, as_of, RANKS[status])


class WithDue(Telling):
    due_at: Moment = None
    due_on: EndOfDay = None

    @model_validator(mode="after")
    def _has_one_due_time(self) -> WithDue:
        if self.due_at and self.due_on:
            raise ValueError("`due_at` and `due_on` are two words for one thing: give one")
        return self

    @property
    def due(self) -> str | None:
        return self.due_at or self.due_on


class Span(Telling):
    """Something that lasts; while it does `until` is empty."""

    number: Number
    since: SomeMoment
    until: Moment = None

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Span:
        if self.until and self.until < self.since:
            raise ValueError("`until` is before `since`")
        return self

    def happened(self) -> list[str | None]:
        return [self.since, self.until]


def standing(status: int, at: str) -> Assertion:
    """Return a status that begins at a happening, as a snapshot of that moment would tell it."""
    return Assertion("standing", {"status": status, "ended": None, "refused": None}, at, at, RANKS[status])
