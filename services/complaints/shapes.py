"""Bodies of the HTTP calls by which officers and senders act on a feedback. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.complaints.filing import Line, Text
from shared.events import FeedbackKind

Word = Annotated[str, Field(min_length=1, max_length=80)]


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Said(Body):
    """Words of an officer: an answer, a reason, what is asked for."""

    text: Text


class Moved(Body):
    """To which unit, by its code, and why."""

    unit: Word
    text: Text


class Extended(Said):
    """number: which extension, 1 or 2, where the law gives two. decided_at: when, if it was not decided just now."""

    number: Annotated[int, Field(ge=1, le=2)] = 1
    decided_at: AwareDatetime | None = None


class Published(Said):
    """The words that all may read: officers leave names and what else tells who it was out of them.

    question: without it a line of field, unit and day stands in its place, never what the sender wrote. answer:
    in words for all; `as_sent` where the one that was sent names nobody and may be read as it is. text: why, or by
    whose order; nobody reads it but officers.
    """

    question: Text | None = None
    answer: Text | None = None
    as_sent: bool = False

    @model_validator(mode="after")
    def _says_which_answer(self) -> Published:
        if self.as_sent == (self.answer is not None):
            raise ValueError("give `answer`, in words for all, or `as_sent`: true where the one sent names nobody")
        return self


class Joined(Body):
    """The number of the feedback that it is dealt with in."""

    to: Line


class Decided(Body):
    """What it is and who must act.

    unit: the code of the handler; None: whom the routes name. accused_units, accused_persons: whom it is about, by
    codes and opaque ids; they and their units are passed over and learn nothing. remote: it is of a remote place, for
    which the law gives complaints more time. instance: 2 of one against a settlement: it goes to the superior.
    """

    kind: FeedbackKind
    field: Word | None = None
    categories: tuple[Word, ...] = ()
    unit: Word | None = None
    accused_units: tuple[Word, ...] = ()
    accused_persons: tuple[Word, ...] = ()
    remote: bool = False
    instance: Literal[1, 2] = 1
    text: Text | None = None


class OfSender(Body):
    """secret: as it was shown when the feedback was filed."""

    secret: Line


class Supplemented(OfSender):
    text: Text


class Rated(OfSender):
    """rating: of the answer, 1 (bad) to 5 (good)."""

    rating: Annotated[int, Field(ge=1, le=5)]


class Reopened(OfSender):
    """text: what is still wrong."""

    text: Text
