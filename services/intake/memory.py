"""What intake remembers of a dossier or a duty, and which new facts are worth saying. Pure.

A repeat (repeats.py) is kept back, and said once something contradicts it: a due date that goes D1 -> D2 -> D1 ends at
D1 in any order of arrival, and a dossier sent again each night says nothing. Deadline's fold finds what it would find
had every assertion been told.

Of the repeats of one fact only the newest KEPT are remembered, so that a row does not grow with the nights. This gives
up one thing: of a contradiction that comes after KEPT newer repeats of what it contradicts, the return to the old value
is dated by the oldest repeat still remembered behind it. A forgotten repeat that is heard again is a repeat again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.intake.repeats import STANDING, STEP, chain_of, goes_on, repeats_in, steps_begun
from shared.events import Fact

REVERSIBLE = frozenset({"filed", "accepted", "due"})  # where two values of one as_of are told apart by receipt alone
KEPT = 8  # repeats of one fact: a week of nights and one
STRIDE = 4  # facts of a slot are looked through for old repeats each time so many came


@dataclass(slots=True)
class Forgotten:
    """Repeats of a fact that are remembered no more. since, until: how new they were. said: ids of those once told."""

    since: str
    until: str
    said: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Memory:
    """The assertions heard of one thing. unsaid: ids of those kept back. changed: there is something to store.

    known_as: the code of the dossier that this is another code of. tells_all: none is kept back any more, as which of
    them count is no longer known here alone. reversals: what stood, and what came and may turn it back. forgotten: by
    the id of the fact that is repeated.
    """

    raw_code: str
    facts: dict[str, Fact] = field(default_factory=dict)
    unsaid: set[str] = field(default_factory=set)
    changed: bool = False
    known_as: str | None = None
    tells_all: bool = False
    reversals: list[tuple[Fact, Fact]] = field(default_factory=list)
    forgotten: dict[str, Forgotten] = field(default_factory=dict)

    def hear(self, new: Fact) -> list[Fact]:
        """Take an assertion in; returns the facts to say now."""
        known = self.facts.get(new["id"])
        if known is not None and (known["heard"], known["as_of"]) <= (new["heard"], new["as_of"]):
            return []
        if known is None and self.forgotten and self._is_forgotten(new):
            return []
        was_said = known is not None and new["id"] not in self.unsaid
        slot = [fact for fact in self.facts.values() if fact["slot"] == new["slot"] and fact is not known]
        if slot and not was_said and new["slot"] in REVERSIBLE:
            self._note_reversal(new, slot)
        before = len(self.facts)
        self.facts[new["id"]] = new
        if len(slot) % STRIDE and not self.tells_all and not was_said and self._goes_on(new, slot):
            self.unsaid.add(new["id"])
            self.changed = True
            return []
        if self.tells_all or not (slot or new["slot"].startswith(STEP)):
            self.unsaid.discard(new["id"])
            self.changed = True
            return [new]
        if not was_said:
            self.unsaid.add(new["id"])
        said = self._settle([*slot, new], mirror=new.get("mirror"))
        if new["slot"].startswith(STEP):
            standing = [fact for fact in self.facts.values() if fact["slot"] == STANDING]
            said += self._settle(standing, mirror=None) + self._settle(standing, mirror=True)
        self.changed |= bool(said) or new["id"] in self.facts or len(self.facts) != before
        return [*said, new] if was_said else said

    def _goes_on(self, new: Fact, slot: Sequence[Fact]) -> bool:
        """Say whether `new` only repeats the fact before it, and so changes nothing for any other."""
        before = chain_of(slot, new.get("mirror"))
        return bool(before) and goes_on(new, before, breaks=self._breaks(new["slot"]))

    def _breaks(self, slot: str) -> Sequence[str]:
        return steps_begun(self.facts.values()) if slot == STANDING else ()

    def _settle(self, slot: Sequence[Fact], *, mirror: bool | None) -> list[Fact]:
        """Return what is to be said now of those kept back, and forget old repeats. mirror: which chain of the slot."""
        chain = chain_of(slot, mirror)
        repeats = repeats_in(chain, breaks=self._breaks(chain[0]["slot"])) if chain else {}
        said = [fact for fact in chain if fact["id"] in self.unsaid and fact["id"] not in repeats]
        self.unsaid.difference_update(fact["id"] for fact in said)
        if len(repeats) > KEPT:
            self._forget(repeats)
        return said

    def _forget(self, repeats: Mapping[str, Fact]) -> None:
        """Forget all but the newest repeats of each fact. repeats: in order, each with what it repeats."""
        of: dict[str, list[str]] = {}
        for id, head in repeats.items():
            of.setdefault(head["id"], []).append(id)
        for head_id, ids in of.items():
            for id in ids[:-KEPT]:
                fact, more = self.facts.pop(id), self.forgotten.pop(id, None)
                gone = self.forgotten.setdefault(head_id, Forgotten(fact["as_of"], fact["as_of"]))
                times = [fact["as_of"], gone.since, gone.until]
                if id in self.unsaid:
                    self.unsaid.discard(id)
                else:
                    gone.said.append(id)
                if more:
                    times += [more.since, more.until]
                    gone.said += more.said
                self.changed |= (gone.since, gone.until) != (min(times), max(times))
                gone.since, gone.until = min(times), max(times)

    def _is_forgotten(self, new: Fact) -> bool:
        """Say whether `new` was told before; where nothing is kept back any more, whether it was a repeat at all."""
        if any(new["id"] in gone.said for gone in self.forgotten.values()):
            return True
        if not self.tells_all:
            return False
        slot = [fact for fact in self.facts.values() if fact["slot"] == new["slot"]]
        chain = [*chain_of(slot, new.get("mirror")), new]
        head = repeats_in(chain, breaks=self._breaks(new["slot"])).get(new["id"])
        gone = self.forgotten.get(head["id"]) if head else None
        return gone is not None and gone.since <= new["as_of"] <= gone.until

    def told_again(self, ids: Iterable[str]) -> list[str]:
        """Return the ids of forgotten facts that were told and repeat any of `ids`."""
        return [id for head in ids if head in self.forgotten for id in self.forgotten[head].said]

    def knows(self, id: str) -> bool:
        """Say whether a fact was told or is remembered."""
        return id in self.facts or any(id in gone.said for gone in self.forgotten.values())

    def _note_reversal(self, new: Fact, slot: Sequence[Fact]) -> None:
        """Note what only the order of receipt tells apart: a snapshot without a sending time may be an old one."""
        if new.get("mirror") and any(not fact.get("mirror") for fact in slot):
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

    def document(self) -> dict[str, Any]:
        """Return what is stored."""
        document: dict[str, Any] = {
            "code": self.raw_code,
            "facts": list(self.facts.values()),
            "unsaid": sorted(self.unsaid),
        }
        if self.forgotten:
            document["forgotten"] = {id: [gone.since, gone.until, gone.said] for id, gone in self.forgotten.items()}
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
            forgotten={id: Forgotten(*gone) for id, gone in document.get("forgotten", {}).items()},
        )
