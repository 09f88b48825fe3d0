"""HTTP for who sends feedback: file, follow with number and secret, add what is asked, rate, reopen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import TypeAdapter
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import acting, enclosing, life, store
from services.complaints.acting import Act
from services.complaints.asking import BODY_LIMIT, NO_STORE, commit, desk_of, not_stored, not_there, running_of
from services.complaints.case import ActError
from services.complaints.enclosing import described_with_files
from services.complaints.filing import Filing, new_code
from services.complaints.following import Followed, followed
from services.complaints.office import Office
from services.complaints.secrecy import attachments
from services.complaints.secrecy.refusing import RefusedFile
from services.complaints.secrecy.vault import Kept
from services.complaints.shapes import OfSender, Rated, Reopened, Supplemented
from services.complaints.web import admission
from services.complaints.web.gate import address_of, too_many
from shared.bodies import described, read_json
from shared.clock import monotonic_s
from shared.cloudevents import Outgoing
from shared.events import ComplaintRated, ComplaintReopened
from shared.service import Running
from shared.worktime import vietnam

FILING = TypeAdapter(Filing)
OF_SENDER, SUPPLEMENTED = TypeAdapter(OfSender), TypeAdapter(Supplemented)
NOT_SURE = 503  # what the database has not said may be stored after all
RATED, REOPENED = TypeAdapter(Rated), TypeAdapter(Reopened)


router = APIRouter(prefix="/v1/complaints", tags=["complaints"])


async def _may_file(request: Request) -> None:
    admission.admit(request, desk_of(running_of(request)).gate)


async def _may_look(request: Request) -> None:
    gate = desk_of(running_of(request)).gate
    if wait_s := gate.guard.look_wait_s(address_of(request), at_s=monotonic_s()):
        raise too_many(wait_s)


FILES, LOOKS = [Depends(_may_file)], [Depends(_may_look)]


async def look(running: Running, code: str, secret: str) -> Followed:
    """Return how a feedback stands for its sender. raises: NotThereError."""
    office = desk_of(running).office
    async with running.engine.connect() as connection:
        feedback = await acting.of_sender(connection, code, secret)
        steps = await store.steps_of(connection, feedback.case.code)
        joined = feedback.case.joined_to
        other = await store.find(connection, joined) if joined else None
    own = followed(feedback, steps, office, vietnam(), at=running.clock.now())
    if other and other.case.state == "published":  # once all may read that answer it is its own, in the words for all
        shown = followed(other, (), office, vietnam(), at=running.clock.now())
        return replace(own, answer=other.case.published_answer or shown.answer, answered_at=shown.answered_at)
    return own


async def by_sender(
    running: Running, code: str, secret: str, act: Act, *, headers: dict[str, str], kept: Sequence[Kept] = ()
) -> None:
    """Let the sender act. kept: attachments that come with it; none is left where it surely fails.

    raises: HTTPException.
    """
    office = desk_of(running).office

    async def do(connection: AsyncConnection) -> list[Outgoing]:
        now = running.clock.now()
        feedback, events = await acting.by_sender(connection, office, code, secret, act, now=now, headers=headers)
        await attachments.add(connection, office.vault, feedback.case.code, kept, at=now)
        return events

    try:
        await commit(running, do)
    except (HTTPException, RefusedFile) as error:
        if isinstance(error, RefusedFile) or error.status_code != NOT_SURE:
            await asyncio.to_thread(office.vault.remove, kept)
        if isinstance(error, RefusedFile):
            raise enclosing.refused(error) from None
        raise


def supplemented(text: str) -> Act:
    return Act("supplement", lambda feedback, at: life.supplement(feedback.case, at=at), note=text)


def rated(rating: int) -> Act:
    return Act("rate", lambda feedback, _: life.rate(feedback.case, rating), said=ComplaintRated)


def reopened(office: Office, text: str) -> Act:
    return Act(
        "reopen",
        lambda feedback, at: life.reopen(feedback.case, office.policy(at), at=at),
        note=text,
        said=ComplaintReopened,
    )


@router.post("", status_code=201, dependencies=FILES, openapi_extra=described_with_files(FILING, field="filing"))
async def file_complaint(request: Request, response: Response) -> dict[str, Any]:
    """Take a feedback and return the number and the secret to follow it by. The secret is shown this once."""
    running, code = running_of(request), new_code()
    office, taking, _ = desk_of(running)
    sent = await enclosing.read(request, FILING, field="filing", vault=office.vault)
    kept = await enclosing.keep(sent, code=code, vault=office.vault)
    try:
        filed = await taking.file(sent.value, source="api", code=code, attachments=kept, headers=dict(request.headers))
    except (DBAPIError, OSError, TimeoutError) as error:
        raise not_stored(error) from None
    assert filed.feedback, "what comes without a number of its own is new"
    response.headers["Location"] = f"/v1/complaints/{filed.code}"
    shown = followed(filed.feedback, (), office, vietnam(), at=running.clock.now())
    return {**asdict(shown), "secret": filed.secret}


@router.post("/{code}/follow", dependencies=LOOKS, openapi_extra=described(OF_SENDER))
async def follow_complaint(request: Request, response: Response, code: str) -> dict[str, Any]:
    """Say how a feedback stands, and the answer once there is one; never what was written nor by whom."""
    response.headers.update(NO_STORE)
    body = await read_json(request, OF_SENDER, limit=BODY_LIMIT)
    return await _shown(running_of(request), code, body.secret)


@router.post(
    "/{code}/supplement",
    dependencies=LOOKS,
    openapi_extra=described_with_files(SUPPLEMENTED, field="supplement"),
)
async def supplement_complaint(request: Request, code: str) -> dict[str, Any]:
    """Add what was asked for."""
    running = running_of(request)
    vault = desk_of(running).office.vault
    sent = await enclosing.read(request, SUPPLEMENTED, field="supplement", vault=vault)
    secret, act, kept = sent.value.secret, supplemented(sent.value.text), list[Kept]()
    if sent.form:  # no file is taken of whom it is not asked
        known = await _asked(running, code, secret, act)
        kept = await enclosing.keep(sent, code=known, vault=vault)
    return await _act(request, code, secret, act, kept=kept)


@router.post("/{code}/rating", dependencies=LOOKS, openapi_extra=described(RATED))
async def rate_answer(request: Request, code: str) -> dict[str, Any]:
    """Rate the answer, 1 to 5; the last rating counts."""
    body = await read_json(request, RATED, limit=BODY_LIMIT)
    return await _act(request, code, body.secret, rated(body.rating))


@router.post("/{code}/reopening", dependencies=LOOKS, openapi_extra=described(REOPENED))
async def reopen_complaint(request: Request, code: str) -> dict[str, Any]:
    """Ask again, within the time and as often as the rules allow."""
    body = await read_json(request, REOPENED, limit=BODY_LIMIT)
    return await _act(request, code, body.secret, reopened(desk_of(running_of(request)).office, body.text))


async def _act(request: Request, code: str, secret: str, act: Act, *, kept: Sequence[Kept] = ()) -> dict[str, Any]:
    running = running_of(request)
    await by_sender(running, code, secret, act, headers=dict(request.headers), kept=kept)
    return await _shown(running, code, secret)


async def _asked(running: Running, code: str, secret: str, act: Act) -> str:
    """Return the number of a feedback in whose state the sender may do this. raises: HTTPException - 404, 409."""
    async with running.engine.connect() as connection:
        try:
            feedback = await acting.of_sender(connection, code, secret)
            act.change(feedback, max(running.clock.now(), feedback.case.filed_at))
        except acting.NotThereError:
            raise not_there() from None
        except ActError as error:
            raise HTTPException(409, str(error)) from None
    return feedback.case.code


async def _shown(running: Running, code: str, secret: str) -> dict[str, Any]:
    try:
        return asdict(await look(running, code, secret))
    except acting.NotThereError:
        raise not_there() from None
