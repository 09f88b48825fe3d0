"""No feedback ends where nobody owes its sender an answer, or where lateness is made to vanish."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest_asyncio
from sqlalchemy import text

from tests.component.feedback import (
    CENTRE,
    COMMUNE,
    INSPECTION,
    OPERATOR,
    OTHER,
    UNITS,
    Desk,
    opened_desk,
    unit,
)

MERGED = unit("38-x99999", "UBND phường Mới", kind="phuong")
OLD = unit("38-x88888", "UBND xã Cũ", kind="xa").model_copy(
    update={"successors": (MERGED.code,), "valid_until": date(2026, 11, 19)}
)


@pytest_asyncio.fixture
async def desk(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened_desk(nats_url, postgres_url, tmp_path, units=(*UNITS, OLD, MERGED)) as started:
        yield started


async def row(desk: Desk, sql: str, **values: Any) -> tuple[Any, ...]:
    async with desk.running.engine.begin() as connection:
        done = await connection.execute(text(sql), values)
        return tuple(done.one()) if done.returns_rows else ()


async def reflections(desk: Desk, number: int) -> list[str]:
    return [(await desk.file(kind_hint="reflection", unit=COMMUNE))["code"] for _ in range(number)]


async def shown(desk: Desk, code: str, by: dict[str, str] = OPERATOR) -> dict[str, Any]:
    answer = await desk.client.get(f"/v1/complaints/{code}", headers=by)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_what_is_joined_to_one_that_is_refused_is_owed_an_answer_again(desk: Desk) -> None:
    first, second, third = await reflections(desk, 3)
    await desk.done(second, "joining", to=first)
    turned = await desk.act(first, "joining", to=second)
    assert (turned.status_code, "others are dealt with in this one" in turned.json()["detail"]) == (409, True)
    turned = await desk.act(third, "joining", to=second)
    assert (turned.status_code, f"dealt with in {first} itself" in turned.json()["detail"]) == (409, True)
    await desk.done(first, "refusal", text="Không thuộc phạm vi tiếp nhận.")
    again = await shown(desk, second)
    assert (again["state"], again["joined_to"]) == ("received", None)
    assert {term["name"] for term in again["terms"] if term["ended_at"] is None} == {"screening", "answer"}
    assert (await desk.act(third, "joining", to=first)).status_code == 409


async def test_what_is_joined_to_one_that_turns_out_a_complaint_is_owed_an_answer_again(desk: Desk) -> None:
    first = (await desk.file(kind_hint="reflection", unit=COMMUNE, name="Người gửi", contact="0900 000 111"))["code"]
    [second] = await reflections(desk, 1)
    await desk.done(second, "joining", to=first)
    await desk.done(first, "decision", kind="complaint", unit=OTHER)
    assert (await shown(desk, second))["state"] == "received"


async def test_the_unit_that_came_in_place_of_another_has_its_feedback(desk: Desk) -> None:
    code = (await desk.file(kind_hint="reflection", unit=COMMUNE))["code"]
    await desk.done(code, "decision", kind="reflection", unit=COMMUNE)
    # as if it had been decided before the merger
    await row(desk, "UPDATE complaints.complaint SET handler = :old WHERE code = :code", old=OLD.code, code=code)
    await row(desk, "UPDATE complaints.finding SET handler = :old", old=OLD.code)
    other = await desk.officer("h-2", "handler", unit=OTHER)
    heir = await desk.officer("h-1", "handler", unit=MERGED.code)
    assert (await desk.client.get(f"/v1/complaints/{code}", headers=other)).status_code == 404
    listed = (await desk.client.get("/v1/complaints", headers=heir)).json()["complaints"]
    found = (await desk.client.get("/v1/complaints/search?q=trả kết quả", headers=heir)).json()["found"]
    assert ([one["code"] for one in listed], [one["code"] for one in found]) == ([code], [code])
    await desk.done(code, "answer", heir, text="Đã trả kết quả.")
    await row(desk, "UPDATE complaints.complaint SET not_to = ARRAY[:old] WHERE code = :code", old=OLD.code, code=code)
    assert (await desk.client.get(f"/v1/complaints/{code}", headers=heir)).status_code == 404


async def test_who_must_answer_cannot_make_lateness_vanish_by_a_refusal(desk: Desk) -> None:
    handler = await desk.officer("h-1", "handler", unit=COMMUNE)
    sorter = await desk.officer("s-1", "sorter", unit=CENTRE)
    early, late = await reflections(desk, 2)
    for code in (early, late):
        await desk.done(code, "decision", sorter, kind="reflection", unit=COMMUNE)
    desk.move_to("2026-11-23T08:00:00+07:00")
    await desk.done(early, "refusal", handler, text="Đã được trả lời trước đó.")
    desk.move_to("2026-12-20T08:00:00+07:00")
    turned = await desk.act(late, "refusal", handler, text="Không rõ nội dung.")
    assert (turned.status_code, "it could be refused until" in turned.json()["detail"]) == (409, True)
    await desk.done(late, "refusal", sorter, text="Không rõ nội dung.")
    told = (await desk.client.get("/v1/effects?from=2026-11-01&to=2026-12-31", headers=OPERATOR)).json()
    assert sum(one["overdue"] for one in told["units"]) == 1


async def test_an_extension_said_again_is_the_same_and_what_ran_out_is_not_extended(desk: Desk) -> None:
    inspector = await desk.officer("i", "inspector", unit=INSPECTION)
    code = (await desk.file(kind_hint="denunciation", unit=COMMUNE, name="Người gửi", contact="0900 000 111"))["code"]
    await desk.done(code, "decision", inspector, kind="denunciation", accused_units=[COMMUNE], unit=INSPECTION)
    await desk.done(code, "acceptance", inspector, text="Thụ lý.")
    for _ in range(2):
        told = await desk.done(code, "extension", inspector, text="Vụ việc phức tạp.")
    assert [one["value"] for one in told["terms"] if one["name"] == "settlement"] == [60]
    early = await desk.act(code, "extension", inspector, text="Lùi ngày.", decided_at="2026-11-19T08:00:00+07:00")
    assert (early.status_code, "decided_at" in early.json()["detail"]) == (409, True)
    desk.move_to("2027-02-10T08:00:00+07:00")
    late = await desk.act(code, "extension", inspector, number=2, text="Đặc biệt phức tạp.")
    assert (late.status_code, "its time ran out on" in late.json()["detail"]) == (409, True)
    decided = {"number": 2, "decided_at": "2027-01-15T08:00:00+07:00"}
    told = await desk.done(code, "extension", inspector, text="Đặc biệt phức tạp.", **decided)
    assert [one["value"] for one in told["terms"] if one["name"] == "settlement"] == [90]
    assert told["revision"] == (await desk.done(code, "extension", inspector, text="Lại.", **decided))["revision"]
    notes = [step["note"] for step in (await shown(desk, code, inspector))["history"]]
    assert notes[-1] == "Đặc biệt phức tạp. (quyết định ngày 15/01/2027)"


async def test_a_decision_put_right_counts_against_nobody_any_more(desk: Desk) -> None:
    code = (await desk.file(kind_hint="reflection"))["code"]
    counted = "SELECT count(*) FROM complaints.report WHERE NOT gone"
    await desk.done(code, "decision", kind="reflection", unit=COMMUNE, accused_persons=["someone"])
    assert await row(desk, counted) == (1,)
    await desk.done(code, "decision", kind="reflection", unit=COMMUNE)
    assert await row(desk, counted) == (0,)


async def test_a_long_sentence_searched_for_is_refused_with_what_to_do(desk: Desk) -> None:
    answer = await desk.client.get("/v1/complaints/search", params={"q": "hồ sơ đất " * 13}, headers=OPERATOR)
    assert (answer.status_code, answer.json()["detail"]) == (422, "q: Search for at most 300 letters and 32 words.")


async def test_what_becomes_a_denunciation_leaves_no_procedure_in_the_open(desk: Desk) -> None:
    code = (await desk.file(kind_hint="reflection", unit=COMMUNE))["code"]
    await row(desk, "UPDATE complaints.complaint SET procedure = '1.004746' WHERE code = :code", code=code)
    inspector = await desk.officer("i", "inspector", "sorter", unit=INSPECTION)
    await desk.done(code, "decision", inspector, kind="denunciation", accused_units=[COMMUNE])
    assert await row(desk, "SELECT procedure FROM complaints.complaint") == (None,)
