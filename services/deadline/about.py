"""What a dossier is like: its procedure, how it was handed in, and which unit answers for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from services.deadline.course import Course
from services.deadline.slots import Slots
from shared.codes import agency_of, short_agency
from shared.events import Fact


def describe(course: Course, slots: Slots, *, raw_code: str) -> None:
    """An empty member says nothing: the newest that is filled counts."""
    about = slots.get("about", ())
    known: dict[str, Any] = {}
    for fact in about:
        known.update({name: value for name, value in fact["value"].items() if value})
    runs = names(about)
    course.unit_said_on = (runs[-1].since if runs else about[0]["as_of"])[:10] if about else None
    course.procedure, course.field_name = known.get("procedure"), known.get("field")
    course.case, course.channel = known.get("case"), known.get("channel")
    course.unit_name = known.get("unit_name")
    named = short_agency(course.unit_name) if course.unit_name else None
    course.unit = named or agency_of(raw_code) or known.get("agency") or course.unit_name
    if transferred := _transferred_to(slots, runs):
        course.unit_name, course.unit_said_on = transferred["to"], transferred["at"][:10]
        course.unit = short_agency(course.unit_name) or course.unit_name  # no longer the agency at the head of the code
    for fact in slots.get("digital", ()):
        course.digitised = fact["value"].get("digitised", course.digitised)
        course.paid_online = fact["value"].get("paid_online", course.paid_online)


class Name(NamedTuple):
    """A unit as a source names it, and since when, without another name in between."""

    name: str
    since: str


def names(about: Sequence[Fact]) -> list[Name]:
    """Return the names that a matter's unit went by, in order.

    A name holds from when it was first said: intake keeps back what only says the same again, so when it was last said
    depends on the order of arrival.
    """
    runs: list[Name] = []
    for fact in about:
        name = fact["value"].get("unit_name")
        if name and (not runs or runs[-1].name != name):
            runs.append(Name(name, fact["as_of"]))
    return runs


def _transferred_to(slots: Slots, runs: Sequence[Name]) -> dict[str, Any] | None:
    """Return the last transfer, unless the source names a third unit since.

    A source that goes on naming the unit it named before does not undo a transfer; one that names the new unit bears
    it out.
    """
    moves: list[dict[str, Any]] = [slots[name][-1]["value"] for name in slots if name.startswith("transfer.")]
    if not moves:
        return None
    last = max(moves, key=lambda move: (move["at"], move["to"]))
    # the first name that is known holds from the beginning
    undone = len(runs) > 1 and runs[-1].since > last["at"] and runs[-1].name != last["to"]
    return None if undone else last
