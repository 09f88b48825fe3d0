"""notify as a process of its own among peers that fail on demand, and places at which it can be made to stand still.

It stands still at a statement or a commit (a trigger that waits for a lock which the test holds), at a message that it
is about to send to NATS (a proxy that swallows it), or in the hands of a provider.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import orjson
import yaml
from nats.aio.client import Client
from nats.errors import Error as NatsError

from dondoc.stack.processes import end, spawn
from services.notify.policies.file import CARRIED
from tests import servers as real
from tests.component import harness, peers
from tests.component.receiving import KEY, Gateway
from tests.component.sending import smtp
from tests.waiting import until

LOCK = 4711
# The program itself, with shorter waits: what takes minutes on a machine of a province takes a second here.
PROGRAM = """
from shared import bus
from services.notify.sweeping import refreshing
from services.notify.sending import claiming, delivery, shares
bus.ACK_WAIT_S, refreshing.EVERY_S, claiming.PROVIDER_S = 2, 1, 0.3
delivery.RETRY_SECONDS, shares.FIRST_REST_S = (0,), 0.5
from services.notify.main import main
main()
"""


@dataclass
class Gate:
    """A place in the database at which whoever comes to it stands still until the gate is opened."""

    connection: Any

    @contextlib.asynccontextmanager
    async def at(self, table: str, event: str, *, when: str = "true", commit: bool = False) -> AsyncIterator[None]:
        """Close it. commit: who wrote such a row stands still as it commits, not as it writes."""
        await self.connection.execute(
            "CREATE OR REPLACE FUNCTION public.gate() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN PERFORM pg_advisory_xact_lock_shared({LOCK}); RETURN NULL; END $$"
        )
        await self.connection.execute(f"SELECT pg_advisory_lock({LOCK})")
        kind, how = ("CONSTRAINT ", "DEFERRABLE INITIALLY DEFERRED") if commit else ("", "")
        await self.connection.execute(
            f"CREATE {kind}TRIGGER gate AFTER {event} ON notify.{table} {how} FOR EACH ROW WHEN ({when}) "
            "EXECUTE FUNCTION public.gate()"
        )
        try:
            yield
        finally:
            await self.connection.execute(f"SELECT pg_advisory_unlock({LOCK})")
            await self.connection.execute(f"DROP TRIGGER gate ON notify.{table}")

    async def reached(self) -> bool:
        return bool(await self.waiting())

    async def waiting(self) -> list[int]:
        """Return the processes of the server that stand still."""
        rows = await self.connection.fetch("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return [row["pid"] for row in rows]

    async def undo(self) -> None:
        """Let what stands still be undone, as where it dies before its commit reaches the server."""
        for pid in await self.waiting():
            await self.connection.execute("SELECT pg_terminate_backend($1, 5000)", pid)


@dataclass
class Wire:
    """A proxy of NATS. swallow: from a client's message that holds these bytes on, nothing of it goes through."""

    to: str
    port: int = 0
    swallow: bytes = b""
    swallowed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at = urlsplit(self.to)
        there, here = await asyncio.open_connection(at.hostname, at.port)
        back = asyncio.create_task(self._carry(there, writer))
        with contextlib.suppress(ConnectionError):
            while some := await reader.read(1 << 16):
                if self.swallow and self.swallow in some:
                    self.swallowed.set()
                    await reader.read()  # until it is dead
                    break
                here.write(some)
                await here.drain()
        here.close()
        back.cancel()
        writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while some := await reader.read(1 << 16):
                writer.write(some)
                await writer.drain()


@dataclass
class House:
    """notify, its peers, and the ways to look into it."""

    folder: Path
    client: Client
    database: real.Database
    sql: Any
    gate: Gate
    wire: Wire
    relay: peers.Relay
    sms: Gateway
    port: int
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    extra: list[dict[str, Any]] = field(default_factory=list)

    async def start(self) -> None:
        """Start it. From this thread: it is ended with whoever started it."""
        nats = urlsplit(real.logged_in(self.wire.to, "notify"))
        by_wire = nats._replace(netloc=f"{nats.username}:{nats.password}@127.0.0.1:{self.wire.port}")
        providers = [
            smtp(self.relay.port, timeout_s=3),
            *self.extra,
            {"name": "kannel", "channel": "sms", "kind": "http", "gateway": "kannel", "url": self.sms.url},
        ]
        policy = yaml.safe_load(CARRIED.read_text("utf-8")) | {"quiet_hours": None}
        for name, document in (("providers", {"providers": providers}), ("policy", policy)):
            (self.folder / f"{name}.yaml").write_text(yaml.safe_dump(document, allow_unicode=True))
        given = {
            "DONDOC_CLOCK": "driven",
            "DONDOC_NATS_URL": by_wire.geturl(),
            "DONDOC_DATABASE_URL": self.database.url("notify"),
            "DONDOC_API_KEY": harness.API_KEY,
            "DONDOC_HTTP_PORT": str(self.port),
            "DONDOC_NOTIFY_SEND": "live",
            "DONDOC_NOTIFY_PROVIDERS": str(self.folder / "providers.yaml"),
            "DONDOC_NOTIFY_POLICY": str(self.folder / "policy.yaml"),
            "DONDOC_NOTIFY_RECEIPTS_URL": f"http://127.0.0.1:{self.port}",
            "DONDOC_NOTIFY_RECEIPTS_KEY": KEY,
        }  # fmt: skip
        env = {**real.clean_environment(), **given}
        self.starts += 1
        self.process = spawn([sys.executable, "-c", PROGRAM], log=self.folder / "notify.log", env=env)

    async def kill(self) -> None:
        """Kill it; the leases of the dead run out."""
        assert self.process
        assert self.process.poll() is None, "it ended by itself"
        self.process.kill()
        self.process.wait()
        self.wire.swallow = b""

    async def after_death(self) -> None:
        await until(self._nobody_connected, what="the dead one's sessions end")
        for table in ("notice", "outbox"):
            await self.sql.execute(
                f"UPDATE notify.{table} SET leased_until = clock_timestamp() WHERE lease IS NOT NULL"
            )

    async def _nobody_connected(self) -> bool:
        found = await self.sql.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dondoc-notify'"
        )
        return int(found) == 0

    async def status(self) -> dict[str, Any]:
        try:
            answer = await self.client.request("dondoc.status.notify", b"", timeout=1)
        except (NatsError, TimeoutError):
            return {"idle": False}
        return orjson.loads(answer.data)  # type: ignore[no-any-return]

    async def is_idle(self) -> bool:
        return bool((await self.status()).get("idle"))

    async def settled(self) -> None:
        for _ in range(2):
            await until(self.is_idle, what=f"idle; {await self.status()}")

    async def tick(self, instant: str) -> None:
        await harness.tick(self.client, instant, streams=("INTAKE", "DEADLINE"))

    async def move_to(self, instant: str) -> None:
        await self.tick(instant)
        await until(lambda: self.has_reached(instant), what=instant)
        await self.settled()

    async def has_reached(self, instant: str) -> bool:
        reached = (await self.status()).get("business_time")
        return reached is not None and datetime.fromisoformat(reached) >= datetime.fromisoformat(instant)

    async def count(self, condition: str) -> int:
        return int(await self.sql.fetchval(f"SELECT count(*) FROM notify.notice WHERE {condition}"))

    async def get(self, path: str) -> bytes:
        async with self._http() as http:
            return (await http.get(path)).raise_for_status().content

    async def send_mode(self, **wanted: Any) -> None:
        async with self._http() as http:
            (await http.put("/v1/sending", json=wanted)).raise_for_status()

    def _http(self) -> httpx.AsyncClient:
        url, headers = f"http://127.0.0.1:{self.port}", {"X-API-Key": harness.API_KEY}
        return httpx.AsyncClient(base_url=url, headers=headers, timeout=10)

    async def tell(self, message: dict[str, str], state: int) -> bool:
        """Call as the gateway does of a message; says whether that was answered. It calls again where it was not."""
        url = message["dlr-url"].replace("%d", str(state)).replace("%T", "")
        try:
            async with httpx.AsyncClient(timeout=10) as http:
                return (await http.get(url)).is_success
        except httpx.HTTPError:
            return False


@contextlib.asynccontextmanager
async def house_of(folder: Path, nats_url: str, database: real.Database, sms: Gateway) -> AsyncIterator[House]:
    await harness.make_streams(nats_url)
    sql = await asyncpg.connect(database.admin_url)
    closing = await asyncpg.connect(database.admin_url)
    wire = Wire(nats_url)
    proxy = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.port = proxy.sockets[0].getsockname()[1]
    async with harness.connected(nats_url) as client, peers.relay() as relay:
        made = House(folder, client, database, sql, Gate(closing), wire, relay, sms, real.free_port())
        try:
            yield made
        finally:
            if made.process:
                await asyncio.to_thread(end, made.process)
            proxy.close()
            await closing.close()
            await sql.close()
