"""Whose dossier it is, and when that unit is open. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.intake.calendars import PROVINCE, check
from services.intake.quality.rules import Code, Dossier
from shared.codes import agency_of
from shared.directory import Directory, Words, directory, resolve, unit_of
from shared.unit_words import normalised
from shared.worktime import WorkCalendar, vietnam

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Offices:
    """The units as words name them, and the calendars of those that have one of their own.

    today: words mean what they meant when they were said; a unit that is no more gives way to its successors of today,
    who can mend what is flagged.
    """

    units: Directory
    calendars: Mapping[str, WorkCalendar]
    province: WorkCalendar
    today: str

    def unit_of(self, dossier: Dossier) -> str:
        """Return the unit of a dossier: its code in the directory, else the agency id, else `unknown`.

        The agency at the head of its code goes before the sender's, who may tell of the whole province.
        """
        about, named_by = dossier.about, dossier.named_by
        name, agency = about.get("unit_name"), agency_of(dossier.key) or about.get("agency")
        named = tuple(word for word in (name, agency) if word)
        source, said_on = (named_by["source"], named_by["as_of"]) if named_by else (None, dossier.heard)
        meant = self.units.meaning(Words(named, source, said_on[:10]), on=self.today).code
        return meant or agency or UNKNOWN

    def unit_of_agency(self, code: Code) -> str:
        """Return the unit of an agency as of the day in a code."""
        meant = self.units.meaning(Words((code.agency,), said_on=code.day.isoformat()), on=self.today).code
        return meant or normalised(code.agency)

    def calendar_of(self, unit: str) -> WorkCalendar:
        return self.calendars.get(unit, self.province)


def offices(units: Iterable[Mapping[str, Any]], calendars: Iterable[Mapping[str, Any]], *, today: date) -> Offices:
    """Return what the directory and the calendars, as they are kept, say."""
    known, on = directory(unit_of(unit) for unit in units), today.isoformat()
    kept = list(calendars)
    made = check(kept)
    own = {
        resolve(known, word, word, on=on) or normalised(word): made[one["name"]]
        for one in kept
        for word in one["units"]
    }
    return Offices(known, own, made.get(PROVINCE) or vietnam(), on)
