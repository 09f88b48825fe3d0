"""A dossier's facts folded into its course. Pure: any permutation with any duplicates gives the same course.

The facts of a slot are ordered by (as_of, rank of the status, heard, id). Where a primary source has spoken about a
slot, a mirror's facts serve reconciliation only.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from services.deadline.course import Announcement, Course, Pause
from services.deadline.limits import Rule, choose
from shared.codes import agency_of, short_agency
from shared.events import End, Fact

SUPPLEMENT = 5  # asked for, not yet received
RUNNING, PAUSING = frozenset({2, 4}), frozenset({5, 6})
REOPENING = RUNNING | PAUSING
ENDS: Mapping[int, End] = {3: "refused", 7: "withdrawn", 8: "stopped", 9: "completed"}
RETURNED = 10  # after 9; moves no clock
FUTURE = timedelta(days=1)


def fold(
    key: str, raw_code: str, facts: Iterable[Fact], *, limits: Mapping[str, Sequence[Rule]], until: str | None = None
) -> Course | None:
    """Return the course of dossier `key`, or None where nothing of it had happened by `until`.

    until: show the world at that moment: later happenings are left out; of due dates announced later only the first
        is used where none was known before.
    """
    slots = _slots(facts)
    if until is not None:
        slots = _until(slots, until)
        if not slots:
            return None
    everything = [fact for slot in slots.values() for fact in slot]
    first = min(everything, key=lambda fact: (fact["heard"], fact["source"]))
    course = Course("dossier", key, first["source"], first["heard"])
    _describe(course, slots.get("about", ()), raw_code=raw_code)
    if accepted := slots.get("accepted"):
        course.accepted_at = accepted[-1]["value"]
    course.announcements = _announcements(slots.get("due", ()))
    if course.accepted_at:
        rules, on = limits.get(course.procedure or "", ()), date.fromisoformat(course.accepted_at[:10])
        course.limit = choose(rules, case=None, channel=None, on=on, difficult=False)
    supplements = [_supplement(slots[name]) for name in sorted(slots) if name.startswith("supplement.")]
    standing = _follow(course, slots.get("standing", ()))
    course.pauses = _pauses(course, standing, supplements)
    if _supplement_requests(standing, supplements) > 1:
        course.flags.add("supplement_repeated")
    _flag(course, everything, slots)
    return course


def _slots(facts: Iterable[Fact]) -> dict[str, list[Fact]]:
    """Return the facts by slot, each once with the least of its `heard`, in order, mirrors only where alone."""
    once: dict[str, Fact] = {}
    for fact in facts:
        known = once.get(fact["id"])
        if known is None or (fact["heard"], fact["as_of"]) < (known["heard"], known["as_of"]):
            once[fact["id"]] = fact
    slots: dict[str, list[Fact]] = defaultdict(list)
    for fact in once.values():
        slots[fact["slot"]].append(fact)
    for name, slot in slots.items():
        if any(fact.get("mirror") for fact in slot):
            slots[name] = slot = [fact for fact in slot if not fact.get("mirror")] or slot
        if len(slot) > 1:
            slot.sort(key=_order)
    return slots


def _order(fact: Fact) -> tuple[str, int, str, str]:
    return fact["as_of"], fact["rank"], fact["heard"], fact["id"]


def _until(slots: Mapping[str, list[Fact]], until: str) -> dict[str, list[Fact]]:
    """Leave out what had not happened by `until`."""
    kept: dict[str, list[Fact]] = {}
    for name, slot in slots.items():
        if name == "about":
            kept[name] = slot
        elif name == "due":
            kept[name] = [fact for fact in slot if fact["as_of"] <= until] or slot[:1]
        elif past := [_cut(fact, until) for fact in slot if fact["at"] <= until]:
            kept[name] = past
    happened = kept.keys() - {"about", "due"}
    accepted = slots.get("accepted")
    return kept if happened and (accepted is None or "accepted" in kept or "filed" in kept) else {}


def _cut(fact: Fact, until: str) -> Fact:
    """A supplement received later is not received yet."""
    value = fact["value"]
    if isinstance(value, dict) and (received := value.get("received")) and received > until:
        return {**fact, "value": {**value, "received": None}}
    return fact


def _describe(course: Course, about: Sequence[Fact], *, raw_code: str) -> None:
    """An empty member says nothing: the newest that is filled counts."""
    known: dict[str, str] = {}
    for fact in about:
        known.update({name: value for name, value in fact["value"].items() if value})
    course.procedure, course.field_name = known.get("procedure"), known.get("field")
    course.unit_name = known.get("unit_name")
    named = short_agency(course.unit_name) if course.unit_name else None
    course.unit = named or agency_of(raw_code) or known.get("agency") or course.unit_name


def _announcements(due: Sequence[Fact]) -> list[Announcement]:
    """Return due dates in the order in which they became known; a date said again is not a new one."""
    told: list[Announcement] = []
    for fact in due:
        if not told or told[-1].due_at != fact["value"]:
            told.append(Announcement(fact["as_of"], fact["value"]))
    return told


def _supplement(said: Sequence[Fact]) -> Mapping[str, Any]:
    """Return a supplement as newest known; a receipt left empty later does not undo one known of the same request."""
    known: Mapping[str, Any] = said[0]["value"]
    for fact in said[1:]:
        value = fact["value"]
        received = value["received"] or (known["received"] if value["requested"] == known["requested"] else None)
        known = {"requested": value["requested"], "received": received}
    return known


class Standing(NamedTuple):
    """A status at the moment it began. ended: a snapshot's NgayKetThucXuLy."""

    at: str
    status: int
    ended: str | None
    is_step: bool


def _follow(course: Course, standing: Sequence[Fact]) -> list[Standing]:
    """Follow the statuses in order: set the end and whether it was reopened; returns them without repeats.

    The end is a snapshot's NgayKetThucXuLy; a step of status 9 stands in only where no snapshot has it.
    """
    followed: list[Standing] = []
    before: Any = None
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


def _standing(fact: Fact) -> Standing:
    value = fact["value"]
    status = value["status"] or 0
    if "step" in value:
        return Standing(value["step"], status, None, True)
    refused = value.get("refused") if status == 3 else None
    return Standing(refused or fact["as_of"], status, value.get("ended"), False)


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


def _pauses(course: Course, standing: Sequence[Standing], supplements: Sequence[Mapping[str, Any]]) -> list[Pause]:
    """Return the spans in which the clock stands, joined and in order.

    A status 5 or 6 pauses until the next 2 or 4, a supplement's receipt, or the end; a supplement asked for pauses
    from its request. law: the time for supplements and financial obligations is not counted (rules of the national
    index QĐ 766/QĐ-TTg; NĐ 101/2024 for land).
    """
    receipts = sorted(s["received"] for s in supplements if s["received"])
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
    for supplement in supplements:
        asked = supplement["requested"]
        spans.append(Pause(asked, supplement["received"] or _earliest(resumptions, asked, None)))
    return _joined(spans, ended_at=course.ended_at)


def _supplement_requests(standing: Sequence[Standing], supplements: Sequence[Mapping[str, Any]]) -> int:
    """Return how often a supplement was asked for, as entries or as statuses 5 tell, whichever tells of more.

    law: one request is allowed; the national index (QĐ 766/QĐ-TTg) counts a dossier with more as overdue.
    """
    statuses = [0, *(now.status for now in standing)]
    begun = sum(before != SUPPLEMENT == now for before, now in itertools.pairwise(statuses))
    return max(begun, len({supplement["requested"] for supplement in supplements}))


def _earliest(times: Iterable[str], after: str, known: str | None) -> str | None:
    return min((at for at in (*times, known) if at and at > after), default=known)


def _joined(spans: Iterable[Pause], *, ended_at: str | None) -> list[Pause]:
    joined: list[Pause] = []
    for span in sorted(spans, key=lambda span: (span.since, span.until or "~")):  # "~": after every instant
        until = min(filter(None, (span.until, ended_at)), default=None)
        if until is not None and until <= span.since:
            continue
        if joined and (joined[-1].until is None or joined[-1].until >= span.since):
            last = joined[-1]
            open_end = last.until is None or until is None
            joined[-1] = Pause(last.since, None if open_end else max(last.until or "", until or ""))
        else:
            joined.append(Pause(span.since, until))
    return joined


def _flag(course: Course, facts: Sequence[Fact], slots: Mapping[str, Sequence[Fact]]) -> None:
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
            if one["as_of"] == other["as_of"] and one["rank"] == other["rank"] and one["value"] != other["value"]:
                course.flags.add("possible_reversal")
    if course.ended_at and course.accepted_at and course.ended_at < course.accepted_at:
        course.flags.add("ended_before_accepted")
