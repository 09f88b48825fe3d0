"""What may be said of oversight, validated: one shape for each kind. Pure.

Every member may be absent or empty, and then says nothing: a later statement needs to hold only what is new. A date
where something falls due is its end, a date where something happened its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.intake.duties import duty_key
from services.intake.national import Word, word
from services.intake.own.words import Moment, NothingIfEmpty, end_of_day, moment
from services.intake.statements import AnyStatement, DutyId, DutyStatus
from shared.events import DutyKind, RecordKind

KINDS: tuple[RecordKind, ...] = get_args(RecordKind)
LONGEST_TEXT = 2000  # characters of a finding
MOST_REFERENCES = 100  # findings of one surprise check
FIRST_YEAR, LAST_YEAR = 2000, 2100
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OPAQUE = re.compile(r"(?=.*[0-9])[0-9A-Za-zĐđ./_-]{1,100}")

Category = Literal[
    "publicity",
    "online_filing",
    "online_payment",
    "digitising",
    "one_stop_software",
    "overdue_settlement",
    "feedback",
    "model_to_spread",
    "initiative_to_spread",
    "training",
    "inspection",
    "other",
]
Severity = Literal["high", "medium", "low"]
CheckResult = Literal["clean", "minor", "serious"]
# law: NĐ 172/2025/NĐ-CP - khiển trách, cảnh cáo, cách chức, buộc thôi việc
Measure = Literal["reprimand", "warning", "removal", "dismissal", "other"]
Answer = Literal["accepted", "partly", "refused"]
Outcome = Literal["reprimand", "warning", "removal", "dismissal", "other", "none"]


def happened(raw: object) -> str | None:
    """Return a time; of a date its beginning. raises: ValueError - neither."""
    text = word(raw)
    return moment(f"{text}T00:00:00+07:00" if _DATE.fullmatch(text) else text)


def text(raw: object) -> str:
    """Return a text in one line. raises: ValueError - as `word`."""
    return word(" ".join(raw.split()) if isinstance(raw, str) else raw)


def opaque(raw: object) -> str:
    """Return a reference that names nobody. raises: ValueError - it could be a name: a space, other signs, no digit."""
    said = word(raw)
    if said and not _OPAQUE.fullmatch(said):
        raise ValueError("must be a reference without spaces and with a digit, such as KN-12/2026: never a name")
    return said


Happened = Annotated[str | None, BeforeValidator(happened)]
Due = Annotated[str | None, BeforeValidator(end_of_day)]
Text = Annotated[str, BeforeValidator(text), Field(max_length=LONGEST_TEXT)]
Opaque = Annotated[str, BeforeValidator(opaque)]
References = Annotated[
    tuple[Annotated[DutyId, Field()], ...],
    BeforeValidator(lambda raw: () if raw in (None, "") else raw),
    Field(max_length=MOST_REFERENCES),
]


class Said(BaseModel):
    """What all kinds have. required: members that a record must hold once an operator has loaded it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    is_kind: ClassVar[RecordKind]
    required: ClassVar[tuple[str, ...]] = ("unit",)
    unit: Word = ""

    @property
    def owes(self) -> DutyKind | None:
        """Which kind of duty this makes, None where nothing of it falls due."""
        return None

    def document(self) -> dict[str, Any]:
        """Return the members that say something."""
        return {name: value for name, value in self.model_dump(mode="json").items() if value not in (None, "", [])}


class Standing(Said):
    """How far what is owed has come, and where the evidence is found."""

    status: Annotated[DutyStatus | None, NothingIfEmpty] = None
    status_at: Happened = None
    evidence: Word = ""

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if (self.status is None) != (self.status_at is None):
            raise ValueError("`status` and `status_at` go together: give both or none")
        return self


class Owed(Standing):
    """What a unit owes by a date."""

    required: ClassVar[tuple[str, ...]] = ("unit", "title", "due")
    division: Word = ""
    title: Word = ""
    given_at: Happened = None
    due_at: Moment = None
    due_on: Due = None

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if self.due_at and self.due_on:
            raise ValueError("`due_at` and `due_on` are two words for one thing: give one")
        return self

    def document(self) -> dict[str, Any]:
        """Return the members that say something, the due time under one name."""
        said = super().document()
        due = said.pop("due_at", None) or said.pop("due_on", None)
        return {**said, "due": due} if due else said


class Finding(Standing):
    """What an inspection found at a unit. inspection: its number or conclusion. body: who inspected.

    report_due_on: by when the unit is to report what it did about it, as the inspecting body asks; the status is that
    report's.
    """

    is_kind = "finding"
    required = ("unit", "text", "severity")
    inspection: Word = ""
    body: Word = ""
    text: Text = ""
    severity: Annotated[Severity | None, NothingIfEmpty] = None
    found_on: Happened = None
    report_due_on: Due = None

    @property
    def owes(self) -> DutyKind | None:
        return "report" if self.report_due_on or self.status else None


class Task(Owed):
    """What puts a finding right: given to a division of a unit, by a date, with evidence and acceptance."""

    is_kind = "task"
    finding: Word = ""

    @property
    def owes(self) -> DutyKind | None:
        return "remediation"


class Plan(Said):
    """A unit's reform plan of a year, as approved."""

    is_kind = "plan"
    required = ("unit", "year")
    title: Word = ""
    year: Annotated[Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)] | None, NothingIfEmpty] = None
    approved_on: Happened = None


class PlanItem(Owed):
    """An item of a unit's reform plan. plan: its id. category: of those that the directive names."""

    is_kind = "plan_item"
    required = (*Owed.required, "category")
    plan: Word = ""
    category: Annotated[Category | None, NothingIfEmpty] = None

    @property
    def owes(self) -> DutyKind | None:
        return "plan_item"


class Report(Owed):
    """A periodic report of a unit. series, period: where it comes from a series of ours."""

    is_kind = "report"
    series: Word = ""
    period: Word = ""
    basis: Word = ""

    @property
    def owes(self) -> DutyKind | None:
        return "report"


class SurpriseCheck(Said):
    """What a surprise check of a unit came to. ordered_by: the post that ordered it. findings: their ids."""

    is_kind = "surprise_check"
    required = ("unit", "on", "result")
    on: Happened = None
    ordered_by: Word = ""
    result: Annotated[CheckResult | None, NothingIfEmpty] = None
    findings: References = ()


class Recommendation(Standing):
    """That conduct be disciplined; it never says whose. What is owed is the addressee's answer.

    unit: whose conduct it is about. ref: of the case, opaque. addressee: the unit that must answer. status: `submitted`
    once it answered. There is no free text in it, so that no name can be.
    law: NĐ 172/2025/NĐ-CP - the measures.
    """

    is_kind = "recommendation"
    required = ("unit", "ref", "addressee", "answer_due_on")
    ref: Opaque = ""
    addressee: Word = ""
    measure: Annotated[Measure | None, NothingIfEmpty] = None
    sent_on: Happened = None
    answer_due_on: Due = None
    answer: Annotated[Answer | None, NothingIfEmpty] = None
    outcome: Annotated[Outcome | None, NothingIfEmpty] = None
    outcome_on: Happened = None
    evidence: Opaque = ""

    @property
    def owes(self) -> DutyKind | None:
        return "recommendation"


SHAPES: Mapping[RecordKind, type[Said]] = {
    shape.is_kind: shape for shape in (Finding, Task, Plan, PlanItem, Report, SurpriseCheck, Recommendation)
}


def key_of(kind: RecordKind, id: str) -> str:
    """Return the key under which a record is one thing; a task is one with the duty it makes."""
    return duty_key("remediation", id) if kind == "task" else f"{kind}/{id}"


class OversightStatement(AnyStatement):
    """What a source says of oversight; the subject is the record's id."""

    subject: DutyId
    data: Finding | Task | Plan | PlanItem | Report | SurpriseCheck | Recommendation

    @property
    def key(self) -> str:
        return key_of(self.data.is_kind, self.subject)


class _OfFinding(OversightStatement):
    data: Finding


class _OfTask(OversightStatement):
    data: Task


class _OfPlan(OversightStatement):
    data: Plan


class _OfPlanItem(OversightStatement):
    data: PlanItem


class _OfReport(OversightStatement):
    data: Report


class _OfSurpriseCheck(OversightStatement):
    data: SurpriseCheck


class _OfRecommendation(OversightStatement):
    subject: Annotated[DutyId, BeforeValidator(opaque)]
    data: Recommendation


STATEMENTS: Mapping[RecordKind, type[OversightStatement]] = {
    "finding": _OfFinding,
    "task": _OfTask,
    "plan": _OfPlan,
    "plan_item": _OfPlanItem,
    "report": _OfReport,
    "surprise_check": _OfSurpriseCheck,
    "recommendation": _OfRecommendation,
}
OVERSIGHT: dict[str, type[OversightStatement]] = {f"dondoc.{kind}.v1": shape for kind, shape in STATEMENTS.items()}
