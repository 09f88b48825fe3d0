"""Letters of apology: how many, whether in time, and what they do not cure. Pure.

law: NĐ 61/2018/NĐ-CP Đ.19 - sent before the due date, one day at the latest; a new date is given once. The form is 04
of TT 03/2025/TT-VPCP. The national index (QĐ 766/QĐ-TTg) does not know apologies: the first due date is kept beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

from shared.events import Why
from shared.worktime import CalendarEndsError, WorkCalendar, working_days_from


class Apology(NamedTuple):
    """A letter that proposes a later date. before: the date it speaks of, where it says so."""

    issued: str
    before: str | None
    after: str


class Announcement(NamedTuple):
    """A due time that a source gave out, since when that is known, and what for where it says so."""

    as_of: str
    due_at: str
    because: Why | None = None


def flags(
    letters: Sequence[Apology], announced: Sequence[Announcement], *, ended_at: str | None, calendar: WorkCalendar
) -> Iterator[str]:
    """Yield what is to be said of the letters of one matter.

    `apology_repeated`: more than one. `apology_late`: one came less than a working day before the date that then
    stood. `late_by_first_due`: it ended after the date that stood before the first letter.
    """
    if len(letters) > 1:
        yield "apology_repeated"
    for number, letter in enumerate(letters):
        stood = stood_before(letter, announced)
        if stood and not in_time(letter, stood, calendar=calendar):
            yield "apology_late"
        if stood and not number and ended_at and ended_at[:19] > stood[:19]:
            yield "late_by_first_due"


def stood_before(letter: Apology, announced: Sequence[Announcement]) -> str | None:
    """Return the due time that stood when a letter was issued, None where none is known."""
    if letter.before:
        return letter.before
    known = [told.due_at for told in announced if told.as_of < letter.issued and told.due_at != letter.after]
    return known[-1] if known else None


def in_time(letter: Apology, stood: str, *, calendar: WorkCalendar) -> bool:
    """Say whether a letter was issued on the working day before the due date or earlier; in doubt it was."""
    try:
        last = working_days_from(calendar, due=datetime.fromisoformat(stood), days=-1).date()
    except CalendarEndsError:
        return True
    return date.fromisoformat(letter.issued[:10]) <= last
