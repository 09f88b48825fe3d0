"""A feedback as its life has it, what an officer decides of it, and what of the province's rules it goes by. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.events import FeedbackKind, FeedbackState, FeedbackTerm, TermMeasure, TermName


class ActError(ValueError):
    """The act cannot be done now; the message says why and what to do."""


class Length(Protocol):
    """How long a duty may take: so many of `measure`. basis: the act that says so."""

    @property
    def value(self) -> int: ...
    @property
    def measure(self) -> TermMeasure: ...
    @property
    def basis(self) -> str: ...


class Reopening(Protocol):
    @property
    def within_days(self) -> int: ...
    @property
    def times(self) -> int: ...


class Policy(Protocol):
    """The province's rules in force, as far as a life goes by them: see rules/policy.py."""

    @property
    def reopening(self) -> Reopening: ...
    def term(
        self, kind: FeedbackKind, name: TermName, *, remote: bool = False, complex: int = 0, instance: int = 1
    ) -> Length: ...
    def hides(self, kind: FeedbackKind) -> bool: ...
    def extensions(self, kind: FeedbackKind, name: TermName, *, instance: int = 1) -> int: ...


@dataclass(frozen=True, slots=True)
class Case:
    """A feedback as its life has it. been: the units that had it and gave it back, in order.

    about_unit: the code of the unit that it counts against; None: not known, or restricted, which counts nowhere.
    remote: of a remote place, for which the law gives more time. instance: 2 of a complaint against a settlement.
    published_question, published_answer: what all may read of it, only while they may. No question: none was worded.
    """

    code: str
    filed_at: datetime
    kind: FeedbackKind
    suspected: bool = False
    kind_by: str | None = None
    field: str | None = None
    categories: tuple[str, ...] = ()
    handler: str | None = None
    not_to: tuple[str, ...] = ()
    hides_identity: bool = False
    state: FeedbackState = "received"
    terms: tuple[FeedbackTerm, ...] = ()
    been: tuple[str, ...] = ()
    moves: int = 0
    reopened: int = 0
    rating: int | None = None
    joined_to: str | None = None
    answered_at: datetime | None = None
    published_at: datetime | None = None
    published_question: str | None = None
    published_answer: str | None = None
    about_unit: str | None = None
    remote: bool = False
    instance: int = 1

    @property
    def restricted(self) -> bool:
        return self.kind == "denunciation"

    @property
    def sealed(self) -> bool:
        """Whether its words are kept under seal."""
        return self.restricted or self.hides_identity

    def open_term(self, *names: TermName) -> FeedbackTerm | None:
        return next((term for term in self.terms if term.ended_at is None and (term.name in names or not names)), None)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a named officer decides of a feedback. handler: who must act on it now. not_to: whom it is about.

    about_unit, remote, instance: as a case has them.
    """

    kind: FeedbackKind
    handler: str | None
    field: str | None = None
    categories: tuple[str, ...] = ()
    not_to: tuple[str, ...] = ()
    about_unit: str | None = None
    remote: bool = False
    instance: int = 1
