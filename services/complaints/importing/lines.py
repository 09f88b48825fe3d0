"""A line of the hotline's table into a feedback to file. Pure; what it says of a line never repeats its content."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from services.complaints.filing import Filing, clean_line
from services.complaints.importing.table import Line
from shared.clock import PROVINCE_ZONE
from shared.events import FeedbackKind

Ref = Annotated[str, AfterValidator(clean_line), Field(min_length=1, max_length=80)]
REF: TypeAdapter[str] = TypeAdapter(Ref)
EARLIEST = datetime(2000, 1, 1, tzinfo=PROVINCE_ZONE)
YES = frozenset({"1", "x", "có", "co", "yes", "y", "true", "đúng"})
NO = frozenset({"", "0", "không", "khong", "no", "n", "false", "sai"})
KINDS: Mapping[str, FeedbackKind] = {
    "reflection": "reflection", "phản ánh": "reflection", "phản ánh, kiến nghị": "reflection",
    "recommendation": "recommendation", "kiến nghị": "recommendation",
    "complaint": "complaint", "khiếu nại": "complaint",
    "denunciation": "denunciation", "tố cáo": "denunciation",
}  # fmt: skip
PLAIN = ("text", "unit", "place", "dossier", "name", "contact", "address")
_VIETNAMESE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:,? +(\d{1,2})[:h](\d{2})(?::(\d{2}))?)?")


class LineError(ValueError):
    """The line cannot be taken; the message names the column and why."""


@dataclass(frozen=True, slots=True)
class Given:
    """A line that can be filed. filed_at: None: now."""

    number: int
    ref: str
    filing: Filing
    filed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refused:
    """line: its number. why: what is to be put right."""

    line: int
    why: str


def take(lines: Iterable[Line], *, now: datetime) -> tuple[list[Given], list[Refused]]:
    """Return what can be filed, and what not."""
    given: list[Given] = []
    refused: list[Refused] = []
    seen: dict[str, int] = {}
    for line in lines:
        try:
            one = _given(line, now=now)
            if one.ref in seen:
                raise LineError(f"ref: line {seen[one.ref]} has the same")
        except LineError as error:
            refused.append(Refused(line.number, str(error)))
            continue
        seen[one.ref] = one.number
        given.append(one)
    return given, refused


def _given(line: Line, *, now: datetime) -> Given:
    if line.wrong:
        raise LineError(line.wrong)
    cells = line.cells
    try:
        ref = REF.validate_python(cells.get("ref", ""))
    except ValidationError:
        raise LineError("ref: 1 to 80 characters on one line") from None
    values = {name: cells[name] for name in PLAIN if name in cells}
    try:
        filing = Filing.model_validate(
            {
                **values,
                "hide_identity": _flag("hide_identity", cells),
                "anonymous": _flag("anonymous", cells),
                "kind_hint": _kind(cells),
            }
        )
    except ValidationError as error:
        raise LineError(misfits(error, Filing.model_fields)) from None
    return Given(line.number, ref, filing, moment(cells["filed_at"], now=now) if "filed_at" in cells else None)


def misfits(error: ValidationError, known: Container[str]) -> str:
    """Return what does not fit, by member; never what stands there. known: members; another is not repeated."""
    told = []
    for one in error.errors(include_input=False, include_url=False):
        name = str(one["loc"][0]) if one["loc"] else ""
        why = one["msg"].removeprefix("Value error, ")
        if one["type"].endswith("too_long"):
            why = f"longer than {one['ctx']['max_length']:,} characters"
        elif one["type"].endswith("too_short") or one["type"] == "missing":
            why = "missing"
        told.append(f"{name}: {why}" if name in known else f"an unknown member: {why}" if name else why)
    return "; ".join(told)


def _flag(name: str, cells: Mapping[str, str]) -> bool:
    word = cells.get(name, "").casefold()
    if word not in YES | NO:
        raise LineError(f"{name}: write có or không, 1 or 0, or leave it empty")
    return word in YES


def _kind(cells: Mapping[str, str]) -> FeedbackKind | None:
    word = " ".join(cells.get("kind", "").casefold().split())
    if word and word not in KINDS:
        raise LineError("kind: one of phản ánh, kiến nghị, khiếu nại, tố cáo, or empty")
    return KINDS.get(word)


def moment(written: str, *, now: datetime) -> datetime:
    """Return when it was filed, in local time where it has no offset. raises: LineError."""
    try:
        at = _read(written)
        at = at.replace(tzinfo=PROVINCE_ZONE) if at.tzinfo is None else at.astimezone(PROVINCE_ZONE)
    except (ValueError, OverflowError):
        raise LineError("filed_at: write it as 20/11/2026 09:30 or 2026-11-20 09:30, with the clock time") from None
    if at > now:
        raise LineError("filed_at: lies in the future")
    if at < EARLIEST:
        raise LineError(f"filed_at: lies before {EARLIEST.year}")
    return at


def _read(written: str) -> datetime:
    if found := _VIETNAMESE.fullmatch(written):
        day, month, year, hour, minute, second = found.groups()
        if hour is None:
            raise ValueError("no clock time")
        return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))  # noqa: DTZ001 - local
    if len(written) <= len("2026-11-20"):
        raise ValueError("no clock time")
    return datetime.fromisoformat(written)
