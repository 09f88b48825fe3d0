"""One row of a table becomes one message, or the reasons why it cannot. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from services.intake.tables import dates, envelope
from services.intake.tables.cells import Cell, CellError, Row
from services.intake.tables.encodings import Encoding, as_unicode, doubtful
from services.intake.tables.envelope import Problem
from services.intake.tables.mapping import Column, TableMapping, folded
from services.intake.tables.targets import Field
from shared.instants import canonical

_BREAKS = re.compile(r"[ \t\r\n]*[\t\r\n][ \t\r\n]*")  # within a cell they are layout
SHOWN_OF_CELL = 1000  # characters of a cell kept of a row that is refused


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field stands in the rows. encoding: None while nothing but ASCII was seen."""

    index: int
    heading: str
    encoding: Encoding | None


@dataclass(slots=True)
class Plan:
    """How to read the rows of one table. headings: of all columns. exact: whether a row must have as many cells.

    numbers: counted on the way, cells that are numbers in columns of codes.
    """

    mapping: TableMapping
    headings: Sequence[str]
    places: Mapping[str, Place]
    skipping: Sequence[tuple[Place, frozenset[str]]]
    epoch: datetime
    exact: bool
    sent_at: datetime | None = None
    numbers: Counter[str] = field(default_factory=Counter)


class CellWrongError(ValueError):
    """A cell does not say what its column should; the words do not repeat it."""


def is_skipped(row: Row, plan: Plan) -> bool:
    """Return whether a row is blank, or one that the mapping skips."""
    if all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in row.cells):
        return True
    for place, wanted in plan.skipping:
        cell = row.cells[place.index] if place.index < len(row.cells) else None
        if isinstance(cell, str) and folded(as_unicode(cell, place.encoding or "unicode")) in wanted:
            return True
    return False


def line_of(row: Row, plan: Plan) -> bytes:
    """Return the line that goes to intake for a row."""
    problems, said = list[Problem](), dict[str, Any]()
    if plan.exact and (why := _wrong_width(row, plan)):
        problems.append(Problem(why=why))
    fields = plan.mapping.aim.fields
    for name, column in plan.mapping.columns.items() if not problems else ():
        place = plan.places.get(name)
        if place is None and column.constant is None:
            continue  # optional, and not in this table
        try:
            value = _said(row, name, column, place, fields[name], plan)
        except ValueError as error:
            problems.append(Problem(column=place.heading if place else name, why=str(error)))
            continue
        if value is not None:
            said[name] = value
        elif fields[name].required:
            problems.append(Problem(column=place.heading if place else name, why="must not be empty"))
    if problems:
        return envelope.unconverted(row.number, problems, _cells(row, plan))
    return envelope.converted(row.number, plan.mapping.aim.format, _message(row, said, plan))


def _wrong_width(row: Row, plan: Plan) -> str:
    extra = [cell for cell in row.cells[len(plan.headings) :] if cell not in (None, "")]
    if extra or len(row.cells) < len(plan.headings):
        cells, headings = len(row.cells), len(plan.headings)
        return f"{cells} cells where there are {headings} headings: a separator within a text needs quotes around it"
    return ""


def _said(row: Row, name: str, column: Column, place: Place | None, of: Field, plan: Plan) -> str | int | None:
    """Return what a field is given, None for nothing. raises: ValueError."""
    cell: Cell = column.constant
    if place is not None:
        cell = row.cells[place.index] if place.index < len(row.cells) else None
        cell = _clean(cell, place.encoding)
    if isinstance(cell, CellError):
        raise CellWrongError("an error of the spreadsheet stands there")
    if cell is None or cell == "":
        return None
    if column.values or column.empty:
        word = folded(str(_whole(cell)))
        if word in column.empty:
            return None
        if word in column.values:
            cell = column.values[word]
        elif column.values and of.kind in ("text", "mark"):
            raise CellWrongError("a word that `values` of the mapping does not know")
        if cell == "":
            return None
    if of.kind in ("instant", "since"):
        formats = column.dates or (dates.date_format(dates.ISO),)
        clock = time() if column.time is None and of.kind == "since" else column.time
        at = dates.instant(cell, formats, clock, epoch=plan.epoch)
        compact = plan.mapping.aim.format == "national" and of.part != "envelope"
        return at.strftime("%Y%m%d%H%M%S") if compact else canonical(at)
    if of.kind == "date":
        return dates.day(cell, column.dates or (dates.date_format(dates.ISO),), epoch=plan.epoch).isoformat()
    if of.kind == "number":
        return _number(cell)
    if of.kind == "mark":
        return _mark(cell)
    if isinstance(cell, int | float) and name in ("code", "subject", "procedure"):
        plan.numbers[place.heading if place else name] += 1
    return _text(cell)


def _clean(cell: Cell, encoding: Encoding | None) -> Cell:
    """Return a text in Unicode. raises: ValueError - it may be in another encoding than its column."""
    if not isinstance(cell, str):
        return cell
    if cell.isascii():
        return _BREAKS.sub(" ", cell).strip()
    if "\ufffd" in cell or any("\ud800" <= sign <= "\udfff" or "\x80" <= sign < "\xa0" for sign in cell):
        raise CellWrongError("bytes that are no text in the encoding of the file")
    if encoding is None:
        raise CellWrongError("letters whose encoding is in doubt: say `encoding:` in the mapping")
    if doubtful(cell, encoding):
        raise CellWrongError(f"seems not to be in {encoding} as the rest of the column is")
    return _BREAKS.sub(" ", as_unicode(cell, encoding)).strip()


def _whole(cell: Cell) -> Cell:
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def _text(cell: Cell) -> str:
    if isinstance(cell, date | time | timedelta):
        raise CellWrongError("a date where a text is expected: the spreadsheet may have made it out of one")
    return str(_whole(cell))


def _number(cell: Cell) -> int:
    text = _text(cell)
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise CellWrongError("must be a whole number")
    return int(text)


def _mark(cell: Cell) -> bool:
    if (word := str(cell).casefold()) not in ("true", "false"):
        raise CellWrongError("must be true or false: say in `values` which words mean it")
    return word == "true"


def _cells(row: Row, plan: Plan) -> list[tuple[str, str]]:
    """Return a row as it stands, for who must find out what is wrong with it."""
    headings = [*plan.headings, *("" for _ in row.cells[len(plan.headings) :])]
    shown = ("" if cell is None else "#" if isinstance(cell, CellError) else str(cell) for cell in row.cells)
    return [
        (heading, cell[:SHOWN_OF_CELL].encode(errors="backslashreplace").decode())
        for heading, cell in zip(headings, shown, strict=False)
        if cell
    ]


def _message(row: Row, said: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    aim = plan.mapping.aim
    parts: dict[str, dict[str, Any]] = {"": {}, "envelope": {}, "supplement": {}}
    for name, value in said.items():
        of = aim.fields[name]
        parts[of.part][of.name] = value
    sent = canonical(plan.sent_at) if plan.sent_at else None
    if aim.format == "national":
        thing = parts[""] | ({"DanhSachHoSoBoSung": [parts["supplement"]]} if parts["supplement"] else {})
        head = {"madonvi": plan.mapping.agency, "service": aim.word}
        return head | ({"sent_at": sent} if sent else {}) | parts["envelope"] | {"data": [thing]}
    head = {"specversion": "1.0", "id": f"row-{row.number}", "source": "/table", "type": aim.word}
    return head | ({"time": sent} if sent else {}) | parts["envelope"] | {"data": parts[""]}
