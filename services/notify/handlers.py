"""What notify does with what it hears: obligations and the directory of units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import addressing, pressing, saying, store
from services.notify.directory import Meant
from services.notify.lines import Line
from services.notify.pressing import Change, Pressed, Rules
from shared import quarantine
from shared.bus import Received
from shared.cloudevents import EVENTS, Envelope, Event, Outgoing, decode
from shared.events import ObligationChanged, UnitDescribed
from shared.service import Heard

E = TypeVar("E", bound=Event)


async def follow_obligations(connection: AsyncConnection, heard: Heard, *, rules: Rules) -> list[Outgoing]:
    """Keep the newest state of each obligation, and close the pressing for what is settled.

    hears: every event of DEADLINE. says: notify.escalation_closed.v1. The sweep raises; no level is raised here.
    repeats: harmless - only a higher revision than the one kept is taken.
    raises: nothing of its own - what cannot be decoded is an entry in quarantine.
    """
    said = await _decoded(connection, heard.messages, ObligationChanged)
    newest = pressing.latest([envelope.data for envelope in said])
    traces = {(envelope.data.obligation_id, envelope.data.revision): envelope.traceparent for envelope in said}
    if not newest:
        return []
    reach = {envelope.data.source: envelope.time for envelope in sorted(said, key=lambda envelope: envelope.time)}
    await store.put_reach(connection, reach)
    known = await store.lock_obligations(connection, list(newest))
    newer = [
        state for id, state in newest.items() if (old := known[id]) is None or state.revision > old.obligation.revision
    ]
    held = await store.lock_lines(connection, [state.obligation_id for state in newer])
    meant = await _meant(connection, newer, known=known, held=held, rules=rules, at=heard.now)
    changes = [
        pressing.follow(
            known[state.obligation_id],
            state,
            held=held.get(state.obligation_id, ()),
            meant=meant.get(state.obligation_id),
            rules=rules,
            at=heard.now,
            trace=traces[state.obligation_id, state.revision],
        )
        for state in newer
    ]
    await write(connection, changes)
    return [saying.escalation(event, about, at=heard.now) for c in changes for event, about in c.said]


async def _meant(
    connection: AsyncConnection,
    states: Sequence[ObligationChanged],
    *,
    known: Mapping[str, Pressed | None],
    held: Mapping[str, Sequence[Line]],
    rules: Rules,
    at: datetime,
) -> dict[str, Meant]:
    """Return who must act now, of each obligation where that may have changed and that has lines."""
    asked = [
        state
        for state in states
        if state.obligation_id in held and (old := known[state.obligation_id]) and pressing.may_change_hands(old, state)
    ]
    if not asked:
        return {}
    units = await addressing.get_directory(connection, policy=rules.policy)
    return await addressing.look_up(connection, units, asked, at=at)


async def write(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    """Store what changed of locked obligations."""
    await store.put_obligations(connection, [change.pressed for change in changes])
    await store.put_lines(
        connection,
        [line for change in changes for line in change.lines],
        gone=[line for change in changes for line in change.gone],
    )


async def follow_directory(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Keep a copy of the directory, and address anew what no head was told of yet.

    A dossier in joint processing and a step are looked at again: their holder may have become known.

    hears: intake.unit_described.v1. says: nothing.
    repeats: harmless - only a higher revision than the one kept is taken.
    raises: nothing of its own - what cannot be decoded is an entry in quarantine.
    """
    said = await _decoded(connection, heard.messages, UnitDescribed)
    if said:
        await addressing.put_units(connection, [envelope.data for envelope in said])
        await store.look_again(connection, at=heard.now)
        await addressing.forget_posts(connection)
    return []


async def _decoded(connection: AsyncConnection, messages: Sequence[Received], base: type[E]) -> list[Envelope[E]]:
    """Return what the messages say; park those that are no such event."""
    said: list[Envelope[E]] = []
    refused: list[quarantine.Entry] = []
    for message in messages:
        try:
            event = EVENTS[message.subject]
            if not issubclass(event, base):
                raise KeyError(message.subject)
            said.append(decode(event, message.data))
        except (ValidationError, KeyError) as error:
            refused.append(_refused(message, error))
    await quarantine.add(connection, "notify", refused)
    return said


def _refused(message: Received, error: Exception) -> quarantine.Entry:
    if isinstance(error, ValidationError):
        places = ", ".join(".".join(map(str, place["loc"])) or place["type"] for place in error.errors()[:5])
        detail = f"{message.subject}: {places}"
    else:
        detail = f"unknown subject {message.subject}"
    return quarantine.Entry(
        source=message.stream,
        reason="not_decodable",
        detail=detail,
        origin=f"{message.stream}/{message.sequence}",
        at=message.at,
        raw=message.data,
    )
