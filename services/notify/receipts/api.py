"""The ways in over HTTP: calls of gateways, mails that a relay pipes to us; and the list of dead addresses."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, cast
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, HTTPException, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.receipts import addresses, bounces, callbacks, inbox, store, tokens
from services.notify.receipts.bounces import Bounce
from services.notify.receipts.callbacks import Callbacks, Told
from services.notify.receipts.following import mark_of
from services.notify.receipts.inbox import Heard
from services.notify.sending import gateways, ways
from services.notify.sending.providers import Http
from services.notify.settings import NotifySettings
from shared import db, metrics
from shared.allowance import Allowance
from shared.bodies import read_body, takes
from shared.clock import monotonic_s
from shared.cloudevents import Outgoing
from shared.http import KEY
from shared.service import Running

LARGEST_CALL = 64 << 10  # bytes: one message, or a hundred
CALLS_PER_MINUTE = 6_000  # of one gateway: several times what a province sends
REFUSED_PER_MINUTE = 60  # calls without a right token, from one address
MEDIA = ("application/json", "application/x-www-form-urlencoded")


def routes(settings: NotifySettings) -> APIRouter:
    """Return the routes; those of gateways are guarded by the token in their address, the others by the key."""
    router, described = APIRouter(prefix="/v1"), _described(settings)
    router.include_router(_of_gateways(settings, described), tags=["receipts"])
    router.include_router(_of_mails(settings), tags=["receipts"], dependencies=KEY)
    router.include_router(_of_operators(settings, described), tags=["receipts"], dependencies=KEY)
    router.include_router(_of_addresses(), tags=["receipts"], dependencies=KEY)
    return router


def _described(settings: NotifySettings) -> dict[str, Callbacks]:
    """Return how each gateway tells of receipts, by its provider's name; the carried ones also where none is in use.

    One that was in use a while ago still tells of what it took then.
    """
    used = {one.name: one.gateway for one in ways.named(settings) if isinstance(one, Http)}
    names = {name: name for name in gateways.carried()} | used
    return {name: told for name, of in sorted(names.items()) if (told := gateways.load(of).receipts) is not None}


def _of_gateways(settings: NotifySettings, described: Mapping[str, Callbacks]) -> APIRouter:
    router, calls = APIRouter(), Calls(settings.receipts_key.get_secret_value(), described)

    @router.post("/receipts/{provider}/{token}", openapi_extra=takes(*MEDIA))
    async def receipt(request: Request, provider: str, token: str) -> dict[str, int]:
        """Take what a gateway says of messages: members of the query, of a form, or of a JSON body.

        `taken`: of how many messages it speaks.
        """
        return await _take(request, provider, token, calls)

    @router.get("/receipts/{provider}/{token}")
    async def receipt_in_query(request: Request, provider: str, token: str) -> dict[str, int]:
        """As by POST, for gateways that put all members into the query."""
        return await _take(request, provider, token, calls)

    @router.post("/receipts/{provider}", openapi_extra=takes(*MEDIA))
    async def receipt_by_token(request: Request, provider: str, token: str = "") -> dict[str, int]:
        """As the one with the token in its path."""
        return await _take(request, provider, token, calls)

    @router.get("/receipts/{provider}")
    async def receipt_in_query_by_token(request: Request, provider: str, token: str = "") -> dict[str, int]:
        """As the one with the token in its path."""
        return await _take(request, provider, token, calls)

    return router


@dataclass(frozen=True, slots=True)
class Calls:
    """What is needed to take calls. described: gateways by name.

    of_gateway, refused: how often one gateway may call, and an address without a right token.
    """

    key: str
    described: Mapping[str, Callbacks]
    of_gateway: Allowance = field(default_factory=Allowance)
    refused: Allowance = field(default_factory=Allowance)


async def _take(request: Request, provider: str, token: str, calls: Calls) -> dict[str, int]:
    """Keep what a gateway says; what it means for our notices is found out afterwards."""
    described = calls.described.get(provider)
    if described is None:
        raise HTTPException(404, "there is no gateway of this name whose receipts are described")
    told = [one for given in await _members(request) if (one := callbacks.read(described, given))]
    right = tokens.is_right(token, tokens.of_provider(calls.key, provider))
    if not right and not (
        told and all(tokens.is_right(token, tokens.of_notice(calls.key, one.notice_id)) for one in told)
    ):
        _slow_down(calls.refused, request.client.host if request.client else "", REFUSED_PER_MINUTE)
        metrics.receipts.labels(provider, "refused").inc()
        raise HTTPException(403, "not a right token for this; `dondoc notify receipts urls` prints the address to call")
    if not told:
        raise HTTPException(422, "the call does not say of which message it speaks")
    _slow_down(calls.of_gateway, provider, CALLS_PER_MINUTE)
    async with db.transaction(_started(request).engine) as connection:
        await inbox.put(connection, [_heard(provider, one) for one in told])
    return {"taken": len(told)}


async def _members(request: Request) -> list[dict[str, str]]:
    """Return the members of each message a call tells of; those of the query count for all."""
    query = {name: value for name, value in request.query_params.items() if name != "token"}
    body = await read_body(request, limit=LARGEST_CALL)
    if not body:
        return [query]
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() == MEDIA[1]:
        try:
            return [query | dict(parse_qsl(body.decode(), max_num_fields=100))]
        except ValueError:
            raise HTTPException(422, "the form cannot be read") from None
    try:
        return [query | given for given in callbacks.members(orjson.loads(body))]
    except orjson.JSONDecodeError:
        raise HTTPException(422, "the body is neither a form nor JSON") from None


def _heard(provider: str, told: Told) -> Heard:
    return Heard(
        provider=provider,
        state=told.state,
        reference=told.reference,
        notice_id=told.notice_id,
        code=told.code,
        dead=told.dead,
        said_at=told.said_at,
    )


def _slow_down(allowance: Allowance, who: str, per_minute: int) -> None:
    if wait_s := allowance.wait_s(who, per_minute=per_minute, at_s=monotonic_s()):
        raise HTTPException(429, "too many calls", headers={"Retry-After": str(math.ceil(wait_s))})


def heard_of(found: list[Bounce], settings: NotifySettings) -> list[Heard]:
    """Return what a report by mail says, as the inbox keeps it.

    Anybody can write a report, and whoever knows a unit's code and its slots knows the ids of its notices. So one that
    does not prove that it is about a mail of ours makes no address a dead one, and says of no mail that it arrived.
    """
    key = settings.receipts_key.get_secret_value()
    heard = []
    for one in found:
        proven = tokens.is_right(one.proof, tokens.of_notice(key, one.notice_id))
        heard.append(
            Heard(
                provider=store.BOUNCE if proven else store.UNPROVEN,
                state=one.state if proven or one.state != "delivered" else "unknown",
                notice_id=one.notice_id,
                code=one.status,
                dead=one.no_such_address and proven,
                marks=tuple(mark_of("email", address, settings) for address in one.recipients),
                said_at=one.said_at,
            )
        )
    return heard


def _of_mails(settings: NotifySettings) -> APIRouter:
    router = APIRouter()

    @router.post("/bounces", openapi_extra=takes("message/rfc822"))
    async def bounce(request: Request) -> dict[str, int]:
        """Take a mail that came to the return path. `taken`: recipients it reports on, 0 of any other mail."""
        raw = await read_body(request, limit=bounces.LARGEST)
        found = await asyncio.to_thread(bounces.read, raw, domain=settings.message_id_domain)
        if not found:
            metrics.receipts.labels(store.BOUNCE, "no_report").inc()
        async with db.transaction(_started(request).engine) as connection:
            await inbox.put(connection, heard_of(found, settings))
        return {"taken": len(found)}

    return router


def _of_operators(settings: NotifySettings, described: Mapping[str, Callbacks]) -> APIRouter:
    router = APIRouter()

    @router.get("/receipts")
    async def urls() -> Mapping[str, Any]:
        """List the address that each gateway is to call: a secret, whoever has it can say that notices arrived."""
        key = settings.receipts_key.get_secret_value()
        if not key:
            raise HTTPException(409, "DONDOC_NOTIFY_RECEIPTS_KEY is not set: no gateway's call is taken without it")
        return {
            "urls": {
                name: f"{settings.receipts_url}/v1/receipts/{name}/{tokens.of_provider(key, name)}"
                for name in described
            }
        }

    return router


def _of_addresses() -> APIRouter:
    router = APIRouter()

    @router.get("/addresses")
    async def dead_addresses(
        request: Request, after: int = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 200
    ) -> Mapping[str, Any]:
        """List dead addresses by unit and role; what they are stands in the directory alone."""
        async with _started(request).engine.connect() as connection:
            found = await addresses.list_dead(connection, after=after, limit=limit)
        return {"addresses": found, "next": found[-1]["id"] if len(found) == limit else None}

    @router.post("/addresses/{id}/revive")
    async def revive(request: Request, id: int) -> dict[str, int]:
        """Let notices go to an address again."""
        running, known = _started(request), False

        async def work(connection: AsyncConnection) -> list[Outgoing]:
            nonlocal known
            at: datetime = running.clock.now()
            known = await addresses.revive(connection, id, at=at)
            return []

        await running.commit(work, cause="revive")
        if not known:
            raise HTTPException(404, "no dead address has this number; `dondoc notify addresses list` shows them")
        return {"revived": id}

    return router


def _started(request: Request) -> Running:
    return cast(Running, request.app.state.running)
