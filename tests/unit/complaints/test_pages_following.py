"""The pages by which a sender follows a feedback: only code and secret together open it."""

from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest

from services.complaints.web import following, page
from services.complaints.web.desk import Followed
from tests.unit.complaints.pages import FILED_AT, Site, multipart, problems, site

CODE, SECRET = "PA-2345-6789-ABCD", "EFGH-JKMN-PQRS"
KEYS = {"code": CODE, "secret": SECRET}
HOSTILE = "</div><script>alert(1)</script>"


def showing(**more: Any) -> Site:
    at = site()
    at.desk.seen[CODE, SECRET] = replace(Followed(CODE, "received", FILED_AT, expected_on=date(2026, 12, 11)), **more)
    return at


async def look(at: Site, **more: str) -> httpx.Response:
    return await at.browser.post("/theo-doi", data={**KEYS, **more})


async def test_state_and_days_are_told_in_words() -> None:
    shown = await look(showing(), code="pa 2345 6789 abcd")
    assert "Đã nhận, đang xem xét" in shown.text
    assert "09 giờ 05 phút, ngày 20/11/2026" in shown.text
    assert "11/12/2026" in shown.text
    assert "/bo-sung" not in shown.text
    assert "/danh-gia" not in shown.text
    assert "/giai-quyet-lai" not in shown.text
    assert "noindex" in shown.headers["X-Robots-Tag"]


@pytest.mark.parametrize("state", page.STATES)
async def test_every_state_has_words(state: Any) -> None:
    assert page.STATES[state][0] in (await look(showing(state=state))).text


@pytest.mark.parametrize("wrong", [{"code": "PA-2345-6789-ABCE"}, {"secret": "EFGH-JKMN-PQRT"}, {"code": "x" * 10_000}])
async def test_a_wrong_code_and_a_wrong_secret_sound_alike_and_the_secret_is_not_shown_again(
    wrong: dict[str, str],
) -> None:
    shown = await look(showing(), **wrong)
    assert (shown.status_code, problems(shown)) == (404, [following.NOT_FOUND])
    assert (wrong.get("secret") or SECRET) not in shown.text


async def test_code_and_secret_are_taken_from_no_address() -> None:
    at = showing()
    assert "Gửi lúc" not in (await at.browser.get("/theo-doi", params=KEYS)).text
    assert (await at.browser.post("/theo-doi", params=KEYS, data={"x": "y"})).status_code == 422


async def test_what_is_asked_is_shown_and_can_be_added_with_files() -> None:
    at = showing(state="supplement_asked", asked="Xin gửi bản chụp giấy hẹn.")
    shown = await look(at)
    assert "Xin gửi bản chụp giấy hẹn." in shown.text
    done = await at.browser.post("/theo-doi/bo-sung", **multipart({**KEYS, "text": "Đây."}, [("a.jpg", b"a")]))
    assert following.SUPPLEMENTED in done.text
    assert (at.desk.words, [kept.name for kept in at.desk.attachments]) == (["Đây."], ["a.jpg"])
    again = await at.browser.post("/theo-doi/bo-sung", **multipart({**KEYS, "text": "Đây."}, [("a.jpg", b"a")]))
    assert (again.status_code, problems(again)) == (409, [following.CHANGED])
    assert at.desk.words == ["Đây."]


async def test_a_supplement_without_words_or_with_a_file_refused_keeps_nothing() -> None:
    at = showing(state="supplement_asked", asked="Xin gửi.")
    empty = await at.browser.post("/theo-doi/bo-sung", **multipart({**KEYS, "text": ""}, [("a.jpg", b"a")]))
    refused = await at.browser.post("/theo-doi/bo-sung", **multipart({**KEYS, "text": "Đây."}, [("a.exe", b"a")]))
    assert [len(problems(one)) for one in (empty, refused)] == [1, 1]
    assert "Đây." in refused.text
    assert not at.vault.kept
    assert not at.desk.words


async def test_an_answer_is_shown_rated_and_asked_to_be_reopened_with_a_reason() -> None:
    at = showing(
        state="answered", answer="Đã chấn chỉnh.", may_rate=True, may_reopen=True, reopen_until=date(2026, 12, 1)
    )
    shown = await look(at)
    assert "Đã chấn chỉnh." in shown.text
    assert "đến hết ngày 01/12/2026" in shown.text
    none = await at.browser.post("/theo-doi/danh-gia", data=KEYS)
    assert problems(none) == ["Mức độ hài lòng: Xin chọn một mức độ."]
    rated = await at.browser.post("/theo-doi/danh-gia", data={**KEYS, "rating": "2"})
    assert following.RATED in rated.text
    assert "Không hài lòng (2/5)" in rated.text
    without = await at.browser.post("/theo-doi/giai-quyet-lai", data={**KEYS, "reason": " "})
    assert problems(without) == ["Lý do: Xin nhập lý do."]
    reopened = await at.browser.post("/theo-doi/giai-quyet-lai", data={**KEYS, "reason": "Chưa trả."})
    assert following.REOPENED in reopened.text
    assert at.desk.words == ["Chưa trả."]


@pytest.mark.parametrize(
    ("act", "more"), [("danh-gia", {"rating": "5"}), ("giai-quyet-lai", {"reason": "x"}), ("bo-sung", {"text": "x"})]
)
async def test_what_the_state_does_not_allow_is_not_done(act: str, more: dict[str, str]) -> None:
    at = showing()
    form = multipart({**KEYS, **more}) if act == "bo-sung" else {"data": {**KEYS, **more}}
    shown = await at.browser.post(f"/theo-doi/{act}", **form)
    assert (shown.status_code, problems(shown)) == (409, [following.CHANGED])
    at.desk.seen[CODE, SECRET] = replace(
        at.desk.seen[CODE, SECRET], may_rate=True, may_reopen=True, asked="Xin gửi.", state="supplement_asked"
    )
    at.desk.fails = RuntimeError()  # another was faster
    late = await at.browser.post(f"/theo-doi/{act}", **form)
    assert problems(late) == [following.CHANGED]


@pytest.mark.parametrize("act", ["danh-gia", "giai-quyet-lai", "bo-sung"])
async def test_nothing_is_done_without_the_secret(act: str) -> None:
    at = showing(may_rate=True, may_reopen=True, asked="Xin gửi.")
    keys = {"code": CODE, "secret": "EFGH-JKMN-PQRT", "rating": "1", "reason": "x", "text": "x"}
    form: dict[str, Any] = multipart(keys, [("a.jpg", b"a")]) if act == "bo-sung" else {"data": keys}
    shown = await at.browser.post(f"/theo-doi/{act}", **form)
    assert (shown.status_code, problems(shown)) == (404, [following.NOT_FOUND])
    assert not at.vault.kept
    assert not at.desk.words


async def test_hostile_words_of_officers_and_senders_stay_words() -> None:
    at = showing(state="answered", answer=HOSTILE, asked=HOSTILE, refused=HOSTILE, may_reopen=True)
    shown = await look(at)
    again = await at.browser.post("/theo-doi/giai-quyet-lai", data={**KEYS, "reason": HOSTILE + "\x07"})
    wrong = await look(at, code=HOSTILE, secret=HOSTILE)
    for text, count in ((shown.text, 3), (again.text, 4), (wrong.text, 1)):
        assert "<script" not in text
        assert text.count("&lt;script&gt;alert(1)") == count


async def test_look_ups_of_one_address_are_limited() -> None:
    at = site(looks=2)
    assert [(await look(at)).status_code for _ in range(3)] == [404, 404, 429]
