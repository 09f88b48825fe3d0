"""What intake remembers of a dossier or a duty, and which new facts are worth saying. Pure.

While one value of a slot is known it is said once; when a second appears all held assertions are said; an assertion
older than any said, or heard earlier, is always said. So nobody downstream hears a fact a snapshot, and yet a due date
that goes D1 -> D2 -> D1 ends at D1 in any order of arrival.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.events import Fact

REVERSIBLE = frozenset({"filed", "accepted", "due"})  # where two values of one as_of are told apart by receipt alone
AGE: tuple[Literal["as_of", "heard"], ...] = ("as_of", "heard")


@dataclass(slots=True)
class Memory:
    """All assertions heard of one thing. unsaid: ids of those kept back. changed: there is something to store.

    known_as: the code of the dossier that this is another code of. tells_all: none is kept back any more, as which of
    them count is no longer known here alone. reversals: what stood, and what came and may turn it back.
    """

    raw_code: str
    facts: dict[str, Fact] = field(default_factory=dict)
    unsaid: set[str] = field(default_factory=set)
    changed: bool = False
    known_as: str | None = None
    tells_all: bool = False
    reversals: list[tuple[Fact, Fact]] = field(default_factory=list)

    def hear(self, new: Fact) -> list[Fact]:
        """Take an assertion in; returns the facts to say now."""
        known = self.facts.get(new["id"])
        if known is not None and (known["heard"], known["as_of"]) <= (new["heard"], new["as_of"]):
            return []
        self.facts[new["id"]] = new
        self.changed = True
        if known is not None and new["id"] not in self.unsaid:
            return [new]
        slot = [fact for fact in self.facts.values() if fact["slot"] == new["slot"] and fact is not new]
        if not all(_same_value(fact, new) for fact in slot):
            self._note_reversal(new, slot)
            kept_back = [fact for fact in slot if fact["id"] in self.unsaid]
            self.unsaid.difference_update(fact["id"] for fact in kept_back)
            return [*kept_back, new]
        if slot and not self.tells_all and not self._is_older(new, slot):
            self.unsaid.add(new["id"])
            return []
        self.unsaid.discard(new["id"])
        return [new]

    def _note_reversal(self, new: Fact, slot: Sequence[Fact]) -> None:
        """Note what only the order of receipt tells apart: a snapshot without a sending time may be an old one."""
        unheeded = new.get("mirror") and any(not fact.get("mirror") for fact in slot)
        if new["slot"] not in REVERSIBLE or unheeded:
            return
        tied = [
            fact
            for fact in slot
            if (fact["as_of"], fact["rank"], fact.get("mirror")) == (new["as_of"], new["rank"], new.get("mirror"))
        ]
        if tied:
            ordered = sorted([*tied, new], key=lambda fact: (fact["heard"], fact["id"]))
            at = ordered.index(new)
            pairs = [pair for pair in (ordered[max(at - 1, 0) : at + 1], ordered[at : at + 2]) if len(pair) == 2]
            self.reversals += [(stood, came) for stood, came in pairs if stood["value"] != came["value"]]

    def tell_all(self) -> list[Fact]:
        """Keep nothing back from now on; returns what was."""
        kept_back = [self.facts[id] for id in sorted(self.unsaid)]
        self.unsaid.clear()
        self.tells_all = self.changed = True
        return kept_back

    def _is_older(self, new: Fact, slot: Sequence[Fact]) -> bool:
        """Return whether `new` tells of an earlier knowledge, or was heard earlier, than anything said of its slot."""
        said = [fact for fact in slot if fact["id"] not in self.unsaid]
        return any(all(new[time] < fact[time] for fact in said) for time in AGE)

    def document(self) -> dict[str, Any]:
        """Return what is stored."""
        document: dict[str, Any] = {
            "code": self.raw_code,
            "facts": list(self.facts.values()),
            "unsaid": sorted(self.unsaid),
        }
        if self.tells_all:
            document |= {"known_as": self.known_as, "tells_all": True}
        return document

    @classmethod
    def of(cls, document: dict[str, Any]) -> Memory:
        return cls(
            document["code"],
            {fact["id"]: fact for fact in document["facts"]},
            set(document["unsaid"]),
            known_as=document.get("known_as"),
            tells_all=document.get("tells_all", False),
        )


def _same_value(one: Fact, other: Fact) -> bool:
    """A second source speaking is worth saying, even where it says the same."""
    return bool(one["value"] == other["value"] and one["source"] == other["source"])
