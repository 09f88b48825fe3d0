"""Our own facts format, as it comes, turned into validated statements. Pure.

source: CloudEvents 1.0 in structured mode, one JSON document or an array of them (a batch). The type names the shape of
`data` with its version; `time` is when it was sent. Times are ISO 8601 with an offset. An absent, null or empty member
says nothing. Nobody's name belongs in a title.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from services.intake.national import EARLIEST_YEAR, LATEST_YEAR, Code, Refused, Word, as_json, places, word
from shared.events import DutyKind
from shared.instants import canonical

DUTY, APOLOGY, PAUSE = "dondoc.duty.v1", "dondoc.apology.v1", "dondoc.pause.v1"
LETTERS_AT_MOST = 100  # of one dossier; the law allows one
PAUSES_AT_MOST = 100
LONGEST_TERM = 3650  # days
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

DutyStatus = Literal["open", "submitted", "returned", "accepted", "withdrawn"]


def moment(raw: object) -> str | None:
    """Return a time in Vietnamese time, None for an empty member.

    raises: ValueError - not ISO 8601, without an offset, or of a year that is a slip of the keyboard.
    """
    text = word(raw)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a time in ISO 8601") from None  # Python's own words repeat the value
    if at.tzinfo is None:
        raise ValueError("a time needs an offset, as in 2026-12-15T17:00:00+07:00")
    _check_year(at.year)
    return canonical(at)


def end_of_day(raw: object) -> str | None:
    """Return the last second of a date, None for an empty member.

    A day ends at 24:00, which as an instant is the next date's: lateness is compared to the second, and by date, so
    its last second is what people and comparisons take for that day.
    raises: ValueError - no date.
    law: Bộ luật Dân sự 2015 Đ.148(6) - the last day ends at 24:00 of that day.
    """
    text = word(raw)
    if not text:
        return None
    try:
        day = date.fromisoformat(text if _DATE.fullmatch(text) else "")
    except ValueError:
        raise ValueError("must be a date, as in 2026-12-15") from None
    _check_year(day.year)
    return f"{text}T23:59:59+07:00"


def _check_year(year: int) -> None:
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        raise ValueError(f"a year must lie between {EARLIEST_YEAR} and {LATEST_YEAR}")


Moment = Annotated[str | None, BeforeValidator(moment)]
SomeMoment = Annotated[str, BeforeValidator(moment)]
DutyId = Annotated[str, BeforeValidator(word), Field(min_length=1, max_length=100)]
Named = Annotated[str, BeforeValidator(word), Field(min_length=1)]
NothingIfEmpty = BeforeValidator(lambda raw: None if raw == "" else raw)


class Duty(BaseModel):
    """A task that puts an inspection's finding right, or a periodic report, as the source holds it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    kind: DutyKind
    unit: Word = ""
    title: Word = ""
    field: Word = ""
    basis: Word = ""
    given_at: Moment = None
    due_at: Moment = None
    due_on: Annotated[str | None, BeforeValidator(end_of_day)] = None
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


class Apology(BaseModel):
    """A letter that says sorry for a delay and asks for more time.

    number: which of the dossier's letters, from 1.
    law: TT 03/2025/TT-VPCP, Phụ lục I - form 04, Văn bản xin lỗi và đề nghị gia hạn thời gian giải quyết.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    number: Annotated[int, Field(strict=True, ge=1, le=LETTERS_AT_MOST)]
    issued_at: SomeMoment
    due_before: Moment = None
    due_after: SomeMoment


class Pause(BaseModel):
    """A span in which a dossier's clock stands.

    number: which of the dossier's pauses, from 1. until: None while it lasts. term_days: in which the applicant is to
    answer. effect: whether the limit goes on afterwards or begins anew.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    number: Annotated[int, Field(strict=True, ge=1, le=PAUSES_AT_MOST)]
    kind: Literal["supplement", "financial_obligation", "consultation", "suspension"]
    since: SomeMoment
    until: Moment = None
    term_days: Annotated[int | None, Field(strict=True, ge=1, le=LONGEST_TERM)] = None
    effect: Literal["suspend", "reset"] = "suspend"

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Pause:
        if self.until and self.until < self.since:
            raise ValueError("`until` is before `since`")
        return self


class _Statement(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    specversion: Literal["1.0"]
    id: Named
    source: Named
    time: Moment = None


class DutyStatement(_Statement):
    """What a source says of a duty; the subject is the duty's id."""

    subject: DutyId
    data: Duty


class ApologyStatement(_Statement):
    """What a source says of a letter of apology; the subject is the dossier's MaHoSo."""

    subject: Code
    data: Apology


class PauseStatement(_Statement):
    """What a source says of a pause; the subject is the dossier's MaHoSo."""

    subject: Code
    data: Pause


Statement = DutyStatement | ApologyStatement | PauseStatement
TYPES: dict[str, type[DutyStatement] | type[ApologyStatement] | type[PauseStatement]] = {
    DUTY: DutyStatement,
    APOLOGY: ApologyStatement,
    PAUSE: PauseStatement,
}


@dataclass(frozen=True, slots=True)
class Statements:
    """What a body holds."""

    objects: Sequence[Statement]
    refused: Sequence[Refused]


def read(body: bytes) -> Statements:
    """Parse a body. What cannot be taken is in `refused`; good statements beside a bad one are taken."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return Statements((), (Refused("unreadable", f"not JSON in UTF-8: {str(error)[:120]}", body),))
    if isinstance(document, dict):
        return _taken([document], lambda _: ("", body))
    if isinstance(document, list) and document:
        return _taken(document, lambda index: (f"[{index}]: ", as_json(document[index], body)))
    return Statements((), (Refused("not_a_message", "a CloudEvents document or an array of some is expected", body),))


def _taken(parts: Sequence[Any], whereabouts: Callable[[int], tuple[str, bytes]]) -> Statements:
    """Validate each part. whereabouts: of a part at fault, how to name it and its bytes."""
    objects: list[Statement] = []
    refused: list[Refused] = []
    for index, part in enumerate(parts):
        type = part.get("type") if isinstance(part, dict) else None
        if not isinstance(type, str) or type not in TYPES:
            place, raw = whereabouts(index)
            refused.append(Refused("unknown_type", f"{place}`type` must be one of {', '.join(TYPES)}", raw))
            continue
        try:
            objects.append(TYPES[type].model_validate(part))
        except ValidationError as error:
            place, raw = whereabouts(index)
            refused.append(Refused("invalid_object", f"{place}{places(error)}", raw))
    return Statements(objects, refused)
