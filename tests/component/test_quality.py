"""Flags of the reception on real servers: faults are found with their evidence, mended ones end, counts are said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
import pytest_asyncio
from nats.aio.client import Client
from sqlalchemy import text

from services.intake.main import SERVICE as INTAKE
from services.intake.quality import walking
from shared.service import Running
from tests import servers as real
from tests.component import harness

NOW = "2026-11-12T02:30:00+07:00"
FLAGS = "/v1/quality"


class Office(NamedTuple):
    """An intake whose clock the test moves."""

    intake: Running
    caller: httpx.AsyncClient
    client: Client

    async def send(self, *objects: Any, at: str, source: str = "motcua-1") -> None:
        body = orjson.dumps({"service": "DongBoHoSoMC", "madonvi": "000.00.12.H56", "data": objects})
        await harness.feed(self.client, [body], source=source, at=at)
        await harness.until_idle({"intake": self.intake})

    async def until(self, at: str) -> None:
        await harness.tick(self.client, at)
        await harness.until_idle({"intake": self.intake})
        while self.intake.clock.now() < datetime.fromisoformat(at):
            await harness.until_idle({"intake": self.intake})

    async def flags(self, **query: Any) -> dict[tuple[str, str], dict[str, Any]]:
        answer = await self.caller.get(FLAGS, params=query)
        assert answer.status_code == 200, answer.text
        return {(one["thing"][-13:], one["flag"]): one for one in answer.json()}

    async def said(self) -> list[tuple[str, str, dict[str, int], int]]:
        data = [one["data"] for one in await harness.said(self.client, "INTAKE") if "quality" in one["type"]]
        return [(one["unit"], one["day"], one["counts"], one["revision"]) for one in data]


@pytest_asyncio.fixture
async def office(nats_url: str, postgres_url: str) -> AsyncIterator[Office]:
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    async with (
        harness.services(INTAKE, nats_url=nats_url, database=database, clock="driven") as running,
        harness.connected(nats_url) as client,
        harness.caller(running["intake"]) as caller,
    ):
        yield Office(running["intake"], caller, client)
    await real.drop_database(postgres_url, database)


def snapshot(number: int, day: str = "02", **fields: Any) -> dict[str, Any]:
    received = {"NgayTiepNhan": f"202611{day}091000", "NgayHenTra": "20261130091000", "TrangThaiHoSo": "2"}
    return {"MaHoSo": f"000.00.12.H56-2611{day}-{number:04d}", **received, **fields}


async def test_faults_are_flagged_with_their_evidence_and_end_once_mended(office: Office) -> None:
    await office.send(
        snapshot(1),
        snapshot(2, NgayHenTra=""),
        snapshot(4, NgayTiepNhan="20261102210000"),
        snapshot(5, NgayTiepNhan="", NgayHenTra="", TrangThaiHoSo="9", NgayKetThucXuLy="20261103090000"),
        snapshot(8, day="12"),
        at="2026-11-03T09:00:00+07:00",
    )
    await office.until("2026-11-12T01:00:00+07:00")  # the first sweep looks at once
    found = await office.flags()
    assert set(found) == {
        ("000.00.12.H56-261102"[-13:], "numbers_missing"),
        ("2.H56-261102-0002"[-13:], "no_due_date"),
        ("2.H56-261102-0004"[-13:], "received_outside_hours"),
        ("2.H56-261102-0005"[-13:], "completed_without_acceptance"),
    }  # of today's numbers nothing is judged
    [gap] = [one for (_, flag), one in found.items() if flag == "numbers_missing"]
    assert (gap["thing"], gap["evidence"]["missing"], gap["amount"]) == ("000.00.12.H56-261102", ["3"], 1)
    assert {one["unit"] for one in found.values()} == {"H56.12"}
    counts = {flag: 1 for _, flag in found}
    assert await office.said() == [
        ("H56.12", "2026-11-02", {"numbers_missing": 1}, 1),
        ("H56.12", "2026-11-02", counts, 2),
    ]
    counted = (await office.caller.get(f"{FLAGS}/counts")).json()
    assert {one["flag"]: one["count"] for one in counted} == counts

    await office.send(snapshot(2), snapshot(3), at="2026-11-12T09:00:00+07:00")
    assert len(await office.flags()) == 4
    await office.until("2026-11-13T02:30:00+07:00")  # the next night; 12 November is over: 1 to 7 are missing
    found = await office.flags(to="2026-11-02")
    assert {flag for _, flag in found} == {"received_outside_hours", "completed_without_acceptance"}
    [gap] = (await office.flags(flag="numbers_missing")).values()
    assert (gap["day"], gap["evidence"]["missing"], gap["amount"]) == ("2026-11-12", ["1-7"], 7)
    gone = await office.flags(gone="true", to="2026-11-02")
    assert sorted(flag for (_, flag), one in gone.items() if one["gone_at"]) == ["no_due_date", "numbers_missing"]
    [last] = [one for one in await office.said() if one[1] == "2026-11-02"][-1:]
    assert (last[2], last[3]) == ({"received_outside_hours": 1, "completed_without_acceptance": 1}, 4)


async def test_a_mirror_and_the_one_stop_system_are_compared(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking.SETTINGS, "mirrors", "dvcqg")
    monkeypatch.setattr("services.intake.understanding.SETTINGS.mirrors", "dvcqg")
    await office.send(snapshot(1), snapshot(2), at="2026-11-10T09:00:00+07:00")
    await office.send(snapshot(2), snapshot(3), at="2026-11-10T09:00:00+07:00", source="dvcqg")
    await office.until("2026-11-11T01:00:00+07:00")
    assert await office.flags() == {}  # within a working day
    await office.until(NOW)
    found = {(thing[-4:], flag) for thing, flag in await office.flags()}
    assert found == {("0001", "not_on_portal"), ("0003", "not_in_one_stop")}


async def test_codes_that_are_one_dossier_are_judged_as_one(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.intake.understanding.SETTINGS.mirrors", "dvcqg")
    local = snapshot(1, MaHoSo="H56.12-20261102-0001", NgayHenTra="")
    await office.send(local, at="2026-11-03T09:00:00+07:00")
    await office.send(snapshot(1), at="2026-11-03T09:00:00+07:00", source="dvcqg")
    same = {"dossier": local["MaHoSo"], "code": snapshot(1)["MaHoSo"], "reason": "một hồ sơ, hai mã"}
    await office.until("2026-11-12T01:00:00+07:00")
    assert {flag for _, flag in await office.flags()} == {"not_on_portal", "not_in_one_stop", "no_due_date"}
    assert (await office.caller.post("/v1/same_as", json=same)).status_code == 200
    await office.until("2026-11-13T02:30:00+07:00")
    assert await office.flags() == {}


async def test_what_was_taken_back_is_not_judged(office: Office) -> None:
    await office.send(snapshot(1, NgayTiepNhan="20261102210000"), at="2026-11-03T09:00:00+07:00")
    await office.until("2026-11-12T01:00:00+07:00")
    assert {flag for _, flag in await office.flags()} == {"received_outside_hours"}
    code = snapshot(1)["MaHoSo"]
    facts = (await office.caller.get("/v1/facts", params={"dossier": code})).json()["facts"]
    [accepted] = [fact["id"] for fact in facts if fact["slot"] == "accepted"]
    await office.caller.post("/v1/retractions", json={"dossier": code, "fact": accepted, "reason": "gõ nhầm giờ"})
    await office.until("2026-11-13T02:30:00+07:00")
    assert await office.flags() == {}


async def test_a_flag_of_a_day_before_those_of_the_night_ends_too(office: Office) -> None:
    await office.send(snapshot(1), snapshot(3, NgayHenTra=""), at="2026-11-03T09:00:00+07:00")
    await office.until(NOW)
    assert len(await office.flags()) == 2
    await office.send(snapshot(2), snapshot(3), at="2027-02-01T09:00:00+07:00")
    await office.until("2027-02-02T02:30:00+07:00")
    assert await office.flags() == {}


async def test_a_walk_in_small_steps_finds_what_one_in_large_steps_does(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = ["02", "03", "04"]
    objects = [snapshot(n, day, NgayHenTra="" if n % 3 else "20261130091000") for day in days for n in range(1, 40, 2)]
    objects += [{**snapshot(1), "MaHoSo": f"H56.{n}-20261103-0000{n:03d}", "NgayHenTra": ""} for n in range(1, 9)]
    objects += [{**snapshot(1), "MaHoSo": f"X-{n}"} for n in range(9)]
    await office.send(*objects, at="2026-11-05T09:00:00+07:00")
    await office.until("2026-11-11T02:30:00+07:00")
    large = await office.flags(limit=1000)
    for name, small in (("DOSSIERS", 3), ("KEYS", 21), ("SKIMMED", 2)):
        monkeypatch.setattr(walking, name, small)
    async with office.intake.engine.begin() as connection:
        await connection.execute(text("UPDATE intake.quality_flag SET gone_at = now()"))
        await connection.execute(text("DELETE FROM intake.quality_count"))
    await office.until(NOW)
    small_steps = await office.flags(limit=1000)
    evidence = [{key: one["evidence"] for key, one in found.items()} for found in (small_steps, large)]
    assert evidence[0] == evidence[1]
    assert len(large) == 3 * 13 + 3 + 8
    counted = {(unit, day): counts for unit, day, counts, _ in await office.said()}
    assert counted["H56.12", "2026-11-03"] == {"no_due_date": 13, "numbers_missing": 19}


async def test_a_look_on_demand_goes_over_the_days_asked_for(office: Office) -> None:
    await office.send(snapshot(1, NgayHenTra=""), at="2026-11-03T09:00:00+07:00")
    await office.until("2027-03-01T02:30:00+07:00")
    assert await office.flags() == {}
    asked = await office.caller.post(f"{FLAGS}/checks", params={"from": "2026-11-01", "to": "2026-11-30"})
    assert asked.status_code == 202
    await office.until("2027-03-01T02:31:00+07:00")
    told = (await office.caller.get(f"{FLAGS}/checks/{asked.json()['id']}")).json()
    assert (told["seen"], bool(told["finished_at"])) == (1, True)
    assert len(await office.flags()) == 1
    for query in ({"from": "2026-11-02", "to": "2026-11-01"}, {"from": "2020-01-01"}):
        assert (await office.caller.post(f"{FLAGS}/checks", params=query)).status_code == 422
    assert (await office.caller.get(f"{FLAGS}/checks/999")).status_code == 404


async def test_the_night_is_the_next_timer_and_nothing_waits_between(office: Office) -> None:
    await office.until(NOW)
    async with office.intake.engine.connect() as connection:
        assert await walking.next_at(connection) == datetime.fromisoformat("2026-11-13T02:00:00+07:00")
    plan_of = "EXPLAIN SELECT key FROM intake.thing WHERE key > 'A-261102-' AND key < 'A-261103-~' ORDER BY key LIMIT 9"
    async with office.intake.engine.connect() as connection:
        await connection.execute(text("SET enable_seqscan = off"))
        assert "Index Cond" in "".join((await connection.execute(text(plan_of))).scalars())


async def test_a_slip_that_never_came_is_missed_for_good_whatever_stands_beside_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slips(*numbers: int, day: str = "02") -> list[dict[str, Any]]:
        return [snapshot(number, day, SoBienNhan=f"BN-{number}") for number in numbers]

    await office.send(*slips(*range(3, 11)), snapshot(1), snapshot(2), at="2026-11-03T09:00:00+07:00")
    monkeypatch.setattr(walking, "DOSSIERS", 4)  # the last pages hold what has a slip, or only what has none
    await office.send(*slips(1, 2, 3, 4, day="11"), snapshot(5, "11"), at="2026-11-11T09:00:00+07:00")
    missed = {("2.H56-261102-0001"[-13:], "no_slip"), ("2.H56-261102-0002"[-13:], "no_slip")}
    late = ("2.H56-261111-0005"[-13:], "no_slip")
    await office.until("2026-11-15T02:30:00+07:00")
    assert set(await office.flags(flag="no_slip")) == missed | {late}
    await office.until("2026-11-16T02:30:00+07:00")
    assert set(await office.flags(flag="no_slip")) == missed | {late}
    for night in ("2026-12-03T02:30:00+07:00", "2026-12-20T02:30:00+07:00"):  # one, then all are past the nights' days
        await office.until(night)
        assert set(await office.flags(flag="no_slip")) == missed | {late}
    await office.send(*slips(2), at="2026-12-20T09:00:00+07:00")
    await office.until("2026-12-21T02:30:00+07:00")
    assert set(await office.flags(flag="no_slip")) == {min(missed), late}
