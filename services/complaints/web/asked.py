"""What the pages' routes need beside the request; given to each by the router."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute

from services.complaints.web import page
from services.complaints.web.desk import Desk, Vault
from services.complaints.web.gate import Gate
from services.complaints.web.multipart import FormError
from services.complaints.web.page import Takes
from shared import db
from shared.clock import monotonic_s

UNITS_FOR_S = 60.0  # the list of units is read anew after it


@dataclass
class Pages:
    """What stands behind the pages of one process. accepts: endings of attachments, for the browser's chooser."""

    desk: Desk
    vault: Vault
    gate: Gate
    accepts: str = ""
    _units: tuple[str, ...] = ()
    _units_until_s: float = 0

    @property
    def takes(self) -> Takes:
        limits = self.vault.limits
        return Takes(limits.files, limits.file_bytes, self.accepts)

    async def units(self) -> tuple[str, ...]:
        if monotonic_s() >= self._units_until_s:
            self._units = tuple(await self.desk.units())
            self._units_until_s = monotonic_s() + UNITS_FOR_S
        return self._units


def pages_of(request: Request) -> Pages:
    return cast(Pages, request.state.pages)


def html(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return HTMLResponse(text, status, headers or page.HEADERS)


class PageRoute(APIRoute):
    """Answers with a page also where something is wrong. What went wrong inside is no page's matter."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Any]]:  # type: ignore[override]
        handle = super().get_route_handler()

        async def told(request: Request) -> Any:
            try:
                return await handle(request)
            except HTTPException as error:
                headers = {**page.HEADERS, **(error.headers or {})}
                return html(page.problem(error.status_code), error.status_code, headers)
            except FormError:
                return html(page.problem(400), 400)
            except Exception as error:
                if not db.is_transient(error):
                    raise
                return html(page.problem(503), 503, {**page.HEADERS, "Retry-After": "5"})

        return told
