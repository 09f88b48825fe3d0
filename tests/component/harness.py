"""Helpers for tests that run services in this process on real servers."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import nats
import orjson
from nats.aio.client import Client
from pydantic import SecretStr

from services.complaints.settings import Settings as ComplaintsSettings
from services.deadline.main import SERVICE as DEADLINE
from services.intake.main import SERVICE as INTAKE
from shared import http, quarantine_api
from shared.bus import provision_stream, publish
from shared.cloudevents import Outgoing
from shared.login import inbox
from shared.program import running
from shared.secrets import KEY_HEADER
from shared.service import Running, Service
from shared.settings import Settings
from shared.streams import STREAMS
from tests import servers as real
from tests.waiting import until

API_KEY = "test-key"
IDENTITY_KEY = base64.urlsafe_b64encode(b"t" * 32).decode()


def settings(*, nats_url: str, database_url: str, clock: str = "live", service: str = "") -> Settings:
    """Return the settings of one service in a test."""
    shared: dict[str, Any] = {
        "nats_url": nats_url,
        "database_url": database_url,
        "clock": clock,
        "api_key": SecretStr(API_KEY),
        "stream_max_bytes": 256 << 20,
    }
    if service == "complaints":
        return ComplaintsSettings(**shared, complaints_identity_keys=SecretStr(IDENTITY_KEY))
    return Settings(**shared)


@contextlib.asynccontextmanager
async def connected(nats_url: str, **options: Any) -> AsyncIterator[Client]:
    """A client of its own for the test, with the inbox of its login. options: of `nats.connect`."""
    client = await nats.connect(nats_url, inbox_prefix=inbox(urlsplit(nats_url).username or ""), **options)
    try:
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def services(
    *parts: Service, nats_url: str, database: real.Database, clock: str = "live"
) -> AsyncIterator[dict[str, Running]]:
    """Run services in this process, each under its own login; stopped in reverse order."""
    await make_streams(nats_url)
    async with contextlib.AsyncExitStack() as stack:
        started = {}
        for part in parts:
            own = real.logged_in(nats_url, part.name)
            of = settings(nats_url=own, database_url=database.url(part.name), clock=clock, service=part.name)
            started[part.name] = await stack.enter_async_context(running(part, of))
        yield started


class Pair(NamedTuple):
    """intake and deadline as they run: themselves, their callers, and NATS as the operator has it."""

    running: dict[str, Running]
    intake: httpx.AsyncClient
    deadline: httpx.AsyncClient
    nats: Client


@contextlib.asynccontextmanager
async def intake_and_deadline(nats_url: str, postgres_url: str, *, clock: str = "driven") -> AsyncIterator[Pair]:
    """Run the two on a database of their own."""
    database = await real.fresh_database(postgres_url, migrated=["intake", "deadline"])
    async with (
        services(INTAKE, DEADLINE, nats_url=nats_url, database=database, clock=clock) as started,
        connected(nats_url) as client,
        caller(started["intake"]) as intake,
        caller(started["deadline"]) as deadline,
    ):
        yield Pair(started, intake, deadline, client)
    await real.drop_database(postgres_url, database)


async def make_streams(nats_url: str) -> None:
    """Make all streams, in place of owners that do not run in the test."""
    async with connected(nats_url) as client:
        for stream in STREAMS.values():
            await provision_stream(client, stream, max_bytes=256 << 20)


async def feed(client: Client, bodies: Sequence[bytes], *, source: str = "motcua-1", at: str | None = None) -> None:
    """Publish raw messages as a source would. at: business time of receipt, where the clock is driven."""
    import uuid

    headers = {"Dondoc-Received-At": at} if at else None
    await publish(client, [Outgoing(uuid.uuid4().hex, f"feed.{source}.national", body, headers) for body in bodies])


async def tick(client: Client, at: str, *, streams: Sequence[str] = ("FEED",)) -> None:
    """Write a tick; `streams` stand in for owners that do not run in the test."""
    for stream in streams:
        subject = f"{stream.lower()}.tick.v1"
        await publish(client, [Outgoing(f"{subject}:{at}", subject, orjson.dumps({"at": at, "timers": {}}))])


def caller(of: Running) -> httpx.AsyncClient:
    """Return a client of a service that runs in this process, with the key of the installation."""
    app = http.application(name=of.service.name, settings=of.settings, ready=dict, asyncapi={})
    assert of.service.router
    app.include_router(quarantine_api.router)
    app.include_router(of.service.router)
    app.state.running = of
    transport, key = httpx.ASGITransport(app=app), {KEY_HEADER: API_KEY}
    return httpx.AsyncClient(transport=transport, base_url=f"http://{of.service.name}", headers=key, timeout=60)


async def until_idle(started: dict[str, Running]) -> None:
    """Return once nothing is in flight in two looks at all services."""
    calm = 0

    async def look() -> list[dict[str, Any]]:
        nonlocal calm
        states = [await one.status() for one in started.values()]
        calm = calm + 1 if all(state["idle"] for state in states) else 0
        return states

    await until(look, lambda _: calm == 2, what="idle")


async def said(client: Client, stream: str) -> list[dict[str, Any]]:
    """Return every event of a stream, parsed; ticks and the audit's anchor of each day left out."""
    jetstream = client.jetstream()
    info = await jetstream.stream_info(stream)
    events = []
    for sequence in range(info.state.first_seq, info.state.last_seq + 1):
        message = await jetstream.get_msg(stream, sequence)
        if not (message.subject or "").endswith((".tick.v1", ".audit_anchored.v1")):
            events.append(orjson.loads(message.data or b"{}"))
    return events
