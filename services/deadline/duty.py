"""The facts of a duty, such as a task that puts a finding right or a periodic report, folded into its course.

Pure: any permutation with any duplicates gives the same course. Facts are ordered in their slots as a dossier's are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from services.deadline.about import names
from services.deadline.corrections import Corrected, corrected
from services.deadline.course import Course
from services.deadline.dossier import announcements, flag
from services.deadline.slots import Slots, happened, slots_of
from shared.codes import short_agency
from shared.events import DutyKind, Fact

REOPENING = ("open", "returned")


def fold(kind: DutyKind, id: str, facts: Iterable[Fact], *, until: str | None = None) -> Course | None:
    """Return the course of a duty, or None where it had not begun by `until`: was not given, else not known of.

    It has no limit of ours: without an announced due date it has no deadline.
    until: show the world at that moment: later happenings are left out; of due dates announced later only the first
        is used where none was known before.
    """
    correct = corrected(id, facts)
    slots: Slots = slots_of(correct.facts)
    first = min(correct.all, key=lambda fact: (fact["heard"], fact["source"]))
    if not correct.facts:
        return _void(Course(kind, id, first["source"], first["heard"]), correct) if until is None else None
    if until is not None:
        begun = slots.get("given") or [*itertools.chain(*slots.values())]
        if all(fact["at"] > until for fact in begun):
            return None
        slots = happened(slots, until=until)
    course = Course(kind, id, first["source"], first["heard"])
    course.corrections = correct
    _describe(course, slots.get("about", ()))
    if given := slots.get("given"):
        course.accepted_at = given[-1]["value"]
    course.announcements = announcements(slots.get("due", ()))
    _follow(course, slots.get("standing", ()))
    flag(course, [*itertools.chain(*slots.values())], slots, stands=correct.stands)
    course.flags.discard("not_in_one_stop")  # no duty comes from there
    return course


def _void(course: Course, correct: Corrected) -> Course:
    course.ended_at = max((mark["at"] for _, mark in correct.retracted), default=course.heard_at)
    course.end = "void"
    course.flags.add("retracted")
    course.corrections = correct
    return course


def _describe(course: Course, about: Sequence[Fact]) -> None:
    """An empty member says nothing: the newest that is filled counts."""
    known: dict[str, str] = {}
    for fact in about:
        known.update({name: value for name, value in fact["value"].items() if value})
    if runs := names(about):
        course.unit_said_on = runs[-1].since[:10]
    course.field_name, course.title, course.unit_name = known.get("field"), known.get("title"), known.get("unit_name")
    course.unit = (short_agency(course.unit_name) if course.unit_name else None) or course.unit_name


def _follow(course: Course, standing: Sequence[Fact]) -> None:
    """Follow the statuses in order: set the end and whether it was reopened.

    What is handed in is done until it is sent back; that it is accepted confirms this and changes no clock. Accepted
    and never known as handed in, it was so by then at the latest.
    """
    before: object = None
    for fact in standing:
        if fact["value"] == before:
            continue
        before = fact["value"]
        status, at = fact["value"]["status"], fact["value"]["at"]
        if status == "submitted":
            course.ended_at, course.end = at, "submitted"
            course.flags.discard("end_time_missing")
        elif status in REOPENING:
            _reopen(course)
        elif course.ended_at is None:
            course.ended_at, course.end = at, "withdrawn" if status == "withdrawn" else "submitted"
            if status == "accepted":
                course.flags.add("end_time_missing")


def _reopen(course: Course) -> None:
    if course.ended_at:
        course.first_ended_at = course.first_ended_at or course.ended_at
        course.ended_at = course.end = None
        course.flags.discard("end_time_missing")
        course.flags.add("reopened")
