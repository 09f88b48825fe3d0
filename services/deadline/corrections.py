"""What people and intake say of facts themselves: that one no longer counts, stands, or belongs elsewhere. Pure.

A retraction names a fact by its id; it may be of a retraction, which restores. `same_as` says that what was said under
one code (`name`) is of another `dossier`, or no longer; of each name the highest revision counts. All depends on the
set of facts alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from shared.events import Fact

SAME, RETRACTED, STANDS = "same_as", "retracted.", "stands."
MARKS = (SAME, RETRACTED, STANDS)


@dataclass(frozen=True, slots=True)
class Corrected:
    """What counts of everything said under one code.

    facts: that count. all: those said of the thing itself, retracted ones with them. retracted: each with what
    retracts it. stands: ids that are no reversal. joined: other codes of this dossier. part_of: what says that this
    code is of another dossier.
    """

    facts: Sequence[Fact]
    all: Sequence[Fact]
    retracted: Sequence[tuple[Fact, Fact]] = ()
    stands: Collection[str] = ()
    joined: Sequence[str] = ()
    part_of: Fact | None = None


def corrected(key: str, facts: Iterable[Fact]) -> Corrected:
    """Return what counts of what was said under `key`, a dossier's code or a duty's id."""
    facts = list(facts)
    marks = {fact["id"]: fact for fact in facts if fact["slot"].startswith(MARKS)}
    if not marks:
        return Corrected(facts, facts)
    valid = _valid(marks.values())
    names = _newest_of_names(marks.values())
    apart = {name for name, fact in names.items() if not fact["value"]["same"]}
    said = [fact for fact in facts if fact["id"] not in marks]
    kept = [fact for fact in said if fact.get("said_of") not in apart]
    own = names.get(key)
    return Corrected(
        facts=[fact for fact in kept if fact["id"] not in valid],
        all=said or list(marks.values()),
        retracted=sorted(
            ((fact, valid[fact["id"]]) for fact in {fact["id"]: fact for fact in kept}.values() if fact["id"] in valid),
            key=lambda pair: (pair[1]["at"], pair[0]["id"]),
        ),
        stands={
            fact["value"]["id"]
            for fact in marks.values()
            if fact["slot"].startswith(STANDS) and fact["id"] not in valid
        },
        joined=sorted(names.keys() - apart - {key}),
        part_of=own if own and own["value"]["same"] else None,
    )


def _valid(marks: Iterable[Fact]) -> dict[str, Fact]:
    """Return by fact the last retraction of it that is not itself retracted."""
    of: dict[str, list[Fact]] = defaultdict(list)
    for mark in marks:
        if mark["slot"].startswith(RETRACTED):
            of[mark["value"]["id"]].append(mark)

    @cache
    def counts(id: str) -> bool:
        return not any(counts(mark["id"]) for mark in of.get(id, ()))

    valid = {id: [mark for mark in by if counts(mark["id"])] for id, by in of.items()}
    return {id: max(by, key=lambda mark: (mark["at"], mark["id"])) for id, by in valid.items() if by}


def _newest_of_names(marks: Iterable[Fact]) -> dict[str, Fact]:
    newest: dict[str, Fact] = {}
    for mark in marks:
        if mark["slot"] == SAME:
            name = mark["value"]["name"]
            if name not in newest or mark["rank"] > newest[name]["rank"]:
                newest[name] = mark
    return newest


def told(of: Corrected | None) -> Mapping[str, Any] | None:
    """Return the corrections as data, for those who ask why; None where there are none."""
    if of is None or not (of.part_of or of.joined or of.retracted):
        return None
    return {
        "part_of": of.part_of["value"]["dossier"] if of.part_of else None,
        "joined": list(of.joined),
        "retracted": [
            {
                "slot": fact["slot"],
                "value": fact["value"],
                "said_by": fact["source"],
                "retracted_by": mark["value"]["by"],
                "retracted_at": mark["at"],
                "reason": mark["value"]["reason"],
            }
            for fact, mark in of.retracted
        ],
    }
