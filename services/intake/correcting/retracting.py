"""An operator's word on facts: which there are, that one does not count, that one stands.

A retraction is a fact too: it goes out as any other, and retracting it restores what it took away. Said again by its
source with the same content a retracted fact has the same id and stays retracted; with a new time it is a new fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake import store
from services.intake.correcting import linking, marks
from services.intake.correcting import store as links_store
from services.intake.correcting.marks import RETRACTED, STANDS, Said
from services.intake.correcting.store import Link
from services.intake.facts import key_of
from services.intake.memory import Memory
from services.intake.oversight.stating import RECORD
from services.intake.saying import dossier_said, duty_said
from shared.cloudevents import Outgoing
from shared.events import DutyKind, Fact

# by the first word of a duty's key; what is owed of a finding is a report on it
DUTIES: Mapping[str, DutyKind] = {**{kind: kind for kind in get_args(DutyKind)}, "finding": "report"}


class CannotError(Exception):
    """What is asked cannot be done; says why. unknown: what it is about does not exist."""

    def __init__(self, why: str, *, unknown: bool = False) -> None:
        super().__init__(why)
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class Known:
    """Everything remembered of a dossier or duty: by each of its codes, and the links between them. key: it goes by."""

    key: str
    memories: Mapping[str, Memory]
    links: Sequence[Link]

    def facts(self) -> list[Fact]:
        return [fact for memory in self.memories.values() for fact in memory.facts.values()]

    def told_again(self, facts: Iterable[Fact]) -> list[str]:
        """Return the ids of what was told and only repeats `facts`, and is remembered no more."""
        ids = [fact["id"] for fact in facts]
        return [id for memory in self.memories.values() for id in memory.told_again(ids)]

    def gone(self) -> dict[str, Fact]:
        """Return by id of a fact what retracts it."""
        of_links = {link.fact["id"]: link.retraction for link in self.links if link.retraction}
        return marks.retracted(self.facts()) | of_links


async def find(connection: AsyncConnection, code: str) -> Known:
    """Lock and return all that is remembered of a dossier, by any of its codes, or of a duty (`report/<id>`).

    raises: CannotError - nothing was ever heard of it.
    """
    key = code if code.split("/")[0] in DUTIES else key_of(code)
    links = await links_store.list_links(connection, [key])
    joined = marks.dossiers_of((link.one, link.other) for link in links if link.retraction is None)
    names = [name for name, dossier in joined.items() if dossier == joined.get(key, key)] or [key]
    memories = await store.lock_things(connection, sorted(names))
    if not memories:
        raise CannotError(f"nothing was ever heard of {code}", unknown=True)
    return Known(joined.get(key, key), memories, [link for link in links if {link.one, link.other} & set(names)])


def listed(known: Known) -> dict[str, Any]:
    """Return the facts as an operator sees them, in the order in which they became known."""
    gone, shown = known.gone(), []
    for name, memory in known.memories.items():
        of = {"said_of": name} if len(known.memories) > 1 else {}
        shown += [
            {**of, **marks.shown(fact, gone=gone, said=fact["id"] not in memory.unsaid)}
            for fact in memory.facts.values()
        ]
    shown += [marks.shown(link.fact, gone=gone, said=True) for link in known.links]
    shown += [marks.shown(link.retraction, gone=gone, said=True) for link in known.links if link.retraction]
    shown.sort(key=lambda fact: (fact["heard"], fact["as_of"], fact["slot"], fact["id"]))
    return {"dossier": known.key, "codes": sorted(known.memories), "facts": shown}


@dataclass(frozen=True, slots=True)
class Retracting:
    """What a retraction does.

    facts: those it takes away. already: it was so before. still: how many others say the same.
    """

    facts: Sequence[Fact]
    already: bool
    still: int
    events: Sequence[Outgoing]


async def retract(
    connection: AsyncConnection, code: str, id: str, why: Said, *, every: bool, at: datetime, dry_run: bool
) -> Retracting:
    """Retract a fact. every: also the others that say the same of the same slot. raises: CannotError."""
    await links_store.lock_links(connection)
    known = await find(connection, code)
    gone = known.gone()
    of_link = next((one for one in known.links if id in (one.fact["id"], (one.retraction or one.fact)["id"])), None)
    if of_link:
        return await _retract_link(connection, of_link, id, why, at=at, dry_run=dry_run)
    facts = {fact["id"]: fact for fact in known.facts()}
    if id not in facts:
        raise CannotError(f"{code} has no fact {id}; see `dondoc fact list`", unknown=True)
    if facts[id]["slot"] == RECORD:
        raise CannotError("a record of oversight is put right by saying it again; see `dondoc oversight load`")
    like = marks.like(facts[id], facts.values())
    alike = [fact for fact in like if fact["id"] not in gone]
    again = [one for one in known.told_again([facts[id], *like]) if one not in gone]
    taken = [facts[id], *(alike if every else ())]
    fresh = [fact for fact in taken if fact["id"] not in gone]
    still = 0 if every else len(alike) + len(again)
    ids = [*(fact["id"] for fact in fresh), *(again if every else ())]
    if dry_run or not ids:
        return Retracting(fresh or taken, not ids, still, ())
    events = await _put_marks(connection, known, RETRACTED, ids, why, at=at)
    settled = {"reason": why.reason, "by": why.by, "at": why.at}
    await links_store.settle_reversals(connection, ids, state="retracted", settled=settled)
    return Retracting(fresh, False, still, events)


async def let_stand(connection: AsyncConnection, reversal: int, why: Said, *, at: datetime) -> list[Outgoing]:
    """Let what came stand beside what stood; one that is settled stays so. raises: CannotError."""
    await links_store.lock_links(connection)
    found = await links_store.find_reversal(connection, reversal)
    if found is None:
        raise CannotError(f"there is no reversal {reversal}; see `dondoc fact reversals`", unknown=True)
    key, came, state = found
    if state != "open":
        return []
    known = await find(connection, key)
    settled = {"reason": why.reason, "by": why.by, "at": why.at}
    await links_store.settle_reversals(connection, [came], state="stands", settled=settled)
    return await _put_marks(connection, known, STANDS, [came], why, at=at)


async def _put_marks(
    connection: AsyncConnection, known: Known, slot: str, ids: Sequence[str], why: Said, *, at: datetime
) -> list[Outgoing]:
    """Remember marks beside the facts they are of, and say them with what was kept back: it may count now."""
    events: list[Outgoing] = []
    changed: dict[str, Memory] = {}
    for name, memory in known.memories.items():
        made = [marks.mark(name, slot, id, why) for id in ids if memory.knows(id)]
        if not made:
            continue
        if sum(fact["slot"].startswith(slot) for fact in memory.facts.values()) >= marks.MARKS_AT_MOST:
            raise CannotError(f"{name} has {marks.MARKS_AT_MOST} such corrections already")
        said = [*memory.tell_all(), *made]
        memory.facts |= {fact["id"]: fact for fact in made}
        changed[name] = memory
        events += _said(known, name, said, at=at)
    await store.put_things(connection, changed)
    return events


def _said(known: Known, name: str, facts: Sequence[Fact], *, at: datetime) -> list[Outgoing]:
    kind, _, id = name.partition("/")
    if kind in DUTIES:
        return duty_said(id, DUTIES[kind], [fact for fact in facts if fact["slot"] != RECORD], at=at)
    return dossier_said(known.key, known.memories[known.key].raw_code, facts, at=at, said_of=name)


async def _retract_link(
    connection: AsyncConnection, link: Link, id: str, why: Said, *, at: datetime, dry_run: bool
) -> Retracting:
    """Take a link back, or its retraction: then it holds again."""
    is_link = id == link.fact["id"]
    fact = link.fact if is_link or link.retraction is None else link.retraction
    already = is_link and link.retraction is not None
    if dry_run or already:
        return Retracting([fact], already, 0, ())
    retraction = marks.mark(link.one, RETRACTED, id, why) if is_link else None
    try:
        return Retracting([fact], False, 0, await linking.part(connection, link, retraction, at=at))
    except linking.TooManyCodesError as error:
        raise CannotError(str(error)) from error
