"""Our own facts format, as it comes, turned into validated statements. Pure.

source: CloudEvents 1.0 in structured mode, one JSON document or an array of them (a batch). The type names the shape of
`data` with its version (own/life.py: what is said of a dossier); `time` is when it was sent. Nobody's name belongs in a
title.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from services.intake.facts import key_of
from services.intake.national import Code, Refused, Word, as_json, fields, places, word
from services.intake.own import life
from services.intake.own.life import SameAs
from services.intake.own.telling import Telling
from services.intake.own.words import EndOfDay, Moment, Named, NothingIfEmpty
from shared.place import Place

D = TypeVar("D", bound=Telling)
DUTY, APOLOGY, PAUSE = "dondoc.duty.v1", "dondoc.apology.v1", "dondoc.pause.v1"

DutyStatus = Literal["open", "submitted", "returned", "accepted", "withdrawn"]


DutyId = Annotated[str, BeforeValidator(word), Field(min_length=1, max_length=100)]


class Duty(BaseModel):
    """A task that puts an inspection's finding right, or a periodic report, as the source holds it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    kind: Literal["remediation", "report", "plan_item"]  # to discipline: a type of its own, without free text
    unit: Word = ""
    title: Word = ""
    field: Word = ""
    basis: Word = ""
    given_at: Moment = None
    due_at: Moment = None
    due_on: EndOfDay = None
    status: Annotated[DutyStatus | None, NothingIfEmpty] = None
    status_at: Moment = None

    @model_validator(mode="after")
    def _fits_together(self) -> Duty:
        if self.due_at and self.due_on:
            raise ValueError("`due_at` and `due_on` are two words for one thing: give one")
        if (self.status is None) != (self.status_at is None):
            raise ValueError("`status` and `status_at` go together: give both or none")
        return self

    @property
    def due(self) -> str | None:
        return self.due_at or self.due_on


class AnyStatement(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    specversion: Literal["1.0"]
    id: Named
    source: Named
    time: Moment = None


class DutyStatement(AnyStatement):
    """What a source says of a duty; the subject is the duty's id."""

    subject: DutyId
    data: Duty


class DossierStatement(AnyStatement, Generic[D]):
    """What a source says of a dossier; the subject is its MaHoSo, or the unit's own code."""

    subject: Code
    data: D


class SameStatement(DossierStatement[SameAs]):
    """That two codes are one dossier."""

    @model_validator(mode="after")
    def _names_two(self) -> SameStatement:
        if key_of(self.subject) == key_of(self.data.code):
            raise ValueError("`code` is the subject itself")
        return self


Statement = DutyStatement | DossierStatement[Any]
TYPES: dict[str, type[DutyStatement] | type[DossierStatement[Any]]] = {
    DUTY: DutyStatement,
    APOLOGY: DossierStatement[life.Apology],
    PAUSE: DossierStatement[life.Pause],
    "dondoc.filed.v1": DossierStatement[life.Filed],
    "dondoc.accepted.v1": DossierStatement[life.Accepted],
    "dondoc.due_date.v1": DossierStatement[life.DueDate],
    "dondoc.supplement.v1": DossierStatement[life.Supplement],
    "dondoc.step.v1": DossierStatement[life.Step],
    "dondoc.transfer.v1": DossierStatement[life.Transfer],
    "dondoc.ended.v1": DossierStatement[life.Ended],
    "dondoc.returned.v1": DossierStatement[life.Returned],
    "dondoc.digital.v1": DossierStatement[life.Digital],
    "dondoc.same_as.v1": SameStatement,
}


@dataclass(frozen=True, slots=True)
class Statements:
    """What a body holds. objects: statements of the types that were asked for."""

    objects: Sequence[Any]
    refused: Sequence[Refused]


def read(body: bytes, *, types: Mapping[str, type[BaseModel]] = TYPES) -> Statements:
    """Parse a body. What cannot be taken is in `refused`; good statements beside a bad one are taken.

    types: the shape of each type.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return Statements((), (Refused("unreadable", f"not JSON in UTF-8: {str(error)[:120]}", body),))
    if isinstance(document, dict):
        return _taken([document], lambda _: ("", body), types)
    if isinstance(document, list) and document:
        return _taken(document, lambda index: (f"[{index}]: ", as_json(document[index], body)), types)
    return Statements((), (Refused("not_a_message", "a CloudEvents document or an array of some is expected", body),))


def _taken(
    parts: Sequence[Any], whereabouts: Callable[[int], tuple[str, bytes]], types: Mapping[str, type[BaseModel]]
) -> Statements:
    """Validate each part. whereabouts: of a part at fault, how to name it and its bytes."""
    objects: list[Any] = []
    refused: list[Refused] = []
    for index, part in enumerate(parts):
        type = part.get("type") if isinstance(part, dict) else None
        if not isinstance(type, str) or type not in types:
            place, raw = whereabouts(index)
            where = Place(index, ("type",))
            refused.append(Refused("unknown_type", f"{place}`type` must be one of {', '.join(types)}", raw, where))
            continue
        try:
            objects.append(types[type].model_validate(part))
        except ValidationError as error:
            place, raw = whereabouts(index)
            where = Place(index, fields(error))
            refused.append(Refused("invalid_object", f"{place}{places(error)}", raw, where))
    return Statements(objects, refused)
