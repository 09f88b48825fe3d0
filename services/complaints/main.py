"""complaints: citizens file over HTTP, the units' staff answer, COMPLAINTS says that it happened."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import api, store
from services.complaints.settings import Settings
from shared.cloudevents import Outgoing
from shared.consumer import Hearing
from shared.events import ComplaintAnswered, ComplaintFiled
from shared.program import run
from shared.service import Heard, Service


async def pass_ticks_only(_: AsyncConnection, __: Heard) -> list[Outgoing]:
    """Hears: nothing of FEED but its ticks, which the frame passes on into COMPLAINTS."""
    return []


async def counts(connection: AsyncConnection, _: datetime) -> dict[str, dict[str, int]]:
    return {"complaints": await store.count_complaints(connection)}


SERVICE = Service(
    name="complaints",
    says=[ComplaintFiled, ComplaintAnswered],
    owns="COMPLAINTS",
    handlers=[(Hearing("FEED", ()), pass_ticks_only)],
    counts=counts,
    router=api.router,
)


def main() -> None:
    """Run the service."""
    run(SERVICE, Settings())


if __name__ == "__main__":
    main()
