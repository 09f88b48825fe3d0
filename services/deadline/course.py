"""The course of one matter, whatever its kind, and the obligation it makes. Pure.

Every kind of matter is first folded into a `Course` (dossier.py, answer.py); due times, lateness and state are worked
out here, once for all. Instants are ISO 8601 at +07:00, so that their text order is their order in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from services.deadline import apologies, local_software
from services.deadline.apologies import Announcement, Apology
from services.deadline.corrections import Corrected
from services.deadline.limits import Limit, due_after
from shared import worktime
from shared.events import Channel, DueFrom, End, Kind, Obligation, State, Timing
from shared.instants import canonical
from shared.worktime import CalendarEndsError, WorkCalendar, crosses_provisional, open_seconds, open_time_after
from shared.worktime.limits import Effect


class Pause(NamedTuple):
    """A half-open span in which the clock stands; `until` None: it still stands. effect: `reset` starts it anew."""

    since: str
    until: str | None
    effect: Effect = "suspend"


@dataclass(slots=True)
class Course:
    """What happened in one matter, in order, without repeats.

    part: tells steps and pauses of one dossier apart. parent: the obligation that it is a part of. near: how long
    before the due time it is due soon, where that is not as usual. unit, unit_name: the words for who must act;
    unit_above: of a step, the name of its dossier's unit; unit_hints: the rooms that had the dossier, with days;
    unit_said_on: the day the words are of; unit_code: what they mean. restricted: who must not be told. confidential:
    it is in no list, count or export. first_limit: the limit before it was extended as the law allows.
    """

    kind: Kind
    subject_id: str
    source: str
    heard_at: str
    part: str | None = None
    parent: str | None = None
    unit: str | None = None
    unit_name: str | None = None
    unit_above: str | None = None
    unit_hints: Sequence[tuple[str, str]] = ()
    unit_said_on: str | None = None
    unit_code: str | None = None
    holder: str | None = None
    holder_due_at: str | None = None
    procedure: str | None = None
    case: str | None = None
    channel: Channel | None = None
    field_name: str | None = None
    title: str | None = None
    accepted_at: str | None = None
    announcements: Sequence[Announcement] = ()
    limit: Limit | None = None
    first_limit: Limit | None = None
    near: timedelta | None = None
    pauses: Sequence[Pause] = ()
    apologies: Sequence[Apology] = ()
    ended_at: str | None = None
    first_ended_at: str | None = None
    end: End | None = None
    flags: set[str] = field(default_factory=set)
    digitised: bool | None = None
    paid_online: bool | None = None
    restricted: Sequence[str] = ()
    confidential: bool = False
    corrections: Corrected | None = None

    @property
    def obligation_id(self) -> str:
        return "/".join(filter(None, (self.kind, self.subject_id, self.part)))


class Due(NamedTuple):
    """Which due time counts and where it comes from."""

    due_at: str | None
    due_from: DueFrom | None
    first_due_at: str | None
    computed_due_at: str | None


def obligation_of(course: Course, *, calendar: WorkCalendar, near: timedelta) -> Obligation:
    """Return the obligation that a course makes, with `revision` 0 and, while open, `timing` on_time.

    Whether an open one is due soon or overdue is a matter of the clock: the sweep and the export say it.
    near: how long before the due time it is due soon.
    """
    due = _due(course, calendar=calendar)
    last = course.pauses[-1] if course.pauses else None
    paused = course.ended_at is None and last is not None and last.until is None
    state: State = "ended" if course.ended_at else "paused" if paused else "open"
    overdue_when_paused = paused and due.due_at is not None and last is not None and due.due_at < last.since
    obligation: Obligation = {
        "obligation_id": course.obligation_id,
        "kind": course.kind,
        "subject_id": course.subject_id,
        "parent": course.parent,
        "source": course.source,
        "unit": course.unit,
        "unit_name": course.unit_name,
        "unit_code": course.unit_code,
        "holder": course.holder,
        "holder_due_at": course.holder_due_at,
        "procedure": course.procedure,
        "field": course.field_name,
        "title": course.title,
        "accepted_at": course.accepted_at,
        "due_at": due.due_at,
        "due_from": due.due_from,
        "first_due_at": due.first_due_at,
        "computed_due_at": due.computed_due_at,
        "near_at": (datetime.fromisoformat(due.due_at) - (course.near or near)).isoformat() if due.due_at else None,
        "apologies": len(course.apologies),
        "paused_seconds": sum(_seconds(p.since, p.until) for p in course.pauses if p.until),
        "state": state,
        "timing": "no_deadline" if not due.due_at else "overdue" if overdue_when_paused else "on_time",
        "ended_at": course.ended_at,
        "first_ended_at": course.first_ended_at or course.ended_at,
        "end": course.end,
        "late_working_seconds": 0,
        "late_days": 0,
        "heard_at": course.heard_at,
        "backlog": due.due_at is not None and due.due_at <= course.heard_at,
        "flags": [],
        "revision": 0,
        "because": None,
        "channel": course.channel,
        "digitised": course.digitised,
        "paid_online": course.paid_online,
        "restricted": list(course.restricted),
        "confidential": course.confidential,
    }
    if course.ended_at and due.due_at:
        obligation["timing"] = timing_of_ended(due_at=due.due_at, ended_at=course.ended_at)
        _set_lateness(obligation, course, until=course.ended_at, calendar=calendar)
    if course.apologies:
        told = apologies.flags(course.apologies, course.announcements, ended_at=course.ended_at, calendar=calendar)
        course.flags.update(told)
    obligation["flags"] = sorted(course.flags)
    return obligation


def timing_of_ended(*, due_at: str, ended_at: str) -> Timing:
    """Return early (on a local date before the due date's), on_time or late, compared to the second."""
    if ended_at[:19] > due_at[:19]:
        return "late"
    return "early" if ended_at[:10] < due_at[:10] else "on_time"


def at_moment(obligation: Obligation, *, now: str, calendar: WorkCalendar) -> Obligation:
    """Return the obligation with `timing` and lateness as they are at `now`, for exports and pages."""
    due_at = obligation["due_at"]
    if obligation["state"] != "open" or due_at is None:
        return obligation
    shown: Obligation = {**obligation, "timing": "on_time"}
    if now[:19] > due_at[:19]:
        shown["timing"] = "overdue"
        seconds, days = lateness(due_at=due_at, until=now, calendar=calendar)
        shown["late_working_seconds"], shown["late_days"] = seconds, days
        if seconds is None and "calendar_unknown" not in shown["flags"]:
            shown["flags"] = sorted([*shown["flags"], "calendar_unknown"])
    elif now >= (obligation["near_at"] or due_at):
        shown["timing"] = "due_soon"
    return shown


def lateness(*, due_at: str, until: str, calendar: WorkCalendar) -> tuple[int | None, int]:
    """Return open seconds and local calendar days from the due time to `until`; None where the calendar ends."""
    days = (date.fromisoformat(until[:10]) - date.fromisoformat(due_at[:10])).days
    try:
        return _open_seconds(calendar, due_at, until), days
    except CalendarEndsError:
        return None, days


def _set_lateness(obligation: Obligation, course: Course, *, until: str, calendar: WorkCalendar) -> None:
    if obligation["timing"] == "late" and obligation["due_at"]:
        seconds, days = lateness(due_at=obligation["due_at"], until=until, calendar=calendar)
        obligation["late_working_seconds"], obligation["late_days"] = seconds, days
        if seconds is None:
            course.flags.add("calendar_unknown")


def _due(course: Course, *, calendar: WorkCalendar) -> Due:
    """Return the due time that counts: the source's where it gives one, else ours.

    The source's is moved by pauses that ended after it was announced, until it announces a newer one. An apology
    moves the date but does not erase the first: the first announced stays beside it.
    """
    computed = _computed_due(course, calendar=calendar)
    if not course.announcements:
        unextended = _computed_due(_before_extension(course), calendar=calendar) if course.first_limit else None
        return Due(computed, "computed" if computed else None, unextended or computed, computed)
    first, last = course.announcements[0], course.announcements[-1]
    due_at, moved = last.due_at, False
    begun = course.accepted_at or ""
    for pause in course.pauses:
        if pause.until and pause.until > max(last.as_of, begun) and pause.since < due_at:
            due_at, moved = _moved(course, due_at, pause, calendar=calendar), True
    if moved:
        course.flags.add("due_date_not_moved")
    if computed and computed[:10] != due_at[:10]:
        course.flags.add("due_dates_differ")
        if due_at[:10] == (local_due_at(course, calendar=calendar) or "")[:10]:
            course.flags.add("due_as_local_software")  # why they differ: its arithmetic, not a slip
    if course.accepted_at and due_at < course.accepted_at:
        course.flags.add("due_before_accepted")
    return Due(due_at, "source_shifted" if moved else "source", first.due_at, computed)


def _computed_due(course: Course, *, calendar: WorkCalendar) -> str | None:
    if course.limit is None or course.accepted_at is None:
        return None
    start = datetime.fromisoformat(course.accepted_at)
    try:
        due_at = canonical(due_after(start, course.limit, calendar=calendar, pauses=ended_pauses(course)))
        if crosses_provisional(calendar, start=start, end=datetime.fromisoformat(due_at)):
            course.flags.add("calendar_provisional")
    except CalendarEndsError:
        course.flags.add("calendar_unknown")
        return None
    return due_at


def _before_extension(course: Course) -> Course:
    """Return the course as it would be had its limit not been extended."""
    return replace(course, limit=course.first_limit, first_limit=None, flags=set())


def projected_due_at(course: Course, *, now: str, calendar: WorkCalendar) -> str | None:
    """Return when a paused matter would be due if its pause ended at `now`; None where it is not paused."""
    if course.ended_at or not course.pauses or course.pauses[-1].until is not None:
        return None
    *ended, still = course.pauses
    pauses = [*ended, still._replace(until=now)] if still.since < now else ended
    return _due(replace(course, pauses=pauses, flags=set()), calendar=calendar).due_at


def local_due_at(course: Course, *, calendar: WorkCalendar) -> str | None:
    """Return what the local one-stop software would print, None where it or the calendar has no answer."""
    if course.limit is None or course.accepted_at is None:
        return None
    try:
        due = local_software.local_due_of(course.limit, datetime.fromisoformat(course.accepted_at), calendar)
        for pause in ended_pauses(course) if due else ():
            assert due
            due = local_software.after_supplement(due, requested=pause.since, resumed=pause.until, calendar=calendar)
    except CalendarEndsError:
        return None
    return canonical(due) if due else None


def ended_pauses(course: Course) -> list[worktime.Pause]:
    return [
        worktime.Pause(datetime.fromisoformat(pause.since), datetime.fromisoformat(pause.until), pause.effect)
        for pause in course.pauses
        if pause.until
    ]


def _moved(course: Course, due_at: str, pause: Pause, *, calendar: WorkCalendar) -> str:
    """Return `due_at` moved by the open time of an ended pause; after one that resets, what the limit then gives."""
    assert pause.until
    since = max(pause.since, course.accepted_at or pause.since)
    try:
        if pause.effect == "reset" and course.limit:
            return canonical(due_after(datetime.fromisoformat(pause.until), course.limit, calendar=calendar))
        seconds = _open_seconds(calendar, since, pause.until)
        return canonical(open_time_after(calendar, start=datetime.fromisoformat(due_at), seconds=seconds))
    except CalendarEndsError:
        course.flags.add("calendar_unknown")
        return due_at


def _open_seconds(calendar: WorkCalendar, since: str, until: str) -> int:
    return open_seconds(calendar, start=datetime.fromisoformat(since), end=datetime.fromisoformat(until))


def _seconds(since: str, until: str) -> int:
    return int((datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds())
