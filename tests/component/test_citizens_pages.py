"""The citizens' pages on a running complaints: what a form sends is at the officers' desk, with its attachments."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.complaints.web import sending, tokens
from tests.component.browser import chromium, phone, served
from tests.component.feedback import CENTRE, COMMUNE, Desk, app_of, opened_desk
from tests.unit.complaints.pages import codes, multipart, problems

JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 50_000
HOSTILE = "</textarea></div><script>document.title='hacked'</script>"
WRITTEN = {
    "text": "Hồ sơ đất của tôi chậm trả kết quả." + HOSTILE,
    "unit": "UBND phường Hạc Thành",
    "kind": "reflection",
}


@pytest_asyncio.fixture
async def desk(
    nats_url: str, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    monkeypatch.setattr(sending, "YOUNGEST_S", 0)
    async with opened_desk(
        nats_url, postgres_url, tmp_path, complaints_filings_per_minute=2, complaints_work_bits=8
    ) as started:
        yield started


async def send(desk: Desk, **more: str) -> dict[str, str]:
    """Send the form of the page with an attachment; return code and secret."""
    page = (await desk.client.get("/gui")).text
    assert "UBND phường Quảng Phú" in page  # units are offered by name
    [mark] = re.findall(r'name="form" value="([^"]+)"', page)
    form = multipart({"form": mark, **WRITTEN, **more}, [("ảnh.jpg", JPEG)])
    return codes(await desk.client.post("/gui", **form))


async def decided(desk: Desk, code: str) -> dict[str, str]:
    """Let the feedback be routed to its commune; return the key of an officer there."""
    sorter = await desk.officer("sorter", "sorter", unit=CENTRE)
    await desk.done(code, "decision", sorter, kind="reflection", unit=COMMUNE)
    return await desk.officer("handler", "handler", unit=COMMUNE)


async def test_what_is_sent_by_the_form_lives_as_any_other_feedback(desk: Desk) -> None:
    shown = await send(desk, name="Người gửi", contact="0900 000 111")
    officer = await decided(desk, shown["code"])
    known = (await desk.client.get(f"/v1/complaints/{shown['code']}", headers=officer)).json()
    assert (known["text"], known["source"]) == (WRITTEN["text"], "web")
    await desk.done(shown["code"], "request", officer, text="Xin gửi giấy hẹn. " + HOSTILE)
    asked = await desk.client.post("/theo-doi", data=shown)
    assert "Xin gửi giấy hẹn." in asked.text
    form = multipart({**shown, "text": "Gửi kèm."}, [("giấy hẹn.jpg", JPEG)])
    assert "Đã nhận nội dung bổ sung" in (await desk.client.post("/theo-doi/bo-sung", **form)).text
    assert (await desk.client.post("/theo-doi/bo-sung", **form)).status_code == 409
    kept = (await desk.client.get(f"/v1/complaints/{shown['code']}/attachments", headers=officer)).json()
    names = {(one["name"], one["size"]) for one in kept["attachments"]}
    assert names == {("ảnh.jpg", len(JPEG)), ("giấy hẹn.jpg", len(JPEG))}
    await desk.done(shown["code"], "answer", officer, text="Đã trả kết quả. " + HOSTILE)
    answered = await desk.client.post("/theo-doi", data=shown)
    assert "Đã trả kết quả." in answered.text
    assert "<script" not in asked.text + answered.text
    assert "Hài lòng (4/5)" in (await desk.client.post("/theo-doi/danh-gia", data={**shown, "rating": "4"})).text
    again = await desk.client.post("/theo-doi/giai-quyet-lai", data={**shown, "reason": "Chưa nhận được."})
    assert "Đã nhận đề nghị giải quyết lại." in again.text
    late = await desk.client.post("/theo-doi/giai-quyet-lai", data={**shown, "reason": "Chưa nhận được."})
    assert late.status_code == 409


async def test_files_that_are_none_of_those_taken_leave_nothing_behind(desk: Desk, tmp_path: Path) -> None:
    page = (await desk.client.get("/gui")).text
    [mark] = re.findall(r'name="form" value="([^"]+)"', page)
    files = [("ảnh.jpg", JPEG), ("virus.jpg", b"MZ" + b"\0" * 5000)]
    refused = await desk.client.post("/gui", **multipart({"form": mark, **WRITTEN}, files))
    assert problems(refused)[0].startswith("Tệp đính kèm: virus.jpg: Nội dung tệp không phù hợp")
    assert not [file for file in (tmp_path / "attachments").rglob("*") if file.is_file()]


async def test_the_page_and_programs_have_one_limit_and_programs_may_work(desk: Desk) -> None:
    await send(desk)
    await desk.file()
    refused = await desk.client.post("/v1/complaints", json={"text": "Một việc."})
    assert refused.status_code == 429
    token = refused.headers["Dondoc-Challenge"].rpartition("token=")[2]
    nonce = next(str(n) for n in range(100_000) if tokens.proves(token, str(n), bits=8))
    worked = {"Dondoc-Work": f"token={token}; nonce={nonce}"}
    assert (await desk.client.post("/v1/complaints", json={"text": "Một việc."}, headers=worked)).status_code == 201
    assert (await desk.client.post("/v1/complaints", json={"text": "Một việc."}, headers=worked)).status_code == 429


@pytest.mark.long
async def test_a_phone_without_scripts_is_enough_from_the_form_to_the_reopening(desk: Desk, tmp_path: Path) -> None:
    photo = tmp_path / "giấy hẹn.jpg"
    photo.write_bytes(JPEG)
    app = app_of(desk.running.settings)  # type: ignore[arg-type]
    app.state.running = desk.running
    async with served(app) as url, chromium() as browser, phone(browser, scripts=False) as context:
        page = await context.new_page()
        await page.goto(url)
        await page.get_by_label("Nội dung", exact=True).fill("Hồ sơ đất của tôi chậm trả kết quả.")
        await page.get_by_label("Loại nội dung").select_option("Phản ánh")
        await page.get_by_label("Cơ quan, đơn vị").fill("UBND phường Hạc Thành")
        await page.get_by_label("Tệp đính kèm").set_input_files([photo, photo])
        await page.get_by_role("button", name="Gửi", exact=True).click()
        code, secret = [await page.locator(name).text_content() or "" for name in ("#code", "#secret")]
        officer = await decided(desk, code)
        await desk.done(code, "request", officer, text="Xin gửi bản chụp giấy hẹn.")

        async def follow() -> None:
            await page.get_by_role("link", name="Theo dõi kết quả").first.click()
            await page.get_by_label("Mã phản ánh").fill(code.lower())
            await page.get_by_label("Mã bí mật").fill(secret.replace("-", " "))
            await page.get_by_role("button", name="Xem kết quả").click()

        await follow()
        assert await page.get_by_text("Xin gửi bản chụp giấy hẹn.").is_visible()
        await page.get_by_label("Nội dung bổ sung").fill("Gửi kèm.")
        await page.get_by_label("Tệp đính kèm").set_input_files([photo])
        await page.get_by_role("button", name="Gửi bổ sung").click()
        assert await page.get_by_role("status").text_content() == "Đã nhận nội dung bổ sung. Cảm ơn Ông/Bà."
        await desk.done(code, "answer", officer, text="Đã trả kết quả.")
        await follow()
        assert await page.get_by_text("Đã trả kết quả.").is_visible()
        await page.get_by_label("2 – Không hài lòng").check()
        await page.get_by_role("button", name="Gửi đánh giá").click()
        assert await page.get_by_text("Không hài lòng (2/5)").is_visible()
        await page.get_by_label("Lý do").fill("Kết quả còn sai họ tên.")
        await page.get_by_role("button", name="Đề nghị giải quyết lại").click()
        assert await page.get_by_text("Đã nhận đề nghị giải quyết lại.").is_visible()
    kept = (await desk.client.get(f"/v1/complaints/{code}/attachments", headers=officer)).json()
    assert len(kept["attachments"]) == 3
