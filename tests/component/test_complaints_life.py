"""The life of a feedback over HTTP: each act by who may do it, its history, its events; and who is passed over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.component.feedback import CENTRE, COMMUNE, INSPECTION, OPERATOR, OTHER, OVERSIGHT, Desk, opened_desk


@pytest_asyncio.fixture
async def desk(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened_desk(nats_url, postgres_url, tmp_path) as started:
        yield started


async def test_a_reflection_lives_through_supplement_answer_publication_rating_and_reopening(desk: Desk) -> None:
    sorter = await desk.officer("sorter-1", "sorter", unit=CENTRE)
    handler = await desk.officer("handler-1", "handler", unit=COMMUNE)
    filed = await desk.file(unit=COMMUNE, kind_hint="reflection")
    code, secret = filed["code"], {"secret": filed["secret"]}
    assert (await desk.act(code, "answer", handler, text="x")).status_code == 404, "it is not theirs yet"
    await desk.done(code, "decision", sorter, kind="reflection", text="Thuộc phường.")
    assert (await desk.act(code, "decision", handler, kind="reflection")).status_code == 403
    await desk.done(code, "request", handler, text="Xin cho biết số thửa đất.")
    assert (await desk.done(code, "follow", {}, **secret))["asked"] == "Xin cho biết số thửa đất."
    desk.move_to("2026-11-24T09:00:00+07:00")
    await desk.done(code, "supplement", {}, **secret, text="Thửa số 5.")
    await desk.done(code, "answer", handler, text="Đã trả kết quả.")
    await desk.done(code, "publication", sorter, text="Công khai.", as_sent=True)
    rated = await desk.done(code, "rating", {}, **secret, rating=2)
    assert (rated["state"], rated["rating"], rated["may_reopen"]) == ("published", 2, True)
    again = await desk.done(code, "reopening", {}, **secret, text="Chưa nhận được.")
    assert (again["state"], again["answer"], again["may_rate"]) == ("accepted", None, False)
    shown = (await desk.client.get(f"/v1/complaints/{code}", headers=handler)).json()
    assert [(step["act"], step["actor"]) for step in shown["history"]] == [
        ("filed", "sender"), ("decide", "sorter-1"), ("ask", "handler-1"), ("supplement", "sender"),
        ("answer", "handler-1"), ("publish", "sorter-1"), ("rate", "sender"), ("reopen", "sender"),
    ]  # fmt: skip
    assert [step["note"] for step in shown["history"]][1:4] == [
        "Thuộc phường.",
        "Xin cho biết số thửa đất.",
        "Thửa số 5.",
    ]


async def test_the_sender_is_asked_within_the_time_for_it(desk: Desk) -> None:
    code = (await desk.file(kind_hint="reflection", unit=COMMUNE))["code"]
    await desk.done(code, "decision", kind="reflection")
    desk.move_to("2026-11-30T09:00:00+07:00")  # five working days after the 20th; the 24th is a day off
    await desk.done(code, "request", text="Xin cho biết số thửa đất.")
    other = (await desk.file(kind_hint="reflection", unit=COMMUNE))["code"]
    await desk.done(other, "decision", kind="reflection")
    desk.move_to("2026-12-07T09:00:01+07:00")
    late = await desk.act(other, "request", text="Xin cho biết số thửa đất.")
    assert (late.status_code, "within 5 working days, until 07/12/2026" in late.json()["detail"]) == (409, True)


async def test_an_inspector_under_the_accused_learns_nothing_and_changes_of_officers_are_kept(desk: Desk) -> None:
    clerk = await desk.officer("i1", "inspector", unit=INSPECTION)
    chair = await desk.officer("i2", "inspector", "auditor", unit=OVERSIGHT)
    filed = await desk.file(text="Tôi tố cáo Chủ tịch phường nhận hối lộ để cấp sổ đỏ.", unit=COMMUNE)
    accused = {"accused_units": [COMMUNE], "accused_persons": ["ttt"]}  # who heads the inspection
    await desk.done(filed["code"], "decision", chair, kind="denunciation", **accused)
    assert (await desk.client.get("/v1/complaints", headers=clerk)).json()["complaints"] == []
    assert (await desk.client.get(f"/v1/complaints/{filed['code']}", headers=clerk)).status_code == 404
    await desk.client.delete("/v1/officers/i1", headers=OPERATOR)
    changes = (await desk.client.get("/v1/complaints/officers/changes", headers=chair)).json()["changes"]
    assert [(one["officer"], one["roles"]) for one in changes] == [
        ("i1", ["inspector"]), ("i2", ["inspector", "auditor"]), ("i1", []),
    ]  # fmt: skip


async def test_not_ours_goes_on_with_a_reason_and_rises_in_the_end(desk: Desk) -> None:
    filed = await desk.file(unit=COMMUNE, kind_hint="reflection")
    code, had = filed["code"], []
    shown = await desk.done(code, "decision", kind="reflection")
    for _ in range(6):
        had.append(shown["handler"])
        handler = await desk.officer("h", "handler", unit=shown["handler"])
        answer = await desk.act(code, "return", handler, text="Không thuộc thẩm quyền.")
        if answer.status_code != 200:
            break
        shown = answer.json()
        if shown["handler"] is None:
            break
    assert len(set(had)) == len(had), "it never comes back to who gave it back"
    assert had[0] == COMMUNE


async def test_a_complaint_and_a_denunciation_have_their_own_periods(desk: Desk) -> None:
    inspector = await desk.officer("i", "inspector", unit=INSPECTION)
    unsigned = (await desk.file(kind_hint="complaint", unit=COMMUNE))["code"]
    nameless = await desk.act(unsigned, "decision", kind="complaint", unit=COMMUNE)
    assert (nameless.status_code, "gave no name" in nameless.json()["detail"]) == (409, True)
    complaint = (await desk.file(kind_hint="complaint", unit=COMMUNE, name="Nguyễn Văn Mẫu"))["code"]
    twice = await desk.done(complaint, "decision", kind="complaint", remote=True, instance=2)
    assert twice["handler"] != COMMUNE
    await desk.done(complaint, "acceptance", text="Thụ lý.")
    shown = (await desk.client.get(f"/v1/complaints/{complaint}", headers=OPERATOR)).json()
    assert [t["value"] for t in shown["terms"] if t["name"] == "settlement"] == [60]
    await desk.done(complaint, "decision", kind="complaint", unit=COMMUNE)
    await desk.done(complaint, "acceptance", text="Thụ lý.")
    shown = await desk.done(complaint, "extension", text="Vụ việc phức tạp.")
    assert {t["name"]: (t["value"], t["measure"]) for t in shown["terms"] if not t["ended_at"]} == {
        "settlement": (45, "days")
    }
    unsigned = (await desk.file(kind_hint="denunciation", unit=COMMUNE))["code"]
    await desk.done(unsigned, "decision", inspector, kind="denunciation", accused_units=[COMMUNE])
    assert (await desk.act(unsigned, "acceptance", inspector, text="Thụ lý.")).status_code == 409
    secret = (await desk.file(kind_hint="denunciation", unit=COMMUNE, name="Nguyễn Văn Mẫu"))["code"]
    decided = await desk.done(secret, "decision", inspector, kind="denunciation", accused_units=[COMMUNE])
    assert decided["handler"] not in (None, COMMUNE)
    await desk.done(secret, "acceptance", inspector, text="Thụ lý.")
    settled = await desk.done(secret, "answer", inspector, text="Kết luận nội dung tố cáo.")
    assert (settled["state"], settled["answer"]) == ("answered", "Kết luận nội dung tố cáo.")


async def test_joined_feedback_has_the_answer_of_the_one_it_is_dealt_with_in(desk: Desk) -> None:
    first = (await desk.file(kind_hint="reflection"))["code"]
    second = await desk.file(kind_hint="reflection")
    await desk.done(second["code"], "joining", to=first)
    assert (await desk.act(second["code"], "answer", text="x")).status_code == 409
    await desk.done(first, "decision", kind="reflection", unit=COMMUNE)
    await desk.done(first, "answer", text="Đã làm xong.")
    assert (await desk.done(second["code"], "follow", {}, secret=second["secret"]))["answer"] is None, "not for all yet"
    await desk.done(first, "publication", text="Công khai.", as_sent=True)
    followed = await desk.done(second["code"], "follow", {}, secret=second["secret"])
    assert (followed["state"], followed["answer"]) == ("joined", "Đã làm xong.")
    assert (await desk.act(first, "joining", to="PA-2222-2222-2222")).status_code == 404
    apart = await desk.done(second["code"], "separation", text="Việc khác.")
    assert (apart["state"], apart["joined_to"]) == ("received", None)


async def test_the_head_who_is_accused_is_passed_over_and_learns_nothing(desk: Desk) -> None:
    head = await desk.officer("h1", "handler", "confidant", "inspector", unit=COMMUNE, person="head-1")
    clerk = await desk.officer("c1", "handler", "inspector", unit=COMMUNE, person="clerk-1")
    other = await desk.officer("h2", "inspector", unit=OVERSIGHT, person="snv")
    seen = (await desk.client.get("/v1/complaints/counts", headers=head)).json()
    filed = await desk.file(text="Tôi tố cáo Chủ tịch phường nhận hối lộ để cấp sổ đỏ.", unit=COMMUNE)
    await desk.file(unit=COMMUNE, kind_hint="reflection")
    listed = (await desk.client.get("/v1/complaints", headers=other)).json()["complaints"]
    assert [one["code"] for one in listed] == [filed["code"]]
    assert listed[0]["suspected"]
    for accused in (head, clerk):
        assert (await desk.client.get("/v1/complaints", headers=accused)).json()["complaints"] == []
        assert (await desk.client.get("/v1/complaints/counts", headers=accused)).json() == seen
        for path in ("", "/attachments"):
            assert (await desk.client.get(f"/v1/complaints/{filed['code']}{path}", headers=accused)).status_code == 404
        assert (await desk.act(filed["code"], "decision", accused, kind="reflection")).status_code == 404
    decided = await desk.done(
        filed["code"], "decision", other, kind="denunciation", accused_units=[COMMUNE], accused_persons=["head-1"]
    )
    assert decided["handler"] not in (COMMUNE, None)
    barred = await desk.act(filed["code"], "transfer", other, unit=COMMUNE, text="x")
    assert (barred.status_code, "about that unit" in barred.json()["detail"]) == (409, True)
    moved = await desk.done(filed["code"], "transfer", other, unit=OTHER, text="Theo thẩm quyền.")
    assert moved["handler"] == OTHER
    operators = (await desk.client.get("/v1/complaints", headers=OPERATOR)).json()["complaints"]
    assert filed["code"] not in [one["code"] for one in operators]


async def test_what_is_filed_is_found_likened_and_counted_by_those_who_may_see_it(desk: Desk) -> None:
    handler = await desk.officer("handler-1", "handler", unit=COMMUNE)
    inspector = await desk.officer("i", "inspector", unit=INSPECTION)
    words = "Đề nghị sửa đường liên thôn vì xe không đi lại được."
    codes = [(await desk.file(text=words, unit=COMMUNE, kind_hint="reflection"))["code"] for _ in range(10)]
    sealed = await desk.file(text=words, unit=COMMUNE, kind_hint="denunciation")
    hidden = await desk.file(text=words, unit=COMMUNE, kind_hint="reflection", hide_identity=True)
    await desk.done(codes[0], "decision", kind="reflection")

    async def found(by: dict[str, str], q: str) -> list[str]:
        answer = await desk.client.get("/v1/complaints/search", params={"q": q}, headers=by)
        return [one["code"] for one in answer.raise_for_status().json()["found"]]

    assert await found(OPERATOR, "duong lien thon") == codes[::-1]
    assert await found(handler, '"xe không đi"') == [codes[0]]
    assert await found(inspector, "đường") == []
    alike = (await desk.client.get(f"/v1/complaints/{codes[0]}/duplicates", headers=OPERATOR)).json()["duplicates"]
    assert {one["code"] for one in alike} <= set(codes[1:])
    assert len(alike) == 5
    await desk.running.sweep_up_to(desk.running.clock.now())
    seen = (await desk.client.get("/v1/complaints/patterns", headers=OPERATOR)).json()["patterns"]
    assert [(one["about"], one["count"], one["restricted"]) for one in seen] == [(COMMUNE, 11, False)]
    whole = (await desk.client.get("/v1/complaints/patterns", headers=inspector)).json()["patterns"]
    assert {(one["about"], one["count"], one["restricted"]) for one in whole} == {
        (COMMUNE, 11, False),
        (COMMUNE, 12, True),
    }
    assert (await desk.client.get("/v1/complaints/patterns", headers=handler)).json()["patterns"] == []
    assert {sealed["code"], hidden["code"]}.isdisjoint(await found(OPERATOR, "đường"))
    await desk.done(sealed["code"], "decision", inspector, kind="reflection", unit=COMMUNE)
    assert sealed["code"] in await found(OPERATOR, "đường"), "decided to be none, it is found"
    await desk.act(sealed["code"], "decision", kind="denunciation", accused_units=[COMMUNE])
    assert sealed["code"] not in await found(OPERATOR, "đường")
