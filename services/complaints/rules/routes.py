"""The routes of feedback: dated rules of which the first that fits decides. Pure but for reading their file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from services.complaints.rules.policy import Code, Key
from shared.events import FeedbackKind
from shared.rule_files import Part, RuleFileError, Written, checked, documents, text_of

CARRIED = Path(__file__).parents[1] / "data" / "routes.yaml"
HOLDS = "version, departments, routes"
Target = Literal[
    "named_unit",  # that the sender names
    "dossier_unit",  # that holds the dossier now
    "commune_of_place",  # of the place that the sender names
    "department_of_field",  # as the table says
    "superior_of_accused",
    "superior_of_named",
    "centre",  # the provincial public service centre, which sorts by hand
]
TARGETS: tuple[str, ...] = get_args(Target)
_WORD = re.compile(r"^[a-z_]+$")  # no code looks so


def _several(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


def _known(to: str) -> str:
    if _WORD.match(to) and to not in TARGETS:
        raise ValueError(f"there is no such target; give the code of a unit, or one of {', '.join(TARGETS)}")
    return to


Keys = Annotated[tuple[Key, ...], BeforeValidator(_several)]
Codes = Annotated[tuple[Code, ...], BeforeValidator(_several)]
Kinds = Annotated[tuple[FeedbackKind, ...], BeforeValidator(_several)]
Words = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], BeforeValidator(_several)]


class When(Part):
    """Which feedback a rule is for: all that is given must hold, of a list one of it.

    named_unit, unit_kind: of the unit that the sender names. place: codes or names of units. dossier_unit: who holds
    the dossier. procedure: codes, or how they begin. accuses: whether somebody is accused. instance: of a complaint.
    """

    kind: Kinds = ()
    field: Keys = ()
    category: Keys = ()
    named_unit: Codes = ()
    unit_kind: Codes = ()
    place: Words = ()
    dossier_unit: Codes = ()
    procedure: Codes = ()
    accuses: bool | None = None
    instance: Literal[1, 2] | None = None


class Rule(Part):
    """One route. to: the code of a unit, or a target. why: told to the staff in place of the program's own words."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    valid_from: date | None = None
    valid_until: date | None = None
    when: When = When()
    to: Annotated[Code, AfterValidator(_known)]
    why: str = ""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from")
        return self

    def is_in_force(self, on: date) -> bool:
        return (self.valid_from or date.min) <= on <= (self.valid_until or date.max)


class Routes(Part):
    """The whole file. departments: which unit of the province has a field."""

    version: str = Field(min_length=1)
    departments: Mapping[Key, Code] = {}
    routes: tuple[Rule, ...] = Field(min_length=1, max_length=1_000)

    @field_validator("routes")
    @classmethod
    def _told_apart(cls, routes: tuple[Rule, ...]) -> tuple[Rule, ...]:
        seen: set[str] = set()
        for place, rule in enumerate(routes):
            if rule.id in seen:
                said = f"another route has the id {rule.id}"
                raise PydanticCustomError("twice", "{said}", {"said": said, "at": (place, "id")})
            seen.add(rule.id)
        return routes

    def on(self, day: date) -> tuple[Rule, ...]:
        """Return the rules in force on a day, in their order."""
        return tuple(rule for rule in self.routes if rule.is_in_force(day))


class Read(NamedTuple):
    """Routes and where they stand in their file."""

    routes: Routes
    written: Written


def read(text: str) -> Read:
    """Return the routes of a YAML text. raises: RuleFileError - not YAML, or something in it is wrong."""
    first, *more = documents(text, holds=HOLDS)
    routes, faults = checked(Routes, first)
    if more:
        faults.append(more[0].fault((), "one file holds one list of routes"))
    if faults or routes is None:
        raise RuleFileError(sorted(set(faults)))
    return Read(routes, first)


def load(path: Path | None = None) -> Routes:
    """Return the routes of a file, or those the program carries. raises: RuleFileError - also if it is unreadable."""
    return read(text_of(path or CARRIED)).routes
