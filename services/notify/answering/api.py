"""The link of a mail over HTTP: GET shows, POST acts. The link itself is the capability; nothing else is asked for.

A browser gets a page, a machine JSON. Programs that fetch the links of mails change nothing: they do not POST, and no
answer is chosen before somebody chooses one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import ValidationError

from services.notify.answering import asked, away, desk, page, taking, tokens, viewing
from services.notify.answering.asked import Answering
from services.notify.answering.shapes import ANSWER, Answer, FormError, from_form
from services.notify.answering.taking import Result
from services.notify.answering.tokens import Link
from shared import db
from shared.bodies import described, read_body
from shared.clock import machine_now
from shared.openapi import answers
from shared.service import Running

BODY_LIMIT = 256 << 10  # bytes: the ids of all matters a page shows, and a reason whose every letter is escaped
FORM, JSON, HTML = "application/x-www-form-urlencoded", "application/json", "text/html"
PATH = "/v1/acknowledge/{token}"
WHY = {
    "closed": "it is settled, or late no more",
    "not_yours": "it is not in this notice, or another unit has it now",
    "paused": "it is paused, nothing is pressed for meanwhile",
    "standing": "another answer stands",
    "used_up": "no promise is left for it",
    "too_far": "the day is beyond the last that may be promised, see last_day",
    "past": "the day is over",
    "not_later": "a promise can only be followed by a later one",
    "said_before": "it was said once and is not taken again",
}
WHY_NOT_ABSENT = {
    "no_posts": ("the directory gives no posts of this unit", "Danh mục chưa có chức danh của đơn vị."),
    "stand_in": (
        "an absence is told by a link that went to the head's own address, and by no stand-in's",
        "Chỉ người đứng đầu đơn vị mới báo được việc vắng mặt, bằng liên kết trong thư gửi đến địa chỉ của chính mình.",
    ),
    "days": ("from today on, for 92 days at most", "Thời gian vắng mặt phải tính từ hôm nay và không quá 92 ngày."),
    "deputy": ("deputy: one of those listed", "Xin chọn người thay trong danh sách."),
}
UNFIT = {
    "until": "Xin chọn ngày.",
    "since": "Xin chọn ngày bắt đầu vắng mặt.",
    "reason": "Xin ghi lý do, biện pháp, không quá 500 ký tự.",
    "deputy": "Xin chọn người thay.",
    "obligations": "Xin đánh dấu các việc cần trả lời.",
}

router = APIRouter(tags=["notify"])


def routes(given: Answering) -> APIRouter:
    """Return the routes of this room, which answer under `given`."""

    async def give(request: Request) -> None:
        request.state.answering = given

    whole = APIRouter(dependencies=[Depends(give)])
    whole.include_router(router)
    whole.include_router(desk.router)
    return whole


@router.get(PATH, responses=answers(HTML))
async def show(request: Request, token: str) -> Response:
    """Show what the notice of a link covers that is still late, and what was answered. Changes nothing."""
    return await _told(request, lambda: _show(request, token))


@router.head(PATH, include_in_schema=False)
async def look(request: Request, token: str) -> Response:
    """As GET, without the page."""
    return await _told(request, lambda: _show(request, token))


@router.post(
    PATH,
    responses=answers(HTML),
    openapi_extra={"requestBody": {**described(ANSWER)["requestBody"]}},
)
async def answer(request: Request, token: str) -> Response:
    """Take the answer of a head, as JSON or as the page's form. The same one again changes nothing.

    covered: what it counts for. refused: for what it does not, with a word that says why; 409 where that is all.
    """
    return await _told(request, lambda: _take(request, token))


async def _told(request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
    """Answer a browser with a page also where something is wrong; the address must not be kept or passed on."""
    try:
        return await work()
    except HTTPException as error:
        headers = {**page.HEADERS, **(error.headers or {})}
        if not _is_browser(request):
            raise HTTPException(error.status_code, error.detail, headers) from None
        return HTMLResponse(page.problem(error.status_code), error.status_code, headers)
    except Exception as error:
        if not _is_browser(request) or not db.is_transient(error):
            raise
        return HTMLResponse(page.problem(503), 503, {**page.HEADERS, "Retry-After": "5"})


def _is_browser(request: Request) -> bool:
    return HTML in request.headers.get("Accept", "")


def _link(request: Request, token: str) -> Link:
    """Return what a token is for. raises: HTTPException - 429 too many calls, 404 none of ours, 410 too old."""
    answering = asked.of(request)
    try:
        link = tokens.read(token, keys=answering.links.keys, now=machine_now())
    except tokens.TokenError as error:
        answering.slow_down(request, token, is_ours=False)
        if isinstance(error, tokens.TokenExpiredError):
            raise HTTPException(410, "this link is too old; use the one of the newest notice") from None
        raise HTTPException(404, "no such link; copy the whole address from the mail") from None
    answering.slow_down(request, token, is_ours=True)
    return link


def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


async def _show(request: Request, token: str, *, link: Link | None = None) -> Response:
    link = link or _link(request, token)
    try:
        found = await viewing.view(_running(request), link, rules=asked.of(request).rules)
    except taking.NoNoticeError:
        raise HTTPException(404, "the notice of this link is not kept any more") from None
    if _is_browser(request):
        return HTMLResponse(page.render(found), headers=page.HEADERS)
    return JSONResponse(viewing.as_json(found), headers=page.HEADERS)


async def _take(request: Request, token: str) -> Response:
    link = _link(request, token)
    try:
        given = await _read(request)
        result = await taking.take(_running(request), link, given, rules=asked.of(request).rules)
    except taking.NoNoticeError:
        raise HTTPException(404, "the notice of this link is not kept any more") from None
    except FormError as error:
        raise HTTPException(400, str(error)) from None
    except ValidationError as error:
        fields = [str(place["loc"][-1]) for place in error.errors(include_url=False) if place["loc"]]
        if _is_browser(request):
            said = dict.fromkeys(UNFIT.get(field, "Xin chọn một nội dung trả lời.") for field in fields or [""])
            return await _page(request, link, list(said), status=400)
        raise RequestValidationError(error.errors(include_input=False, include_context=False)) from None
    except away.AbsenceError as error:
        detail, said_to_head = WHY_NOT_ABSENT[str(error)]
        if _is_browser(request):
            return await _page(request, link, [said_to_head], status=409)
        raise HTTPException(409, detail) from None
    return await _shown(request, token, link, result)


async def _read(request: Request) -> Answer:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in (FORM, JSON):
        raise HTTPException(415, f"send {JSON}, or {FORM} as the page does")
    body = await read_body(request, limit=BODY_LIMIT)
    return from_form(body) if kind == FORM else ANSWER.validate_json(body)


async def _shown(request: Request, token: str, link: Link, result: Result) -> Response:
    nothing = bool(result.refused) and not result.covered
    if _is_browser(request):
        if not result.refused:
            return Response(status_code=303, headers={**page.HEADERS, "Location": token})  # beside this very address
        found = await viewing.view(_running(request), link, rules=asked.of(request).rules)
        return await _page(request, link, page.refused(result.refused, found), status=409 if nothing else 200)
    if nothing:
        whys = sorted({WHY[why] for why in result.refused.values()})
        raise HTTPException(409, f"nothing of it is taken: {'; '.join(whys)}")
    told: dict[str, Any] = {"covered": result.covered, "repeated": result.repeated, "refused": result.refused}
    return JSONResponse(told, headers=page.HEADERS)


async def _page(request: Request, link: Link, problems: list[str], *, status: int) -> Response:
    found = await viewing.view(_running(request), link, rules=asked.of(request).rules)
    return HTMLResponse(page.render(found, problems=problems), status, headers=page.HEADERS)
