"""The directory on real servers: loaded, shown, said again; open obligations and mail follow who heads what today."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import orjson
import pytest_asyncio
from nats.aio.client import Client
from sqlalchemy import text

from services.intake import directory_api, directory_tables
from shared.events import CalendarDescribed, DeadlinePassed, UnitDescribed
from shared.service import Running
from tests.component import harness
from tests.component.office import (
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    WEDNESDAY_0730,
    Open,
    migrated,
    office,
    unit,
)
from tests.component.test_intake_to_deadline import message, snapshot

__all__ = ["migrated", "office"]  # fixtures
DOSSIER = "H56.192-261102-0001"
UNITS = "code,name,kind,parent_code,aliases,valid_until,successors\n"
POSTS = ",".join(directory_tables.COLUMNS["posts"]) + "\n"


class Stack(NamedTuple):
    running: dict[str, Running]
    intake: httpx.AsyncClient
    deadline: httpx.AsyncClient
    nats: Client

    async def load(self, content: str | bytes, **query: Any) -> dict[str, Any]:
        answer = await self.intake.post("/v1/directory", content=content, params=query)
        told: dict[str, Any] = answer.raise_for_status().json()
        await self.settle()
        return told

    async def settle(self) -> None:
        await harness.until_idle(self.running)

    async def tick(self, at: str) -> None:
        await harness.tick(self.nats, at, streams=("FEED", "COMPLAINTS"))
        await self.settle()

    async def feed(self, *objects: dict[str, Any], service: str = "DongBoHoSoMC") -> None:
        await harness.feed(self.nats, [message(*objects, service=service)])
        await self.tick("2026-11-06T10:00:00+07:00")

    async def shown(self) -> dict[str, Any]:
        answer = await self.deadline.get(f"/v1/obligations/dossier/{DOSSIER}")
        return dict(answer.raise_for_status().json())

    async def units_known(self) -> int:
        async with self.running["deadline"].engine.connect() as connection:
            found = await connection.execute(text("SELECT count(DISTINCT name) FROM deadline.reference"))
            return int(found.scalar_one())


@pytest_asyncio.fixture
async def stack(nats_url: str, postgres_url: str) -> AsyncIterator[Stack]:
    async with harness.intake_and_deadline(nats_url, postgres_url) as pair:
        found = Stack(*pair)
        await found.tick("2026-11-02T07:00:00+07:00")
        yield found


async def test_a_dossier_of_a_former_district_waits_flagged_until_something_says_of_which_commune(stack: Stack) -> None:
    await stack.feed(snapshot(DOSSIER, DonViXuLy="UBND huyện Hà Trung"))
    shown = await stack.shown()
    assert (shown["unit_code"], shown["unit_name"]) == (None, "UBND huyện Hà Trung")
    assert "unit_ambiguous" in shown["flags"]
    told = shown["explanation"]["unit"]
    assert {"code": "15274", "name": "Xã Hà Long"} in told["candidates"]
    assert len(told["candidates"]) == 6
    said = {"MaHoSo": DOSSIER, "ThoiDiemXuLy": "20261105080000", "TrangThai": "4", "PhongBanXuLy": "Một cửa xã Hà Long"}
    await stack.feed(said, service="CapNhatTienDoHoSoMC")
    shown = await stack.shown()
    assert (shown["unit_code"], shown["unit_name"], shown["flags"]) == ("15274", "UBND huyện Hà Trung", [])
    assert shown["explanation"]["unit"]["evidence"] == ["Một cửa xã Hà Long"]


async def test_an_open_obligation_moves_to_the_successor_when_its_unit_is_merged_and_an_ended_one_stays(
    stack: Stack,
) -> None:
    await stack.load(UNITS + "Y,Xã Mới,xa,H56,,,\nX,Xã Cũ,xa,H56,H56.192,,\n")
    ended = snapshot("H56.192-261102-0002", DonViXuLy="", TrangThaiHoSo="9", NgayKetThucXuLy="20261105150000")
    await stack.feed(snapshot(DOSSIER, DonViXuLy=""), ended)
    assert (await stack.shown())["unit_code"] == "X"
    said_before = len(await harness.said(stack.nats, "DEADLINE"))
    await stack.load("code,name,kind,parent_code,aliases,email\nX,Xã Cũ,xa,H56,H56.192,x@example.vn\n")
    assert len(await harness.said(stack.nats, "DEADLINE")) == said_before  # an address moves nothing
    await stack.load(UNITS + "X,Xã Cũ,xa,H56,H56.192,2026-11-05,Y\n")
    shown = await stack.shown()
    assert (shown["unit_code"], shown["unit"], shown["revision"]) == ("Y", "H56.192", 2)
    assert shown["explanation"]["unit"]["why"] == "successor"
    [moved] = (await harness.said(stack.nats, "DEADLINE"))[said_before:]
    assert (moved["type"], moved["data"]["unit_code"]) == ("deadline.obligation_changed.v1", "Y")
    other = await stack.deadline.get("/v1/obligations/dossier/H56.192-261102-0002")
    assert (other.json()["unit_code"], other.json()["revision"]) == ("X", 1)


async def test_a_merger_announced_before_moves_what_is_open_on_its_day(stack: Stack) -> None:
    await stack.load(UNITS + "Y,Xã Mới,xa,H56,,,\nX,Xã Cũ,xa,H56,H56.192,2026-11-08,Y\n")
    await stack.feed(snapshot(DOSSIER, DonViXuLy=""))
    await stack.tick("2026-11-08T23:00:00+07:00")
    assert (await stack.shown())["unit_code"] == "X"
    await stack.tick("2026-11-09T00:01:00+07:00")
    assert (await stack.shown())["unit_code"] == "Y"
    assert any(e["data"].get("unit_code") == "Y" for e in await harness.said(stack.nats, "DEADLINE"))


async def test_what_is_said_again_fills_a_deadline_that_knows_no_units_and_is_no_news_to_one_that_does(
    stack: Stack,
) -> None:
    calendars = [
        {"name": name, "given": {"name": name, "inherits": base, "dates": {}}, "units": units}
        for name, base, units in (("heir", "base", ["X"]), ("base", "thanh-hoa", []))
    ]
    (await stack.intake.post("/v1/calendars", json=calendars)).raise_for_status()
    (await stack.intake.post("/v1/procedures", content="code,name\n1.012784,Tách thửa\n")).raise_for_status()
    await stack.settle()
    known = await stack.units_known()
    jobs = len((await stack.deadline.get("/v1/jobs")).json())
    assert (await stack.intake.post("/v1/republish")).json() == {"done": known}
    await stack.settle()
    assert await stack.units_known() == known
    assert len((await stack.deadline.get("/v1/jobs")).json()) == jobs
    async with stack.running["deadline"].engine.begin() as connection:
        await connection.execute(text("TRUNCATE deadline.reference, deadline.reference_version"))
    assert (await stack.intake.post("/v1/republish")).json() == {"done": known}
    await stack.settle()
    assert await stack.units_known() == known
    said = [e for e in await harness.said(stack.nats, "INTAKE") if e["type"] == CalendarDescribed.subject()]
    assert [event["data"]["name"] for event in said[-2:]] == ["base", "heir"]
    refused = await stack.deadline.get("/v1/jobs")
    assert refused.status_code == 200
    later = (await stack.intake.post("/v1/republish", params={"since": "2027-01-01T00:00:00+07:00"})).json()
    assert later == {"done": 0}


async def test_a_workbook_is_tried_loaded_shown_and_exported_without_a_change(stack: Stack) -> None:
    from tests.unit.intake.test_directory_tables import workbook

    content = workbook(
        Đơn_vị=[["code", "name", "kind", "parent_code"], ["X", "Xã Mới", "xa", "H56"]],
        Chức_vụ=[
            ["unit", "post", "role", "title", "holder", "email"],
            ["X", "ct", "head", "Chủ tịch", "cb-1", "a@b.vn"],
        ],
    )
    would = await stack.load(content, dry_run=True)
    assert (would["added"], would["changed"]) == (["X"], [])
    assert (await stack.intake.get("/v1/directory/X")).status_code == 404
    assert {one["member"] for one in would["diff"]} >= {"name", "kind", "posts"}
    assert (await stack.load(content))["added"] == ["X"]
    again = await stack.load(content)
    assert (again["added"], again["changed"], again["diff"]) == ([], [], [])
    shown = (await stack.intake.get("/v1/directory/xã mới")).json()
    assert (shown["code"], shown["in_charge"]["person"], shown["in_charge"]["why"]) == ("X", "cb-1", "head")
    former = await stack.intake.get("/v1/directory/Huyện Hà Trung")
    assert (former.status_code, len(former.json()["candidates"])) == (404, 6)
    then = await stack.intake.get("/v1/directory/Huyện Hà Trung", params={"on": "2025-06-30"})
    assert then.json()["code"] == "D392"
    units = (await stack.intake.get("/v1/directory")).json()
    for file in (directory_tables.as_workbook(units), directory_tables.as_csv("units", units)):
        assert (await stack.load(file))["diff"] == []


async def test_mistakes_are_told_all_at_once_and_nothing_is_taken(stack: Stack) -> None:
    rows = {"units": [{"code": "N", "name": "Mới"}, {"code": "", "name": ""}], "posts": [{"unit": "?", "post": "p"}]}
    refused = await stack.intake.post("/v1/directory", content=orjson.dumps(rows))
    assert (refused.status_code, [one["at"] for one in refused.json()["errors"]]) == (422, ["units[1]", "posts[0]"])
    assert (await stack.intake.get("/v1/directory/N")).status_code == 404


async def test_units_of_an_older_release_are_given_their_successors_at_the_next_start(stack: Stack) -> None:
    forget = (
        "UPDATE intake.unit SET document = (document::jsonb - 'successors' - 'valid_from' - 'valid_until' - "
        "'limited_aliases' - 'posts' || '{\"email\": \"kept@example.vn\"}')::json WHERE code IN ('D392', '15274')"
    )
    intake = stack.running["intake"]
    async with intake.engine.begin() as connection:
        await connection.execute(text(forget))
    await directory_api.load_carried(intake)
    await stack.settle()
    units = {one["code"]: one for one in (await stack.intake.get("/v1/directory")).json()}
    assert (len(units["D392"]["successors"]), units["D392"]["revision"]) == (6, 2)
    assert (units["15274"]["email"], units["15274"]["revision"]) == ("kept@example.vn", 2)
    assert units["15274"]["limited_aliases"]
    await directory_api.load_carried(intake)
    said = [e["data"] for e in await harness.said(stack.nats, "INTAKE") if e["type"] == UnitDescribed.subject()]
    assert [one["code"] for one in said if one["revision"] > 1] == ["15274", "D392"]


def head(person: str, since: str | None = None, until: str | None = None, **more: Any) -> dict[str, Any]:
    given = {"post": "gd", "role": "head", "title": "Giám đốc", "person": person, "email": f"{person}@example.vn"}
    return {**given, "valid_from": since, "valid_until": until, **more}


async def test_the_digest_goes_to_whoever_heads_the_unit_on_its_day(office: Open) -> None:
    """The head changes at the weekend, is then away with somebody named to stand in; at last the post is vacant."""
    posts = [
        head("cu", until="2026-11-21"),
        head("moi", "2026-11-22", "2026-11-24"),
        head("thay", "2026-11-23", "2026-11-23", kind="stand_in", title="Phó Giám đốc"),
    ]
    async with office(units=(OVERSIGHT, LAND.model_copy(update={"revision": 2}), unit("X"))) as here:
        await here.hear_units(
            UnitDescribed.model_validate({**LAND.model_dump(), "revision": 3, "email": None, "posts": posts})
        )
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert [mail["To"] for mail in here.box.taken] == ["thay@example.vn"]
        assert "Phó Giám đốc" in here.box.taken[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
        await here.hear(DeadlinePassed, obligation_id="dossier/2", subject_id="2", due_at=MONDAY_0730)
        await here.hear_units(
            UnitDescribed.model_validate({**LAND.model_dump(), "revision": 4, "email": None, "posts": posts[:2]})
        )
        await here.move_to(MONDAY_1400)
        assert here.box.taken[-1]["To"] == "moi@example.vn"
        await here.hear(DeadlinePassed, obligation_id="dossier/3", subject_id="3", due_at=MONDAY_1400)
        await here.move_to(WEDNESDAY_0730)
        assert [mail["To"] for mail in here.box.taken[2:]] == ["th-snv@example.vn"]  # nobody heads it: the unit above


async def test_a_merger_in_mid_ladder_tells_the_new_unit_s_head_and_ambiguous_ones_the_unit_above(office: Open) -> None:
    old = {**LAND.model_dump(), "valid_until": "2026-11-22", "successors": ("B",), "revision": 2}
    new = unit("B", name="Xã Mới", kind="xa")
    async with office(units=(OVERSIGHT, LAND, new)) as here:
        await here.hear(DeadlinePassed, unit_code="H56.12")
        await here.move_to(FRIDAY_1601)
        await here.hear_units(UnitDescribed.model_validate(old))
        await here.move_to("2026-11-23T07:00:00+07:00")
        await here.hear(DeadlinePassed, revision=3, unit_code="B")
        await here.move_to(MONDAY_0730)
        assert [mail["To"] for mail in here.box.taken] == ["b@example.vn"]
        [raised] = await here.escalations()
        assert (raised["unit"], raised["flags"]) == ("B", [])
        several = {"unit": None, "unit_name": "Sở Nông nghiệp và Môi trường", "flags": ["unit_ambiguous"]}
        split = {**old, "revision": 3, "successors": ("B", "C")}
        await here.hear_units(unit("C", name="Xã Ba", kind="xa"), UnitDescribed.model_validate(split))
        await here.hear(DeadlinePassed, obligation_id="dossier/2", subject_id="2", **several)
        await here.move_to(MONDAY_1400)
        assert here.box.taken[-1]["To"] == "th-snv@example.vn"
        flags = {one["subject_id"]: one["flags"] for one in await here.escalations()}
        assert flags["2"] == ["unit_unknown", "unit_ambiguous"]
