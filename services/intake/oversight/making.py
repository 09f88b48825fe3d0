"""Makes the duties of report series when their time has come: a part of intake's sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake import store as intake_store
from services.intake.calendars import PROVINCE
from services.intake.oversight import store, taking
from services.intake.oversight.series import (
    Period,
    Series,
    asked_at,
    due_at,
    next_period,
    owing,
    read,
    report_id,
    title_of,
)
from services.intake.oversight.statement import STATEMENTS
from services.intake.oversight.store import Progress
from shared.clock import day_of
from shared.cloudevents import Outgoing
from shared.directory import resolve
from shared.instants import canonical
from shared.logs import log
from shared.service import Running
from shared.worktime import CalendarEndsError, CalendarError, WorkCalendar, vietnam
from shared.worktime.loading import from_given

SOURCE = "dondoc"  # who says that a report is owed
LATER = timedelta(days=1)  # until it is looked again whether the calendar reaches
CALENDAR_UNKNOWN = "calendar_unknown"


async def perform(connection: AsyncConnection, now: datetime) -> tuple[list[Outgoing], bool]:
    """Make the duties of one period of one series that are due to be made; returns also whether more may be.

    repeats: harmless - a duty of a series, a unit and a period is noted as made in the same transaction.
    """
    progress = await store.claim_series(connection, now=now)
    if progress is None:
        return [], False
    series = next((one for one in await present_series(connection) if one.name == progress.name), None)
    calendar = await calendar_of_province(connection)
    coming = _coming(series, progress, calendar, now=now) if series else Coming(progress._replace(next_at=None))
    if series is None or coming.period is None or coming.asked_at is None or coming.asked_at > now:
        await store.put_progress(connection, coming.progress)
        return [], True
    said = await _make(connection, series, coming, now=now)
    done = progress._replace(through=coming.period.last)
    await store.put_progress(connection, _coming(series, done, calendar, now=now).progress)
    return said, True


async def next_at(connection: AsyncConnection) -> datetime | None:
    return await store.next_series_at(connection)


async def announce(running: Running, loaded: Sequence[Series], *, dry_run: bool) -> dict[str, list[str]]:
    """Keep series as `load` does."""
    changes: dict[str, list[str]] = {}

    async def work(connection: AsyncConnection) -> list[Outgoing]:
        changes.update(await load(connection, loaded, now=running.clock.now(), dry_run=dry_run))
        return []

    await running.commit(work, cause="report_series")
    return changes


async def load_carried(running: Running) -> None:
    """At the very first start, begin with the examples that the program carries; they make nothing until enabled."""
    async with running.engine.connect() as connection:
        known = await store.list_series(connection)
    if not known:
        await announce(running, read(carried()), dry_run=False)


def carried() -> bytes:
    return files("services.intake").joinpath("data/report_series.yaml").read_bytes()


async def load(
    connection: AsyncConnection, loaded: Sequence[Series], *, now: datetime, dry_run: bool
) -> dict[str, list[str]]:
    """Keep the series that differ from what is known; what is not among them stays.

    returns: the names of those, and in `unknown_units` the words of all that mean no unit today, or several.
    """
    await store.lock_series(connection)
    known = {one["name"]: one for one in await store.list_series(connection)}
    progress = await store.list_progress(connection)
    calendar = await calendar_of_province(connection)
    units = await taking.known_units(connection)
    words = {word for series in loaded if isinstance(series.units, tuple) for word in series.units}
    unknown = sorted(word for word in words if resolve(units, word, None, on=day_of(now)) is None)
    changes: dict[str, list[str]] = {"added": [], "changed": [], "unknown_units": unknown}
    for series in loaded:
        document, before = series.model_dump(mode="json"), known.get(series.name)
        revision = before["revision"] if before else 0
        if before == {**document, "revision": revision}:
            continue
        changes["changed" if before else "added"].append(series.name)
        if not dry_run:
            await store.add_series(connection, series.name, revision + 1, document, at=now)
            at = progress.get(series.name) or Progress(series.name, None, None, None)
            await store.put_progress(connection, _coming(series, at, calendar, now=now).progress)
    return changes


async def present_series(connection: AsyncConnection) -> list[Series]:
    return [_of(document) for document in await store.list_series(connection)]


def _of(document: dict[str, Any]) -> Series:
    return Series.model_validate({name: value for name, value in document.items() if name != "revision"})


async def calendar_of_province(connection: AsyncConnection) -> WorkCalendar:
    """Return the province's calendar: the one that was loaded in the place of the carried one, else that."""
    loaded = {one["name"]: one["given"] for one in await intake_store.list_described(connection, "calendar")}
    given = loaded.get(PROVINCE)
    if given is None:
        return vietnam()
    try:
        return from_given(given, base=None)
    except CalendarError:  # it inherits from another: rare enough to go by the carried one
        log.warning("calendar_of_reports_carried")
        return vietnam()


@dataclass(frozen=True, slots=True)
class Coming:
    """What a series does next. progress: how far it has come, with the time of that."""

    progress: Progress
    period: Period | None = None
    due: datetime | None = None
    asked_at: datetime | None = None


def _coming(series: Series, progress: Progress, calendar: WorkCalendar, *, now: datetime) -> Coming:
    period = next_period(series, through=progress.through) if series.enabled else None
    if period is None:
        return Coming(progress._replace(next_at=None, waits=None))
    try:
        due = due_at(series.due, period, calendar=calendar)
    except CalendarEndsError:
        ended = datetime.combine(period.last, datetime.min.time(), calendar.zone)
        at = max(now + LATER, ended)
        return Coming(progress._replace(next_at=at, waits=CALENDAR_UNKNOWN), period)
    at = asked_at(period, due, calendar=calendar)
    return Coming(progress._replace(next_at=at, waits=None), period, due, at)


async def _make(connection: AsyncConnection, series: Series, coming: Coming, *, now: datetime) -> list[Outgoing]:
    period, due, given = coming.period, coming.due, coming.asked_at
    assert period
    assert due
    assert given
    units = await intake_store.list_described(connection, "unit")
    known, on = await taking.known_units(connection), day_of(given)  # made late, it is owed by the units of then
    named = [resolve(known, word, None, on=on) for word in series.units] if isinstance(series.units, tuple) else []
    owed_by = owing(series, units, named, on=on)
    codes = await store.add_made(connection, series.name, period.code, owed_by, at=now)
    shape = STATEMENTS["report"]
    stated = [
        shape.model_validate(
            {
                "specversion": "1.0",
                "id": "-",
                "source": "/dondoc/intake",
                "time": canonical(now),
                "subject": report_id(series, period, code),
                "data": {
                    "unit": code,
                    "title": title_of(series, period),
                    "series": series.name,
                    "period": period.code,
                    "basis": series.basis,
                    "given_at": canonical(given),
                    "due_at": canonical(due),
                },
            }
        )
        for code in codes
    ]
    return await taking.say(connection, stated, source=SOURCE, now=now)
