"""HTTP for what is under seal beside the words: who the sender is, with a reason and logged; the log; attachments."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import acting, officers
from services.complaints.asking import BODY_LIMIT, NO_STORE, Asking, commit, desk_of, no_page, running_of, seen
from services.complaints.permissions import Actor, may
from services.complaints.secrecy import attachments, identities
from services.complaints.secrecy.envelope import SealError
from services.complaints.secrecy.identities import Identity
from services.complaints.secrecy.vault import MissingFileError, download_headers
from services.complaints.shapes import Said
from shared.bodies import described, read_json
from shared.cloudevents import Outgoing

SAID = TypeAdapter(Said)
HASH = "^[0-9a-f]{64}$"
router = APIRouter(prefix="/v1/complaints", tags=["complaints"])


@router.post("/{code}/identity", openapi_extra=described(SAID))
async def read_identity(request: Request, response: Response, code: str, actor: Asking) -> dict[str, Any]:
    """Show who sent a feedback, for a reason that is kept with who asked; nothing is shown before that is stored."""
    response.headers.update(NO_STORE)
    reason = await read_json(request, SAID, limit=BODY_LIMIT)
    running, found = running_of(request), list[Identity | None]()

    async def read(connection: AsyncConnection) -> list[Outgoing]:
        feedback = await acting.get(connection, code, actor)
        if not may(actor, "read_identity", feedback.about):
            raise acting.NotAllowedError("read_identity")
        found.append(
            await identities.read(
                connection,
                desk_of(running).office.envelope,
                feedback.case.code,
                actor=actor.id,
                reason=reason.text,
                at=running.clock.now(),
            )
        )
        return []

    await commit(running, read)
    if found[-1] is None:
        raise HTTPException(404, "its sender gave neither name nor address")
    return found[-1]._asdict()


@router.get("/identities/reads")
async def list_reads(
    request: Request,
    response: Response,
    actor: Asking,
    code: Annotated[str | None, Query(max_length=80)] = None,
    after: Annotated[str | None, Query(pattern=HASH)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """List who read identities, of which feedback, when and why; for auditors, but of what is about them nothing."""
    response.headers.update(NO_STORE)
    _must_audit(actor)
    running = running_of(request)
    envelope = desk_of(running).office.envelope
    async with running.engine.connect() as connection:
        ended = await identities.find_read(connection, after) if after else 0
        if ended is None:
            raise no_page("after")
        found = await identities.list_reads(
            connection, envelope, code=code, kept_from=actor.names, after=ended, limit=limit
        )
    return {
        "reads": [{name: value for name, value in one._asdict().items() if name != "seq"} for one in found],
        "next": found[-1].hash if len(found) == limit else None,
    }


@router.get("/identities/reads/examination")
async def examine_reads(
    request: Request, response: Response, actor: Asking, anchor: Annotated[str | None, Query(pattern=HASH)] = None
) -> dict[str, Any]:
    """Say whether the log of reads is what was written; for auditors. Nothing else: its length would tell too much.

    anchor: the hash of a read that somebody wrote down; all up to it must be there and as they were.
    """
    response.headers.update(NO_STORE)
    _must_audit(actor)
    async with running_of(request).engine.connect() as connection:
        broken = await identities.examine(connection, anchor=bytes.fromhex(anchor) if anchor else None)
    return {"whole": broken is None, "broken": broken}


@router.get("/officers/changes")
async def list_officer_changes(
    request: Request,
    actor: Asking,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """List what officers were given and lost by the operator, and when; for auditors."""
    _must_audit(actor)
    async with running_of(request).engine.connect() as connection:
        found = await officers.list_changes(connection, after=after, limit=limit)
    return {"changes": [one._asdict() for one in found], "next": found[-1].id if len(found) == limit else None}


def _must_audit(actor: Actor) -> None:
    if "auditor" not in actor.roles:
        raise HTTPException(403, "only an auditor reads this log")


@router.get("/{code}/attachments")
async def list_attachments(request: Request, response: Response, code: str, actor: Asking) -> dict[str, Any]:
    """List the files of a feedback."""
    response.headers.update(NO_STORE)
    running = running_of(request)
    async with running.engine.connect() as connection:
        feedback = await seen(connection, code, actor)
        found = await attachments.list_of(connection, desk_of(running).office.vault, feedback.case.code)
    return {"attachments": [{"id": one.id, "name": one.name, "type": one.type, "size": one.size} for one in found]}


@router.get("/{code}/attachments/{id}", response_class=StreamingResponse)
async def get_attachment(request: Request, code: str, id: str, actor: Asking) -> Response:
    """Hand out a file, to be saved and never shown in place."""
    running = running_of(request)
    vault = desk_of(running).office.vault
    async with running.engine.connect() as connection:
        feedback = await seen(connection, code, actor)
        found = await attachments.find(connection, vault, feedback.case.code, id)
    if found is None:
        raise HTTPException(404, "this feedback has no such file")
    content = vault.read(found, code=feedback.case.code)
    try:
        begin = await anext(content, b"")  # what cannot be read is told before the answer begins
    except (MissingFileError, SealError) as error:
        raise HTTPException(503, str(error)) from None
    return StreamingResponse(_all_of(begin, content), headers=download_headers(found))


async def _all_of(begin: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield begin
    async for part in rest:
        yield part
