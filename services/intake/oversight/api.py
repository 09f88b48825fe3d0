"""Oversight over HTTP: records of every kind, proposals for surprise checks and the choices made, report series."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake import store as intake_store
from services.intake.oversight import making, ranking, store, taking
from services.intake.oversight.rows import MOST_LINES
from services.intake.oversight.series import LONGEST_FILE, SeriesError, checked, read
from services.intake.quality.store import count_by_unit
from shared.bodies import described, read_body, read_json, takes
from shared.clock import day_of
from shared.cloudevents import Outgoing
from shared.directory import Directory, resolve
from shared.events import RecordKind
from shared.instants import canonical
from shared.service import Running

router = APIRouter(tags=["oversight"])
BODY_LIMIT = 4 << 20
OPERATOR = "operator"  # who speaks over these calls
ROWS = TypeAdapter(Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_LINES)])
LOTS = 0.2  # of the units proposed
PAGE = 1000
SEEDS = 1 << 32

Count = Annotated[int, Query(ge=1, le=200, description="How many units to propose.")]
Lots = Annotated[float, Query(ge=0, le=1, description="The share of them that is drawn by lot.")]
Seed = Annotated[int | None, Query(ge=0, lt=SEEDS, description="To draw the same lots again.")]
Word = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")
]


class Numbers(BaseModel):
    """What others know of a unit: the share of its dossiers that is overdue, how many flags its data have."""

    model_config = ConfigDict(extra="forbid")
    overdue_share: Annotated[float | None, Field(ge=0, le=1)] = None
    flags: Annotated[int | None, Field(ge=0, le=10_000_000)] = None


class Choice(BaseModel):
    """Which of the units of a proposal are checked. why: needed where the units are not those proposed."""

    model_config = ConfigDict(extra="forbid")
    proposal: Annotated[int, Field(ge=1, lt=1 << 62)]
    ordered_by: Word
    units: Annotated[list[Word], Field(min_length=1, max_length=MOST_LINES)]
    why: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000, pattern=r"^[^\x00]*$")] = ""


NUMBERS = TypeAdapter(Annotated[dict[Word, Numbers], Field(max_length=MOST_LINES)])
CHOICE = TypeAdapter(Choice)


def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


@router.get("/oversight/proposals")
async def look_at_proposal(request: Request, count: Count = 10, lots: Lots = LOTS, seed: Seed = None) -> dict[str, Any]:
    """Return which units a surprise check may be worth while at, with every reason; nothing is kept."""
    running = _running(request)
    async with running.engine.connect() as connection:
        return await _proposal(connection, running, {}, count=count, lots=lots, seed=seed)


@router.post("/oversight/proposals", status_code=201, openapi_extra=described(NUMBERS))
async def keep_proposal(request: Request, count: Count = 10, lots: Lots = LOTS, seed: Seed = None) -> dict[str, Any]:
    """Make a proposal and keep it under a number, so that a choice can name what it was made from.

    The body gives numbers by unit that others know, `{}` for none.
    """
    running = _running(request)
    numbers = await read_json(request, NUMBERS, limit=BODY_LIMIT)
    kept: dict[str, Any] = {}

    async def work(connection: AsyncConnection) -> list[Outgoing]:
        kept.update(await _proposal(connection, running, numbers, count=count, lots=lots, seed=seed))
        kept["id"] = await store.add_proposal(connection, kept, at=running.clock.now())
        return []

    await running.commit(work, cause="oversight")
    return kept


async def _proposal(
    connection: AsyncConnection,
    running: Running,
    numbers: Mapping[str, Numbers],
    *,
    count: int,
    lots: float,
    seed: int | None,
) -> dict[str, Any]:
    at = running.clock.now()
    now, on = canonical(at), day_of(at)
    units = {one["code"]: one for one in await intake_store.list_described(connection, "unit")}
    directory = await taking.known_units(connection)
    known = await _known(connection, checked(units.values(), on=on), directory, at=at)
    unknown = _add_numbers(known, numbers, directory, on=on)
    drawn = secrets.randbelow(SEEDS) if seed is None else seed
    proposed = ranking.propose(known, count=count, lots=lots, seed=drawn, now=now)
    return {
        "at": now,
        "seed": drawn,
        "count": count,
        "lots": lots,
        "of": len(known),
        "unknown_units": unknown,
        "units": [
            {
                "unit": one.unit,
                "name": units[one.unit]["name"],
                "score": one.score,
                "by_lot": one.by_lot,
                "reasons": [reason._asdict() for reason in one.reasons],
            }
            for one in proposed
        ],
    }


async def _known(
    connection: AsyncConnection, codes: Sequence[str], directory: Directory, *, at: datetime
) -> dict[str, ranking.Known]:
    """Return what intake itself knows of each of the units."""
    on = day_of(at)
    records = [
        (kind, resolve(directory, one["document"].get("unit"), None, on=on), one["document"])
        for kind in ("task", "finding", "surprise_check")
        async for one in _all(connection, kind)
    ]
    known = ranking.gather(codes, records, now=canonical(at))
    for word, flags in (await count_by_unit(connection)).items():
        if of := known.get(resolve(directory, None, word, on=on) or ""):
            of.flags = (of.flags or 0) + flags
    return known


async def _all(connection: AsyncConnection, kind: RecordKind) -> Any:
    after = ""
    while page := await store.list_records(connection, kind, after=after, limit=PAGE):
        for one in page:
            yield one
        after = page[-1]["id"]


def _add_numbers(
    known: Mapping[str, ranking.Known], numbers: Mapping[str, Numbers], directory: Directory, *, on: str
) -> list[str]:
    """Put numbers to what is known of their units; returns the words that mean none of them."""
    unknown = []
    for word, given in numbers.items():
        of = known.get(resolve(directory, word, None, on=on) or "")
        if of is None:
            unknown.append(word)
            continue
        for name, number in given.model_dump(exclude_none=True).items():
            setattr(of, name, number)
    return sorted(unknown)


@router.post("/oversight/choices", status_code=201, openapi_extra=described(CHOICE))
async def choose(request: Request) -> dict[str, Any]:
    """Note which units were chosen for surprise checks, who ordered it and why. What is noted is never changed."""
    running = _running(request)
    choice = await read_json(request, CHOICE, limit=BODY_LIMIT)
    noted: dict[str, Any] = {}

    async def work(connection: AsyncConnection) -> list[Outgoing]:
        proposal = await store.find_proposal(connection, choice.proposal)
        if proposal is None:
            raise HTTPException(404, f"there is no proposal {choice.proposal}; `dondoc oversight propose` makes one")
        directory, on = await taking.known_units(connection), day_of(running.clock.now())
        codes = {word: resolve(directory, word, None, on=on) for word in choice.units}
        if unknown := sorted(word for word, code in codes.items() if code is None):
            raise HTTPException(422, f"the directory knows no such unit, or several: {', '.join(unknown)}")
        chosen = sorted({code for code in codes.values() if code})
        if chosen != sorted(one["unit"] for one in proposal["units"]) and not choice.why:
            raise HTTPException(422, "the units are not those proposed: say why")
        noted["id"] = await store.add_choice(
            connection, choice.proposal, at=running.clock.now(), ordered_by=choice.ordered_by, units=chosen,
            why=choice.why,
        )  # fmt: skip
        noted["units"] = chosen
        return []

    await running.commit(work, cause="oversight")
    return noted


@router.get("/oversight/choices")
async def list_choices(
    request: Request,
    after: Annotated[int, Query(ge=0, lt=1 << 62)] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE)] = 100,
) -> list[dict[str, Any]]:
    """Return the choices made, each beside the units that had been proposed."""
    async with _running(request).engine.connect() as connection:
        return await store.list_choices(connection, after=after, limit=limit)


@router.get("/oversight/{kind}")
async def list_records(
    kind: RecordKind, request: Request, after: str = "", limit: Annotated[int, Query(ge=1, le=PAGE)] = 100
) -> list[dict[str, Any]]:
    """Return a page of records of a kind as they are now, in the order of their ids."""
    async with _running(request).engine.connect() as connection:
        return await store.list_records(connection, kind, after=after, limit=limit)


@router.get("/oversight/{kind}/history")
async def show_history(kind: RecordKind, id: str, request: Request) -> list[dict[str, Any]]:
    """Return every state that a record had, the first first."""
    async with _running(request).engine.connect() as connection:
        states = await store.list_history(connection, kind, id)
    if not states:
        raise HTTPException(404, f"no {kind} of this id")
    return states


@router.post("/oversight/{kind}", openapi_extra=described(ROWS))
async def take_records(
    kind: RecordKind, request: Request, dry_run: bool = False, only_known: bool = False
) -> dict[str, Any]:
    """Take records: an array of objects with an `id` and members of their kind; absent ones stay as they are.

    returns: what was added, what was changed with each member before and after, how many said nothing new, and in
    `refused` each that was not taken, by its place in the array from 0; the others are. only_known: for what is said of
    something known, such as that a task was submitted. `dry_run` only says what would be.
    """
    running = _running(request)
    rows = await read_json(request, ROWS, limit=BODY_LIMIT)
    told: dict[str, Any] = {}

    async def work(connection: AsyncConnection) -> list[Outgoing]:
        taken, said = await taking.take(
            connection, kind, rows, source=OPERATOR, now=running.clock.now(), dry_run=dry_run, only_known=only_known
        )
        told.update(asdict(taken), refused=[one._asdict() for one in taken.refused])
        return said

    await running.commit(work, cause="oversight")
    return {"kind": kind, "dry_run": dry_run, **told}


@router.get("/report-series")
async def list_series(request: Request) -> list[dict[str, Any]]:
    """Return the series of periodic reports: how far each has come, when it goes on, and why it waits if it does."""
    async with _running(request).engine.connect() as connection:
        progress = await store.list_progress(connection)
        return [
            {**one, **({} if (at := progress.get(one["name"])) is None else at._asdict())}
            for one in await store.list_series(connection)
        ]


@router.post("/report-series", openapi_extra=takes("application/yaml"))
async def load_series(request: Request, dry_run: bool = False) -> dict[str, Any]:
    """Take a file of report series (YAML); those that are not in it stay as they are."""
    running = _running(request)
    try:
        loaded = read(await read_body(request, limit=LONGEST_FILE))
    except SeriesError as error:
        raise HTTPException(422, str(error)) from error
    return {"series": len(loaded), "dry_run": dry_run, **await making.announce(running, loaded, dry_run=dry_run)}
