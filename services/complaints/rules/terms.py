"""What a policy is put together from: periods with what extends them, and where each value comes from. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from shared.events import TermMeasure, TermName
from shared.rule_files import Part

LONGEST = 366  # of whatever measure
Confidence = Literal["high", "medium", "low"]  # low: not verified, so a setting for the province to confirm
# supplement: until when the unit may ask for one; it falls due for nobody, so events know no such term
PolicyTerm = TermName | Literal["supplement"]
Value = Annotated[int, Field(strict=True, ge=1, le=LONGEST)]


def _several(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


Values = Annotated[tuple[Value, ...], BeforeValidator(_several), Field(max_length=3)]


class Sourced(Part):
    """Something that an act says. basis: act and article. note: what has to be known of it, for people."""

    basis: str = Field(min_length=1)
    confidence: Confidence
    note: str = ""

    @property
    def is_setting(self) -> bool:
        """Return whether no verified act stands behind it: the province decides."""
        return self.confidence == "low"


class Length(Part):
    """How long. remote: in remote places. complex: of a complex, then of a very complex matter; in all, not added."""

    value: Value
    remote: Value | None = None
    complex: Values = ()
    complex_remote: Values = ()

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.remote is not None and self.remote < self.value:
            raise ValueError("remote: must not be shorter than value")
        for name, first, steps in (
            ("complex", self.value, self.complex),
            ("complex_remote", self.remote or self.value, self.complex_remote),
        ):
            if any(later <= earlier for earlier, later in pairwise((first, *steps))):
                raise ValueError(f"{name}: each must be longer than the one before: whole periods, not what is added")
        if self.complex_remote and (self.remote is None or len(self.complex_remote) != len(self.complex)):
            raise ValueError("complex_remote: goes with remote, and has as many values as complex")
        return self

    def at(self, *, remote: bool, complex: int) -> int:
        """Return the length of a matter; where nothing longer is said, that of the step below."""
        plain = self._step(self.value, self.complex, complex)
        if not remote:
            return plain
        return max(plain, self._step(self.remote or self.value, self.complex_remote, complex))

    @staticmethod
    def _step(first: int, steps: tuple[int, ...], complex: int) -> int:
        return (first, *steps)[min(complex, len(steps))]


class TermRule(Sourced, Length):
    """A period for one duty. second: its length at the second instance of a complaint, where it differs."""

    measure: TermMeasure
    second: Length | None = None

    def of_instance(self, instance: int) -> Length:
        return self.second if self.second and instance > 1 else self


@dataclass(frozen=True, slots=True)
class Term:
    """A period that is owed, all that extends it included, and the act that says so."""

    value: int
    measure: TermMeasure
    basis: str
    confidence: Confidence = "high"


class Anonymous(Sourced):
    """What becomes of a feedback without a name. rule: `kept`: not as what it is, but as information for inspection."""

    rule: Literal["accepted", "refused", "kept"]


class Identity(Sourced):
    """Whether the sender's identity is hidden: always by law, or where the sender asks for it."""

    hidden: Literal["always", "on_request"]


class Reopening(Part):
    """For how many days after the answer, and how often, the sender may have it opened again."""

    within_days: int = Field(ge=1, le=LONGEST)
    times: int = Field(ge=0, le=10)


class Pattern(Part):
    """So many reports within so many days are told to the superior."""

    reports: int = Field(ge=2, le=10_000)
    days: int = Field(ge=1, le=LONGEST)


class Patterns(Part):
    """About one unit, and about one person."""

    unit: Pattern
    person: Pattern


class Rating(Part):
    """How an answer is rated, from 1 on. disliked: up to this one the sender is not content (QĐ 766/QĐ-TTg, 5.3)."""

    names: tuple[str, ...] = Field(min_length=2, max_length=5)
    disliked: int = Field(ge=1)

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.disliked >= len(self.names):
            raise ValueError(f"disliked: must lie below {len(self.names)}, the best")
        return self
