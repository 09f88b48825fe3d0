"""HTTP for everybody: what is published, page by page, without any key."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.complaints import reference
from services.complaints.asking import NO_STORE, desk_of, no_page, running_of
from services.complaints.publishing import store
from services.complaints.publishing.store import Entry
from services.complaints.publishing.wording import Choices, PublishedAnswer, PublishedPage, unworded
from services.complaints.rules.units import Offices
from services.complaints.web.gate import address_of, too_many
from shared.clock import PROVINCE_ZONE, monotonic_s
from shared.service import Running

Word = Annotated[str | None, Query(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]+$")]
router = APIRouter(prefix="/v1", tags=["published"])


@router.get("/published")
async def list_published(
    request: Request,
    response: Response,
    unit: Word = None,
    field: Word = None,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> dict[str, Any]:
    """List answered reflections and recommendations for all to read, the newest first, without who sent them.

    unit: the code of who answered. field: its key. `next` is the `before` of the page that follows. What is taken back
    is here no more at once, so nothing of it may be kept.
    """
    response.headers.update(NO_STORE)
    running = running_of(request)
    if wait_s := desk_of(running).gate.guard.read_wait_s(address_of(request), at_s=monotonic_s()):
        raise too_many(wait_s)
    page = await read(running, unit=unit, field=field, before=before, limit=limit)
    if page is None:
        raise no_page("before")
    return {"published": [asdict(one) for one in page.found], "next": page.next}


async def read(
    running: Running, *, unit: str | None, field: str | None, before: UUID | None, limit: int
) -> PublishedPage | None:
    """Return a page of what is published; None where no page ended at `before`, or what ended it is taken back."""
    async with running.engine.connect() as connection:
        place = await store.place_of(connection, before) if before else None
        if before and place is None:
            return None
        found = await store.list_published(connection, unit=unit, field=field, before=place, limit=limit + 1)
        units = await reference.units(connection)
    fields = desk_of(running).office.policy(running.clock.now()).fields
    shown, more = found[:limit], len(found) > limit
    answers = tuple(_for_all(one, units, fields.get(one.field or "")) for one in shown)
    return PublishedPage(answers, str(shown[-1].published_as) if more else None)


async def choices(running: Running) -> Choices:
    """Return what to choose from, by name."""
    async with running.engine.connect() as connection:
        codes = await store.units_of_published(connection)
        units = await reference.units(connection)
    named = sorted(((code, units.name(code)) for code in codes), key=lambda one: one[1])
    return Choices(dict(named), dict(desk_of(running).office.policy(running.clock.now()).fields))


def _for_all(entry: Entry, units: Offices, field_name: str | None) -> PublishedAnswer:
    filed, answered, published = (
        at.astimezone(PROVINCE_ZONE).date() for at in (entry.filed_at, entry.answered_at, entry.published_at)
    )
    unit_name = units.name(entry.unit) if entry.unit else None
    neutral = unworded(unit_name=unit_name, field_name=field_name, filed_on=filed)
    return PublishedAnswer(
        unit=entry.unit,
        unit_name=unit_name,
        field=entry.field,
        field_name=field_name,
        filed_on=filed,
        answered_on=answered,
        published_on=published,
        question=entry.question or neutral,
        answer=entry.answer,
    )
