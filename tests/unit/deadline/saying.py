"""What a source says of one dossier, taken the whole way from message to obligation without any server."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from services.deadline.folding import fold
from services.deadline.reference import carried
from services.deadline.settings import DeadlineSettings
from services.intake import duties, national, statements
from services.intake.facts import Receipt, event_id, facts_of, key_of
from services.intake.memory import Memory
from shared.events import Fact, Obligation

CODE = "000.00.12.H56-261102-0001"
AGENCY = "000.00.12.H56"
MIRROR = "portal"
TERMS = DeadlineSettings().terms()
Events = list[dict[str, Any]]


@dataclass(frozen=True)
class Message:
    """A message of one object. at: when it was received, ISO 8601 with offset. sent_at: None as with the portal."""

    service: str
    fields: dict[str, Any]
    at: str
    source: str = "motcua-1"
    sent_at: str | None = None
    agency: str = AGENCY

    def body(self) -> bytes:
        if self.service.startswith("dondoc."):
            time = {"time": self.sent_at} if self.sent_at else {}
            envelope = {"specversion": "1.0", "id": "1", "source": "/x", "type": self.service, "subject": CODE}
            return orjson.dumps({**envelope, **time, "data": self.fields})
        head = {"session": "", "madonvi": self.agency, "service": self.service}
        sent = {"sent_at": self.sent_at} if self.sent_at else {}
        return orjson.dumps({**head, **sent, "data": [{"MaHoSo": CODE, **self.fields}]})


def compact(iso: str) -> str:
    """Return `2026-11-02T09:10` or a longer form as the portal writes it."""
    return datetime.fromisoformat(iso).strftime("%Y%m%d%H%M%S") if iso else ""


def snapshot(at: str, *, source: str = "motcua-1", sent_at: str | None = None, **fields: Any) -> Message:
    """Return a snapshot received `at`; dates among `fields` may be given as compact or ISO text."""
    dated = {name: _compacted(value) for name, value in fields.items()}
    return Message(national.SNAPSHOT, dated, _aware(at), source, _aware(sent_at) if sent_at else None)


def step(at: str, status: int | str, *, source: str = "motcua-1", heard: str | None = None, **fields: Any) -> Message:
    """Return a progress step that happened `at` and was received then, or when `heard`."""
    said = {"ThoiDiemXuLy": compact(at), "TrangThai": str(status), **fields}
    return Message(national.STEP, said, _aware(heard or at), source)


def own(type: str, at: str, /, *, source: str = "motcua-1", sent_at: str | None = None, **data: Any) -> Message:
    """Return what our own format says, `dondoc.<type>.v1`, received `at`; times among `data` get their offset."""
    dated = {name: _aware(value) if _is_time(value) else value for name, value in data.items()}
    return Message(f"dondoc.{type}.v1", dated, _aware(at), source, _aware(sent_at) if sent_at else None)


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= 16 and value[:2] == "20" and value[10] == "T"


def _aware(iso: str) -> str:
    return iso if iso.endswith("+07:00") else f"{iso}+07:00"


def _compacted(value: Any) -> Any:
    if isinstance(value, list):
        return [{name: _compacted(of) for name, of in entry.items()} for entry in value]
    return compact(value) if isinstance(value, str) and "T" in value and value[:2] == "20" else value


def facts(message: Message) -> tuple[str, list[Fact]]:
    """Return the raw code and every fact that a message asserts."""
    if message.service.startswith("dondoc."):
        return _own_facts(message)
    read = national.read(message.body())
    assert not read.refused, read.refused
    [of] = read.objects
    receipt = Receipt.of(datetime.fromisoformat(message.at))
    mirror = message.source == MIRROR
    return of.code, facts_of(of, message=read, source=message.source, mirror=mirror, receipt=receipt)


def _own_facts(message: Message) -> tuple[str, list[Fact]]:
    stated = statements.read(message.body())
    assert not stated.refused, stated.refused
    [one] = stated.objects
    receipt = Receipt.of(datetime.fromisoformat(message.at))
    return one.subject, duties.facts_of(one, source=message.source, mirror=message.source == MIRROR, receipt=receipt)


def through_memory(messages: Iterable[Message]) -> Events:
    """Return the events that intake says, its memory stored and read back between messages."""
    said: dict[str, dict[str, Any]] = {}
    stored: bytes | None = None
    for message in messages:
        code, asserted = facts(message)
        memory = Memory.of(orjson.loads(stored)) if stored else Memory(raw_code=code)
        new = [fact for one in asserted for fact in memory.hear(one)]
        if new:
            said.setdefault(event_id(new), _event(code, new))
        if memory.changed:
            stored = orjson.dumps(memory.document())
    return list(said.values())


def everything(messages: Iterable[Message]) -> Events:
    """Return events that say every assertion, as if intake remembered nothing."""
    return [_event(code, asserted) for code, asserted in map(facts, messages) if asserted]


def _event(code: str, said: Sequence[Fact]) -> dict[str, Any]:
    return dict(orjson.loads(orjson.dumps({"raw_code": code, "facts": said})))


def obligations(events: Events, *, until: str | None = None) -> list[Obligation]:
    """Return what deadline makes of the events: the dossier, then its parts."""
    folded = fold(f"dossier/{key_of(CODE)}", events, known=carried(), terms=TERMS, until=until) if events else []
    return [one.obligation for one in folded]


def obligation(events: Events, *, until: str | None = None) -> Obligation | None:
    """Return what deadline makes of the dossier itself."""
    return next(iter(obligations(events, until=until)), None)


def shuffled(events: Events, *, seed: int) -> Events:
    """Return the events in another order, some of them twice."""
    chance = random.Random(seed)
    mixed = events + chance.choices(events, k=len(events)) if events else []
    chance.shuffle(mixed)
    return mixed


def told(*messages: Message, until: str | None = None) -> Obligation:
    """Return the obligation that messages make, received in the order given."""
    made = obligation(through_memory(messages), until=_aware(until) if until else None)
    assert made is not None
    return made


def parts_told(*messages: Message, until: str | None = None) -> dict[str, Obligation]:
    """Return the parts of the dossier that messages make, by id."""
    made = obligations(through_memory(messages), until=_aware(until) if until else None)
    return {part["obligation_id"]: part for part in made[1:]}
