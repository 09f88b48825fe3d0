"""Who heads a unit on a day: its head, who acts as head, who stands in for an absent one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal, NamedTuple

from shared.events import Holding, UnitDescribed

WhyHead = Literal["head", "acting", "stand_in", "deputy", "unit"]


class InCharge(NamedTuple):
    """Who heads a unit, and why: has the post, acts in it, stands in by name or as deputy; `unit`: no posts are given.

    email, phone: of the person, else the unit's own.
    """

    title: str
    name: str | None
    person: str | None
    email: str | None
    phone: str | None
    why: WhyHead


def in_charge(unit: UnitDescribed, *, on: date) -> InCharge | None:
    """Return who heads a unit on a day, or None where nobody does.

    Who is named to stand in goes first, then who acts as head, then the head; whoever is absent is passed over. Where
    all of these are absent the first deputy who is there heads the unit; a post that nobody has goes to no deputy: who
    fills it is for the unit above to say.
    """
    if not unit.posts:
        return InCharge(unit.head_title, unit.head_name, None, unit.email, unit.phone, "unit")
    now = [holding for holding in unit.posts if holds(holding, on)]
    away = [holding for holding in now if holding.kind == "absent"]
    heads = [holding for holding in now if holding.role == "head" and _is_somebody(holding)]
    there = [holding for holding in heads if not _is_among(holding, away)]
    if found := _first(there, "stand_in"):
        return _charge(found, unit, "stand_in")
    if found := _first(there, "acting"):
        return _charge(found, unit, "acting")
    if found := _first(there, "holder"):
        return _charge(found, unit, "head")
    deputies = (one for one in now if one.role == "deputy" and _is_somebody(one))
    deputy = next((one for one in deputies if not _is_among(one, away)), None) if heads else None
    return _charge(deputy, unit, "deputy") if deputy else None


def heads_of(unit: UnitDescribed, *, on: date) -> frozenset[str]:
    """Return the opaque ids of those who have or fill the post of a unit's head on a day, absent or there."""
    found = [holding.person for holding in unit.posts if holding.role == "head" and holds(holding, on)]
    charge = in_charge(unit, on=on)
    return frozenset(filter(None, [*found, charge.person if charge else None]))


def holds(holding: Holding, on: date) -> bool:
    """Return whether a row of posts is for a day."""
    return (holding.valid_from or date.min) <= on <= (holding.valid_until or date.max)


def _is_somebody(holding: Holding) -> bool:
    return bool(holding.person or holding.name)


def _is_among(holding: Holding, others: Iterable[Holding]) -> bool:
    """Return whether one of the others is of the same person: by the id, where one row has none by the name."""
    return any(
        holding.person == other.person if holding.person and other.person else holding.name == other.name
        for other in others
    )


def _first(holdings: Iterable[Holding], kind: str) -> Holding | None:
    """Return the one that began last: a record left open gives way to the newer one."""
    of_kind = [holding for holding in holdings if holding.kind == kind]
    return max(of_kind, key=lambda holding: holding.valid_from or date.min, default=None)


def _charge(holding: Holding, unit: UnitDescribed, why: WhyHead) -> InCharge:
    return InCharge(
        holding.title or unit.head_title,
        holding.name,
        holding.person,
        holding.email or unit.email,
        holding.phone or unit.phone,
        why,
    )
