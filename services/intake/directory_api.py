"""The directory over HTTP: loaded with what changes, shown as it is, said again to a new hearer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from services.intake import announcing, directory, store
from services.intake.announcing import Document
from services.intake.directory import DirectoryError, Given
from services.intake.directory_changes import UNSAID, differences, put_together
from shared import directory as words
from shared.bodies import read_body, takes
from shared.clock import PROVINCE_ZONE
from shared.events import UnitDescribed
from shared.heads import in_charge
from shared.http import problem_details
from shared.logs import log
from shared.service import Running

router = APIRouter()
MOST_BYTES = 8 << 20
LATER = frozenset(UNSAID) - {"difficult"}  # members that an older release did not know

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


@router.post(
    "/directory", tags=["directory"], response_model=None, openapi_extra=takes("text/csv", "application/json", XLSX)
)
async def load_directory(request: Request, dry_run: bool = False) -> dict[str, Any] | JSONResponse:
    """Take the directory as CSV (units, posts or aliases), XLSX (a sheet each) or JSON (a list each).

    Units that are not in it stay as they are, and so do the posts and aliases of units that the tables of these do not
    name. returns: codes of what was added and changed, `diff` with each member, `unknown_parents` that no unit has.
    `dry_run` only says what would change. Mistakes are told all at once, and then nothing is taken.
    """
    content = await read_body(request, limit=MOST_BYTES)
    try:
        return await load(_running(request), directory.take_file(content), dry_run=dry_run)
    except DirectoryError as error:
        if len(error.mistakes) == 1:
            return problem_details(422, str(error))
        places = [{"at": one.at, "why": one.why} for one in error.mistakes]
        return problem_details(422, "the directory has mistakes and is not taken", errors=places)


async def load(running: Running, given: Given, *, dry_run: bool) -> dict[str, Any]:
    """Store the units that differ from what is known, and say each of them. raises: DirectoryError - with mistakes."""
    told: dict[str, Any] = {"units": len(given.codes), "dry_run": dry_run}

    def make(known: Mapping[str, Document]) -> Mapping[str, Document]:
        documents = put_together(known, given)
        above = {document["parent_code"] for document in documents.values()} - {None}
        told["unknown_parents"] = sorted(above - known.keys() - documents.keys())
        told["diff"] = differences(known, documents)
        return documents

    changes = await announcing.announce_made(running, announcing.UNITS, make, dry_run=dry_run)
    return {**told, **changes}


async def load_carried(running: Running) -> None:
    """At the very first start, begin with the province's units as the program carries them.

    Units stored by a release that knew no successors are given theirs, and the old names of communes.
    """
    async with running.engine.connect() as connection:
        known = {unit["code"]: unit for unit in await store.list_described(connection, "unit")}
    given = directory.carried()
    if known:
        older = {code for code, unit in known.items() if not LATER & unit.keys()} & set(given.codes)
        given.units = {code: _later(unit, known[code]) for code, unit in given.units.items() if code in older}
        given.aliases = {code: aliases for code, aliases in given.aliases.items() if code in older}
    try:
        if given.units:
            await load(running, given, dry_run=False)
    except DirectoryError as error:
        log.warning("carried_directory_not_taken", mistakes=len(error.mistakes))


def _later(carried: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a unit is given beside what is known of it: nothing where it has become another unit."""
    if (carried["name"], carried["kind"]) != (known["name"], known["kind"]):
        return {}
    return {name: value for name, value in carried.items() if name in LATER}


@router.get("/directory", tags=["directory"])
async def list_units(request: Request) -> list[dict[str, Any]]:
    """Return every unit as it was announced last, with its revision, by code."""
    async with _running(request).engine.connect() as connection:
        return [{**UNSAID, **unit} for unit in await store.list_described(connection, "unit")]


@router.get("/directory/{word:path}", tags=["directory"], response_model=None)
async def show_unit(
    word: str,
    request: Request,
    source: Annotated[str | None, Query(max_length=100, description="for whom aliases hold")] = None,
    on: Annotated[date | None, Query(description="the day; today where it is not given")] = None,
) -> dict[str, Any] | JSONResponse:
    """Return the unit of a code, else the one that a word of a source means on a day.

    returns: the unit with `in_charge`, who heads it on the day and why, and `stood_for_by`, the units that then stand
    for it. A word that may mean several units, or none, is answered with 404 and the `candidates`.
    """
    running = _running(request)
    day = on or running.clock.now().astimezone(PROVINCE_ZONE).date()
    async with running.engine.connect() as connection:
        units = {unit["code"]: {**UNSAID, **unit} for unit in await store.list_described(connection, "unit")}
    index = words.directory(words.unit_of(unit) for unit in units.values())
    code = word if word in units else None
    if code is None:
        meaning = index.meaning(words.Words((word,), source, day.isoformat()), on=day.isoformat())
        code = meaning.code
        if code is None:
            candidates = [{"code": one, "name": units[one]["name"]} for one in meaning.candidates]
            several = f"it may be any of {len(candidates)} units" if candidates else "no unit is called so"
            return problem_details(404, f"{word}: {several}", candidates=candidates)
    head = in_charge(UnitDescribed.model_validate(units[code]), on=day)
    return {
        **units[code],
        "in_charge": head._asdict() if head else None,
        "stood_for_by": list(index.successors(code, on=day.isoformat())),
    }


@router.post("/republish", tags=["jobs"])
async def republish(request: Request, since: AwareDatetime | None = None) -> dict[str, Any]:
    """Say directory, procedures and calendars again, with their revisions; `since`: those announced since then.

    returns: how many were said. Facts of dossiers are not said again: who lost them reads the stream.
    """
    return {"done": await announcing.say_again(_running(request), since=since)}
