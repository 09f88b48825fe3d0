"""What falls due within a dossier besides itself: its reception, its steps, its pauses. Pure.

Each is an obligation of its own, of whoever must act: a late step presses who holds it, a pause whose term has run out
the unit that must go on or close the dossier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from services.deadline.apologies import Announcement
from services.deadline.course import Course, Pause
from services.deadline.limits import Limit
from shared.events import End
from shared.worktime.limits import Effect

SUPPLEMENT = 5  # asked for, not yet received
RUNNING, PAUSING = frozenset({2, 4}), frozenset({5, 6})
ENDS: Mapping[int, End] = {3: "refused", 7: "withdrawn", 8: "stopped", 9: "completed"}
RECEPTION_NEAR = timedelta(hours=2)  # of a limit of one working day a whole day before would be before its start
DIGITS_ALONE = str.maketrans("", "", "-T:")
ONLINE = (None, "online")  # a time of filing comes with filings over the net, also where the channel is not said


@dataclass(frozen=True, slots=True)
class Terms:
    """What is not said by facts. near: due soon so long before the due time. reception, pause: their limits."""

    near: timedelta
    reception: Limit
    pause: Limit


class Standing(NamedTuple):
    """A status at the moment it began. ended: a snapshot's NgayKetThucXuLy. step: a progress step's own words."""

    at: str
    status: int
    ended: str | None
    heard: str
    step: Mapping[str, Any] | None = None

    @property
    def is_step(self) -> bool:
        return self.step is not None


class Stop(NamedTuple):
    """What stops the clock, as a source tells of it: more papers asked of the applicant, or another cause.

    term_days: in which the applicant is to answer. asks: it is a request for a supplement.
    """

    since: str
    until: str | None
    term_days: int | None = None
    effect: Effect = "suspend"
    asks: bool = True


def of(
    dossier: Course,
    *,
    filed_at: str | None,
    standing: Sequence[Standing],
    stops: Sequence[Stop],
    terms: Terms,
) -> Iterator[Course]:
    """Yield the courses of a dossier's parts, as far as there are any."""
    if filed_at and dossier.channel in ONLINE:
        yield _reception(dossier, filed_at, standing, stops, terms.reception)
    yield from _steps(dossier, [one for one in standing if one.is_step])
    for pause in dossier.pauses:
        yield _pause(dossier, pause, stops, terms.pause)


def _part(dossier: Course, kind: Any, *, since: str | None, heard_at: str) -> Course:
    return Course(
        kind,
        dossier.subject_id,
        dossier.source,
        heard_at,
        part=since and since[: since.index("+")].translate(DIGITS_ALONE),
        parent=dossier.obligation_id,
        unit=dossier.unit,
        unit_name=dossier.unit_name,
        unit_hints=dossier.unit_hints,
        unit_said_on=dossier.unit_said_on,
        procedure=dossier.procedure,
        field_name=dossier.field_name,
    )


def _reception(
    dossier: Course,
    filed_at: str,
    standing: Sequence[Standing],
    stops: Sequence[Stop],
    limit: Limit,
) -> Course:
    """Return the reception of an online filing: to be accepted, refused, or answered by asking for more papers.

    law: within 08 working hours from its arrival in the system (NĐ 118/2025/NĐ-CP Đ.17, as procedures on the national
    portal quote it).
    """
    course = _part(dossier, "reception", since=None, heard_at=dossier.heard_at)
    course.accepted_at, course.limit, course.near = filed_at, limit, RECEPTION_NEAR
    answers: list[tuple[str, End]] = [(stop.since, "supplement_asked") for stop in stops if stop.asks]
    if dossier.accepted_at:
        answers.append((dossier.accepted_at, "accepted"))
    for one in standing:
        if one.status == SUPPLEMENT:
            answers.append((one.at, "supplement_asked"))
        elif one.status in RUNNING:
            answers.append((one.at, "accepted"))
    if dossier.ended_at and dossier.end:
        answers.append((dossier.ended_at, dossier.end))
    if answers:
        answered_at, course.end = min(answers)
        course.ended_at = max(answered_at, filed_at)
    return course


def _steps(dossier: Course, steps: Sequence[Standing]) -> Iterator[Course]:
    """Yield the steps that have a term of their own (NgayKetThucTheoQuyDinh).

    A progress message begins a step, which lasts until its own end where that is told, else until the next one, and no
    longer than the dossier. One that waits for the applicant, or tells of an end, is no work of anyone.
    """
    ordered = sorted(steps, key=lambda step: step.at)
    for number, step in enumerate(ordered):
        following = ordered[number + 1].at if number + 1 < len(ordered) else None
        assert step.step
        until = min(filter(None, (step.step.get("until") or following, dossier.ended_at)), default=None)
        over_at_once = (until and until <= step.at) or following == step.at
        if not step.step.get("step_due") or step.status not in RUNNING or over_at_once:
            continue
        course = _part(dossier, "step", since=step.at, heard_at=step.heard)
        course.unit_name, course.unit_above = step.step.get("division") or dossier.unit_name, dossier.unit_name
        course.accepted_at = step.at
        course.announcements = [Announcement(step.at, step.step["step_due"])]
        course.pauses = list(_within(dossier.pauses, step.at, until))
        if until:
            course.ended_at = until
            course.end = dossier.end if until == dossier.ended_at else "passed_on"
        yield course


def _within(pauses: Sequence[Pause], since: str, until: str | None) -> Iterator[Pause]:
    for pause in pauses:
        begins = max(pause.since, since)
        ends = min(filter(None, (pause.until, until)), default=None)
        if ends is None or begins < ends:
            yield Pause(begins, ends, pause.effect)


def _pause(dossier: Course, pause: Pause, stops: Sequence[Stop], limit: Limit) -> Course:
    """Return a pause as what falls due itself: in the term given with the last request in it, else in the usual one.

    Once it has run out the unit must go on or close the dossier.
    """
    course = _part(dossier, "pause", since=pause.since, heard_at=dossier.heard_at)
    course.accepted_at, course.limit = pause.since, limit
    within = [stop for stop in stops if pause.since <= stop.since < (pause.until or "~")]
    if within:
        last = max(within, key=lambda stop: (stop.since, stop.term_days or 0))
        course.accepted_at = last.since
        if last.term_days:
            course.limit = Limit(last.term_days, "calendar_days", "thời hạn bổ sung ghi trong phiếu yêu cầu")
    if pause.until:
        course.ended_at = pause.until
        course.end = dossier.end if pause.until == dossier.ended_at else "resumed"
    return course
