"""The register over HTTP, for the operator: sources, their keys, what they may, and the audit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Request
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.sources import audit, heard_store, keys, store, waiting, watch
from services.intake.sources.register import NAME, RESERVED, Key, Register, Role, Source
from services.intake.sources.store import AuditLine
from services.intake.understanding import SETTINGS
from shared.bodies import described, read_json
from shared.clock import machine_now
from shared.cloudevents import Outgoing
from shared.service import Running

router = APIRouter(tags=["sources"])
BODY_LIMIT = 64 << 10
KEYS_AT_MOST = 10  # of one source at a time
Name = Annotated[str, Path(pattern=f"^{NAME.pattern}$")]
Work = Callable[[AsyncConnection, Register], Awaitable[list[Outgoing]]]


class Changes(BaseModel):
    """What an operator may set of a source; what is not given stays. silent_after_minutes, rates: null = the usual."""

    model_config = ConfigDict(extra="forbid")
    title: Annotated[str, Field(max_length=200)] = ""
    role: Role = "primary"
    signed: bool = False
    watched: bool = True
    silent_after_minutes: Annotated[int | None, Field(ge=1, le=100_000)] = None
    objects_per_minute: Annotated[int | None, Field(ge=0, le=10_000_000)] = None
    bytes_per_minute: Annotated[int | None, Field(ge=0, le=1 << 40)] = None


class New(Changes):
    """A source to be registered."""

    name: Annotated[str, Field(pattern=f"^{NAME.pattern}$")]


def _believable(at: datetime) -> datetime:
    if not 2000 <= at.year <= 2200:
        raise ValueError("must be a time of our age")
    return at


class NewKey(BaseModel):
    """others_until: when the keys there are end at the latest; null = when they are revoked."""

    model_config = ConfigDict(extra="forbid")
    others_until: Annotated[AwareDatetime, AfterValidator(_believable)] | None = None


NEW, CHANGES, NEW_KEY = TypeAdapter(New), TypeAdapter(Changes), TypeAdapter(NewKey)


async def _commit(request: Request, work: Work, *, name: str, deed: str, why: str = "") -> None:
    """Change the register: all copies see it, the audit tells it, and what follows from it is said."""
    running: Running = request.app.state.running

    async def all_of_it(connection: AsyncConnection) -> list[Outgoing]:
        said = await work(connection, await store.lock(connection))
        await store.change(connection)
        line = AuditLine(machine_now(), name, deed, why, audit.address_of(request))
        await store.add_audit(connection, [line])
        return said

    await running.commit(all_of_it, cause="sources")
    request.app.state.register = None  # read anew at the next call


def _known(register: Register, name: str) -> Source:
    if name not in register.sources:
        raise HTTPException(404, f"there is no source {name}; `dondoc source list` names them")
    return register.sources[name]


@router.get("/sources")
async def list_sources(request: Request) -> list[dict[str, Any]]:
    """List the sources, by name: what they may, their keys by id, when they were heard and since when silent."""
    async with request.app.state.running.engine.connect() as connection:
        register = await store.read(connection)
        heard = await heard_store.list_all(connection)
    return [_shown(source, register, heard) for source in register.sources.values()]


@router.get("/sources/{name}")
async def show_source(name: Name, request: Request) -> dict[str, Any]:
    """Return one source as the list has it."""
    async with request.app.state.running.engine.connect() as connection:
        register = await store.read(connection)
        heard = await heard_store.list_all(connection)
    return _shown(_known(register, name), register, heard)


def _shown(source: Source, register: Register, heard: dict[str, dict[str, Any]]) -> dict[str, Any]:
    of = heard.get(source.name, {})
    return {
        **asdict(source),
        "keys": [
            {"id": key.id, "made_at": key.made_at, "valid_until": key.valid_until}
            for key in sorted(register.keys.values(), key=lambda key: key.made_at)
            if key.source == source.name
        ],
        "heard_at": of.get("heard_at"),
        "silent_since": of.get("silent_since"),
    }


@router.post("/sources", status_code=201, openapi_extra=described(NEW))
async def add_source(request: Request) -> dict[str, Any]:
    """Register a source, enabled. Its keys are made by `POST /v1/sources/{name}/keys`."""
    new = await read_json(request, NEW, limit=BODY_LIMIT)
    if new.name in RESERVED:
        raise HTTPException(422, f"{new.name} is a name of ours; choose another")
    _check_signing(new)
    source = Source(enabled=True, how="operator", made_at=machine_now(), **new.model_dump())

    async def add(connection: AsyncConnection, _: Register) -> list[Outgoing]:
        if not await store.add_sources(connection, [source]):
            there = f"there is a source {new.name} already: `dondoc source key` makes it a key, `set` changes it"
            raise HTTPException(409, there)
        return []

    await _commit(request, add, name=new.name, deed="registered")
    return await show_source(new.name, request)


@router.patch("/sources/{name}", openapi_extra=described(CHANGES))
async def change_source(name: Name, request: Request) -> dict[str, Any]:
    """Change what is given of a source: title, role, signed, watched, silence, rates."""
    wanted = await read_json(request, CHANGES, limit=BODY_LIMIT)
    _check_signing(wanted)
    changes = wanted.model_dump(exclude_unset=True)
    why = ", ".join(f"{field}={value}" for field, value in changes.items() if field != "title")
    await _change(request, name, changes, deed="changed", why=why)
    return await show_source(name, request)


@router.post("/sources/{name}/enable")
async def enable_source(name: Name, request: Request) -> dict[str, Any]:
    """Let a source speak again, and take in what it sent meanwhile. taken, waiting: entries of the quarantine."""
    await _change(request, name, {"enabled": True}, deed="enabled")
    taken, left = await waiting.take_in(request.app.state.running, name)
    return {**await show_source(name, request), "taken": taken, "waiting": left}


@router.post("/sources/{name}/disable")
async def disable_source(name: Name, request: Request) -> dict[str, Any]:
    """Let a source speak no more: its calls are refused, and what comes over NATS waits in quarantine."""
    await _change(request, name, {"enabled": False}, deed="disabled")
    return await show_source(name, request)


async def _change(request: Request, name: str, changes: dict[str, Any], *, deed: str, why: str = "") -> None:
    now = request.app.state.running.clock.now()

    async def change(connection: AsyncConnection, register: Register) -> list[Outgoing]:
        before = _known(register, name)
        if changes:
            await store.put_source(connection, name, changes)
        after = asdict(before) | changes
        if not (after["enabled"] and after["watched"]):
            return await watch.stop_watching(connection, name, now=now)
        if before.enabled and before.watched:
            await heard_store.look_again(connection, name, at=now)  # by what it is held to from now on
        else:
            await heard_store.watch_from(connection, name, at=now)
        return []

    await _commit(request, change, name=name, deed=deed, why=why)


def _check_signing(wanted: Changes) -> None:
    if wanted.signed and not SETTINGS.signing_key.get_secret_value():
        raise HTTPException(422, "set DONDOC_INTAKE_SIGNING_KEY: without it no source can sign")


@router.post("/sources/{name}/keys", status_code=201, openapi_extra=described(NEW_KEY))
async def add_key(name: Name, request: Request) -> dict[str, Any]:
    """Make a key, valid at once; it is shown in this answer and never again.

    key: goes in the header X-API-Key. signing_secret: for the header Dondoc-Signature, null without signing.
    """
    wanted = await read_json(request, NEW_KEY, limit=BODY_LIMIT)
    id, key = keys.new_key()
    made = Key(id, name, keys.digest(key), machine_now(), None)

    async def add(connection: AsyncConnection, register: Register) -> list[Outgoing]:
        _known(register, name)
        if sum(one.source == name for one in register.keys.values()) >= KEYS_AT_MOST:
            raise HTTPException(409, f"{name} has {KEYS_AT_MOST} keys: revoke one first")
        await store.add_key(connection, made)
        if wanted.others_until:
            await store.end_other_keys(connection, name, but=id, at=wanted.others_until)
        return []

    await _commit(request, add, name=name, deed="key_made", why=id)
    master = SETTINGS.signing_key.get_secret_value()
    return {"id": id, "key": key, "signing_secret": keys.signing_secret(master, id) if master else None}


@router.delete("/sources/{name}/keys/{key_id}", status_code=204)
async def revoke_key(name: Name, key_id: Annotated[str, Path(max_length=80)], request: Request) -> None:
    """Revoke a key; it lets nobody in any more. Harmless where it is revoked already."""

    async def remove(connection: AsyncConnection, register: Register) -> list[Outgoing]:
        _known(register, name)
        await store.remove_key(connection, name, key_id)
        return []

    await _commit(request, remove, name=name, deed="key_revoked", why=audit.word(key_id))


@router.get("/audit")
async def list_audit(
    request: Request,
    before: Annotated[int | None, Query(ge=1, le=1 << 62)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[dict[str, Any]]:
    """List refused calls and changes of the register, newest first. before: the id of a line, for the next page."""
    async with request.app.state.running.engine.connect() as connection:
        return await store.list_audit(connection, before=before, limit=limit)
