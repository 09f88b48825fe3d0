"""Whatever is heard, joined, retracted and restored, in whatever order: each dossier is what its own facts make it.

The way is the real one, intake's hearing and correcting, its events and deadline's fold, but for the tables, which are
dictionaries here. The yardstick is a fold over all facts of the codes that are one dossier in the end.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from services.deadline.folding import fold
from services.deadline.reference import carried
from services.intake import duties, handlers, memory, statements, store
from services.intake.correcting import linking, marks, retracting
from services.intake.correcting import store as links_store
from services.intake.correcting.linking import Claim
from services.intake.correcting.store import Link
from services.intake.facts import Assertion, Receipt, fact_of
from services.intake.memory import Memory
from services.intake.understanding import Spoken, Tally
from shared.bus import Received
from shared.cloudevents import Outgoing
from shared.events import Obligation
from tests.unit.deadline import saying

CODES = ["000.00.12.H56-261102-0001", "ML-1", "ML-2", "000.00.13.H56-261102-0002"]
START = datetime.fromisoformat("2026-11-02T08:00:00+07:00")
PUT_RIGHT = datetime.fromisoformat("2026-11-20T08:00:00+07:00")
UNITS = ["UBND xã Mường Lát", "H56.13", "UBND xã Mường Chanh"]
NO_CONNECTION: Any = None


class Tables:
    """What intake stores, in memory."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.things: dict[str, bytes] = {}
        self.links: dict[str, Link] = {}
        self.revision = 0
        for name in ("lock_things", "put_things", "add_things"):
            monkeypatch.setattr(store, name, getattr(self, name))
        for name in ("list_links", "put_links", "next_revision"):
            monkeypatch.setattr(links_store, name, getattr(self, name))
        for name in ("lock_links", "settle_reversals"):
            monkeypatch.setattr(links_store, name, self.nothing)
        monkeypatch.setattr(handlers, "add_reversals", self.nothing)

    async def lock_things(self, _: object, keys: Iterable[str]) -> dict[str, Memory]:
        return {key: Memory.of(orjson.loads(self.things[key])) for key in sorted(keys) if key in self.things}

    async def put_things(self, _: object, memories: Mapping[str, Memory]) -> None:
        self.things |= {key: orjson.dumps(memory.document()) for key, memory in memories.items()}

    async def add_things(self, _: object, memories: Mapping[str, Memory]) -> set[str]:
        await self.put_things(_, memories)
        return set()

    async def list_links(self, _: object, keys: Sequence[str]) -> list[Link]:
        groups = marks.groups_of((link.one, link.other) for link in self.links.values() if link.retraction is None)
        names = {name for key in keys for name in groups.get(key, {key})}
        return [link for link in self.links.values() if {link.one, link.other} & names]

    async def put_links(self, _: object, links: Iterable[Link]) -> None:
        self.links |= {link.fact["id"]: link for link in links}

    async def next_revision(self, _: object) -> int:
        self.revision += 1
        return self.revision

    async def nothing(self, *_: object, **__: object) -> None:
        pass


def statement(dice: random.Random) -> dict[str, Any]:
    number, at, until = dice.randint(1, 2), moment(dice), dice.choice([None, moment(dice)])
    ends = {"until": until} if until and until >= at else {}
    said: dict[str, dict[str, Any]] = {
        "transfer": {"number": number, "at": at, "unit_to": dice.choice(UNITS)},
        "step": {"number": number, "unit": dice.choice(UNITS), "since": at, "due_at": moment(dice), **ends},
        "supplement": {"number": number, "requested_at": at, **({"received_at": until} if ends else {})},
        "pause": {"number": number, "kind": "suspension", "since": at, **ends},
        "apology": {"number": number, "issued_at": at, "due_after": moment(dice)},
        "filed": {"filed_at": at},
        "accepted": {"accepted_at": at, "due_at": moment(dice), "unit": dice.choice(UNITS)},
        "ended": {"ended_at": at, "end": dice.choice(["completed", "refused", "withdrawn", "stopped"])},
        "due_date": {"due_at": moment(dice), "announced_at": at},
    }
    type = dice.choice(sorted(said))
    envelope = {"specversion": "1.0", "id": "1", "source": "/x", "type": f"dondoc.{type}.v1"}
    time = {"time": moment(dice)} if dice.random() < 0.6 else {}
    return {**envelope, **time, "subject": dice.choice(CODES), "data": said[type]}


def moment(dice: random.Random) -> str:
    return (START + timedelta(hours=12 * dice.randrange(10))).isoformat()


async def hear(said: dict[str, Any], source: str, at: datetime) -> list[Outgoing]:
    [one] = statements.read(orjson.dumps(said)).objects
    facts = duties.facts_of(one, source=source, mirror=source == saying.MIRROR, receipt=Receipt.of(at))
    tally = Tally(Received("", b"", {}, "", "", 0, 0, at), at)
    spoken = [Spoken(duties.thing_of(one), one.subject, facts, at, tally)]
    await handlers.hear(NO_CONNECTION, spoken)
    return handlers.say(spoken)


async def join(dice: random.Random, now: datetime) -> list[Outgoing]:
    claims = []
    for _ in range(dice.randint(1, 3)):
        one, other = dice.sample(CODES, 2)
        at = (now + timedelta(seconds=dice.randint(0, 1))).isoformat()
        said = Assertion(marks.SAME, {"code": other}, at, at, 0)
        fact = fact_of(one, said, name=said, heard=at, source=dice.choice(["operator", "motcua-1"]), mirror=False)
        claims.append(Claim(one, other, fact, now))
    heard = {code: code for code in dice.sample(CODES, dice.randint(0, 2))}
    events, _ = await linking.join(NO_CONNECTION, claims, heard=heard)
    return events


async def retract(dice: random.Random, now: datetime, *, restore: bool) -> Sequence[Outgoing]:
    code = dice.choice(CODES)
    try:
        facts = retracting.listed(await retracting.find(NO_CONNECTION, code))["facts"]
    except retracting.CannotError:
        return []
    if restore:
        facts = [fact for fact in facts if fact["slot"].startswith(marks.RETRACTED)]
    if not facts:
        return []
    id, why, every = dice.choice(facts)["id"], marks.Said("x", "y", now.isoformat()), dice.random() < 0.3
    return (await retracting.retract(NO_CONNECTION, code, id, why, every=every, at=now, dry_run=False)).events


async def live(dice: random.Random) -> list[Outgoing]:
    """Let one random course of events be; returns what intake says."""
    told = [(statement(dice), dice.choice(["motcua-1", "motcua-1", "motcua-2", saying.MIRROR]), moment(dice))
            for _ in range(dice.randint(2, 10))]  # fmt: skip
    deeds: list[Any] = [*told, *dice.choices(told, k=4)]
    deeds += ["join"] * dice.randint(0, 4) + ["retract"] * dice.randint(0, 4) + ["restore"] * dice.randint(0, 2)
    dice.shuffle(deeds)
    events: list[Outgoing] = []
    for number, deed in enumerate(deeds):
        now = PUT_RIGHT + timedelta(seconds=number)
        if deed == "join":
            events += await join(dice, now)
        elif isinstance(deed, str):
            events += await retract(dice, now, restore=deed == "restore")
        else:
            said, source, at = deed
            events += await hear(said, source, datetime.fromisoformat(at))
    return events


def made(code: str, said: Sequence[dict[str, Any]]) -> list[Obligation]:
    return [one.obligation for one in fold(f"dossier/{code}", said, known=carried(), terms=saying.TERMS)]


def compare(tables: Tables, events: Sequence[Outgoing], dice: random.Random) -> None:
    memories = {key: Memory.of(orjson.loads(stored)) for key, stored in tables.things.items()}
    gone = marks.retracted(fact for memory in memories.values() for fact in memory.facts.values())
    joined = marks.dossiers_of((link.one, link.other) for link in tables.links.values() if link.retraction is None)
    said: dict[str, dict[str, dict[str, Any]]] = {code: {} for code in CODES}
    for event in events:
        data = orjson.loads(event.body)["data"]
        said[data["dossier"]][event.id] = data
    for code in CODES:
        heard = saying.shuffled(list(said[code].values()), seed=dice.randrange(99))
        own = [memories[name] for name in CODES if joined.get(name, name) == code and name in memories]
        kept = [fact for memory in own for fact in memory.facts.values() if fact["id"] not in gone]
        facts = [fact for fact in kept if not fact["slot"].startswith((marks.RETRACTED, marks.STANDS))]
        if joined.get(code, code) == code and facts:
            assert made(code, heard) == made(code, [{"raw_code": code, "facts": facts}])
        elif heard:
            [void] = made(code, heard)
            assert void["end"] == "void"


@pytest.mark.parametrize("seeds", [range(start, start + 50) for start in range(0, 200, 50)])
def test_each_dossier_is_what_its_own_facts_make_it(monkeypatch: pytest.MonkeyPatch, seeds: range) -> None:
    for seed in seeds:
        tables, dice = Tables(monkeypatch), random.Random(seed)
        compare(tables, asyncio.run(live(dice)), dice)


async def say_due(code: str, night: int) -> list[Outgoing]:
    envelope = {"specversion": "1.0", "id": "1", "source": "/x", "type": "dondoc.due_date.v1", "subject": code}
    at = START + timedelta(hours=night)
    said = {**envelope, "time": at.isoformat(), "data": {"due_at": moment(random.Random(1))}}
    return await hear(said, "motcua-1", at)


async def retract_dues(code: str) -> int:
    """Retract a due date with all that say the same; returns how many facts are left."""
    dues = list(retracting.listed(await retracting.find(NO_CONNECTION, code))["facts"])
    why = marks.Said("x", "y", PUT_RIGHT.isoformat())
    await retracting.retract(NO_CONNECTION, code, dues[0]["id"], why, every=True, at=PUT_RIGHT, dry_run=False)
    gone = (await retracting.find(NO_CONNECTION, code)).gone()
    return len([one for one in dues if one["id"] not in gone])


async def repeat_and_retract(code: str, *, times: int) -> tuple[int, list[int]]:
    """Let a source say one due date so many times, before it is retracted and after, and once with a new time."""
    for night in range(times):
        await say_due(code, night)
    left = await retract_dues(code)
    return left, [len(await say_due(code, night)) for night in range(times + 1)]


def test_a_due_date_that_was_repeated_for_a_year_is_retracted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Tables(monkeypatch)
    assert asyncio.run(repeat_and_retract("ML-1", times=400)) == (0, [*[0] * 400, 1])


def test_what_an_earlier_version_told_each_night_is_retracted_though_it_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables, code = Tables(monkeypatch), "ML-1"
    monkeypatch.setattr(memory, "KEPT", 1000)
    for night in range(50):
        asyncio.run(say_due(code, night))
    stored = orjson.loads(tables.things[code])
    tables.things[code] = orjson.dumps({**stored, "unsaid": []})
    monkeypatch.setattr(memory, "KEPT", 8)
    told = {fact["id"] for fact in stored["facts"]}
    for night in range(50, 54):
        asyncio.run(say_due(code, night))
    assert len(orjson.loads(tables.things[code])["facts"]) < 20
    assert asyncio.run(retract_dues(code)) == 0
    assert told <= asyncio.run(retracting.find(NO_CONNECTION, code)).gone().keys()
