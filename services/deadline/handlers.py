"""What deadline does with what it hears: store it, fold what it touches, announce what changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.deadline import answer, dossier, limits, store
from services.deadline.changes import changed, fire
from services.deadline.course import Course, obligation_of
from services.deadline.settings import DeadlineSettings
from services.deadline.store import Said
from shared import metrics, quarantine
from shared.bus import Received
from shared.cloudevents import Outgoing, decode, outgoing
from shared.events import ComplaintChanged, DossierSaid, Obligation, ObligationChanged
from shared.instants import canonical
from shared.service import Heard
from shared.worktime import vietnam

NEAR = timedelta(hours=DeadlineSettings().near_hours)
SWEEP_LIMIT = 1000  # one atomic batch of the stream

Data = Mapping[str, Any]  # the `data` of an event heard


async def follow_dossiers(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Add what was said of dossiers, fold those it touches, announce what changed.

    hears: intake.dossier_said.v1. says: every DEADLINE event but near and passed.
    repeats: harmless - the same event has the same id, and the fold is over a set of facts.
    raises: nothing of its own; past the calendar's end an obligation is flagged `calendar_unknown`.
    """
    return await _follow(connection, heard, _of_dossier)


async def follow_complaints(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Add what was said of citizens' feedback: an answer is owed like anything else.

    hears: complaints.*. says: as `follow_dossiers`. repeats: harmless, the newest revision counts.
    """
    return await _follow(connection, heard, _of_complaint)


def _of_dossier(body: bytes) -> tuple[str, Data, str]:
    event = decode(DossierSaid, body)
    data = {"raw_code": event.data.raw_code, "facts": event.data.facts}
    return f"dossier/{event.subject}", data, event.traceparent


def _of_complaint(body: bytes) -> tuple[str, Data, str]:
    event = decode(ComplaintChanged, body)
    return f"answer/{event.subject}", event.data.model_dump(mode="json"), event.traceparent


async def _follow(
    connection: AsyncConnection, heard: Heard, read: Callable[[bytes], tuple[str, Data, str]]
) -> list[Outgoing]:
    said: list[Said] = []
    fresh: dict[str, list[Data]] = defaultdict(list)
    traces: dict[str, str] = {}
    refused: list[quarantine.Entry] = []
    for message in heard.messages:
        try:
            id, data, trace = read(message.data)
            said.append(Said(id, message.headers["Nats-Msg-Id"], message.data))
            fresh[id].append(data)
            traces[id] = trace
        except (ValidationError, KeyError) as error:
            refused.append(_refusal(message, error, now=heard.now))
    await quarantine.add(connection, "deadline", refused)
    if not said:
        return []
    touched = await store.add_said(connection, said)
    return await _refold(connection, {id: fresh[id] for id in touched}, traces, now=heard.now)


def _refusal(message: Received, error: Exception, *, now: datetime) -> quarantine.Entry:
    detail = f"{error.error_count()} places" if isinstance(error, ValidationError) else "no Nats-Msg-Id"
    origin = f"{message.stream}/{message.sequence}"
    return quarantine.Entry(message.stream, "not_an_event", detail, origin, now, message.data)


async def _refold(
    connection: AsyncConnection, fresh: Mapping[str, Sequence[Data]], traces: Mapping[str, str], *, now: datetime
) -> list[Outgoing]:
    """Fold the obligations touched from everything said of them, under their locks.

    fresh: what was said now. Of an obligation not known before it is everything: what is said commits together with
    its obligation. Should a copy have added it meanwhile, its insert tells, and it goes round again under its lock.
    """
    events: list[Outgoing] = []
    waiting = set(fresh)
    while waiting:
        before = await store.lock_obligations(connection, sorted(waiting))
        said = await store.list_said(connection, sorted(before))
        after = {id: folded for id in waiting if (folded := fold(id, said[id] if id in before else fresh[id]))}
        told = {id: event for id, new in after.items() if (event := changed(before.get(id), new))}
        for id in told:
            after[id]["revision"] += 1
        await store.put_obligations(connection, [after[id] for id in told if id in before], traces)
        stored = await store.add_obligations(connection, [after[id] for id in told if id not in before], traces)
        settled = {id for id in told if id in before or id in stored}
        events += [say(told[id], after[id], now=now, trace=traces[id]) for id in sorted(settled)]
        waiting = {id for id in told if id not in settled}
    return events


def fold(id: str, said: Sequence[Data], *, until: str | None = None) -> Obligation | None:
    """Return the obligation that everything said of it makes."""
    course = course_of(id, said, until=until)
    return obligation_of(course, calendar=vietnam(), near=NEAR) if course else None


def course_of(id: str, said: Sequence[Data], *, until: str | None) -> Course | None:
    kind, subject = id.split("/", 1)
    if kind == "answer":
        return answer.fold(subject, said, until=until)
    facts = [fact for data in said for fact in data["facts"]]
    raw_code = min(data["raw_code"] for data in said)
    return dossier.fold(subject, raw_code, facts, limits=limits.carried(), until=until)


def say(event: type[ObligationChanged], obligation: Obligation, *, now: datetime, trace: str) -> Outgoing:
    """Return the event with the whole state; its id is the obligation's revision."""
    id = obligation["obligation_id"]
    return outgoing(event, id=f"{id}:{obligation['revision']}", about=id, time=now, data=obligation, trace=trace)


async def observe(connection: AsyncConnection, now: datetime) -> None:
    metrics.set_all(metrics.obligations, await store.count_by_kind(connection, now))


async def sweep(connection: AsyncConnection, at: datetime) -> tuple[list[Outgoing], bool]:
    """Say near and passed of the obligations whose timer is due; returns also whether more may be."""
    now = canonical(at)
    due = await store.claim_due(connection, now=at, limit=SWEEP_LIMIT)
    events, traces = [], {}
    for obligation, trace in due:
        traces[obligation["obligation_id"]] = trace
        event = fire(obligation, now=now)
        if event:
            obligation["revision"] += 1
            events.append(say(event, obligation, now=at, trace=trace))
    await store.put_obligations(connection, [obligation for obligation, _ in due], traces)
    return events, len(due) == SWEEP_LIMIT
