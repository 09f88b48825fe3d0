"""What may be said of a dossier in our own format, from its filing to its result, and the facts it asserts. Pure.

Each class is the `data` of one type. A status is dated by its happening, so that a correction of an old statement does
not open what has ended since; an end is as new as what says it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from services.intake.facts import DERIVED, RANKS, Assertion, key_of
from services.intake.national import Code, Word, word
from services.intake.own.telling import Described, Span, Telling, WithDue, standing
from services.intake.own.words import Mark, Moment, Named, NothingIfEmpty, Number, SomeMoment, TermDays
from shared.events import Why

ENDS = {"completed": 9, "refused": 3, "withdrawn": 7, "stopped": 8}
AnnouncedBecause = Annotated[Why | None, NothingIfEmpty]
Slip = Annotated[str, BeforeValidator(word), Field(max_length=100)]
UnitName = Annotated[Named, Field(max_length=500)]


class Filed(Described):
    """Handed in, not yet received: over the net unless `channel` says otherwise."""

    filed_at: SomeMoment

    def happened(self) -> list[str | None]:
        return [self.filed_at]

    def tells(self, as_of: str) -> Iterator[Assertion]:
        yield from self.about(as_of, status=1)
        yield Assertion("filed", self.filed_at, self.filed_at, as_of, RANKS[1])
        yield standing(1, min(self.filed_at, as_of))


class Accepted(Described, WithDue):
    """Received; the citizen has a slip with its number and the date on which to come again."""

    accepted_at: SomeMoment
    slip: Slip = ""

    def happened(self) -> list[str | None]:
        return [self.accepted_at]

    def tells(self, as_of: str) -> Iterator[Assertion]:
        yield from self.about(as_of, status=2)
        yield Assertion("accepted", self.accepted_at, self.accepted_at, as_of, RANKS[2])
        yield standing(2, min(self.accepted_at, as_of))
        if self.due:
            yield Assertion("due", self.due, as_of, as_of, RANKS[2])
        if self.slip:
            yield Assertion("slip", self.slip, as_of, as_of, RANKS[2])


class DueDate(WithDue):
    """A due date was announced, the first or another. because: what for, shown beside it."""

    announced_at: Moment = None
    because: AnnouncedBecause = None

    @model_validator(mode="after")
    def _says_when(self) -> DueDate:
        if not self.due:
            raise ValueError("give `due_at` or `due_on`")
        return self

    def happened(self) -> list[str | None]:
        return [self.announced_at]

    def tells(self, as_of: str) -> Iterator[Assertion]:
        known = min(self.announced_at or as_of, as_of)
        yield Assertion("due", self.due, known, known, RANKS[4], self.because)


class Supplement(Telling):
    """More papers were asked of the applicant; said again with `received_at` once they came."""

    number: Number
    requested_at: SomeMoment
    received_at: Moment = None
    term_days: TermDays = None
    due_before: Moment = None
    due_after: Moment = None

    @model_validator(mode="after")
    def _is_received_after_its_request(self) -> Supplement:
        if self.received_at and self.received_at < self.requested_at:
            raise ValueError("`received_at` is before `requested_at`")
        return self

    def happened(self) -> list[str | None]:
        return [self.requested_at, self.received_at]

    def tells(self, as_of: str) -> Iterator[Assertion]:
        term = {"term_days": self.term_days} if self.term_days else {}
        value = {"requested": self.requested_at, "received": self.received_at, **term}
        yield Assertion(f"supplement.{self.number}", value, self.requested_at, as_of, RANKS[5])
        known = min(self.requested_at, as_of)
        yield standing(5, known)
        if self.due_before:
            yield Assertion("due", self.due_before, known, known, DERIVED)
        if self.received_at and self.due_after:
            known = min(self.received_at, as_of)
            yield Assertion("due", self.due_after, known, known, DERIVED, "supplement")


class Pause(Span):
    """A span in which a dossier's clock stands.

    term_days: in which the applicant is to answer. effect: whether the limit goes on afterwards or begins anew.
    """

    kind: Literal["supplement", "financial_obligation", "consultation", "suspension"]
    term_days: TermDays = None
    effect: Literal["suspend", "reset"] = "suspend"

    def tells(self, as_of: str) -> Iterator[Assertion]:
        value = {  # their order is part of the fact's id
            "kind": self.kind, "since": self.since, "until": self.until, "term_days": self.term_days,
            "effect": self.effect,
        }  # fmt: skip
        yield Assertion(f"pause.{self.number}", value, self.since, as_of, 0)


class Apology(Telling):
    """A letter that says sorry for a delay and asks for more time.

    law: TT 03/2025/TT-VPCP, Phụ lục I - form 04, Văn bản xin lỗi và đề nghị gia hạn thời gian giải quyết.
    """

    number: Number
    issued_at: SomeMoment
    due_before: Moment = None
    due_after: SomeMoment

    def happened(self) -> list[str | None]:
        return [self.issued_at]

    def tells(self, as_of: str) -> Iterator[Assertion]:
        """Where a snapshot says at that very moment what is due, it goes before the letter, as before a supplement."""
        value = {"issued": self.issued_at, "before": self.due_before, "after": self.due_after}
        yield Assertion(f"apology.{self.number}", value, self.issued_at, as_of, 0)
        known = min(self.issued_at, as_of)
        if self.due_before:
            yield Assertion("due", self.due_before, known, known, DERIVED - 1)
        yield Assertion("due", self.due_after, known, known, DERIVED, "apology")


class Step(Span, WithDue):
    """A unit or a division has the dossier, until when it must be done."""

    unit: Word = ""

    def tells(self, as_of: str) -> Iterator[Assertion]:
        value = {"unit": self.unit, "since": self.since, "until": self.until, "due": self.due}
        yield Assertion(f"step.{self.number}", value, self.since, as_of, RANKS[4])


class Transfer(Telling):
    """The dossier went to another unit, which answers for it from then on."""

    number: Number
    at: SomeMoment
    unit_from: Word = ""
    unit_to: UnitName

    def happened(self) -> list[str | None]:
        return [self.at]

    def tells(self, as_of: str) -> Iterator[Assertion]:
        value = {"at": self.at, "from": self.unit_from, "to": self.unit_to}
        yield Assertion(f"transfer.{self.number}", value, self.at, as_of, 0)


class Ended(Telling):
    """The work is done, or was refused, withdrawn or stopped. A step or a supplement after it opens it again."""

    ended_at: SomeMoment
    end: Literal["completed", "refused", "withdrawn", "stopped"]

    def happened(self) -> list[str | None]:
        return [self.ended_at]

    def tells(self, as_of: str) -> Iterator[Assertion]:
        status = ENDS[self.end]
        refused = self.ended_at if self.end == "refused" else None
        value = {"status": status, "ended": self.ended_at, "refused": refused}
        yield Assertion("standing", value, self.ended_at, as_of, RANKS[status])


class Returned(Telling):
    """The result was given to the citizen; moves no clock."""

    returned_at: SomeMoment

    def happened(self) -> list[str | None]:
        return [self.returned_at]

    def tells(self, as_of: str) -> Iterator[Assertion]:
        yield Assertion("returned", self.returned_at, self.returned_at, as_of, RANKS[10])
        yield standing(10, min(self.returned_at, as_of))


class Digital(Telling):
    """What of it was done over the net; moves no clock. A member that is not given says nothing."""

    digitised: Mark = None
    paid_online: Mark = None
    portal: Annotated[Literal["national", "provincial"] | None, NothingIfEmpty] = None

    def happened(self) -> list[str | None]:
        return []

    def tells(self, as_of: str) -> Iterator[Assertion]:
        if value := self.model_dump(exclude_none=True):
            yield Assertion("digital", value, as_of, as_of, 0)


class SameAs(Telling):
    """Another code of the same dossier: the two are one from then on."""

    code: Code

    def happened(self) -> list[str | None]:
        return []

    def tells(self, as_of: str) -> Iterator[Assertion]:
        yield Assertion("same_as", {"code": key_of(self.code)}, as_of, as_of, 0)
