"""Live messages while history is imported: how much later their due dates are announced than on an idle system.

A live message goes into FEED as a source would send it; it has arrived when the due date of its dossier is heard on
DEADLINE. The same is measured idle and during an import by the real command, in one run on the same servers.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg

from bench.ground import Ground, client, import_command, processes, servers
from bench.throughput import SERVICES, code, new_dossiers, prepare, snapshot
from dondoc.stack import layout
from shared import bus
from shared.clock import monotonic_s
from shared.cloudevents import Outgoing
from shared.db import migrate

LIVE_FROM = 5_000_000  # numbers of live dossiers; those of history are below
WARM_S = 3
ARRIVES_WITHIN_S = 60


@dataclass
class Live:
    """A source that sends one new dossier after another, and hears when each is due."""

    client: Client
    per_second: float
    sent: dict[bytes, float]
    took_ms: dict[bytes, float]
    number: int = LIVE_FROM

    async def hear(self, message: Msg) -> None:
        data: bytes = message.data
        if b"H56-270301-5" not in data:
            return
        about = orjson.loads(data)["subject"].removeprefix("dossier/").encode()
        if about in self.sent and about not in self.took_ms:
            self.took_ms[about] = (monotonic_s() - self.sent[about]) * 1000

    async def send_one(self) -> None:
        body = orjson.dumps({"session": "", "madonvi": "000.00.12.H56", "service": "DongBoHoSoMC",
                             "isUpdating": "False", "data": [snapshot(self.number)]})  # fmt: skip
        self.sent[code(self.number).encode()] = monotonic_s()
        self.number += 1
        await bus.publish(self.client, [Outgoing(uuid.uuid4().hex, "feed.motcua-1.national", body)])

    async def send(self, until: asyncio.Event) -> list[float]:
        """Send at an even pace until told to stop; returns how long each took, in milliseconds."""
        first, began, sends = self.number, monotonic_s(), set[asyncio.Task[None]]()
        while not until.is_set():
            task = asyncio.create_task(self.send_one())
            sends.add(task)
            task.add_done_callback(sends.discard)
            left = began + (self.number + 1 - first) / self.per_second - monotonic_s()
            await asyncio.sleep(max(0, left))
        await asyncio.gather(*sends)
        about = [code(number).encode() for number in range(first, self.number)]
        async with asyncio.timeout(ARRIVES_WITHIN_S):
            while any(one not in self.took_ms for one in about):
                await asyncio.sleep(0.05)
        return [self.took_ms[one] for one in about]

    async def send_for(self, seconds: float) -> list[float]:
        until = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, until.set)
        return await self.send(until)


def write_history(path: Path, *, messages: int, size: int = 1) -> None:
    with path.open("wb") as file:
        for body in new_dossiers(range(messages * size), size):
            file.write(body + b"\n")


async def _import(ground: Ground, file: Path) -> float:
    """Import a file by the command; returns the seconds until every line had its outcome."""
    began = monotonic_s()
    process = await asyncio.create_subprocess_exec(
        *import_command(file), env=ground.environment("intake", 0), stdout=asyncio.subprocess.DEVNULL
    )
    if await process.wait():
        raise SystemExit(f"the import ended with {process.returncode}")
    return monotonic_s() - began


def told(name: str, took_ms: Sequence[float]) -> str:
    cuts = statistics.quantiles(took_ms, n=100)
    return (
        f"{name:<24} p50 {cuts[49]:6.1f} ms  p90 {cuts[89]:6.1f}  p99 {cuts[98]:6.1f}  max {max(took_ms):6.1f}  "
        f"({len(took_ms):,} messages)"
    )


def p99(took_ms: Sequence[float]) -> float:
    return statistics.quantiles(took_ms, n=100)[98]


async def _run(ground: Ground, services: Sequence[str], *, messages: int, live: float, idle_seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="dondoc-history-") as folder:
        history = Path(folder) / "history.ndjson"
        write_history(history, messages=messages)
        async with client(ground) as connection, client(ground) as other:
            await prepare(ground, connection)
            for service in set(services) - SERVICES.keys():
                await asyncio.to_thread(migrate, service, ground.database_url(service))
            with processes(ground, {service: [f"services.{service}.main"] for service in services}):
                source = Live(connection, live, {}, {})
                await other.subscribe("deadline.>", cb=source.hear)
                await source.send_for(WARM_S)
                idle = await source.send_for(idle_seconds)
                print(told("  idle", idle), flush=True)
                done = asyncio.Event()
                sending = asyncio.create_task(source.send(done))
                seconds = await _import(ground, history)
                done.set()
                during = await sending
                print(told("  during the import", during), flush=True)
                print(f"  imported {messages:,} messages at {messages / seconds:,.0f} a second")
                idle_after = await source.send_for(idle_seconds)
                print(told("  idle again", idle_after), flush=True)
                print(f"  p99 during to p99 idle: {p99(during) / p99([*idle, *idle_after]):.2f}", flush=True)


def report(*, messages: int, live: float, idle_seconds: float, runs: int, every_service: bool) -> None:
    services = tuple(layout.SERVICES) if every_service else tuple(SERVICES)
    for number in range(1, runs + 1):
        print(f"run {number}: {live:g} live messages a second; {', '.join(services)}", flush=True)
        with servers() as ground:
            asyncio.run(_run(ground, services, messages=messages, live=live, idle_seconds=idle_seconds))
