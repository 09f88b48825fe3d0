"""What all may read of answered feedback, on real servers: whose it is nobody learns, what is taken back is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from services.complaints.publishing import store
from tests.component.feedback import CENTRE, COMMUNE, FILED_AT, INSPECTION, OPERATOR, OTHER, Desk, opened_desk
from tests.component.sealed import all_bytes

WHO = {"name": "Lê Thị Kínhtên", "contact": "kinhten@example.vn", "address": "thôn Kínhtên"}
WRITTEN = {"text": "Hồ sơ đất của tôi chậm trả kết quả, Kínhtên.", "place": "chợ Kínhtên", "unit": COMMUNE, **WHO}
QUESTION, ANSWER = "Hồ sơ đất của một công dân bị chậm.", "Hồ sơ đã được trả kết quả."
HOSTILE = "</div><script>document.title='hacked'</script>"


@pytest_asyncio.fixture
async def desk(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    limits: dict[str, Any] = {"complaints_filings_per_minute": 0, "complaints_lookups_per_minute": 0}
    async with opened_desk(nats_url, postgres_url, tmp_path, **limits) as started:
        yield started


async def answered(desk: Desk, *, field: str | None = "land", unit: str = COMMUNE, **filing: Any) -> dict[str, Any]:
    filed = await desk.file(**{**WRITTEN, "kind_hint": "reflection", **filing})
    await desk.done(filed["code"], "decision", kind="reflection", field=field, unit=unit)
    await desk.done(filed["code"], "answer", text="Kính gửi bà Kínhtên: đã trả kết quả.")
    return filed


async def published(desk: Desk, **more: Any) -> dict[str, Any]:
    filed = await answered(desk, **more)
    await desk.done(filed["code"], "publication", text="Công khai.", question=QUESTION, answer=ANSWER)
    return filed


async def listed(desk: Desk, **asked: str | int) -> dict[str, Any]:
    answer = await desk.client.get("/v1/published", params=asked)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    told: dict[str, Any] = answer.json()
    return told


async def shown(desk: Desk) -> str:
    """Return the page and the list as they are read."""
    page = await desk.client.get("/cong-khai")
    assert page.status_code == 200
    return page.text + (await desk.client.get("/v1/published")).text


async def test_all_read_the_officers_words_and_nothing_of_who_sent_it(desk: Desk) -> None:
    filed = await answered(desk)
    assert (await listed(desk))["published"] == []
    desk.move_to("2026-12-02T16:00:00+07:00")
    after = await desk.done(filed["code"], "publication", text="Kínhtên: công khai.", question=QUESTION, answer=ANSWER)
    assert (after["published_question"], after["published_answer"]) == (QUESTION, ANSWER)
    assert await listed(desk) == {
        "published": [
            {
                "unit": COMMUNE, "unit_name": "UBND phường Hạc Thành", "field": "land", "field_name": "Đất đai",
                "filed_on": "2026-11-20", "answered_on": "2026-11-20", "published_on": "2026-12-02",
                "question": QUESTION, "answer": ANSWER,
            }
        ],
        "next": None,
    }  # fmt: skip
    said = await shown(desk)
    assert QUESTION in said
    for kept in ("Kínhtên", "kinhten", filed["code"], filed["secret"], "operator"):
        assert kept not in said


async def test_without_words_of_an_officer_a_line_stands_for_the_question_and_the_answer_is_as_it_was_sent(
    desk: Desk,
) -> None:
    filed = await answered(desk, field=None)
    await desk.done(filed["code"], "publication", text="Công khai.", as_sent=True)
    [one] = (await listed(desk))["published"]
    assert one["question"] == "Phản ánh, kiến nghị, gửi ngày 20/11/2026, do UBND phường Hạc Thành trả lời."
    assert one["answer"] == "Kính gửi bà Kínhtên: đã trả kết quả."
    assert "chậm trả" not in await shown(desk)


async def test_an_answer_is_published_as_it_was_sent_only_where_an_officer_says_so(desk: Desk) -> None:
    filed = await answered(desk)
    bodies: tuple[dict[str, Any], ...] = ({}, {"answer": ANSWER, "as_sent": True})
    for body in bodies:
        refused = await desk.act(filed["code"], "publication", text="Công khai.", **body)
        assert (refused.status_code, "as_sent" in refused.text) == (422, True)
    assert (await listed(desk))["published"] == []


async def test_what_is_withdrawn_is_read_no_more_and_may_be_published_again_in_other_words(desk: Desk) -> None:
    filed = await answered(desk)
    assert (await desk.act(filed["code"], "withdrawal", text="Chưa công khai.")).status_code == 409
    await desk.done(filed["code"], "publication", text="Công khai.", question="Bà Kínhtên hỏi.", as_sent=True)
    told = await desk.done(filed["code"], "withdrawal", text="Có nêu tên.")
    assert (told["state"], (await listed(desk))["published"]) == ("answered", [])
    assert "Kínhtên hỏi" not in await shown(desk)
    assert "Kínhtên hỏi" not in await all_bytes(desk.running.engine)
    assert [term for term in told["terms"] if term["ended_at"] is None] == []
    await desk.done(filed["code"], "publication", text="Bỏ tên.", question=QUESTION, answer=ANSWER)
    assert [one["question"] for one in (await listed(desk))["published"]] == [QUESTION]


async def test_words_are_put_right_while_they_are_read_and_the_history_keeps_all(desk: Desk) -> None:
    filed = await answered(desk)
    await desk.done(filed["code"], "publication", text="Công khai.", question="Bà Kínhtên hỏi.", as_sent=True)
    await desk.done(filed["code"], "publication", text="Bỏ tên.", question=QUESTION, answer=ANSWER)
    again = await desk.done(filed["code"], "publication", text="Bỏ tên.", question=QUESTION, answer=ANSWER)
    assert "Kínhtên" not in await shown(desk)
    whole = (await desk.client.get(f"/v1/complaints/{filed['code']}", headers=OPERATOR)).json()
    notes = [step["note"] for step in whole["history"] if step["act"] == "publish"]
    assert notes == ["Công khai.\n\nBà Kínhtên hỏi.", f"Bỏ tên.\n\n{QUESTION}\n\n{ANSWER}"]
    assert again["revision"] == whole["revision"], "the same words again change nothing"
    joined = await desk.file(**WRITTEN, kind_hint="reflection")
    await desk.done(joined["code"], "joining", to=filed["code"])
    followed = await desk.done(joined["code"], "follow", {}, secret=joined["secret"])
    assert followed["answer"] == ANSWER, "who sent another one reads the words for all"
    assert len((await listed(desk))["published"]) == 1


async def test_what_is_reopened_is_gone_at_once_and_its_words_with_it(desk: Desk) -> None:
    filed = await published(desk)
    inspector = await desk.officer("i", "inspector", unit=INSPECTION)
    assert QUESTION in await shown(desk)
    await desk.done(filed["code"], "reopening", {}, secret=filed["secret"], text="Chưa nhận được.")
    assert QUESTION not in await shown(desk)
    kept = await all_bytes(desk.running.engine)
    assert (QUESTION in kept, ANSWER in kept) == (False, False)
    await desk.done(filed["code"], "decision", kind="denunciation", accused_units=[OTHER])
    await desk.done(filed["code"], "acceptance", inspector, text="Thụ lý.")
    await desk.done(filed["code"], "answer", inspector, text="Kết luận.")
    refused = await desk.act(filed["code"], "publication", inspector, text="x", question=QUESTION, as_sent=True)
    assert (refused.status_code, (await listed(desk))["published"]) == (409, [])


async def test_what_is_sealed_suspected_settled_or_not_published_is_never_there(desk: Desk) -> None:
    inspector = await desk.officer("i", "inspector", unit=INSPECTION)
    await desk.file(text="Tôi tố cáo Chủ tịch phường nhận hối lộ.", unit=COMMUNE)
    hidden = await answered(desk, hide_identity=True)
    complaint = await desk.file(**WRITTEN, kind_hint="complaint")
    denunciation = await desk.file(**WRITTEN, kind_hint="denunciation")
    for one, kind, by in ((complaint, "complaint", OPERATOR), (denunciation, "denunciation", inspector)):
        await desk.done(one["code"], "decision", by, kind=kind, unit=OTHER)
        await desk.done(one["code"], "acceptance", by, text="Thụ lý.")
        await desk.done(one["code"], "answer", by, text="Kết luận.")
    only_answered = await answered(desk)
    for one, by in ((hidden, OPERATOR), (complaint, OPERATOR), (denunciation, inspector)):
        refused = await desk.act(one["code"], "publication", by, text="x", question=QUESTION, answer=ANSWER)
        assert refused.status_code == 409
    assert (await listed(desk))["published"] == []
    joined = await desk.file(**WRITTEN, kind_hint="reflection")
    await desk.done(joined["code"], "joining", to=only_answered["code"])
    await desk.done(only_answered["code"], "publication", text="x", question=QUESTION, as_sent=True)
    assert len((await listed(desk))["published"]) == 1, "what is joined is not there a second time"


@pytest.mark.parametrize(
    "made",
    [
        "hides_identity = true", "suspected = true", "restricted = true", "kind = 'denunciation'", "kind = 'complaint'",
        "state = 'answered'", "published_answer = NULL",
    ],
)  # fmt: skip
async def test_the_list_itself_leaves_out_what_is_kept_whatever_the_acts_let_through(desk: Desk, made: str) -> None:
    filed = await published(desk)
    await published(desk, unit=OTHER)
    assert len((await listed(desk))["published"]) == 2
    async with desk.running.engine.begin() as connection:
        await connection.execute(
            text(f"UPDATE complaints.complaint SET {made} WHERE code = :code"), {"code": filed["code"]}
        )
    assert [one["unit"] for one in (await listed(desk))["published"]] == [OTHER]
    assert "UBND phường Hạc Thành" not in await shown(desk), "nor is its unit offered to choose"


async def test_pages_and_filters(desk: Desk) -> None:
    for number in range(3):
        await published(desk, unit=COMMUNE, field="land")
        await published(desk, unit=OTHER, field="health" if number else None)
    pages: list[dict[str, Any]] = [await listed(desk, limit=4)]
    pages.append(await listed(desk, limit=4, before=pages[0]["next"]))
    assert [one["unit"] for page in pages for one in page["published"]] == [OTHER, COMMUNE] * 3
    assert [len(page["published"]) for page in pages] == [4, 2]
    assert pages[1]["next"] is None
    by_unit, by_field = await listed(desk, unit=OTHER), await listed(desk, field="health")
    assert [len(one["published"]) for one in (by_unit, by_field)] == [3, 2]
    assert (await listed(desk, unit=COMMUNE, field="health"))["published"] == []
    assert (await listed(desk, unit="Z", field="none"))["published"] == []
    for odd in ("x", "PA-2345-6789-ABCD", CENTRE, "0b9f9f0e-7d3a-4c8e-9a51-2f1f6c2b7e10"):
        assert (await desk.client.get("/v1/published", params={"before": odd})).status_code == 422
        assert (await desk.client.get("/cong-khai", params={"before": odd})).status_code == 303
    for odd in ("", "\0", "x" * 81):
        assert (await desk.client.get("/v1/published", params={"unit": odd})).status_code == 422
        assert (await desk.client.get("/cong-khai", params={"unit": odd})).status_code == 200
    chosen = (await desk.client.get("/cong-khai", params={"unit": OTHER})).text
    assert chosen.count("<article") == 3
    assert '<option value="38-x15001" selected>UBND phường Quảng Phú</option>' in chosen
    assert f'value="{CENTRE}"' not in chosen, "of it there is nothing to read"


async def test_hostile_words_are_shown_as_they_are(desk: Desk) -> None:
    filed = await answered(desk)
    await desk.done(filed["code"], "publication", text="x", question=HOSTILE, answer=f"Trả lời.\n{HOSTILE}")
    page = (await desk.client.get("/cong-khai")).text
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 2


async def test_what_the_portal_published_has_its_answer_and_no_word_of_the_sender(desk: Desk) -> None:
    record = {
        "ref": "P-1", "text": WRITTEN["text"], "unit": "UBND phường Hạc Thành", "filed_at": FILED_AT.isoformat(),
        "updated_at": FILED_AT.isoformat(), "state": "Tiếp nhận ở địa phương",
    }  # fmt: skip
    told = (await desk.client.post("/v1/complaints/portal", json=[record], headers=OPERATOR)).json()
    await desk.done(told["records"][0]["code"], "decision", kind="reflection", field="land")
    later = {**record, "state": "PAKN đã công khai", "answer": ANSWER, "updated_at": "2026-11-20T09:30:00+07:00"}
    desk.move_to(later["updated_at"])
    said = (await desk.client.post("/v1/complaints/portal", json=[later], headers=OPERATOR)).json()
    assert said["records"][0]["did"] == "changed", said
    [one] = (await listed(desk))["published"]
    assert (one["answer"], "thuộc lĩnh vực Đất đai" in one["question"]) == (ANSWER, True)
    assert "Kínhtên" not in await shown(desk)


MANY = """
    INSERT INTO complaints.complaint (
        code, secret_hash, text, filed_at, answered_at, published_at, state, answer_working_days, kind, handler, field,
        published_answer
    ) SELECT 'PA-' || n, '', 'x', now(), now(), now() - n * interval '1 minute',
        CASE WHEN n % 3 = 0 THEN 'published' ELSE 'accepted' END, 15, 'reflection', 'TH-' || n % 300, 'f' || n % 40,
        repeat('y', 900) FROM generate_series(1, 9000) AS n
"""


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ("true", "complaint_published"),
        ("c.handler = 'TH-9'", "complaint_published_unit"),
        ("c.field = 'f3'", "complaint_published_field"),
    ],
)
async def test_a_page_is_read_from_an_index_however_much_there_is(desk: Desk, where: str, index: str) -> None:
    async with desk.running.engine.begin() as connection:
        await connection.execute(text(MANY))
        await connection.execute(text("ANALYZE complaints.complaint"))
        rows = await connection.execute(
            text(
                f"EXPLAIN ANALYZE SELECT c.published_answer FROM complaints.complaint c WHERE {store.FOR_ALL} "
                f"AND {where} AND (c.published_at, c.id) < (now(), 1) ORDER BY {store.ORDER} LIMIT 21"
            )
        )
        plan = "\n".join(rows.scalars())
    assert f"Index Scan using {index} " in plan, plan
    assert "Sort" not in plan, plan
