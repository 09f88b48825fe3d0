"""Absences that heads told by their link: laid over the directory until it says something of that unit itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import Holding, UnitDescribed
from shared.heads import in_charge

DDL = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.own_absence (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        unit text NOT NULL,
        unit_revision bigint NOT NULL,
        away text NOT NULL,
        deputy text NOT NULL,
        since_on date NOT NULL,
        until_on date NOT NULL,
        told_at timestamptz NOT NULL,
        withdrawn_at timestamptz
    )
    """,  # away, deputy: posts of the unit, of who is away and who stands in; both days included
    "CREATE UNIQUE INDEX IF NOT EXISTS own_absence_standing ON {schema}.own_absence (unit) WHERE withdrawn_at IS NULL",
)


@dataclass(frozen=True, slots=True)
class Absence:
    """unit_revision: of the directory when it was told; a later one ends it. since, until: both included.

    told_on: the day it was told: who held the posts `away` and `deputy` then is meant.
    """

    unit: str
    unit_revision: int
    away: str
    deputy: str
    since: date
    until: date
    told_on: date


def heading(unit: UnitDescribed, *, on: date) -> Holding | None:
    """Return the post of who heads a unit on a day, None where no posts are given or nobody heads it."""
    found = in_charge(unit, on=on)
    if found is None or found.why == "unit":
        return None
    return next((h for h in unit.posts if _is_held(h, on) and (h.person, h.name) == (found.person, found.name)), None)


def deputies(unit: UnitDescribed, *, on: date) -> list[Holding]:
    """Return who of a unit may stand in for its head on a day, deputies first; nobody who is away."""
    head = heading(unit, on=on)
    if head is None:
        return []
    away = {(h.person, h.name) for h in unit.posts if h.kind == "absent" and _holds(h, on)}
    away.add((head.person, head.name))
    found = {h.post: h for h in unit.posts if _is_held(h, on) and (h.person, h.name) not in away}
    return sorted(found.values(), key=lambda holding: (holding.role != "deputy", holding.post))


def is_own_mail(unit: UnitDescribed, *, recipient: str, why: Collection[str], on: date) -> bool:
    """Return whether a mail went to who heads a unit by the directory, and to nobody in that person's stead.

    recipient: of the mail. why: its reasons; they tell the head from a stand-in where both have one address.
    """
    charge, head = in_charge(unit, on=on), heading(unit, on=on)
    if charge is None or head is None or charge.why in ("stand_in", "deputy"):
        return False
    own = _plain(charge.email)
    if not own or own != _plain(recipient):
        return False
    return "stand_in" not in why or all(_plain(one.email or unit.email) != own for one in deputies(unit, on=on))


def _plain(address: str | None) -> str:
    return (address or "").strip().casefold()


def laid_over(units: Iterable[UnitDescribed], told: Mapping[str, Absence]) -> Iterable[UnitDescribed]:
    """Yield the units with what their heads told of themselves, where the directory has said nothing since."""
    for unit in units:
        absence = told.get(unit.code)
        yield _laid_over(unit, absence) if absence and absence.unit_revision == unit.revision else unit


def _laid_over(unit: UnitDescribed, absence: Absence) -> UnitDescribed:
    days: dict[str, Any] = {"valid_from": absence.since, "valid_until": absence.until}
    held = [h for h in unit.posts if _is_held(h, absence.told_on)]
    away = [h.model_copy(update={"kind": "absent", **days}) for h in held if h.post == absence.away]
    standing_in = {"kind": "stand_in", "role": "head", **days}
    deputy = [h.model_copy(update=standing_in) for h in held if h.post == absence.deputy][:1]
    return unit.model_copy(update={"posts": (*unit.posts, *away, *deputy)})


def _is_held(holding: Holding, on: date) -> bool:
    return holding.kind != "absent" and bool(holding.person or holding.name) and _holds(holding, on)


def _holds(holding: Holding, on: date) -> bool:
    return (holding.valid_from or date.min) <= on <= (holding.valid_until or date.max)


async def standing(connection: AsyncConnection) -> tuple[int, dict[str, Absence]]:
    """Return the absences that were not withdrawn, by unit, and a number that differs for each state of them."""
    rows = await connection.execute(
        text(
            "SELECT unit, unit_revision, away, deputy, since_on, until_on, "
            "CAST(told_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS date), id "
            "FROM notify.own_absence WHERE withdrawn_at IS NULL ORDER BY id"
        )
    )
    found = rows.all()
    return hash(tuple(row.id for row in found)), {row.unit: Absence(*row[:-1]) for row in found}


async def find_unit(connection: AsyncConnection, code: str, *, lock: bool = False) -> UnitDescribed | None:
    """Return a unit as the directory has it, nothing laid over. lock: others who tell of the same unit wait."""
    rows = await connection.execute(
        text(f"SELECT doc FROM notify.unit WHERE code = :code {'FOR UPDATE' if lock else ''}"), {"code": code}
    )
    doc = rows.scalar_one_or_none()
    return UnitDescribed.model_validate(doc) if doc else None


async def put(connection: AsyncConnection, absence: Absence, *, at: datetime) -> None:
    """Let an absence stand in place of the one told before for that unit, which is locked."""
    await withdraw(connection, [absence.unit], at=at)
    await connection.execute(
        text(
            "INSERT INTO notify.own_absence (unit, unit_revision, away, deputy, since_on, until_on, told_at) "
            "VALUES (:unit, :revision, :away, :deputy, :since, :until, :at)"
        ),
        {
            "unit": absence.unit,
            "revision": absence.unit_revision,
            "away": absence.away,
            "deputy": absence.deputy,
            "since": absence.since,
            "until": absence.until,
            "at": at,
        },
    )


async def withdraw(connection: AsyncConnection, units: Sequence[str], *, at: datetime) -> None:
    """Let the absences of units count no more."""
    await connection.execute(
        text("UPDATE notify.own_absence SET withdrawn_at = :at WHERE unit = ANY(:units) AND withdrawn_at IS NULL"),
        {"units": list(units), "at": at},
    )
