"""What notify does with what it hears: obligations, the directory of units, silent sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import cases, saying, store
from services.notify.addressing import mending
from services.notify.addressing import store as addressing
from services.notify.addressing.directory import Meant
from services.notify.answering import store as answers
from services.notify.audit import entries
from services.notify.audit import store as audit
from services.notify.cases import Case
from services.notify.policies.calendars import Said
from services.notify.pressing import in_force, pressing
from services.notify.pressing.lines import Line
from services.notify.pressing.pressing import Change, Pressed
from services.notify.pressing.rules import Rules
from services.notify.stored import Notice
from services.notify.telling import holding, notices, pattern
from shared import quarantine
from shared.bus import Received
from shared.cloudevents import EVENTS, Envelope, Event, Outgoing, decode
from shared.events import (
    CalendarDescribed,
    ObligationChanged,
    PatternSeen,
    SourceHeard,
    SourceSilent,
    SourceState,
    UnitDescribed,
)
from shared.instants import canonical
from shared.service import Heard

E = TypeVar("E", bound=Event)
OF_UNITS, OF_CALENDARS = UnitDescribed.subject(), CalendarDescribed.subject()
PATTERNS = (PatternSeen.subject(),)
REFERENCE = (OF_UNITS, OF_CALENDARS, SourceSilent.subject(), SourceHeard.subject())


async def follow_obligations(connection: AsyncConnection, heard: Heard, *, rules: Rules) -> list[Outgoing]:
    """Keep the newest state of each obligation, and close the pressing for what is settled.

    hears: every event of DEADLINE. says: notify.escalation_closed.v1. The sweep raises; no level is raised here.
    repeats: harmless - only a higher revision than the one kept is taken.
    raises: nothing of its own - what cannot be decoded is an entry in quarantine.
    """
    said = await decoded(connection, heard.messages, ObligationChanged)
    newest = latest([envelope.data for envelope in said])
    traces = {(envelope.data.obligation_id, envelope.data.revision): envelope.traceparent for envelope in said}
    if not newest:
        return []
    rules = await in_force.rules_at(connection, rules, at=heard.now)
    reach = {envelope.data.source: envelope.time for envelope in sorted(said, key=lambda envelope: envelope.time)}
    await notices.put_reach(connection, reach)
    known = await answers.with_stays(connection, await store.lock_obligations(connection, list(newest)))
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
    await write(connection, changes, at=heard.now)
    await holding.let_go_resumed(connection, [one.obligation_id for one in newer if one.state != "paused"])
    return [saying.escalation(event, about, at=heard.now) for c in changes for event, about in c.said]


def latest(states: Sequence[ObligationChanged]) -> dict[str, ObligationChanged]:
    """Return the highest revision of each obligation, in id order."""
    found: dict[str, ObligationChanged] = {}
    for state in states:
        if state.obligation_id not in found or state.revision > found[state.obligation_id].revision:
            found[state.obligation_id] = state
    return dict(sorted(found.items()))


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
    units = await addressing.get_directory(connection, policy=rules.policy, at=at)
    return await addressing.look_up(connection, units, asked, at=at)


async def write(connection: AsyncConnection, changes: Sequence[Change], *, at: datetime, anew: bool = True) -> None:
    """Store what changed of locked obligations, of their lines and of what was answered. anew: their states, too."""
    await store.put_obligations(connection, [change.pressed for change in changes], anew=anew)
    await store.put_lines(
        connection,
        [line for change in changes for line in change.lines],
        gone=[line for change in changes for line in change.gone],
    )
    await answers.keep(connection, changes, at=at)


async def follow_reference(connection: AsyncConnection, heard: Heard, *, rules: Rules) -> list[Outgoing]:
    """Keep copies of the directory and the calendars, address anew what no head was told of, close mended cases.

    A dossier in joint processing and a step are looked at again: their holder may have become known. Other calendars
    are in force from the next sweep on, which looks at all that is open again. It also keeps which sources are silent.

    hears: intake.unit_described|calendar_described|source_silent|source_heard.v1. says: nothing.
    repeats: harmless - only a higher revision than the one kept is taken.
    raises: nothing of its own - what cannot be decoded is an entry in quarantine.
    """
    if calendars := [message for message in heard.messages if message.subject == OF_CALENDARS]:
        await in_force.put_calendars(
            connection, [_said(one) for one in await decoded(connection, calendars, CalendarDescribed)]
        )
    others = [message for message in heard.messages if message.subject not in (OF_UNITS, OF_CALENDARS)]
    await _follow_sources(connection, others)
    units = [message for message in heard.messages if message.subject == OF_UNITS]
    if described := await decoded(connection, units, UnitDescribed):
        newer = await addressing.put_units(connection, [envelope.data for envelope in described])
        if newer:
            await _follow_directory(connection, newer, rules=rules, at=heard.now)
    return []


async def _follow_directory(
    connection: AsyncConnection, newer: Sequence[tuple[str, int]], *, rules: Rules, at: datetime
) -> None:
    """Look anew at whom units and holders are. Last in the transaction: what is kept of it locks the audit."""
    await store.look_again(connection, at=at)
    directory = await addressing.get_directory(connection, policy=rules.policy_at(at), at=at)
    await addressing.forget_refused(connection, directory)
    await addressing.forget_posts(connection)
    await mending.close_mended(connection, directory, at=at)
    await audit.append(connection, [entries.directory(newer, at=at)])


def _said(envelope: Envelope[CalendarDescribed]) -> tuple[Said, int]:
    calendar = envelope.data
    return Said(calendar.name, canonical(envelope.time), calendar.model_dump(mode="json")), calendar.revision


async def _follow_sources(connection: AsyncConnection, messages: Sequence[Received]) -> None:
    """Keep which sources are silent; what was withheld of one that is heard again goes to the next slot."""
    said = await decoded(connection, messages, SourceState)
    if said:
        await holding.put_sources(connection, [envelope.data for envelope in said])


async def follow_patterns(connection: AsyncConnection, heard: Heard, *, rules: Rules) -> list[Outgoing]:
    """Tell the head above of many feedbacks about one unit or officer, by a mail of its own each time it is said.

    What nobody above may be told is a case for the operator, who learns its number alone.

    hears: complaints.pattern_seen.v1. says: notify.notice_stored.v1. repeats: harmless - its notice is there already.
    raises: nothing of its own - what cannot be decoded is an entry in quarantine.
    """
    said = {pattern.id_of(one.data): one.data for one in await decoded(connection, heard.messages, PatternSeen)}
    new = [said[id] for id in await notices.not_there(connection, list(said))]
    if not new:
        return []
    policy, at = rules.policy_at(heard.now), heard.now
    units = await addressing.get_directory(connection, policy=policy, at=at)
    made: list[Notice] = []
    for one in new:
        to = policy.oversight if one.to in (None, policy.province) else one.to  # the Chairman gets no single matters
        way = units.addressed(unit=to, unit_name=None, role="head", restricted=frozenset(one.not_to))
        await mending.open_faults(connection, way.faults, at=at)
        contact = units.contact(way.post)
        if contact is None or not contact.email:
            await cases.open_all(connection, [Case("pattern_unsaid", one.code, to or "")], at=at)
            continue
        about = known.name if (known := units.units.get(one.about)) else one.about
        calendar = rules.calendar_of(contact.code)
        made.append(pattern.notice(one, contact, post=way.post, about=about, calendar=calendar, at=at))
    if made:
        await notices.add_notices(connection, made)
    return [saying.stored(notice, at=at) for notice in made]


async def decoded(connection: AsyncConnection, messages: Sequence[Received], base: type[E]) -> list[Envelope[E]]:
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
        subject=message.subject,
    )
