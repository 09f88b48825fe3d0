"""What intake remembers of a dossier, and which new facts are worth saying. Pure.

While one value of a slot is known it is said once; when a second appears all held assertions are said; an assertion
older than any said is always said. So nobody downstream hears a fact a snapshot, and yet a due date that goes
D1 -> D2 -> D1 ends at D1 in any order of arrival.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.intake.facts import heard_earlier
from shared.events import Fact


@dataclass(slots=True)
class Memory:
    """All assertions heard of one dossier. unsaid: ids of those kept back."""

    raw_code: str
    facts: dict[str, Fact] = field(default_factory=dict)
    unsaid: set[str] = field(default_factory=set)

    def hear(self, new: Fact) -> list[Fact]:
        """Take an assertion in; returns the facts to say now."""
        known = self.facts.get(new["id"])
        if known is not None:
            return self._hear_again(known, heard=new["heard"])
        slot = [fact for fact in self.facts.values() if fact["slot"] == new["slot"]]
        self.facts[new["id"]] = new
        if not slot:
            return [new]
        if all(_same_value(fact, new) for fact in slot):
            if new["as_of"] < min(fact["as_of"] for fact in slot if fact["id"] not in self.unsaid):
                return [new]
            self.unsaid.add(new["id"])
            return []
        kept_back = [fact for fact in slot if fact["id"] in self.unsaid]
        self.unsaid.difference_update(fact["id"] for fact in kept_back)
        return [*kept_back, new]

    def _hear_again(self, known: Fact, *, heard: str) -> list[Fact]:
        if heard >= known["heard"]:
            return []
        known["heard"] = heard
        return [] if known["id"] in self.unsaid else [heard_earlier(known, heard=heard)]

    def document(self) -> dict[str, Any]:
        """Return what is stored."""
        return {"code": self.raw_code, "facts": list(self.facts.values()), "unsaid": sorted(self.unsaid)}

    @classmethod
    def of(cls, document: dict[str, Any]) -> Memory:
        return cls(document["code"], {fact["id"]: fact for fact in document["facts"]}, set(document["unsaid"]))


def _same_value(one: Fact, other: Fact) -> bool:
    """A second source speaking is worth saying, even where it says the same."""
    return bool(one["value"] == other["value"] and one["source"] == other["source"])
