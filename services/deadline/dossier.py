"""A dossier's facts folded into its course and those of its parts. Pure.

Any permutation of the facts with any duplicates gives the same courses.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from services.deadline import parts
from services.deadline.about import describe
from services.deadline.apologies import Announcement, Apology
from services.deadline.corrections import Corrected, corrected
from services.deadline.course import Course, Pause
from services.deadline.parts import ENDS, PAUSING, RUNNING, SUPPLEMENT, Standing, Stop, Terms
from services.deadline.slots import PROMISES, Slots, happened, slots_of
from shared.events import Fact
from shared.facts import order

REOPENING = RUNNING | PAUSING
RETURNED = 10  # after 9; moves no clock
FUTURE = timedelta(days=1)
ROOMS = 8  # that are asked which of several units is meant


def fold(key: str, raw_code: str, facts: Iterable[Fact], *, terms: Terms, until: str | None = None) -> list[Course]:
    """Return the course of dossier `key`, then those of its parts; nothing where it was not there yet by `until`.

    until: show the world at that moment: later happenings are left out; of due dates announced later only the first
        is used where none was known before.
    """
    correct = corrected(key, facts)
    if correct.part_of or not correct.facts:
        return [_void(key, raw_code, correct)] if until is None else []
    slots: Slots = slots_of(correct.facts)
    if until is not None:
        slots, later = happened(slots, until=until), slots
        if not _is_there(slots, later=later):
            return []
    everything = [fact for slot in slots.values() for fact in slot]
    course = _begun(key, everything)
    course.corrections = correct
    describe(course, slots, raw_code=raw_code)
    if accepted := slots.get("accepted"):
        course.accepted_at = accepted[-1]["value"]
    course.announcements = announcements(slots.get("due", ()))
    course.apologies = _apologies(slots)
    stops = [_supplement(slots[name]) for name in sorted(slots) if name.startswith("supplement.")]
    stops += [_stop(slots[name][-1]) for name in sorted(slots) if name.startswith("pause.")]
    standing = _follow(course, _with_own_steps(slots))
    course.unit_hints = _rooms(standing)
    course.pauses = _pauses(course, standing, stops)
    if _supplement_requests(standing, stops) > 1:
        course.flags.add("supplement_repeated")
    flag(course, everything, slots, stands=correct.stands)
    filed = slots.get("filed")
    filed_at = filed[-1]["value"] if filed else None
    return [course, *parts.of(course, filed_at=filed_at, standing=standing, stops=stops, terms=terms)]


def _begun(key: str, facts: Iterable[Fact]) -> Course:
    first = min(facts, key=lambda fact: (fact["heard"], fact["source"]))
    return Course("dossier", key, first["source"], first["heard"])


def _void(key: str, raw_code: str, correct: Corrected) -> Course:
    """Return the course of what is no dossier of its own: another code of one, or all that was said is retracted."""
    course = _begun(key, correct.all)
    course.corrections = correct
    describe(course, slots_of(correct.all), raw_code=raw_code)
    course.end = "void"
    if correct.part_of:
        course.ended_at = correct.part_of["at"]
        course.flags.add("same_as")
    else:
        course.ended_at = max((mark["at"] for _, mark in correct.retracted), default=course.heard_at)
        course.flags.add("retracted" if correct.retracted else "same_as")
    return course


def _is_there(slots: Slots, *, later: Slots) -> bool:
    """Say whether anything had happened: what was accepted only later was there before if it was filed."""
    return bool(slots.keys() - PROMISES) and ("accepted" not in later or "accepted" in slots or "filed" in slots)


def _rooms(standing: Sequence[Standing]) -> list[tuple[str, str]]:
    """Return the names of the last few rooms that had the dossier, with the days: one may hold that of a commune."""
    rooms = {one.step["division"]: one.at[:10] for one in standing if one.step and one.step.get("division")}
    return sorted(rooms.items(), key=lambda room: (room[1], room[0]), reverse=True)[:ROOMS]


def announcements(due: Sequence[Fact]) -> list[Announcement]:
    """Return due dates in the order in which they became known; a date said again is not a new one."""
    told: list[Announcement] = []
    for fact in due:
        if not told or told[-1].due_at != fact["value"]:
            told.append(Announcement(fact["as_of"], fact["value"], fact.get("why")))
    return told


def _apologies(slots: Slots) -> list[Apology]:
    """Return the letters of apology as newest known, in the order of their issue."""
    letters = (slots[name][-1]["value"] for name in slots if name.startswith("apology."))
    told = (Apology(letter["issued"], letter["before"], letter["after"]) for letter in letters)
    return sorted(told, key=lambda letter: (letter.issued, letter.after, letter.before or ""))


def _supplement(said: Sequence[Fact]) -> Stop:
    """Return a supplement as newest known; a receipt left empty later does not undo one known of the same request."""
    known = Stop("", None)
    for fact in said:
        value = fact["value"]
        same = value["requested"] == known.since
        received = value["received"] or (known.until if same else None)
        term_days = value.get("term_days") or (known.term_days if same else None)
        known = Stop(value["requested"], received, term_days)
    return known


def _stop(fact: Fact) -> Stop:
    value = fact["value"]
    asks = value["kind"] == "supplement"
    return Stop(value["since"], value["until"], value["term_days"], value["effect"], asks)


def _follow(course: Course, standing: Sequence[Fact]) -> list[Standing]:
    """Follow the statuses in order: set the end and whether it was reopened; returns them without repeats.

    The end is a snapshot's NgayKetThucXuLy; a step of status 9 stands in only where no snapshot has it.
    """
    followed: list[Standing] = []
    before: object = None
    for fact in standing:
        value = fact["value"]
        if value == before:
            continue
        before = value
        now = _standing(fact)
        followed.append(now)
        kept_end = now.status in REOPENING and now.ended == course.ended_at  # left standing by a source that reopened
        if now.status in ENDS or (now.ended and not kept_end):
            _end(course, now)
        elif now.status in REOPENING and course.ended_at:
            course.first_ended_at = course.first_ended_at or course.ended_at
            course.ended_at = course.end = None
            course.flags.discard("end_time_missing")
            course.flags.add("reopened")
        elif now.status == RETURNED and not course.ended_at:
            course.flags.add("returned_not_ended")
    if course.ended_at:
        course.flags.discard("returned_not_ended")
    return followed


def _with_own_steps(slots: Slots) -> Sequence[Fact]:
    """Return the statuses in order, among them each step that our own format tells of, as newest known of its number.

    Such a step is what the portal's progress message of status 4 is, but that it may know its own end.
    """
    steps: list[Fact] = []
    for name in slots:
        if name.startswith("step."):
            newest = slots[name][-1]
            told = newest["value"]
            value = {"status": 4, "step": told["since"], "division": told["unit"], "step_due": told["due"]}
            ends = {"until": told["until"]} if told["until"] else {}
            heard = min(fact["heard"] for fact in slots[name])
            # its name tells it from others: which of its facts is newest may depend on what intake keeps back
            said = {"value": {**value, **ends}, "as_of": told["since"], "heard": heard, "id": name}
            steps.append({**newest, **said, "slot": "standing"})  # type: ignore[typeddict-item]
    standing = slots.get("standing", ())
    return sorted([*standing, *steps], key=order) if steps else standing


def _standing(fact: Fact) -> Standing:
    value = fact["value"]
    status = value["status"] or 0
    if "step" in value:
        return Standing(value["step"], status, None, fact["heard"], value)
    refused = value.get("refused") if status == 3 else None
    return Standing(refused or fact["as_of"], status, value.get("ended"), fact["heard"])


def _end(course: Course, now: Standing) -> None:
    end = ENDS.get(now.status, "completed")
    if now.ended:
        course.ended_at, course.end = now.ended, end
        course.flags.discard("end_time_missing")
    elif course.ended_at is None:
        course.ended_at, course.end = now.at, end
        if not now.is_step and now.status in (7, 8, 9):
            course.flags.add("end_time_missing")
    elif now.is_step and "end_time_missing" in course.flags:
        course.ended_at, course.end = now.at, end
        course.flags.discard("end_time_missing")


def _pauses(course: Course, standing: Sequence[Standing], stops: Sequence[Stop]) -> list[Pause]:
    """Return the spans in which the clock stands, joined and in order.

    A status 5 or 6 pauses until the next 2 or 4, a supplement's receipt, or the end; a supplement asked for pauses
    from its request. law: the time for supplements and financial obligations is not counted (rules of the national
    index QĐ 766/QĐ-TTg; NĐ 101/2024 for land).
    """
    receipts = sorted(stop.until for stop in stops if stop.until)
    resumptions = [now.at for now in standing if now.status in RUNNING]
    spans: list[Pause] = []
    since: str | None = None
    for now in standing:
        if now.status in PAUSING:
            since = since or now.at
        elif since is not None and (now.status in RUNNING or now.ended or now.status in ENDS):
            spans.append(Pause(since, _earliest(receipts, since, now.ended or now.at)))
            since = None
    if since is not None:
        spans.append(Pause(since, _earliest(receipts, since, None)))
    for stop in stops:
        until = stop.until or _earliest(resumptions, stop.since, None)
        spans.append(Pause(stop.since, until, stop.effect))
    return joined(spans, ended_at=course.ended_at)


def _supplement_requests(standing: Sequence[Standing], stops: Sequence[Stop]) -> int:
    """Return how often a supplement was asked for, as entries or as statuses 5 tell, whichever tells of more.

    law: one request is allowed; the national index (QĐ 766/QĐ-TTg) counts a dossier with more as overdue.
    """
    statuses = [0, *(now.status for now in standing)]
    begun = sum(before != SUPPLEMENT == now for before, now in itertools.pairwise(statuses))
    return max(begun, len({stop.since for stop in stops if stop.asks}))


def _earliest(times: Iterable[str], after: str, known: str | None) -> str | None:
    return min((at for at in (*times, known) if at and at > after), default=known)


def joined(spans: Iterable[Pause], *, ended_at: str | None) -> list[Pause]:
    """Return spans in order, overlapping ones as one, which resets if any of them does."""
    found: list[Pause] = []
    for span in sorted(
        spans, key=lambda span: (span.since, span.until or "~", span.effect)
    ):  # "~": after every instant
        until = min(filter(None, (span.until, ended_at)), default=None)
        if until is not None and until <= span.since:
            continue
        if found and (found[-1].until is None or found[-1].until >= span.since):
            last = found[-1]
            ends = None if last.until is None or until is None else max(last.until, until)
            found[-1] = Pause(last.since, ends, "reset" if "reset" in (last.effect, span.effect) else "suspend")
        else:
            found.append(Pause(span.since, until, span.effect))
    return found


def flag(course: Course, facts: Sequence[Fact], slots: Slots, *, stands: Collection[str] = ()) -> None:
    """Flag what is odd. stands: ids of facts that an operator let stand beside another of the same `as_of`."""
    for fact in facts:
        at, heard = fact["at"], fact["heard"]
        if at > heard and datetime.fromisoformat(at) > datetime.fromisoformat(heard) + FUTURE:
            course.flags.add("happening_in_future")
            break
    if all(fact.get("mirror") for fact in facts):
        course.flags.add("not_in_one_stop")
    for name in ("accepted", "due", "filed"):
        slot = slots.get(name, ())
        for one, other in itertools.pairwise(slot):
            tied = one["as_of"] == other["as_of"] and one["rank"] == other["rank"]
            if tied and one["value"] != other["value"] and other["id"] not in stands:
                course.flags.add("possible_reversal")
    if course.ended_at and course.accepted_at and course.ended_at < course.accepted_at:
        course.flags.add("ended_before_accepted")
