"""The console: hears four streams, keeps a copy, shows one page."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.console import api, handlers, store
from services.console.handlers import subjects_of
from services.console.overview import DOSSIER
from services.console.settings import Settings
from shared.consumer import Hearing
from shared.events import (
    ComplaintChanged,
    EscalationChanged,
    NoticeChanged,
    ObligationChanged,
    SendingChanged,
    UnitDescribed,
)
from shared.program import run
from shared.service import Service


async def counts(connection: AsyncConnection, now: datetime) -> dict[str, dict[str, int]]:
    """Count the dossiers that the page shows, and apart from them what else falls due, for `dondoc status`."""
    groups = await store.count_obligations(connection, now)
    fields = ("open", "paused", "soon", "overdue", "in_time", "late")
    parts = {
        "shown": [group for group in groups if group.kind == DOSSIER],
        "others": [group for group in groups if group.kind != DOSSIER],
    }
    return {name: {field: sum(getattr(g, field) for g in part) for field in fields} for name, part in parts.items()}


PRESSING = tuple(
    subject for event in (EscalationChanged, NoticeChanged, SendingChanged) for subject in subjects_of(event)
)

SERVICE = Service(
    name="console",
    says=[],
    handlers=[
        (Hearing("INTAKE", subjects_of(UnitDescribed)), handlers.follow_units),
        (Hearing("DEADLINE", subjects_of(ObligationChanged)), handlers.follow_obligations),
        (Hearing("COMPLAINTS", subjects_of(ComplaintChanged)), handlers.follow_complaints),
        (Hearing("NOTIFY", PRESSING), handlers.follow_pressing),
    ],
    counts=counts,
    router=api.router,
)


def main() -> None:
    """Run the console."""
    run(SERVICE, Settings())


if __name__ == "__main__":
    main()
