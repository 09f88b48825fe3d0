"""Intake over HTTP: messages of sources, imports, procedures, and what was refused."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse
from nats.errors import Error as NatsError

from services.intake import announcing, backfill, calendars_api, directory_api, procedures, store
from services.intake.correcting import api as correcting_api
from services.intake.oversight import api as oversight_api
from services.intake.own.schema import schema
from services.intake.quality import api as quality
from services.intake.sources import admission
from services.intake.sources import api as sources_api
from services.intake.understanding import IMPORT_ID, IMPORT_LINE, RECEIVED_AT, SETTINGS
from shared import bus, db, quarantine, tracing
from shared.bodies import read_body, takes
from shared.clock import machine_now
from shared.cloudevents import Outgoing
from shared.codes import national_procedure
from shared.http import problem_details
from shared.openapi import NDJSON
from shared.service import Running
from shared.streams import backfilled

router = APIRouter(prefix="/v1", dependencies=admission.ADMITTED)
router.include_router(calendars_api.router)
router.include_router(oversight_api.router)
router.include_router(correcting_api.router)
router.include_router(sources_api.router)
router.include_router(quality.router)
router.include_router(directory_api.router)

Source = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="the source's registered name")]
Verb = Annotated[str, Path(pattern=r"^[A-Za-z][A-Za-z0-9]{0,62}$", description="the portal's name of a REST verb")]
ImportId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
SourceQuery = Annotated[str, Query(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
MAX_LINES = 1000  # of one call: an atomic batch of the stream
BLANK_LINES = 10  # times as many line ends a call may have, where blank lines are passed over
TOO_MANY_LINES = f"send between 1 and {MAX_LINES} lines"
MAX_CALL_BYTES = 32 << 20
MAX_WAITING = 20_000  # messages of imports, lines and what they say: some seconds of work
MAX_CATALOGUE_BYTES = 8 << 20
LAST_LINE = 999_999_999 - MAX_LINES  # line numbers have nine digits at most


def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


def _headers(running: Running, **more: str) -> dict[str, str]:
    driven = {RECEIVED_AT: running.clock.now().isoformat()} if running.settings.clock == "driven" else {}
    return driven | more


async def _leave_room(running: Running) -> None:
    """Make an import wait while much of it is still to do: what waits is bounded, in lines and in bytes.

    raises: HTTPException - 429, the lines are to be sent again.
    """
    try:
        waiting = await backfill.waiting(running.client)
    except (bus.JetStreamError, NatsError, TimeoutError) as error:
        raise HTTPException(503, "the stream does not answer now; send again", {"Retry-After": "5"}) from error
    if waiting.messages > MAX_WAITING or waiting.size > running.settings.stream_max_bytes // 2:
        full = f"{waiting.messages} messages of imports wait to be done; send these lines again later"
        raise HTTPException(429, full, {"Retry-After": "1"})


async def _store(running: Running, messages: Sequence[Outgoing]) -> None:
    try:
        await bus.publish(running.client, messages)
    except bus.NotPublishedError as error:
        raise HTTPException(503, "the stream does not take messages now; send again", {"Retry-After": "5"}) from error


@router.post("/feeds/{source}/national", status_code=202, tags=["feeds"], openapi_extra=takes("application/json"))
async def take_national(source: Source, request: Request) -> dict[str, Any]:
    """Store one message of the national portal's format (DongBoHoSoMC, CapNhatTienDoHoSoMC) in the stream.

    returns: `id`, the message's trace: log lines of what it causes name it. A header `traceparent` goes before it.

    The answer comes after the stream has stored it; what becomes of its objects is seen in `/v1/quarantine` or in
    the obligations. Sending a message again is harmless.
    """
    body = await admission.take_body(request, limit=SETTINGS.max_body_bytes)
    return await _store_national(request, source, body)


@router.post(
    "/feeds/{source}/national/{verb}", status_code=202, tags=["feeds"], openapi_extra=takes("application/json")
)
async def take_verb(source: Source, verb: Verb, request: Request) -> dict[str, Any]:
    """Store the body of one REST verb of the portal: an object or a list of them.

    Verbs: CreateDossier (also NoiHoSo), CapNhatTienTrinh, CapNhatTrangThai with dates in ISO 8601; DongBoHoSoMC and
    CapNhatTienDoHoSoMC with theirs. What comes under another name is stored too and ends in quarantine.

    returns: as for `national`.
    """
    body = await admission.take_body(request, limit=SETTINGS.max_body_bytes)
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return await _store_national(request, source, body)  # for quarantine to show as it came
    return await _store_national(request, source, b'{"service":"%b","data":%b}' % (verb.encode(), body))


async def _store_national(request: Request, source: str, body: bytes) -> dict[str, Any]:
    running = _running(request)
    message_id = uuid.uuid4().hex
    trace = tracing.received(request.headers, seed=message_id)
    headers = _headers(running, **{tracing.HEADER: trace})
    await _store(running, [Outgoing(message_id, f"feed.{source}.national", body, headers)])
    return {"stored": True, "id": tracing.id_of(trace), "error_code": "00"}


@router.post("/feeds/{source}/facts", status_code=202, tags=["feeds"], openapi_extra=takes("application/json", NDJSON))
async def take_facts(source: Source, request: Request) -> dict[str, Any]:
    """Store what a source says in our own format: CloudEvents 1.0 as JSON, one document or an array of them.

    With the content type `application/x-ndjson` each line is such a message, at most 1000 of them.

    returns: `id` as for `national`, of all messages of the call; `stored`: how many they are.

    The answer comes after the stream has stored them all. Sending them again is harmless.
    """
    running = _running(request)
    in_lines = request.headers.get("Content-Type", "").split(";")[0].strip().lower() == NDJSON
    limit = MAX_CALL_BYTES if in_lines else SETTINGS.max_body_bytes
    body = await admission.take_body(request, limit=limit, in_lines=in_lines)
    bodies = _messages_of_lines(body) if in_lines else [body]
    call_id = uuid.uuid4().hex
    trace = tracing.received(request.headers, seed=call_id)
    headers = _headers(running, **{tracing.HEADER: trace})
    subject = f"feed.{source}.facts"
    await _store(running, [Outgoing(f"{call_id}:{n}", subject, one, headers) for n, one in enumerate(bodies)])
    return {"stored": len(bodies), "id": tracing.id_of(trace)}


@router.get("/schemas/facts", tags=["feeds"])
async def show_schema() -> dict[str, Any]:
    """Return the JSON Schema of our own format; docs/feeds.md tells what each type does."""
    return schema()


def _split(body: bytes, *, ends: int) -> list[bytes]:
    """Return the lines of a body. ends: line ends it may have; a small body, unpacked, could make millions of lines.

    raises: HTTPException - it has more.
    """
    if body.count(b"\n") > ends:
        raise HTTPException(422, TOO_MANY_LINES)
    return body.split(b"\n")


def _messages_of_lines(body: bytes) -> list[bytes]:
    """Return the lines that are not blank. raises: HTTPException - none, too many, or one that NATS would refuse."""
    parts = _split(body, ends=MAX_LINES * BLANK_LINES)
    lines = {number: line for number, one in enumerate(parts, start=1) if (line := one.strip())}
    if not 1 <= len(lines) <= MAX_LINES:
        raise HTTPException(422, TOO_MANY_LINES)
    for number, line in lines.items():
        if len(line) > SETTINGS.max_body_bytes:
            raise HTTPException(
                413, f"line {number} has {len(line)} bytes; at most {SETTINGS.max_body_bytes}; nothing is stored"
            )
    return list(lines.values())


@router.post("/imports/{import_id}/lines", status_code=202, tags=["imports"], openapi_extra=takes(NDJSON))
async def take_lines(
    import_id: ImportId,
    request: Request,
    source: SourceQuery,
    first: Annotated[int, Query(ge=1, le=LAST_LINE)],
    format: Literal["national", "facts", "table"] = "national",
) -> dict[str, Any]:
    """Store lines of an NDJSON file, each one message, as lines `first`, `first` + 1 … of an import.

    Of the format `table` each is a row of a table as `dondoc import --format csv` makes it.
    They give way to what the sources send now. 429: many still wait; send these lines again after `Retry-After`.
    """
    running = _running(request)
    await admission.refuse_disabled(request, source)
    await _leave_room(running)
    body = await read_body(request, limit=MAX_CALL_BYTES)
    lines = _split(body, ends=MAX_LINES)
    if lines and not lines[-1]:
        lines.pop()
    if not 1 <= len(lines) <= MAX_LINES:
        raise HTTPException(422, TOO_MANY_LINES)
    messages, too_long = [], []
    for number, line in enumerate(lines, start=first):
        if len(line) > SETTINGS.max_body_bytes:
            too_long.append((number, line))
            continue
        headers = _headers(running, **{IMPORT_ID: import_id, IMPORT_LINE: str(number)})
        messages.append(Outgoing(f"{import_id}:{number}", backfilled(f"feed.{source}.{format}"), line, headers))
    if messages:
        await _store(running, messages)
    if too_long:
        await _quarantine_long(running, import_id, source, format, too_long)
    return {"stored": len(messages), "refused": len(too_long)}


async def _quarantine_long(
    running: Running, import_id: str, source: str, format: str, lines: list[tuple[int, bytes]]
) -> None:
    """Lines that NATS would refuse are cut and quarantined before the stream."""
    entries = [
        quarantine.Entry(
            source, "line_too_long", f"{len(line)} bytes; at most {SETTINGS.max_body_bytes}",
            f"import {import_id}/{number}", machine_now(), line, backfilled(f"feed.{source}.{format}"),
            keep=quarantine.CUT_LIMIT,
        )
        for number, line in lines
    ]  # fmt: skip
    async with db.transaction(running.engine) as connection:
        await quarantine.add(connection, "intake", entries)
        await store.add_line_outcomes(
            connection, [store.LineOutcome(import_id, number, 0, 0, 1) for number, _ in lines]
        )


@router.get("/imports/{import_id}", tags=["imports"])
async def show_import(import_id: ImportId, request: Request) -> dict[str, int]:
    """Return how many lines are done and what became of their objects."""
    async with _running(request).engine.connect() as connection:
        return await store.sum_import(connection, import_id)


@router.get("/imports/{import_id}/done", tags=["imports"])
async def list_runs_done(import_id: ImportId, request: Request) -> list[list[int]]:
    """Return the lines that are done, as runs from a first to a last: an interrupted import sends only the rest."""
    async with _running(request).engine.connect() as connection:
        return [list(run) for run in await store.list_runs_done(connection, import_id)]


@router.post("/procedures", tags=["procedures"], response_model=None, openapi_extra=takes("text/csv"))
async def load_procedures(request: Request, dry_run: bool = False) -> dict[str, Any] | JSONResponse:
    """Take a catalogue of procedures (CSV); those that are not in it stay as they are.

    returns: codes of what was added and changed, and in `flagged` each line of which something is doubtful: that makes
    no limit. Mistakes are told all at once, and then nothing is taken. `dry_run` only says what would change.
    """
    try:
        catalogue = procedures.read(await read_body(request, limit=MAX_CATALOGUE_BYTES))
    except procedures.CatalogueError as error:
        places = [{"at": f"line {one.line}", "why": one.why} for one in error.mistakes]
        return problem_details(422, "the catalogue has mistakes and is not taken", errors=places)
    changes = await announcing.announce(_running(request), announcing.PROCEDURES, catalogue.procedures, dry_run=dry_run)
    flagged = [one._asdict() for one in catalogue.flagged]
    return {"procedures": len(catalogue.procedures), "dry_run": dry_run, **changes, "flagged": flagged}


@router.get("/procedures/{code}", tags=["procedures"])
async def show_procedure(code: str, request: Request) -> dict[str, Any]:
    """Return a procedure and its limits as they are now; a province may stand behind its national code."""
    async with _running(request).engine.connect() as connection:
        found = await store.find_procedure(connection, national_procedure(code))
    if found is None:
        raise HTTPException(404, "the catalogue has no such procedure")
    return found
