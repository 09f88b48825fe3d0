"""What the console does with what it hears: it keeps a copy, the highest revision of each thing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console import store
from services.console.store import Table
from shared import quarantine
from shared.bus import Received
from shared.cloudevents import EVENTS, Envelope, Event, Outgoing, decode
from shared.events import (
    ComplaintChanged,
    EscalationChanged,
    NoticeChanged,
    ObligationChanged,
    SendingChanged,
    UnitDescribed,
)
from shared.service import Heard

Said = Envelope[Any]


def subjects_of(event: type[Event]) -> tuple[str, ...]:
    """Return the subjects of an event class and of its narrower ones."""
    return tuple(subject for subject, known in EVENTS.items() if issubclass(known, event))


async def follow_units(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Keep the units' names. Hears: intake.unit_described.v1. repeats: harmless, as for all here - same revision."""
    said = await _take(connection, heard)
    await store.put(connection, store.UNIT, _rows(store.UNIT, said, of=UnitDescribed))
    return []


async def follow_obligations(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Keep what falls due, and up to when each source was heard. Hears: all of DEADLINE."""
    said = await _take(connection, heard)
    await store.put(connection, store.OBLIGATION, _rows(store.OBLIGATION, said, of=ObligationChanged))
    latest = _latest((envelope.data.source, envelope.data.heard_at) for envelope in said)
    await store.mark_fresh(connection, "source", latest)
    return []


async def follow_complaints(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Keep which feedback waits for its answer. Hears: all of COMPLAINTS."""
    said = await _take(connection, heard)
    await store.put(connection, store.COMPLAINT, _rows(store.COMPLAINT, said, of=ComplaintChanged))
    return []


async def follow_pressing(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Keep notices, escalations, and what may leave the house. Hears: NOTIFY."""
    said = await _take(connection, heard)
    await store.put(connection, store.ESCALATION, _rows(store.ESCALATION, said, of=EscalationChanged))
    await store.put(connection, store.NOTICE, _rows(store.NOTICE, said, of=NoticeChanged))
    changes = [envelope.data for envelope in said if isinstance(envelope.data, SendingChanged)]
    await store.put(connection, store.SENDING, [{"what": "sending", **one.model_dump()} for one in changes])
    return []


async def _take(connection: AsyncConnection, heard: Heard) -> list[Said]:
    """Decode a batch, note how fresh its stream is, put what is no such event into quarantine."""
    said: list[Said] = []
    refused: list[quarantine.Entry] = []
    for message in heard.messages:
        try:
            said.append(decode(EVENTS[message.subject], message.data))
        except ValidationError as error:
            refused.append(_refused(message, error, at=heard.now))
    await quarantine.add(connection, "console", refused)
    stream = heard.messages[0].stream
    await store.mark_fresh(connection, "stream", _latest((stream, envelope.time) for envelope in said))
    return said


def _refused(message: Received, error: ValidationError, *, at: datetime) -> quarantine.Entry:
    places = ", ".join(".".join(map(str, wrong["loc"])) for wrong in error.errors(include_input=False))
    return quarantine.Entry(
        source=message.stream,
        reason="not_decodable",
        detail=f"{message.subject}: {places}"[:500],
        origin=f"{message.stream}/{message.sequence}",
        at=at,
        raw=message.data,
        subject=message.subject,
    )


def _rows(table: Table, said: Sequence[Said], *, of: type[Event]) -> list[dict[str, Any]]:
    rows = [
        {column: getattr(envelope.data, column) for column in table.columns}
        for envelope in said
        if isinstance(envelope.data, of)
    ]
    for column, kind in table.columns.items():
        if kind == "jsonb":
            for row in rows:
                row[column] = orjson.dumps(row[column]).decode()
    return rows


def _latest(ats: Iterable[tuple[str, datetime]]) -> dict[str, datetime]:
    latest: dict[str, datetime] = {}
    for name, at in ats:
        latest[name] = max(at, latest.get(name, at))
    return latest
