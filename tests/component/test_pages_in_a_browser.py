"""The citizens' pages in a real browser: on a narrow phone, by keyboard, for a screen reader, in the dark."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from services.complaints.publishing.wording import PublishedAnswer
from services.complaints.web import page as words
from services.complaints.web import sending, tokens
from services.complaints.web.desk import Followed
from tests.component.browser import chromium, phone, served
from tests.unit.complaints.pages import FILED_AT, Site, site

pytestmark = pytest.mark.long
CODE, SECRET = "PA-2345-6789-ABCD", "EFGH-JKMN-PQRS"
EVERYTHING = Followed(
    CODE,
    "answered",
    FILED_AT,
    expected_on=date(2026, 12, 11),
    answer="Đã chấn chỉnh.\nCảm ơn Ông/Bà. " + "x" * 200,
    asked="Xin gửi bản chụp giấy tiếp nhận hồ sơ và hẹn trả kết quả.",
    refused="Nội dung thuộc thẩm quyền của Tòa án.",
    may_rate=True,
    may_reopen=True,
    reopen_until=date(2026, 12, 20),
)
NEXT = "0b9f9f0e-7d3a-4c8e-9a51-2f1f6c2b7e10"
ANSWERED = PublishedAnswer(
    "38-x14998",
    "Ủy ban nhân dân phường Hạc Thành",
    "land",
    "Đất đai",
    *(date(2026, 11, 20), date(2026, 12, 1), date(2026, 12, 2)),
    question="Hồ sơ đất của một công dân chậm trả kết quả.",
    answer="Đã trả kết quả.\nCảm ơn Ông/Bà. " + "x" * 200,
)
SCROLLS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
LARGE_LETTERS = "document.documentElement.style.fontSize = '200%'"


@dataclass
class Shown:
    """The pages in memory, where they are served, and the browser."""

    at: Site
    url: str
    browser: Browser


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture
async def shown(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shown]:
    monkeypatch.setattr(sending, "YOUNGEST_S", 0)
    at = site(free=1, bits=16)
    at.desk.seen[CODE, SECRET] = EVERYTHING
    at.desk.answers, at.desk.next = (
        [ANSWERED, replace(ANSWERED, unit="38-x", unit_name="Sở Nội vụ", field="health")],
        NEXT,
    )
    async with served(at.app) as url:
        yield Shown(at, url, browser)


async def follow(page: Page, url: str) -> None:
    await page.goto(f"{url}/theo-doi")
    await page.get_by_label("Mã phản ánh").fill(CODE)
    await page.get_by_label("Mã bí mật").fill(SECRET)
    await page.get_by_role("button", name="Xem kết quả").click()
    await page.get_by_role("heading", name="Nội dung trả lời").wait_for()


async def fill(page: Page, url: str, text: str) -> None:
    await page.goto(f"{url}/gui")
    await page.get_by_label("Nội dung", exact=True).fill(text)
    await page.get_by_label("Cơ quan, đơn vị").fill("Phường Hạc Thành")


async def send(page: Page) -> None:
    await page.get_by_role("button", name="Gửi", exact=True).click()


async def each_page(page: Page, url: str) -> AsyncIterator[str]:
    """Show each page in turn, with errors and with the question too."""
    await page.goto(f"{url}/gui")
    yield "form"
    await page.get_by_label("Nội dung", exact=True).fill("Một.")
    await send(page)
    yield "errors"
    await fill(page, url, "Một.")
    await send(page)
    yield "code"
    await page.goto(f"{url}/gui")
    yield "question"
    await page.goto(f"{url}/theo-doi")
    yield "look-up"
    await follow(page, url)
    yield "followed"
    await page.goto(f"{url}/cong-khai")
    yield "published"
    await page.goto(f"{url}/gui/x")
    await page.goto(f"{url}/static/none.css")
    yield "problem"


async def test_nothing_has_to_be_moved_sideways_on_a_narrow_phone_nor_with_letters_twice_as_large(shown: Shown) -> None:
    async with phone(shown.browser, scripts=False) as context:
        page = await context.new_page()
        async for name in each_page(page, shown.url):
            assert not await page.evaluate(SCROLLS), name
            await page.evaluate(LARGE_LETTERS)
            assert not await page.evaluate(SCROLLS), f"{name}, large letters"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_that_keeps_people_out(shown: Shown, scheme: str) -> None:
    async with phone(shown.browser, scripts=True, color_scheme=scheme) as context:
        page = await context.new_page()
        async for name in each_page(page, shown.url):
            found = (await Axe().run(page)).response["violations"]
            assert not [(one["id"], one["nodes"][0]["html"]) for one in found], name


async def test_the_keyboard_reaches_every_field_in_order_and_none_that_people_do_not_see(shown: Shown) -> None:
    async with phone(shown.browser, scripts=True) as context:
        page = await context.new_page()
        await page.goto(f"{shown.url}/gui")
        reached = []
        for _ in range(16):
            await page.keyboard.press("Tab")
            reached.append(
                await page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()")
            )
    assert reached[:4] == ["Đến nội dung chính", "Gửi phản ánh", "Theo dõi kết quả", "Công khai kết quả"]
    assert reached[4] == "công khai", "in what the form says of it"
    assert reached[5:] == [
        *("text", "kind", "unit", "place", "dossier", "name", "contact", "address", "hide_identity", "attachments"),
        "Gửi",
    ]


async def test_an_error_leads_to_its_field_and_what_was_written_is_there_again(shown: Shown) -> None:
    async with phone(shown.browser, scripts=False) as context:
        page = await context.new_page()
        await page.goto(f"{shown.url}/gui")
        await page.get_by_label("Nội dung", exact=True).fill("Dòng một.\nDòng hai.")
        await page.get_by_label("Giữ bí mật thông tin người gửi").check()
        await send(page)
        assert (await page.title()).startswith("Chưa gửi được")
        await page.get_by_role("alert").get_by_role("link").click()
        assert page.url.endswith("/gui#unit")
        assert await page.get_by_label("Nội dung", exact=True).input_value() == "Dòng một.\nDòng hai."
        assert await page.get_by_label("Giữ bí mật thông tin người gửi").is_checked()
        await page.get_by_label("Cơ quan, đơn vị").fill("Sở Nội vụ")
        await send(page)
        await page.get_by_role("heading", name="Đã nhận phản ánh").wait_for()
    assert shown.at.desk.filings[0].text == "Dòng một.\nDòng hai."


async def test_over_the_free_limit_a_script_works_and_the_question_is_not_seen(shown: Shown) -> None:
    async with phone(shown.browser, scripts=True) as context:
        page = await context.new_page()
        await fill(page, shown.url, "Một.")
        await send(page)
        await fill(page, shown.url, "Hai.")
        assert not await page.locator("#answer").is_visible()
        await send(page)  # sent by the script once the work is done
        await page.get_by_role("heading", name="Đã nhận phản ánh").wait_for()
    assert [filing.text for filing in shown.at.desk.filings] == ["Một.", "Hai."]


async def test_over_the_free_limit_a_question_is_answered_where_no_script_runs(shown: Shown) -> None:
    async with phone(shown.browser, scripts=False) as context:
        page = await context.new_page()
        await fill(page, shown.url, "Một.")
        await send(page)
        await fill(page, shown.url, "Hai.")
        asked = await page.locator("label[for=answer]").text_content() or ""
        a, b = (tokens.NUMBERS.index(word) for word in _numbers(asked))
        await page.locator("#answer").fill(tokens.NUMBERS[a - b if re.search("trừ|bớt", asked) else a + b])
        await send(page)
        await page.get_by_role("heading", name="Đã nhận phản ánh").wait_for()


def _numbers(asked: str) -> list[str]:
    return [word for word in re.findall(r"\w+", asked.lower()) if word in tokens.NUMBERS]


async def test_all_read_what_is_published_on_a_phone_without_scripts_and_choose_by_unit_and_field(shown: Shown) -> None:
    hostile = "</div><script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\">"
    shown.at.desk.answers.append(replace(ANSWERED, question=hostile, answer=hostile, field_name=hostile))
    for scripts in (False, True):
        async with phone(shown.browser, scripts=scripts) as context:
            page = await context.new_page()
            await page.goto(f"{shown.url}/gui")
            await page.get_by_role("navigation").get_by_role("link", name="Công khai kết quả").click()
            assert await page.get_by_role("heading", level=2).all_text_contents() == ["Đất đai", "Đất đai", hostile]
            assert await page.locator(".said").all_text_contents() == [
                *[ANSWERED.question, ANSWERED.answer] * 2,
                *[hostile] * 2,
            ]
            assert "hacked" not in await page.title()
            await page.get_by_label("Cơ quan trả lời").select_option("Sở Nội vụ")
            await page.get_by_label("Lĩnh vực").select_option("Y tế")
            await page.get_by_role("button", name="Xem").click()
            assert page.url.endswith("/cong-khai?unit=38-x&field=health")
            await page.get_by_role("link", name="Xem kết quả cũ hơn").click()
            await page.get_by_role("link", name="Về trang đầu").wait_for()
            assert await context.cookies() == []
    assert [asked[:2] for asked in shown.at.desk.asked] == [(None, None), ("38-x", "health"), ("38-x", "health")] * 2


async def test_hostile_words_run_nothing_and_nothing_is_loaded_from_elsewhere(shown: Shown) -> None:
    hostile = "</div></textarea><script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\">"
    shown.at.desk.seen[CODE, SECRET] = replace(EVERYTHING, answer=hostile, asked=hostile, refused=hostile)
    asked_for: list[str] = []
    async with phone(shown.browser, scripts=True) as context:
        page = await context.new_page()
        page.on("request", lambda request: asked_for.append(request.url))
        await follow(page, shown.url)
        assert await page.locator(".said").first.text_content() == hostile
        await page.locator("#reason").fill(hostile)
        assert "hacked" not in await page.title()
        assert await context.cookies() == []
    assert all(url.startswith(shown.url) for url in asked_for)
    assert not any(SECRET in url or CODE in url for url in asked_for)


async def test_what_a_style_or_script_from_elsewhere_would_do_is_stopped(shown: Shown) -> None:
    told: list[Any] = []
    async with phone(shown.browser, scripts=True) as context:
        page = await context.new_page()
        page.on("console", lambda message: told.append(message.text))
        await page.goto(f"{shown.url}/gui")
        await page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=document.title=1>')")
        await page.evaluate("fetch('/theo-doi').catch(() => 0)")
        assert "Gửi phản ánh" in await page.title()
    assert any("Content Security Policy" in one for one in told)
    assert words.POLICY.startswith("default-src 'none'")
