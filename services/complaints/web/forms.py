"""What a citizen writes into the pages' forms, and what is wrong with it in words for them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from services.complaints.filing import Filing, Line, Text
from shared.events import FeedbackKind

TEXT_LETTERS, LINE_LETTERS = 20_000, 200
TRAP = "website"  # a field that people do not see; programs that fill in all there is do
LINES = ("unit", "place", "dossier", "name", "contact", "address")
FIELDS = ("text", "kind", *LINES, "hide_identity")
RATINGS = {1: "Rất không hài lòng", 2: "Không hài lòng", 3: "Bình thường", 4: "Hài lòng", 5: "Rất hài lòng"}
KINDS: Mapping[FeedbackKind, str] = {
    "reflection": "Phản ánh",
    "recommendation": "Kiến nghị",
    "complaint": "Khiếu nại",
    "denunciation": "Tố cáo",
}
LABELS = {
    "text": "Nội dung",
    "kind": "Loại nội dung",
    "unit": "Cơ quan, đơn vị",
    "place": "Nơi xảy ra sự việc",
    "dossier": "Mã hồ sơ",
    "name": "Họ và tên",
    "contact": "Số điện thoại hoặc thư điện tử",
    "address": "Địa chỉ",
    "attachments": "Tệp đính kèm",
    "code": "Mã phản ánh",
    "secret": "Mã bí mật",
    "rating": "Mức độ hài lòng",
    "reason": "Lý do",
    "answer": "Câu hỏi kiểm tra",
}
WHOLE = ""  # the key of what is wrong with the form as a whole
ABOUT_SOMETHING = "Xin cho biết ít nhất một trong ba thông tin: cơ quan, đơn vị; nơi xảy ra sự việc; mã hồ sơ."
CONTROLS = "Nội dung có ký tự không hợp lệ. Xin xóa rồi nhập lại."

Problems = dict[str, str]
_TEXT: TypeAdapter[str] = TypeAdapter(Text)
_LINE: TypeAdapter[str] = TypeAdapter(Line)


@dataclass
class Draft:
    """What was written into a form, as it was, for showing it again. problems: a sentence for a field, or WHOLE."""

    fields: Mapping[str, str] = field(default_factory=dict)
    problems: Problems = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")


def read_filing(fields: Mapping[str, str]) -> tuple[Filing | None, Problems]:
    """Return the feedback of a form, or what is wrong with it."""
    problems: Problems = {}
    values: dict[str, Any] = {"text": read_text(fields, "text", problems)}
    for name in LINES:
        values[name] = _read_line(fields, name, problems)
    kind = fields.get("kind", "")
    if kind and kind not in get_args(FeedbackKind):
        problems["kind"] = "Xin chọn một loại trong danh sách."
    if not any((values["unit"], values["place"], values["dossier"])) and not {"unit", "place", "dossier"} & set(
        problems
    ):
        problems["unit"] = ABOUT_SOMETHING
    if problems:
        return None, problems
    unsigned = not (values["name"] or values["contact"] or values["address"])
    hides = "hide_identity" in fields
    return Filing(**values, kind_hint=kind or None, hide_identity=hides, anonymous=unsigned), {}


def read_text(fields: Mapping[str, str], name: str, problems: Problems) -> str:
    """Return a text of several lines; what is wrong with it is added to `problems` under its name."""
    written = fields.get(name, "").replace("\r\n", "\n")
    if not written.strip():
        problems[name] = f"Xin nhập {LABELS.get(name, LABELS['text']).lower()}."
        return ""
    try:
        return _TEXT.validate_python(written)
    except ValidationError as error:
        problems[name] = _told(error, TEXT_LETTERS)
        return ""


def _read_line(fields: Mapping[str, str], name: str, problems: Problems) -> str | None:
    written = fields.get(name, "").strip()
    if not written:
        return None
    try:
        return _LINE.validate_python(written)
    except ValidationError as error:
        problems[name] = _told(error, LINE_LETTERS)
        return None


def read_rating(fields: Mapping[str, str], problems: Problems) -> int:
    """Return the rating chosen; 0 where there is none, said in `problems`."""
    chosen = fields.get("rating", "")
    if chosen not in map(str, RATINGS):
        problems["rating"] = "Xin chọn một mức độ."
        return 0
    return int(chosen)


def _told(error: ValidationError, letters: int) -> str:
    most = f"{letters:,}".replace(",", ".")
    if any("too_long" in one["type"] for one in error.errors()):
        return f"Nội dung quá dài, tối đa {most} ký tự. Phần còn lại có thể gửi bằng tệp đính kèm."
    return CONTROLS


def content(fields: Mapping[str, str], names: Iterable[str] = FIELDS) -> list[str]:
    """Return what tells one form from another: the words of its fields in order."""
    return [fields.get(name, "") for name in names]
