"""HTTP for feedback that comes from elsewhere: tables of the hotline, records of the portal."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy.exc import DBAPIError

from services.complaints import origins, permissions
from services.complaints.asking import NO_STORE, Asking, desk_of, not_stored, running_of
from services.complaints.importing import table
from services.complaints.importing.lines import EARLIEST, Given, Refused, misfits, take
from services.complaints.importing.portal import STATES, Record, state_of
from services.complaints.importing.taking_over import Outcome, Placed, take_over
from services.complaints.office import Office
from services.complaints.officers import PORTAL
from services.complaints.permissions import Actor
from services.complaints.taking import Filed
from shared.bodies import described, read_body, read_json, takes
from shared.service import Running

MOST_BYTES = 32 << 20
MOST_RECORDS = 1000
TOGETHER = 200  # lines that are filed at once: those of one transaction
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NOT_STORED = "was not stored; send the table again"
FAULTS = (DBAPIError, OSError, TimeoutError)
RECORDS: TypeAdapter[list[Any]] = TypeAdapter(Annotated[list[Any], Field(max_length=MOST_RECORDS)])
DESCRIBED: TypeAdapter[list[Record]] = TypeAdapter(Annotated[list[Record], Field(max_length=MOST_RECORDS)])

Source = Literal["hotline", "desk"]
router = APIRouter(prefix="/v1/complaints", tags=["complaints"])


def _must_bring(actor: Actor) -> None:
    if not permissions.may_bring(actor):
        raise HTTPException(403, "only the operator and sorters bring feedback in from elsewhere")


@router.post("/table", openapi_extra=takes("text/csv", XLSX))
async def take_table(
    request: Request,
    response: Response,
    actor: Asking,
    source: Source = "hotline",
    dry_run: bool = False,
    secrets: bool = False,
) -> dict[str, Any]:
    """File the lines of a table, each once by its `ref`. Lines that cannot be filed are told, the others are.

    returns: `filed` and `known` (filed before) with line, ref and code, `refused` with line and why. `secrets`: the
    secret of each that is filed, shown this once. `dry_run`: only what would become of each.
    """
    response.headers.update(NO_STORE)
    _must_bring(actor)
    running = running_of(request)
    try:
        lines = await asyncio.to_thread(table.read, await read_body(request, limit=MOST_BYTES))
    except table.TableError as error:
        raise HTTPException(422, str(error)) from None
    given, refused = await asyncio.to_thread(take, lines, now=running.clock.now())
    if dry_run:
        known = await _known(running, source, given)
        filed = [{"line": one.number, "ref": one.ref, "code": None} for one in given if one.ref not in known]
        before = [{"line": one.number, "ref": one.ref, "code": known[one.ref]} for one in given if one.ref in known]
    else:
        filed, before = await _file(request, source, given, refused, secrets=secrets)
    refused.sort(key=lambda one: one.line)
    return {"dry_run": dry_run, "filed": filed, "known": before, "refused": [asdict(one) for one in refused]}


def _pepper(office: Office) -> bytes:
    """Return what numbers are digested with. raises: HTTPException - 503: no key opens it."""
    if office.pepper is None:
        raise HTTPException(503, "a key that is needed is missing: `dondoc complaints keys status` names it")
    return office.pepper


async def _known(running: Running, source: Source, given: list[Given]) -> dict[str, str]:
    async with running.engine.connect() as connection:
        secret = _pepper(desk_of(running).office)
        found = await origins.find(connection, [origins.of(secret, source, one.ref) for one in given])
    return {origin.ref: known.code for origin, known in found.items()}


async def _file(
    request: Request, source: Source, given: list[Given], refused: list[Refused], *, secrets: bool
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """File lines; return those filed now and before. What could not be stored is added to `refused`."""
    (office, taking, _), headers = desk_of(running_of(request)), dict(request.headers)
    secret = _pepper(office)
    filed: list[dict[str, Any]] = []
    known: list[dict[str, Any]] = []
    fault: Exception | None = None
    for at in range(0, len(given), TOGETHER):
        part = given[at : at + TOGETHER]
        calls = (
            taking.file(
                one.filing,
                source=source,
                at=one.filed_at,
                origin=origins.of(secret, source, one.ref),
                headers=headers,
            )
            for one in part
        )
        for one, done in zip(part, await asyncio.gather(*calls, return_exceptions=True), strict=True):
            if isinstance(done, Filed):
                told = {"line": one.number, "ref": one.ref, "code": done.code}
                (filed if done.is_new else known).append(
                    told | {"secret": done.secret} if secrets and done.is_new else told
                )
            elif isinstance(done, FAULTS):
                fault = done
                refused.append(Refused(one.number, NOT_STORED))
            else:
                raise done
    if fault and not filed:  # no secret is lost by saying so
        raise not_stored(fault)
    return filed, known


@router.post("/portal", openapi_extra=described(DESCRIBED))
async def take_records(request: Request, response: Response, actor: Asking) -> dict[str, Any]:
    """Take over feedback as it stands at the national portal; the shape of a record is ours.

    One that is not known yet is filed. A newer state lets the act happen that it stands for; an older one, or the same
    again, changes nothing. Records are told one by one, in their order: what was done, and why one is refused.
    """
    response.headers.update(NO_STORE)
    _must_bring(actor)
    running = running_of(request)
    given = await read_json(request, RECORDS, limit=MOST_BYTES)
    desk, now = desk_of(running), running.clock.now()
    secret = _pepper(desk.office)
    read = [_placed(at, one, secret=secret, now=now) for at, one in enumerate(given)]
    placed = [one for one in read if isinstance(one, Placed)]
    try:
        taken = await take_over(running, desk, placed, headers=request.headers)
    except FAULTS as error:
        raise not_stored(error) from None
    outcomes = sorted((*taken, *(one for one in read if isinstance(one, Outcome))), key=lambda one: one.at)
    return {"records": [asdict(one) for one in outcomes]}


def _placed(at: int, given: Any, *, secret: bytes, now: datetime) -> Placed | Outcome:
    """Return a record that fits, else why it does not; never what stands in it."""
    try:
        record = Record.model_validate(given)
    except ValidationError as error:
        return Outcome(at, None, None, "refused", why=misfits(error, Record.model_fields))
    why = None
    if (state := state_of(record.state)) is None:
        why = f"state: none of the {len(STATES)} names of the portal"
    elif record.filed_at < EARLIEST:
        why = f"filed_at: lies before {EARLIEST.year}"
    elif record.updated_at > now:
        why = "updated_at: lies in the future"
    elif record.updated_at < record.filed_at:
        why = "updated_at: lies before filed_at"
    if state is None or why:
        return Outcome(at, record.ref, None, "refused", why=why)
    return Placed(at, record, state, origins.of(secret, PORTAL, record.ref))
