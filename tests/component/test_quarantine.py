"""What lies in quarantine on real servers: shown with its place, carried out again, corrected, dropped, sealed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
import pytest_asyncio
from cryptography.fernet import Fernet
from nats.aio.client import Client
from sqlalchemy import text

from services.deadline.main import SERVICE as DEADLINE
from services.intake.main import SERVICE as INTAKE
from shared import db, parking, quarantine, quarantine_store, retrying, sealing
from shared.bus import Received, publish
from shared.clock import machine_now
from shared.cloudevents import Outgoing
from shared.service import Running
from tests import servers as real
from tests.component import harness

CODE = "000.00.12.H56-261102-0001"
GOOD = {"MaHoSo": CODE, "NgayTiepNhan": "20261102091000", "NgayHenTra": "20261109091000", "TrangThaiHoSo": "2"}
BAD = {**GOOD, "ChuHoSo": "Nguyễn Văn A", "NgayHenTra": "20261309091000"}
PATH = "/v1/quarantine"


class Office(NamedTuple):
    """An intake, its caller over HTTP, and the broker."""

    intake: Running
    caller: httpx.AsyncClient
    client: Client

    async def send(self, *objects: Any, source: str = "motcua-1") -> None:
        body = {"service": "DongBoHoSoMC", "madonvi": "000.00.12.H56", "data": objects}
        await self.feed(orjson.dumps(body), source=source)

    async def feed(self, body: bytes, *, source: str = "motcua-1") -> None:
        await harness.feed(self.client, [body], source=source)
        await harness.until_idle({"intake": self.intake})

    async def entries(self, **query: Any) -> list[dict[str, Any]]:
        answer = await self.caller.get(PATH, params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    async def retry(self, id: int, body: bytes = b"", *, code: int = 200, **query: Any) -> dict[str, Any]:
        answer = await self.caller.post(f"{PATH}/{id}/retry", content=body, params=query)
        assert answer.status_code == code, answer.text
        await harness.until_idle({"intake": self.intake})
        return dict(answer.json())

    async def facts(self) -> list[dict[str, Any]]:
        said = [one["data"] for one in await harness.said(self.client, "INTAKE") if "facts" in one["data"]]
        return [fact for data in said for fact in data["facts"]]

    async def sql(self, statement: str) -> None:
        async with self.intake.engine.begin() as connection:
            await connection.execute(text(statement))


@pytest_asyncio.fixture
async def office(nats_url: str, postgres_url: str) -> AsyncIterator[Office]:
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    async with (
        harness.services(INTAKE, nats_url=nats_url, database=database) as running,
        harness.connected(nats_url) as client,
        harness.caller(running["intake"]) as caller,
    ):
        yield Office(running["intake"], caller, client)
    await real.drop_database(postgres_url, database)


async def test_an_entry_shows_where_in_its_bytes_it_is_at_fault(office: Office) -> None:
    await office.send({**GOOD, "MaHoSo": "X-2"}, BAD)
    await office.feed(b'{"service": "DongBoHoSoMC",\n "data": [}')
    [bad, broken] = await office.entries()
    shown = (await office.caller.get(f"{PATH}/{bad['id']}")).json()
    [place] = shown["places"]
    assert (shown["index"], place["field"], place["line"]) == (1, "NgayHenTra", 1)
    assert place["excerpt"][len(place["caret"]) - 1 :].startswith('"20261309091000"')
    shown = (await office.caller.get(f"{PATH}/{broken['id']}")).json()
    assert [(one["line"], one["column"]) for one in shown["places"]] == [(2, 11)]


async def test_a_corrected_part_becomes_facts_heard_when_the_original_was(office: Office) -> None:
    await office.send(BAD)
    [entry] = await office.entries()
    asked = await office.retry(entry["id"], orjson.dumps(GOOD), dry_run=True)
    assert (asked["state"], asked["outcome"]["result"], await office.facts()) == ("retried", "taken", [])
    assert (await office.entries())[0]["state"] == "waiting"
    done = await office.retry(entry["id"], orjson.dumps(GOOD), by="lan")
    assert (done["state"], done["repeat"], done["outcome"]["said"]) == ("retried", False, 1)
    facts = await office.facts()
    about = next(fact["value"] for fact in facts if fact["slot"] == "about")
    assert about["agency"] == "H56.12"  # of the envelope in which the part had come
    assert {fact["heard"] for fact in facts} == {_local(entry["first_at"])}
    assert await office.entries() == []
    [closed] = await office.entries(state="retried")
    history = (await office.caller.get(f"{PATH}/{closed['id']}")).json()["history"]
    assert [(act["act"], act["by"], act["outcome"]["result"]) for act in history] == [("retry", "lan", "taken")]
    assert (await office.caller.get(f"{PATH}/{closed['id']}/raw")).content == orjson.dumps(BAD)


def _local(at: str) -> str:
    from datetime import datetime

    from shared.instants import canonical

    return canonical(datetime.fromisoformat(at))


async def test_the_same_retry_twice_and_at_once_says_once(office: Office) -> None:
    await office.send(BAD)
    [entry] = await office.entries()
    path, body = f"{PATH}/{entry['id']}/retry", orjson.dumps(GOOD)
    answers = await asyncio.gather(*(office.caller.post(path, content=body) for _ in range(3)))
    assert sorted(answer.json()["repeat"] for answer in answers) == [False, True, True]
    await harness.until_idle({"intake": office.intake})
    facts = await office.facts()
    assert len(facts) == len({fact["id"] for fact in facts})
    assert (await office.retry(entry["id"], body))["repeat"]
    told = await office.retry(entry["id"], orjson.dumps({**GOOD, "TrangThaiHoSo": "4"}), code=409)
    assert "other bytes" in told["detail"]


async def test_what_is_refused_anew_is_a_fresh_entry_and_what_is_refused_again_waits_on(office: Office) -> None:
    await office.send(BAD)
    [entry] = await office.entries()
    again = await office.retry(entry["id"])
    assert (again["state"], again["outcome"]["result"]) == ("waiting", "refused")
    assert [one["seen"] for one in await office.entries()] == [1]
    other = await office.retry(entry["id"], orjson.dumps({**GOOD, "MaHoSo": ""}))
    assert (other["state"], other["outcome"]["refused"][0]["reason"]) == ("retried", "invalid_object")
    [fresh] = await office.entries()
    assert (fresh["id"] != entry["id"], "MaHoSo" in fresh["detail"]) == (True, True)
    broken = await office.retry(fresh["id"], b"{broken")
    assert broken["outcome"]["refused"][0]["reason"] == "unreadable"
    assert [one["reason"] for one in await office.entries()] == ["unreadable"]


async def test_a_retry_cut_off_before_its_commit_leaves_all_as_it_was(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.send(BAD)
    [entry] = await office.entries()

    async def killed(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(quarantine_store, "close", killed)
        with pytest.raises(asyncio.CancelledError):
            await retrying.retry(office.intake, entry["id"], body=orjson.dumps(GOOD), by="x")
    assert (await office.facts(), [one["id"] for one in await office.entries()]) == ([], [entry["id"]])
    assert (await office.retry(entry["id"], orjson.dumps(GOOD)))["outcome"]["said"] == 1


async def test_what_the_database_refused_is_carried_out_once_it_takes_it(office: Office) -> None:
    await office.sql("ALTER TABLE intake.thing ADD CONSTRAINT no CHECK (key <> 'X-1')")
    await office.send({**GOOD, "MaHoSo": "X-1"})
    [entry] = await office.entries()
    failed = await office.retry(entry["id"])
    assert (failed["state"], failed["outcome"]["result"]) == ("waiting", "failed")
    await office.sql("ALTER TABLE intake.thing DROP CONSTRAINT no")
    assert (await office.retry(entry["id"]))["state"] == "retried"
    assert (await office.intake.status())["quarantine"] == 0
    await office.sql("ALTER TABLE intake.thing ADD CONSTRAINT no CHECK (key <> 'X-1') NOT VALID")
    await office.send({**GOOD, "MaHoSo": "X-1", "NgayHenTra": "20261111091000"})  # another message: another entry
    assert [one["id"] != entry["id"] for one in await office.entries()] == [True]


async def test_of_a_stream_that_was_made_anew_nobody_elses_message_is_carried_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.sql("ALTER TABLE intake.thing ADD CONSTRAINT no CHECK (key <> 'X-1')")
    await office.send({**GOOD, "MaHoSo": "X-1"})
    [entry] = await office.entries()
    await office.sql("ALTER TABLE intake.thing DROP CONSTRAINT no")
    fetch = parking.fetch

    async def fetch_another(*given: Any) -> Received | None:
        found = await fetch(*given)
        return replace(found, data=found.data.replace(b"X-1", b"X-2")) if found else None

    monkeypatch.setattr(parking, "fetch", fetch_another)
    assert (await office.retry(entry["id"]))["state"] == "retried"
    said = await harness.said(office.client, "INTAKE")
    assert {one["subject"] for one in said if "facts" in one["data"]} == {"X-1"}


async def test_a_dropped_entry_stays_dropped_and_counts_what_comes_again(office: Office) -> None:
    await office.send(BAD)
    [entry] = await office.entries()
    path = f"{PATH}/{entry['id']}/drop"
    assert (await office.caller.post(path, json={"reason": ""})).status_code == 422
    for repeat in (False, True):
        answer = await office.caller.post(path, json={"reason": "bản ghi thử"}, params={"by": "lan"})
        assert (answer.json()["state"], answer.json()["repeat"]) == ("dropped", repeat)
    await office.send(BAD)
    assert await office.entries() == []
    [kept] = await office.entries(state="dropped")
    assert (kept["seen"], kept["last_at"] > entry["last_at"]) == (2, True)
    assert (await office.retry(entry["id"], orjson.dumps(GOOD)))["state"] == "retried"  # dropped by mistake
    assert (await office.caller.post(path, json={"reason": "bản ghi thử"})).status_code == 409


async def test_what_was_carried_out_as_it_was_opens_when_it_comes_again_and_what_was_corrected_does_not(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.feed(b"[1]")
    await office.send(BAD)
    [whole, part] = await office.entries()
    await office.retry(part["id"], orjson.dumps(GOOD))
    monkeypatch.setattr("services.intake.understanding.FORMATS", {"national": lambda *_: ([], [])})
    assert (await office.retry(whole["id"]))["state"] == "retried"  # a newer program understands it
    monkeypatch.undo()
    await office.feed(b"[1]")
    await office.send(BAD)
    [again] = await office.entries()
    assert (again["id"], again["seen"]) == (whole["id"], 2)


async def test_the_list_goes_by_source_and_reason(office: Office) -> None:
    await office.send(BAD, source="a")
    await office.feed(b"{", source="b")
    assert [one["source"] for one in await office.entries(source="a")] == ["a"]
    assert [one["source"] for one in await office.entries(reason="unreadable")] == ["b"]
    assert len(await office.entries(limit=1)) == 1


async def test_of_cut_bytes_only_a_correction_is_carried_out(office: Office) -> None:
    long = b"x" * 950_000
    await office.caller.post("/v1/imports/i/lines", params={"source": "motcua-1", "first": 1}, content=long)
    [entry] = await office.entries()
    assert (entry["cut"], entry["bytes"]) == (True, len(long))
    assert "cut" in (await office.retry(entry["id"], code=409))["detail"]
    body = orjson.dumps({"service": "DongBoHoSoMC", "madonvi": "000.00.12.H56", "data": [GOOD]})
    assert (await office.retry(entry["id"], body))["outcome"]["said"] == 1


async def test_bytes_are_sealed_under_keys_that_may_change_and_go_when_their_time_is_over(office: Office) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    await office.feed(b"{plain")
    try:
        sealing.use(old)
        await office.send(BAD)
        sealing.use(f"{new},{old}")
        await office.feed(b"{new")
        [plain, of_old, of_new] = await office.entries()
        async with office.intake.engine.connect() as connection:
            stored = list((await connection.execute(text("SELECT raw FROM intake.quarantine ORDER BY id"))).scalars())
        assert (stored[0], b"Nguy" in stored[1], b"new" in stored[2]) == (b"{plain", False, False)
        raws = [(await office.caller.get(f"{PATH}/{one['id']}/raw")).content for one in (plain, of_old, of_new)]
        assert raws == [b"{plain", orjson.dumps(BAD), b"{new"]
        sealing.use(new)
        assert (await office.caller.get(f"{PATH}/{of_old['id']}/raw")).status_code == 409
        sealing.use(f"{new},{old}")
        await office.retry(of_old["id"], orjson.dumps(GOOD))
        await office.caller.post(f"{PATH}/{plain['id']}/drop", json={"reason": "rác"})
        async with db.transaction(office.intake.engine) as connection:
            past = machine_now() + timedelta(days=181)
            assert await quarantine_store.release_bytes(connection, "intake", now=past, after=timedelta(days=180)) == 2
        shown = (await office.caller.get(f"{PATH}/{of_old['id']}")).json()
        assert [act["act"] for act in shown["history"]] == ["retry", "bytes_released"]
        assert (await office.caller.get(f"{PATH}/{of_old['id']}/raw")).status_code == 410
        assert (await office.caller.get(f"{PATH}/{of_new['id']}/raw")).content == b"{new"  # it waits
    finally:
        sealing.use("")


async def test_another_service_carries_out_its_own_entries(nats_url: str, postgres_url: str) -> None:
    database = await real.fresh_database(postgres_url, migrated=["deadline"])
    async with (
        harness.services(DEADLINE, nats_url=nats_url, database=database) as running,
        harness.connected(nats_url) as client,
        harness.caller(running["deadline"]) as caller,
    ):
        fact: dict[str, Any] = {
            "id": "1",
            "slot": "accepted",
            "value": "2026-11-02T09:10:00+07:00",
            "at": "2026-11-02T09:10:00+07:00",
        }
        fact |= {"as_of": fact["at"], "heard": fact["at"], "rank": 2, "source": "motcua-1"}
        event: dict[str, Any] = {
            "specversion": "1.0", "id": "e1", "source": "/dondoc/intake", "type": "intake.dossier_said.v1",
            "time": "2026-11-02T09:10:00+07:00", "subject": CODE, "datacontenttype": "application/json",
            "data": {"dossier": CODE, "raw_code": CODE, "facts": [fact]},
        }  # fmt: skip
        broken = {**event, "data": {**event["data"], "facts": [{**fact, "at": "?"}]}}
        await publish(client, [Outgoing("e1", "intake.dossier_said.v1", orjson.dumps(broken))])
        await harness.until_idle(running)
        [entry] = (await caller.get(PATH)).json()
        [place] = (await caller.get(f"{PATH}/{entry['id']}")).json()["places"]
        assert place["field"] == "data.facts.0.at"
        done = (await caller.post(f"{PATH}/{entry['id']}/retry", content=orjson.dumps(event))).json()
        assert (done["state"], done["outcome"]["said"]) == ("retried", 1)
        async with running["deadline"].engine.begin() as connection:
            odd = quarantine.Entry("deadline", "not_reckoned", "x", "job 1/dossier/X", machine_now(), b"dossier/X")
            await quarantine.add(connection, "deadline", [odd])
        [entry] = (await caller.get(PATH)).json()
        assert (await caller.post(f"{PATH}/{entry['id']}/retry")).status_code == 409
        assert (await caller.post(f"{PATH}/{entry['id']}/drop", json={"reason": "đã tính lại"})).status_code == 200
    await real.drop_database(postgres_url, database)
