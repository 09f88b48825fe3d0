"""What becomes of the form that files a feedback, once it is sent.

Its fields come first and are judged before any file is stored. A form that is not taken is shown again as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from fastapi.responses import Response

from services.complaints.filing import Filing, new_code
from services.complaints.web import forms, page
from services.complaints.web.asked import Pages, html
from services.complaints.web.claims import Claim
from services.complaints.web.desk import Filed
from services.complaints.web.forms import WHOLE, Draft
from services.complaints.web.gate import too_many
from services.complaints.web.keeping import NotKeptError, keep
from services.complaints.web.multipart import Form
from services.complaints.web.page import Asked
from services.complaints.web.tokens import YOUNGEST_S, Token, TokenError
from shared.clock import machine_now, monotonic_s

ANOTHER_S = 30.0  # so long a form that is sent twice at once waits for the first
OPEN_TOO_LONG = "Trang đã mở quá lâu. Xin xem lại nội dung rồi bấm “Gửi” lần nữa."
TOO_FAST = "Biểu mẫu được gửi quá nhanh. Xin xem lại nội dung rồi bấm “Gửi” lần nữa."
TRAPPED = "Một ô phải để trống đã được điền; nội dung ô đó nay đã được xóa. Xin bấm “Gửi” lần nữa."
SENT_BEFORE = "Biểu mẫu này đã được gửi. Nếu đây là phản ánh khác, xin xem lại nội dung rồi bấm “Gửi” lần nữa."
FILE_LATE = (
    "Phản ánh này đã được ghi nhận ở lần gửi trước; tệp thêm vào lần gửi này không được nhận. "
    "Xin dùng hai mã đã nhận được để theo dõi; khi cần, cơ quan giải quyết sẽ đề nghị bổ sung."
)
REPEAT = (
    "Nội dung này vừa được gửi cách đây ít phút và đã được ghi nhận, không cần gửi lại. "
    "Xin dùng hai mã đã nhận được để theo dõi."
)
ANSWER_IT = "Xin trả lời câu hỏi này để gửi."
WRONG = "Câu trả lời chưa đúng. Xin trả lời câu hỏi mới này."


class NotTakenError(Exception):
    """The form is to be shown again. problems: why. token: to send it with; None: a new one."""

    def __init__(self, problems: Mapping[str, str], *, token: Token | None = None, status: int = 422) -> None:
        super().__init__()
        self.problems, self.token, self.status = dict(problems), token, status


async def send(pages: Pages, form: Form, *, address: str) -> Response:
    """Take a form. raises: HTTPException - 429: this address has to wait. FormError - it cannot be read."""
    if wait_s := pages.gate.guard.wait_s(address, at_s=monotonic_s()):
        await form.pass_over()
        raise too_many(wait_s)
    fields = await form.fields()
    try:
        filing, filed = await _file(pages, form, fields, address=address)
    except NotTakenError as error:
        await form.pass_over()
        draft = Draft(fields, error.problems)
        return await show(pages, draft, address=address, token=error.token, status=error.status)
    unsigned = filing.kind_hint == "denunciation" and not (filing.name and filing.address)
    return html(page.filed(filed, unsigned_denunciation=unsigned), headers=page.PRIVATE)


async def show(pages: Pages, draft: Draft, *, address: str, token: Token | None = None, status: int = 200) -> Response:
    """Show the form. token: the mark it had and keeps."""
    text = token.text if token else pages.gate.new_token()
    asked = None
    if pages.gate.guard.free_wait_s(address, at_s=monotonic_s(), count=False) or "answer" in draft.problems:
        mark = token or pages.gate.guard.read(text, now_s=machine_now().timestamp())
        asked = Asked(pages.gate.guard.question(mark).words, text, pages.gate.guard.limits.bits)
    shown = page.file_form(
        draft, token=text, units=await pages.units(), asked=asked, takes=pages.takes, sent=bool(draft.problems)
    )
    return html(shown, status, page.WITH_SCRIPT if asked else page.HEADERS)


async def _file(pages: Pages, form: Form, fields: Mapping[str, str], *, address: str) -> tuple[Filing, Filed]:
    """raises: NotTakenError."""
    token = _mark(pages, fields)
    filing, problems = forms.read_filing(fields)
    digest, at_s = pages.gate.guard.digest(*forms.content(fields)), monotonic_s()
    if claim := pages.gate.claims.find(token.id, at_s=at_s):
        filed = await _of_first(claim, form, digest)
        if filed and claim.files < form.files_read:
            raise NotTakenError({WHOLE: FILE_LATE}, status=409)
        if filing is None or filed is None:
            raise NotTakenError({WHOLE: SENT_BEFORE}, status=409)
        return filing, filed
    if filing is None:
        raise NotTakenError(problems, token=token)
    _check(pages, fields, token, address=address)
    words = forms.content(fields)
    if pages.gate.guard.is_repeat(address, words, at_s=at_s):
        raise NotTakenError({WHOLE: REPEAT}, token=token, status=409)
    pages.gate.claims.take(token.id, digest, at_s=at_s)
    try:
        filed = await _store(pages, form, filing, token)
    except BaseException:
        pages.gate.claims.release(token.id)
        pages.gate.guard.forget(address, words)
        raise
    pages.gate.claims.settle(token.id, filed, files=form.files_read)
    return filing, filed


def _mark(pages: Pages, fields: Mapping[str, str]) -> Token:
    """Return the mark of the form, which is younger than its life. raises: NotTakenError."""
    try:
        return pages.gate.guard.read(fields.get("form", ""), now_s=machine_now().timestamp())
    except TokenError:
        raise NotTakenError({WHOLE: OPEN_TOO_LONG}) from None


async def _of_first(claim: Claim, form: Form, digest: bytes) -> Filed | None:
    """Return what came of the same form when it was sent first, None where it was another or nothing is told."""
    if claim.digest != digest:
        return None
    async for _ in form.files():
        pass  # counted
    try:
        async with asyncio.timeout(ANOTHER_S):
            await claim.ended.wait()
    except TimeoutError:
        return None
    return claim.filed


def _check(pages: Pages, fields: Mapping[str, str], token: Token, *, address: str) -> None:
    """Keep programs out, or let them work. raises: NotTakenError."""
    at_s, guard = monotonic_s(), pages.gate.guard
    if fields.get(forms.TRAP):
        guard.note_wrong(address, at_s=at_s)
        raise NotTakenError({WHOLE: TRAPPED})
    if token.age_s < YOUNGEST_S:
        raise NotTakenError({WHOLE: TOO_FAST}, token=token)
    if not guard.free_wait_s(address, at_s=at_s, count=True):
        return
    nonce, answer = fields.get("nonce", ""), fields.get("answer", "").strip()
    if guard.is_proof(token, nonce=nonce, answer=answer):
        return
    if not (nonce or answer):
        raise NotTakenError({"answer": ANSWER_IT}, token=token)
    guard.note_wrong(address, at_s=at_s)
    raise NotTakenError({"answer": WRONG})


async def _store(pages: Pages, form: Form, filing: Filing, token: Token) -> Filed:
    code = new_code()
    try:
        kept = await keep(pages.vault, form, code=code)
    except NotKeptError as error:
        raise NotTakenError({"attachments": str(error)}, token=token) from None
    return await pages.desk.file(filing, source="web", code=code, attachments=kept)
