"""The main job: what is late in a unit comes to its head by e-mail, once, and stops when it is settled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.component import harness
from tests.journeys.province import APPLICANT, Province, dossier, province, text_of

CODE = "000.00.12.H56-261102-0001"
HEAD, SUPERIOR = "dv12@example.vn", "dv41@example.vn"  # the commune; above it, right below the province, Sở Nội vụ
KEY = {"X-API-Key": harness.API_KEY}


@pytest_asyncio.fixture
async def world(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Province]:
    async with province(nats_url, postgres_url, tmp_path, start="2026-11-02T00:00:00+07:00") as running:
        yield running


async def test_a_late_dossier_presses_its_head_until_it_is_settled(world: Province) -> None:
    await world.says("2026-11-02T09:12:00+07:00", dossier(CODE))
    assert await world.fast_forward("2026-11-09T07:15:00+07:00") == []

    [near] = await world.fast_forward("2026-11-09T09:00:00+07:00")  # information, before anything is late
    assert (near["To"], "sắp đến hạn" in near["Subject"]) == (HEAD, True)

    assert await world.fast_forward("2026-11-09T13:45:00+07:00") == []  # late since 09:10; the slot is at 14:00
    [passed] = await world.fast_forward("2026-11-09T14:00:00+07:00")
    assert passed["To"] == HEAD
    assert ": 1 hồ sơ đang quá hạn (1 mới báo) (" in passed["Subject"]
    assert CODE in text_of(passed)
    for word in APPLICANT.values():
        assert word not in str(passed)
        assert word not in text_of(passed)

    assert await world.fast_forward("2026-11-11T13:45:00+07:00") == []  # nothing changed: nothing is said
    second_level = await world.fast_forward("2026-11-11T14:00:00+07:00")
    assert [mail["To"] for mail in second_level if "đang quá hạn (1 mới báo)" in mail["Subject"]] == [SUPERIOR]
    assert all(CODE in text_of(mail) for mail in second_level)
    assert await world.fast_forward("2026-11-12T09:45:00+07:00") == []

    await world.says("2026-11-12T10:00:00+07:00", dossier(CODE, TrangThaiHoSo="9", NgayKetThucXuLy="20261112095500"))
    settled = await world.fast_forward("2026-11-12T14:00:00+07:00")
    assert sorted(mail["To"] for mail in settled) == [HEAD, SUPERIOR]
    assert all("không còn quá hạn" in mail["Subject"] and CODE in text_of(mail) for mail in settled)

    [page] = await world.fast_forward("2026-12-14T00:00:00+07:00")  # the one week in which there is something to count
    assert "Tổng hợp tuần: 0 việc đang quá hạn (08:00 16/11/2026)" in page["Subject"]
    assert ("1 việc không còn quá hạn" in text_of(page), CODE in text_of(page)) == (True, False)


async def test_the_way_goes_on_with_two_ticks_a_day_where_nothing_is_due(world: Province) -> None:
    await world.fast_forward("2026-12-14T00:00:00+07:00")
    # start and end; each night's look at receptions, each morning's census; each week's page
    assert world.driver.ticks == 2 + 2 * 42 + 6


async def test_a_feedback_that_is_not_answered_presses_the_unit(world: Province) -> None:
    await world.fast_forward("2026-11-03T09:00:00+07:00")
    filing = {"text": "Công chức yêu cầu thêm giấy tờ ngoài quy định.", "unit": "000.00.12.H56"}
    code = (await world.citizen.post("/v1/complaints", json=filing)).raise_for_status().json()["code"]
    in_time = (await world.citizen.post("/v1/complaints", json=filing)).raise_for_status().json()["code"]

    async def act(code: str, path: str, **said: Any) -> None:
        (await world.citizen.post(f"/v1/complaints/{code}/{path}", json=said, headers=KEY)).raise_for_status()

    for filed in (code, in_time):
        await act(filed, "decision", kind="reflection", field="land", categories=["extra_papers"])
    assert await world.fast_forward("2026-11-16T09:00:00+07:00") == []
    await act(in_time, "answer", text="Đơn vị đã xin lỗi và trả kết quả.")
    await act(in_time, "publication", text="Công khai.", as_sent=True)

    # the 15th working day after 03/11 would be 24/11, a holiday: due on 25/11 at 09:00
    assert await world.fast_forward("2026-11-25T07:15:00+07:00") == []
    [near] = await world.fast_forward("2026-11-25T13:45:00+07:00")
    assert (near["To"], "sắp đến hạn" in near["Subject"]) == (HEAD, True)
    [late] = await world.fast_forward("2026-11-25T14:00:00+07:00")
    assert (late["To"], "đang quá hạn (1 mới báo)" in late["Subject"]) == (HEAD, True)
    for mail in (near, late):
        assert code in text_of(mail)
        assert in_time not in text_of(mail)
        assert filing["text"] not in text_of(mail)

    await act(code, "answer", text="Đơn vị đã xin lỗi và trả kết quả.")
    await act(code, "publication", text="Công khai.", as_sent=True)
    [settled] = await world.fast_forward("2026-11-26T07:30:00+07:00")
    assert (settled["To"], "không còn quá hạn" in settled["Subject"]) == (HEAD, True)
    [page] = await world.fast_forward("2026-12-21T00:00:00+07:00")
    assert ("Tổng hợp tuần" in page["Subject"], code in text_of(page)) == (True, False)


async def test_a_holiday_announced_late_takes_its_warning_back(world: Province) -> None:
    """Three days off that were not known: the dossier is due on 12/11, not on 9/11 as its head was told."""
    await world.says("2026-11-02T09:15:00+07:00", dossier(CODE, NgayHenTra=""))
    assert [mail["To"] for mail in await world.fast_forward("2026-11-09T13:45:00+07:00")] == [HEAD]  # due soon
    [late] = await world.fast_forward("2026-11-09T14:00:00+07:00")
    assert "đang quá hạn (1 mới báo)" in late["Subject"]

    off = {"inherits": "thanh-hoa", "dates": {f"2026-11-0{day}": [] for day in (4, 5, 6)}}
    calendar = {"name": "muong-lat", "given": off, "units": ["UBND xã Mường Lát"]}
    async with harness.caller(world.started["intake"]) as office:
        (await office.post("/v1/calendars", json=[calendar])).raise_for_status()
    assert await world.new_mails() == []
    [taken_back] = await world.fast_forward("2026-11-10T07:30:00+07:00")
    assert (taken_back["To"], "không còn quá hạn" in taken_back["Subject"]) == (HEAD, True)
    assert "09:10 12/11/2026" in text_of(taken_back)
    assert "lịch làm việc" in text_of(taken_back)
    [again] = [mail for mail in await world.fast_forward("2026-11-12T14:00:00+07:00") if "mới báo" in mail["Subject"]]
    assert again["To"] == HEAD
