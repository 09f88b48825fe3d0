"""What due dates of ours rest on: calendars, limits and units, each as it was known at a time. Pure.

Open obligations go by what is known now, ended ones by what was known when they ended: news move no closed matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from services.deadline import limits
from services.deadline.course import Course
from services.deadline.limits import Limit, Rule
from shared import announced
from shared.announced import ALWAYS, PROVINCE, Dated
from shared.directory import ENDLESS, Directory, Meaning, Words, directory, resolve, unit_of
from shared.unit_words import normalised
from shared.worktime import WorkCalendar


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
    difficult: whether a unit's land dossiers get more time, by code. today: the day for which successors of units are
    looked up for what is open.
    """

    calendars: Mapping[str, Dated[WorkCalendar]]
    rules: Mapping[str, Dated[Sequence[Rule]]]
    calendar_names: Mapping[str, Dated[str]]
    difficult: Mapping[str, Dated[bool]]
    units: Directory
    today: str = ENDLESS

    def on(self, now: str) -> Reference:
        """Return the same on the day of `now`, an instant."""
        return self if self.today == now[:10] else replace(self, today=now[:10])

    def meaning(self, course: Course) -> Meaning:
        """Return which unit is meant: of an open matter today's, of one that ended the one of that day."""
        named = tuple(dict.fromkeys(word for word in (course.unit_name, course.unit_above, course.unit) if word))
        on = course.ended_at[:10] if course.ended_at else self.today
        words = Words(named, course.source, course.unit_said_on or on, tuple(course.unit_hints))
        return self.units.meaning(words, on=on)

    def calendar(
        self, unit: str | None, unit_name: str | None, *, at: str | None, unit_code: str | None = None
    ) -> WorkCalendar:
        """Return the calendar of a unit, else the province's. unit_code: where it is known already."""
        own = self.calendar_names.get(unit_code or self._unit(unit, unit_name)) if self.calendar_names else None
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
        marked = self.difficult.get(course.unit_code or self._unit(course.unit, course.unit_name))
        return bool(marked and marked.at(at))

    def _unit(self, unit: str | None, unit_name: str | None) -> str:
        return resolve(self.units, unit_name, unit, on=self.today) or normalised(unit_name or unit or "")


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
    said = [row for versions in by_kind["calendar"].values() for row in versions]
    said.sort(key=lambda row: row.announced_at)
    calendars = announced.calendars(said, strict=strict)
    return Reference(
        calendars={name: Dated(versions) for name, versions in calendars.items()},
        rules=_rules(by_kind["procedure"]),
        calendar_names=announced.calendar_names((row for row in said if row.name in calendars), units),
        difficult={
            code: Dated((row.announced_at, row.document["difficult"]) for row in versions)
            for code, versions in by_kind["unit"].items()
            if any(row.document["difficult"] for row in versions)
        },
        units=units,
    )


def _units(versions: Mapping[str, Sequence[Row]]) -> Directory:
    return directory(unit_of(rows[-1].document) for rows in versions.values())


def _rules(versions: Mapping[str, Sequence[Row]]) -> dict[str, Dated[Sequence[Rule]]]:
    known: dict[str, list[tuple[str, Sequence[Rule]]]] = defaultdict(list)
    for code, rules in limits.carried().items():
        known[code].append((ALWAYS, rules))
    for code, rows in versions.items():
        known[code] += [
            (row.announced_at, [Rule.model_validate(given) for given in row.document["rules"]]) for row in rows
        ]
    return {code: Dated(of_code) for code, of_code in known.items()}
