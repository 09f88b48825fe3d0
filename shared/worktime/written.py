"""Calendar files as written: YAML and CSV become plain data, and every entry keeps the line it stands on."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from shared.worktime.content import WEEKDAYS, Place, named

KEYS = (
    *("name", "source", "inherits", "units", "timezone", "week", "periods", "dates", "make_up", "names", "provisional"),
    *("known_from", "known_until"),
)
COLUMNS = ("date", "kind", "name", "source", "confidence", "shifts")
OPEN_KINDS = {"holiday": False, "swap_off": False, "half_holiday": True, "worked_swap": True}
CONFIDENCES = ("high", "medium", "low")
PROVISIONAL = "low"  # expected by rule, the official schedule is not announced yet
DEEPEST = 8  # of lists and objects in one another: periods need five
MOST_ENTRIES = 100_000  # aliases of aliases make a short file endless; a century of single dates is 73,000


class FileMistake(NamedTuple):
    """One thing that is wrong in a file."""

    file: Path
    line: int
    says: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.says}"


@dataclass
class Written:
    """A file's plain data. lines: where each entry stands, as far as it stands anywhere."""

    path: Path
    given: dict[str, Any] = field(default_factory=dict)
    lines: dict[Place, tuple[Path, int]] = field(default_factory=dict)
    mistakes: list[FileMistake] = field(default_factory=list)

    def tell(self, at: Place, says: str) -> None:
        """Note a mistake at the line of an entry, else of what it is part of."""
        while at and at not in self.lines:
            at = at[:-1]
        self.mistakes.append(FileMistake(*self.lines.get(at, (self.path, 1)), says))


def read(path: Path) -> Written:
    """Return what a calendar file says, with the CSV file that its `dates` may name; mistakes are noted, not raised."""
    written = Written(path)
    text = _text(path, written)
    if text is None:
        return written
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        plain = None if node is None else _plain(node, (), written)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        written.mistakes.append(FileMistake(path, line, f"not YAML: {error.problem}"))
        return written
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        written.mistakes.append(FileMistake(path, line, f"not YAML: the character {error.character!r} is not allowed"))
        return written
    if not isinstance(plain, dict):
        written.tell((), f"not a calendar: its entries are {', '.join(KEYS)}")
        return written
    written.given = plain
    for key in plain.keys() - set(KEYS):
        written.tell((key,), f"{key}: not one of {', '.join(KEYS)}")
    if isinstance(plain.get("dates"), str):
        _take_csv(written, path.parent / plain["dates"])
    return written


def _text(path: Path, written: Written) -> str | None:
    try:
        raw = path.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        written.mistakes.append(FileMistake(path, 1, f"cannot be read: {error.strerror}"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        written.mistakes.append(FileMistake(path, line, "not UTF-8 text"))
    return None


def _plain(node: yaml.Node, at: Place, written: Written) -> Any:
    """Return a part of a file as text, list or object: nothing is guessed to be a number or a date."""
    written.lines.setdefault(at, (written.path, node.start_mark.line + 1))
    if len(at) > DEEPEST or len(written.lines) > MOST_ENTRIES:
        raise yaml.MarkedYAMLError(problem="too many entries in one another", problem_mark=node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*at, n), written) for n, child in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return None if node.tag == "tag:yaml.org,2002:null" else node.value
    plain = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = key.value if isinstance(key, yaml.ScalarNode) else str(key.tag)
        if name in plain:
            first = written.lines[(*at, name)][1]
            says = f"{named((*at, name))}: given twice, first in line {first}"
            written.mistakes.append(FileMistake(written.path, line, says))
            continue
        written.lines[(*at, name)] = (written.path, line)
        plain[name] = _plain(value, (*at, name), written)
    return plain


def _take_csv(written: Written, path: Path) -> None:
    """Put the dates of a CSV file, their names and which of them are provisional, in place of the file's name."""
    given, named_here = written.given, written.given.get("names") or {}
    make_up, dates, names, provisional = given.get("make_up"), {}, {}, []
    beside = path.parent == written.path.parent and path.is_file()
    if not beside:
        written.tell(("dates",), f"dates: there is no file {path.name!r} beside this one")
    for line, row in _rows(written, path) if beside else ():
        on = row["date"]
        if on in dates:
            says = f"{on}: given twice, first in line {written.lines['dates', on][1]}"
            written.mistakes.append(FileMistake(path, line, says))
            continue
        for part in ("dates", "names"):
            written.lines[part, on] = (path, line)
        says, dates[on] = _hours(row, make_up)
        if says:
            written.mistakes.append(FileMistake(path, line, f"{on}: {says}"))
        if row["name"]:
            names[on] = row["name"]
        if row["confidence"] == PROVISIONAL:
            provisional.append(on)
    given["dates"] = dates
    given["names"] = {**names, **named_here} if isinstance(named_here, dict) else named_here
    if isinstance(given.get("provisional") or [], list):
        given["provisional"] = [*(given.get("provisional") or []), *provisional]


def _rows(written: Written, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a CSV file that can be read, each with its line and every column."""
    text = _text(path, written)
    if text is None:
        return
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [column.strip() for column in next(rows, [])]
    if wrong := [column for column in header if column not in COLUMNS] or sorted({"date", "kind"} - set(header)):
        says = f"the columns are {', '.join(COLUMNS)}, of which date and kind must be there; look at {', '.join(wrong)}"
        written.mistakes.append(FileMistake(path, 1, says))
        return
    line = rows.line_num + 1
    try:
        for row in rows:
            if len(row) == len(header):
                yield line, dict.fromkeys(COLUMNS, "") | dict(zip(header, map(str.strip, row), strict=True))
            elif row:
                says = f"{len(row)} fields where the header has {len(header)}: quote texts that hold a comma"
                written.mistakes.append(FileMistake(path, line, says))
            line = rows.line_num + 1
    except csv.Error as error:
        written.mistakes.append(FileMistake(path, line, f"not CSV: {error}"))


def _hours(row: dict[str, str], make_up: Any) -> tuple[str, Any]:
    """Return what is wrong with a row, if anything, and the hours of its date."""
    kind, shifts = row["kind"], re.split(r"[\s;]+", row["shifts"]) if row["shifts"] else []
    if row["confidence"] and row["confidence"] not in CONFIDENCES:
        return f"confidence: {row['confidence']!r} is not one of {', '.join(CONFIDENCES)}", []
    if kind not in OPEN_KINDS:
        return f"kind: {kind!r} is not one of {', '.join(OPEN_KINDS)}", []
    if shifts and not OPEN_KINDS[kind]:
        return f"a {kind} is a day off and has no shifts; one that is open for some hours is a half_holiday", []
    if kind == "worked_swap" and not shifts and make_up:
        return "", make_up
    if OPEN_KINDS[kind] and not shifts:
        return f"a {kind} needs its shifts" + ", or `make_up` in the YAML file" * (kind == "worked_swap"), []
    return "", shifts[0] if shifts and shifts[0] in WEEKDAYS and len(shifts) == 1 else shifts
