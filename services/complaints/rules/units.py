"""What routing needs to know of units: who stands for whom on a day, who is above, who heads them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Protocol

from shared import directory
from shared.events import UnitDescribed
from shared.heads import heads_of, holds

LEADING = frozenset({"head", "deputy"})


class Units(Protocol):
    """The directory as routing asks it. Codes are of the directory; persons are opaque ids, as posts have them."""

    def resolve(self, word: str, *, on: date) -> str | None:
        """Return the code that a code, name or alias means on a day, None where it means none or several."""

    def stand(self, code: str, *, on: date) -> tuple[str, ...]:
        """Return who stands for a unit on a day: itself while in force, else its successors; none where unknown."""

    def parent(self, code: str) -> str | None:
        """Return the unit above, as it was last said."""

    def kind(self, code: str) -> str | None:
        """Return the kind, None of a unit that is not known."""

    def name(self, code: str) -> str:
        """Return the name, of an unknown unit its code."""

    def heads(self, code: str, *, on: date) -> frozenset[str]:
        """Return who has or fills the post of the head on a day, also by acting or standing in."""

    def posts(self, person: str, *, on: date) -> Mapping[str, bool]:
        """Return the units where a person has a post on a day, and whether they head or deputise there."""


class Offices:
    """The units of the directory, as events say them."""

    def __init__(self, units: Iterable[UnitDescribed]) -> None:
        self.units = {unit.code: unit for unit in units}
        self._former: dict[date, dict[str, set[str]]] = {}

    @cached_property
    def _index(self) -> directory.Directory:
        return directory.directory(directory.unit_of(unit.model_dump(mode="json")) for unit in self.units.values())

    @cached_property
    def _held(self) -> Mapping[str, list[str]]:
        """Units by person, whenever they had a post there."""
        found: dict[str, list[str]] = {}
        for unit in self.units.values():
            for person in sorted({holding.person for holding in unit.posts if holding.person}):
                found.setdefault(person, []).append(unit.code)
        return found

    def resolve(self, word: str, *, on: date) -> str | None:
        return directory.resolve(self._index, None, word, on=on.isoformat())

    def stand(self, code: str, *, on: date) -> tuple[str, ...]:
        day = on.isoformat()
        standing = self._index.successors(code, on=day)
        return tuple(one for one in standing if (unit := self._index.units.get(one)) and unit.is_in_force(day))

    def former(self, code: str, *, on: date) -> frozenset[str]:
        """Return the units that are no more and in whose place a unit stands on a day, alone or beside others."""
        known = self._former.get(on)
        if known is None:
            known = {}
            for old in self.units:
                for one in self.stand(old, on=on):
                    if one != old:
                        known.setdefault(one, set()).add(old)
            self._former = {on: known}
        return frozenset(known.get(code, ()))

    def parent(self, code: str) -> str | None:
        unit = self.units.get(code)
        return unit.parent_code if unit else None

    def kind(self, code: str) -> str | None:
        unit = self.units.get(code)
        return unit.kind if unit else None

    def name(self, code: str) -> str:
        unit = self.units.get(code)
        return unit.name if unit else code

    def heads(self, code: str, *, on: date) -> frozenset[str]:
        unit = self.units.get(code)
        return heads_of(unit, on=on) if unit else frozenset()

    def over(self, code: str, *, on: date) -> frozenset[str]:
        """Return who heads or deputises in a unit and the units above it, by opaque ids, and the codes of these."""
        units = (code, *above(self, code, on=on))
        return frozenset(units[1:]).union(*(self._leading(one, on=on) for one in units))

    def _leading(self, code: str, *, on: date) -> frozenset[str]:
        unit = self.units.get(code)
        deputies = (one.person for one in unit.posts if one.role in LEADING and holds(one, on)) if unit else ()
        return self.heads(code, on=on).union(person for person in deputies if person)

    def posts(self, person: str, *, on: date) -> Mapping[str, bool]:
        found: dict[str, bool] = {}
        for code in self._held.get(person, ()):
            roles = [one.role for one in self.units[code].posts if one.person == person and holds(one, on)]
            if roles:
                found[code] = not LEADING.isdisjoint(roles)
        return found


def line(units: Units, code: str, *, on: date) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each code on the way up from a unit, in force or not, and who stands for it on a day.

    One that is no more gives way to its one successor. A ring is followed once: it ends.
    """
    seen = {code}
    at = units.parent(code)
    while at and at not in seen:
        seen.add(at)
        standing = units.stand(at, on=on)
        yield at, standing
        if len(standing) == 1:
            at = standing[0]
            seen.add(at)
        at = units.parent(at)


def above(units: Units, code: str, *, on: date) -> Iterator[str]:
    """Yield the units in force above one on a day, the nearest first; none twice."""
    found = dict.fromkeys(standing[0] for _, standing in line(units, code, on=on) if len(standing) == 1)
    return (one for one in found if one != code)
