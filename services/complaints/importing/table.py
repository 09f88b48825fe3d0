"""A table of feedback, CSV or XLSX, into numbered lines of cells. Pure; what it says never repeats a cell."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, NamedTuple

from shared import sheets
from shared.unit_words import normalised

COLUMNS = (
    "ref", "text", "unit", "place", "dossier", "name", "contact", "address", "hide_identity", "anonymous", "kind",
    "filed_at",
)  # fmt: skip
NEEDED = ("ref", "text")
ALIASES: Mapping[str, Sequence[str]] = {
    "ref": ("số cuộc gọi", "mã cuộc gọi", "số phiếu", "mã phiếu", "mã phản ánh"),
    "text": ("nội dung", "nội dung phản ánh", "nội dung phản ánh, kiến nghị"),
    "unit": ("đơn vị", "đơn vị bị phản ánh", "cơ quan", "cơ quan bị phản ánh"),
    "place": ("địa điểm", "địa bàn", "nơi xảy ra"),
    "dossier": ("mã hồ sơ", "số hồ sơ"),
    "name": ("họ tên", "họ và tên", "người phản ánh"),
    "contact": ("liên hệ", "điện thoại", "số điện thoại", "email", "thư điện tử"),
    "address": ("địa chỉ",),
    "hide_identity": ("giữ bí mật", "giữ bí mật danh tính", "giữ kín danh tính"),
    "anonymous": ("ẩn danh", "không nêu tên"),
    "kind": ("loại", "loại phản ánh", "loại đơn"),
    "filed_at": ("thời gian", "thời điểm", "thời gian phản ánh", "thời gian gọi", "ngày giờ"),
}
MOST_LINES, MOST_COLUMNS = 20_000, 60
MOST_ROWS = 2 * MOST_LINES  # of a sheet, blank ones among them
MOST_UNPACKED, MOST_PARTS = 64 << 20, 200  # bytes and files of a workbook
OPENED_AS_ZIP = b"PK\x03\x04"


class TableError(ValueError):
    """What was sent is no table of feedback; the message says why and what to do."""


class Line(NamedTuple):
    """number: as a spreadsheet shows it, the headings being 1. cells: those filled, by column. wrong: of its form."""

    number: int
    cells: Mapping[str, str]
    wrong: str | None = None


def read(content: bytes) -> list[Line]:
    """Return the lines that are not blank.

    content: CSV in UTF-8 or UTF-16, with , ; or a tab between cells, or XLSX with one visible sheet.
    raises: TableError - none of these, a column is unknown, missing or there twice, or too many lines.
    """
    rows = _of_workbook(content) if content.startswith(OPENED_AS_ZIP) else _of_csv(content)
    columns = _columns(next(rows, ()))
    found: list[Line] = []
    for number, row in enumerate(rows, start=2):
        cells = [_cell(value) for value in row]
        if not any(cells):
            continue
        if len(found) == MOST_LINES:
            raise TableError(f"line {number}: more than {MOST_LINES:,} lines: split the file")
        found.append(_line(number, columns, cells))
    return found


def as_csv(lines: Iterable[Line]) -> bytes:
    """Return lines as CSV that `read` takes; their numbers are lost."""
    return sheets.head(COLUMNS) + b"".join(sheets.line(line.cells.get(name) for name in COLUMNS) for line in lines)


def _line(number: int, columns: Sequence[str | None], cells: Sequence[str]) -> Line:
    if any(cells[len(columns) :]):
        return Line(number, {}, f"{len(cells)} cells for {len(columns)} columns: is a text without quotes?")
    return Line(number, {name: cell for name, cell in zip(columns, cells, strict=False) if name and cell})


def _columns(headings: Iterable[Any]) -> list[str | None]:
    """Return what each column holds; a heading may be what somebody wrote, so it is named by its place."""
    known = {normalised(word): name for name in COLUMNS for word in (name, *ALIASES[name])}
    found: list[str | None] = []
    for at, heading in enumerate(headings, start=1):
        name = known.get(normalised(_cell(heading)))
        if name is None and _cell(heading):
            raise TableError(f"line 1: column {at} is none of {', '.join(COLUMNS)}, or their Vietnamese names")
        if name in found and name is not None:
            raise TableError(f"line 1: column {at}: {name} stands twice")
        found.append(name)
    if missing := [name for name in NEEDED if name not in found]:
        called = " and ".join(f"{name} ({ALIASES[name][0]})" for name in missing)
        raise TableError(f"line 1: the column {called} is missing")
    while found and found[-1] is None:
        found.pop()
    return found


def _of_csv(content: bytes) -> Iterator[Sequence[Any]]:
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TableError(f"line {line} of the text is not UTF-8: save the file as CSV UTF-8") from None
    first = text.split("\n", 1)[0]
    between = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=between, strict=True)
    try:
        yield from rows
    except csv.Error:
        raise TableError(
            f"line {rows.line_num} of the text: not CSV: double a quote within a text, and close it"
        ) from None


def _of_workbook(content: bytes) -> Iterator[Sequence[Any]]:
    from openpyxl import load_workbook  # here, as it takes a while that other commands need not wait

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
            raise TableError(f"the workbook is larger than {MOST_UNPACKED >> 20} MB unpacked: save it as CSV UTF-8")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if len(shown) != 1:
            raise TableError(f"the workbook has {len(shown)} visible sheets: leave the one with the feedback")
        shown[0].reset_dimensions()  # what a sheet says of its size may be wrong
        cells = shown[0].iter_rows(max_row=MOST_ROWS + 1, max_col=MOST_COLUMNS)
        rows = [[_value(cell) for cell in row] for row in cells]
        if len(rows) > MOST_ROWS:
            raise TableError(f"the sheet has more than {MOST_ROWS:,} rows, blank ones among them: split it")
    except TableError:
        raise
    except Exception as error:  # the library says in many ways that a file is none
        raise TableError(f"not a readable XLSX workbook ({type(error).__name__}): save it as CSV UTF-8") from None
    yield from rows


def _value(cell: Any) -> Any:
    """Return what a cell holds; a number shown with leading zeros keeps them."""
    value: Any = cell.value
    format = getattr(cell, "number_format", None) or ""
    if isinstance(value, int) and not isinstance(value, bool) and len(format) > 1 and set(format) == {"0"}:
        return str(value).zfill(len(format))
    return value


def _cell(value: Any) -> str:
    """Return a cell as text: a moment as ISO 8601, without a clock time where it has none, whole numbers as such."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        at = value.replace(microsecond=0)
        return at.isoformat(sep=" ") if at.time() != time() else at.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text: str = re.sub(r"\r\n?", "\n", unicodedata.normalize("NFC", str(value)))
    return sheets.unguarded(text.strip())
