"""Starts complaints."""

from __future__ import annotations

import sys
from datetime import datetime

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import (
    asking,
    citizens,
    confidential_api,
    finding_api,
    officers_api,
    reference,
    sender_api,
    staff_api,
    store,
)
from services.complaints.effects import api as effects_api
from services.complaints.finding import patterns
from services.complaints.importing import api as importing_api
from services.complaints.publishing import api as publishing_api
from services.complaints.secrecy import api as secrecy_api
from services.complaints.secrecy import sweeping
from services.complaints.secrecy.configured import envelope_of
from services.complaints.secrecy.envelope import KeysError
from services.complaints.settings import Settings
from shared.cloudevents import Outgoing
from shared.consumer import Hearing
from shared.events import (
    ComplaintAnswered,
    ComplaintChanged,
    ComplaintFiled,
    ComplaintRated,
    ComplaintReopened,
    ComplaintRouted,
    PatternSeen,
)
from shared.program import run
from shared.service import Heard, Service


async def pass_ticks_only(_: AsyncConnection, __: Heard) -> list[Outgoing]:
    """Hears: nothing of FEED but its ticks, which the frame passes on into COMPLAINTS."""
    return []


async def counts(connection: AsyncConnection, _: datetime) -> dict[str, dict[str, int]]:
    return {"complaints": await store.count(connection)}


async def sweep(connection: AsyncConnection, at: datetime) -> tuple[list[Outgoing], bool]:
    """Tell superiors of many reports about one unit or officer. says: complaints.pattern_seen.v1."""
    if (desk := asking.desk_at(connection)) is None:
        return [], False
    limits = desk.office.policy(at).patterns
    found = await patterns.look_for_patterns(
        connection,
        at,
        {"unit": (limits.unit.reports, limits.unit.days), "officer": (limits.person.reports, limits.person.days)},
    )
    return [patterns.said(one, at=at) for one in found], False


def _routes() -> APIRouter:
    router = APIRouter()
    of_officers = (confidential_api.router, finding_api.router, staff_api.router, officers_api.router)
    for_reading = (effects_api.router, publishing_api.router)
    others = (citizens.routes(), secrecy_api.router, *of_officers, importing_api.router, *for_reading)
    for part in (sender_api.router, *others):  # they are looked through in turn, and most calls are filings
        router.include_router(part)
    return router


SERVICE = Service(
    name="complaints",
    says=[
        *(ComplaintFiled, ComplaintRouted, ComplaintAnswered, ComplaintReopened, ComplaintRated, ComplaintChanged),
        PatternSeen,
    ],
    owns="COMPLAINTS",
    handlers=[
        (Hearing("FEED", ()), pass_ticks_only),
        (Hearing("INTAKE", (reference.OF_UNITS,)), reference.follow_units),
        # its ticks wait for ours: deadline hears COMPLAINTS
        (Hearing("DEADLINE", reference.OF_MATTERS, aside=True), reference.follow_dossiers),
    ],
    counts=counts,
    sweep=sweep,
    router=_routes(),
    background=[sweeping.sweep_for_ever],
    at_start=[asking.open_desk],
)


def main() -> None:
    """Run the service; without keys it does not start, and says what to do."""
    settings = Settings()
    try:
        envelope_of(settings)
    except KeysError as error:
        sys.exit(f"complaints: {error}")
    run(SERVICE, settings)


if __name__ == "__main__":
    main()
