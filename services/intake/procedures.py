"""The catalogue of procedures as a file: reading and checking it. Pure.

A line is a procedure with one of its limits; several lines of one code give its cases, channels and periods. What is
doubtful makes no rule and is told with its line; a mistake is told beside all others, and nothing of the file is used.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from services.intake import procedure_row
from services.intake.procedure_row import Cells
from shared.codes import national_procedure
from shared.events import ProcedureRule

COLUMNS = (
    "code", "name", "field", "case", "channel", "limit_value", "limit_unit", "difficult_days", "valid_from",
    "valid_until", "legal_basis", "confidence", "note",
)  # fmt: skip
OF_PORTAL = ("name_vi", "portal_times")  # read too: the national portal's figures as research wrote them down
MOST_RULES = 200  # of one procedure: with texts of the lengths taken its event stays below the 1 MB that NATS takes

OTHER_NAME = "another name or field than on the procedure's first line, which is kept"
SAID_TWICE = "says again what a line before says"
NOT_TOLD_APART = "several limits for one case, channel and beginning: none is taken"
OVERLAPS = "begins before an earlier limit of its case and channel ends; from then on it counts"


class Mistake(NamedTuple):
    """What of a line cannot be meant."""

    line: int
    why: str


class Flagged(NamedTuple):
    """What of a line is doubtful; `why` is the same text for the same reason."""

    line: int
    code: str
    why: str


class CatalogueError(ValueError):
    """The catalogue cannot be taken; `mistakes` names lines and reasons."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(f"line {one.line}: {one.why}" for one in mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True)
class Catalogue:
    """What a file holds: each procedure by its national code, as events carry it, and what is doubtful, by line."""

    procedures: dict[str, dict[str, Any]]
    flagged: list[Flagged]


@dataclass
class Gathered:
    """One procedure while its lines are read."""

    name: str = ""
    of_field: str = ""
    rules: list[tuple[int, ProcedureRule]] = field(default_factory=list)


def read(content: bytes) -> Catalogue:
    """Return the procedures of a catalogue file and what is doubtful in it.

    content: CSV in UTF-8 with the columns of `COLUMNS` in any order, of which only code must be there; or the national
        portal's figures, with `OF_PORTAL`. Units and channels may be in Vietnamese.
    returns: also procedures without any sound rule: they are known, and no due time of ours is worked out for them.
    raises: CatalogueError - with every mistake; then nothing is to be used.
    """
    mistakes: list[Mistake] = []
    flagged: list[Flagged] = []
    gathered: dict[str, Gathered] = defaultdict(Gathered)
    for line, cells in _lines(content, mistakes):
        wrong = [Mistake(line, why) for why in procedure_row.mistakes(cells)]
        mistakes += wrong
        if not wrong:
            code = national_procedure(cells["code"])
            flagged += [Flagged(line, code, why) for why in _gather(gathered[code], line, cells)]
    for code, procedure in gathered.items():
        if len(procedure.rules) > MOST_RULES:
            mistakes.append(Mistake(procedure.rules[MOST_RULES][0], f"{code} has more than {MOST_RULES} limits"))
    if mistakes:
        raise CatalogueError(sorted(mistakes))
    procedures = {}
    for code, procedure in gathered.items():
        rules, doubts = _told_apart(procedure.rules)
        flagged += [Flagged(line, code, why) for line, why in doubts]
        procedures[code] = {"code": code, "name": procedure.name, "field": procedure.of_field, "rules": rules}
    return Catalogue(procedures, sorted(set(flagged)))


def _lines(content: bytes, mistakes: list[Mistake]) -> Iterator[tuple[int, Cells]]:
    """Yield each line that is not blank with the number of its first; a mistake of the whole file ends them."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mistakes.append(Mistake(content.count(b"\n", 0, error.start) + 1, "not UTF-8: save the file as CSV UTF-8"))
        return
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().casefold() for name in next(rows, [])]
        if "code" not in header:
            known = ", ".join(COLUMNS)
            mistakes.append(Mistake(1, f"the column code is missing; known, with commas between them: {known}"))
            return
        before = rows.line_num
        for row in rows:
            line, before = before + 1, rows.line_num
            if len(row) > len(header):
                mistakes.append(Mistake(line, f"{len(row)} cells for {len(header)} columns: is a text without quotes?"))
            elif any(map(str.strip, row)):
                yield line, _cells(dict(zip(header, row, strict=False)))
    except csv.Error as error:
        mistakes.append(Mistake(rows.line_num, f"not CSV: {error}"))


def _cells(row: dict[str, str]) -> Cells:
    clean = {name: " ".join(unicodedata.normalize("NFC", row.get(name, "")).split()) for name in (*COLUMNS, *OF_PORTAL)}
    return {**clean, "name": clean["name"] or clean["name_vi"]}


def _gather(procedure: Gathered, line: int, cells: Cells) -> list[str]:
    """Add a line to its procedure; returns what is doubtful of it."""
    procedure.name = procedure.name or cells["name"]
    procedure.of_field = procedure.of_field or cells["field"]
    other = cells["name"] not in ("", procedure.name) or cells["field"] not in ("", procedure.of_field)
    rules, why = procedure_row.rules(cells)
    procedure.rules += [(line, rule) for rule in rules]
    return [*([why] if why else []), *([OTHER_NAME] if other else [])]


def _told_apart(given: Sequence[tuple[int, ProcedureRule]]) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    """Return the rules as events carry them, in an order of their own, and which lines are doubtful beside others."""
    of_key: dict[tuple[str, str], dict[date, list[tuple[int, ProcedureRule]]]] = defaultdict(lambda: defaultdict(list))
    for line, rule in given:
        of_key[rule.case or "", rule.channel or ""][rule.valid_from or date.min].append((line, rule))
    kept: list[ProcedureRule] = []
    doubts: list[tuple[int, str]] = []
    for _, by_beginning in sorted(of_key.items()):
        ends: date | None = None
        for begins, equals in sorted(by_beginning.items()):
            (first, rule), *others = equals
            if any(_says(other) != _says(rule) for _, other in others):
                doubts += [(line, NOT_TOLD_APART) for line, _ in equals]
                continue
            doubts += [(line, SAID_TWICE) for line, _ in others]
            if ends and begins <= ends:
                doubts.append((first, OVERLAPS))
            kept.append(rule)
            ends = rule.valid_until  # without an end it is followed by the next
    return [rule.model_dump(mode="json") for rule in kept], doubts


def _says(rule: ProcedureRule) -> tuple[Any, ...]:
    return rule.value, rule.unit, rule.difficult_days, rule.valid_until
