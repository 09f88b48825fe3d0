"""Calendars that change: open obligations follow with their reason, ended ones stay, a forecast tells before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
import pytest_asyncio
from nats.aio.client import Client

from services.deadline import acts, recalculating
from services.deadline.refolding import put_folded
from shared.service import Running
from tests.component import harness
from tests.component.test_intake_to_deadline import PERIODIC, message, snapshot
from tests.waiting import until

OURS, OTHERS, ENDED = (f"000.00.12.H56-261102-000{n}" for n in (1, 2, 3))
MUONG_LAT: dict[str, Any] = {
    "name": "muong-lat",
    "given": {"name": "muong-lat", "inherits": "thanh-hoa", "dates": {"2026-11-05": []}},
    "units": ["UBND xã Mường Lát"],
}


class Stack(NamedTuple):
    running: dict[str, Running]
    intake: httpx.AsyncClient
    deadline: httpx.AsyncClient
    nats: Client

    async def tick(self, at: str) -> None:
        await harness.tick(self.nats, at, streams=("FEED", "COMPLAINTS"))
        await harness.until_idle(self.running)

    async def moved(self) -> list[dict[str, Any]]:
        said = await harness.said(self.nats, "DEADLINE")
        return [event for event in said if event["type"] == "deadline.deadline_moved.v1"]

    async def shown(self, code: str) -> dict[str, Any]:
        answer = await self.deadline.get(f"/v1/obligations/dossier/{code}")
        return dict(answer.raise_for_status().json())


@pytest_asyncio.fixture
async def stack(nats_url: str, postgres_url: str) -> AsyncIterator[Stack]:
    """Three dossiers without a date of the source's: one of Mường Lát, one of another unit, one that ended."""
    async with harness.intake_and_deadline(nats_url, postgres_url) as pair:
        dossiers = [
            snapshot(OURS, NgayHenTra=""),
            snapshot(OTHERS, NgayHenTra="", DonViXuLy="Sở Tư pháp"),
            snapshot(ENDED, NgayHenTra="", TrangThaiHoSo="9", NgayKetThucXuLy="20261105150000"),
        ]
        await harness.feed(pair.nats, [message(*dossiers)])
        found = Stack(*pair)
        await found.tick("2026-11-06T10:00:00+07:00")
        yield found


async def test_a_calendar_moves_what_is_open_of_its_units_and_nothing_else(stack: Stack) -> None:
    before = [await stack.shown(code) for code in (OURS, OTHERS, ENDED)]
    answer = (await stack.intake.post("/v1/calendars", json=[MUONG_LAT])).raise_for_status().json()
    assert answer == {"added": ["muong-lat"], "changed": [], "dry_run": False}
    await harness.until_idle(stack.running)
    ours, others, ended = [await stack.shown(code) for code in (OURS, OTHERS, ENDED)]
    assert (before[0]["due_at"], ours["due_at"]) == ("2026-11-09T09:10:00+07:00", "2026-11-10T09:10:00+07:00")
    [move] = ours["explanation"]["moved"]
    assert move["because"] == "calendar"
    assert move["due_before"].startswith("2026-11-09T02:10")
    assert "trước là 09:10 ngày 09/11/2026, nay là 09:10 ngày 10/11/2026" in ours["explanation"]["sentence"]
    assert ours["explanation"]["calendar_version"] != before[0]["explanation"]["calendar_version"]
    for was, now in ((before[1], others), (before[2], ended)):
        assert {name: was[name] for name in ("due_at", "computed_due_at", "revision")} == {
            name: now[name] for name in ("due_at", "computed_due_at", "revision")
        }
        assert was["explanation"]["calendar_version"] == now["explanation"]["calendar_version"]
    [event] = await stack.moved()
    assert (event["data"]["because"], event["data"]["due_at"]) == ("calendar", ours["due_at"])
    [work] = [one for one in (await stack.deadline.get("/v1/jobs")).json() if one["subject"] == "calendar"]
    assert (work["total"], work["done"], work["changed"]) == (2, 2, 1)


async def test_the_same_calendar_again_changes_nothing(stack: Stack) -> None:
    for added in (["muong-lat"], []):
        answer = (await stack.intake.post("/v1/calendars", json=[MUONG_LAT])).raise_for_status().json()
        assert (answer["added"], answer["changed"]) == (added, [])
        await harness.until_idle(stack.running)
    assert len(await stack.moved()) == 1
    assert len((await stack.deadline.get("/v1/jobs")).json()) == 1


async def test_what_is_said_later_of_an_ended_dossier_does_not_bring_in_a_newer_calendar(stack: Stack) -> None:
    await stack.intake.post("/v1/calendars", json=[MUONG_LAT])
    await harness.until_idle(stack.running)
    before = await stack.shown(ENDED)
    returned = snapshot(
        ENDED, NgayHenTra="", TrangThaiHoSo="10", NgayKetThucXuLy="20261105150000", NgayTra="20261106080000"
    )
    await harness.feed(stack.nats, [message(returned)])
    await harness.until_idle(stack.running)
    after = await stack.shown(ENDED)
    assert after["computed_due_at"] == before["computed_due_at"] == "2026-11-09T09:10:00+07:00"


async def test_a_forecast_says_what_would_move_and_moves_nothing(stack: Stack) -> None:
    answer = await stack.deadline.post("/v1/forecast", json={"calendars": [{**MUONG_LAT, "revision": 0}]})
    report = orjson.loads(answer.content.splitlines()[-1])
    assert (report["open"], report["checked"], report["moved"], report["later"]) == (2, 2, 1, 1)
    assert report["by_unit"] == {"UBND xã Mường Lát": 1}
    assert report["examples"][0]["due_at_then"] == "2026-11-10T09:10:00+07:00"
    assert (await stack.shown(OURS))["due_at"] == "2026-11-09T09:10:00+07:00"
    assert await stack.moved() == []


async def test_a_forecast_tells_of_warnings_that_would_be_withdrawn(stack: Stack) -> None:
    holidays: dict[str, list[str]] = {f"2026-{month:02}-{day:02}": [] for month in (11, 12) for day in range(2, 31)}
    given = {**MUONG_LAT["given"], "dates": holidays, "known_until": "2030-12-31"}
    await stack.tick("2026-11-12T10:00:00+07:00")
    change = {"calendars": [{**MUONG_LAT, "given": given, "revision": 0}]}
    answer = await stack.deadline.post("/v1/forecast", json=change)
    report = orjson.loads(answer.content.splitlines()[-1])
    assert report["withdrawn"] == 1
    assert report["overdue"] == 0


async def test_a_calendar_that_cannot_be_used_is_refused_with_its_place(stack: Stack) -> None:
    wrong = {**MUONG_LAT, "given": {"inherits": "thanh-hoa", "dates": {"2026-11-05": ["09:00-08:00"]}}}
    answer = await stack.intake.post("/v1/calendars", json=[wrong])
    assert answer.status_code == 422
    assert "muong-lat: dates.2026-11-05: 09:00-08:00 closes" in answer.json()["detail"]
    for given, says in (
        ({"inherits": "thanh-hoa", "source": "x" * 900_000}, "longer than"),
        ({"inherits": "thanh-hoa", "date": {}}, "date: not one of"),
    ):
        refused = await stack.intake.post("/v1/calendars", json=[{**MUONG_LAT, "given": given}])
        assert (refused.status_code, says in refused.json()["detail"]) == (422, True)
    blank = await stack.intake.post("/v1/calendars", json=[{**MUONG_LAT, "units": [" "]}])
    circle = {"calendars": [{**MUONG_LAT, "revision": 0, "given": {"inherits": {"x": 1}}}]}
    assert (blank.status_code, (await stack.deadline.post("/v1/forecast", json=circle)).status_code) == (422, 422)
    none = {"code": "1", "revision": 0, "name": "", "field": "", "rules": [{"value": 0, "unit": "working_days"}]}
    assert (await stack.deadline.post("/v1/forecast", json={"procedures": [none]})).status_code == 422
    assert (await stack.deadline.get("/v1/jobs/99999999999999999999")).status_code == 422
    orphan = {**MUONG_LAT, "given": {"inherits": "nobody"}}
    for refused in (
        await stack.intake.post("/v1/calendars", json=[orphan]),
        await stack.deadline.post("/v1/forecast", json={"calendars": [{**orphan, "revision": 0}]}),
    ):
        assert refused.status_code == 422
        assert "no calendar 'nobody'" in refused.json()["detail"]
    assert (await stack.intake.get("/v1/calendars")).json() == []


async def test_every_state_is_said_again_with_its_revision(stack: Stack) -> None:
    events = await harness.said(stack.nats, "DEADLINE")
    said = {event["data"]["obligation_id"]: event["data"] for event in events if event["type"] not in PERIODIC}
    work = (await stack.deadline.post("/v1/republish")).raise_for_status().json()
    await harness.until_idle(stack.running)
    again = [event for event in await harness.said(stack.nats, "DEADLINE") if ":again:" in event["id"]]
    assert {event["data"]["obligation_id"]: event["data"] for event in again} == said
    done = (await stack.deadline.get(f"/v1/jobs/{work['id']}")).json()
    assert (done["total"], done["done"]) == (3, 3)
    assert done["finished_at"]
    assert (await stack.deadline.get("/v1/jobs/0")).status_code == 404


async def test_what_was_recorded_later_is_left_out_of_what_could_be_known(stack: Stack) -> None:
    known = await stack.deadline.get("/v1/export/obligations")
    async with stack.running["deadline"].engine.connect() as connection:
        moment = (await connection.exec_driver_sql("SELECT clock_timestamp()")).scalar_one()
    await harness.feed(stack.nats, [message(snapshot(OURS, TrangThaiHoSo="9", NgayKetThucXuLy="20261106100000"))])
    await harness.feed(stack.nats, [message(snapshot("000.00.12.H56-261102-0009"))])
    await harness.until_idle(stack.running)

    async def export(**query: str) -> dict[str, Any]:
        answer = await stack.deadline.get("/v1/export/obligations", params=query)
        return {one["subject_id"]: one for one in map(orjson.loads, answer.content.splitlines())}

    then = await export(known_at=moment.isoformat())
    assert set(then) == {OURS, OTHERS, ENDED}
    assert then[OURS]["state"] == "open"
    assert (await export())[OURS]["state"] == "ended"
    assert len(known.content.splitlines()) == 3


async def test_a_walk_that_was_cut_off_goes_on_where_it_stopped(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """One page is done by a copy that then dies; the other page is left, not both."""
    monkeypatch.setattr(recalculating, "IDLE_S", 3600)
    monkeypatch.setattr(acts, "CALM_S", 0)
    await stack.intake.post("/v1/calendars", json=[MUONG_LAT])
    of = stack.running["deadline"]
    await until(lambda: recalculating.walk(of, limit=1))
    [begun] = (await stack.deadline.get("/v1/jobs")).json()
    assert (begun["total"], begun["done"], begun["finished_at"]) == (2, 1, None)
    while await recalculating.walk(of, limit=1):
        pass
    [ended] = (await stack.deadline.get("/v1/jobs")).json()
    assert (ended["done"], ended["changed"]) == (2, 1)
    assert ended["finished_at"]


async def test_a_second_change_that_comes_before_the_walk_is_taken_on_by_it(stack: Stack) -> None:
    for day in ("2026-11-05", "2026-11-06"):
        given = {**MUONG_LAT["given"], "dates": {day: []}}
        await stack.intake.post("/v1/calendars", json=[{**MUONG_LAT, "given": given}])
    await harness.until_idle(stack.running)
    [work] = (await stack.deadline.get("/v1/jobs")).json()
    assert (work["done"], work["changed"]) == (2, 1)
    assert (await stack.shown(OURS))["due_at"] == "2026-11-10T09:10:00+07:00"


async def test_a_limit_that_changes_moves_the_open_dossiers_of_its_procedure(stack: Stack) -> None:
    rows = b"code,name,field,limit_value,limit_unit,legal_basis,confidence\n1.004746,X,H,10,working_days,Y,high\n"
    (await stack.intake.post("/v1/procedures", content=rows)).raise_for_status()
    await harness.until_idle(stack.running)
    ours, ended = await stack.shown(OURS), await stack.shown(ENDED)
    assert ours["due_at"] == "2026-11-16T09:10:00+07:00"
    assert [move["because"] for move in ours["explanation"]["moved"]] == ["procedure"]
    assert ended["computed_due_at"] == "2026-11-09T09:10:00+07:00"


async def test_tasks_and_reports_fall_due_like_anything_else(stack: Stack) -> None:
    task = {
        "specversion": "1.0",
        "id": "1",
        "source": "/thanh-tra",
        "type": "dondoc.duty.v1",
        "subject": "KL-12/2026/3",
        "time": "2026-11-05T08:00:00+07:00",
        "data": {"kind": "remediation", "unit": "Sở Tư pháp", "title": "Trả lại giấy tờ", "due_on": "2026-11-05"},
    }
    report = {**task, "id": "2", "subject": "Q4", "data": {**task["data"], "kind": "report"}}  # type: ignore[dict-item]
    answer = await stack.intake.post("/v1/feeds/thanh-tra/facts", json=[task, report])
    assert answer.status_code == 202
    await harness.until_idle(stack.running)
    done = {**task, "id": "3", "time": "2026-11-06T08:00:00+07:00"}
    done["data"] = {"kind": "remediation", "status": "submitted", "status_at": "2026-11-06T08:00:00+07:00"}
    await stack.intake.post("/v1/feeds/thanh-tra/facts", json=done)
    await stack.tick("2026-11-06T11:00:00+07:00")
    listed = {one["kind"]: one for one in (await stack.deadline.get("/v1/obligations")).json()}
    assert (listed["remediation"]["state"], listed["remediation"]["end"]) == ("ended", "submitted")
    assert listed["remediation"]["timing"] == "late"
    assert (listed["report"]["timing"], listed["report"]["title"]) == ("overdue", "Trả lại giấy tờ")
    [only] = (await stack.deadline.get("/v1/obligations", params={"kind": "report"})).json()
    assert only["obligation_id"] == "report/Q4"


async def test_a_matter_that_cannot_be_reckoned_is_put_aside_and_holds_up_no_other(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:

    async def failing(connection: Any, before: Any, said: Any, *rest: Any, **more: Any) -> Any:
        if f"dossier/{OURS}" in said:
            raise ValueError("cannot be reckoned")
        return await put_folded(connection, before, said, *rest, **more)

    monkeypatch.setattr(recalculating, "put_folded", failing)
    both = {**MUONG_LAT, "units": ["UBND xã Mường Lát", "Sở Tư pháp"]}
    await stack.intake.post("/v1/calendars", json=[both])
    await harness.until_idle(stack.running)
    ours, others = await stack.shown(OURS), await stack.shown(OTHERS)
    assert (ours["due_at"], others["due_at"]) == ("2026-11-09T09:10:00+07:00", "2026-11-10T09:10:00+07:00")
    async with stack.running["deadline"].engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT reason, raw FROM deadline.quarantine")
        assert [tuple(row) for row in rows] == [("not_reckoned", f"dossier/{OURS}".encode())]
    [job] = (await stack.deadline.get("/v1/jobs")).json()
    assert (job["done"], job["changed"]) == (2, 1)
