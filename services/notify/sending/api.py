"""What notify answers over HTTP of its providers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from services.notify.sending.traffic import Traffic
from shared.http import KEY


def router(traffic: Traffic) -> APIRouter:
    """Return the route of these providers."""
    made = APIRouter(prefix="/v1", tags=["notify"], dependencies=KEY)

    @made.get("/providers")
    async def providers() -> dict[str, Any]:
        """List the providers as this copy of notify sees them: their state, their share, what is under way."""
        return {"providers": traffic.told()}

    return made
