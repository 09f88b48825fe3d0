"""Every service's quarantine over HTTP: look, carry out again as it is or corrected, drop with a reason."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared import pinpoint, quarantine_store, retrying
from shared.bodies import read_body
from shared.http import KEY
from shared.openapi import BYTES, answers
from shared.quarantine import RAW_LIMIT
from shared.quarantine_store import Kept
from shared.sealing import SealError
from shared.service import Running

router = APIRouter(prefix="/v1/quarantine", dependencies=KEY, tags=["quarantine"])

Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
Word = Annotated[str | None, Query(max_length=80)]
By = Annotated[str, Query(max_length=80, pattern=r"^[^\x00-\x1f]*$", description="who asks; kept in the history")]


class Dropping(BaseModel):
    """Why an entry is dropped. No applicant's data belong here."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3), Field(max_length=500)]


def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


@router.get("")
async def list_quarantine(
    request: Request,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    source: Word = None,
    reason: Word = None,
    state: Literal["waiting", "retried", "dropped", "all"] = "waiting",
) -> list[dict[str, Any]]:
    """List what could not be understood, oldest first; bytes only on demand, since they hold personal data."""
    running = _running(request)
    async with running.engine.connect() as connection:
        return await quarantine_store.list_entries(
            connection,
            running.service.name,
            after=after,
            limit=limit,
            state=None if state == "all" else state,
            source=source,
            reason=reason,
        )


@router.get("/{id}")
async def show_entry(id: Id, request: Request) -> dict[str, Any]:
    """Return an entry with its history and the places at fault, each with a piece of the text around it.

    The pieces may hold personal data.
    """
    running = _running(request)
    async with running.engine.connect() as connection:
        shown = await quarantine_store.find_shown(connection, running.service.name, id)
    if shown is None:
        raise HTTPException(404, "no such entry")
    place = shown.pop("place") or {}
    return {**shown, "index": place.get("index"), "places": _places(await _kept(running, id))}


def _places(entry: Kept) -> list[dict[str, Any]]:
    if entry.gone:
        return []
    if entry.reason == "unreadable":
        spots = [pinpoint.unreadable(entry.raw)]
    else:
        spots = [pinpoint.field(entry.raw, path) for path in entry.place.get("fields", ())]
    return [asdict(spot) for spot in spots if spot]


@router.get("/{id}/raw", response_class=Response, responses=answers(BYTES))
async def show_raw(id: Id, request: Request) -> Response:
    """Return the bytes of an entry as they came."""
    entry = await _kept(_running(request), id)
    if entry.gone:
        raise HTTPException(410, "its time is over: the bytes are gone, the line stays")
    return Response(entry.raw, media_type=BYTES)


@router.post("/{id}/retry")
async def retry_entry(id: Id, request: Request, by: By = "", dry_run: bool = False) -> dict[str, Any]:
    """Carry an entry out again, as it is or with the body in its place; see `shared.retrying.retry` for the answer.

    Where a part of a message was refused, the body is that part, or a whole message. The same call again is a repeat.
    """
    body = await read_body(request, limit=RAW_LIMIT)
    try:
        return await retrying.retry(_running(request), id, body=body or None, by=by or "api", dry_run=dry_run)
    except retrying.NoEntryError:
        raise HTTPException(404, "no such entry") from None
    except (retrying.NotNowError, SealError) as error:
        raise HTTPException(409, str(error)) from None


@router.post("/{id}/drop")
async def drop_entry(id: Id, dropping: Dropping, request: Request, by: By = "") -> dict[str, Any]:
    """Close an entry that is worth nothing. Identical bytes that come again raise its count and stay dropped."""
    try:
        return await retrying.drop(_running(request), id, reason=dropping.reason, by=by or "api")
    except retrying.NoEntryError:
        raise HTTPException(404, "no such entry") from None
    except (retrying.NotNowError, SealError) as error:
        raise HTTPException(409, str(error)) from None


async def _kept(running: Running, id: int) -> Kept:
    async with running.engine.connect() as connection:
        entry = await quarantine_store.find(connection, running.service.name, id)
    if entry is None:
        raise HTTPException(404, "no such entry")
    try:
        _ = entry.raw
    except SealError as error:
        raise HTTPException(409, str(error)) from None
    return entry
