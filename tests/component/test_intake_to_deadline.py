"""A portal message through intake and deadline on real servers: facts, repeats, quarantine, due dates, the sweep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import pytest_asyncio
from nats.aio.client import Client
from sqlalchemy import text

from services.deadline import refolding, store
from services.deadline.counting import digest
from services.deadline.main import SERVICE as DEADLINE
from services.deadline.reference import carried
from services.intake.main import SERVICE as INTAKE
from shared import db, retrying
from shared.service import Running
from tests import servers as real
from tests.component import harness
from tests.unit.deadline import saying

PERIODIC = {"deadline.census_taken.v1", "deadline.events_counted.v1"}


def snapshot(code: str = "000.00.12.H56-261102-0001", **fields: Any) -> dict[str, Any]:
    return {
        "MaHoSo": code,
        "MaTTHC": "1.004746",
        "TenLinhVuc": "Hộ tịch",
        "ChuHoSo": "Công dân 0001",
        "NgayTiepNhan": "20261102091000",
        "NgayHenTra": "20261109091000",
        "TrangThaiHoSo": "2",
        "NgayKetThucXuLy": "",
        "DonViXuLy": "UBND xã Mường Lát",
        **fields,
    }


def message(*objects: dict[str, Any], service: str = "DongBoHoSoMC") -> bytes:
    return orjson.dumps({"session": "", "madonvi": "000.00.12.H56", "service": service, "data": list(objects)})


@pytest_asyncio.fixture
async def started(nats_url: str, postgres_url: str) -> AsyncIterator[dict[str, Running]]:
    database = await real.fresh_database(postgres_url, migrated=["intake", "deadline"])
    async with harness.services(INTAKE, DEADLINE, nats_url=nats_url, database=database, clock="driven") as running:
        yield running
    await real.drop_database(postgres_url, database)


@pytest_asyncio.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    async with harness.connected(nats_url) as connection:
        yield connection


async def documents(started: dict[str, Running]) -> list[dict[str, Any]]:
    async with started["deadline"].engine.connect() as connection:
        rows = await connection.execute(text("SELECT document::text FROM deadline.obligation ORDER BY id"))
        return [orjson.loads(document) for document in rows.scalars()]


async def test_a_portal_message_becomes_an_obligation_and_an_event(started: dict[str, Running], client: Client) -> None:
    await harness.feed(client, [message(snapshot())])
    await harness.until_idle(started)
    [obligation] = await documents(started)
    assert obligation["obligation_id"] == "dossier/000.00.12.H56-261102-0001"
    assert obligation["unit"] == "H56.12"
    assert obligation["due_at"] == "2026-11-09T09:10:00+07:00"
    assert obligation["due_from"] == "source"
    assert obligation["computed_due_at"] == "2026-11-09T09:10:00+07:00"
    assert obligation["state"] == "open"
    said = await harness.said(client, "DEADLINE")
    assert said[0]["type"] == "deadline.deadline_set.v1"
    assert said[0]["data"]["due_at"] == obligation["due_at"]


async def test_no_personal_data_leaves_the_raw_message(started: dict[str, Running], client: Client) -> None:
    await harness.feed(client, [message(snapshot(ChuHoSo="Nguyễn Thị Mẫu", SoDienThoai="0900000123"))])
    await harness.until_idle(started)
    everything = orjson.dumps([await harness.said(client, "INTAKE"), await harness.said(client, "DEADLINE")])
    assert b"M\xe1\xba\xabu" not in everything
    assert b"0900000123" not in everything


async def test_resending_changes_nothing(started: dict[str, Running], client: Client) -> None:
    body = message(snapshot(), snapshot("000.00.12.H56-261102-0002"))
    await harness.feed(client, [body])
    await harness.until_idle(started)
    before = await documents(started), len(await harness.said(client, "INTAKE"))
    await harness.feed(client, [body] * 3)
    await harness.until_idle(started)
    assert (await documents(started), len(await harness.said(client, "INTAKE"))) == before


async def test_a_bad_object_is_quarantined_and_its_neighbours_are_taken(
    started: dict[str, Running], client: Client
) -> None:
    bad_date = snapshot("000.00.12.H56-261102-0003", NgayTiepNhan="20261345091000")
    no_code = snapshot("")
    await harness.feed(client, [message(bad_date, snapshot(), no_code), b"\xff{", b"[]", message(service="Other")])
    await harness.until_idle(started)
    assert [o["subject_id"] for o in await documents(started)] == ["000.00.12.H56-261102-0001"]
    async with started["intake"].engine.connect() as connection:
        rows = await connection.execute(text("SELECT reason, count(*) FROM intake.quarantine GROUP BY 1"))
        assert dict(rows.all()) == {
            "invalid_object": 2,
            "unreadable": 1,
            "not_a_message": 1,
            "unknown_service": 1,
        }


async def test_an_identical_bad_message_is_one_entry_with_a_count(started: dict[str, Running], client: Client) -> None:
    await harness.feed(client, [b"{broken"] * 3)
    await harness.until_idle(started)
    async with started["intake"].engine.connect() as connection:
        assert (await connection.execute(text("SELECT seen FROM intake.quarantine"))).scalars().all() == [3]


async def test_the_sweep_says_once_that_a_deadline_passed(started: dict[str, Running], client: Client) -> None:
    overdue = snapshot(NgayTiepNhan="20261019091000", NgayHenTra="20261026091000")
    await harness.feed(client, [message(overdue)])
    await harness.tick(client, "2026-10-26T09:10:00+07:00", streams=("FEED", "COMPLAINTS"))
    await harness.until_idle(started)
    said = [event["type"] for event in await harness.said(client, "DEADLINE")]
    assert [type for type in said if type not in PERIODIC] == ["deadline.deadline_set.v1", "deadline.deadline_near.v1"]
    await harness.tick(client, "2026-10-26T09:10:01+07:00", streams=("FEED", "COMPLAINTS"))
    await harness.tick(client, "2026-10-27T09:10:01+07:00", streams=("FEED", "COMPLAINTS"))
    await harness.until_idle(started)
    types = [event["type"] for event in await harness.said(client, "DEADLINE")]
    assert [type for type in types if type not in PERIODIC] == [
        "deadline.deadline_set.v1",
        "deadline.deadline_near.v1",
        "deadline.deadline_passed.v1",
    ]


async def test_each_morning_the_open_and_overdue_are_said_with_their_revisions(
    started: dict[str, Running], client: Client
) -> None:
    overdue = snapshot(NgayTiepNhan="20261019091000", NgayHenTra="20261026091000")
    await harness.feed(client, [message(overdue, snapshot("000.00.12.H56-261102-0002"))])
    for at in ("2026-10-26T09:10:01+07:00", "2026-10-27T06:00:00+07:00", "2026-10-27T23:00:00+07:00"):
        await harness.tick(client, at, streams=("FEED", "COMPLAINTS"))
    await harness.until_idle(started)
    said = await harness.said(client, "DEADLINE")
    censuses = [event["data"] for event in said if event["type"] == "deadline.census_taken.v1"]
    assert [census["slot"] for census in censuses] == ["2026-10-26T06:00:00+07:00", "2026-10-27T06:00:00+07:00"]
    [passed] = [event["data"] for event in said if event["type"] == "deadline.deadline_passed.v1"]
    assert censuses[1]["overdue"] == [[passed["obligation_id"], passed["revision"]]]
    assert censuses[1]["counts"] == {"dossier": {"overdue": 1, "on_time": 1}}


async def test_the_events_of_each_hour_are_counted_with_a_digest_of_their_ids(
    started: dict[str, Running], client: Client
) -> None:
    for at in ("2026-11-02T09:30:00+07:00", "2026-11-02T11:00:00+07:00", "2026-11-02T11:30:00+07:00"):
        await harness.tick(client, at, streams=("FEED", "COMPLAINTS"))
        await harness.until_idle(started)
        await harness.feed(client, [message(snapshot(f"000.00.12.H56-2611020-{at[11:13]}{at[14:16]}"))])
        await harness.until_idle(started)
    await harness.tick(client, "2026-11-02T12:10:00+07:00", streams=("FEED", "COMPLAINTS"))
    await harness.until_idle(started)
    said = await harness.said(client, "DEADLINE")
    counts = [event["data"] for event in said if event["type"] == "deadline.events_counted.v1"]
    by_hour: dict[datetime, list[str]] = defaultdict(list)
    for event in said:
        if event["type"] not in PERIODIC:
            hour = datetime.fromisoformat(event["time"]).replace(minute=0, second=0, microsecond=0)
            by_hour[hour].append(event["id"])
    assert len(by_hour) == 2
    for hour, ids in by_hour.items():
        [found] = [one for one in counts if datetime.fromisoformat(one["hour"]) == hour]
        assert (found["count"], found["digest"]) == (len(ids), f"{digest(ids):016x}")


async def test_a_step_with_a_term_is_owed_by_whoever_holds_it(started: dict[str, Running], client: Client) -> None:
    def step(at: str, **more: str) -> bytes:
        of = {"MaHoSo": "000.00.12.H56-261102-0001", "ThoiDiemXuLy": at, "TrangThai": "4", **more}
        return message(of, service="CapNhatTienDoHoSoMC")

    branch = {"PhongBanXuLy": "Chi nhánh VPĐKĐĐ Mường Lát", "NgayKetThucTheoQuyDinh": "20261104170000"}
    await harness.feed(client, [message(snapshot()), step("20261102100000", **branch)])
    await harness.until_idle(started)
    dossier, held = await documents(started)
    assert (held["obligation_id"], held["parent"]) == (
        f"step/{dossier['subject_id']}/20261102100000",
        dossier["obligation_id"],
    )
    assert (held["unit_name"], held["due_at"], held["state"]) == (
        "Chi nhánh VPĐKĐĐ Mường Lát",
        "2026-11-04T17:00:00+07:00",
        "open",
    )
    assert (dossier["holder"], dossier["holder_due_at"]) == (held["unit_name"], held["due_at"])
    await harness.feed(client, [step("20261105090000")])
    await harness.until_idle(started)
    dossier, held = await documents(started)
    assert (held["state"], held["end"], held["timing"], held["late_days"]) == ("ended", "passed_on", "late", 1)
    assert dossier["holder"] is None


async def test_a_part_that_turns_out_not_to_be_is_ended_as_void_and_shown_no_more(
    started: dict[str, Running], client: Client
) -> None:
    """An earlier request that becomes known later makes one pause of two: the second pause was none."""

    def asked(*supplements: tuple[str, str]) -> bytes:
        entries = [{"NgayBoSung": since, "NgayTiepNhanBoSung": until} for since, until in supplements]
        return message(snapshot(DanhSachHoSoBoSung=entries))

    await harness.feed(client, [asked(("20261104090000", ""))])
    await harness.until_idle(started)
    await harness.feed(client, [asked(("20261103090000", "20261104100000"), ("20261104090000", ""))])
    await harness.until_idle(started)
    pauses = {one["obligation_id"][-14:]: one for one in await documents(started) if one["kind"] == "pause"}
    assert (pauses["20261104090000"]["state"], pauses["20261104090000"]["end"]) == ("ended", "void")
    assert (pauses["20261103090000"]["state"], pauses["20261103090000"]["due_at"][:10]) == ("open", "2026-12-04")
    async with started["deadline"].engine.connect() as connection:
        listed = await store.list_obligations(connection, after="", limit=10)
    assert "void" not in {one["end"] for one in listed}


async def test_an_end_settles_the_obligation_and_says_whether_it_was_late(
    started: dict[str, Running], client: Client
) -> None:
    ended = snapshot(TrangThaiHoSo="9", NgayKetThucXuLy="20261110100000")
    await harness.feed(client, [message(snapshot()), message(ended)])
    await harness.until_idle(started)
    [obligation] = await documents(started)
    assert (obligation["state"], obligation["timing"], obligation["late_days"]) == ("ended", "late", 1)
    assert obligation["late_working_seconds"] == 8 * 3600 + 50 * 60


async def test_a_parked_message_is_carried_out_once_its_cause_is_gone(
    started: dict[str, Running], client: Client
) -> None:
    intake = started["intake"]
    async with intake.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE intake.thing ADD CONSTRAINT no CHECK (key NOT LIKE '%0666')"))
    bad, good = "000.00.12.H56-261102-0666", "000.00.12.H56-261102-0001"
    await harness.feed(client, [message(snapshot(bad)), message(snapshot(good))])
    await harness.until_idle(started)
    assert [o["subject_id"] for o in await documents(started)] == [good]
    assert (await intake.status())["quarantine"] == 1
    async with intake.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE intake.thing DROP CONSTRAINT no"))
    assert await retrying.retry_parked(intake) == 1
    await harness.until_idle(started)
    assert [o["subject_id"] for o in await documents(started)] == [good, bad]
    assert (await intake.status())["quarantine"] == 0


@pytest.mark.parametrize("size", [1, 7])
async def test_many_messages_lose_nothing(started: dict[str, Running], client: Client, size: int) -> None:
    codes = [f"000.00.12.H56-261102-{number:04d}" for number in range(1, 701)]
    bodies = [message(*(snapshot(code) for code in codes[at : at + size])) for at in range(0, len(codes), size)]
    await harness.feed(client, bodies)
    await harness.until_idle(started)
    assert [o["subject_id"] for o in await documents(started)] == codes
    assert sum(c.redelivered for one in started.values() for c in one.consumers) == 0


async def test_of_a_dossier_that_another_copy_adds_first_no_part_is_stored_before_both_are_known(
    started: dict[str, Running], client: Client
) -> None:
    """A copy that had not seen the dossier folds a pause that it does not have once all is known."""
    await harness.feed(client, [message(snapshot())])
    await harness.until_idle(started)
    known, [dossier] = carried(), await documents(started)
    entries = [{"NgayBoSung": "20261104080000", "NgayTiepNhanBoSung": ""}]
    _, facts = saying.facts(saying.snapshot("2026-11-05T09:00:00", DanhSachHoSoBoSung=entries))
    id = dossier["obligation_id"]
    async with db.transaction(started["deadline"].engine) as connection:
        said: Any = {id: [{"raw_code": "X", "facts": facts}]}
        done = await refolding.put_folded(connection, {}, said, {id: ""}, known=known, now=datetime.now(UTC))
    assert (done.waiting, done.events) == ({id}, [])
    assert await documents(started) == [dossier]
