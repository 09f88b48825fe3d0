"""What every HTTP surface has: health, metrics, AsyncAPI, problem details (RFC 9457), and the key that guards it."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import APIKeyHeader
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import metrics, openapi
from shared.bodies import BodiesBound
from shared.clock import monotonic_s
from shared.db import is_transient
from shared.logs import log
from shared.secrets import KEY_HEADER
from shared.settings import Settings

UNUSABLE = ("22000", "22003", "22021")  # SQLSTATE: no value of its type, out of range, not in the character set
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_header = APIKeyHeader(name=KEY_HEADER, auto_error=False)


async def require_key(request: Request, key: Annotated[str | None, Depends(_header)]) -> None:
    """Refuse a call without the stack's key. An empty configured key refuses every call."""
    expected = request.app.state.api_key
    if not expected or not hmac.compare_digest((key or "").encode(), expected.encode()):
        raise HTTPException(401, f"send the key of this installation in the header {KEY_HEADER}")


KEY = [Depends(require_key)]


class ProblemError(HTTPException):
    """An answer whose problem document has more members. more: not type, title, status, detail."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(status, detail)
        self.more = more


def application(
    *, name: str, settings: Settings, ready: Callable[[], dict[str, str]], asyncapi: dict[str, Any], **kwargs: Any
) -> FastAPI:
    """Return the FastAPI app of one service.

    ready: names what is not ready and why; empty means ready.
    """
    app = FastAPI(title=f"Đôn đốc – {name}", docs_url=None, redoc_url=None, **kwargs)
    app.exception_handlers |= dict.fromkeys((SQLAlchemyError, OSError, TimeoutError), _database_problem)
    app.state.api_key = settings.api_key.get_secret_value()

    app.add_middleware(BodiesBound, at_once=settings.http_bodies_bytes)
    app.add_middleware(Measured)
    _tell_of_operation(app, ready=ready, asyncapi=asyncapi)
    openapi.describe(app)

    @app.exception_handler(StarletteHTTPException)
    async def problem(_: Request, error: StarletteHTTPException) -> JSONResponse:
        more = error.more if isinstance(error, ProblemError) else {}
        return problem_details(error.status_code, str(error.detail), headers=error.headers, **more)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        places = [
            {"at": ".".join(map(str, e["loc"])), "why": e["msg"].removeprefix("Value error, ")} for e in error.errors()
        ]
        return problem_details(422, "the request does not fit; see errors", errors=places)

    return app


def _tell_of_operation(app: FastAPI, *, ready: Callable[[], dict[str, str]], asyncapi: dict[str, Any]) -> None:
    """Add health, metrics and AsyncAPI."""

    @app.get("/health/live", tags=["operation"])
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @app.get("/health/ready", tags=["operation"])
    async def is_ready() -> JSONResponse:
        missing = ready()
        return JSONResponse(
            {"status": "ready" if not missing else "not ready", "missing": missing}, 503 if missing else 200
        )

    @app.get("/metrics", tags=["operation"], response_class=PlainTextResponse)
    async def exported_metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/asyncapi.json", tags=["operation"])
    async def asyncapi_document() -> dict[str, Any]:
        return asyncapi


class Measured:
    """Counts requests and takes their time, by the route's pattern: a path may hold an id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began = monotonic_s()

        begun = False

        def count(status: int) -> None:
            nonlocal begun
            begun = True
            route = getattr(scope.get("route"), "path", "unknown")
            method = scope["method"] if scope["method"] in METHODS else "OTHER"
            metrics.http_requests.labels(method, route, status).inc()
            metrics.http_seconds.labels(route).observe(monotonic_s() - began)

        async def measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                count(message["status"])
            await send(message)

        try:
            return await self._app(scope, receive, measured)
        except Exception:  # nobody expected it: the server answers 500 outside of this
            if not begun:
                count(500)
            raise


async def _database_problem(request: Request, error: Exception) -> JSONResponse:
    """Say whether trying again can help; what the database said may repeat values and stays here."""
    if is_transient(error):
        return problem_details(503, "the database does not answer now; try again", headers={"Retry-After": "5"})
    if getattr(getattr(error, "orig", None), "sqlstate", None) in UNUSABLE:
        return problem_details(422, "a value cannot be looked up: a NUL in a text, or a number out of range")
    log.error("request_failed", path=request.scope["route"].path, error=type(error).__name__)
    return problem_details(500, "this failed here; the log of the service names the kind of error")


def problem_details(status: int, detail: str, *, headers: Any = None, **more: Any) -> JSONResponse:
    """Return an RFC 9457 answer."""
    from http import HTTPStatus

    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, headers=headers, media_type=openapi.PROBLEM_TYPE)
