"""Who is accused in a feedback, which units must not get it for that, and who must not read of it. Pure.

law: Luật Tố cáo 2018 - a denunciation is settled above the denounced, who never learns who denounced them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from services.complaints.rules.policy import FeedbackPolicy
from services.complaints.rules.units import Units, line
from shared.events import FeedbackKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What a feedback is about, as routing sees it; never its text or its sender.

    unit: code of the unit that it names. accused_units: codes of units whose head or whole is accused; of a
    denunciation all units named are. accused_persons: opaque ids, as posts have them. dossier_unit: code of who holds
    its dossier now. place_unit: code of the unit of the place. on: the day in the province. instance: of a complaint.
    """

    kind: FeedbackKind
    on: date
    field: str | None = None
    categories: tuple[str, ...] = ()
    unit: str | None = None
    accused_units: tuple[str, ...] = ()
    accused_persons: tuple[str, ...] = ()
    dossier_unit: str | None = None
    procedure: str | None = None
    place_unit: str | None = None
    instance: int = 1

    @property
    def accuses(self) -> bool:
        return bool(self.accused_units or self.accused_persons) or self.kind == "denunciation"


@dataclass(frozen=True, slots=True)
class Accused:
    """units: where the accused are. commanded: those of them whose subordinates are barred too. persons: all of them.

    staff: units of accused who neither head nor deputise there, where their own head may deal with it. not_to: who must
    not be told: opaque ids, and the codes of accused units.
    """

    units: tuple[str, ...]
    staff: tuple[str, ...]
    commanded: frozenset[str]
    persons: frozenset[str]
    not_to: tuple[str, ...]

    def bars(self, code: str, units: Units, *, on: date) -> bool:
        """Return whether a unit must not have it: it is accused, an accused leads it, or it works under one."""
        if code in self.units:
            return True
        up = line(units, code, on=on)
        return any(not self.commanded.isdisjoint((at, *standing)) for at, standing in up)


def accused_of(matter: Matter, policy: FeedbackPolicy, units: Units) -> Accused:
    """Return who is accused.

    An accused unit stands for its head, and for whoever follows it; the other units of an accused person are barred
    with theirs. Without anybody accused in a denunciation it is the unit that holds the dossier.
    """
    named = list(matter.accused_units)
    if matter.kind == "denunciation":
        named += [matter.unit] if matter.unit else []
        if not named and not matter.accused_persons and matter.dossier_unit:
            named.append(matter.dossier_unit)
    whole = _with_successors(named, units, on=matter.on)
    heads = {person for code in whole for person in units.heads(code, on=matter.on)}
    persons = frozenset(heads | set(matter.accused_persons))
    posts = [post for person in sorted(persons) for post in units.posts(person, on=matter.on).items()]
    led = _with_successors([code for code, leads in posts if leads], units, on=matter.on)
    staff = (post for person in matter.accused_persons for post in units.posts(person, on=matter.on).items())
    works = [code for code, leads in staff if not leads]
    barred = dict.fromkeys((*whole, *led, *(works if policy.staff_accused == "superior" else ())))
    return Accused(
        units=tuple(barred),
        staff=tuple(code for code in dict.fromkeys(works) if code not in barred),
        commanded=frozenset((*whole, *led)),
        persons=persons,
        not_to=tuple(sorted({*persons, *whole})),
    )


def _with_successors(codes: Iterable[str], units: Units, *, on: date) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for code in codes for one in (code, *units.stand(code, on=on))))
