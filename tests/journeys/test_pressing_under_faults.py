"""Pressing while notify is killed at each of its steps, and while its providers fail in every way.

The same three working days each time: two heads are told on Monday, a receipt comes twice and in the wrong order, one
head's mail is refused so that the head above is told; and the census of the afternoon is compared with what was done.
"""

# ruff: noqa: F811 - fixtures are taken by name

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio

from services.notify.telling.rendering import notice_id
from shared import bus
from shared.cloudevents import outgoing
from shared.events import DeadlinePassed, UnitDescribed
from tests import servers as real
from tests.component.office import FRIDAY_1600, FRIDAY_1601, MONDAY_0730, MONDAY_1400, OVERSIGHT, at, obligation, unit
from tests.component.receiving import STAFFED, gateway
from tests.component.sending import migrated  # noqa: F401 - a fixture
from tests.journeys.faults import House, house_of
from tests.journeys.judging import census_is_ledger, every_fact_once, id_of
from tests.waiting import until

pytestmark = pytest.mark.long  # starts notify twice a test

WARD = unit("14797", name="Phường Hạc Thành", kind="phuong")
OVERDUE = {"dossier/A": "H56.12", "dossier/B": "H56.12", "dossier/C": "14797"}
MAIL, SMS = notice_id("H56.12", at(MONDAY_0730)), notice_id("H56.12", at(MONDAY_0730), "sms")
REFUSED, NO_NUMBER = notice_id("14797", at(MONDAY_0730)), notice_id("14797", at(MONDAY_0730), "sms")
INSTEAD = hashlib.sha256(f"{REFUSED} instead 2".encode()).hexdigest()[:24]
MONDAY_0731 = "2026-11-23T07:31:00+07:00"

Part = Literal["hear", "raise", "digest", "send", "receipt", "instead", "refresh"]


@dataclass(frozen=True)
class Death:
    """Where notify is killed. part: of the story. gate: table, event and condition. commit: the commit stands, though
    notify never hears of it; else it is undone. swallow: bytes that never reach NATS. provider: in whose hands."""

    part: Part
    gate: tuple[str, str, str] | None = None
    commit: bool = False
    swallow: bytes = b""
    provider: Literal["", "mute", "email", "sms"] = ""  # who does not speak, or takes a notice and does not answer
    doubled: tuple[str, ...] = ()  # what the provider had accepted and we had not noted
    counted: tuple[str, ...] = ()  # what may be doubled for all we can know


NEVER = Death("hear")
NOTED = ("notice", "UPDATE", "NEW.status = 'sent' AND OLD.status <> 'sent' AND NEW.channel = 'email'")
DONE = "status IN ('sent', 'failed')"
ANEW = ("notice", "UPDATE", "NEW.rendered_at IS NOT NULL")
DEATHS = {
    "in the middle of hearing": Death("hear", ("obligation", "UPDATE", "NEW.revision >= 0")),
    "hearing, while it commits": Death("hear", ("obligation", "UPDATE", "NEW.revision >= 0"), commit=True),
    "after hearing, before it says so": Death("hear", swallow=b"$JS.ACK.DEADLINE"),
    "in the middle of raising": Death("raise", ("line", "INSERT", "true")),
    "raising, while it commits": Death("raise", ("line", "INSERT", "true"), commit=True),
    "after raising, before it says so": Death("raise", swallow=b"notify.escalation_raised.v1"),
    "while digests are made": Death("digest", ("notice", "INSERT", "true")),
    "while what they cover is written": Death("digest", ("notice_item", "INSERT", "true")),
    "digests, while they commit": Death("digest", ("notice", "INSERT", "true"), commit=True),
    "after digests, before it says so": Death("digest", swallow=b"notify.notice_stored.v1"),
    "claiming, while it commits": Death(
        "send",
        ("notice", "UPDATE", "NEW.lease IS NOT NULL AND NEW.channel = 'email'"),
        commit=True,
        counted=(MAIL, REFUSED),
    ),
    "claimed, not handed over": Death("send", provider="mute", counted=(MAIL, REFUSED)),
    "a mail handed over, no answer yet": Death("send", provider="email", doubled=(MAIL,), counted=(MAIL,)),
    "an SMS handed over, no answer yet": Death("send", provider="sms", doubled=(SMS,), counted=(SMS,)),
    "a mail taken, not noted": Death("send", NOTED, doubled=(MAIL,), counted=(MAIL,)),
    "a mail taken, while that commits": Death("send", NOTED, commit=True),
    "a mail taken, before it says so": Death("send", swallow=b"notify.notice_sent.v1"),
    "a receipt comes in": Death("receipt", ("receipt_heard", "INSERT", "true")),
    "a receipt is kept": Death("receipt", ("notice", "UPDATE", "NEW.receipt = 'delivered'")),
    "a receipt is applied, while that commits": Death(
        "receipt", ("notice", "UPDATE", "NEW.receipt = 'delivered'"), commit=True
    ),
    "while falling back": Death("instead", ("notice", "INSERT", "NEW.instead_of <> ''")),
    "falling back, while it commits": Death("instead", ("notice", "INSERT", "NEW.instead_of <> ''"), commit=True),
    "while a stale one is made anew": Death("refresh", ANEW),
    "a stale one, while it commits": Death("refresh", ANEW, commit=True),
}


@pytest_asyncio.fixture
async def house(nats_url: str, migrated: real.Database, tmp_path: Path) -> AsyncIterator[House]:
    async with gateway() as sms, house_of(tmp_path, nats_url, migrated, sms) as made:
        yield made


async def say(house: House, units: tuple[UnitDescribed, ...], overdue: dict[str, str]) -> None:
    said = [outgoing(UnitDescribed, id=u.code, about=u.code, time=at(FRIDAY_1600), data=u) for u in units]
    await bus.publish(house.client, said)
    states = [obligation(obligation_id=id, subject_id=id[-1], unit=of) for id, of in overdue.items()]
    of = [
        outgoing(DeadlinePassed, id=one["obligation_id"], about="x", time=at(FRIDAY_1600), data=one) for one in states
    ]
    await bus.publish(house.client, of)


@pytest.mark.parametrize("where", DEATHS)
async def test_killed_there_it_loses_nothing_and_doubles_only_what_it_counts(house: House, where: str) -> None:
    death = DEATHS[where]
    house.relay.refused = {WARD.email or ""}
    await house.start()
    await until(house.is_idle)
    await _through(house, "hear", death)
    await _through(house, "raise", death)
    await house.send_mode(paused=True, reason="thử")  # so that nothing is sent, and falls back, in the same sweep
    await _through(house, "digest", death)
    if death.part == "refresh":
        await _through(house, "refresh", death)
    await _through(house, "send", death)
    await _through(house, "receipt", death)
    await _through(house, "instead", death)
    await house.move_to(MONDAY_1400)
    await judge(house, death)


async def _number(house: House, condition: str, number: int) -> bool:
    return await house.count(condition) == number


async def _act(house: House, part: Part) -> None:
    """Begin a part of the story."""
    match part:
        case "hear":
            await say(house, (OVERSIGHT, STAFFED, WARD), OVERDUE)
        case "raise":
            await house.tick(FRIDAY_1601)
        case "digest":
            await house.tick(MONDAY_0730)
        case "send":
            await house.send_mode(paused=False)
        case "receipt":
            for state in (1, 2, 8, 1):  # delivered, then what came before it, and again
                await house.tell(house.sms.taken[-1], state)
        case "instead":
            await house.tick(MONDAY_0731)
        case "refresh":
            await house.sql.execute("UPDATE notify.notice SET added_at = clock_timestamp() - interval '1 hour'")


async def _ended(house: House, part: Part) -> None:
    """Return once a part is through."""
    reached = {"raise": FRIDAY_1601, "digest": MONDAY_0730, "instead": MONDAY_0731}
    if instant := reached.get(part):
        await until(lambda: house.has_reached(instant), what=instant)
    if part == "refresh":
        await until(lambda: _number(house, "rendered_at IS NOT NULL", 3), what="made anew")
    if part == "send":
        await until(lambda: _number(house, DONE, 3), what="all of Monday is sent")
    await house.settled()


async def _through(house: House, part: Part, death: Death) -> None:
    """Go through a part; where notify is to die in it, until then, and on after another start."""
    if death.part != part:
        await _act(house, part)
        await _ended(house, part)
        return
    if part == "send" and death.provider != "mute":
        house.relay.answers.clear()  # so that one notice alone is under way at the moment of the death
    if death.gate:
        table, event, when = death.gate
        async with house.gate.at(table, event, when=when, commit=death.commit):
            act = asyncio.create_task(_act(house, part))
            if part == "send":
                await _others_through(house, death)
                house.relay.answers.set()
            await until(house.gate.reached, what="it stands still")
            await house.kill()
            if not death.commit:
                await house.gate.undo()
            await act
    else:
        await _in_other_hands(house, part, death)
        await house.kill()
        house.relay.manner = "well"
        house.relay.answers.set()
        house.sms.open.set()
    await house.after_death()
    await house.start()
    if part == "receipt":  # what was not answered comes again
        await until(house.is_idle)
        await _act(house, part)
    await _ended(house, part)


async def _others_through(house: House, death: Death) -> None:
    """Return once all notices of Monday but those on which notify is to die are noted."""
    left = {MAIL, REFUSED} & {*death.counted} or {MAIL}
    await until(lambda: _number(house, DONE, 3 - len(left)), what="the others are sent")
    await until(lambda: _nothing_said_waits(house), what="and that is said")


async def _nothing_said_waits(house: House) -> bool:
    return not await house.sql.fetchval("SELECT count(*) FROM notify.outbox")


async def _in_other_hands(house: House, part: Part, death: Death) -> None:
    """Begin a part, and return once what notify said went nowhere, or a provider has a notice and does not answer."""
    if death.swallow and part != "send":
        house.wire.swallow = death.swallow
        await _act(house, part)
    elif death.swallow:
        await _act(house, part)
        await _others_through(house, death)
        house.wire.swallow = death.swallow
        house.relay.answers.set()
    if death.swallow:
        await asyncio.wait_for(house.wire.swallowed.wait(), 30)
        return
    if death.provider == "sms":
        house.sms.open.clear()
        house.relay.answers.set()
    elif death.provider == "mute":
        house.relay.manner = "mute"
    await _act(house, part)
    ways: dict[str, Callable[[], bool]] = {
        "mute": lambda: house.relay.open >= 2,
        "sms": lambda: bool(house.sms.taken),
        "email": lambda: bool(house.relay.taken),
    }

    async def has() -> bool:
        return ways[death.provider]()

    await until(has, what="a provider has it")
    others = 2 if death.provider != "mute" else 1
    await until(lambda: _number(house, DONE, others), what="the others are sent")


async def judge(house: House, death: Death) -> None:
    """Nothing is lost; what went twice is counted; the ledger agrees with the census; the audit holds."""
    taken = Counter(house.relay.taken)
    texted = Counter(id_of(message) for message in house.sms.taken)
    assert set(taken) == {MAIL, INSTEAD}
    assert set(texted) == {SMS}
    twice = {id for id, number in (taken + texted).items() if number > 1}
    rows = await house.sql.fetch("SELECT id, status, receipt, fallback, maybe_doubled FROM notify.notice")
    counted = {row["id"] for row in rows if row["maybe_doubled"]}
    assert twice == set(death.doubled)
    assert twice <= counted
    assert counted <= {*death.counted, SMS} if death.part == "send" else not counted, "in whose hands nothing was"
    assert {row["id"]: row["status"] for row in rows} == {
        MAIL: "sent", SMS: "sent", REFUSED: "failed", NO_NUMBER: "withheld", INSTEAD: "sent",
    }  # fmt: skip
    assert {row["id"]: row["receipt"] for row in rows}[SMS] == "delivered"
    assert {row["id"]: row["fallback"] for row in rows}[REFUSED] == "next_person"
    await every_fact_once(house, rows=len(rows))
    await census_is_ledger(house, [(id, 2) for id in OVERDUE])
