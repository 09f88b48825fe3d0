"""A table by its mapping: where its columns stand, in which encoding they are, and its rows as lines for intake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from services.intake.tables import encodings, reading
from services.intake.tables.cells import Row
from services.intake.tables.encodings import DoubtfulError, Encoding, Evidence
from services.intake.tables.mapping import TableMapping, folded
from services.intake.tables.reading import File, TableError
from services.intake.tables.rows import Place, Plan, is_skipped, line_of

SEPARATORS = {";": ";", ",": ",", "tab": "\t", "|": "|"}
SAMPLE_ROWS = 5000  # looked at for encodings; what comes later is held against what they showed


@dataclass(frozen=True, slots=True)
class Prepared:
    """A table that can be converted. separator: "" for XLSX. unused: headings that no field comes from."""

    file: File
    separator: str
    plan: Plan
    unused: Sequence[str]

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the headings."""
        shape = self.plan.mapping.file
        every = reading.rows(self.file, separator=self.separator, quotes=shape.quotes, sheet=shape.sheet)
        return islice(every, shape.header_row, None)

    def lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield the number of each row and its line for intake, None of one that is skipped. raises: TableError."""
        for row in self.rows():
            yield row.number, None if is_skipped(row, self.plan) else line_of(row, self.plan)


def prepare(path: Path, mapping: TableMapping, *, sent_at: datetime | None = None) -> Prepared:
    """Look at a table and find its columns. sent_at: when it was exported, where that is known.

    raises: TableError - no table, a column is missing or there twice, or an encoding is in doubt.
    """
    file = reading.look_at(path)
    shape = mapping.file
    if shape.encoding == "unicode" and file.coding == "cp1252":
        file = replace(file, coding="utf-8-sig")  # some bytes are none, and cost their rows only
    separator, headings = _headings(file, mapping)
    sample = list(islice(_below(file, mapping, separator), SAMPLE_ROWS))
    columns = _Columns(file, mapping, headings, sample)
    places = {name: columns.place(name, column.named) for name, column in mapping.columns.items() if column.named}
    skipping = [(columns.place("file.skip", (one.column,)), frozenset(map(folded, one.words))) for one in shape.skip]
    used = {place.index for place in places.values() if place} | {place.index for place, _ in skipping if place}
    plan = Plan(
        mapping=mapping,
        headings=[columns.heading(index) for index in range(len(headings))],
        places={name: place for name, place in places.items() if place},
        skipping=[(place, words) for place, words in skipping if place],
        epoch=file.epoch,
        exact=file.kind == "csv",
        sent_at=sent_at,
    )
    unused = [heading for index, heading in enumerate(plan.headings) if index not in used and heading]
    return Prepared(file, separator, plan, unused)


def _below(file: File, mapping: TableMapping, separator: str) -> Iterator[Row]:
    shape = mapping.file
    every = reading.rows(file, separator=separator, quotes=shape.quotes, sheet=shape.sheet)
    return islice(every, shape.header_row, None)


def _headings(file: File, mapping: TableMapping) -> tuple[str, list[str]]:
    """Return the separator and the headings; of several separators that which makes out most of the columns."""
    shape = mapping.file
    given = SEPARATORS if shape.separator == "auto" else {shape.separator: SEPARATORS[shape.separator]}
    tried = {""} if file.kind == "xlsx" else set(given.values())
    wanted = {folded(name) for column in mapping.columns.values() for name in column.named}
    best: tuple[int, str, list[str]] | None = None
    for separator in sorted(tried):
        rows = reading.rows(file, separator=separator or ",", quotes=shape.quotes, sheet=shape.sheet)
        try:
            with closing(rows):  # type: ignore[type-var]  # a generator
                row = next(islice(rows, shape.header_row - 1, None), None)
        except TableError:
            if len(tried) == 1:
                raise
            continue
        headings = (
            [cell if isinstance(cell, str) else "" if cell is None else str(cell) for cell in row.cells] if row else []
        )
        found = sum(1 for heading in headings if _readings(heading) & wanted)
        if best is None or found > best[0]:
            best = found, separator, headings
    if best is None or not best[2]:
        raise TableError(f"row {shape.header_row} has no headings: `header_row` of the mapping says where they stand")
    return best[1], best[2]


def _readings(heading: str) -> set[str]:
    return {folded(encodings.as_unicode(heading, encoding)) for encoding in encodings.ENCODINGS}


class _Columns:
    """The columns of a table, with what a sample of its rows shows of their encodings."""

    def __init__(self, file: File, mapping: TableMapping, headings: Sequence[str], sample: Sequence[Row]) -> None:
        self.mapping, self.headings, self.sample = mapping, headings, sample
        # bytes that are no UTF-8 cannot be Unicode; letters of a Unicode file may have been another encoding's signs
        self.among = encodings.ENCODINGS[1:] if file.coding == "cp1252" else encodings.ENCODINGS
        self.whole: Encoding | None = None
        self.doubt: DoubtfulError | None = None
        given = mapping.file.encoding
        if given != "auto":
            self.whole = given
            return
        every = Evidence.of([*headings, *(cell for row in sample for cell in row.cells if isinstance(cell, str))])
        if file.coding == "cp1252" and not every.words:
            return  # what is beyond ASCII comes later
        try:
            self.whole = encodings.recognised(every, self.among)
        except DoubtfulError as error:
            self.doubt = error

    def heading(self, index: int) -> str:
        """Return a heading as people read it."""
        raw = self.headings[index]
        wanted = {folded(name): name for column in self.mapping.columns.values() for name in column.named}
        for encoding in encodings.ENCODINGS:
            if folded(text := encodings.as_unicode(raw, encoding)) in wanted:
                return " ".join(text.split())
        return " ".join(encodings.as_unicode(raw, self.whole or "unicode").split())

    def place(self, name: str, named: Sequence[str]) -> Place | None:
        """Return where a field stands, None where its column may be missing and is."""
        wanted = {folded(one) for one in named}
        found = [index for index, heading in enumerate(self.headings) if _readings(heading) & wanted]
        column = self.mapping.columns.get(name)
        if not found and column and column.optional:
            return None
        if len(found) != 1:
            there = ", ".join(filter(None, map(self.heading, range(len(self.headings)))))
            says = f"columns.{name}" if column else name
            count = f"{len(found)} columns are" if found else "no column is"
            raise TableError(f"{says}: {count} called {' or '.join(named)}; there are: {there[:1000]}")
        given = column.encoding if column else "auto"
        return Place(found[0], self.heading(found[0]), self._encoding(found[0]) if given == "auto" else given)

    def _encoding(self, index: int) -> Encoding | None:
        """Return a column's encoding by its own words, else that of the whole table where they fit it."""
        if self.mapping.file.encoding != "auto":
            return self.whole
        own = Evidence.of(
            cell for row in self.sample if index < len(row.cells) and isinstance(cell := row.cells[index], str)
        )
        if not own.words:
            return self.whole
        try:
            return encodings.recognised(own, self.among)
        except DoubtfulError as doubt:
            fitting = {encoding: len(own.fitting(encoding)) for encoding in self.among}
            if self.whole and fitting.get(self.whole, 0) == max(fitting.values()) > 0:
                return self.whole
            says = f"column {self.heading(index)!r}: its letters {doubt}"
            if self.doubt is None and self.whole:
                says += f"; the rest of the table is {self.whole}"
            raise TableError(says) from None
