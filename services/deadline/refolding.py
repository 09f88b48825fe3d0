"""Folding matters under their locks and saying what changed: for what is heard, and for a walk over open ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.deadline import said_store, store
from services.deadline.changes import changed, voided
from services.deadline.folding import Data, fold
from services.deadline.reference import Reference
from services.deadline.settings import DeadlineSettings
from services.deadline.store import Matter, Put
from shared.cloudevents import Outgoing, outgoing
from shared.events import DueChange, Obligation, ObligationChanged
from shared.instants import canonical

SETTINGS = DeadlineSettings()
TERMS = SETTINGS.terms()


async def refold(
    connection: AsyncConnection,
    fresh: Mapping[str, Sequence[Data]],
    traces: Mapping[str, str],
    *,
    known: Reference,
    now: datetime,
) -> list[Outgoing]:
    """Fold the matters touched from everything said of them, under their locks.

    fresh: what was said now. Of a matter not known before it is everything: what is said commits together with its
    obligation. Should a copy have added it meanwhile, its insert tells, and it goes round again under its lock.
    """
    events: list[Outgoing] = []
    waiting = set(fresh)
    while waiting:
        before = await store.lock_matters(connection, sorted(waiting))
        said: dict[str, Sequence[Data]] = {**await said_store.list_said(connection, sorted(before))}
        for id in waiting - before.keys():
            said[id] = fresh[id]
        done = await put_folded(connection, before, {id: said[id] for id in waiting}, traces, known=known, now=now)
        events += done.events
        waiting = done.waiting
    return events


class Done:
    """What came of folding. waiting: matters that another copy added meanwhile. moved: before and after, by id."""

    def __init__(self) -> None:
        self.events: list[Outgoing] = []
        self.waiting: set[str] = set()
        self.moved: list[tuple[Obligation, Obligation]] = []


async def put_folded(
    connection: AsyncConnection,
    before: Mapping[str, Matter],
    said: Mapping[str, Sequence[Data]],
    traces: Mapping[str, str],
    *,
    known: Reference,
    now: datetime,
    because: DueChange | None = None,
) -> Done:
    """Fold matters, store what changed of them and their parts, and return what there is to say.

    before: those known, under their locks. because: what moved due times, where it is no news of the matter.
    """
    today = known.on(canonical(now))
    groups = {id: [f.obligation for f in fold(id, said[id], known=today, terms=TERMS)] for id in said}
    parts = {id: [part["obligation_id"] for part in group[1:]] for id, group in groups.items()}
    gone = {id: set(matter.parts).difference(parts[id]) for id, matter in before.items() if matter.parts}
    old = {id: matter.obligation for id, matter in before.items()}
    old |= await _lock_parts(connection, [*parts.values(), *gone.values()])
    done, writes = Done(), _Writes(old)
    for id, group in groups.items():
        void = [voided(old[part], of=group[0], now=now) for part in sorted(gone.get(id, ())) if part in old]
        for new in (*group, *void):
            about = new["obligation_id"]
            own_parts = parts[id] if about == id else ()
            event = changed(old.get(about), new)
            if event is None and (about != id or own_parts == list(before[id].parts)):
                continue
            writes.add(new, event, id, Put(new, traces[id], own_parts))
    stored = await writes.carry_out(connection)
    for about, (new, event, matter) in writes.told.items():
        if about not in stored:
            done.waiting.add(matter)
        elif event:
            done.events.append(_say_once(event, new, old.get(about), now=now, trace=traces[matter], because=because))
            if about in old:
                done.moved.append((old[about], new))
    return done


class _Writes:
    """Obligations to write: known ones are updated, others inserted unless a copy was first."""

    def __init__(self, old: Mapping[str, Obligation]) -> None:
        self._old = old
        self._updates: list[Put] = []
        self._inserts: list[Put] = []
        self.told: dict[str, tuple[Obligation, type[ObligationChanged] | None, str]] = {}

    def add(self, new: Obligation, event: type[ObligationChanged] | None, matter: str, put: Put) -> None:
        new["revision"] += event is not None
        self.told[new["obligation_id"]] = new, event, matter
        (self._updates if new["obligation_id"] in self._old else self._inserts).append(put)

    async def carry_out(self, connection: AsyncConnection) -> set[str]:
        """Write; returns the ids that are stored now.

        Of a matter that another copy added meanwhile no part is inserted: what parts there are is for the next round.
        """
        await store.put_obligations(connection, self._updates)
        stored = {put.obligation["obligation_id"] for put in self._updates}
        stored |= await store.add_obligations(connection, [p for p in self._inserts if p.obligation["parent"] is None])
        known = stored | self._old.keys()
        parts = [put for put in self._inserts if put.obligation["parent"] in known]
        return stored | await store.add_obligations(connection, parts)


async def _lock_parts(connection: AsyncConnection, groups: Sequence[Collection[str]]) -> dict[str, Obligation]:
    ids = sorted({id for group in groups for id in group})
    return await store.lock_obligations(connection, ids) if ids else {}


def _say_once(
    event: type[ObligationChanged],
    new: Obligation,
    old: Obligation | None,
    *,
    now: datetime,
    trace: str,
    because: DueChange | None,
) -> Outgoing:
    """Say the event; which reference data moved a due time stands in it alone, not in the state that is kept."""
    if because and old and old["due_at"] != new["due_at"]:
        return say(event, {**new, "because": because}, now=now, trace=trace)
    return say(event, new, now=now, trace=trace)


def say(
    event: type[ObligationChanged], obligation: Obligation, *, now: datetime, trace: str, again: int | None = None
) -> Outgoing:
    """Return the event with the whole state; its id is the obligation's revision. again: which time it is repeated."""
    about = obligation["obligation_id"]
    id = f"{about}:{obligation['revision']}" if again is None else f"{about}:{obligation['revision']}:again:{again}"
    return outgoing(event, id=id, about=about, time=now, data=obligation, trace=trace)
