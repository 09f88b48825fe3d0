"""The routes of the citizens' pages. Code and secret come in the body of a POST, never in an address."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from services.complaints.web import following, page, published, sending
from services.complaints.web.asked import PageRoute, Pages, html, pages_of
from services.complaints.web.forms import Draft
from services.complaints.web.gate import address_of, too_many
from services.complaints.web.keeping import KEEPS, body_bytes
from services.complaints.web.multipart import Form, FormError
from shared.bodies import arriving, read_body
from shared.clock import monotonic_s

FORM = "application/x-www-form-urlencoded"
FORM_BYTES, FORM_FIELDS = 512 << 10, 20  # the longest text, each letter in percents

router = APIRouter(include_in_schema=False, route_class=PageRoute)


def routes(pages: Callable[[Request], Pages]) -> APIRouter:
    """Return the routes of the pages. pages: says what stands behind them."""

    async def give(request: Request) -> None:
        request.state.pages = pages(request)

    whole = APIRouter(dependencies=[Depends(give)])
    whole.include_router(router)
    return whole


@router.get("/")
@router.get("/theo-doi/{act}")
async def begin(act: str = "") -> Response:
    """Lead to where a page begins: addresses that only take forms have none of their own."""
    return RedirectResponse("/theo-doi" if act else "/gui", 303, headers=page.HEADERS)


@router.get("/gui")
async def show_form(request: Request) -> Response:
    return await sending.show(pages_of(request), Draft(), address=address_of(request))


@router.post("/gui")
async def take_form(request: Request) -> Response:
    return await sending.send(pages_of(request), _multipart(request), address=address_of(request))


@router.get("/theo-doi")
async def show_look_up() -> Response:
    return html(page.follow_form(Draft()), headers=page.PRIVATE)


@router.post("/theo-doi")
async def look_up(request: Request) -> Response:
    _slow_down(request)
    return await following.look(pages_of(request), await _fields(request))


@router.post("/theo-doi/bo-sung")
async def supplement(request: Request) -> Response:
    _slow_down(request)
    return await following.supplement(pages_of(request), _multipart(request))


@router.post("/theo-doi/danh-gia")
async def rate(request: Request) -> Response:
    _slow_down(request)
    return await following.rate(pages_of(request), await _fields(request))


@router.post("/theo-doi/giai-quyet-lai")
async def reopen(request: Request) -> Response:
    _slow_down(request)
    return await following.reopen(pages_of(request), await _fields(request))


@router.get("/cong-khai")
async def show_published(request: Request) -> Response:
    """Show what all may read. What is wrong with the address leads to the first page."""
    return await published.show(pages_of(request), request.query_params, address=address_of(request))


@router.get("/static/{name}")
async def static(name: str) -> Response:
    if name not in page.STATIC:
        raise HTTPException(404)
    headers = {**page.HEADERS, "Cache-Control": "max-age=3600"}
    return Response(page.asset(name), media_type=page.STATIC[name], headers=headers)


def _slow_down(request: Request) -> None:
    if wait_s := pages_of(request).gate.guard.look_wait_s(address_of(request), at_s=monotonic_s()):
        raise too_many(wait_s)


def _multipart(request: Request) -> Form:
    body = arriving(request, limit=body_bytes(pages_of(request).vault.limits), keeps=KEEPS)
    return Form(request.headers.get("Content-Type", ""), body)


async def _fields(request: Request) -> dict[str, str]:
    """Return the fields of a form without files. raises: HTTPException - 413, 415; FormError."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415)
    body = await read_body(request, limit=FORM_BYTES)
    try:
        sent = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=FORM_FIELDS, errors="strict")
    except ValueError:
        raise FormError("this is no form of the pages") from None
    return {name: values[-1] for name, values in sent.items()}
