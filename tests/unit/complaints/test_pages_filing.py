"""The form that files a feedback: what it takes, what it shows again, and that nothing in it can break out."""

import asyncio

import pytest

from services.complaints.web import sending
from services.complaints.web.desk import Filed
from tests.unit.complaints.pages import GOOD, TEXT, codes, multipart, problems, site

JPEG = ("ảnh hiện trường.jpg", b"\xff\xd8\xff" + b"x" * 100_000)
HOSTILE = "</textarea>\"'><script>alert(1)</script>{{ 7*7 }}&lt;"


async def test_the_way_in_leads_to_the_form() -> None:
    at = site()
    led = await at.browser.get("/")
    assert (led.status_code, led.headers["Location"]) == (303, "/gui")
    assert (await at.browser.get("/theo-doi/danh-gia")).headers["Location"] == "/theo-doi"


async def test_every_page_keeps_scripts_frames_caches_and_referrers_out_and_sets_no_cookie() -> None:
    at = site()
    for page in (
        await at.browser.get("/gui"),
        await at.browser.get("/theo-doi"),
        await at.send(),
        await at.send(text=""),
    ):
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'; style-src 'self'" in policy
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in page.headers
        assert '<html lang="vi">' in page.text
        assert "<script" not in page.text


async def test_a_feedback_with_attachments_is_filed_and_its_code_and_secret_are_shown() -> None:
    at = site()
    page = await at.send(files=[JPEG, ("b.jpg", b"b")], name="Người gửi", hide_identity="yes", kind="complaint")
    shown = codes(page)
    assert (shown["code"], shown["secret"]) in at.desk.seen
    [filing] = at.desk.filings
    assert (filing.text, filing.unit, filing.kind_hint) == (TEXT, "Phường Hạc Thành", "complaint")
    assert (filing.name, filing.hide_identity, filing.anonymous) == ("Người gửi", True, False)
    assert [(kept.name, kept.size) for kept in at.desk.attachments] == [(JPEG[0], len(JPEG[1])), ("b.jpg", 1)]
    assert {kept.sealed.decode() for kept in at.desk.attachments} == {shown["code"]}


async def test_who_writes_no_name_is_anonymous_and_told_what_that_means_for_a_denunciation() -> None:
    at = site()
    told = "tố cáo ẩn danh không được thụ lý"
    assert told in (await at.browser.get("/gui")).text.replace("Tố", "tố")
    assert told in (await at.send(kind="denunciation")).text
    assert at.desk.filings[0].anonymous
    signed = await at.send(
        kind="denunciation", text="Khác.", name="Người gửi", address="Thôn 1", contact="0900 000 111"
    )
    assert told not in signed.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": " "}, "Nội dung: Xin nhập nội dung."),
        ({"text": "x" * 20_001}, "Nội dung: Nội dung quá dài"),
        ({"text": "a\x07b"}, "ký tự không hợp lệ"),
        ({"unit": ""}, "ít nhất một trong ba"),
        ({"unit": "x" * 201}, "Nội dung quá dài, tối đa 200 ký tự"),
        ({"kind": "other"}, "Xin chọn một loại"),
    ],
)
async def test_what_is_wrong_is_said_above_and_beside_the_field_and_the_rest_is_kept(
    change: dict[str, str], said: str
) -> None:
    at = site()
    page = await at.send(files=[JPEG], **change)
    assert page.status_code == 422
    assert said in problems(page)[0]
    [name] = change
    assert f'id="{name}-problem"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert not at.desk.filings
    assert not at.vault.kept


async def test_input_is_shown_again_after_an_error_and_files_are_asked_for_again() -> None:
    page = await site().send(
        files=[JPEG], text="", place="Chợ Vườn Hoa", hide_identity="yes", kind="complaint", unit=""
    )
    assert 'value="Chợ Vườn Hoa"' in page.text
    assert "checked" in page.text
    assert '<option value="complaint" selected>' in page.text
    assert "xin chọn lại" in page.text
    assert "xin chọn lại" not in (await site().browser.get("/gui")).text


async def test_hostile_texts_stay_texts_in_every_field() -> None:
    at = site()
    at.desk.names = [HOSTILE]
    fields = dict.fromkeys(
        ("text", "unit", "place", "dossier", "name", "contact", "address", "kind", "website"), HOSTILE
    )
    for mark in (at.mark(), HOSTILE):
        page = await at.browser.post("/gui", **multipart({"form": mark, **fields}))
        assert page.status_code == 422
        assert "<script" not in page.text
        assert page.text.count("alert(1)") == 8  # in six lines, the text, and the list of units
        assert "{{ 7*7 }}" in page.text


async def test_a_file_that_is_refused_takes_the_others_with_it_and_the_form_may_be_sent_again() -> None:
    at = site()
    mark = at.mark()
    page = await at.send(files=[JPEG, ("virus.exe", b"MZ"), JPEG], mark=mark)
    assert problems(page)[0].startswith("Tệp đính kèm: virus.exe: Loại tệp này không được tiếp nhận.")
    assert not at.vault.kept
    codes(await at.send(files=[JPEG], mark=mark))
    assert len(at.vault.kept) == 1


async def test_a_sixth_file_is_refused() -> None:
    at = site()
    page = await at.send(files=[(f"{n}.jpg", bytes([n])) for n in range(6)])
    assert "tối đa 5 tệp" in problems(page)[0]
    assert not at.vault.kept


async def test_what_cannot_be_stored_is_no_page_with_a_code_and_may_be_sent_again() -> None:
    at = site()
    at.desk.fails = ConnectionError("database")
    mark = at.mark()
    page = await at.send(files=[JPEG], mark=mark)
    assert page.status_code == 503
    assert "Chưa có gì được ghi nhận" in page.text
    at.desk.fails = None
    codes(await at.send(files=[JPEG], mark=mark))


async def test_a_form_whose_answer_was_lost_shows_the_same_code_when_sent_again() -> None:
    at = site()
    mark = at.mark()
    first, second = codes(await at.send(mark=mark)), codes(await at.send(mark=mark))
    assert first == second
    assert len(at.desk.filings) == 1
    other = await at.send(mark=mark, text="Việc khác.")
    assert (other.status_code, problems(other)) == (409, [sending.SENT_BEFORE])
    assert mark not in other.text


async def test_a_file_added_to_a_form_that_was_sent_is_not_said_to_be_taken() -> None:
    at = site()
    mark = at.mark()
    codes(await at.send(files=[JPEG], mark=mark))
    codes(await at.send(files=[JPEG], mark=mark))
    late = await at.send(files=[JPEG, ("thêm.jpg", JPEG[1])], mark=mark)
    assert (late.status_code, problems(late)) == (409, [sending.FILE_LATE])
    assert len(at.vault.kept) == 1


async def test_a_form_sent_twice_at_once_is_filed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at = site()
    may_store = asyncio.Event()
    file = at.desk.file

    async def slowly(*args: object, **more: object) -> Filed:
        await may_store.wait()
        return await file(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(at.desk, "file", slowly)
    mark = at.mark()
    both = [asyncio.create_task(at.send(mark=mark)) for _ in range(2)]
    await asyncio.sleep(0.05)
    may_store.set()
    first, second = [codes(await one) for one in both]
    assert first == second
    assert len(at.desk.filings) == 1


async def test_bodies_that_are_no_form_of_ours_are_answered_with_a_page() -> None:
    at = site()
    whole = at.browser.build_request("POST", "/gui", **multipart({"form": at.mark(), **GOOD}, [JPEG]))
    cut = whole.read()[:-20]
    kind = {"Content-Type": whole.headers["Content-Type"]}
    for content, headers in (
        (b"text=x", {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"", kind),
        (cut, kind),
        (b"--x\r\n\r\n", {"Content-Type": "multipart/form-data; boundary=x"}),
        (b"{}", {"Content-Type": "application/json"}),
    ):
        page = await at.browser.post("/gui", content=content, headers=headers)
        assert page.status_code == 400, content
        assert "<main" in page.text
    assert not at.vault.kept
    assert not at.desk.filings
