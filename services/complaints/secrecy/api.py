"""The keys over HTTP, for operators: how much is sealed under which, and a rotation turn by turn."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request

from services.complaints.secrecy import rotation
from services.complaints.secrecy.configured import envelope_of, settings_of
from shared import db
from shared.http import KEY
from shared.logs import log
from shared.service import Running

router = APIRouter(prefix="/v1/complaints/keys", tags=["keys"], dependencies=KEY)


@router.get("/rotation")
async def show(request: Request) -> dict[str, Any]:
    """Tell the keys by their ids, the newest first, with how much is sealed under each; and what no key here opens."""
    running: Running = request.app.state.running
    envelope = envelope_of(settings_of(running))
    async with running.engine.connect() as connection:
        counted = await rotation.count(connection)
    given = [id.hex() for id in envelope.keys]
    return {
        "keys": [{"key": id, "newest": id == given[0], "sealed": counted.get(id, 0)} for id in given],
        "left": sum(counted.get(id, 0) for id in given[1:]),
        "unknown": {id: number for id, number in counted.items() if id not in given},
    }


@router.post("/rotation")
async def rotate(
    request: Request,
    after: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> dict[str, Any]:
    """Put up to `limit` rows under the newest key; `next` is the `after` of the turn that follows, null at the end.

    Harmless to repeat and to break off.
    """
    running: Running = request.app.state.running
    envelope = envelope_of(settings_of(running))
    try:
        async with db.transaction(running.engine) as connection:
            turn = await rotation.rotate(connection, envelope, batch=limit, after=after)
    except ValueError:
        raise HTTPException(422, "`after` is the `next` of the turn before, or empty") from None
    log.info("keys_rotated", rewrapped=turn.rewrapped, broken=turn.broken)
    return turn._asdict()
