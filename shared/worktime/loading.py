"""Calendars from files: each laid over the one it inherits from, all mistakes told at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from shared.worktime.calendars import WorkCalendar, compiled
from shared.worktime.content import CalendarError, Content, Mistake, checked, date_of, hours_of
from shared.worktime.written import KEYS, FileMistake, Written, read

REQUIRED = ("name",)
REQUIRED_WITHOUT_BASE = ("timezone", "week", "known_from", "known_until")
NOT_OF_HOURS = frozenset(("name", "source", "inherits", "make_up", "units"))
NOTHING = Content(ZoneInfo("UTC"), date(2000, 1, 1), date(2000, 1, 1), ((),) * 7, (), {}, {}, frozenset())


class Loaded(NamedTuple):
    """A calendar from a file.

    given: its plain data, dates written out. units: words for those whose calendar it is. notes: what is no mistake
    and perhaps not meant.
    """

    name: str
    path: Path
    inherits: str | None
    source: str | None
    calendar: WorkCalendar
    notes: tuple[str, ...]
    given: Mapping[str, Any]
    units: tuple[str, ...]


class CalendarFilesError(ValueError):
    """What is wrong in the calendar files, a line for each mistake."""

    def __init__(self, mistakes: Sequence[FileMistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


def load(paths: Iterable[Path], *, known: Mapping[str, WorkCalendar] | None = None) -> list[Loaded]:
    """Return the calendars of files, in the order given; they may inherit from one another and from `known` ones.

    raises: CalendarFilesError - every mistake in any of them.
    """
    files = [read(path) for path in paths]
    by_name: dict[str, Written] = {}
    for file in files:
        _check_name(file, by_name)
        _check_units(file)
    made: dict[int, WorkCalendar | None] = {}
    for file in files:
        _make(file, by_name, known or {}, made, ())
    mistakes = [mistake for file in files for mistake in sorted(set(file.mistakes))]
    if mistakes:
        raise CalendarFilesError(mistakes)
    return [_loaded(file, by_name, known or {}, made) for file in files]


def from_given(given: Mapping[str, Any], *, base: WorkCalendar | None) -> WorkCalendar:
    """Return the calendar of a file's plain data, dates written out. base: the one it inherits from.

    raises: CalendarError - with every mistake.
    """
    if unknown := sorted(given.keys() - set(KEYS)):
        raise CalendarError(f"{unknown[0]}: not one of {', '.join(KEYS)}")
    own = {key: value for key, value in given.items() if key not in NOT_OF_HOURS}
    return compiled(checked(own, base=base.content if base else None))


def _check_units(file: Written) -> None:
    units = file.given.get("units")
    if units is None:
        return
    if not isinstance(units, list):
        file.tell(("units",), "units: not a list of codes, agency ids or names")
        return
    for number, unit in enumerate(units):
        if not isinstance(unit, str) or not unit.strip():
            file.tell(("units", number), f"units: {unit!r} is not a code, an agency id or a name")


def _check_name(file: Written, by_name: dict[str, Written]) -> None:
    name = file.given.get("name")
    if isinstance(name, str) and name:
        if name in by_name:
            file.tell(("name",), f"name: {name} is the name of {by_name[name].path} too")
        by_name.setdefault(name, file)
    elif name is not None:
        file.tell(("name",), f"name: {name!r} is not a name")


def _make(
    file: Written,
    by_name: Mapping[str, Written],
    known: Mapping[str, WorkCalendar],
    made: dict[int, WorkCalendar | None],
    heirs: tuple[Written, ...],
) -> WorkCalendar | None:
    """Return a file's calendar, None if there is a mistake in it or in what it inherits; each is made once."""
    if id(file) in made:
        return made[id(file)]
    inherits, base = file.given.get("inherits"), None
    if inherits is not None:
        base = _base(file, by_name, known, made, heirs)
    for key in REQUIRED if inherits is not None else (*REQUIRED, *REQUIRED_WITHOUT_BASE):
        if file.given and file.given.get(key) is None:
            file.tell((), f"{key}: missing")
    made[id(file)] = _compiled(file, base)
    return made[id(file)]


def _base(
    file: Written,
    by_name: Mapping[str, Written],
    known: Mapping[str, WorkCalendar],
    made: dict[int, WorkCalendar | None],
    heirs: tuple[Written, ...],
) -> WorkCalendar | None:
    """Return the calendar a file inherits from, None (and a mistake) if there is none that can be used."""
    name = str(file.given["inherits"])
    if name == file.given.get("name") and name in by_name:
        file.tell(("inherits",), f"inherits: {name} inherits itself")
    elif name in by_name and by_name[name] in (file, *heirs):
        way = " → ".join(str(heir.given["name"]) for heir in (*heirs, file))
        file.tell(("inherits",), f"inherits: {way} → {name} goes round in a circle")
    elif name in by_name:
        base = _make(by_name[name], by_name, known, made, (*heirs, file))
        if base is None:
            file.tell(("inherits",), f"inherits: {name} has mistakes of its own")
        return base
    elif name in known:
        return known[name]
    else:
        others = sorted({*by_name, *known} - {file.given.get("name")})
        file.tell(("inherits",), f"inherits: there is no calendar {name!r}; there is {', '.join(others) or 'none'}")
    return None


def _compiled(file: Written, base: WorkCalendar | None) -> WorkCalendar | None:
    """Return a file's calendar over its base; mistakes of what a missing base would have given are not told."""
    inherits = file.given.get("inherits") is not None
    given = {key: value for key, value in file.given.items() if key not in NOT_OF_HOURS}
    told: list[Mistake] = []
    if file.given.get("make_up") is not None:
        hours_of(("make_up",), file.given["make_up"], told)
    try:
        content = checked(given, base=base.content if base else NOTHING if inherits else None)
        if not file.mistakes and not told:
            return compiled(content)
    except CalendarError as error:
        told += error.mistakes
    for mistake in told:
        absent = mistake.at in {(key,) for key in REQUIRED_WITHOUT_BASE if file.given.get(key) is None}
        baseless = inherits and base is None and mistake.at == ("known_until",) and "not a date" not in mistake.says
        if file.given and not absent and not baseless:
            file.tell(mistake.at, mistake.says)
    return None


def _loaded(
    file: Written,
    by_name: Mapping[str, Written],
    known: Mapping[str, WorkCalendar],
    made: Mapping[int, WorkCalendar | None],
) -> Loaded:
    own, given = made[id(file)], file.given
    assert own is not None
    inherits = given.get("inherits")
    notes = []
    if inherits is not None:
        base = made[id(by_name[inherits])] if inherits in by_name else known[inherits]
        if base is not None and base.known_until < own.known_until:
            notes.append(f"the days off after {base.known_until} are its own only: {inherits} is not known there")
    outside = [text for text in given.get("dates") or () if _is_outside(own, text)]
    if outside:
        notes.append(f"not between known_from and known_until, so without effect: {', '.join(outside)}")
    plain = {key: value for key, value in given.items() if key != "units"}
    units = tuple(given.get("units") or ())
    return Loaded(given["name"], file.path, inherits, given.get("source"), own, tuple(notes), plain, units)


def _is_outside(own: WorkCalendar, text: str) -> bool:
    day = date_of(text)
    return day is not None and not own.known_from <= day <= own.known_until
