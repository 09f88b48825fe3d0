"""Rows of a CSV or XLSX file with their numbers, one after the other; nothing is held but the row at hand."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from services.intake.tables.cells import Cell, CellError, Row
from services.intake.tables.dates import EPOCH_1900, EPOCH_1904

if TYPE_CHECKING:
    from openpyxl import Workbook

Coding = Literal["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
MOST_ROWS = 1_048_576  # of a sheet of Excel; a file may name a row far beyond, and all before it would be made
MOST_COLUMNS = 500
MOST_UNPACKED = 4 << 30  # bytes of all parts of an XLSX; a million rows of 20 columns are about one
MOST_TEXTS = 512 << 20  # bytes of the part with the texts of all cells: it is held in memory
MOST_RATIO, UNPACKED_ANYWAY = 250, 16 << 20  # unpacked to packed; small ones may shrink as they like
MOST_PARTS = 2000
LONGEST_CELL = 131_072  # characters; more of them is a quote that was never closed


class TableError(ValueError):
    """A table cannot be read; the message says where, why and what to do."""


@dataclass(frozen=True, slots=True)
class File:
    """A table as it lies there. coding: of a CSV; cp1252 stands for any encoding of one byte a letter."""

    path: Path
    kind: Literal["csv", "xlsx"]
    coding: Coding = "utf-8-sig"
    epoch: datetime = EPOCH_1900


def opened(path: Path) -> IO[bytes]:
    """Open a file, unpacked where it is gzip."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


def look_at(path: Path) -> File:
    """Return what a file is. raises: TableError - no table, or an XLSX that is larger than any true one."""
    try:
        with opened(path) as file:
            start = file.read(8)
        if start.startswith(b"PK\x03\x04"):
            _check_archive(path)
            with closing(_workbook(path)) as book:
                return File(path, "xlsx", epoch=EPOCH_1904 if book.epoch.year == EPOCH_1904.year else EPOCH_1900)
        if start.startswith(b"\xd0\xcf\x11\xe0"):
            raise TableError("an old .xls, or a workbook with a password: save it as .xlsx or CSV")
        return File(path, "csv", _coding(path))
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _check_archive(path: Path) -> None:
    """What a part says of its size binds: no more is unpacked of it than it says."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile:
        raise TableError("not a whole XLSX file") from None
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    texts = max((part.file_size for part in parts if part.filename.lower().endswith("sharedstrings.xml")), default=0)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or texts > MOST_TEXTS:
        raise TableError(f"unpacks to {unpacked:,} bytes in {len(parts)} parts: too much; save it as CSV")
    if unpacked > UNPACKED_ANYWAY and unpacked > MOST_RATIO * max(packed, 1):
        raise TableError(f"unpacks to {unpacked // max(packed, 1)} times its size: no true table does")


def _coding(path: Path) -> Coding:
    with opened(path) as file:
        start = file.read(4096)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if (nothing := start.count(0)) > len(start) // 4:  # every other byte of ASCII in UTF-16
            return "utf-16-le" if start[1::2].count(0) * 2 > nothing else "utf-16-be"
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            part: bytes = start
            while part:
                decoder.decode(part)
                part = file.read(1 << 20)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def rows(file: File, *, separator: str = ",", quotes: str = "double", sheet: str | None = None) -> Iterator[Row]:
    """Yield every row, blank ones too. raises: TableError."""
    return _of_csv(file, separator, quotes) if file.kind == "csv" else _of_xlsx(file, sheet)


def _of_csv(file: File, separator: str, quotes: str) -> Iterator[Row]:
    # a byte that is no letter must not cost the file: its row is refused
    errors = "replace" if file.coding.startswith("utf-16") else "surrogateescape"
    number = 0
    csv.field_size_limit(LONGEST_CELL)
    quoting: Any = csv.QUOTE_NONE if quotes == "none" else csv.QUOTE_MINIMAL
    try:
        with opened(file.path) as raw, io.TextIOWrapper(raw, file.coding, errors=errors, newline="") as text:
            for number, cells in enumerate(csv.reader(text, delimiter=separator, quoting=quoting, strict=True), 1):
                yield Row(number, tuple(cells))
    except csv.Error as error:
        hint = "a quote within a text must be doubled, or set `quotes: none` in the mapping"
        raise TableError(f"row {number + 1}: not CSV: {error}; {hint}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"cannot be read to its end: {getattr(error, 'strerror', None) or error}") from None


def _workbook(path: Path) -> Workbook:
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and the like, which say nothing here
            return openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # openpyxl raises whatever a broken part leads it to
        raise TableError(f"not an XLSX that can be read ({type(error).__name__}): save it again or as CSV") from None


def _of_xlsx(file: File, sheet: str | None) -> Iterator[Row]:
    with closing(_workbook(file.path)) as book, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shown = [one for one in book.worksheets if one.sheet_state == "visible"]
        chosen = [one for one in book.worksheets if one.title == sheet] if sheet else shown
        if len(chosen) != 1:
            names = ", ".join(one.title for one in shown)
            raise TableError(f"has no sheet {sheet!r}: {names}" if sheet else f"say `sheet:` in the mapping: {names}")
        chosen[0].reset_dimensions()  # what a file says of its size is often wrong
        number = 0
        try:
            width = _width(chosen[0])
            for number, cells in enumerate(chosen[0].iter_rows(max_col=width), 1):
                if number > MOST_ROWS:
                    raise TableError(f"names a row beyond {MOST_ROWS:,}, the last of a sheet")
                yield Row(number, tuple(map(_value, cells)))
        except TableError:
            raise
        except Exception as error:  # as above
            raise TableError(f"row {number + 1}: cannot be read ({type(error).__name__})") from None


def _width(sheet: Any) -> int:
    """Return up to which column there is anything in the first thousand rows, where the headings are."""
    widest = 1
    for cells in islice(sheet.iter_rows(max_col=MOST_COLUMNS, values_only=True), 1000):
        widest = max(widest, *(n for n, value in enumerate(cells, 1) if value is not None), 1)
    return widest


def _value(cell: Any) -> Cell:
    value = cell.value
    if cell.data_type == "e":
        return CellError()
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        format = cell.number_format or ""
        if len(format) > 1 and set(format) == {"0"}:  # a code shown with its leading zeros
            return str(value).zfill(len(format))
    return value  # type: ignore[no-any-return]
