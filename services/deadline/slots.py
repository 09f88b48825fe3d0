"""Facts by slot, in order, each once: what every fold begins with. Pure.

The facts of a slot are ordered by (as_of, rank of the status, heard, id). Where a primary source has spoken about a
slot, a mirror's facts serve reconciliation only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from shared.events import Fact
from shared.facts import order

Slots = Mapping[str, Sequence[Fact]]
TIMELESS = frozenset({"about", "slip", "digital"})  # what a dossier is like, whenever
PROMISES = TIMELESS | {"due"}  # they tell of no happening


def slots_of(facts: Iterable[Fact]) -> dict[str, list[Fact]]:
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
            slot.sort(key=order)
    return slots


def last_run(slot: Sequence[Fact]) -> Sequence[Fact]:
    """Return the newest facts of a slot, as far back as they say the same; intake keeps back repeats of the first."""
    first = len(slot) - 1
    while first > 0 and slot[first - 1]["value"] == slot[first]["value"]:
        first -= 1
    return slot[max(first, 0) :]


def happened(slots: Slots, *, until: str) -> dict[str, Sequence[Fact]]:
    """Leave out what had not happened by `until`; of due dates announced later, the first where none was known."""
    kept: dict[str, Sequence[Fact]] = {}
    for name, slot in slots.items():
        if name in TIMELESS:
            kept[name] = slot
        elif name == "due":
            kept[name] = [fact for fact in slot if fact["as_of"] <= until] or slot[:1]
        elif past := [_cut(fact, until) for fact in slot if fact["at"] <= until]:
            kept[name] = past
    return kept


def _cut(fact: Fact, until: str) -> Fact:
    """A supplement received later is not received yet, a pause that ends later lasts."""
    value = fact["value"]
    for end in ("received", "until") if isinstance(value, dict) else ():
        if (value.get(end) or "") > until:
            return {**fact, "value": {**value, end: None}}
    return fact
