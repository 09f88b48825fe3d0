"""Comparing a census with what was pressed: once all its parts are here, and again while something differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.ledger import groups, store
from services.notify.ledger.groups import Group
from services.notify.ledger.standing import Difference, standing
from services.notify.ledger.store import Census
from services.notify.modes import modes
from services.notify.settings import Mode
from shared import metrics
from shared.logs import log

AGAIN_AFTER = timedelta(minutes=15)  # what differs then, too, is an alarm: until then it may be on its way
FRESH = timedelta(minutes=5)  # beyond, what came up since the census would seem to be missing in it

DIFFERENT: Mapping[str, Difference] = {kind: kind for kind in get_args(Difference)}
Differences = dict[str, tuple[Difference, int]]


async def look(connection: AsyncConnection, at: datetime, *, mode: Mode, asked: bool = False) -> None:
    """Compare the newest census that is whole, or look again at what differed. asked: now, whatever the hour.

    mode: of the environment.
    """
    whole = next((one for one in await store.list_censuses(connection) if one.heard == one.parts), None)
    if whole and await store.take_up(connection, whole, at=at):
        await _compare(connection, whole, at, mode=mode)
    elif whole is None and (known := await store.take_up_again(connection, at=at, asked=asked)):
        await _look_again(connection, *known, at, mode=mode)


async def _compare(connection: AsyncConnection, census: Census, at: datetime, *, mode: Mode) -> None:
    paused = (await modes.get(connection, default=mode)).paused
    stored = await groups.get_groups(connection, slot=census.slot, taken_at=census.taken_at, at=at, again=False)
    counted, found = judged(stored, paused=paused)
    if at - census.taken_at <= FRESH:
        missing = await groups.list_missing(connection, slot=census.slot, taken_at=census.taken_at)
        found |= {id: ("missing_in_census", revision) for id, revision in missing}
    overdue, newer = counted.total(), counted.pop("newer", 0)
    await store.put_counts(connection, census.slot, overdue=overdue, newer=newer, standings=counted)
    await _keep(connection, census.slot, found, at)
    await store.forget_parts(connection, up_to=census.slot)
    _tell(found, first=True)


async def _look_again(
    connection: AsyncConnection, slot: datetime, taken_at: datetime, at: datetime, *, mode: Mode
) -> None:
    paused = (await modes.get(connection, default=mode)).paused
    stored = await groups.get_groups(connection, slot=slot, taken_at=taken_at, at=at, again=True)
    _, found = judged(stored, paused=paused)
    missing = await groups.list_still_missing(connection, taken_at=taken_at)
    found |= {id: ("missing_in_census", revision) for id, revision in missing}
    await _keep(connection, slot, found, at)
    _tell(found, first=False)


def judged(stored: Sequence[Group], *, paused: bool) -> tuple[Counter[str], Differences]:
    """Return how many obligations stand how, and which differ."""
    counted: Counter[str] = Counter()
    found: Differences = {}
    for group in stored:
        how = standing(group.facts, paused=paused) if group.known == "same" else group.known
        counted[how] += len(group.ids)
        if kind := DIFFERENT.get(how):
            found |= {id: (kind, revision) for id, revision in zip(group.ids, group.asked, strict=True)}
    return counted, found


async def _keep(connection: AsyncConnection, slot: datetime, found: Differences, at: datetime) -> None:
    await store.put_differences(connection, found, at=at, stands_after=AGAIN_AFTER)
    await store.end(connection, slot, at=at, again_at=at + AGAIN_AFTER if found else None)


def _tell(found: Differences, *, first: bool) -> None:
    if found:
        log.warning("ledger_differs", first=first, kinds=dict(Counter(kind for kind, _ in found.values())))


async def observe(connection: AsyncConnection, now: datetime) -> None:
    """Set the gauge of what differs and stands."""
    metrics.set_all(metrics.ledger_differences, await store.count_standing(connection, now=now))
