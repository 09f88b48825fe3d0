"""What a raw message of a source says: its objects with the facts they assert, and what of it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.intake import duties, national, national_rest, source_census, statements
from services.intake.facts import Receipt, facts_of, key_of
from services.intake.national import Refused
from services.intake.oversight import stating
from services.intake.oversight.statement import OversightStatement
from services.intake.own.types import TYPES
from services.intake.settings import IntakeSettings
from services.intake.source_census import CensusStatement
from services.intake.sources.register import NOBODY, Register
from services.intake.statements import DutyStatement
from services.intake.tables import envelope
from shared import quarantine, tracing
from shared.bus import Received
from shared.clock import PROVINCE_ZONE
from shared.events import DutyKind, Fact, RecordKind
from shared.place import Place

RECEIVED_AT = "Dondoc-Received-At"  # business time of receipt, set by who drives the clock; else nobody is believed
IMPORT_ID, IMPORT_LINE = "Dondoc-Import", "Dondoc-Line"
BYTES_OF_ONE = 4096  # of an object, at the most; a usual one has a third
LONGEST_SOURCE = 63  # characters of a source's name
SOURCE_DISABLED = "source_disabled"  # the reason of what a disabled source sent
SETTINGS = IntakeSettings()


@dataclass(slots=True)
class Tally:
    """What became of one message's objects. received_at: when FEED received it."""

    message: Received
    received_at: datetime
    trace: str = tracing.NONE
    source: str = ""
    mirror: bool = False
    accepted: int = 0
    repeated: int = 0
    refused: int = 0


@dataclass(slots=True)
class Spoken:
    """An object of a message: the facts it asserts, and after hearing them, those that are new.

    key: of the thing spoken of. code: its name as the source writes it. duty: of which kind, where it is one. known_as:
    the code of the dossier that it is another code of. record: which of oversight's, where it is one. census: the part
    of a source's census, where it is one.
    """

    key: str
    code: str
    facts: list[Fact]
    heard_at: datetime
    tally: Tally
    duty: DutyKind | None = None
    record: RecordKind | None = None
    known_as: str | None = None
    census: Mapping[str, Any] | None = None
    new: list[Fact] = field(default_factory=list)


Understood = tuple[list[Spoken], Sequence[Refused]]


def weigh(message: Received) -> int:
    """Return about how many objects a message holds, or could by its size: what is none is work and room as well."""
    mark = b'"specversion"' if message.subject.endswith(".facts") else b'"MaHoSo"'
    return max(1, message.data.count(mark), len(message.data) // BYTES_OF_ONE)


def is_imported(message: Received) -> bool:
    """Say whether a message came by import, and not from its source."""
    return message.stream == "BACKFILL"


def is_live(message: Received) -> bool:
    """Say whether a message comes from its source just now; one that is carried out again has nobody to be acked to."""
    return not is_imported(message) and bool(message.reply)


def source_of(message: Received) -> str:
    """Return the source's name in a subject, empty where it is none that can be stored."""
    name = [*message.subject.split(".", 2), ""][1]
    return name if len(name) <= LONGEST_SOURCE and name.isprintable() else ""


def tally_of(message: Received, *, driven: bool) -> Tally:
    """Return the tally of a message of which nothing is counted yet. driven: stamps of who drives the clock hold."""
    trace = tracing.received(message.headers, seed=f"{message.stream}/{message.sequence}/{message.at.timestamp()}")
    return Tally(message, _received_at(message, driven=driven), trace)


def _received_at(message: Received, *, driven: bool) -> datetime:
    """Return when FEED received a message; a stamp that is no time of our age counts as none."""
    try:
        stamp = datetime.fromisoformat(message.headers.get(RECEIVED_AT, "") if driven else "")
    except ValueError:
        stamp = message.at
    believed = stamp.tzinfo is not None and national.EARLIEST_YEAR <= stamp.year <= national.LATEST_YEAR
    return (stamp if believed else message.at).astimezone(PROVINCE_ZONE)


def _of_national(tally: Tally, data: bytes) -> Understood:
    body = national.read(data, national_rest.SHAPES)
    source, mirror, receipt = tally.source, tally.mirror, Receipt.of(tally.received_at)
    return [
        Spoken(
            key_of(of.code), of.code,
            facts_of(of, message=body, source=source, mirror=mirror, receipt=receipt), tally.received_at, tally,
        )
        for of in body.objects
    ], body.refused  # fmt: skip


def _of_facts(tally: Tally, data: bytes) -> Understood:
    body = statements.read(data, types=TYPES)
    source, mirror, receipt = tally.source, tally.mirror, Receipt.of(tally.received_at)
    spoken, refused = list[Spoken](), [*body.refused]
    for stated in body.objects:
        if isinstance(stated, OversightStatement):
            spoken.append(spoken_of_oversight(stated, source=source, mirror=mirror, receipt=receipt, tally=tally))
        elif not isinstance(stated, CensusStatement):
            facts = duties.facts_of(stated, source=source, mirror=mirror, receipt=receipt)
            duty = stated.data.kind if isinstance(stated, DutyStatement) else None
            spoken.append(Spoken(duties.thing_of(stated), stated.subject, facts, tally.received_at, tally, duty=duty))
        elif stated.data.taken_at > receipt.latest:
            refused.append(Refused("invalid_object", "taken_at: lies in the future", data))
        else:
            key = source_census.thing_of(stated, source=source)
            census = source_census.event_of(stated, source=source, mirror=mirror)
            facts = [source_census.fact_of_part(stated, census, receipt=receipt)]
            spoken.append(Spoken(key, key, facts, tally.received_at, tally, census=census))
    return spoken, refused


def spoken_of_oversight(
    stated: OversightStatement, *, source: str, mirror: bool, receipt: Receipt, tally: Tally
) -> Spoken:
    """Return what a statement of oversight says; of a finding the duty is the report that is asked for."""
    facts = stating.facts_of(stated, source=source, mirror=mirror, receipt=receipt)
    heard_at = datetime.fromisoformat(receipt.heard)
    return Spoken(stated.key, stated.subject, facts, heard_at, tally, duty=stated.data.owes, record=stated.data.is_kind)


def _of_table(tally: Tally, data: bytes) -> Understood:
    """Take a row of a table as the message it makes; what is refused of it keeps the row's place and bytes."""
    row = envelope.read(data)
    if isinstance(row, Refused):
        return [], [row]
    objects, refused = FORMATS[row.format](tally, row.body)
    return objects, [row.placed(part, data) for part in refused]


# by the last word of the subject
FORMATS: dict[str, Callable[[Tally, bytes], Understood]] = {
    "national": _of_national,
    "facts": _of_facts,
    "table": _of_table,
}


def understand(
    tally: Tally, spoken: list[Spoken], refused: list[quarantine.Entry], *, register: Register = NOBODY
) -> None:
    """Add a message's objects to `spoken`, and what of it cannot be taken to `refused`."""
    message = tally.message
    tokens = message.subject.split(".")
    named = source_of(message)
    source = tally.source = named or "unnamed"
    tally.mirror = register.is_mirror(source, unless_known=SETTINGS.is_mirror(source))

    def refuse(reason: str, detail: str, raw: bytes, place: Place | None = None) -> None:
        tally.refused += 1
        origin = f"{message.stream}/{message.sequence}"
        at, subject = tally.received_at, message.subject
        refused.append(quarantine.Entry(source, reason, detail, origin, at, raw, subject=subject, place=place))

    if not named or len(tokens) != 3 or tokens[2] not in FORMATS:
        belongs = " or ".join(f"feed.<source>.{format}" for format in FORMATS)
        detail = f"messages belong on {belongs}, a source has {LONGEST_SOURCE} printable characters at most"
        refuse("unknown_subject", detail, message.data)
        return
    if not register.may_speak(source):
        refuse(SOURCE_DISABLED, f"`dondoc source enable {source}` takes in what waits here", message.data)
        return
    objects, parts = FORMATS[tokens[2]](tally, message.data)
    if len(objects) + len(parts) > SETTINGS.max_objects:
        detail = f"{len(objects) + len(parts)} objects; at most {SETTINGS.max_objects}: send smaller messages"
        refuse("too_many_objects", detail, message.data)
        return
    for part in parts:
        refuse(part.reason, part.detail, part.raw, part.place)
    for one in objects:
        if one.facts:
            spoken.append(one)
        else:
            tally.repeated += 1  # an identifier and nothing else says nothing new
