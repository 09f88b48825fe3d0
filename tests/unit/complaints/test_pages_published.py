"""The page of what all may read: words escaped, filters and pages in its address, nothing to keep."""

from datetime import date
from uuid import UUID

import pytest

from services.complaints.publishing.wording import PublishedAnswer, unworded
from services.complaints.web import page
from tests.unit.complaints.pages import Site, site

NEXT = "0b9f9f0e-7d3a-4c8e-9a51-2f1f6c2b7e10"
HOSTILE = "</div><script>alert(1)</script>"
DAY = date(2026, 11, 20)
ONE = PublishedAnswer(
    "38-x", f"Phường {HOSTILE}", "land", f"Đất {HOSTILE}", DAY, date(2026, 12, 1), date(2026, 12, 2),
    f"Hỏi {HOSTILE}", f"Đáp\n{HOSTILE}",
)  # fmt: skip


def showing(*found: PublishedAnswer, next: str | None = None, looks: int = 0) -> Site:
    at = site(looks=looks)
    at.desk.answers, at.desk.next = list(found), next
    return at


async def test_question_answer_unit_field_and_days_are_shown_and_nothing_in_them_is_markup() -> None:
    shown = await showing(ONE).browser.get("/cong-khai")
    assert shown.status_code == 200
    for said in ("Hỏi &lt;/div&gt;", "Đáp\n&lt;", "Phường &lt;", "Đất &lt;", "20/11/2026", "01/12/2026", "02/12/2026"):
        assert said in shown.text
    assert "<script" not in shown.text
    assert {name: shown.headers[name] for name in page.PRIVATE} == page.PRIVATE


@pytest.mark.parametrize("path", ["/gui", "/theo-doi", "/cong-khai"])
async def test_every_page_leads_to_it(path: str) -> None:
    assert '<a href="/cong-khai"' in (await site().browser.get(path)).text


async def test_pages_and_filters_go_by_the_address_and_an_odd_one_leads_to_the_first() -> None:
    at = showing(ONE, next=NEXT)
    first = await at.browser.get("/cong-khai", params={"unit": "38-x", "field": "land"})
    assert f'href="/cong-khai?unit=38-x&amp;field=land&amp;before={NEXT}"' in first.text
    assert "Về trang đầu" not in first.text
    second = await at.browser.get("/cong-khai", params={"before": NEXT})
    assert "Về trang đầu" in second.text
    assert at.desk.asked == [("38-x", "land", None), (None, None, UUID(NEXT))]
    gone = await at.browser.get("/cong-khai", params={"field": "land", "before": NEXT.replace("0", "1")})
    odd = await at.browser.get("/cong-khai", params={"unit": HOSTILE, "field": "x\0", "before": HOSTILE})
    assert [(one.status_code, one.headers["Location"]) for one in (gone, odd)] == [
        (303, "/cong-khai?field=land"),
        (303, "/cong-khai"),
    ]


async def test_where_there_is_nothing_it_says_so() -> None:
    assert "Chưa có kết quả nào được công khai." in (await showing().browser.get("/cong-khai")).text
    none = await showing().browser.get("/cong-khai", params={"field": "health"})
    assert "phù hợp với lựa chọn này" in none.text


async def test_readings_are_limited_apart_from_look_ups() -> None:
    at = showing(ONE, looks=1)
    assert (await at.browser.get("/cong-khai")).status_code == 200
    wait = await at.browser.get("/cong-khai")
    assert (wait.status_code, "Truy cập quá nhiều lần" in wait.text) == (429, True)
    assert int(wait.headers["Retry-After"]) > 0
    assert (await at.browser.post("/theo-doi", data={"code": "PA-2345-6789-ABCD", "secret": "x"})).status_code == 404


def test_in_place_of_a_question_that_nobody_worded_stands_a_line_of_field_unit_and_day() -> None:
    assert unworded(unit_name="Sở Nội vụ", field_name="Đất đai", filed_on=DAY) == (
        "Phản ánh, kiến nghị thuộc lĩnh vực Đất đai, gửi ngày 20/11/2026, do Sở Nội vụ trả lời."
    )
    assert unworded(unit_name=None, field_name=None, filed_on=DAY) == "Phản ánh, kiến nghị, gửi ngày 20/11/2026."
