"""The national portal's message bodies, as they come, turned into validated objects. Pure.

source: the portal's DongBoHoSoMC (a snapshot of a dossier) and CapNhatTienDoHoSoMC (a step of its processing).
Dates are `yyyyMMddHHmmss` in Vietnamese time, numbers are strings, absent fields are empty strings. Only what is used
is read: applicants' names, numbers and contacts never get further than the raw message.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from shared.events import Channel, Portal
from shared.instants import canonical
from shared.place import Place

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

K = TypeVar("K")
SNAPSHOT, STEP = "DongBoHoSoMC", "CapNhatTienDoHoSoMC"
EARLIEST_YEAR, LATEST_YEAR = 1900, 2200  # beyond, a date is a slip of the keyboard
CODE_LIMIT = 100
CHANNELS: Mapping[str, Channel] = {"1": "counter", "2": "online", "3": "post"}  # KenhThucHien
MARKS: Mapping[str, bool] = {"0": False, "1": True}  # HoSoCoThanhPhanSoHoa
PAID: Mapping[str, bool] = {"0": False, "1": True, "2": True}  # DuocThanhToanTrucTuyen: on either portal
PORTALS: Mapping[str, Portal] = {"1": "national", "2": "provincial"}  # NoiNopHoSo
LONGEST_TERM_DAYS = 3650
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def instant(raw: object) -> str | None:
    """Return a compact date as ISO 8601 in Vietnamese time, None for an empty field.

    raises: ValueError - not 14 digits, or no such moment.
    """
    if raw is None or raw == "":
        return None
    if not isinstance(raw, str) or len(raw) != 14 or not raw.isascii() or not raw.isdigit():
        raise ValueError("a date must be yyyyMMddHHmmss")
    iso = f"{raw[:4]}-{raw[4:6]}-{raw[6:8]}T{raw[8:10]}:{raw[10:12]}:{raw[12:]}+07:00"
    if not EARLIEST_YEAR <= datetime.fromisoformat(iso).year <= LATEST_YEAR:
        raise ValueError(f"a year must lie between {EARLIEST_YEAR} and {LATEST_YEAR}")
    return iso


def word(raw: object) -> str:
    """Return text normalised to NFC and trimmed. raises: ValueError - a control character, or not text."""
    if raw is None:
        return ""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(raw)
    if not isinstance(raw, str):
        raise ValueError("must be text")
    if _CONTROL.search(raw):
        raise ValueError("holds a control character")
    return (raw if raw.isascii() else unicodedata.normalize("NFC", raw)).strip()


def code(raw: object) -> str:
    """Return a dossier's code. raises: ValueError - longer in upper case, by which it is known, than events carry."""
    text = word(raw)
    if len(text.upper()) > CODE_LIMIT:
        raise ValueError(f"a code has {CODE_LIMIT} characters at most")
    return text


def status(raw: object) -> int | None:
    """Return a status code, None where absent; unknown codes are kept."""
    text = word(raw)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise ValueError("a status must be a number")
    return int(text)


def one_of(known: Mapping[str, K]) -> Callable[[object], K | None]:
    """Return what reads one of some codes; what is none of them says nothing, and costs no dossier."""
    return lambda raw: known.get(str(raw).strip()) if isinstance(raw, str | int) else None


def slip(raw: object) -> str:
    """Return the number of a slip; what is none says nothing, and costs no dossier."""
    try:
        number = word(raw)
    except ValueError:
        return ""
    return number if len(number) <= CODE_LIMIT else ""


def term_days(raw: object) -> int | None:
    """Return how many days the citizen has, None where absent. raises: ValueError - no number of days within bounds."""
    text = word(raw)
    if not text:
        return None
    is_number = text.isascii() and text.isdigit() and len(text) <= 4
    if not is_number or not 1 <= int(text) <= LONGEST_TERM_DAYS:
        raise ValueError(f"must be a number of days between 1 and {LONGEST_TERM_DAYS}")
    return int(text)


Instant = Annotated[str | None, BeforeValidator(instant)]
Word = Annotated[str, BeforeValidator(word), Field(max_length=500)]
Code = Annotated[str, BeforeValidator(code), Field(min_length=1)]
Status = Annotated[int | None, BeforeValidator(status)]
HandedIn = Annotated[Channel | None, BeforeValidator(one_of(CHANNELS))]
Digitised = Annotated[bool | None, BeforeValidator(one_of(MARKS))]
PaidOnline = Annotated[bool | None, BeforeValidator(one_of(PAID))]
FiledOn = Annotated[Portal | None, BeforeValidator(one_of(PORTALS))]
Slip = Annotated[str, BeforeValidator(slip)]
TermDays = Annotated[int | None, BeforeValidator(term_days)]
Absent = BeforeValidator(lambda raw: () if raw in (None, "") else raw)
StepInstant = Annotated[str, BeforeValidator(instant)]
StepStatus = Annotated[int, BeforeValidator(status)]


class Supplement(BaseModel):
    """One entry of DanhSachHoSoBoSung: more papers asked of the applicant."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    requested_at: Instant = Field(default=None, alias="NgayBoSung")
    received_at: Instant = Field(default=None, alias="NgayTiepNhanBoSung")
    due_before: Instant = Field(default=None, alias="NgayHenTraTruoc")
    due_after: Instant = Field(default=None, alias="NgayHenTraMoi")
    term_days: TermDays = Field(default=None, alias="ThoiHanBoSung")


class Snapshot(BaseModel):
    """A dossier as a source holds it (an element of DongBoHoSoMC's `data`)."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    code: Code = Field(alias="MaHoSo")
    procedure: Word = Field(default="", alias="MaTTHC")
    case: Word = Field(default="", alias="MaTruongHop")
    channel: HandedIn = Field(default=None, alias="KenhThucHien")
    field_code: Word = Field(default="", alias="MaLinhVuc")
    field_name: Word = Field(default="", alias="TenLinhVuc")
    unit_name: Word = Field(default="", alias="DonViXuLy")
    status: Status = Field(default=None, alias="TrangThaiHoSo")
    filed_at: Instant = Field(default=None, alias="NgayNopHoSo")
    accepted_at: Instant = Field(default=None, alias="NgayTiepNhan")
    due_at: Instant = Field(default=None, alias="NgayHenTra")
    refused_at: Instant = Field(default=None, alias="NgayTuChoi")
    ended_at: Instant = Field(default=None, alias="NgayKetThucXuLy")
    returned_at: Instant = Field(default=None, alias="NgayTra")
    slip: Slip = Field(default="", alias="SoBienNhan")
    digitised: Digitised = Field(default=None, alias="HoSoCoThanhPhanSoHoa")
    paid_online: PaidOnline = Field(default=None, alias="DuocThanhToanTrucTuyen")
    portal: FiledOn = Field(default=None, alias="NoiNopHoSo")
    supplements: Annotated[tuple[Supplement, ...], Absent] = Field(
        default=(), alias="DanhSachHoSoBoSung", max_length=100
    )
    agency: Word = Field(default="", alias="MaDonViTiepNhan")


class Step(BaseModel):
    """A step of processing (an element of CapNhatTienDoHoSoMC's `data`)."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    code: Code = Field(alias="MaHoSo")
    at: StepInstant = Field(alias="ThoiDiemXuLy")
    status: StepStatus = Field(alias="TrangThai")
    division: Word = Field(default="", alias="PhongBanXuLy")
    step_due_at: Instant = Field(default=None, alias="NgayKetThucTheoQuyDinh")


@dataclass(frozen=True, slots=True)
class Refused:
    """A part of a message that cannot be taken. detail names fields and reasons, never values.

    place: where it stood, of a part that has one.
    """

    reason: Literal[
        "unreadable", "not_a_message", "unknown_service", "unknown_type", "invalid_object", "unconvertible_row"
    ]
    detail: str
    raw: bytes
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What a body holds. sent_at: when the envelope says it was sent, where it does (a field of our own)."""

    agency: str
    sent_at: str | None
    objects: Sequence[Snapshot | Step]
    refused: Sequence[Refused]


SHAPES: Mapping[str, type[Snapshot] | type[Step]] = {SNAPSHOT: Snapshot, STEP: Step}


def read(body: bytes, shapes: Mapping[str, type[Snapshot] | type[Step]] = SHAPES) -> Message:
    """Parse a body. What cannot be taken is in `refused`; good objects beside a bad one are taken.

    shapes: of the elements of `data`, by `service`.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _nothing(Refused("unreadable", f"not JSON in UTF-8: {str(error)[:120]}", body))
    if isinstance(document, dict) and isinstance(document.get("data"), dict):
        document["data"] = [document["data"]]  # REST verbs speak of one dossier where they speak of no list
    if not isinstance(document, dict) or not isinstance(document.get("data"), list):
        return _nothing(Refused("not_a_message", "an object with a list `data` is expected", body))
    service = document.get("service")
    shape = shapes.get(service) if isinstance(service, str) else None
    if shape is None:
        return _nothing(Refused("unknown_service", f"`service` must be one of {', '.join(shapes)}", body))
    try:
        agency, sent_at = word(document.get("madonvi")), _sent_at(document.get("sent_at"))
    except ValueError as error:
        return _nothing(Refused("not_a_message", f"envelope: {error}", body))
    objects, refused = list[Snapshot | Step](), list[Refused]()
    for index, element in enumerate(document["data"]):
        try:
            objects.append(shape.model_validate(element))
        except ValidationError as error:
            raw, envelope = as_json(element, body), {"service": service, "madonvi": agency, "sent_at": sent_at}
            place = Place(index, fields(error), envelope if raw is not body else None)
            refused.append(Refused("invalid_object", f"data[{index}]: {places(error)}", raw, place))
    return Message(agency, sent_at, objects, refused)


def as_json(element: Any, body: bytes) -> bytes:
    """Return an element of a body as JSON, the whole body where it is nested deeper than may be written again."""
    try:
        return orjson.dumps(element)
    except orjson.JSONEncodeError:
        return body


def _nothing(refused: Refused) -> Message:
    return Message("", None, (), (refused,))


def _sent_at(raw: object) -> str | None:
    if raw is None or raw == "":
        return None
    try:
        at = datetime.fromisoformat(word(raw))
    except ValueError:
        raise ValueError("`sent_at` is no time in ISO 8601") from None  # Python's own words repeat the value
    if at.tzinfo is None:
        raise ValueError("`sent_at` needs an offset")
    if not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
        raise ValueError(f"a year must lie between {EARLIEST_YEAR} and {LATEST_YEAR}")
    return canonical(at)


def fields(error: ValidationError) -> tuple[str, ...]:
    """Return the paths of the fields at fault."""
    return tuple(".".join(map(str, e["loc"])) for e in error.errors(include_input=False))


def places(error: ValidationError) -> str:
    """Return which fields are at fault and why, never their values."""
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {_why(e)}" for e in error.errors(include_input=False)[:5])


def _why(error: ErrorDetails) -> str:
    """Return why a field is at fault, in words that do not speak of the program."""
    if error["type"] in ("too_short", "string_too_short") and error.get("ctx", {}).get("min_length") == 1:
        return "must not be empty"
    return error["msg"].removeprefix("Value error, ")
