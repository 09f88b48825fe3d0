"""Whose head answers for an obligation, and where mail reaches that head. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Literal, NamedTuple

from services.notify.addressing.desks import OFFICER, desks
from services.notify.policies import ladder
from services.notify.policies.policy import Role
from shared import directory as words
from shared.directory import ENDLESS
from shared.events import ObligationChanged, UnitDescribed
from shared.heads import InCharge, heads_of, in_charge


class Meant(NamedTuple):
    """Who must act. code: of the unit, None where unknown or not looked up. unit, unit_name: the words that say so.

    joint: it is another unit than the one that received the dossier, the holder of its late step.
    """

    code: str | None = None
    unit: str | None = None
    unit_name: str | None = None
    joint: bool = False


NOT_LOOKED_UP = Meant()
OFFICER_TITLE = "Công chức phụ trách"
NOBODY = "-"  # the post of what must not be told to anybody who could be; it names no unit


class Fault(NamedTuple):
    """Why a unit was passed over on the way up: nobody heads it, mail reaches nobody there, it is above itself."""

    kind: Literal["no_head", "no_contact", "loop"]
    unit: str


class Way(NamedTuple):
    """Where the way up from a unit ends. post: the unit whose head is told, None where nobody is reached."""

    post: str | None
    faults: tuple[Fault, ...]


class Addressed(NamedTuple):
    """Whose head is told. faults: why not another's, for the operator.

    post: the desk of that head, who may head other units too. own: the post itself.
    """

    post: str
    faults: tuple[Fault, ...]
    own: str


@dataclass(frozen=True)
class Directory:
    """The units as they are on a day.

    province: the top, whose head gets no single matters. oversight: told in its stead, and for a unit nobody knows.
    on: the day, on which successors and heads are looked up.
    """

    units: Mapping[str, UnitDescribed]
    index: words.Directory
    province: str
    oversight: str
    on: str = ENDLESS

    def resolve(self, *, unit: str | None, unit_name: str | None) -> str | None:
        """Return the code of the responsible unit, or None; its name as the source writes it goes first."""
        return words.resolve(self.index, unit_name, unit, on=self.on)

    def meant(self, obligation: ObligationChanged, *, parent_name: str | None, at: datetime) -> Meant:
        """Return who must act at `at`: the unit itself, or of a late dossier the unit that holds its late step.

        What deadline found, from all words of the matter, goes first; where it found none the words speak.

        parent_name: the name of the dossier's unit. A step is held by a room of that unit where the directory does not
            know its holder; the agency id alone may be that of the unit above.
        """
        unit, name = obligation.unit, obligation.unit_name
        if obligation.unit_code:
            unit, name = obligation.unit_code, None
        elif obligation.kind == "step" and parent_name and self.resolve(unit=None, unit_name=name) is None:
            name = parent_name
        own = Meant(self.resolve(unit=unit, unit_name=name), unit, name)
        turns_at = ladder.turns_at(obligation)
        if turns_at is None or at < turns_at:
            return own
        holder = self.resolve(unit=None, unit_name=obligation.holder)
        return own if holder in (None, own.code) else Meant(holder, None, obligation.holder, joint=True)

    def addressed(
        self, *, unit: str | None, unit_name: str | None, role: Role, restricted: Set[str] = frozenset()
    ) -> Addressed:
        """Return the unit whose head is told, and what was at fault on the way to it.

        unit, unit_name: as the obligation has them; where no unit is meant, the oversight's head is told. role: an
            officer's post lies below the unit's, whose head is told where the directory has none. restricted: who must
            not be told of it (`is_accused`); the unit above is told in their stead.
        returns: the nearest unit at or above the one that `role` names whose head has an address; where none has,
            the one that `role` names, so that a notice is kept with its reason. Of several units of which nothing
            singles one out it is the unit above them all.
        """
        code = self.named(unit=unit, unit_name=unit_name, role=role)
        post, faults = self.way(code, restricted=restricted)
        if post is None and restricted:
            return Addressed(NOBODY, faults[:-1], NOBODY)
        return Addressed(self.desk(post or code), faults, post or code)

    @cached_property
    def desks(self) -> Mapping[str, str]:
        """Of units whose head on the day heads others too: the one of these that has all notices of that person.

        The province's is none: its head gets no single matters.
        """
        heads = {code: head for code, unit in self.units.items() if code != self.province and (head := self.head(unit))}
        return desks({code: head for code, head in heads.items() if head.email})

    @cached_property
    def _of_desk(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for code, desk in self.desks.items():
            found[desk] = (*found.get(desk, ()), code)
        return found

    def desk(self, post: str) -> str:
        """Return the post that has the notices for the head of a post's unit."""
        return self.desks.get(post, post)

    def at_desk(self, post: str) -> tuple[str, ...]:
        """Return the units of which all is told at the desk of a post's head."""
        return self._of_desk.get(self.desk(post), (post,))

    def others(self, post: str) -> int:
        """Return how many units the head of a post's unit heads beside it."""
        return len(self.at_desk(post)) - 1

    def is_headed(self, post: str) -> bool:
        """Return whether the head of a post's unit itself is reached."""
        unit = self.units.get(post)
        return unit is not None and self.fault(unit) is None

    def named(self, *, unit: str | None, unit_name: str | None, role: Role) -> str:
        """Return the unit that a role names, whether its head can be told or not."""
        code = self.resolve(unit=unit, unit_name=unit_name)
        if code is None:
            code = self._above_all(unit=unit, unit_name=unit_name)
        if code is None or code == self.province or role == "oversight":
            return self.oversight
        if role == "officer" and code + OFFICER in self.units:
            return code + OFFICER
        return (self._above(code) or code) if role == "superior" else code

    def contact(self, post: str) -> UnitDescribed | None:
        """Return the unit at or above `post` that mail reaches, with who heads it on the day, or None."""
        reached = self.units.get(self.way(post).post or "")
        head = self.head(reached) if reached else None
        if reached is None or head is None:
            return None
        found = {"head_title": head.title, "head_name": head.name, "email": head.email, "phone": head.phone}
        return reached.model_copy(update=found)

    def may_read(self, post: str, restricted: Set[str]) -> bool:
        """Return whether what goes to a post reaches none of those who must not be told."""
        reached = self.units.get(self.way(post).post or "")
        return reached is None or not self.is_accused(reached, restricted)

    def is_accused(self, unit: UnitDescribed, restricted: Set[str]) -> bool:
        """Return whether who heads a unit must not be told, whoever stands in for them today, there or where they head.

        restricted: opaque ids of persons as posts have them, or codes of units of which no posts are given.
        """
        return bool(restricted) and any(
            self._is_of_accused(self.units[code], restricted) for code in {unit.code, *self.at_desk(unit.code)}
        )

    def _is_of_accused(self, unit: UnitDescribed, restricted: Set[str]) -> bool:
        above = self.units.get(unit.code.removesuffix(OFFICER), unit)  # an officer works for who heads the unit
        heads = {of for one in (unit, above) for of in heads_of(one, on=date.fromisoformat(self.on))}
        return not restricted.isdisjoint({unit.code, above.code, *heads})

    def head(self, unit: UnitDescribed) -> InCharge | None:
        """Return who heads a unit on the day; None where nobody does, or it is not in force."""
        over = unit.valid_until and unit.valid_until.isoformat() < self.on
        return in_charge(unit, on=date.fromisoformat(self.on)) if unit.active and not over else None

    def way(self, code: str, *, restricted: Set[str] = frozenset()) -> Way:
        """Return the nearest unit at or above one whose head can be told, and what is at fault below it.

        A unit that gave way to another is no fault. A ring leads to the oversight. No unit is seen twice: it ends.
        """
        if code == NOBODY:
            return Way(None, ())
        faults: list[Fault] = []
        seen: set[str] = set()
        at: str | None = code
        while at:
            if at in seen:
                faults.append(Fault("loop", at))
                at = self.oversight if self.oversight not in seen else None
                continue
            seen.add(at)
            following = self._successor(at)
            if (unit := self.units.get(at)) and not self.is_accused(unit, restricted):
                fault = self.fault(unit)
                if fault is None:
                    return Way(at, tuple(faults))
                if following is None:
                    faults.append(fault)
            at = following or self._above(at)
        return Way(None, (*faults, Fault("no_contact", self.oversight)))

    def stands(self, fault: Fault) -> bool:
        """Return whether a fault is there still, on the day."""
        if fault == Fault("no_contact", self.oversight) and self.way(self.oversight).post is None:
            return True
        if fault.kind != "loop":
            unit = self.units.get(fault.unit)
            return unit is not None and self._successor(fault.unit) is None and self.fault(unit) == fault
        seen: set[str] = set()
        at = self._successor(fault.unit) or self._above(fault.unit)
        while at and at != fault.unit and at not in seen:
            seen.add(at)
            at = self._successor(at) or self._above(at)
        return at == fault.unit

    def _successor(self, code: str) -> str | None:
        """Return the one unit that stands for another on the day."""
        stand = self.index.successors(code, on=self.on)
        return stand[0] if len(stand) == 1 and stand[0] != code else None

    def heir(self, post: str) -> str | None:
        """Return the unit that stands for a post's on the day, None where it gave way to no single one."""
        seen = {post}
        found = self._successor(post)
        while found and found not in seen and (following := self._successor(found)):
            seen.add(found)
            found = following
        return found

    def fault(self, unit: UnitDescribed) -> Fault | None:
        """Return why the head of a unit itself cannot be told, or None."""
        head = self.head(unit)
        if head is None:
            return Fault("no_head", unit.code)
        return None if head.email else Fault("no_contact", unit.code)

    def _above_all(self, *, unit: str | None, unit_name: str | None) -> str | None:
        """Return the nearest unit above all that two words may mean, None where they mean none or nothing is above."""
        named = tuple(word for word in (unit_name, unit) if word)
        meaning = self.index.meaning(words.Words(named, said_on=self.on), on=self.on)
        lines = [self._line(code) for code in meaning.candidates]
        return next((code for code in lines[0] if all(code in line for line in lines)), None) if lines else None

    def _line(self, code: str) -> list[str]:
        """Return the codes of the units above one, the nearest first."""
        found: list[str] = []
        at = self.units.get(code)
        while at and (above := self.units.get(at.parent_code or "")) and above.code not in found:
            found.append(above.code)
            at = above
        return found

    def _above(self, code: str) -> str | None:
        unit = self.units.get(code)
        above = unit.parent_code if unit else None
        if above in self.units and above != self.province:
            return above
        return self.oversight if code != self.oversight else None


def directory(units: Iterable[UnitDescribed], *, province: str, oversight: str, on: str = ENDLESS) -> Directory:
    """Return the directory of these units on a day."""
    known = {unit.code: unit for unit in units}
    index = words.directory(words.unit_of(unit.model_dump(mode="json")) for unit in known.values())
    of_province, of_oversight = (words.resolve(index, None, code, on=on) or code for code in (province, oversight))
    officers = {post.code: post for unit in known.values() if (post := _officer_of(unit))}
    return Directory(known | officers, index, province=of_province, oversight=of_oversight, on=on)


def _officer_of(unit: UnitDescribed) -> UnitDescribed | None:
    """Return the post of who works on a unit's matters, as a unit below it: its officers, else its deputies, if any.

    A deputy stands in for an absent officer; the contacts of the unit itself are its head's alone.
    """
    of = next((role for role in ("officer", "deputy") if any(one.role == role for one in unit.posts)), None)
    if of is None:
        return None
    mine = [one for one in unit.posts if one.kind == "absent" or one.role in (of, "deputy")]
    posts = tuple(one.model_copy(update={"role": "head"}) if one.role == of else one for one in mine)
    changes = {"code": unit.code + OFFICER, "parent_code": unit.code, "posts": posts, "head_title": OFFICER_TITLE}
    return unit.model_copy(update={**changes, "head_name": None, "email": None, "phone": None, "successors": ()})
