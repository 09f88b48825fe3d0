"""From everything said of a matter to its obligations: the matter's own and those of its parts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

from services.deadline import answer, dossier, duty
from services.deadline.course import Course, obligation_of
from services.deadline.parts import Terms
from services.deadline.reference import Reference
from shared.directory import UNKNOWN, Meaning
from shared.events import DutyKind, Obligation
from shared.worktime import WorkCalendar

DUTY_KINDS: Mapping[str, DutyKind] = {kind: kind for kind in get_args(DutyKind)}
Data = Mapping[str, Any]  # the `data` of an event heard


class Folded(NamedTuple):
    """An obligation, the course that makes it, the calendar it was reckoned in, and how its unit was found."""

    obligation: Obligation
    course: Course
    calendar: WorkCalendar
    meaning: Meaning = UNKNOWN


def fold(
    id: str,
    said: Sequence[Data],
    *,
    known: Reference,
    terms: Terms,
    until: str | None = None,
    known_at: str | None = None,
) -> list[Folded]:
    """Return the obligations that everything said of matter `id` makes, its own first.

    until: the world at that moment. known_at: by calendars and limits as they were known then, instead of now.
    """
    made = []
    for course in courses(id, said, terms=terms, until=until):
        at = min(filter(None, (course.ended_at, known_at)), default=None)
        meaning = known.meaning(course)
        course.unit_code = meaning.code
        if meaning.why == "ambiguous":
            course.flags.add("unit_ambiguous")
        calendar = known.calendar(course.unit, course.unit_name, at=at, unit_code=meaning.code)
        if course.kind == "dossier" and course.end != "void":
            course.limit = known.limit(course, at=at)
        made.append(Folded(obligation_of(course, calendar=calendar, near=terms.near), course, calendar, meaning))
    if len(made) > 1:
        _name_holder([folded.obligation for folded in made])
    return made


def courses(id: str, said: Sequence[Data], *, terms: Terms, until: str | None = None) -> list[Course]:
    """Return the courses of matter `id`, its own first; nothing where it was not there yet by `until`."""
    kind, subject = id.split("/", 1)
    if kind == "answer":
        return answer.fold(subject, said, until=until)
    facts = [fact for data in said for fact in data["facts"]]
    if kind == "dossier":
        raw_code = min(data["raw_code"] for data in said)
        return dossier.fold(subject, raw_code, facts, terms=terms, until=until)
    done = duty.fold(DUTY_KINDS[kind], subject, facts, until=until)
    return [done] if done else []


def _name_holder(made: Sequence[Obligation]) -> None:
    """Say of an open dossier who has its present step, where that step has a term: in joint processing another unit."""
    steps = [one for one in made if one["kind"] == "step" and one["state"] != "ended"]
    if steps and made[0]["state"] != "ended" and steps[-1]["unit_name"] != made[0]["unit_name"]:
        made[0]["holder"], made[0]["holder_due_at"] = steps[-1]["unit_name"], steps[-1]["due_at"]
