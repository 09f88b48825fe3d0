"""Feedback from the hotline's tables and the portal's states, over HTTP on real servers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from tests.component.feedback import CENTRE, COMMUNE, OPERATOR, OTHER, Desk, opened_desk

TABLE = """\
Số cuộc gọi,Nội dung,Đơn vị,Loại,Thời gian
1022-1,Hồ sơ đất của tôi chậm trả kết quả.,UBND phường Hạc Thành,phản ánh,19/11/2026 16:05
1022-2,câu bí mật một,,câu bí mật hai,
1022-3,Cán bộ nhận tiền hối lộ của dân,UBND phường Hạc Thành,tố cáo,19/11/2026 16:30
1022-4,câu bí mật ba,,,21/11/2026 08:00
"""
WAITS, PUBLIC, ASKS = "PAKN chờ công khai", "PAKN đã công khai", "PA chờ bổ sung"


@pytest_asyncio.fixture
async def desk(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened_desk(nats_url, postgres_url, tmp_path) as served:
        yield served


async def table(desk: Desk, content: str = TABLE, by: dict[str, str] = OPERATOR, **query: Any) -> dict[str, Any]:
    answer = await desk.client.post("/v1/complaints/table", params=query, content=content.encode(), headers=by)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def portal(desk: Desk, *records: dict[str, Any], by: dict[str, str] = OPERATOR) -> list[dict[str, Any]]:
    answer = await desk.client.post("/v1/complaints/portal", json=records, headers=by)
    assert answer.status_code == 200, answer.text
    told: list[dict[str, Any]] = answer.json()["records"]
    return told


def record(state: str, at: str, ref: str = "P-1", **more: Any) -> dict[str, Any]:
    given = {"ref": ref, "state": state, "filed_at": "2026-11-16T08:00:00+07:00"}
    return {**given, "updated_at": f"2026-11-{at}:00+07:00", **more}


async def did(desk: Desk, *records: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(one["did"], one["why"]) for one in await portal(desk, *records)]


async def shown(desk: Desk, code: str) -> dict[str, Any]:
    answer = await desk.client.get(f"/v1/complaints/{code}", headers=OPERATOR)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_good_lines_are_filed_once_and_bad_ones_told_by_number_and_reason_alone(desk: Desk) -> None:
    tried = await table(desk, dry_run=True)
    assert [(one["line"], one["code"]) for one in tried["filed"]] == [(2, None), (4, None)]
    told = await table(desk, secrets=True)
    assert [(one["line"], one["ref"]) for one in told["filed"]] == [(2, "1022-1"), (4, "1022-3")]
    assert told["refused"] == [
        {"line": 3, "why": "kind: one of phản ánh, kiến nghị, khiếu nại, tố cáo, or empty"},
        {"line": 5, "why": "filed_at: lies in the future"},
    ]
    first = told["filed"][0]
    followed = await desk.done(first["code"], "follow", {}, secret=first["secret"])
    assert followed["filed_at"] == "2026-11-19T16:05:00+07:00"
    seen = await shown(desk, first["code"])
    assert (seen["source"], seen["history"][0]["at"]) == ("hotline", "2026-11-19T16:05:00+07:00")

    again = await table(desk, secrets=True)
    codes = {one["ref"]: one["code"] for one in told["filed"]}
    assert (again["filed"], {one["ref"]: one["code"] for one in again["known"]}) == ([], codes)
    assert all("secret" not in one for one in again["known"])
    elsewhere = await table(desk, source="desk")
    assert [one["line"] for one in elsewhere["filed"]] == [2, 4]
    # what may be a denunciation has left the normal queue
    listed = (await desk.client.get("/v1/complaints", headers=OPERATOR)).json()["complaints"]
    assert {one["code"] for one in listed} == {first["code"], elsewhere["filed"][0]["code"]}


async def test_the_same_table_sent_twice_at_once_is_filed_once(desk: Desk) -> None:
    lines = "".join(f"N-{number},Hồ sơ chậm lần {number}\n" for number in range(120))
    both = await asyncio.gather(*(table(desk, f"ref,text\n{lines}") for _ in range(2)))
    assert sum(len(one["filed"]) for one in both) == sum(len(one["known"]) for one in both) == 120
    async with desk.running.engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM complaints.complaint"))).scalar_one() == 120
        kept = await connection.execute(text("SELECT source, code FROM complaints.origin"))
        assert {code for _, code in kept} == {one["code"] for of in both for one in of["filed"]}


async def test_only_the_operator_and_sorters_bring_feedback_in(desk: Desk) -> None:
    sorter = await desk.officer("s", "sorter", unit=CENTRE)
    others = await desk.officer("h", "handler", "inspector", "confidant", "auditor", unit=COMMUNE)
    assert len((await table(desk, by=sorter))["filed"]) == 2
    for path, body in (("table", TABLE.encode()), ("portal", b"[]")):
        assert (await desk.client.post(f"/v1/complaints/{path}", content=body, headers=others)).status_code == 403
        assert (await desk.client.post(f"/v1/complaints/{path}", content=body)).status_code == 401
    wrong = await desk.client.post("/v1/complaints/table", content=b"ref,noi\n1,b", headers=sorter)
    assert (wrong.status_code, wrong.json()["detail"].startswith("line 1: column 2 is none of")) == (422, True)


async def test_a_feedback_of_the_portal_lives_by_its_states(desk: Desk) -> None:
    first = record("Tiếp nhận ở địa phương", "16T09:00", text="Hồ sơ chậm.", unit="UBND phường Hạc Thành")
    [filed] = await portal(desk, first)
    assert (filed["did"], filed["filed"], filed["why"]) == ("unchanged", True, None)
    code = filed["code"]
    assert await did(desk, record(ASKS, "17T09:00", asked="Mã hồ sơ?")) == [("changed", None)]
    assert (await shown(desk, code))["state"] == "supplement_asked"
    for what in ("changed", "unchanged"):
        assert await did(desk, record("PAKN đã bổ sung", "18T09:00")) == [(what, None)]
    undecided = await did(desk, record(WAITS, "19T09:00", answer="Đã trả."))
    assert (undecided[0][0], "no officer has decided yet" in str(undecided[0][1])) == ("refused", True)
    await desk.done(code, "decision", kind="reflection")
    desk.move_to("2026-11-20T10:00:00+07:00")
    assert await did(desk, record(WAITS, "20T09:30", answer="Đã trả.")) == [("changed", None)]
    assert await did(desk, record(WAITS, "20T09:30", answer="Đã trả.")) == [("unchanged", None)]
    assert await did(desk, record(ASKS, "19T09:30")) == [("older", None)]
    other = await did(desk, record(PUBLIC, "20T09:40", answer="Ý khác."))
    assert other == [("refused", "it has another answer already")]
    assert await did(desk, record(PUBLIC, "20T09:45")) == [("changed", None)]
    seen = await shown(desk, code)
    assert (seen["state"], seen["answer"], seen["answered_at"]) == (
        "published", "Đã trả.", "2026-11-20T09:30:00+07:00",
    )  # fmt: skip
    assert [(step["act"], step["actor"]) for step in seen["history"]] == [
        ("filed", "portal"), ("ask", "portal"), ("supplement", "portal"), ("decide", "operator"),
        ("answer", "portal"), ("publish", "portal"),
    ]  # fmt: skip
    assert seen["history"][1]["note"] == "Mã hồ sơ?"


async def test_each_record_is_told_by_itself_and_the_list_may_be_in_any_order(desk: Desk) -> None:
    told = await portal(
        desk,
        record("Từ chối tiếp nhận", "18T09:00", reason="Không thuộc thẩm quyền."),
        record("đang ngủ", "16T09:00", ref="P-2", text="câu bí mật"),
        record("xử lý ở địa phương", "17T09:00", text="Đường hỏng."),
        record("Đã gửi email", "16T09:00", ref="P-3"),
        {"ref": "P-4", "câu bí mật": 1},
        record("xử lý ở địa phương", "21T09:00", ref="P-5", text="câu bí mật"),
        record("PAKN đã bổ sung", "17T09:00", ref="P-6", text="Đèn đường hỏng."),
    )
    assert [one["at"] for one in told] == list(range(7))
    assert [one["did"] for one in told] == [
        "changed", "refused", "unchanged", "refused", "refused", "refused", "refused",
    ]  # fmt: skip
    assert [one["filed"] for one in told] == [False, False, True, False, False, False, True]
    why = [one["why"] for one in told]
    assert why[1] == "state: none of the 14 names of the portal"
    assert why[3].startswith("text: it is not known here yet")
    assert "an unknown member" in why[4]
    assert why[5] == "updated_at: lies in the future"
    assert why[6] == "nothing was asked for"
    assert "bí mật" not in "".join(filter(None, why))
    assert await did(desk, record("xử lý ở địa phương", "19T09:00")) == [
        ("refused", "it is refused here: it does not go back to the beginning")
    ]
    await portal(desk, record("xử lý ở địa phương", "19T09:00", ref="P-6"))
    assert (await shown(desk, told[0]["code"]))["state"] == "refused"


async def test_a_transfer_goes_to_a_unit_of_the_directory_and_comes_back_to_the_centre(desk: Desk) -> None:
    sent = "PAKN gửi đi đơn vị khác bằng phần mềm riêng"
    [filed] = await portal(desk, record("Tiếp nhận ở địa phương", "16T09:00", text="Đường hỏng.", unit=COMMUNE))
    for unit in (None, "Bộ Không Có"):
        [(what, why)] = await did(desk, record(sent, "17T09:00", unit=unit))
        assert (what, why) == ("refused", "unit: say which unit gets it, by a code or a name of the directory")
    assert await did(desk, record(sent, "17T09:00", unit="UBND phường Quảng Phú")) == [("changed", None)]
    assert (await shown(desk, filed["code"]))["handler"] == OTHER
    assert await did(desk, record("Trả lại tiếp nhận địa phương", "18T09:00", reason="Nhầm.")) == [("changed", None)]
    assert (await shown(desk, filed["code"]))["handler"] == CENTRE


async def test_the_portal_moves_nothing_that_is_restricted_and_its_words_stay_under_seal(desk: Desk) -> None:
    given = "Tôi tố cáo ông chủ tịch phường nhận hối lộ, tham nhũng đất đai."
    [filed] = await portal(desk, record("Tiếp nhận ở địa phương", "16T09:00", text=given, unit=COMMUNE))
    sent = "PAKN gửi đi đơn vị khác bằng phần mềm riêng"
    assert await did(desk, record(sent, "17T09:00", unit=COMMUNE, reason="Chuyển phường.")) == [("changed", None)]
    [(what, why)] = await did(desk, record(WAITS, "18T09:00", answer="Không có gì."))
    assert (what, "no officer has decided yet" in str(why)) == ("refused", True)
    inspector = await desk.officer("i", "inspector", unit="TH-TTT")
    seen = (await desk.client.get(f"/v1/complaints/{filed['code']}", headers=inspector)).json()
    assert (seen["handler"] != COMMUNE, seen["state"], seen["revision"]) == (True, "received", 1)
    assert [(step["act"], step["note"]) for step in seen["history"]] == [
        ("filed", None),
        ("portal", f"{sent}\nChuyển phường."),
    ]
    async with desk.running.engine.connect() as connection:
        kept = (await connection.execute(text("SELECT note, ref FROM complaints.step, complaints.origin"))).all()
    assert "phường".encode() not in b"".join(bytes(value) for row in kept for value in row if value)
    assert (await desk.client.get(f"/v1/complaints/{filed['code']}", headers=OPERATOR)).status_code == 404


@pytest.mark.parametrize("at", ["16T07:00", "20T09:01"])
async def test_a_state_from_before_its_filing_or_from_the_future_is_refused(desk: Desk, at: str) -> None:
    [(what, why)] = await did(desk, record("Tiếp nhận ở địa phương", at, text="Đường hỏng."))
    assert (what, str(why).startswith("updated_at: lies ")) == ("refused", True)


async def test_a_record_without_a_real_day_of_filing_is_refused_alone(desk: Desk) -> None:
    state, ways = "Tiếp nhận ở địa phương", ("0001-01-01T00:00:00+07:00", "0001-01-01T00:00:00Z")
    nameless = [{**record(state, "16T09:00", ref=at, text="Hỏng."), "filed_at": at} for at in ways]
    found = await did(desk, *nameless, record(state, "16T09:00", ref="P-9", text="Đường hỏng."))
    assert found[:2] == [("refused", "filed_at: lies before 2000")] * 2
    assert found[2][0] != "refused"


async def test_a_number_is_kept_as_a_digest_that_nobody_can_try_out(desk: Desk) -> None:
    await table(desk, "ref,text\n0900000001,Đề nghị sửa đường liên thôn.\n")
    async with desk.running.engine.connect() as connection:
        [kept] = (await connection.execute(text("SELECT ref FROM complaints.origin"))).scalars()
    assert len(kept) == 32
    for guess in ("0900000001", "hotline\x000900000001"):
        assert kept != hashlib.sha256(guess.encode()).digest()
