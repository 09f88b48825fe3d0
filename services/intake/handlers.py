"""What intake does with what it hears: FEED's messages become facts, repeats or quarantine entries."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake import duties, national, statements, store
from services.intake.facts import Receipt, event_id, facts_of, key_of
from services.intake.memory import Memory
from services.intake.national import Refused
from services.intake.settings import IntakeSettings
from services.intake.statements import DutyStatement
from shared import metrics, quarantine, tracing
from shared.bus import Received
from shared.clock import PROVINCE_ZONE
from shared.cloudevents import Event, Outgoing, outgoing
from shared.events import DossierSaid, DutyKind, DutySaid, Fact
from shared.logs import log_traces
from shared.service import Heard

RECEIVED_AT = "Dondoc-Received-At"  # business time of receipt, set by who drives the clock; else nobody is believed
IMPORT_ID, IMPORT_LINE = "Dondoc-Import", "Dondoc-Line"
AN_IMPORT_ID, A_LINE = re.compile(r"[A-Za-z0-9_-]{1,80}"), re.compile(r"[0-9]{1,9}")  # others are no import of ours
LONGEST_SOURCE = 63  # characters of a source's name
FACTS_AT_ONCE = 100  # of one event: it stays below the 1 MB that NATS takes, however long the texts in them
SETTINGS = IntakeSettings()


@dataclass(slots=True)
class Tally:
    """What became of one message's objects."""

    message: Received
    trace: str = tracing.NONE
    source: str = ""
    accepted: int = 0
    repeated: int = 0
    refused: int = 0


@dataclass(slots=True)
class Spoken:
    """An object of a message: the facts it asserts, and after hearing them, those that are new.

    key: of the thing spoken of. code: its name as the source writes it. duty: of which kind, where it is one.
    """

    key: str
    code: str
    facts: list[Fact]
    heard_at: datetime
    tally: Tally
    duty: DutyKind | None = None
    new: list[Fact] = field(default_factory=list)


def weigh(message: Received) -> int:
    """Return about how many objects a message holds."""
    mark = b'"specversion"' if message.subject.endswith(".facts") else b'"MaHoSo"'
    return message.data.count(mark) or 1


async def take_in(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Turn a batch of raw messages into facts; say what is new.

    hears: feed.>. says: intake.dossier_said.v1 or duty_said.v1 for each object that said something new.
    repeats: harmless - a fact said before has the same id, and the thing's row remembers it.
    raises: nothing of its own - what cannot be understood is an entry in quarantine, its neighbours are taken.
    """
    spoken: list[Spoken] = []
    refused: list[quarantine.Entry] = []
    tallies = [Tally(message, _trace(message)) for message in heard.messages]
    for tally in tallies:
        _understand(tally, spoken, refused, driven=heard.driven)
    await _hear(connection, spoken)
    for one in spoken:
        if one.new:
            one.tally.accepted += 1
        else:
            one.tally.repeated += 1
    await quarantine.add(connection, "intake", refused)
    await store.add_line_outcomes(connection, _line_outcomes(tallies))
    _count(tallies)
    _log(tallies)
    return [event for one in spoken for event in (_duty_said(one) if one.duty else _dossier_said(one))]


def _of_national(tally: Tally, received_at: datetime) -> tuple[list[Spoken], Sequence[Refused]]:
    body = national.read(tally.message.data)
    source, mirror, receipt = tally.source, SETTINGS.is_mirror(tally.source), Receipt.of(received_at)
    return [
        Spoken(
            key_of(of.code), of.code,
            facts_of(of, message=body, source=source, mirror=mirror, receipt=receipt), received_at, tally,
        )
        for of in body.objects
    ], body.refused  # fmt: skip


def _of_facts(tally: Tally, received_at: datetime) -> tuple[list[Spoken], Sequence[Refused]]:
    body = statements.read(tally.message.data)
    source, mirror, receipt = tally.source, SETTINGS.is_mirror(tally.source), Receipt.of(received_at)
    return [
        Spoken(
            duties.thing_of(stated), stated.subject,
            duties.facts_of(stated, source=source, mirror=mirror, receipt=receipt), received_at, tally,
            duty=stated.data.kind if isinstance(stated, DutyStatement) else None,
        )
        for stated in body.objects
    ], body.refused  # fmt: skip


FORMATS = {"national": _of_national, "facts": _of_facts}  # by the last word of the subject


def _understand(tally: Tally, spoken: list[Spoken], refused: list[quarantine.Entry], *, driven: bool) -> None:
    message = tally.message
    tokens = message.subject.split(".")
    named = len(tokens) > 1 and len(tokens[1]) <= LONGEST_SOURCE and tokens[1].isprintable()
    source = tally.source = tokens[1] if named else "unnamed"
    received_at = _received_at(message, driven=driven)

    def refuse(reason: str, detail: str, raw: bytes) -> None:
        tally.refused += 1
        origin = f"{message.stream}/{message.sequence}"
        refused.append(quarantine.Entry(source, reason, detail, origin, received_at, raw))

    if not named or len(tokens) != 3 or tokens[2] not in FORMATS:
        belongs = " or ".join(f"feed.<source>.{format}" for format in FORMATS)
        detail = f"messages belong on {belongs}, a source has {LONGEST_SOURCE} printable characters at most"
        refuse("unknown_subject", detail, message.data)
        return
    objects, parts = FORMATS[tokens[2]](tally, received_at)
    for part in parts:
        refuse(part.reason, part.detail, part.raw)
    for one in objects:
        if one.facts:
            spoken.append(one)
        else:
            tally.repeated += 1  # an identifier and nothing else says nothing new


def _trace(message: Received) -> str:
    return tracing.received(message.headers, seed=f"{message.stream}/{message.sequence}/{message.at.timestamp()}")


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
        metrics.events.labels("FEED", outcome).inc(sum(of_source.values()))
        for source, objects in of_source.items():
            metrics.feed_objects.labels(source, outcome).inc(objects)
    newest = {metrics.source_label(tally.source): tally.message.at for tally in tallies}  # the batch is in stream order
    for source, at in newest.items():
        metrics.feed_last_received.labels(source).set(at.timestamp())


def _received_at(message: Received, *, driven: bool) -> datetime:
    """Return when FEED received a message; a stamp that is no time of our age counts as none."""
    try:
        stamp = datetime.fromisoformat(message.headers.get(RECEIVED_AT, "") if driven else "")
    except ValueError:
        stamp = message.at
    believed = stamp.tzinfo is not None and national.EARLIEST_YEAR <= stamp.year <= national.LATEST_YEAR
    return (stamp if believed else message.at).astimezone(PROVINCE_ZONE)


async def _hear(connection: AsyncConnection, spoken: Sequence[Spoken]) -> None:
    """Find what is new of each object, under the lock of its thing; things that a copy added meanwhile go again."""
    of_key: dict[str, list[Spoken]] = defaultdict(list)
    for one in spoken:
        of_key[one.key].append(one)
    waiting = set(of_key)
    while waiting:
        known = await store.lock_things(connection, sorted(waiting))
        added: dict[str, Memory] = {}
        changed: dict[str, Memory] = {}
        for key in waiting:
            memory = known.get(key) or Memory(raw_code=of_key[key][0].code)
            for one in of_key[key]:
                one.new = [fact for new in one.facts for fact in memory.hear(new)]
            if key not in known:
                added[key] = memory
            elif memory.changed:
                changed[key] = memory
        await store.put_things(connection, changed)
        waiting = await store.add_things(connection, added)


def _dossier_said(one: Spoken) -> list[Outgoing]:
    return _said(one, DossierSaid, about=one.key, data={"dossier": one.key, "raw_code": one.code})


def _duty_said(one: Spoken) -> list[Outgoing]:
    return _said(one, DutySaid, about=one.code, data={"duty": one.code, "kind": one.duty})


def _said(one: Spoken, event: type[Event], *, about: str, data: Mapping[str, Any]) -> list[Outgoing]:
    """Return one event for what is new; several where a second value brings out all that was kept back of a first."""
    parts = [one.new[start : start + FACTS_AT_ONCE] for start in range(0, len(one.new), FACTS_AT_ONCE)]
    return [
        outgoing(
            event,
            id=event_id(facts),
            about=about,
            time=one.heard_at,
            trace=one.tally.trace,
            data={**data, "facts": facts},
        )
        for facts in parts
    ]


def _line_outcomes(tallies: Sequence[Tally]) -> list[store.LineOutcome]:
    return [
        store.LineOutcome(headers[IMPORT_ID], int(headers[IMPORT_LINE]), tally.accepted, tally.repeated, tally.refused)
        for tally in tallies
        if AN_IMPORT_ID.fullmatch((headers := tally.message.headers).get(IMPORT_ID, ""))
        and A_LINE.fullmatch(headers.get(IMPORT_LINE, ""))
    ]
