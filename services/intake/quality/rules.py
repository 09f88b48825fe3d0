"""What of a dossier, and of a unit's numbers of one day, is missing or cannot be so. Pure.

A code's date and number are read here alone: as evidence of quality, never for a due date.
source: TT 01/2018/TT-VPCP - a code is the agency, the date of reception and the number of that day, from 0001.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from shared.events import Fact
from shared.worktime import CalendarEndsError, WorkCalendar, next_opening, working_days_after

Flag = Literal[
    "not_in_one_stop",  # a mirror tells of it and no one-stop system does
    "not_on_portal",  # the reverse
    "no_slip",
    "no_due_date",
    "numbers_missing",  # in the sequence of a unit's day
    "completed_without_acceptance",
    "received_outside_hours",
]
COMPLETED, NOT_RECEIVED = (9, 10), (3, 7, 8)  # statuses; of the latter a dossier may end without acceptance
OF_SYSTEMS = ("about", "filed", "accepted", "standing")  # a letter or a pause may be told by who holds no dossiers
DAILY_DIGITS = 4
DENSE = 0.8  # of longer numbers so many between the lowest and the highest of a day must be there: else no day's own
DENSE_AT_LEAST = 10
RANGES_AT_MOST = 50  # of an evidence
SURELY_RIPE = timedelta(days=30)  # longer than any days off in a row
_CODE = re.compile(r"((?:\d{3}\.\d{2}\.\d{2}\.)?[A-Z]\d{2}(?:\.\d{1,3})*)-(\d{6}|\d{8})-(\d{4,8})")


class Code(NamedTuple):
    """A dossier's code, taken apart. agency: as written. prefix: all before the number."""

    agency: str
    day: date
    number: int
    digits: int
    prefix: str


class Flagged(NamedTuple):
    """One flag. day: of the reception, as far as known. amount: what it counts for. evidence: without personal data."""

    flag: Flag
    day: date
    amount: int
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """What is a setting. grace_days: working days a source has to complete what it says.

    tolerance: around the opening hours. mirrored: a mirror is registered, so a dossier must be there too.
    """

    grace_days: int
    tolerance: timedelta
    mirrored: bool


def code_of(key: str) -> Code | None:
    """Return the parts of a dossier's code, None where it has another shape."""
    match = _CODE.fullmatch(key)
    if match is None:
        return None
    agency, written, number = match.groups()
    try:
        day = date.fromisoformat(written if len(written) == 8 else f"20{written}")
    except ValueError:
        return None
    return Code(agency, day, int(number), len(number), f"{agency}-{written}")


def missing_numbers(codes: Iterable[Code]) -> Flagged | None:
    """Return which numbers of one unit's day are missing, None where all are there.

    codes: of one prefix. Four digits begin at 1 each day. Longer ones, as in the codes since 2026, are mostly no unit's
    own: they count only where nearly all between the lowest and the highest are there.
    """
    by_digits: dict[int, set[int]] = {}
    day = date.min
    for code in codes:
        by_digits.setdefault(code.digits, set()).add(code.number)
        day = code.day
    ranges: list[tuple[int, int]] = []
    for digits, numbers in by_digits.items():
        if digits == DAILY_DIGITS:
            ranges += _gaps(sorted({0, *numbers}))
        elif len(numbers) >= max(DENSE_AT_LEAST, DENSE * (max(numbers) - min(numbers) + 1)):
            ranges += _gaps(sorted(numbers))
    if not ranges:
        return None
    amount = sum(last - first + 1 for first, last in ranges)
    told = [str(first) if first == last else f"{first}-{last}" for first, last in ranges[:RANGES_AT_MOST]]
    known = sum(map(len, by_digits.values()))
    highest = max(max(numbers) for numbers in by_digits.values())
    evidence = {"missing": told, "known": known, "highest": highest, "cut": len(ranges) > RANGES_AT_MOST}
    return Flagged("numbers_missing", day, amount, evidence)


def _gaps(numbers: Sequence[int]) -> list[tuple[int, int]]:
    return [(one + 1, other - 1) for one, other in pairwise(numbers) if other - one > 1]


def _age(fact: Fact) -> tuple[str, int, str, str]:
    return fact["as_of"], fact["rank"], fact["heard"], fact["id"]


@dataclass(frozen=True, slots=True)
class Dossier:
    """What is known of a dossier, as far as it matters here."""

    key: str
    facts: Sequence[Fact]

    def newest(self, slot: str) -> Fact | None:
        """Return the newest fact of a slot, in the order that the fold of due dates goes by."""
        return max((fact for fact in self.facts if fact["slot"] == slot), key=_age, default=None)

    def has(self, slot: str) -> bool:
        return any(fact["slot"] == slot for fact in self.facts)

    @property
    def about(self) -> dict[str, Any]:
        """What it is about: an empty member says nothing, the newest that is filled counts."""
        known: dict[str, Any] = {}
        for fact in sorted((fact for fact in self.facts if fact["slot"] == "about"), key=_age):
            known |= {name: value for name, value in fact["value"].items() if value}
        return known

    @property
    def named_by(self) -> Fact | None:
        """Return the newest fact that names its unit."""
        facts = (fact for fact in self.facts if fact["slot"] == "about" and fact["value"].get("unit_name"))
        return max(facts, key=_age, default=None)

    @property
    def day(self) -> date:
        """The date of reception: as said, else as in the code, else when it was first heard of."""
        accepted, code = self.newest("accepted"), code_of(self.key)
        if accepted is None and code:
            return code.day
        return date.fromisoformat((accepted["value"] if accepted else self.heard)[:10])

    @property
    def heard(self) -> str:
        return min(fact["heard"] for fact in self.facts)


def flags_of(
    dossier: Dossier, *, calendar: WorkCalendar, now: datetime, terms: Terms, giving_slips: frozenset[str]
) -> list[Flagged]:
    """Return what is flagged of a dossier.

    calendar: of its unit. now: what was heard less than the grace before is not judged yet. giving_slips: the sources
    that tell of slips at all.
    """
    ripe = _is_ripe(datetime.fromisoformat(dossier.heard), calendar=calendar, now=now, days=terms.grace_days)
    found = [_outside_hours(dossier, calendar=calendar, tolerance=terms.tolerance)]
    if ripe:
        found += [_one_side_only(dossier, mirrored=terms.mirrored), _never_accepted(dossier)]
        found += _incomplete(dossier, giving_slips)
    return [one for one in found if one]


def _is_ripe(heard: datetime, *, calendar: WorkCalendar, now: datetime, days: int) -> bool:
    if not days or now - heard > SURELY_RIPE:
        return True
    try:
        return working_days_after(calendar, start=heard, days=days) <= now
    except CalendarEndsError:
        return now - heard > timedelta(days=days)


def _one_side_only(dossier: Dossier, *, mirrored: bool) -> Flagged | None:
    told = [fact for fact in dossier.facts if fact["slot"] in OF_SYSTEMS]
    mirrors = {fact["source"] for fact in told if fact.get("mirror")}
    others = {fact["source"] for fact in told if not fact.get("mirror")}
    evidence = {"heard": dossier.heard, "sources": sorted(mirrors | others)}
    if mirrors and not others:
        return Flagged("not_in_one_stop", dossier.day, 1, evidence)
    if not mirrors and mirrored and dossier.has("accepted"):
        return Flagged("not_on_portal", dossier.day, 1, evidence)
    return None


def _incomplete(dossier: Dossier, giving_slips: frozenset[str]) -> list[Flagged]:
    accepted = dossier.newest("accepted")
    if accepted is None:
        return []
    evidence = {"accepted": accepted["value"], "source": accepted["source"]}
    found = []
    if not dossier.has("due"):
        found.append(Flagged("no_due_date", dossier.day, 1, evidence))
    if accepted["source"] in giving_slips and not dossier.has("slip"):
        found.append(Flagged("no_slip", dossier.day, 1, evidence))
    return found


def _never_accepted(dossier: Dossier) -> Flagged | None:
    standing = dossier.newest("standing")
    if standing is None or dossier.has("accepted"):
        return None
    status, ended = standing["value"].get("status"), standing["value"].get("ended")
    if status in COMPLETED or (ended and status not in NOT_RECEIVED):
        evidence = {"status": status, "ended": ended, "source": standing["source"]}
        return Flagged("completed_without_acceptance", dossier.day, 1, evidence)
    return None


def _outside_hours(dossier: Dossier, *, calendar: WorkCalendar, tolerance: timedelta) -> Flagged | None:
    """An acceptance at the counter while it is closed. Midnight is a date without its time, and says nothing."""
    accepted = dossier.newest("accepted")
    if accepted is None or dossier.has("filed") or dossier.about.get("channel") in ("online", "post"):
        return None
    at = datetime.fromisoformat(accepted["value"])
    if accepted["value"][11:19] == "00:00:00":
        return None
    try:
        if any(next_opening(calendar, at=moment) == moment for moment in (at, at - tolerance, at + tolerance)):
            return None
    except CalendarEndsError:
        return None
    return Flagged(
        "received_outside_hours", dossier.day, 1, {"accepted": accepted["value"], "source": accepted["source"]}
    )


def count_slips(dossiers: Iterable[Dossier], counted: dict[str, list[int]]) -> None:
    """Add dossiers to the counts by source: how many it accepted, how many of these with a slip."""
    for dossier in dossiers:
        if fact := dossier.newest("accepted"):
            of = counted.setdefault(fact["source"], [0, 0])
            of[0] += 1
            of[1] += dossier.has("slip")


def giving_slips(counted: Mapping[str, Sequence[int]]) -> frozenset[str]:
    """Return the sources that give a slip with at least half of the dossiers they accept."""
    return frozenset(source for source, (accepted, slips) in counted.items() if slips and 2 * slips >= accepted)
