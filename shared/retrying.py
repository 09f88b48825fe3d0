"""Carrying out what lies in quarantine, as it is or corrected, and dropping it.

A retry is the message's own way once more: its handler, its stream's subject, the time at which it was received. What
it causes and the closing of the entry are one transaction: it can be neither lost nor done twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
from nats.errors import Error as NatsError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import db, parking, quarantine, quarantine_store
from shared.bus import Received
from shared.clock import DrivenClock, machine_now
from shared.cloudevents import Outgoing
from shared.logs import log, told
from shared.quarantine_store import Kept
from shared.service import Handle, Heard, Running
from shared.streams import STREAMS, plain

RETRY_EVERY_S = 600
AT_ONCE = 100
TOLD_AT_MOST = 20  # refusals in an outcome
LETTING_GO = {stream.name for stream in STREAMS.values() if stream.can_wait}
_ORIGIN = re.compile(r"([A-Z]+)/([0-9]{1,18})")


class NoEntryError(LookupError):
    """There is no such entry."""


class NotNowError(Exception):
    """An entry cannot be carried out, or dropped, as it stands; the message says why and what to do."""


class _OnlyAskedError(Exception):
    """A dry run: all that was done is rolled back."""


async def retry_parked_for_ever(running: Running) -> None:
    """Carry out what failed alone: at the start, which follows every deploy, and every ten minutes."""
    while True:
        try:
            await retry_parked(running)
        except (SQLAlchemyError, NatsError, OSError, TimeoutError) as error:
            log.warning("parked_wait", error=told(error))
        await asyncio.sleep(RETRY_EVERY_S)


async def retry_parked(running: Running) -> int:
    """Carry out each message that failed alone once more; returns how many went. What fails again waits on."""
    gone = after = 0
    while entries := await _parked(running, after=after):
        for entry in entries:
            after = entry["id"]
            with contextlib.suppress(NotNowError, NoEntryError):
                gone += (await retry(running, after, body=None, by=None))["state"] == "retried"
    return gone


async def _parked(running: Running, *, after: int) -> list[dict[str, Any]]:
    async with running.engine.connect() as connection:
        return await quarantine_store.list_entries(
            connection, running.service.name,
            after=after, limit=AT_ONCE, state="waiting", source=None, reason=parking.FAILED_ALONE,
        )  # fmt: skip


async def retry(
    running: Running, id: int, *, body: bytes | None, by: str | None, dry_run: bool = False
) -> dict[str, Any]:
    """Carry an entry out again. The same retry once more is a repeat: it tells the first outcome.

    body: what is sent in its place; None: as it is. by: who asks, None where nobody did: then a failure is no news
        and stands in the log alone. dry_run: only say what would come of it.
    returns: `state` of the entry, `repeat`, and the `outcome`: whether it was `taken`, `refused` or `failed`, how many
        events it `said`, what was `refused` of it, and the `digest` of what was sent.
    raises: NoEntryError. NotNowError - it is closed, or no message, or its bytes are not there. Of the database, what
        is transient.
    """
    entry = await _find(running, id)
    digest = hashlib.sha256(body).hexdigest() if body is not None else parking.AS_IT_IS
    if entry.state == "retried":
        return {"id": id, "dry_run": dry_run, **_again(entry, digest)}
    message = await _message(running, entry, body)
    done: dict[str, Any] = {}

    async def work(connection: AsyncConnection) -> list[Outgoing]:
        events, told = await _carry_out(connection, running, message, id=id, digest=digest, by=by)
        done.update(told)
        if dry_run:
            raise _OnlyAskedError
        return events

    try:
        await running.commit(work, cause="retry")
    except _OnlyAskedError:
        pass
    except Exception as error:
        if db.is_transient(error) or isinstance(error, NotNowError):
            raise
        done = await _failed(running, entry, error, digest, by=by, dry_run=dry_run)
    return {"id": id, "dry_run": dry_run, **done}


async def _find(running: Running, id: int) -> Kept:
    async with running.engine.connect() as connection:
        entry = await quarantine_store.find(connection, running.service.name, id)
    if entry is None:
        raise NoEntryError(id)
    return entry


async def _carry_out(
    connection: AsyncConnection, running: Running, message: Received, *, id: int, digest: str, by: str | None
) -> tuple[list[Outgoing], dict[str, Any]]:
    """Process the message and close the entry, under its lock; returns what is said, and the answer."""
    handle = _handler(running, message)
    entry = await quarantine_store.find(connection, running.service.name, id, lock=True)
    assert entry  # lines are never deleted
    if entry.state == "retried":
        return [], _again(entry, digest)
    with quarantine.watched() as refused:
        events = await handle(connection, Heard([message], running.clock.now(), isinstance(running.clock, DrivenClock)))
    outcome = _outcome(events, refused, digest)
    return events, await _close(connection, running, entry, refused, outcome, by=by)


async def drop(running: Running, id: int, *, reason: str, by: str) -> dict[str, Any]:
    """Close an entry without carrying it out. Its line, and until their time its bytes, stay.

    raises: NoEntryError. NotNowError - it was carried out.
    """
    answer: dict[str, Any] = {"id": id, "state": "dropped", "repeat": False}
    async with db.transaction(running.engine) as connection:
        entry = await quarantine_store.find(connection, running.service.name, id, lock=True)
        if entry is None:
            raise NoEntryError(id)
        if entry.state == "retried":
            raise NotNowError("it was carried out already; see its history")
        if entry.state == "dropped":
            return {**answer, "repeat": True}
        act = {"act": "drop", "at": machine_now(), "by": by, "reason": reason}
        await quarantine_store.close(
            connection, running.service.name, id, state="dropped", at=machine_now(), corrected=False, act=act
        )
    log.info("quarantine_dropped", entry=id, by=by)
    return answer


async def release_bytes(running: Running) -> int:
    """Let the bytes of entries go whose retention is over; returns how many."""
    after = timedelta(days=running.settings.quarantine_days)
    released = 0
    while True:
        async with db.transaction(running.engine) as connection:
            gone = await quarantine_store.release_bytes(
                connection, running.service.name, now=machine_now(), after=after
            )
        released += gone
        if gone < quarantine_store.RELEASED_AT_ONCE:
            return released


def _again(entry: Kept, digest: str) -> dict[str, Any]:
    last = next(act for act in reversed(entry.history) if act["act"] == "retry")
    if last["outcome"]["digest"] != digest:
        raise NotNowError("it was carried out already with other bytes; see its history")
    return {"state": "retried", "repeat": True, "outcome": last["outcome"]}


async def _close(
    connection: AsyncConnection,
    running: Running,
    entry: Kept,
    refused: Sequence[quarantine.Entry],
    outcome: Mapping[str, Any],
    *,
    by: str | None,
) -> dict[str, Any]:
    """Close the entry, unless it was refused for the very reason again: then it waits on."""
    act = {"act": "retry", "at": machine_now(), "by": by or "dondoc", "outcome": outcome}
    schema = running.service.name
    if any(one.digest == entry.digest for one in refused):
        await quarantine_store.note(connection, schema, entry.id, act)
        return {"state": entry.state, "repeat": False, "outcome": outcome}
    corrected = outcome["digest"] != parking.AS_IT_IS
    await quarantine_store.close(
        connection, schema, entry.id, state="retried", at=machine_now(), corrected=corrected, act=act
    )
    return {"state": "retried", "repeat": False, "outcome": outcome}


async def _failed(
    running: Running, entry: Kept, error: Exception, digest: str, *, by: str | None, dry_run: bool
) -> dict[str, Any]:
    """It is well formed and could not be carried out: it waits on, and an attempt of somebody's is in its history."""
    log.error("retry_failed", entry=entry.id, exc_info=error)
    outcome = {"result": "failed", "said": 0, "refused": [], "why": told(error), "digest": digest}
    if by and not dry_run:
        act = {"act": "retry", "at": machine_now(), "by": by, "outcome": outcome}
        async with db.transaction(running.engine) as connection:
            await quarantine_store.note(connection, running.service.name, entry.id, act)
    return {"state": entry.state, "repeat": False, "outcome": outcome}


def _outcome(events: Sequence[Outgoing], refused: Sequence[quarantine.Entry], digest: str) -> dict[str, Any]:
    return {
        "result": "refused" if refused else "taken",
        "said": len(events),
        "refused": [{"reason": one.reason, "detail": one.detail} for one in refused[:TOLD_AT_MOST]],
        "digest": digest,
    }


async def _message(running: Running, entry: Kept, body: bytes | None) -> Received:
    """Return what is carried out: the bytes kept; where these do not do, what the stream holds, while it does."""
    whole = body is not None or not (entry.cut or entry.gone)
    parked = entry.reason == parking.FAILED_ALONE and body is None  # its headers count too
    fetched = None
    if (parked or not (whole and entry.subject)) and _can_be_fetched(entry.origin):
        fetched = await parking.fetch(running.client, entry.origin)
    if fetched is not None and body is None and (not whole or fetched.data == entry.raw):
        return fetched  # else the stream was made anew since, and holds another's message there
    subject = entry.subject or (fetched.subject if fetched else None)
    if not (whole and subject):
        why = "it was cut, or its time is over" if not whole else "nobody noted what kind of message it was"
        raise NotNowError(f"{why}, and the stream holds it no more: send it corrected, or have it sent again")
    raw = body if body is not None else entry.raw
    envelope = entry.place.get("envelope")
    return _received(entry, subject, wrapped(envelope, raw) if envelope else raw)


def _can_be_fetched(origin: str) -> bool:
    """Say whether a stream may be asked for what came from it: not one that lets go of what is done."""
    found = _ORIGIN.fullmatch(origin)
    return found is not None and found[1] not in LETTING_GO


def _received(entry: Kept, subject: str, raw: bytes) -> Received:
    """Return a message heard when the entry's first was, so that the order of what was heard stays right."""
    stream, sequence = subject.partition(".")[0].upper(), 0
    if origin := _ORIGIN.fullmatch(entry.origin):
        stream, sequence = origin[1], int(origin[2])
    return Received(plain(subject), raw, _headers(raw), "", stream, sequence, delivered=1, at=entry.first_at)


def _headers(raw: bytes) -> dict[str, str]:
    """Return the headers that hearers rely on: an event's id, which the stream carries beside it."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    id = document.get("id") if isinstance(document, dict) else None
    return {"Nats-Msg-Id": id} if isinstance(id, str) else {}


def wrapped(envelope: Mapping[str, Any], part: bytes) -> bytes:
    """Return a part of a message as a message of its own; what has an envelope stays as it is."""
    try:
        document = orjson.loads(part)
        if isinstance(document, dict) and document.keys() >= {"service", "data"}:
            return part
    except orjson.JSONDecodeError:
        pass
    return orjson.dumps(envelope)[:-1] + b',"data":[' + part + b"]}"


def _handler(running: Running, message: Received) -> Handle:
    for hearing, handle in running.service.handlers:
        if hearing.stream == message.stream and hearing.subjects:
            return handle
    raise NotNowError("it is no message that can be carried out again: see its detail, then drop it with the reason")
