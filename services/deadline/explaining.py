"""Why an obligation's due date is what it is: rule and basis, each day counted, pauses, each date announced. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from services.deadline import apologies, corrections, limits, wording
from services.deadline.course import Course, ended_pauses, local_due_at, projected_due_at
from services.deadline.folding import Folded
from shared.directory import Directory
from shared.worktime import CalendarEndsError, WorkCalendar


def explained(folded: Folded, *, now: str, moved: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return the explanation as data and as sentences in Vietnamese.

    now: up to when a pause that still lasts is counted in `projected_due_at`, the due time if it ended then.
    moved: earlier due times that reference data moved, with the reasons.
    returns: `announced`, each due date the source gave, in the order in which it became known; `computed`, how ours
        comes about, None where there is no rule, no start, or the calendar ends before it; `local_software_due_at`,
        what the local one-stop software would print by its own arithmetic; `corrections`, what people put right.
    """
    obligation, course, calendar, _ = folded
    computed = _computed(course, calendar=calendar)
    letters = [_apology(letter, course, calendar) for letter in course.apologies]
    projected = projected_due_at(course, now=now, calendar=calendar)
    corrected = corrections.told(course.corrections)
    sentences = list(_of_due(folded, computed, letters))
    if moved:
        sentences.append(_move(moved[-1], calendar=calendar))
    if corrected:
        sentences += wording.of_corrections(corrected, left=course.end != "void")
    if projected:
        sentences.append(wording.of_pause(projected=datetime.fromisoformat(projected)))
    return {
        "due_from": obligation["due_from"],
        "announced": [told._asdict() for told in course.announcements],
        "apologies": letters,
        "pauses": [{"from": one.since, "to": one.until, "effect": one.effect} for one in course.pauses],
        "projected_due_at": projected,
        "computed": computed,
        "local_software_due_at": local_due_at(course, calendar=calendar),
        "moved": list(moved),
        "corrections": corrected,
        "calendar_version": calendar.version,
        "sentence": " ".join(sentences) or "Chưa có hạn: nguồn không báo hạn và không có thời hạn để tính.",
    }


def _of_due(folded: Folded, computed: dict[str, Any] | None, letters: Sequence[dict[str, Any]]) -> Iterator[str]:
    due_at, due_from = folded.obligation["due_at"], folded.obligation["due_from"]
    if due_at and due_from in ("source", "source_shifted"):
        at, shifted = datetime.fromisoformat(due_at), due_from == "source_shifted"
        yield wording.of_source(source=folded.course.source, due_at=at, moved=shifted)
    if computed:
        yield computed.pop("sentence")
    if folded.course.first_limit and (first := folded.obligation["first_due_at"]):
        yield wording.of_extension(limit=folded.course.first_limit, due_at=datetime.fromisoformat(first))
    if letters:
        yield wording.of_letters(letters)


def explained_unit(folded: Folded, units: Directory) -> dict[str, Any]:
    """Return how the words of the source came to mean a unit: `code`, `why`, the words that singled it out.

    `candidates`: code and name of the several units of which nothing singles one out; then `sentence` says so.
    """
    meaning, course = folded.meaning, folded.course
    candidates = [{"code": code, "name": units.units[code].name} for code in meaning.candidates]
    said = course.unit_name or course.unit or ""
    return {
        "code": meaning.code,
        "why": meaning.why,
        "evidence": list(meaning.evidence),
        "candidates": candidates,
        "sentence": wording.of_ambiguous(said, [one["name"] for one in candidates]) if candidates else None,
    }


def _move(move: dict[str, Any], *, calendar: WorkCalendar) -> str:
    before, after = (at and at.astimezone(calendar.zone) for at in (move["computed_before"], move["computed_after"]))
    return wording.of_move(before=before, after=after, because=move["because"])


def _apology(letter: apologies.Apology, course: Course, calendar: WorkCalendar) -> dict[str, Any]:
    stood = apologies.stood_before(letter, course.announcements)
    in_time = apologies.in_time(letter, stood, calendar=calendar) if stood else None
    return {"issued": letter.issued, "due_before": stood, "due_after": letter.after, "in_time": in_time}


def _computed(course: Course, *, calendar: WorkCalendar) -> dict[str, Any] | None:
    if course.limit is None or course.accepted_at is None:
        return None
    start = datetime.fromisoformat(course.accepted_at)
    try:
        due_at, steps = limits.explain_due(start, course.limit, calendar=calendar, pauses=ended_pauses(course))
    except CalendarEndsError:
        return None
    rule: dict[str, Any] = {"value": course.limit.value, "unit": course.limit.unit, "basis": course.limit.basis}
    if chosen := course.limit.rule:
        rule |= chosen.model_dump(mode="json", include={"case", "channel", "valid_from", "valid_until"})
        rule["difficult_days"] = course.limit.value - chosen.value
    told = wording.sentence(start=start, due_at=due_at, limit=course.limit, steps=steps)
    return {"due_at": due_at.isoformat(), "rule": rule, "steps": steps, "sentence": told}
