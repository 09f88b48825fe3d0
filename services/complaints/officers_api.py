"""HTTP for the operator: who works on feedback, with which roles, and their keys."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import officers, reference
from services.complaints.asking import BODY_LIMIT, NO_STORE, commit, running_of
from services.complaints.officers import Given, Opaque
from shared.bodies import described, read_json
from shared.cloudevents import Outgoing
from shared.http import KEY

GIVEN = TypeAdapter(Given)
router = APIRouter(prefix="/v1/officers", tags=["complaints"], dependencies=KEY)


@router.get("")
async def list_officers(request: Request) -> dict[str, Any]:
    """List the officers; names stand in the directory, keys nowhere."""
    async with running_of(request).engine.connect() as connection:
        return {"officers": [one._asdict() for one in await officers.list_all(connection)]}


@router.put("/{id}", openapi_extra=described(GIVEN))
async def put_officer(request: Request, response: Response, id: Opaque) -> dict[str, Any]:
    """Make an officer, or give one other rights. The key that opens what is his to see is shown this once.

    unit_name: null where the directory has no such unit, or none yet.
    """
    response.headers.update(NO_STORE)
    given = await read_json(request, GIVEN, limit=BODY_LIMIT)
    running = running_of(request)
    key_id, key = officers.new_key()

    async def put(connection: AsyncConnection) -> list[Outgoing]:
        await officers.put(connection, id, given, key_id=key_id, key=key, at=running.clock.now())
        return []

    await commit(running, put)
    async with running.engine.connect() as connection:
        unit = (await reference.units(connection)).units.get(given.unit or "")
    return {"id": id, **given.model_dump(), "unit_name": unit.name if unit else None, "key": key}


@router.delete("/{id}")
async def disable_officer(request: Request, id: Opaque) -> dict[str, str]:
    """Let an officer's key open nothing from now on; what the officer did stays in the history."""
    running = running_of(request)
    there: list[bool] = []

    async def disable(connection: AsyncConnection) -> list[Outgoing]:
        there.append(await officers.disable(connection, id, at=running.clock.now()))
        return []

    await commit(running, disable)
    if not there[-1]:
        raise HTTPException(404, "no officer has this id")
    return {"id": id, "state": "disabled"}
