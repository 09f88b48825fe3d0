"""Whether a feedback is one that a rule is for. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from services.complaints.rules.accused import Matter
from services.complaints.rules.routes import When
from services.complaints.rules.units import Units, above
from shared.codes import national_procedure


def fits(when: When, matter: Matter, units: Units) -> bool:
    """Return whether all that is given holds. Units are compared as they stand on the day: successors count."""
    return (
        (not when.kind or matter.kind in when.kind)
        and (not when.field or matter.field in when.field)
        and (not when.category or not set(when.category).isdisjoint(matter.categories))
        and (when.accuses is None or when.accuses == matter.accuses)
        and (when.instance is None or when.instance == matter.instance)
        and (not when.procedure or _begins(matter.procedure, when.procedure))
        and (not when.unit_kind or _kind(matter, units) in when.unit_kind)
        and (not when.named_unit or _is_one(matter.unit, when.named_unit, units, on=matter.on))
        and (not when.dossier_unit or _is_one(matter.dossier_unit, when.dossier_unit, units, on=matter.on))
        and (not when.place or _lies_in(matter.place_unit, when.place, units, on=matter.on))
    )


def _begins(procedure: str | None, beginnings: Iterable[str]) -> bool:
    return procedure is not None and national_procedure(procedure).startswith(tuple(beginnings))


def _kind(matter: Matter, units: Units) -> str | None:
    several = units.stand(matter.unit, on=matter.on) if matter.unit else ()
    return units.kind(several[0]) if len(several) == 1 else None


def _is_one(code: str | None, listed: Iterable[str], units: Units, *, on: date) -> bool:
    if code is None:
        return False
    mine = {code, *units.stand(code, on=on)}
    return any(not mine.isdisjoint((one, *units.stand(one, on=on))) for one in listed)


def _lies_in(code: str | None, places: Iterable[str], units: Units, *, on: date) -> bool:
    """Return whether a place is one of those listed by code or name, or a part of one."""
    if code is None:
        return False
    mine = {code, *units.stand(code, on=on), *above(units, code, on=on)}
    meant = (one for word in places for one in (word, units.resolve(word, on=on)) if one)
    return any(not mine.isdisjoint((one, *units.stand(one, on=on))) for one in meant)
