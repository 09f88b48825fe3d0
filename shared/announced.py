"""Calendars as they were announced: the versions of each, laid over one another, and which unit has which. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Generic, Protocol, TypeVar

from shared.directory import Directory, resolve
from shared.unit_words import normalised
from shared.worktime import CalendarError, WorkCalendar, vietnam
from shared.worktime.loading import from_given

T = TypeVar("T")
PROVINCE = "thanh-hoa"
ALWAYS = ""  # before every instant: what the program carries was always known


class Announced(Protocol):
    """One version of a calendar: its name, when it was announced, and what `CalendarDescribed` said."""

    @property
    def name(self) -> str: ...
    @property
    def announced_at(self) -> str: ...
    @property
    def document(self) -> Mapping[str, Any]: ...


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


def calendars(said: Iterable[Announced], *, strict: bool = True) -> dict[str, list[tuple[str, WorkCalendar]]]:
    """Return the versions of each calendar, each with the instant since when it was known; the oldest first.

    What was announced at one time is compiled together, each over what its base then is, and heirs anew with it.

    said: in the order of their instants. strict: else a version that cannot be used is passed over.
    raises: CalendarError - a calendar cannot be used, or inherits from none that is known.
    """
    made: dict[str, list[tuple[str, WorkCalendar]]] = {PROVINCE: [(ALWAYS, vietnam())]}
    given: dict[str, Mapping[str, Any]] = {}
    for since, rows in groupby(said, key=lambda row: row.announced_at):
        changed = []
        for row in rows:
            try:
                _base_of(row.document["given"])
            except CalendarError:
                if strict:
                    raise
                continue
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


def calendar_names(said: Iterable[Announced], units: Directory) -> dict[str, Dated[str]]:
    """Return which calendar each unit had when; of two that name it, the one announced last.

    Its words mean the units of the day it was announced: a merger to come takes no calendar from a unit still in force.
    """
    holders: dict[str, list[str]] = defaultdict(list)
    since: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in said:
        on = row.announced_at[:10]
        own = {resolve(units, word, word, on=on) or normalised(word) for word in row.document["units"]} - {""}
        for unit in own | {unit for unit, names in holders.items() if row.name in names}:
            names = [name for name in holders[unit] if name != row.name] + [row.name] * (unit in own)
            holders[unit] = names
            since[unit].append((row.announced_at, names[-1] if names else PROVINCE))
    return {unit: Dated(versions) for unit, versions in since.items()}
