"""Which facts only repeat what an earlier fact of their slot says. Pure.

The facts of a slot are in the order in which deadline folds them: (as_of, rank, heard, id). A fact is a repeat of an
earlier one of the same value, source and `why` where nothing between the two says otherwise. Whoever folds then finds
the same with it or without it, also in a view of what had happened, or had been heard, by some moment:
    the earlier one happened and was heard no later, so it is there wherever the repeat is
    it is tied with no other value (as_of and rank): which of two such came last is told by their receipt alone, and
        that there are two is flagged
    of a standing: no step of our own format began between them; deadline takes such a step for a status among the
        others, and the same status behind it is a new one
No other slot matters: what deadline reads of a slot beyond its newest value are the moments at which the value changed.
A mirror's facts and those of primary sources are two chains, as deadline never has both of a slot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from shared.events import Fact, Why
from shared.facts import order

STANDING, STEP = "standing", "step."  # the slot that steps break, and how the slots of our own format's steps begin


def repeats_in(chain: Iterable[Fact], *, breaks: Sequence[str] = ()) -> dict[str, Fact]:
    """Return by id, in order, the facts that are repeats, each with the first fact that says what it says.

    chain: facts of one slot, all of a mirror or none. breaks: when steps began.
    """
    ordered = sorted(chain, key=order)
    tied = {
        _time(one) for one, other in pairwise(ordered) if one["value"] != other["value"] and _time(one) == _time(other)
    }
    found: dict[str, Fact] = {}
    first: dict[tuple[str, Why | None], Fact] = {}
    before: Fact | None = None
    for fact in ordered:
        if before is not None and fact["value"] != before["value"]:
            first.clear()
        before = fact
        says = fact["source"], fact.get("why")
        head = first.get(says)
        if head is not None and _covers(head, fact, breaks) and _time(fact) not in tied:
            found[fact["id"]] = head
        else:
            first[says] = fact
    return found


def goes_on(new: Fact, before: Sequence[Fact], *, breaks: Sequence[str] = ()) -> bool:
    """Say whether a fact that is newer than a chain repeats the last one heard: the short way to what is usual."""
    last = before[-1]
    newest = [fact for fact in before if fact["as_of"] >= last["as_of"]]
    return (
        len(newest) == 1
        and last["as_of"] < new["as_of"]
        and (last["source"], last.get("why"), last["value"]) == (new["source"], new.get("why"), new["value"])
        and _covers(last, new, breaks)
    )


def chain_of(slot: Iterable[Fact], mirror: bool | None) -> list[Fact]:
    """Return those facts of a slot that mirrors told, or those that others did."""
    return [fact for fact in slot if fact.get("mirror") is mirror]


def steps_begun(facts: Iterable[Fact]) -> list[str]:
    """Return when steps of our own format began, by any word on them."""
    return [fact["at"] for fact in facts if fact["slot"].startswith(STEP)]


def _time(fact: Fact) -> tuple[str, int]:
    return fact["as_of"], fact["rank"]


def _covers(head: Fact, fact: Fact, breaks: Sequence[str]) -> bool:
    """Say whether a later fact with the value of `head` says nothing beside it."""
    if head["heard"] > fact["heard"] or head["at"] > fact["at"]:
        return False
    return not any(head["as_of"] <= at <= fact["as_of"] for at in breaks)
