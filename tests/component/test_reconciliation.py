"""A source's own census beside what we know, on real servers: every kind of difference, by dossier, with its reason."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
import pytest_asyncio
from nats.aio.client import Client
from prometheus_client import REGISTRY

from services.deadline import comparing
from services.deadline.main import SERVICE as DEADLINE
from services.deadline.reconciling import REASONS, WORDS
from services.intake import handlers
from services.intake.main import SERVICE as INTAKE
from services.intake.settings import IntakeSettings
from shared.bus import publish
from shared.cloudevents import Outgoing
from shared.service import Running
from tests import servers as real
from tests.component import harness

TAKEN_AT, NOW = "2026-11-20T06:00:00+07:00", "2026-11-20T06:30:00+07:00"
BEFORE, AFTER = "2026-11-19T18:00:00+07:00", "2026-11-20T06:10:00+07:00"
LATE, IN_TIME = "20261110090000", "20261201090000"


def code(number: int) -> str:
    return f"000.00.12.H56-261102-{number:04}"


class Scene(NamedTuple):
    """Intake and deadline, and deadline's caller."""

    started: dict[str, Running]
    client: Client
    caller: httpx.AsyncClient

    async def say(
        self, *objects: dict[str, Any], source: str = "motcua-1", at: str = BEFORE, step: bool = False
    ) -> None:
        service = "CapNhatTienDoHoSoMC" if step else "DongBoHoSoMC"
        body = orjson.dumps({"madonvi": "000.00.12.H56", "service": service, "data": list(objects)})
        await harness.feed(self.client, [body], source=source, at=at)
        await harness.until_idle(self.started)

    async def census(self, *numbers: int, at: str = NOW, source: str = "motcua-1", **data: Any) -> None:
        event: dict[str, Any] = {
            "specversion": "1.0", "id": uuid.uuid4().hex, "source": "/motcua-1", "type": "dondoc.census.v1",
            "data": {"taken_at": TAKEN_AT, "overdue": [code(number) for number in numbers], **data},
        }  # fmt: skip
        message = Outgoing(event["id"], f"feed.{source}.facts", orjson.dumps(event), {"Dondoc-Received-At": at})
        await publish(self.client, [message])
        await harness.until_idle(self.started)

    async def compared(self) -> dict[str, Any]:
        """Compare all that is ready; return the newest with its differences as reasons by number."""
        while await comparing.compare_next(self.started["deadline"]):
            pass
        [newest, *_] = (await self.caller.get("/v1/reconciliations")).json()
        shown = (await self.caller.get(f"/v1/reconciliations/{newest['id']}", params={"limit": 1000})).json()
        return {**shown, "reasons": {int(one["dossier"][-4:]): one["reason"] for one in shown["differences"]}}


@pytest_asyncio.fixture
async def scene(nats_url: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(handlers, "SETTINGS", IntakeSettings(mirrors="portal"))
    database = await real.fresh_database(postgres_url, migrated=["intake", "deadline"])
    async with (
        harness.services(INTAKE, DEADLINE, nats_url=nats_url, database=database, clock="driven") as started,
        harness.connected(nats_url) as client,
        harness.caller(started["deadline"]) as caller,
    ):
        made = Scene(started, client, caller)
        await harness.tick(client, NOW, streams=("FEED", "COMPLAINTS"))
        await harness.until_idle(started)
        yield made
    await real.drop_database(postgres_url, database)


def dossier(number: int, due: str = LATE, **more: Any) -> dict[str, Any]:
    times = {"NgayTiepNhan": "20261102091000", "NgayHenTra": due}
    return {"MaHoSo": code(number), "TrangThaiHoSo": "2", "DonViXuLy": "UBND xã Mường Lát", **times, **more}


def step(number: int, at: str, status: str) -> dict[str, Any]:
    return {"MaHoSo": code(number), "ThoiDiemXuLy": at, "TrangThai": status}


async def thirty_dossiers(scene: Scene) -> None:
    """Ten overdue by both, four not due, and one of each way to differ."""
    asked: dict[str, Any] = {"DanhSachHoSoBoSung": [{"NgayBoSung": "20261105090000"}], "TrangThaiHoSo": "5"}
    ended = {"TrangThaiHoSo": "9", "NgayKetThucXuLy": "20261112100000"}
    await scene.say(*(dossier(number) for number in range(1, 11)), *(dossier(n, IN_TIME) for n in range(11, 15)))
    await scene.say(dossier(16, **ended), dossier(17, **asked), dossier(18), dossier(19, IN_TIME), dossier(20, ""))
    await scene.say(dossier(18, "20261125090000", GhiChu="xin lỗi"), at="2026-11-19T18:05:00+07:00")
    await scene.say(dossier(21, ""), dossier(28, ""))
    await scene.say(dossier(21, IN_TIME), dossier(28, LATE), source="motcua-2", at="2026-11-19T18:10:00+07:00")
    await scene.say(dossier(22, NgayTiepNhan="20261120090000"), at="2026-11-20T09:01:00+07:00")
    await scene.say(dossier(24, IN_TIME), source="portal")
    await scene.say(dossier(23), dossier(25, **{**ended, "NgayKetThucXuLy": "20261108100000"}))
    await scene.say(step(25, "20261112090000", "4"), step=True)
    await scene.say(dossier(26, "", MaTTHC="1.004746"), dossier(27), dossier(29, **ended), dossier(30, **ended))
    await scene.say(dossier(27, TrangThaiHoSo="9", NgayKetThucXuLy="20261119170000"), at=AFTER)


LISTED = (*range(1, 11), 15, 16, 17, 18, 19, 20, 21, 22, 24, 27)
EXPECTED = {
    15: "unknown_to_us", 16: "ended_by_us", 17: "paused_by_us", 18: "due_later_by_us", 19: "not_yet_due",
    20: "no_due_by_us", 21: "other_source_says", 22: "not_there_yet", 23: "not_in_their_list", 24: "mirror_only",
    25: "reopened", 26: "due_by_us_alone", 27: "late_news", 28: "other_source_says",
}  # fmt: skip


async def test_each_dossier_that_differs_is_told_with_its_likely_reason(scene: Scene) -> None:
    await thirty_dossiers(scene)
    units = [{"unit": "000.00.12.H56", "overdue": 20, "open": 27}]
    counts = {"open": 27, "overdue": 20, "ended": 2}
    await scene.census(*LISTED, counts=counts, ended_from="2026-11-10T00:00:00+07:00", units=units)
    found = await scene.compared()
    assert found["reasons"] == EXPECTED
    assert (found["taken_at"], found["result"]["listed"], found["result"]["agreed"]) == (TAKEN_AT, 20, 10)
    ours = {"open": 23, "overdue": 14, "ended": 4}
    assert found["result"]["counts"] == {name: {"theirs": counts[name], "ours": ours[name]} for name in counts}
    assert found["result"]["units"]["000.00.12.H56"]["overdue"] == {"theirs": 20, "ours": 14}
    by_number = {int(one["dossier"][-4:]): one for one in found["differences"]}
    assert (by_number[16]["said_by"], by_number[16]["ended_at"]) == ("motcua-1", "2026-11-12T10:00:00+07:00")
    assert (by_number[21]["said_by"], by_number[23]["last_heard_at"]) == ("motcua-2", BEFORE)
    assert (by_number[18]["first_due_at"][:10], by_number[18]["due_at"][:10]) == ("2026-11-10", "2026-11-25")


async def test_a_census_that_cannot_be_compared_holds_up_no_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = comparing._dossiers

    async def failing(connection: Any, listed: set[str]) -> set[str]:
        if listed == {code(1)}:
            raise ValueError("cannot be compared")
        return await given(connection, listed)

    monkeypatch.setattr(comparing, "_dossiers", failing)
    await scene.say(dossier(1), dossier(2))
    for number in (1, 2):
        await scene.census(number, source=f"motcua-{number}")
    passed_over: set[int] = set()
    with pytest.raises(ValueError, match="cannot be compared"):
        await comparing.compare_next(scene.started["deadline"], passed_over)
    assert await comparing.compare_next(scene.started["deadline"], passed_over)
    assert not await comparing.compare_next(scene.started["deadline"], passed_over)
    listed = (await scene.caller.get("/v1/reconciliations")).json()
    assert {one["source"]: bool(one["compared_at"]) for one in listed} == {"motcua-1": False, "motcua-2": True}


async def test_a_census_waits_for_all_its_parts_in_any_order_and_a_repeat_changes_nothing(scene: Scene) -> None:
    await scene.say(dossier(1), dossier(2))
    await scene.census(2, part=2, parts=2)
    assert (await scene.compared())["result"] is None
    await scene.census(1, part=1, parts=2)
    assert (await scene.compared())["result"]["agreed"] == 2
    await scene.census(1, part=1, parts=2, at="2026-11-20T06:40:00+07:00")
    found = await scene.compared()
    assert (found["revision"], found["reasons"], len((await scene.caller.get("/v1/reconciliations")).json())) == (
        1,
        {},
        1,
    )


async def test_a_corrected_part_is_compared_anew_and_a_later_census_stands_beside_it(scene: Scene) -> None:
    await scene.say(dossier(1))
    await scene.census(1, 2)
    assert (await scene.compared())["reasons"] == {2: "unknown_to_us"}
    await scene.census(at="2026-11-20T06:31:00+07:00")
    found = await scene.compared()
    assert (found["revision"], found["reasons"]) == (2, {1: "not_in_their_list"})
    await scene.census(1, taken_at="2026-11-20T06:10:00+07:00")
    assert (await scene.compared())["result"]["agreed"] == 1
    both = (await scene.caller.get("/v1/reconciliations", params={"source": "motcua-1"})).json()
    assert [one["result"]["agreed"] for one in both] == [1, 0]


async def test_a_census_cut_anew_drops_the_parts_of_the_older_cut(scene: Scene) -> None:
    await scene.census(1, part=1, parts=3)
    await scene.census(2, part=1, parts=1, at="2026-11-20T06:31:00+07:00")
    assert (await scene.compared())["reasons"] == {2: "unknown_to_us"}


async def facts(intake: httpx.AsyncClient, of: str, slot: str) -> list[dict[str, Any]]:
    told = (await intake.get("/v1/facts", params={"dossier": of})).json()
    return [fact for fact in told["facts"] if fact["slot"] == slot]


async def test_a_source_that_lists_a_dossier_under_a_code_of_its_own_agrees_with_us(scene: Scene) -> None:
    """Said to be one with another, its own code is no dossier any more, and counts as none that ended."""
    await scene.say(dossier(1), dossier(1, MaHoSo="ML-0001"))
    async with harness.caller(scene.started["intake"]) as intake:
        same = {"dossier": code(1), "code": "ML-0001", "reason": "Cùng hồ sơ"}
        assert (await intake.post("/v1/same_as", json=same)).status_code == 200
    await harness.until_idle(scene.started)
    counts = {"open": 1, "ended": 0}
    await scene.census(overdue=["ML-0001"], counts=counts, ended_from="2026-11-01T00:00:00+07:00")
    found = await scene.compared()
    assert (found["reasons"], found["result"]["agreed"]) == ({}, 1)
    assert found["result"]["counts"] == {name: {"theirs": number, "ours": number} for name, number in counts.items()}


async def test_what_is_retracted_explains_no_difference(scene: Scene) -> None:
    await scene.say(dossier(1), dossier(2, IN_TIME))
    await scene.say(dossier(1, IN_TIME), source="portal")
    await scene.say(dossier(2, "20261202090000"), source="motcua-2", at="2026-11-19T18:10:00+07:00")
    await scene.say(dossier(24, IN_TIME), source="portal")
    async with harness.caller(scene.started["intake"]) as intake:
        wrong = [
            next(fact for fact in await facts(intake, code(number), "due") if fact["source"] == source)
            for number, source in ((1, "portal"), (2, "motcua-2"))
        ]
        wrong += await facts(intake, code(24), "accepted")
        for number, fact in zip((1, 2, 24), wrong, strict=True):
            body = {"dossier": code(number), "fact": fact["id"], "reason": "Nhập nhầm"}
            assert (await intake.post("/v1/retractions", json=body)).status_code == 200
    await harness.until_idle(scene.started)
    assert (await scene.caller.get("/v1/reconciliations/mirror")).json()["differences"] == []
    await scene.census(2, 24)
    assert (await scene.compared())["reasons"] == {1: "not_in_their_list", 2: "not_yet_due", 24: "mirror_only"}


async def test_news_on_their_way_are_waited_for(scene: Scene) -> None:
    await scene.census(1, taken_at="2026-11-20T06:20:00+07:00")
    assert (await scene.compared())["result"] is None
    await harness.tick(scene.client, "2026-11-20T06:36:00+07:00", streams=("FEED", "COMPLAINTS"))
    await harness.until_idle(scene.started)
    assert (await scene.compared())["reasons"] == {1: "unknown_to_us"}


async def test_differences_come_in_pages_and_as_a_file_for_a_spreadsheet(scene: Scene) -> None:
    await scene.census(1, 2, 3)
    id = (await scene.compared())["id"]
    page = (await scene.caller.get(f"/v1/reconciliations/{id}", params={"limit": 2})).json()
    rest = (await scene.caller.get(f"/v1/reconciliations/{id}", params={"limit": 2, "after": page["next"]})).json()
    assert [len(one["differences"]) for one in (page, rest)] == [2, 1]
    assert rest["next"] is None
    for asked in ({"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}):
        answer = await scene.caller.get(f"/v1/reconciliations/{id}", **asked)  # type: ignore[arg-type]
        assert answer.content.startswith("\ufeffMã hồ sơ,".encode())
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [row["Mã hồ sơ"] for row in rows] == [code(1), code(2), code(3)]
        assert rows[0]["Lý do có thể"] == WORDS["unknown_to_us"]
    none = await scene.caller.get(f"/v1/reconciliations/{id}", params={"reason": "reopened"})
    assert none.json()["differences"] == []
    assert (await scene.caller.get("/v1/reconciliations/999")).status_code == 404


async def test_a_gauge_tells_the_newest_differences_of_a_source(scene: Scene) -> None:
    await scene.census(1, 2)
    await scene.compared()
    async with scene.started["deadline"].engine.connect() as connection:
        await comparing.observe(connection)
    labels = {"source": "motcua-1", "reason": "unknown_to_us"}
    assert REGISTRY.get_sample_value("dondoc_reconciliation_differences", labels) == 2


@pytest.mark.parametrize(
    "data",
    [
        {"taken_at": "2026-11-22T06:00:00+07:00"},
        {"taken_at": "2026-11-20T06:00:00"},
        {"part": 2, "parts": 1},
        {"parts": 101},
        {"counts": {"open": -1}},
        {"overdue": ["X" * 101]},
        {"overdue": ["X"] * 5001},
    ],
)
async def test_a_census_that_cannot_be_taken_is_in_quarantine(scene: Scene, data: dict[str, Any]) -> None:
    await scene.census(1, **data)
    async with harness.caller(scene.started["intake"]) as intake:
        [entry] = (await intake.get("/v1/quarantine")).json()
    assert entry["reason"] == "invalid_object"
    assert (await scene.caller.get("/v1/reconciliations")).json() == []


async def test_where_a_mirror_says_otherwise_the_slots_are_told(scene: Scene) -> None:
    await scene.say(dossier(1), dossier(2))
    await scene.say(dossier(1, IN_TIME), dossier(2), source="portal")
    told = (await scene.caller.get("/v1/reconciliations/mirror")).json()
    assert (told["looked_at"], told["next"]) == (2, None)
    [one] = told["differences"]
    assert (one["dossier"], [slot["slot"] for slot in one["slots"]]) == (code(1), ["due"])
    assert one["slots"][0]["mirror"]["value"] == "2026-12-01T09:00:00+07:00"


def test_every_reason_has_words() -> None:
    assert list(WORDS) == list(REASONS)
