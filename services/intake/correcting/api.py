"""What people put right, over HTTP: the facts of a dossier, retractions, reversals, two codes of one dossier."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.correcting import linking, marks, retracting, store
from services.intake.correcting.linking import Claim
from services.intake.correcting.marks import Said
from services.intake.correcting.retracting import CannotError
from services.intake.facts import Assertion, fact_of, key_of
from services.intake.national import Code, word
from shared import db
from shared.bodies import described, read_json
from shared.cloudevents import Outgoing
from shared.instants import canonical
from shared.service import Running

router = APIRouter(tags=["facts"])
BODY_LIMIT = 64 << 10  # bytes
OF_A_DUTY = "<kind>/<id> for a duty, as in report/BC-Q4"
A_DOSSIER = Query(min_length=1, max_length=120, description=f"a dossier's code, any of them; {OF_A_DUTY}")
Text = Annotated[str, BeforeValidator(word), Field(min_length=1, max_length=500)]


class Reasoned(BaseModel):
    """Why, and who says so. No personal data: it is shown to whoever may see the dossier."""

    model_config = ConfigDict(extra="forbid")
    reason: Text
    by: Annotated[str, BeforeValidator(word), Field(max_length=100)] = ""

    def said(self, at: str) -> Said:
        return Said(self.reason, self.by or marks.OPERATOR, at)


class Retraction(Reasoned):
    """every: also all other facts that say the same of the same slot."""

    dossier: Annotated[str, Field(min_length=1, max_length=120)]
    fact: Annotated[str, Field(min_length=1, max_length=80)]
    every: bool = False


class Same(Reasoned):
    dossier: Code
    code: Code


RETRACTION, SAME, REASONED = TypeAdapter(Retraction), TypeAdapter(Same), TypeAdapter(Reasoned)


def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


async def _carry_out(running: Running, work: Callable[[AsyncConnection], Awaitable[Sequence[Outgoing]]]) -> None:
    """Do it in a transaction with what it says; what cannot be is answered with its reason."""

    async def done(connection: AsyncConnection) -> list[Outgoing]:
        return list(await work(connection))

    try:
        await running.commit(done, cause="correction")
    except CannotError as error:
        raise HTTPException(404 if error.unknown else 409, str(error)) from error


@router.get("/facts")
async def list_facts(request: Request, dossier: Annotated[str, A_DOSSIER]) -> dict[str, Any]:
    """Return every fact remembered of a dossier under any of its codes, with what retracts it.

    `said`: it was told to the other programs; one that only repeats a value is not.
    """
    try:
        async with db.transaction(_running(request).engine) as connection:
            return retracting.listed(await retracting.find(connection, dossier))
    except CannotError as error:
        raise HTTPException(404, str(error)) from error


@router.post("/retractions", openapi_extra=described(RETRACTION))
async def retract(request: Request, dry_run: bool = False) -> dict[str, Any]:
    """Retract a fact by its id: it no longer counts. Retracting a retraction restores; repeating it is harmless.

    returns: `facts`, those taken away; `already`, it was so before; `still`, how many others say the same and count on.
    """
    running = _running(request)
    asked = await read_json(request, RETRACTION, limit=BODY_LIMIT)
    now = running.clock.now()
    done: list[retracting.Retracting] = []

    async def work(connection: AsyncConnection) -> Sequence[Outgoing]:
        why = asked.said(canonical(now))
        one = await retracting.retract(
            connection, asked.dossier, asked.fact, why, every=asked.every, at=now, dry_run=dry_run
        )
        done.append(one)
        return one.events

    await _carry_out(running, work)
    return {"dry_run": dry_run, "facts": done[-1].facts, "already": done[-1].already, "still": done[-1].still}


@router.get("/reversals")
async def list_reversals(
    request: Request,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    all: bool = False,
) -> list[dict[str, Any]]:
    """List where a snapshot without a sending time may have turned back what stood: both facts; `all`: settled too."""
    async with _running(request).engine.connect() as connection:
        return await store.list_reversals(connection, after=after, limit=limit, open_only=not all)


@router.post("/reversals/{id}", openapi_extra=described(REASONED))
async def let_stand(id: Annotated[int, Field(ge=1, le=2**62)], request: Request) -> dict[str, Any]:
    """Let what came stand: the flag `possible_reversal` goes. Else retract one of the two facts."""
    running = _running(request)
    asked = await read_json(request, REASONED, limit=BODY_LIMIT)
    now = running.clock.now()
    await _carry_out(running, lambda one: retracting.let_stand(one, id, asked.said(canonical(now)), at=now))
    return {"id": id, "stands": True}


@router.post("/same_as", openapi_extra=described(SAME))
async def join(request: Request) -> dict[str, Any]:
    """Say that two codes are one dossier. Taken back by retracting the fact that it makes.

    returns: the `dossier` both go by from now on, and the `fact`.
    """
    running = _running(request)
    asked = await read_json(request, SAME, limit=BODY_LIMIT)
    if key_of(asked.dossier) == key_of(asked.code):
        raise HTTPException(422, "these are one code")
    now = running.clock.now()
    at = canonical(now)
    value = {"code": asked.code, "reason": asked.reason, "by": asked.by or marks.OPERATOR}
    said = Assertion(marks.SAME, value, at, at, 0)
    fact = fact_of(key_of(asked.dossier), said, name=said, heard=at, source=marks.OPERATOR, mirror=False)
    claim = Claim(asked.dossier, asked.code, fact, now)

    async def work(connection: AsyncConnection) -> Sequence[Outgoing]:
        events, [outcome] = await linking.join(connection, [claim])
        if outcome is None:
            raise CannotError(f"a dossier has {marks.NAMES_AT_MOST} codes at most")
        return events

    await _carry_out(running, work)
    async with db.transaction(running.engine) as connection:
        known = await retracting.find(connection, asked.dossier)
    [made, *_] = [link.fact["id"] for link in known.links if {link.one, link.other} == set(claim.ends)]
    return {"dossier": known.key, "codes": sorted(known.memories), "fact": made}
