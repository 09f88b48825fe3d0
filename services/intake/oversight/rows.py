"""Oversight's records, and numbers of units, from tables: CSV with line numbers. Pure."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

from services.intake.oversight.statement import SHAPES
from shared.events import RecordKind

MOST_LINES = 1000  # of one file: what one call takes
LONGEST_CELL = 10_000
BETWEEN = "|"  # references in one cell
NUMBERS = ("unit", "overdue_share", "flags")
_NUMBER = re.compile(r"[0-9]{1,12}([.,][0-9]{1,12})?")
_VIETNAMESE_DATE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")


class TableError(ValueError):
    """The file as a whole cannot be taken; names the line and the reason."""


class Row(NamedTuple):
    """A line that is not blank. line: the number of its first. cells: those that are filled, by column."""

    line: int
    cells: dict[str, Any]


def columns(kind: RecordKind) -> tuple[str, ...]:
    """Return the columns that a table of this kind may have; only `id` and those a record needs must be there."""
    return ("id", *SHAPES[kind].model_fields)


def read(kind: RecordKind, content: bytes) -> list[Row]:
    """Return the lines of a table. Dates may be written 15/12/2026. raises: TableError."""
    known = columns(kind)
    rows = [Row(line, {name: _value(name, cell) for name, cell in cells.items()}) for line, cells in _lines(content)]
    if unknown := sorted({name for row in rows for name in row.cells} - set(known)):
        raise TableError(f"line 1: unknown column {', '.join(unknown)}; known: {','.join(known)}")
    return rows


def read_numbers(content: bytes) -> dict[str, dict[str, float]]:
    """Return numbers by unit. raises: TableError - also where a cell is no number."""
    numbers: dict[str, dict[str, float]] = {}
    for line, cells in _lines(content):
        if unknown := sorted(cells.keys() - set(NUMBERS)):
            raise TableError(f"line 1: unknown column {', '.join(unknown)}; known: {','.join(NUMBERS)}")
        unit = cells.pop("unit", "")
        if not unit:
            raise TableError(f"line {line}: unit: missing")
        if unit in numbers:
            raise TableError(f"line {line}: unit: {unit} stands twice")
        if wrong := [name for name, cell in cells.items() if not _NUMBER.fullmatch(cell)]:
            raise TableError(f"line {line}: {wrong[0]}: not a number")
        numbers[unit] = {name: float(cell.replace(",", ".")) for name, cell in cells.items()}
    return numbers


def _value(name: str, cell: str) -> Any:
    if name == "findings":
        return [one.strip() for one in cell.split(BETWEEN) if one.strip()]
    if name == "year":
        return int(cell) if cell.isascii() and cell.isdigit() and len(cell) == 4 else cell
    if match := _VIETNAMESE_DATE.fullmatch(cell):
        day, month, year = match.groups()
        return f"{year}-{month:0>2}-{day:0>2}"
    return cell


def _lines(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each line that is not blank: its number and its filled cells. raises: TableError."""
    try:
        text = unicodedata.normalize("NFC", content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TableError(f"line {line}: not UTF-8: save the file as CSV UTF-8") from None
    first = text.split("\n", 1)[0]
    between = ";" if first.count(";") > first.count(",") else ","  # as Excel writes where a comma is in decimals
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=between, strict=True)
    try:
        header = [name.strip().casefold() for name in next(rows, [])]
        if len(set(header)) < len(header):
            raise TableError("line 1: a column stands twice")
        before, count = rows.line_num, 0
        for row in rows:
            line, before = before + 1, rows.line_num
            if not any(map(str.strip, row)):
                continue
            count += 1
            yield line, _cells(line, header, row)
            if count > MOST_LINES:
                raise TableError(f"line {line}: more than {MOST_LINES} lines: split the file")
    except csv.Error as error:
        raise TableError(f"line {rows.line_num}: not CSV: {error}") from None


def _cells(line: int, header: list[str], row: list[str]) -> dict[str, str]:
    if len(row) > len(header):
        raise TableError(f"line {line}: {len(row)} cells for {len(header)} columns: is a text without quotes?")
    cells = {name: " ".join(cell.split()) for name, cell in zip(header, row, strict=False)}
    if long := [name for name, cell in cells.items() if len(cell) > LONGEST_CELL]:
        raise TableError(f"line {line}: {long[0]}: more than {LONGEST_CELL} characters")
    return {name: cell for name, cell in cells.items() if cell}
