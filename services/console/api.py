"""HTTP of the console: the page, its live part, the units as JSON, and the way in."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, cast
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.console import page, store
from services.console.entry import is_good, is_key, token
from services.console.overview import Counts, Overview, by_kind, by_unit, named
from services.console.settings import Settings
from shared.clock import machine_now, monotonic_s
from shared.secrets import KEY_HEADER
from shared.service import Running

COOKIE = "dondoc_console"
LOGIN_BODY_LIMIT = 4096  # bytes: a key and no more
SHARED_FOR_S = 1.0  # one count serves all who look within it, and longer where counting is slow:
AT_MOST = 0.1  # counting takes no more than this share of the time
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

router = APIRouter(include_in_schema=False)


@dataclass
class Latest:
    """The overview read last. One reader at a time; who waits for it gets the same."""

    read: Overview | None = None
    good_until_s: float = 0
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


async def read_overview(running: Running) -> Overview:
    """Put the overview together at the present business time."""
    now = running.clock.now()
    async with running.engine.connect() as connection:
        units = await store.list_units(connection)
        groups = await store.count_obligations(connection, now)
        total, lines = by_unit(groups, units, now=now)
        return Overview(
            now=now,
            total=total,
            units=lines,
            others=by_kind(groups, now=now),
            notices=named(await store.list_notices(connection), units),
            notice_counts=await store.count_notices(connection),
            escalations=await store.count_escalations(connection),
            feedback=await store.count_feedback(connection),
            fresh=await store.list_fresh(connection),
        )


async def _overview(request: Request) -> Overview:
    state = request.app.state
    if not hasattr(state, "latest"):
        state.latest = Latest()
    latest = cast(Latest, state.latest)
    async with latest.reading:
        began = monotonic_s()
        if latest.read is None or began >= latest.good_until_s:
            latest.read = await read_overview(state.running)
            took_s = monotonic_s() - began
            latest.good_until_s = began + max(SHARED_FOR_S, took_s / AT_MOST)
        return latest.read


def _settings(request: Request) -> Settings:
    return cast(Settings, cast(Running, request.app.state.running).settings)


def _key(request: Request) -> str:
    return cast(str, request.app.state.api_key)


def _is_in(request: Request) -> bool:
    return is_good(request.cookies.get(COOKIE, ""), key=_key(request), at=machine_now())


def _enter(request: Request) -> Response:
    """Send the browser to the page with a token; the key is gone from the address."""
    lasts = timedelta(hours=_settings(request).console_session_hours)
    answer = RedirectResponse("/", 303, headers=HEADERS)
    answer.set_cookie(
        COOKIE,
        token(key=_key(request), until=machine_now() + lasts),
        max_age=int(lasts.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def _html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, headers=HEADERS)


async def _shown(request: Request) -> dict[str, Any]:
    settings = _settings(request)
    driven = settings.clock == "driven"
    async with cast(Running, request.app.state.running).engine.connect() as connection:
        chosen, paused = await store.get_sending(connection)
    mode = chosen or settings.notify_send
    if paused:
        return {"sending": "paused", "driven": driven}
    simulated = driven and mode == "live"  # on a simulated clock mails go to a mailbox of the demo
    return {"sending": "simulated" if simulated else mode, "driven": driven}


@router.get("/")
async def whole(request: Request, key: str | None = None) -> Response:
    """Show the page, or the form that asks for the key. `?key=` is shown once and exchanged for a cookie."""
    if key is not None:
        return _enter(request) if is_key(key, key=_key(request)) else _html(page.login(refused=True), 401)
    if not _is_in(request):
        return RedirectResponse("/login", 303, headers=HEADERS)
    return _html(page.whole(await _overview(request), **await _shown(request)))


@router.get("/live")
async def live(request: Request) -> Response:
    """Return the part that htmx renews; without a token it sends the browser to the form."""
    if not _is_in(request):
        return Response(status_code=401, headers={**HEADERS, "HX-Redirect": "/login"})
    return _html(page.live(await _overview(request), **await _shown(request)))


@router.get("/login")
async def ask_for_key(request: Request) -> Response:
    return _html(page.login(refused=False))


@router.post("/login")
async def take_key(request: Request) -> Response:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LOGIN_BODY_LIMIT:
            raise HTTPException(413, "this is no key")
    given = parse_qs(body.decode("utf-8", "replace")).get("key", [""])[0].strip()
    return _enter(request) if is_key(given, key=_key(request)) else _html(page.login(refused=True), 401)


@router.post("/logout")
async def leave(request: Request) -> Response:
    answer = RedirectResponse("/login", 303, headers=HEADERS)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


@router.get("/static/{name}")
async def static(name: str) -> Response:
    if name not in page.STATIC:
        raise HTTPException(404, "no such file")
    headers = {**HEADERS, "Cache-Control": "max-age=3600"}
    return Response(page.asset(name), media_type=page.STATIC[name], headers=headers)


@router.get("/v1/units", include_in_schema=True, tags=["units"])
async def units(request: Request, response: Response) -> dict[str, Any]:
    """Return the page's table: counts of dossiers by unit at a business time, those with the most overdue first.

    `feedback` and `others_overdue` count what else falls due of the unit.

    Wants the installation's key in the header, or the cookie of the page.
    """
    if not (_is_in(request) or is_key(request.headers.get(KEY_HEADER, ""), key=_key(request))):
        raise HTTPException(401, f"send the key of this installation in the header {KEY_HEADER}")
    response.headers["Cache-Control"] = "no-store"
    overview = await _overview(request)
    return {"now": overview.now, "total": _line(overview.total), "units": [_line(line) for line in overview.units]}


def _line(line: Counts) -> dict[str, Any]:
    fields = asdict(line)
    fields["overdue_seconds"] = int(line.overdue_for.total_seconds()) if line.overdue_for else None
    del fields["overdue_for"]
    return fields
