"""Whose head answers for an obligation, and where mail reaches that head. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from services.notify import ladder
from services.notify.policy import Role
from shared import directory as words
from shared.events import ObligationChanged, UnitDescribed


class Meant(NamedTuple):
    """Who must act. code: of the unit, None where unknown or not looked up. unit, unit_name: the words that say so.

    joint: it is another unit than the one that received the dossier, the holder of its late step.
    """

    code: str | None = None
    unit: str | None = None
    unit_name: str | None = None
    joint: bool = False


NOT_LOOKED_UP = Meant()


@dataclass(frozen=True)
class Directory:
    """The units as they are now.

    province: the top, whose head gets no single matters. oversight: told in its stead, and for a unit nobody knows.
    """

    units: Mapping[str, UnitDescribed]
    index: words.Directory
    province: str
    oversight: str

    def resolve(self, *, unit: str | None, unit_name: str | None) -> str | None:
        """Return the code of the responsible unit, or None; its name as the source writes it goes first."""
        return words.resolve(self.index, unit_name, unit)

    def meant(self, obligation: ObligationChanged, *, parent_name: str | None, at: datetime) -> Meant:
        """Return who must act at `at`: the unit itself, or of a late dossier the unit that holds its late step.

        parent_name: the name of the dossier's unit. A step is held by a room of that unit where the directory does not
            know its holder; the agency id alone may be that of the unit above.
        """
        unit, name = obligation.unit, obligation.unit_name
        if obligation.kind == "step" and parent_name and self.resolve(unit=None, unit_name=name) is None:
            name = parent_name
        own = Meant(self.resolve(unit=unit, unit_name=name), unit, name)
        turns_at = ladder.turns_at(obligation)
        if turns_at is None or at < turns_at:
            return own
        holder = self.resolve(unit=None, unit_name=obligation.holder)
        return own if holder in (None, own.code) else Meant(holder, None, obligation.holder, joint=True)

    def post(self, *, unit: str | None, unit_name: str | None, role: Role) -> str:
        """Return the unit whose head is told.

        unit, unit_name: as the obligation has them; where no unit is meant, the oversight's head is told.
        returns: the nearest unit at or above the one that `role` names whose head has an address; where none has,
            the one that `role` names, so that a notice is kept with its reason.
        """
        code = self.resolve(unit=unit, unit_name=unit_name)
        if code is None or code == self.province:
            code = self.oversight
        elif role == "superior":
            code = self._above(code) or code
        return next((above.code for above in self._upwards(code) if _reachable(above)), code)

    def contact(self, post: str) -> UnitDescribed | None:
        """Return the unit at or above `post` that mail reaches, or None."""
        return next((unit for unit in self._upwards(post) if _reachable(unit)), None)

    def _above(self, code: str) -> str | None:
        unit = self.units.get(code)
        above = unit.parent_code if unit else None
        if above in self.units and above != self.province:
            return above
        return self.oversight if code != self.oversight else None

    def _upwards(self, code: str) -> Iterator[UnitDescribed]:
        seen: set[str] = set()
        at: str | None = code
        while at and at not in seen:
            seen.add(at)
            if unit := self.units.get(at):
                yield unit
            at = self._above(at)


def directory(units: Iterable[UnitDescribed], *, province: str, oversight: str) -> Directory:
    """Return the directory of these units."""
    known = {unit.code: unit for unit in units}
    index = words.directory(words.Unit(u.code, u.name, u.aliases, u.active) for u in known.values())
    of_province, of_oversight = (index.get(words.normalised(code), code) for code in (province, oversight))
    return Directory(known, index, province=of_province, oversight=of_oversight)


def _reachable(unit: UnitDescribed) -> bool:
    return bool(unit.active and unit.email)
