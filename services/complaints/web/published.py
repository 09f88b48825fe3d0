"""The page of what all may read: questions and answers in the words for it, by unit and field, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode
from uuid import UUID

from fastapi.responses import RedirectResponse, Response

from services.complaints.web import page
from services.complaints.web.asked import Pages, html
from services.complaints.web.gate import too_many
from shared.clock import monotonic_s

PATH = "/cong-khai"
SHOWN = 20  # on a page
WAIT = ("Truy cập quá nhiều lần", "Xin chờ khoảng một phút rồi mở lại trang này.")


async def show(pages: Pages, asked: Mapping[str, str], *, address: str) -> Response:
    """Show a page. No browser and no search engine is to keep it: what is taken back is to be seen no more at once."""
    if wait_s := pages.gate.guard.read_wait_s(address, at_s=monotonic_s()):
        headers = {**page.PRIVATE, **(too_many(wait_s).headers or {})}
        return html(page.problem(429, title=WAIT[0], text=WAIT[1]), 429, headers)
    choices = await pages.desk.choices()
    unit = asked.get("unit", "") if asked.get("unit") in choices.units else ""
    field = asked.get("field", "") if asked.get("field") in choices.fields else ""
    before = _place(asked.get("before", ""))
    found = await pages.desk.published(unit=unit or None, field=field or None, before=before)
    if found is None or (before is None and asked.get("before")):
        return RedirectResponse(_address(unit=unit, field=field), 303, headers=page.PRIVATE)
    older = _address(unit=unit, field=field, before=found.next) if found.next else ""
    shown = page.published(found, choices, unit=unit, field=field, older=older, begins=before is None)
    return html(shown, headers=page.PRIVATE)


def _place(written: str) -> UUID | None:
    try:
        return UUID(written)
    except ValueError:
        return None


def _address(**asked: str) -> str:
    """Return the address of a page with what is asked of it."""
    given = {name: value for name, value in asked.items() if value}
    return f"{PATH}?{urlencode(given)}" if given else PATH
