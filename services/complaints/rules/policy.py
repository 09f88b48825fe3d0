"""The policy of feedback: what is owed by kind and until when, and the limits of its life. Pure but for reading it.

law: NĐ 20/2008 (am. 48/2013, 92/2017), Luật Khiếu nại 2011, Luật Tố cáo 2018, Luật 136/2025/QH15. The file cites them
beside each value; what is not verified is marked there and is the province's to set.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from services.complaints.rules.terms import (
    Anonymous,
    Identity,
    Patterns,
    PolicyTerm,
    Rating,
    Reopening,
    Term,
    TermRule,
)
from shared.events import FeedbackKind, TermName
from shared.rule_files import Edition, Editions, Part, read_editions, text_of

CARRIED = Path(__file__).parents[1] / "data" / "feedback.yaml"
HOLDS = "version, centre, kinds"
KINDS: tuple[FeedbackKind, ...] = get_args(FeedbackKind)
NEEDED: Mapping[FeedbackKind, tuple[PolicyTerm, ...]] = {
    "reflection": ("screening", "supplement", "answer", "publication"),
    "recommendation": ("screening", "supplement", "answer", "publication"),
    "complaint": ("screening", "acceptance", "settlement"),
    "denunciation": ("screening", "acceptance", "settlement"),
}
CENTRE = "centre"

Code = Annotated[str, Field(min_length=1, max_length=50)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Name = Annotated[str, Field(min_length=1, max_length=120)]


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Codes = Annotated[tuple[Code, ...], BeforeValidator(_listed), Field(min_length=1)]


class NoTermError(LookupError):
    """No such period is owed for a feedback of this kind."""


class Kind(Part):
    """What holds of one kind. oversight: who sees to it where nobody above the unit may or can, the first first."""

    terms: Mapping[PolicyTerm, TermRule]
    anonymous: Anonymous
    identity: Identity
    oversight: Codes


class FeedbackPolicy(Edition):
    """The whole of it, as of one day.

    centre: the unit of the provincial public service centre, which sorts. screened_by: who sorts: `centre`, or a code.
    province: the top of all units; acts_for_province: who deals with what rises that far, by kind; else it itself.
    moves: how often "not ours" moves a feedback on before it rises to the superior. staff_accused: where a feedback
    about somebody who neither heads nor deputises goes: to the superior of their unit, or to the unit's own head.
    categories, fields: with their Vietnamese names, of which the keys are stored.
    """

    centre: Code
    screened_by: Code = CENTRE
    province: Code
    acts_for_province: Mapping[FeedbackKind, Code] = {}
    kinds: Mapping[FeedbackKind, Kind]
    reopening: Reopening
    moves: int = Field(ge=0, le=10)
    staff_accused: Literal["superior", "own_head"] = "superior"
    patterns: Patterns
    rating: Rating
    categories: Mapping[Key, Name] = Field(min_length=1)
    fields: Mapping[Key, Name] = Field(min_length=1)

    @field_validator("kinds")
    @classmethod
    def _are_whole(cls, kinds: Mapping[FeedbackKind, Kind]) -> Mapping[FeedbackKind, Kind]:
        if missing := [kind for kind in KINDS if kind not in kinds]:
            raise ValueError(f"there is none for {', '.join(missing)}")
        for kind, needed in NEEDED.items():
            if lacking := [name for name in needed if name not in kinds[kind].terms]:
                said = f"there is no period for {', '.join(lacking)}"
                raise PydanticCustomError("whole", "{said}", {"said": said, "at": (kind, "terms")})
        return kinds

    @model_validator(mode="after")
    def _hides_denouncers(self) -> Self:
        if self.kinds["denunciation"].identity.hidden != "always":
            said = "a denouncer's identity is always hidden (Luật Tố cáo 2018 Đ.8, 23, 56)"
            at = ("kinds", "denunciation", "identity", "hidden")
            raise PydanticCustomError("whole", "{said}", {"said": said, "at": at})
        return self

    @property
    def screener(self) -> str:
        """Return the code of the unit that sorts."""
        return self.centre if self.screened_by == CENTRE else self.screened_by

    def term(
        self, kind: FeedbackKind, name: PolicyTerm, *, remote: bool = False, complex: int = 0, instance: int = 1
    ) -> Term:
        """Return how long a duty may take.

        complex: 0, 1 of a complex matter, 2 of a very complex one: the whole period, what extends it included; where
            the law knows no longer one it is the longest there is. instance: 2 of a complaint about a settlement.
        raises: NoTermError - nothing of the kind is owed.
        """
        rule = self.kinds[kind].terms.get(name)
        if rule is None:
            raise NoTermError(f"no {name} is owed for a {kind}")
        value = rule.of_instance(instance).at(remote=remote, complex=complex)
        return Term(value, rule.measure, rule.basis, rule.confidence)

    def extensions(self, kind: FeedbackKind, name: PolicyTerm, *, instance: int = 1) -> int:
        """Return how often a period may be extended; 0 also where it is not owed."""
        rule = self.kinds[kind].terms.get(name)
        return len(rule.of_instance(instance).complex) if rule else 0

    def hides(self, kind: FeedbackKind) -> bool:
        """Return whether who sends it is hidden without asking; never of a denunciation, which is sealed as a whole."""
        return kind != "denunciation" and self.kinds[kind].identity.hidden == "always"

    def owes(self, kind: FeedbackKind) -> tuple[TermName, ...]:
        """Return what falls due for a feedback of a kind, in the order of its life."""
        names: tuple[TermName, ...] = get_args(TermName)
        return tuple(name for name in names if name in self.kinds[kind].terms)


class Policies(Editions[FeedbackPolicy]):
    """The policies of a file; `on` returns the one of a day."""


def read(text: str) -> Policies:
    """Return the policies of a YAML text. raises: RuleFileError - not YAML, or something in it is wrong."""
    return Policies(*read_editions(text, FeedbackPolicy, several="policies", holds=HOLDS))


def load(path: Path | None = None) -> Policies:
    """Return the policies of a file, or those the program carries. raises: RuleFileError - also if it is unreadable."""
    return read(text_of(path or CARRIED))
