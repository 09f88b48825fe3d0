"""Facts about facts: that one is retracted or stands; and under which code a dossier goes that has several. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.intake.facts import Assertion, fact_of
from shared.codes import agency_of
from shared.events import Fact

SAME, RETRACTED, STANDS = "same_as", "retracted.", "stands."
MARKS = (RETRACTED, STANDS)  # slots of what is remembered beside the facts it is said of
NAMES_AT_MOST = 10  # codes of one dossier; more is a word that means nothing, such as "none"
MARKS_AT_MOST = 200  # of one kind, of one thing, before one more is made; that may take back many repeats at once
OPERATOR = "operator"  # the source of what people say


@dataclass(frozen=True, slots=True)
class Said:
    """Why somebody puts something right. at: canonical."""

    reason: str
    by: str
    at: str


def mark(key: str, slot: str, id: str, why: Said) -> Fact:
    """Return the fact that another fact, `id`, is retracted or stands."""
    said = Assertion(f"{slot}{id}", {"id": id, "reason": why.reason, "by": why.by}, why.at, why.at, 0)
    return fact_of(key, said, name=said, heard=why.at, source=OPERATOR, mirror=False)


def retracted(facts: Iterable[Fact]) -> dict[str, Fact]:
    """Return by id of a fact the retraction of it that counts: that is itself not retracted."""
    of: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact["slot"].startswith(RETRACTED):
            of[fact["value"]["id"]].append(fact)

    def counting(id: str) -> list[Fact]:
        return [one for one in of.get(id, ()) if not counting(one["id"])]

    return {id: valid[-1] for id in of if (valid := counting(id))}


def groups_of(links: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Return for every linked key all those that are one dossier with it, itself among them."""
    groups: dict[str, set[str]] = {}
    for one, other in links:
        add_link(groups, one, other)
    return groups


def add_link(groups: dict[str, set[str]], one: str, other: str) -> None:
    """Make one group of the two that keys belong to."""
    joined = groups.get(one, {one}) | groups.get(other, {other})
    groups |= dict.fromkeys(joined, joined)


def dossiers_of(links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return for every linked key that of the dossier it belongs to."""
    return {key: goes_by(group) for key, group in groups_of(links).items()}


def goes_by(group: Iterable[str]) -> str:
    """Return the key by which a dossier of several goes.

    The code shaped as the portal's goes before others, among equals the smaller one.
    """
    return min(group, key=lambda name: (agency_of(name) is None, name))


def same(name: str, dossier: str, *, holds: bool, revision: int, at: str) -> Fact:
    """Return the fact that what is said under `name` is of `dossier`, or no longer. revision: the highest counts."""
    said = Assertion(SAME, {"name": name, "dossier": dossier, "same": holds}, at, at, revision)
    return fact_of(name, said, name=said, heard=at, source=OPERATOR, mirror=False)


def moves(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return each name whose dossier changed, with the one before and the one after."""
    names = sorted(before.keys() | after.keys())
    changed = [(name, before.get(name, name), after.get(name, name)) for name in names]
    return [move for move in changed if move[1] != move[2]]


def shown(fact: Fact, *, gone: Mapping[str, Fact], said: bool) -> dict[str, Any]:
    """Return a fact as an operator sees it. said: it was told to the other programs, else it says nothing new."""
    by = gone.get(fact["id"])
    return {**fact, "said": said, "retracted": by["value"] | {"at": by["at"], "fact": by["id"]} if by else None}


def like(fact: Fact, others: Iterable[Fact]) -> Sequence[Fact]:
    """Return the others that say the same of the same slot, whoever says it and whenever."""
    return [
        one
        for one in others
        if one["slot"] == fact["slot"] and one["value"] == fact["value"] and one["id"] != fact["id"]
    ]
