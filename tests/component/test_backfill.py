"""Imports beside live feeds on real servers: the same facts by another way; what waits is seen, bounded, then gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

import httpx
import pytest
import pytest_asyncio
from nats.aio.client import Client
from prometheus_client import REGISTRY
from sqlalchemy import text

from services.deadline import handlers as deadline_handlers
from services.deadline.main import SERVICE as DEADLINE
from services.intake import api, backfill, handlers, store
from services.intake.main import SERVICE as INTAKE
from services.intake.sources import hearing
from services.intake.understanding import SETTINGS
from shared import bus, retrying
from shared.cloudevents import Outgoing
from shared.events import DossierSaid
from shared.service import Running
from tests import servers as real
from tests.component import harness
from tests.component.test_intake_to_deadline import message, snapshot
from tests.waiting import until

ENDED = {"TrangThaiHoSo": "9", "NgayKetThucXuLy": "20261106091000"}
QUERY: dict[str, str | int] = {"source": "motcua-1", "first": 1}


class Office(NamedTuple):
    """Intake and deadline, a caller of intake over HTTP, and the broker."""

    running: dict[str, Running]
    intake: httpx.AsyncClient
    client: Client

    async def import_lines(
        self, lines: Sequence[bytes], *, id: str = "history", first: int = 1, source: str = "motcua-1"
    ) -> None:
        query: dict[str, str | int] = {"source": source, "first": first}
        answer = await self.intake.post(f"/v1/imports/{id}/lines", params=query, content=b"\n".join(lines))
        answer.raise_for_status()

    async def told(self, id: str = "history") -> dict[str, int]:
        told: dict[str, int] = (await self.intake.get(f"/v1/imports/{id}")).raise_for_status().json()
        return told

    async def idle(self) -> None:
        await harness.until_idle(self.running)

    async def held(self) -> int:
        info = await bus.api(self.client, "STREAM.INFO.BACKFILL")
        return int(info["state"]["messages"])

    async def obligations(self) -> dict[str, dict[str, Any]]:
        async with self.running["deadline"].engine.connect() as connection:
            rows = await connection.execute(text("SELECT id, document FROM deadline.obligation"))
            return {row.id: row.document for row in rows}


@pytest.fixture
def clock() -> str:
    return "live"


@pytest_asyncio.fixture
async def office(nats_url: str, postgres_url: str, clock: str) -> AsyncIterator[Office]:
    database = await real.fresh_database(postgres_url, migrated=["intake", "deadline"])
    async with (
        harness.services(INTAKE, DEADLINE, nats_url=nats_url, database=database, clock=clock) as running,
        harness.caller(running["intake"]) as intake,
        harness.connected(nats_url) as client,
    ):
        yield Office(running, intake, client)
    await real.drop_database(postgres_url, database)


def codes(letter: str) -> list[str]:
    return [f"000.00.12.H56-261102-{letter}{number:03}" for number in range(60)]


def old(letter: str) -> list[bytes]:
    return [message(snapshot(code)) for code in codes(letter)]


def new(letter: str) -> list[bytes]:
    return [message(snapshot(code, NgayHenTra="20261110091000", **ENDED)) for code in codes(letter)]


async def test_what_is_said_live_and_by_import_ends_alike_in_any_order(office: Office) -> None:
    await office.import_lines(old("A"), id="a")
    await office.idle()
    await harness.feed(office.client, [*new("A"), *new("B")])
    await office.idle()
    await office.import_lines(old("B"), id="b")
    for start in range(0, 60, 6):  # of C both at the same moment, by turns in either order
        now = [harness.feed(office.client, new("C")[start : start + 6])]
        now.insert(start % 4, office.import_lines(old("C")[start : start + 6], id="c", first=start + 1))
        await asyncio.gather(*now)
    await office.idle()
    found: dict[str, list[dict[str, Any]]] = {"A": [], "B": [], "C": []}
    for one in (await office.obligations()).values():
        letter = one["subject_id"][-4]
        own = {"obligation_id", "subject_id", "raw_code", "revision", "heard_at"}
        found[letter].append({name: value for name, value in one.items() if name not in own})
    assert len(found["A"]) == 60
    assert found["A"] == found["B"] == found["C"]
    assert found["A"][0]["state"] == "ended"
    assert await office.told("c") == {"lines": 60, "accepted": 60, "repeated": 0, "refused": 0, "refused_lines": 0}


async def test_a_line_that_is_done_is_gone_from_the_stream_and_its_facts_are_not_in_that_of_live_ones(
    office: Office,
) -> None:
    of_feed = {"stream": "FEED", "outcome": "accepted"}
    before = REGISTRY.get_sample_value("dondoc_events_total", of_feed)
    await office.import_lines(old("A"), source="lich-su")
    status = await office.running["intake"].status()
    assert {"FEED/intake", "BACKFILL/intake"} == set(status["consumers"])
    await office.idle()
    await backfill.let_go(office.running["intake"].client)
    assert await office.held() == 0
    lives = REGISTRY.get_sample_value("dondoc_feed_last_received_timestamp_seconds", {"source": "lich-su"})
    assert lives is None  # history is no sign that its source sends
    assert REGISTRY.get_sample_value("dondoc_events_total", of_feed) == before  # nor that FEED is heard
    assert not [one for one in await harness.said(office.client, "INTAKE") if one["type"] == DossierSaid.subject()]
    assert len(await office.obligations()) == 60


async def test_nothing_is_idle_while_an_import_waits_for_deadline(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, follow = asyncio.Event(), deadline_handlers._follow

    async def wait(*given: Any) -> Any:
        await gate.wait()
        return await follow(*given)

    monkeypatch.setattr(deadline_handlers, "_follow", wait)
    await office.import_lines(old("A"))
    await harness.until_idle({"intake": office.running["intake"]})
    assert (await office.told())["lines"] == 60
    await backfill.let_go(office.running["intake"].client)
    assert await office.held() >= 60  # what deadline has still to hear
    status = await office.running["deadline"].status()
    assert (status["idle"], sum(status["consumers"]["BACKFILL/deadline"].values())) == (False, 60)
    gate.set()
    await office.idle()
    assert len(await office.obligations()) == 60


async def test_a_source_cannot_write_that_lines_of_an_import_are_done(office: Office) -> None:
    headers = {"Dondoc-Import": "history", "Dondoc-Line": "1"}
    await bus.publish(office.client, [Outgoing("1", "feed.motcua-1.national", old("A")[0], headers)])
    await office.idle()
    assert (len(await office.obligations()), (await office.told())["lines"]) == (1, 0)
    assert await heard(office) == ["motcua-1"]


async def heard(office: Office) -> list[str]:
    async with office.running["intake"].engine.connect() as connection:
        return list((await connection.execute(text("SELECT source FROM intake.source_heard"))).scalars())


async def test_what_is_carried_out_again_of_an_import_still_gives_way_and_is_no_speaking(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SETTINGS, "max_body_bytes", 2000)
    post = office.intake.post
    (await post("/v1/sources", json={"name": "motcua-1"})).raise_for_status()
    await office.import_lines([old("A")[0], b"x" * 2001])
    (await post("/v1/sources/motcua-1/disable")).raise_for_status()
    query = {"Dondoc-Import": "history", "Dondoc-Line": "3"}
    line = Outgoing("history:3", "backfill.feed.motcua-1.national", old("A")[1], query)  # stored before it was disabled
    await bus.publish(office.client, [line])
    await office.idle()
    taken = (await post("/v1/sources/motcua-1/enable")).raise_for_status().json()
    assert (taken["taken"], taken["waiting"]) == (1, 0)
    [long] = (await office.intake.get("/v1/quarantine")).json()
    again = (await post(f"/v1/quarantine/{long['id']}/retry", content=old("A")[2])).raise_for_status().json()
    assert (long["reason"], again["outcome"]["result"]) == ("line_too_long", "taken")
    await office.idle()
    assert len(await office.obligations()) == 3
    assert not [one for one in await harness.said(office.client, "INTAKE") if one["type"] == DossierSaid.subject()]
    assert await heard(office) == []


async def test_an_import_does_not_tell_how_far_the_feed_is_heard(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = list[bool]()
    monkeypatch.setattr(hearing.REACH, "note", lambda _, driven: noted.append(driven))
    await office.import_lines(old("A"))
    await office.idle()
    assert noted == []
    await harness.feed(office.client, old("B")[:1])
    await office.idle()
    assert noted == [False]


async def test_lines_done_are_told_as_runs_and_a_line_counts_once(office: Office) -> None:
    lines = old("A")
    await office.import_lines(lines[:10], first=1)
    await office.import_lines(lines[20:30], first=21)
    await office.idle()
    assert (await office.intake.get("/v1/imports/history/done")).json() == [[1, 10], [21, 30]]
    async with office.running["intake"].engine.connect() as connection:
        seen = (await connection.execute(text("SELECT * FROM intake.import_line ORDER BY line"))).all()
    again = [store.LineOutcome(*row) for row in seen]
    async with office.running["intake"].engine.begin() as connection:
        await store.add_line_outcomes(connection, [*again, store.LineOutcome("history", 40, 0, 0, 2)])
    assert await office.told() == {"lines": 21, "accepted": 20, "repeated": 0, "refused": 2, "refused_lines": 1}


async def test_an_import_is_asked_to_wait_while_much_of_it_is_still_to_do(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, hear = asyncio.Event(), handlers.hear

    async def wait(*given: Any) -> None:
        await gate.wait()
        await hear(*given)

    monkeypatch.setattr(api, "MAX_WAITING", 0)
    monkeypatch.setattr(handlers, "hear", wait)
    await office.import_lines(old("A"))
    answer = await office.intake.post("/v1/imports/history/lines", params=QUERY, content=b"{}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    gate.set()
    await office.idle()
    await office.import_lines(old("B"), first=61)


async def test_lines_wait_while_a_live_message_is_in_hand(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, take_in = asyncio.Event(), handlers.hear

    async def wait(connection: Any, spoken: Any) -> None:
        if spoken[0].key.endswith("B000"):
            await gate.wait()
        await take_in(connection, spoken)

    monkeypatch.setattr(handlers, "hear", wait)
    await harness.feed(office.client, old("B")[:1])
    await until(lambda: bus.lag(office.client, stream="FEED", durable="intake"), lambda lag: lag.unacked)
    await asyncio.sleep(0.1)
    await office.import_lines(old("A"))
    await asyncio.sleep(1.5)
    assert (await office.told())["lines"] == 0
    gate.set()
    await office.idle()
    assert (await office.told())["lines"] == 60


@pytest.mark.parametrize("clock", ["driven"])
async def test_a_tick_stands_behind_the_lines_that_were_stored_before_it(office: Office) -> None:
    await office.import_lines([line for letter in "ABCDEF" for line in old(letter)])
    await harness.tick(office.client, "2026-11-04T09:00:00+07:00", streams=("COMPLAINTS", "FEED"))
    await until(lambda: _ticked(office.client))
    assert len(await office.obligations()) == 360


async def _ticked(client: Client) -> bool:
    info = await bus.api(client, "STREAM.INFO.DEADLINE", {"subjects_filter": "deadline.tick.v1"})
    return "deadline.tick.v1" in (info["state"].get("subjects") or {})


@pytest.mark.parametrize("by_hand", [False, True])
async def test_an_event_of_an_import_that_failed_alone_is_tried_again_from_quarantine(
    office: Office, by_hand: bool
) -> None:
    deadline = office.running["deadline"]
    await office.idle()
    async with deadline.engine.begin() as connection:
        await connection.execute(
            text(f"ALTER TABLE deadline.said ADD CONSTRAINT no CHECK (obligation <> 'dossier/{codes('A')[7]}')")
        )
    await office.import_lines(old("A"))
    await office.idle()
    assert (await deadline.status())["quarantine"] == 1
    await backfill.let_go(office.running["intake"].client)
    assert (len(await office.obligations()), await office.held()) == (59, 0)
    async with deadline.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE deadline.said DROP CONSTRAINT no"))
    if by_hand:
        async with harness.caller(deadline) as caller:
            [entry] = (await caller.get("/v1/quarantine")).json()
            answer = await caller.post(f"/v1/quarantine/{entry['id']}/retry")
        assert (answer.status_code, answer.json().get("state")) == (200, "retried")
        assert len(await office.obligations()) == 60
        return
    assert await retrying.retry_parked(deadline) == 1
    assert ((await deadline.status())["quarantine"], len(await office.obligations())) == (0, 60)


@pytest.mark.parametrize("by_hand", [True, False])
async def test_a_line_that_failed_alone_is_refused_to_its_import_and_carried_out_again(
    office: Office, by_hand: bool
) -> None:
    intake = office.running["intake"]
    async with intake.engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE intake.thing ADD CONSTRAINT no CHECK (key <> '{codes('A')[0]}')"))
    await office.import_lines(old("A")[:2])
    await office.idle()
    told = await office.told()
    assert (told["lines"], told["accepted"], told["refused"]) == (2, 1, 1)  # the command waits for nothing more
    assert await retrying.retry_parked(intake) == 0
    async with intake.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE intake.thing DROP CONSTRAINT no"))
    [entry] = (await office.intake.get("/v1/quarantine")).json()
    assert entry["reason"] == "failed_alone"
    if by_hand:
        answer = await office.intake.post(f"/v1/quarantine/{entry['id']}/retry")
        assert (answer.status_code, answer.json().get("state")) == (200, "retried")
    else:
        assert await retrying.retry_parked(intake) == 1
    await office.idle()
    assert len(await office.obligations()) == 2
    shown = (await office.intake.get(f"/v1/quarantine/{entry['id']}")).json()
    assert [act["by"] == "dondoc" for act in shown["history"]] == [not by_hand]  # vain tries of nobody's are no history


async def test_what_failed_alone_of_an_import_is_carried_out_from_its_bytes_when_an_operator_asks(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forbidden(*_: Any) -> Any:  # as the broker's permissions have it
        raise TimeoutError("nobody may look into BACKFILL")

    deadline, intake = office.running["deadline"], office.running["intake"]
    await office.idle()
    async with deadline.engine.begin() as connection:
        await connection.execute(
            text(f"ALTER TABLE deadline.said ADD CONSTRAINT no CHECK (obligation <> 'dossier/{codes('A')[7]}')")
        )
    async with intake.engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE intake.thing ADD CONSTRAINT no CHECK (key <> '{codes('A')[9]}')"))
    await office.import_lines(old("A"))
    await office.idle()
    assert [(await one.status())["quarantine"] for one in office.running.values()] == [1, 1]
    async with deadline.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE deadline.said DROP CONSTRAINT no"))
    async with intake.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE intake.thing DROP CONSTRAINT no"))
    monkeypatch.setattr(bus, "api", forbidden)
    for service in (deadline, intake):
        done = await retrying.retry(service, 1, body=None, by="lan")
        assert (done["state"], done["outcome"]["result"]) == ("retried", "taken")
    monkeypatch.undo()
    await office.idle()
    assert len(await office.obligations()) == 60
