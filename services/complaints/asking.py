"""What the HTTP calls of complaints share: who asks, what they are refused with, the commit of an act."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, NamedTuple, cast
from weakref import WeakKeyDictionary

from fastapi import Depends, HTTPException, Request
from fastapi.security import APIKeyHeader
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import acting, officers, reference
from services.complaints.acting import NotAllowedError, NotThereError
from services.complaints.case import ActError
from services.complaints.office import Office, office_of
from services.complaints.permissions import Actor
from services.complaints.secrecy import pepper
from services.complaints.secrecy.configured import envelope_of
from services.complaints.settings import Settings
from services.complaints.store import Feedback
from services.complaints.taking import Taking
from services.complaints.web.gate import Gate, open_gate
from services.complaints.web.guard import Limits
from shared import db
from shared.clock import PROVINCE_ZONE
from shared.cloudevents import Outgoing
from shared.logs import log
from shared.secrets import KEY_HEADER
from shared.service import Running

BODY_LIMIT = 256 * 1024  # bytes: the longest text allowed, each letter decomposed and escaped
NO_STORE = {"Cache-Control": "no-store"}
_header = APIKeyHeader(name=KEY_HEADER, auto_error=False)


class Desk(NamedTuple):
    """One process's office, the door through which all feedback comes, and the gate before it."""

    office: Office
    taking: Taking
    gate: Gate


_desks: WeakKeyDictionary[Engine, Desk] = WeakKeyDictionary()


async def open_desk(running: Running) -> None:
    """Make the desk of a starting service. raises: KeysError, PolicyError - what it needs cannot be used."""
    settings = cast(Settings, running.settings)
    async with db.transaction(running.engine) as connection:
        office = office_of(settings, await pepper.get(connection, envelope_of(settings)))
    limits = Limits(
        free=settings.complaints_filings_per_minute,
        most=settings.complaints_filings_per_minute_at_most,
        bits=settings.complaints_work_bits,
        looks=settings.complaints_lookups_per_minute,
    )
    gate = open_gate(limits, api_key=settings.api_key.get_secret_value())
    _desks[running.engine.sync_engine] = Desk(office, Taking(running, office), gate)


def desk_of(running: Running) -> Desk:
    return _desks[running.engine.sync_engine]


def desk_at(connection: AsyncConnection) -> Desk | None:
    """Return the desk of the service whose connection it is; None while it starts."""
    return _desks.get(connection.engine.sync_engine)


def running_of(request: Request) -> Running:
    return cast(Running, request.app.state.running)


async def actor(request: Request, key: Annotated[str | None, Depends(_header)]) -> Actor:
    """Return who asks: the operator by the installation's key, an officer by his own. raises: HTTPException - 401."""
    expected = request.app.state.api_key
    if key and expected and hmac.compare_digest(key.encode(), expected.encode()):
        return officers.OPERATOR
    found = None
    if key:
        async with running_of(request).engine.connect() as connection:
            found = await officers.with_key(connection, key)
            if found and found.unit:
                today = running_of(request).clock.now().astimezone(PROVINCE_ZONE).date()
                units = await reference.units(connection)
                former = units.former(found.unit, on=today)
                heir_of = frozenset(one for one in former if len(units.stand(one, on=today)) == 1)
                under = units.over(found.unit, on=today)
                found = replace(found, under=under, heir_of=heir_of, former=former)
    if found is None:
        raise HTTPException(401, f"send your key in the header {KEY_HEADER}: the operator makes one for each officer")
    return found


Asking = Annotated[Actor, Depends(actor)]


async def seen(connection: AsyncConnection, code: str, actor: Actor) -> Feedback:
    """Return a feedback that an officer may see. raises: HTTPException - 404."""
    try:
        return await acting.get(connection, code, actor)
    except NotThereError:
        raise not_there() from None


async def commit(running: Running, work: Callable[[AsyncConnection], Awaitable[list[Outgoing]]]) -> None:
    """Commit, or say what is in the way. A database error names the values it was given: it ends here."""
    try:
        await running.commit(work, cause="request")
    except (DBAPIError, OSError, TimeoutError) as error:
        raise not_stored(error) from None
    except NotThereError:
        raise not_there() from None
    except NotAllowedError as error:
        raise HTTPException(403, f"your roles do not allow this: {error}") from None
    except ActError as error:
        raise HTTPException(409, str(error)) from None


def not_stored(error: Exception) -> HTTPException:
    log.error("not_stored", error=type(error).__name__)
    return HTTPException(503, "nothing was stored; try again later", headers={"Retry-After": "10"})


def not_there() -> HTTPException:
    return HTTPException(404, "no feedback has this number, or it is not yours to see: look at number, secret or roles")


def no_page(name: str) -> HTTPException:
    return HTTPException(422, f"no page ended there: `{name}` is the `next` of the page before; else begin again")
