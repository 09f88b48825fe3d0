"""What deadline does with what it hears: store it, fold what it touches, announce what changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.deadline import comparing, counting, recalculating, reference_store, said_store, store
from services.deadline.changes import fire
from services.deadline.folding import Data
from services.deadline.reference import Row
from services.deadline.refolding import refold, say
from services.deadline.said_store import Said
from shared import metrics, quarantine
from shared.bus import Received
from shared.cloudevents import EVENTS, Envelope, Outgoing, decode
from shared.events import (
    CalendarDescribed,
    ComplaintChanged,
    DossierSaid,
    DutySaid,
    ProcedureDescribed,
    UnitDescribed,
)
from shared.instants import canonical
from shared.place import Place
from shared.service import Heard

SWEEP_LIMIT = 1000  # one atomic batch of the stream
REFERENCE: Mapping[str, str] = {
    CalendarDescribed.subject(): "calendar",
    ProcedureDescribed.subject(): "procedure",
    UnitDescribed.subject(): "unit",
}
MATTERS = (DossierSaid.subject(), DutySaid.subject())
FEEDBACK = tuple(subject for subject, event in EVENTS.items() if issubclass(event, ComplaintChanged))

Read = Callable[[Received], tuple[str, Data, str]]


async def follow_intake(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Keep what due dates rest on; add what was said of dossiers and duties, fold those it touches, say what changed.

    hears: intake.dossier_said|duty_said|calendar_described|procedure_described|unit_described|source_census_said.v1.
    says: every DEADLINE event but near, passed, censuses and counts.
    repeats: harmless - the same event has the same id, and the fold is over a set of facts.
    raises: nothing of its own; past the calendar's end an obligation is flagged `calendar_unknown`.
    """
    news = [message for message in heard.messages if message.subject in REFERENCE]
    if news:
        await _keep_reference(connection, news, now=heard.now)
    for message in heard.messages:
        if message.subject == comparing.CENSUSES:
            await _keep_census(connection, message, now=heard.now)
    return await _follow(connection, heard, [m for m in heard.messages if m.subject in MATTERS], _of_intake)


async def follow_complaints(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Add what was said of citizens' feedback: an answer, and whatever else it has a term for, is owed like anything.

    hears: complaints.complaint_changed.v1 and the narrower ones. says: as `follow_intake`.
    repeats: harmless, the newest revision counts.
    """
    return await _follow(connection, heard, heard.messages, _of_complaint)


async def _keep_census(connection: AsyncConnection, message: Received, *, now: datetime) -> None:
    try:
        await comparing.keep_part(connection, message)
    except ValidationError as error:
        await quarantine.add(connection, "deadline", [_refusal(message, error, now=now)])


def _of_intake(message: Received) -> tuple[str, Data, str]:
    if message.subject == MATTERS[1]:
        duty = decode(DutySaid, message.data)
        return f"{duty.data.kind}/{duty.subject}", {"facts": duty.data.facts}, duty.traceparent
    event = decode(DossierSaid, message.data)
    data = {"raw_code": event.data.raw_code, "facts": event.data.facts}
    return f"dossier/{event.subject}", data, event.traceparent


def _of_complaint(message: Received) -> tuple[str, Data, str]:
    event = decode(ComplaintChanged, message.data)
    return f"answer/{event.subject}", event.data.model_dump(mode="json"), event.traceparent


async def _follow(
    connection: AsyncConnection, heard: Heard, messages: Sequence[Received], read: Read
) -> list[Outgoing]:
    said: list[Said] = []
    fresh: dict[str, list[Data]] = defaultdict(list)
    traces: dict[str, str] = {}
    refused: list[quarantine.Entry] = []
    for message in messages:
        try:
            id, data, trace = read(message)
            said.append(Said(id, message.headers["Nats-Msg-Id"], message.data))
            fresh[id].append(data)
            traces[id] = trace
        except (ValidationError, KeyError) as error:
            refused.append(_refusal(message, error, now=heard.now))
    await quarantine.add(connection, "deadline", refused)
    if not said:
        return []
    known = await reference_store.current(connection)
    touched = await said_store.add_said(connection, said)
    return await refold(connection, {id: fresh[id] for id in touched}, traces, known=known, now=heard.now)


async def _keep_reference(connection: AsyncConnection, messages: Sequence[Received], *, now: datetime) -> None:
    """Keep new versions of what due dates rest on, and ask for a walk over the open obligations they may move."""
    rows: list[Row] = []
    refused: list[quarantine.Entry] = []
    for message in messages:
        try:
            event: Envelope[Any] = decode(EVENTS[message.subject], message.data)
            document = event.data.model_dump(mode="json")
            kind = REFERENCE[message.subject]
            rows.append(Row(kind, event.subject, canonical(event.time), document, event.data.revision))
        except ValidationError as error:
            refused.append(_refusal(message, error, now=now))
    await quarantine.add(connection, "deadline", refused)
    if rows:
        before, after, new = await reference_store.change(connection, rows)
        await recalculating.ask(connection, before, after, new)


def _refusal(message: Received, error: Exception, *, now: datetime) -> quarantine.Entry:
    wrong = error.errors(include_input=False) if isinstance(error, ValidationError) else []
    return quarantine.Entry(
        source=message.stream,
        reason="not_an_event",
        detail=f"{len(wrong)} places" if wrong else "no Nats-Msg-Id",
        origin=f"{message.stream}/{message.sequence}",
        at=now,
        raw=message.data,
        subject=message.subject,
        place=Place(fields=tuple(".".join(map(str, one["loc"])) for one in wrong)),
    )


async def observe(connection: AsyncConnection, now: datetime) -> None:
    metrics.set_all(metrics.obligations, await counting.count_by_kind(connection, now))
    await comparing.observe(connection)


async def sweep(connection: AsyncConnection, at: datetime) -> tuple[list[Outgoing], bool]:
    """Say near and passed of the obligations whose timer is due; returns also whether more may be."""
    now = canonical(at)
    due = await store.claim_due(connection, now=at, limit=SWEEP_LIMIT)
    events = []
    for obligation, trace, _ in due:
        event = fire(obligation, now=now)
        if event:
            obligation["revision"] += 1
            events.append(say(event, obligation, now=at, trace=trace))
    await store.put_obligations(connection, due)
    return events, len(due) == SWEEP_LIMIT
