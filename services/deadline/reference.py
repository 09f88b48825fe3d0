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
from itertools import groupby
from typing import Any, Generic, NamedTuple, TypeVar

from services.deadline import limits
from services.deadline.course import Course
from services.deadline.limits import Limit, Rule
from shared.directory import Directory, Unit, directory, normalised, resolve
from shared.worktime import CalendarError, WorkCalendar, vietnam
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
    """One version of a calendar, a procedure or a unit, as it was announced. A higher revision is the newer one."""

    kind: str
    name: str
    announced_at: str
    document: Mapping[str, Any]
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Reference:
    """Everything known, with its versions.

    calendars: by name. calendar_names: by unit, the calendar it has. units: what words mean which unit.
    difficult: whether a unit's land dossiers get more time, by code.
    """

    calendars: Mapping[str, Dated[WorkCalendar]]
    rules: Mapping[str, Dated[Sequence[Rule]]]
    calendar_names: Mapping[str, Dated[str]]
    difficult: Mapping[str, Dated[bool]]
    units: Directory

    def calendar(self, unit: str | None, unit_name: str | None, *, at: str | None) -> WorkCalendar:
        """Return the calendar of a unit, else the province's."""
        own = self.calendar_names.get(self._unit(unit, unit_name)) if self.calendar_names else None
        name = own and own.at(at)
        found = (self.calendars[name].at(at) if name else None) or self.calendars[PROVINCE].at(at)
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


def reference(rows: Iterable[Row], *, strict: bool = True) -> Reference:
    """Return what is known once these versions were announced.

    strict: else a version of a calendar that cannot be used is passed over; the one before it holds on.
    raises: CalendarError - a calendar cannot be used, or inherits from none that is known.
    """
    by_kind: dict[str, dict[str, list[Row]]] = {"calendar": {}, "procedure": {}, "unit": {}}
    for row in sorted(rows, key=lambda row: (row.revision, row.announced_at)):
        versions = by_kind[row.kind].setdefault(row.name, [])
        since = max(row.announced_at, versions[-1].announced_at if versions else ALWAYS)  # clocks may disagree
        versions.append(row._replace(announced_at=since))
    units = _units(by_kind["unit"])
    announced = [row for versions in by_kind["calendar"].values() for row in versions]
    announced.sort(key=lambda row: row.announced_at)
    calendars = _calendars(announced, strict=strict)
    return Reference(
        calendars={name: Dated(versions) for name, versions in calendars.items()},
        rules=_rules(by_kind["procedure"]),
        calendar_names=_calendar_names((row for row in announced if row.name in calendars), units),
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


def _calendars(announced: Iterable[Row], *, strict: bool) -> dict[str, list[tuple[str, WorkCalendar]]]:
    """Compile what was announced at one time together, each over what its base then is, and heirs anew with it."""
    made: dict[str, list[tuple[str, WorkCalendar]]] = {PROVINCE: [(ALWAYS, vietnam())]}
    given: dict[str, Mapping[str, Any]] = {}
    for since, rows in groupby(announced, key=lambda row: row.announced_at):
        changed = []
        for row in rows:
            given[row.name] = row.document["given"]
            changed.append(row.name)
        waiting = dict.fromkeys(_with_heirs(changed, given))
        while ready := [name for name in waiting if _base_of(given[name]) not in waiting]:
            for name in ready:
                del waiting[name]
                try:
                    made.setdefault(name, []).append((since, _compiled(given[name], made)))
                except CalendarError:
                    if strict:
                        raise
                    if not made[name]:
                        del made[name]
        if waiting and strict:
            raise CalendarError(f"inherits: {', '.join(waiting)} inherit from one another in a circle")
    return made


def _with_heirs(names: Iterable[str], given: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = list(dict.fromkeys(names))
    for name in found:  # grows by those that inherit, down to the last
        found += [heir for heir, own in given.items() if _base_of(own) == name and heir not in found]
    return found


def _base_of(given: Mapping[str, Any]) -> str | None:
    inherits = given.get("inherits")
    if inherits is not None and not isinstance(inherits, str):
        raise CalendarError("inherits: not the name of a calendar")
    return inherits


def _compiled(given: Mapping[str, Any], made: Mapping[str, Sequence[tuple[str, WorkCalendar]]]) -> WorkCalendar:
    base = _base_of(given)
    if base is None:
        return from_given(given, base=None)
    if not made.get(base):
        raise CalendarError(f"inherits: there is no calendar {base!r} to inherit from")
    return from_given(given, base=made[base][-1][1])


def _calendar_names(announced: Iterable[Row], units: Directory) -> dict[str, Dated[str]]:
    """Return which calendar each unit had when; of two that name it, the one announced last."""
    holders: dict[str, list[str]] = defaultdict(list)
    since: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in announced:
        own = {resolve(units, word, word) or normalised(word) for word in row.document["units"]} - {""}
        for unit in own | {unit for unit, names in holders.items() if row.name in names}:
            names = [name for name in holders[unit] if name != row.name] + [row.name] * (unit in own)
            holders[unit] = names
            since[unit].append((row.announced_at, names[-1] if names else PROVINCE))
    return {unit: Dated(versions) for unit, versions in since.items()}
