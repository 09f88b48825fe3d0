"""What a link must withstand: forged, cut, old and foreign tokens, texts that are markup, bodies that are no answer."""
# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

from datetime import timedelta

import pytest

from services.notify.answering import tokens
from services.notify.answering.tokens import Link
from shared.clock import machine_now
from shared.events import DeadlinePassed
from tests.component import harness
from tests.component.answering import FORM, HTML, KEY, desk, read
from tests.component.office import (
    DOSSIER,
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    OVERSIGHT,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
)
from tests.component.test_answering import told_on_monday

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


def made(notice: str, post: str = "H56.12", *, key: str = KEY, purpose: str = "answer", days: int = 1) -> str:
    link = Link(notice, post, machine_now() + timedelta(days=days))
    return tokens.PATH + tokens.sign(link, key=key.encode(), purpose=purpose)


async def test_only_a_link_of_ours_that_is_whole_and_in_time_opens_anything(office: Open) -> None:
    async with desk(office) as at_work:
        path = await told_on_monday(at_work)
        [notice] = [row.id for row in await at_work.rows("SELECT id FROM notify.notice")]
        assert (await at_work.http.get(made(notice))).status_code == 200
        body, mac = path.removeprefix(tokens.PATH).split(".")
        strange = {
            "cut": path[:-1],
            "longer": path + "A",
            "no signature": f"{tokens.PATH}{body}.",
            "another body": f"{tokens.PATH}{body[:-4]}AAAA.{mac}",
            "another key": made(notice, key="another key, of more than thirty-two characters"),
            "another purpose": made(notice, purpose="receipt"),
            "another post": made(notice, "TH-SNV"),
            "another notice": made("0" * 24),
            "not ASCII": f"{tokens.PATH}đơn.{mac}",
            "endless": tokens.PATH + "a" * 5000 + "." + mac,
        }
        for what, wrong in strange.items():
            for answer in (
                await at_work.http.get(wrong),
                await at_work.promise(wrong),
                await at_work.http.get(wrong, headers=HTML),
            ):
                assert answer.status_code == 404, what
                assert answer.headers["Cache-Control"] == "no-store"
                assert DOSSIER not in answer.text
        for answer in (await at_work.http.get(made(notice, days=-1)), await at_work.promise(made(notice, days=-1))):
            assert answer.status_code == 410
        assert await at_work.answers() == []


async def test_a_link_signed_under_the_key_before_is_still_good(office: Open) -> None:
    keys = f"a newer key of more than thirty-two characters, {KEY}"
    async with desk(office, link_keys=keys) as at_work:
        await told_on_monday(at_work)
        [notice] = [row.id for row in await at_work.rows("SELECT id FROM notify.notice")]
        assert (await at_work.http.get(made(notice))).status_code == 200


async def test_what_is_markup_stays_text_and_the_page_loads_nothing(office: Open) -> None:
    evil = LAND.model_copy(update={"name": EVIL})
    async with desk(office, units=(OVERSIGHT, evil)) as at_work:
        await at_work.office.hear(DeadlinePassed, subject_id=EVIL, obligation_id=f"dossier/{EVIL}", field=EVIL)
        await at_work.office.move_to(FRIDAY_1601)
        await at_work.office.move_to(MONDAY_0730)
        path = at_work.link()
        sent = await at_work.http.post(path, data={**FORM, "promise_reason": EVIL}, headers=HTML)
        assert sent.status_code == 303
        shown = await at_work.http.get(path, headers=HTML)
        page = read(shown)
        assert page.said.count("<script>alert(1)</script>") >= 4  # unit, code, field, reason
        assert {tag for tag, _ in page.tags} & {"script", "img"} == set()
        policy = shown.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert shown.headers["Referrer-Policy"] == "no-referrer"
        assert shown.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert shown.headers["Cache-Control"] == "no-store"


async def test_a_reason_stays_with_us_and_is_in_no_event(office: Open) -> None:
    async with desk(office) as at_work:
        await at_work.http.post(await told_on_monday(at_work), data=FORM, headers=HTML)
        [answer] = await at_work.answers()
        assert answer["reason"] == "Đang chờ thẩm định"
        await at_work.office.settle()
        events = await harness.said(at_work.office.client, "NOTIFY")
        assert "escalation_acknowledged" in str(events)
        assert "thẩm định" not in str(events)
        assert (await at_work.http.get("/v1/answers")).status_code == 401
        assert (await at_work.http.get("/v1/cases")).status_code == 401
        assert (await at_work.http.post("/v1/cases/1/close", json={"outcome": "stays"})).status_code == 401


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({}, "Xin chọn một nội dung trả lời."),
        ({"answer": "nothing"}, "Xin chọn một nội dung trả lời."),
        ({"answer": "promise", "promise_until": "2026-11-27"}, "Xin ghi lý do, biện pháp"),
        ({**FORM, "promise_until": ""}, "Xin chọn ngày."),
        ({**FORM, "promise_until": "27/11/2026"}, "Xin chọn ngày."),
        ({**FORM, "promise_reason": "đ" * 501}, "Xin ghi lý do, biện pháp, không quá 500 ký tự."),
        ({**FORM, "promise_reason": "a\0b"}, "Xin ghi lý do, biện pháp"),
        ({**FORM, "promise_until": "9999-12-31"}, "ngày hẹn quá xa"),
    ],
)
async def test_a_form_that_does_not_fit_is_told_why_and_takes_nothing(
    office: Open, form: dict[str, str], told: str
) -> None:
    async with desk(office) as at_work:
        path = await told_on_monday(at_work)
        sent = await at_work.http.post(path, data=form, headers={**HTML, **FORM_TYPE})
        assert (sent.status_code in (400, 409), told in read(sent).said) == (True, True), sent.text
        assert await at_work.answers() == []


async def test_bodies_that_are_no_answer_are_refused_in_words(office: Open) -> None:
    async with desk(office) as at_work:
        path = await told_on_monday(at_work)
        json = {"Content-Type": "application/json"}
        refused = {
            413: [(b"x" * 300_000, json), (b"o=" + b"x" * 300_000, FORM_TYPE)],
            415: [(b"{}", {}), (b"{}", {"Content-Type": "multipart/form-data; boundary=x"})],
            400: [("đ=1".encode(), FORM_TYPE), (b"a=1&" * 6000 + b"a=1", FORM_TYPE), (b"no pair", FORM_TYPE)],
            422: [(b"{", json), (b"[]", json), (b"{}", json), (b'{"answer": "promise", "until": 5}', json)],
        }
        for status, bodies in refused.items():
            for body, headers in bodies:
                sent = await at_work.http.post(path, content=body, headers=headers)
                assert (sent.status_code, sent.headers["content-type"]) == (status, "application/problem+json")
                page = await at_work.http.post(path, content=body, headers={**headers, **HTML})
                assert (page.status_code, "text/html" in page.headers["content-type"]) == (
                    400 if status == 422 else status,
                    True,
                )
        assert await at_work.answers() == []


async def test_too_many_calls_with_one_link_have_to_wait(office: Open) -> None:
    async with desk(office, answers_per_minute=5) as at_work:
        path = await told_on_monday(at_work)
        statuses = [(await at_work.http.get(path, headers=HTML)).status_code for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        last = await at_work.promise(path)
        assert (last.status_code, int(last.headers["Retry-After"]) > 0) == (429, True)


async def test_who_tries_made_up_links_has_to_wait_and_holds_up_nobody_with_a_link(office: Open) -> None:
    async with desk(office, answers_per_minute=5) as at_work:
        path = await told_on_monday(at_work)
        statuses = [(await at_work.http.get(f"{path[:-4]}{n:04}")).status_code for n in range(6)]
        assert statuses == [404] * 5 + [429]
        assert (await at_work.promise(path)).status_code == 200
