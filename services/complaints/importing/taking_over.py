"""Takes records of the portal over: files those that are new, then lets each newer state act, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import acting, origins, reference, store
from services.complaints.asking import Desk
from services.complaints.case import ActError
from services.complaints.filing import Filing
from services.complaints.importing import moving
from services.complaints.importing.portal import Record, State
from services.complaints.officers import PORTAL
from services.complaints.origins import Origin
from services.complaints.store import Feedback, Step
from shared.cloudevents import Outgoing
from shared.service import Running

Did = Literal["changed", "unchanged", "older", "refused"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a record. at: its place in the list. filed: it was not known before. why: of a refusal."""

    at: int
    ref: str | None
    code: str | None
    did: Did
    filed: bool = False
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A record that fits its shape. at: its place in the list. origin: of its number."""

    at: int
    record: Record
    state: State
    origin: Origin

    @property
    def order(self) -> tuple[datetime, int]:
        return self.record.updated_at, self.state.rank


async def take_over(
    running: Running, desk: Desk, placed: Sequence[Placed], *, headers: Mapping[str, str]
) -> list[Outcome]:
    """Return what became of each, in the order given. raises: DBAPIError, OSError, TimeoutError - send all again."""
    filed = await _file_new(running, desk, placed, headers=dict(headers))
    outcomes: dict[int, Outcome] = {}
    for one in sorted(placed, key=lambda one: one.order):
        new = filed.get(one.record.ref) == one.at
        outcomes[one.at] = await _take(running, desk, one, new=new, headers=headers)
    return [outcomes[one.at] for one in placed]


async def _file_new(
    running: Running, desk: Desk, placed: Sequence[Placed], *, headers: dict[str, str]
) -> dict[str, int]:
    """File what is not known yet; return the place of the record that was filed, by number."""
    async with running.engine.connect() as connection:
        known = await origins.find(connection, {one.origin for one in placed})
    new: dict[str, Placed] = {}
    for one in sorted(placed, key=lambda one: one.order):
        if one.record.text and one.origin not in known:
            new.setdefault(one.record.ref, one)
    calls = (
        desk.taking.file(_filing(one), source=PORTAL, at=one.record.filed_at, origin=one.origin, headers=headers)
        for one in new.values()
    )
    filed = await asyncio.gather(*calls)
    return {ref: one.at for (ref, one), outcome in zip(new.items(), filed, strict=True) if outcome.is_new}


def _filing(one: Placed) -> Filing:
    """Return what to file. The unit of a transfer is who gets it, not whom it is about."""
    record = one.record
    about = None if one.state.meaning == "transferred" else record.unit
    return Filing(text=record.text or "", unit=about, place=record.place, dossier=record.dossier)


async def _take(running: Running, desk: Desk, one: Placed, *, new: bool, headers: Mapping[str, str]) -> Outcome:
    did: list[tuple[str | None, Did]] = []

    async def take(connection: AsyncConnection) -> list[Outgoing]:
        known = (await origins.find(connection, [one.origin], lock=True)).get(one.origin)
        if known is None:
            raise ActError("text: it is not known here yet, so its words are needed")
        did.append((known.code, "unchanged"))
        if known.as_of and (known.as_of, known.rank) >= one.order:
            did.append((known.code, "unchanged" if (known.as_of, known.rank) == one.order else "older"))
            return []
        feedback = await store.find(connection, known.code, lock=True)
        assert feedback is not None
        changed, events = await _act(connection, desk, feedback, one, headers=headers)
        await origins.note(connection, one.origin, as_of=one.record.updated_at, rank=one.state.rank)
        did.append((known.code, "changed" if changed else "unchanged"))
        return events

    try:
        await running.commit(take, cause="request")
    except ActError as error:
        code = did[-1][0] if did else None
        return Outcome(one.at, one.record.ref, code, "refused", new, str(error))
    code, what = did[-1]
    return Outcome(one.at, one.record.ref, code, what, new)


async def _act(
    connection: AsyncConnection, desk: Desk, feedback: Feedback, one: Placed, *, headers: Mapping[str, str]
) -> tuple[bool, list[Outgoing]]:
    if feedback.case.restricted:
        return await _only_noted(connection, desk, feedback, one), []
    units = await reference.units(connection)
    act = moving.act_of(one.state.meaning, one.record, feedback, desk.office, units)
    if act is None:
        return False, []
    after, events = await acting.by_source(
        connection, desk.office, feedback, act, source=PORTAL, at=one.record.updated_at, headers=headers
    )
    return after.revision > feedback.revision, events


async def _only_noted(connection: AsyncConnection, desk: Desk, feedback: Feedback, one: Placed) -> bool:
    """Write what the portal says into the history and nowhere else: inspectors alone act on what is restricted.

    What is returned does not tell it from one in the open that no officer has decided.
    """
    if one.state.meaning in ("none", "received"):
        return False
    if one.state.meaning in ("answered", "published"):
        raise ActError(moving.UNDECIDED)
    said: list[Any] = [one.state.name, one.record.asked, one.record.reason]
    case = feedback.case
    note = desk.office.note(case.code, feedback.revision, "\n".join(filter(None, said)), kept=True)
    at = max(one.record.updated_at, case.filed_at)
    await store.add_steps(connection, [Step(case.code, feedback.revision, at, PORTAL, PORTAL, case.handler, note)])
    return True
