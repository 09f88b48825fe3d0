"""What due dates of ours rest on: calendars, limits and units, each as it was known at a time. Pure.

Open obligations go by what is known now, ended ones by what was known when they ended: news move no closed matter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

from services.deadline import limits
from services.deadline.course import Course
from services.deadline.limits import Limit, Rule
from shared.directory import Directory, Unit, directory, normalised, resolve
from shared.worktime import WorkCalendar, vietnam
from shared.worktime.loading import from_given

T = TypeVar("T")
PROVINCE = "thanh-hoa"
ALWAYS = ""  # before every instant: what the program carries was always known


class Dated(Generic[T]):
    """The versions of one thing, each since it was announced."""

    __slots__ = ("_since", "_versions")

    def __init__(self, versions: Iterable[tuple[str, T]]) -> None:
        ordered = sorted(versions, key=lambda version: version[0])
        self._since = [since for since, _ in ordered]
        self._versions = [version for _, version in ordered]

    def at(self, moment: str | None) -> T | None:
        """Return the version known at `moment`, the newest where it is None; None where none was known yet."""
        if moment is None:
            return self._versions[-1]
        known = bisect_right(self._since, moment)
        return self._versions[known - 1] if known else None

    def __iter__(self) -> Any:
        return iter(zip(self._since, self._versions, strict=True))


class Row(NamedTuple):
    """One version of a calendar, a procedure or a unit, as it was announced."""

    kind: str
    name: str
    announced_at: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reference:
    """Everything known, with its versions.

    calendars: by name. calendar_names: of the units with a calendar of their own. units: what words mean which unit.
    difficult: whether a unit's land dossiers get more time, by code.
    """

    calendars: Mapping[str, Dated[WorkCalendar]]
    rules: Mapping[str, Dated[Sequence[Rule]]]
    calendar_names: Mapping[str, str]
    difficult: Mapping[str, Dated[bool]]
    units: Directory

    def calendar(self, unit: str | None, unit_name: str | None, *, at: str | None) -> WorkCalendar:
        """Return the calendar of a unit, else the province's."""
        name = self.calendar_names.get(self._unit(unit, unit_name), PROVINCE) if self.calendar_names else PROVINCE
        found = self.calendars[name].at(at) or self.calendars[PROVINCE].at(at)
        assert found  # the province's was always known
        return found

    def limit(self, course: Course, *, at: str | None) -> Limit | None:
        """Return the limit of a dossier by the rules of the day of its reception, None where there is none."""
        rules = self.rules.get(course.procedure or "")
        known = rules.at(at) if rules else None
        if not known or course.accepted_at is None:
            return None
        difficult = bool(self.difficult) and self._is_difficult(course, at)
        on = date.fromisoformat(course.accepted_at[:10])
        return limits.choose(known, case=course.case, channel=course.channel, on=on, difficult=difficult)

    def marks(self) -> Any:
        """Return what of the directory moves due times: two that are equal move none."""
        difficult = {code: marked.at(None) for code, marked in self.difficult.items()}
        return difficult, self.units if self.calendar_names or any(difficult.values()) else None

    def _is_difficult(self, course: Course, at: str | None) -> bool:
        marked = self.difficult.get(self._unit(course.unit, course.unit_name))
        return bool(marked and marked.at(at))

    def _unit(self, unit: str | None, unit_name: str | None) -> str:
        return resolve(self.units, unit_name, unit) or normalised(unit_name or unit or "")


@cache
def carried() -> Reference:
    """Return what is known where nothing was announced: the calendar and the limits that the program carries."""
    return reference(())


def reference(rows: Iterable[Row]) -> Reference:
    """Return what is known once these versions were announced.

    raises: CalendarError - a calendar cannot be used; what is stored was checked when it came.
    """
    by_kind: dict[str, dict[str, list[Row]]] = {"calendar": {}, "procedure": {}, "unit": {}}
    for row in sorted(rows, key=lambda row: row.announced_at):
        by_kind[row.kind].setdefault(row.name, []).append(row)
    units = _units(by_kind["unit"])
    calendars = _calendars([row for versions in by_kind["calendar"].values() for row in versions])
    return Reference(
        calendars={name: Dated(versions) for name, versions in calendars.items()},
        rules=_rules(by_kind["procedure"]),
        calendar_names=_calendar_names(by_kind["calendar"], units),
        difficult={
            code: Dated((row.announced_at, row.document["difficult"]) for row in versions)
            for code, versions in by_kind["unit"].items()
            if any(row.document["difficult"] for row in versions)
        },
        units=units,
    )


def _units(versions: Mapping[str, Sequence[Row]]) -> Directory:
    newest = [rows[-1].document for rows in versions.values()]
    return directory(Unit(unit["code"], unit["name"], tuple(unit["aliases"]), unit["active"]) for unit in newest)


def _rules(versions: Mapping[str, Sequence[Row]]) -> dict[str, Dated[Sequence[Rule]]]:
    known: dict[str, list[tuple[str, Sequence[Rule]]]] = defaultdict(list)
    for code, rules in limits.carried().items():
        known[code].append((ALWAYS, rules))
    for code, rows in versions.items():
        known[code] += [
            (row.announced_at, [Rule.model_validate(given) for given in row.document["rules"]]) for row in rows
        ]
    return {code: Dated(of_code) for code, of_code in known.items()}


def _calendars(rows: Sequence[Row]) -> dict[str, list[tuple[str, WorkCalendar]]]:
    """Compile each version over what its base then was, and anew when its base changes."""
    made: dict[str, list[tuple[str, WorkCalendar]]] = {PROVINCE: [(ALWAYS, vietnam())]}
    given: dict[str, Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row.announced_at):
        given[row.name] = row.document["given"]
        changed = [row.name]
        for name in changed:  # grows by those that inherit, down to the last
            inherits = given[name].get("inherits")
            base = made[inherits][-1][1] if inherits else None
            made.setdefault(name, []).append((row.announced_at, from_given(given[name], base=base)))
            changed += [heir for heir, own in given.items() if own.get("inherits") == name and heir not in changed]
    return made


def _calendar_names(versions: Mapping[str, Sequence[Row]], units: Directory) -> dict[str, str]:
    """Return the calendar of each unit that has one; of two that name it, the one announced last."""
    newest = sorted((rows[-1] for rows in versions.values()), key=lambda row: row.announced_at)
    return {
        resolve(units, word, word) or normalised(word): row.name for row in newest for word in row.document["units"]
    }
