"""What may leave the house, over HTTP: shown and changed while notify runs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.modes import modes
from services.notify.settings import Mode
from shared.cloudevents import Outgoing
from shared.http import KEY
from shared.service import Running

HISTORY = 20  # changes that are shown


class Change(BaseModel):
    """What is to change; what is left out stays. reason: of a pause, for the colleagues; no names of citizens."""

    model_config = ConfigDict(extra="forbid")
    mode: Mode | None = None
    paused: bool | None = None
    reason: Annotated[str, Field(max_length=200)] = ""


def routes(environment: Mode) -> APIRouter:
    """Return the routes. environment: the mode of the settings, in force until an operator chooses one."""
    router = APIRouter(prefix="/v1/sending", tags=["sending"], dependencies=KEY)

    @router.get("")
    async def sending(request: Request) -> dict[str, Any]:
        """Tell what may leave now, who chose it, and how many notices wait or were recorded only."""
        return await _told(request.app.state.running, environment)

    @router.put("")
    async def change(request: Request, wanted: Change) -> dict[str, Any]:
        """Change what may leave; in force in every copy of notify before its next notice is handed over."""
        running: Running = request.app.state.running

        async def work(connection: AsyncConnection) -> list[Outgoing]:
            return await modes.change(
                connection,
                mode=wanted.mode,
                paused=wanted.paused,
                reason=wanted.reason,
                default=environment,
                at=running.clock.now(),
            )

        await running.commit(work, cause="request")
        return await _told(running, environment)

    return router


async def _told(running: Running, environment: Mode) -> dict[str, Any]:
    async with running.engine.connect() as connection:
        now = await modes.get(connection, default=environment)
        return {
            "mode": now.mode,
            "chosen_by": "operator" if now.chosen else "environment",
            "environment": environment,
            "paused": now.paused,
            "reason": now.reason,
            "since": now.at,
            "notices": await modes.count_notices(connection),
            "changes": await modes.list_changes(connection, limit=HISTORY),
        }
