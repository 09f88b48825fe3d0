"""The directory as tables: CSV, XLSX or JSON into rows with their places, and documents into rows again. Pure.

Three tables: units, posts (who has which post of a unit, from when until when), aliases (words for a unit).
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, get_args

import orjson

from shared import sheets

Table = Literal["units", "posts", "aliases"]
COLUMNS: Mapping[Table, Sequence[str]] = {
    "units": (
        "code", "name", "kind", "parent_code", "head_title", "head_name", "email", "phone", "aliases", "difficult",
        "valid_from", "valid_until", "successors",
    ),
    "posts": ("unit", "post", "role", "title", "holder", "name", "email", "phone", "from", "until", "kind"),
    "aliases": ("unit", "alias", "source", "from", "until"),
}  # fmt: skip
NEEDED: Mapping[Table, frozenset[str]] = {
    "units": frozenset({"code", "name"}),
    "posts": frozenset({"unit", "post"}),
    "aliases": frozenset({"unit", "alias"}),
}
SHEETS: Mapping[str, Table] = {
    "units": "units", "đơn vị": "units", "don vi": "units",
    "posts": "posts", "chức vụ": "posts", "chuc vu": "posts", "lãnh đạo": "posts",
    "aliases": "aliases", "tên khác": "aliases", "ten khac": "aliases", "tên gọi khác": "aliases",
}  # fmt: skip
TITLES: Mapping[Table, str] = {"units": "Đơn vị", "posts": "Chức vụ", "aliases": "Tên khác"}
MOST_ROWS, MOST_COLUMNS = 20_000, 60
MOST_SHEET_ROWS = 2 * MOST_ROWS  # blank ones among them
LONGEST_CELL, LONGEST_LIST = 200, 10_000  # characters: an event of all that a unit has stays below the 1 MB of NATS
LISTS = frozenset({"aliases", "successors"})
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MOST_UNPACKED = 32 << 20  # bytes of a workbook: a province's directory has one or two million
MOST_PARTS = 200  # files within a workbook


class TableError(ValueError):
    """What was sent is no table of the directory; names the place and what is wrong there."""


class Row(NamedTuple):
    """A row. at: where it stands, such as `line 3`. cells: by column, trimmed; columns not there are missing."""

    at: str
    cells: Mapping[str, str]


Tables = Mapping[Table, Sequence[Row]]


def read(content: bytes) -> Tables:
    """Return the rows of a file, in whichever format it is.

    content: CSV in UTF-8 (one table, known by its columns), XLSX (a sheet a table, named in English or Vietnamese), or
        JSON (an object of lists of objects with the columns as members; `at` names the place).
    raises: TableError - none of these, a column that must be there is missing, or too large.
    """
    if content.startswith(b"PK"):
        return _of_workbook(content)
    if content.lstrip()[:1] == b"{":
        return _of_json(content)
    return _of_csv(content)


def _of_csv(content: bytes) -> Tables:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(f"byte {error.start} is not UTF-8: save the file as CSV UTF-8") from None
    first = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        header = next(reader, [])
        lines = [(f"line {reader.line_num}", row) for row in reader]
    except csv.Error as error:
        raise TableError(f"line {reader.line_num}: {error}") from None
    table = _table_of(header)
    return {table: list(_rows(table, header, lines, header_at="line 1"))}


def _table_of(header: Sequence[Any]) -> Table:
    """Return which table has these columns."""
    columns = {_cell(name).lower() for name in header}
    if "unit" in columns:
        return "aliases" if "alias" in columns else "posts"
    return "units"


def _of_workbook(content: bytes) -> Tables:
    from openpyxl import load_workbook  # here, as it takes a while that other commands need not wait

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
            raise TableError(f"the workbook is larger than {MOST_UNPACKED >> 20} MB unpacked")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        found: dict[Table, list[Row]] = {}
        for sheet in book.worksheets:
            table = SHEETS.get(unicodedata.normalize("NFC", sheet.title).strip().lower())
            if table is None:
                continue
            if table in found:
                raise TableError(f"{sheet.title}: the workbook has two sheets of {table}: put them into one")
            sheet.reset_dimensions()  # what a sheet says of its size may be wrong
            given = sheet.iter_rows(max_row=MOST_SHEET_ROWS + 1, max_col=MOST_COLUMNS, values_only=True)
            header = list(next(given, ()))
            lines = _numbered(sheet.title, given)
            found[table] = list(_rows(table, header, lines, header_at=f"{sheet.title}, row 1"))
    except TableError:
        raise
    except Exception as error:  # the library says in many ways that a file is none
        raise TableError(f"not a readable XLSX workbook ({type(error).__name__})") from None
    if not found:
        raise TableError(
            f"the workbook has no sheet named {', '.join(get_args(Table))} (or {', '.join(TITLES.values())})"
        )
    return found


def _numbered(title: str, rows: Iterable[Sequence[Any]]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the rows below the header with their places. raises: TableError - too many rows."""
    for number, row in enumerate(rows, start=2):
        if number > MOST_SHEET_ROWS:
            raise TableError(f"{title}: more than {MOST_SHEET_ROWS} rows, blank ones among them")
        yield f"{title}, row {number}", row


def _of_json(content: bytes) -> Tables:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise TableError(f"not JSON: {error}") from None
    tables: tuple[Table, ...] = get_args(Table)
    if unknown := sorted(set(document) - set(tables)):
        raise TableError(f"unknown members: {', '.join(unknown)}; known: {', '.join(tables)}")
    found: dict[Table, list[Row]] = {}
    for table in tables:
        given = document.get(table)
        if given is None:
            continue
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            raise TableError(f"{table}: must be a list of objects")
        rows = []
        for number, one in enumerate(given):
            at = one.get("at")
            rows.append(_row(at if isinstance(at, str) else f"{table}[{number}]", list(one), list(one.values())))
        found[table] = _bounded(table, rows)
    return found


def _rows(
    table: Table, header: Sequence[Any], lines: Iterable[tuple[str, Sequence[Any]]], *, header_at: str
) -> Iterator[Row]:
    names = [_cell(name).lower() for name in header]
    if missing := NEEDED[table] - set(names):
        known = ", ".join(COLUMNS[table])
        raise TableError(f"{header_at}: the column {', '.join(sorted(missing))} is missing; known: {known}")
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise TableError(f"{header_at}: the column {', '.join(twice)} stands twice")
    filled = (_row(at, names, values) for at, values in lines if any(_cell(value) for value in values))
    yield from _bounded(table, filled)


def _bounded(table: Table, rows: Iterable[Row]) -> list[Row]:
    found: list[Row] = []
    for row in rows:
        if len(found) == MOST_ROWS:
            raise TableError(f"{row.at}: more than {MOST_ROWS} rows of {table}")
        found.append(row)
    return found


def _row(at: str, names: Sequence[str], values: Sequence[Any]) -> Row:
    if any(map(_cell, values[len(names) :])):
        raise TableError(f"{at}: {len(values)} cells for {len(names)} columns: is a text without quotes?")
    cells = {name: _cell(value) for name, value in zip(names, values, strict=False) if name != "at"}
    for name, cell in cells.items():
        known = any(name in columns for columns in COLUMNS.values())
        longest = LONGEST_LIST if name in LISTS else LONGEST_CELL
        if known and len(cell) > longest:
            raise TableError(f"{at}: {name} has {longest} characters at most")
        if known and CONTROL.search(cell):
            raise TableError(f"{at}: {name} holds a control character")
    return Row(at, {**dict.fromkeys((name for name in names if name != "at"), ""), **cells})


def _cell(value: Any) -> str:
    """Return a cell as text: dates as ISO 8601, whole numbers without a fraction, lists with | between."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return "|".join(_cell(one) for one in value)
    return sheets.unguarded(unicodedata.normalize("NFC", re.sub(r"[\t\r\n]+", " ", str(value))).strip())


def rows_of(table: Table, units: Iterable[Mapping[str, Any]]) -> Iterator[list[str]]:
    """Yield the rows of a table, in the order of its columns, that would give these units again."""
    for unit in units:
        if table == "units":
            yield [_cell(unit[name]) if unit.get(name) is not None else "" for name in COLUMNS["units"]]
        elif table == "aliases":
            for one in unit.get("limited_aliases", ()):
                yield [_cell(unit["code"]), *map(_cell, _values(one, "word", "source", "valid_from", "valid_until"))]
        else:
            for one in unit.get("posts", ()):
                yield [
                    _cell(unit["code"]),
                    *map(_cell, _values(one, "post", "role", "title", "person", "name", "email", "phone")),
                    *map(_cell, _values(one, "valid_from", "valid_until", "kind")),
                ]


def _values(of: Mapping[str, Any], *names: str) -> list[Any]:
    return [of.get(name) for name in names]


def as_csv(table: Table, units: Iterable[Mapping[str, Any]]) -> bytes:
    """Return a table as CSV that a spreadsheet opens: UTF-8 with its mark, and no cell that it would run."""
    return sheets.head(COLUMNS[table]) + b"".join(sheets.line(row) for row in rows_of(table, units))


def as_workbook(units: Sequence[Mapping[str, Any]]) -> bytes:
    """Return all tables as XLSX, a sheet each, every cell a text: a spreadsheet neither runs nor rounds any."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    for table in get_args(Table):
        sheet = book.create_sheet(TITLES[table])
        sheet.append(list(COLUMNS[table]))
        for row in rows_of(table, units):
            cells = []
            for value in row:
                cell = WriteOnlyCell(sheet, value=value)
                cell.data_type, cell.number_format = "s", "@"
                cells.append(cell)
            sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
