"""What intake does with what it hears: FEED's messages become facts, repeats or quarantine entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake import store
from services.intake.correcting import linking
from services.intake.correcting.linking import Claim
from services.intake.correcting.marks import NAMES_AT_MOST, SAME
from services.intake.correcting.store import add_reversals
from services.intake.facts import event_id, key_of
from services.intake.memory import Memory
from services.intake.oversight import recording
from services.intake.oversight.stating import RECORD
from services.intake.saying import dossier_said, duty_said
from services.intake.sources import hearing
from services.intake.understanding import (
    IMPORT_ID,
    IMPORT_LINE,
    SETTINGS,
    Spoken,
    Tally,
    is_imported,
    is_live,
    source_of,
    tally_of,
    understand,
)
from shared import metrics, quarantine
from shared.bus import Received
from shared.cloudevents import Outgoing, outgoing
from shared.events import DossierSaid, DutySaid, Fact, SourceCensusSaid
from shared.logs import log_traces
from shared.service import Heard
from shared.streams import backfilled

MATTERS = frozenset(event.subject() for event in (DossierSaid, DutySaid, SourceCensusSaid))


async def take_in(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Turn a batch of raw messages into facts; say what is new.

    hears: feed.>. says: intake.dossier_said|duty_said|oversight_recorded|source_census_said.v1 for each object that
    said something new.
    repeats: harmless - a fact said before has the same id, and the thing's row remembers it.
    raises: nothing of its own - what cannot be understood is an entry in quarantine, its neighbours are taken.
    """
    spoken: list[Spoken] = []
    refused: list[quarantine.Entry] = []
    tallies = [tally_of(message, driven=heard.driven) for message in heard.messages]
    names = {name for message in heard.messages if (name := source_of(message))}
    present = await hearing.meet(connection, names, is_mirror=SETTINGS.is_mirror)
    for tally in tallies:
        understand(tally, spoken, refused, register=present.register)
    links = [one for one in spoken if one.facts[0]["slot"] == SAME]
    told = [one for one in spoken if one.facts[0]["slot"] != SAME] if links else spoken
    events = await _join(connection, links, told, refused) if links else []
    await hear(connection, told)
    for one in told:
        if one.new:
            one.tally.accepted += 1
        else:
            one.tally.repeated += 1
    await quarantine.add(connection, "intake", refused)
    await store.add_line_outcomes(connection, _line_outcomes(tallies))
    _count(tallies)
    _log(tallies)
    said = events + say(told) + await recording.record(connection, told)
    return said + await _remember_sources(connection, present, tallies, driven=heard.driven)


async def take_in_backfill(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Turn messages of an import into facts; what they say of matters travels beside INTAKE and gives way to it.

    hears: backfill.feed.>. says: as `take_in`, what deadline folds on backfill.intake.>. repeats: harmless likewise.
    """
    said = await take_in(connection, heard)
    return [replace(one, subject=backfilled(one.subject)) if one.subject in MATTERS else one for one in said]


async def _remember_sources(
    connection: AsyncConnection, present: hearing.Present, tallies: Sequence[Tally], *, driven: bool
) -> list[Outgoing]:
    """Remember which sources spoke of their own accord: an import is the operator's deed."""
    spoke = [
        (tally.source, tally.received_at)
        for tally in tallies
        if not is_imported(tally.message) and source_of(tally.message) and present.register.may_speak(tally.source)
    ]
    if live := [tally.message.at for tally in tallies if is_live(tally.message)]:
        hearing.REACH.note(live[-1], driven=driven)
    return await hearing.remember(connection, present, spoke, look_min=SETTINGS.silence_floor_minutes)


def say(spoken: Sequence[Spoken]) -> list[Outgoing]:
    """Return the events that say what is new of dossiers, of duties and of censuses."""
    return [event for one in spoken for event in _said(one)]


def _log(tallies: Sequence[Tally]) -> None:
    """Name the messages of which nothing, or not all, becomes a fact; what is said is in the line of its commit."""
    if refused := [tally.trace for tally in tallies if tally.refused]:
        log_traces("warning", "refused", refused, messages=len(refused))
    if again := [tally.trace for tally in tallies if not tally.refused and not tally.accepted]:
        log_traces("info", "heard_again", again, messages=len(again))


def _count(tallies: Sequence[Tally]) -> None:
    for outcome in ("accepted", "repeated", "refused"):
        of_source: dict[str, int] = defaultdict(int)
        for tally in tallies:
            of_source[metrics.source_label(tally.source)] += getattr(tally, outcome)
        metrics.events.labels(tallies[0].message.stream, outcome).inc(sum(of_source.values()))
        for source, objects in of_source.items():
            metrics.feed_objects.labels(source, outcome).inc(objects)
    # the batch is in stream order; neither history that is imported nor a retry is a sign that its source sends
    sent = [tally for tally in tallies if is_live(tally.message)]
    newest = {metrics.source_label(tally.source): tally.message.at for tally in sent}
    for source, at in newest.items():
        metrics.feed_last_received.labels(source).set(at.timestamp())


async def _join(
    connection: AsyncConnection, links: Sequence[Spoken], told: Sequence[Spoken], refused: list[quarantine.Entry]
) -> list[Outgoing]:
    """Take in that codes are one dossier, before `told`, the rest of the batch, is heard."""
    claims = [
        Claim(one.code, one.facts[0]["value"]["code"], one.facts[0], one.heard_at, one.tally.trace) for one in links
    ]
    heard = {one.key: one.code for one in reversed(told)}
    events, outcomes = await linking.join(connection, claims, heard=heard)
    for one, is_new in zip(links, outcomes, strict=True):
        message = one.tally.message
        if is_new is None:
            origin, detail = f"{message.stream}/{message.sequence}", f"a dossier has {NAMES_AT_MOST} codes at most"
            entry = quarantine.Entry(
                one.tally.source, "too_many_codes", detail, origin, one.heard_at, message.data, subject=message.subject
            )
            refused.append(entry)
        one.tally.refused += is_new is None
        one.tally.accepted += is_new is True
        one.tally.repeated += is_new is False
    return events


async def hear(connection: AsyncConnection, spoken: Sequence[Spoken]) -> None:
    """Find what is new of each object, under the lock of its thing; things that a copy added meanwhile go again."""
    of_key: dict[str, list[Spoken]] = defaultdict(list)
    for one in spoken:
        of_key[one.key].append(one)
    waiting = set(of_key)
    reversals: dict[str, list[tuple[Fact, Fact]]] = {}
    while waiting:
        known = await store.lock_things(connection, sorted(waiting))
        added: dict[str, Memory] = {}
        changed: dict[str, Memory] = {}
        for key in waiting:
            memory = known.get(key) or Memory(raw_code=of_key[key][0].code)
            for one in of_key[key]:
                one.new = [fact for new in one.facts for fact in memory.hear(new)]
                one.known_as = memory.known_as
            reversals[key] = memory.reversals
            if key not in known:
                added[key] = memory
            elif memory.changed:
                changed[key] = memory
        await store.put_things(connection, changed)
        waiting = await store.add_things(connection, added)
    await add_reversals(connection, [(key, *pair) for key, found in reversals.items() for pair in found])


def _said(one: Spoken) -> list[Outgoing]:
    new = [fact for fact in one.new if fact["slot"] != RECORD] if one.record else one.new
    if not new or (one.record and not one.duty):
        return []
    at, trace = one.heard_at, one.tally.trace
    if one.census:
        return [outgoing(SourceCensusSaid, id=event_id(new), about=one.key, time=at, trace=trace, data=one.census)]
    if one.duty:
        return duty_said(one.code, one.duty, new, at=at, trace=trace)
    if one.known_as is None:
        return dossier_said(one.key, one.code, new, at=at, trace=trace)
    return dossier_said(key_of(one.known_as), one.known_as, new, at=at, trace=trace, said_of=one.key)


async def note_parked(connection: AsyncConnection, message: Received) -> None:
    """Give a line of an import that failed alone its outcome: it was refused, and lies in quarantine."""
    tally = tally_of(message, driven=False)
    tally.refused = 1
    await store.add_line_outcomes(connection, _line_outcomes([tally]))


def _line_outcomes(tallies: Sequence[Tally]) -> list[store.LineOutcome]:
    return [
        store.LineOutcome(headers[IMPORT_ID], int(headers[IMPORT_LINE]), tally.accepted, tally.repeated, tally.refused)
        for tally in tallies
        if is_imported(tally.message)  # on FEED a source could write such headers itself
        and IMPORT_ID in (headers := tally.message.headers)  # not where a line is carried out again
    ]
