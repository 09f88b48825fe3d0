"""Deadline over HTTP: what came of comparing sources' censuses with what we know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from services.deadline import reconciliation_store as store
from services.deadline import said_store
from services.deadline import store as obligations
from services.deadline.reconciling import REASONS, WORDS, slots_that_differ
from shared import sheets
from shared.instants import canonical
from shared.service import Running

router = APIRouter(tags=["reconciliations"])
BIGGEST = (1 << 63) - 1  # of an id
PAGE = 1000
MIRROR_PAGE = 500  # dossiers looked at in one call
ReasonQuery = Annotated[str | None, Query(pattern=f"^({'|'.join(REASONS)})$")]
COLUMNS = {
    "dossier": "Mã hồ sơ",
    "theirs": "Nguồn: quá hạn",
    "ours": "Đôn đốc: quá hạn",
    "reason": "Mã lý do",
    "words": "Lý do có thể",
    "unit": "Mã đơn vị",
    "unit_name": "Đơn vị",
    "state": "Trạng thái",
    "due_at": "Ngày hẹn trả",
    "first_due_at": "Ngày hẹn trả đầu tiên",
    "ended_at": "Kết thúc xử lý",
    "said_by": "Nguồn báo tin",
    "said_at": "Thời điểm trong tin",
    "said_heard_at": "Nhận tin lúc",
    "last_heard_at": "Tin gần nhất",
}
STATES = {"open": "Đang xử lý", "paused": "Tạm dừng", "ended": "Đã kết thúc"}


def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


@router.get("/reconciliations")
async def list_reconciliations(
    request: Request,
    source: Annotated[str | None, Query(max_length=100)] = None,
    before: Annotated[int, Query(ge=0, le=BIGGEST)] = BIGGEST,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[dict[str, Any]]:
    """List sources' censuses, those heard of last first; `result` is null until one was compared."""
    async with _running(request).engine.connect() as connection:
        found = await store.list_reconciliations(connection, source=source, before=before, limit=limit)
    return [_document(one) for one in found]


@router.get("/reconciliations/mirror")
async def list_mirrored(
    request: Request,
    after: Annotated[str, Query(max_length=300)] = "",
    limit: Annotated[int, Query(ge=1, le=MIRROR_PAGE)] = MIRROR_PAGE,
) -> dict[str, Any]:
    """Look at so many dossiers, and return those of which a mirror and a primary source say different things now.

    returns: `next`, to be given as `after`; null where there are no more.
    """
    async with _running(request).engine.connect() as connection:
        page = list(await obligations.list_matters(connection, after=after or "dossier/", limit=limit))
        dossiers = [id for id in page if id.startswith("dossier/")]
        said = await said_store.list_said(connection, dossiers)
    of_codes = {id.removeprefix("dossier/"): said[id] for id in dossiers}
    told = [{"dossier": code, "slots": slots_that_differ(code, of)} for code, of in of_codes.items()]
    return {
        "looked_at": len(dossiers),
        "differences": [one for one in told if one["slots"]],
        "next": page[-1] if len(page) == limit and dossiers == page else None,
    }


@router.get("/reconciliations/{id}", response_model=None)
async def show_reconciliation(
    id: Annotated[int, Path(ge=0, le=BIGGEST)],
    request: Request,
    reason: ReasonQuery = None,
    after: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=PAGE)] = 100,
    format: Literal["json", "csv"] | None = None,
) -> Response:
    """Return one comparison with a page of its differences, by dossier; `after` is the last dossier of the page before.

    As CSV (`format=csv`, or asked for by `Accept: text/csv`) all of them, for a spreadsheet.
    """
    running = _running(request)
    async with running.engine.connect() as connection:
        one = await store.find_reconciliation(connection, id)
        if one is None:
            raise HTTPException(404, "no such reconciliation; see /v1/reconciliations")
        if format == "csv" or (format is None and "text/csv" in request.headers.get("Accept", "")):
            name = f'attachment; filename="doi-soat-{one.id}-{canonical(one.taken_at)[:10]}.csv"'
            headers = {"Content-Disposition": name, "Vary": "Accept"}
            return StreamingResponse(_csv(running, id, reason), media_type="text/csv; charset=utf-8", headers=headers)
        page = await store.list_differences(connection, id, after=after, limit=limit, reason=reason)
    document = {**_document(one), "differences": page, "next": page[-1]["dossier"] if len(page) == limit else None}
    return JSONResponse(document, headers={"Vary": "Accept"})


def _document(one: store.Reconciliation) -> dict[str, Any]:
    """Return a comparison with its times in Vietnamese time."""
    times = {"taken_at": one.taken_at, "heard_at": one.heard_at, "compared_at": one.compared_at}
    return {**one._asdict(), **{name: canonical(at) if at else None for name, at in times.items()}}


async def _csv(running: Running, id: int, reason: str | None) -> AsyncIterator[bytes]:
    yield sheets.head(COLUMNS.values())
    after = ""
    async with running.engine.connect() as connection:
        while page := await store.list_differences(connection, id, after=after, limit=PAGE, reason=reason):
            yield b"".join(sheets.line(_cell(name, one) for name in COLUMNS) for one in page)
            after = page[-1]["dossier"]


def _cell(name: str, one: dict[str, Any]) -> str:
    if name == "words":
        return WORDS[one["reason"]]
    value = one[name]
    if isinstance(value, bool):
        return "có" if value else "không"
    if name == "state":
        return STATES.get(value, "")
    if name.endswith("_at") and value:
        return f"{value[8:10]}/{value[5:7]}/{value[:4]} {value[11:19]}"
    return str(value or "")
