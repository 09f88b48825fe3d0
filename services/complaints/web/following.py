"""What its sender sees of a feedback and can do with it, by code and secret."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from fastapi.responses import Response

from services.complaints.filing import read_code
from services.complaints.secrecy.refusing import RefusedFile
from services.complaints.web import forms, keeping, page
from services.complaints.web.asked import Pages, html
from services.complaints.web.desk import Followed, NotNowError
from services.complaints.web.forms import LINE_LETTERS, WHOLE, Draft, Problems
from services.complaints.web.multipart import Form

NOT_FOUND = "Không tìm thấy phản ánh với hai mã này. Xin kiểm tra lại từng chữ, từng số."
CHANGED = "Tình trạng của phản ánh đã thay đổi, có thể do nội dung này vừa được gửi. Xin xem tình trạng mới dưới đây."
SUPPLEMENTED = "Đã nhận nội dung bổ sung. Cảm ơn Ông/Bà."
RATED = "Đã ghi nhận đánh giá. Cảm ơn Ông/Bà."
REOPENED = "Đã nhận đề nghị giải quyết lại."


async def look(pages: Pages, fields: Mapping[str, str]) -> Response:
    """Show how a feedback stands."""
    problems: Problems = {}
    for name in ("code", "secret"):
        if not fields.get(name, "").strip():
            problems[name] = f"Xin nhập {forms.LABELS[name].lower()}."
    found = None if problems else await _find(pages, fields)
    if found is None:
        return _ask_again(fields, problems)
    return _show(pages, found, fields)


async def supplement(pages: Pages, form: Form) -> Response:
    """Take what was asked for. raises: FormError."""
    fields = await form.fields()
    found, problems = await _find(pages, fields), Problems()
    text = forms.read_text(fields, "text", problems)
    if found is None or found.asked is None or problems:
        await form.pass_over()
        return _not_done(pages, found, fields, problems)
    try:
        kept = await keeping.keep(pages.vault, form, code=found.code)
    except keeping.NotKeptError as error:
        await form.pass_over()
        return _show(pages, found, fields, problems={"attachments": str(error)})
    try:
        await pages.desk.supplement(found.code, fields["secret"], text, kept)
    except NotNowError:
        return _not_done(pages, await _find(pages, fields), fields, {})
    except RefusedFile as error:
        return _show(pages, found, fields, problems={"attachments": error.vi})
    return await _done(pages, fields, SUPPLEMENTED)


async def rate(pages: Pages, fields: Mapping[str, str]) -> Response:
    found, problems = await _find(pages, fields), Problems()
    rating = forms.read_rating(fields, problems)
    if found is None or not found.may_rate or problems:
        return _not_done(pages, found, fields, problems)
    return await _try(pages, fields, pages.desk.rate(found.code, fields["secret"], rating), RATED)


async def reopen(pages: Pages, fields: Mapping[str, str]) -> Response:
    found, problems = await _find(pages, fields), Problems()
    reason = forms.read_text(fields, "reason", problems)
    if found is None or not found.may_reopen or problems:
        return _not_done(pages, found, fields, problems)
    return await _try(pages, fields, pages.desk.reopen(found.code, fields["secret"], reason), REOPENED)


async def _find(pages: Pages, fields: Mapping[str, str]) -> Followed | None:
    code, secret = fields.get("code", ""), fields.get("secret", "").strip()
    known = read_code(code) if len(code) <= LINE_LETTERS else None
    return await pages.desk.follow(known, secret) if known and 0 < len(secret) <= LINE_LETTERS else None


async def _try(pages: Pages, fields: Mapping[str, str], act: Awaitable[None], done: str) -> Response:
    try:
        await act
    except NotNowError:
        return _not_done(pages, await _find(pages, fields), fields, {})
    return await _done(pages, fields, done)


async def _done(pages: Pages, fields: Mapping[str, str], done: str) -> Response:
    found = await _find(pages, fields)
    if found is None:
        return _ask_again(fields, {})
    return _show(pages, found, {"secret": fields["secret"]}, done=done)


def _not_done(pages: Pages, found: Followed | None, fields: Mapping[str, str], problems: Problems) -> Response:
    if found is None:
        return _ask_again(fields, {})
    if problems:
        return _show(pages, found, fields, problems=problems)
    return _show(pages, found, fields, problems={WHOLE: CHANGED}, status=409)


def _ask_again(fields: Mapping[str, str], problems: Problems) -> Response:
    """Show the form for code and secret. Which of the two is wrong, nobody is told."""
    status = 422 if problems else 404
    draft = Draft({"code": fields.get("code", "")}, problems or {WHOLE: NOT_FOUND})
    return html(page.follow_form(draft), status, page.PRIVATE)


def _show(
    pages: Pages,
    found: Followed,
    fields: Mapping[str, str],
    *,
    problems: Problems | None = None,
    done: str = "",
    status: int = 422,
) -> Response:
    draft = Draft(fields, problems or {})
    shown = page.followed(found, secret=fields.get("secret", ""), draft=draft, done=done, takes=pages.takes)
    return html(shown, status if draft.problems else 200, page.PRIVATE)
