"""The sweep: how fast obligations that fall due in one second are announced, how late single ones, what idling costs.

Obligations are written straight into deadline's table, as their folding would leave them; deadline then runs alone.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
from nats.aio.client import Client

from bench.ground import Ground, client, processes, processor_seconds, servers
from bench.throughput import SERVICES, _state, prepare
from shared import bus
from shared.clock import machine_now
from shared.instants import canonical
from shared.streams import STREAMS

DEADLINE = {"deadline": SERVICES["deadline"]}
AHEAD_S = 20  # from the writing to the due second: deadline is up and calm by then
FIELDS = ("id", "kind", "state", "due_at", "near_at", "timer_at", "document")


@dataclass(frozen=True)
class Burst:
    """So many obligations of one second. first_s, last_s: from that second to the first and the last announcement."""

    obligations: int
    first_s: float
    last_s: float
    micros: dict[str, float]


def row(number: int, due_at: datetime) -> tuple[object, ...]:
    """Return an obligation that is due soon, as deadline stores it."""
    id, due, near_at = f"dossier/000.00.12.H56-270301-{number:07d}", canonical(due_at), due_at - timedelta(days=1)
    document: dict[str, Any] = {
        "obligation_id": id, "kind": "dossier", "subject_id": id[8:], "parent": None, "source": "motcua-1",
        "unit": "H56.12", "unit_name": "UBND xã Mường Lát", "holder": None, "holder_due_at": None,
        "procedure": "1.012753", "field": "Đất đai", "title": None,
        "accepted_at": canonical(near_at), "due_at": due, "due_from": "source", "first_due_at": due,
        "computed_due_at": due, "near_at": canonical(near_at), "apologies": 0,
        "paused_seconds": 0, "state": "open", "timing": "due_soon", "ended_at": None, "first_ended_at": None,
        "end": None, "late_working_seconds": 0, "late_days": 0, "heard_at": canonical(near_at), "backlog": False,
        "flags": [], "revision": 1, "because": None,
    }  # fmt: skip
    at = due_at + timedelta(seconds=1)  # late begins a second after the due time
    return id, "dossier", "open", due_at, near_at, at, orjson.dumps(document).decode()


async def prepare_alone(ground: Ground, connection: Client) -> None:
    """Make what deadline hears, which the others would have made; its census is taken for a year."""
    await prepare(ground, connection)
    database = await asyncpg.connect(ground.database_url("deadline"))
    await database.execute("INSERT INTO deadline.act (act, subject, slot) VALUES ('census', '', now() + '1 year')")
    await database.execute("UPDATE deadline.act SET finished_at = now()")
    await database.close()
    for heard in (STREAMS["INTAKE"], STREAMS["COMPLAINTS"]):
        await bus.provision_stream(connection, heard, max_bytes=1 << 30)


async def write(ground: Ground, rows: Sequence[tuple[object, ...]]) -> None:
    connection = await asyncpg.connect(ground.database_url("deadline"))
    try:
        await connection.copy_records_to_table("obligation", schema_name="deadline", records=rows, columns=FIELDS)
        await connection.execute("ANALYZE deadline.obligation")
    finally:
        await connection.close()


async def settle(ground: Ground) -> None:
    """Do at once what the server would do in the minutes after so many rows were written."""
    connection = await asyncpg.connect(ground.postgres_admin.rsplit("/", 1)[0] + "/dondoc")
    try:
        await connection.execute("VACUUM (ANALYZE) deadline.obligation")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _calm(ground: Ground, pids: dict[str, int]) -> None:
    """Wait until deadline, just started, spends next to nothing."""
    async with asyncio.timeout(60):
        before = sum(processor_seconds(pid) for pid in pids.values())
        while True:
            await asyncio.sleep(1)
            now = sum(processor_seconds(pid) for pid in pids.values())
            if now - before < 0.1:
                return
            before = now


def run_burst(*, obligations: int) -> Burst:
    """Let `obligations` fall due in the same second."""

    async def run() -> Burst:
        async with client(ground) as connection:
            await prepare_alone(ground, connection)
            due_at = (machine_now() + timedelta(seconds=AHEAD_S + obligations / 20_000)).replace(microsecond=0)
            await write(ground, [row(number, due_at) for number in range(obligations)])
            with processes(ground, DEADLINE) as running:
                pids = ground.pids | {name: process.pid for name, process in running.items()}
                await _calm(ground, pids)
                spent = {name: processor_seconds(pid) for name, pid in pids.items()}
                if machine_now() > due_at:
                    raise SystemExit("this machine was too slow to be ready before they fell due; run it again")
                async with asyncio.timeout(AHEAD_S + 60 + obligations / 500):
                    while (await _state(connection, "DEADLINE"))[0] < obligations:
                        await asyncio.sleep(0.1)
                used = {n: (processor_seconds(pid) - spent[n]) / obligations * 1e6 for n, pid in pids.items()}
            _, first, last = await _state(connection, "DEADLINE")
            late_from = due_at + timedelta(seconds=1)
            return Burst(obligations, _after(first, late_from), _after(last, late_from), used)

    with servers() as ground:
        return asyncio.run(run())


def run_singles(*, obligations: int) -> list[float]:
    """Return how late each of `obligations` was announced that fall due one after another, some 0.1 s apart."""

    async def run() -> list[float]:
        async with client(ground) as connection:
            await prepare_alone(ground, connection)
            start = machine_now() + timedelta(seconds=AHEAD_S)
            due = [start + timedelta(seconds=0.1 * number + number * 0.0173 % 0.05) for number in range(obligations)]
            await write(ground, [row(number, at) for number, at in enumerate(due)])
            with processes(ground, DEADLINE):
                async with asyncio.timeout(AHEAD_S + obligations * 0.1 + 60):
                    while (await _state(connection, "DEADLINE"))[0] < obligations:
                        await asyncio.sleep(0.2)
            late = []
            for number in range(1, obligations + 1):
                message = await connection.jetstream().get_msg("DEADLINE", number)
                of = int(orjson.loads(message.data or b"")["subject"].rsplit("-", 1)[1])
                assert message.time
                late.append((message.time - due[of] - timedelta(seconds=1)).total_seconds())
            return late

    with servers() as ground:
        return asyncio.run(run())


def run_idle(*, obligations: int, seconds: int) -> dict[str, float]:
    """Return the share of a core that each process takes while nothing of `obligations` is due."""

    async def run() -> dict[str, float]:
        async with client(ground) as connection:
            await prepare_alone(ground, connection)
            due_at = machine_now() + timedelta(days=30)
            step = 100_000
            for first in range(0, obligations, step):
                numbers = range(first, min(first + step, obligations))
                await write(ground, [row(number, due_at + timedelta(seconds=number)) for number in numbers])
            await settle(ground)
            with processes(ground, DEADLINE) as running:
                pids = ground.pids | {name: process.pid for name, process in running.items()}
                await asyncio.sleep(30)  # started, and its first count of the whole table taken
                spent = {name: processor_seconds(pid) for name, pid in pids.items()}
                began = time.monotonic()
                await asyncio.sleep(seconds)
                passed = time.monotonic() - began
                return {name: (processor_seconds(pid) - spent[name]) / passed for name, pid in pids.items()}

    with servers() as ground:
        return asyncio.run(run())


def _after(iso: str, since: datetime) -> float:
    return (datetime.fromisoformat(iso[:26].rstrip("Z") + "+00:00") - since).total_seconds()


def report(*, burst: int, singles: int, idle: int, idle_seconds: int) -> None:
    """Run all three and print them."""
    if burst:
        told = run_burst(obligations=burst)
        micros = "  ".join(f"{name} {value:.0f}" for name, value in told.micros.items())
        print(f"{burst:,} due in one second: announced {told.first_s:.2f} to {told.last_s:.1f} s after it;")
        print(f"  {burst / told.last_s:,.0f} a second; µs of processor each: {micros}")
    if singles:
        late = sorted(run_singles(obligations=singles))
        p50, p99 = statistics.median(late), late[int(len(late) * 0.99)]
        print(f"{singles:,} single ones: late by {p50 * 1000:.0f} ms (median), {p99 * 1000:.0f} ms (p99), ", end="")
        print(f"{late[-1] * 1000:.0f} ms (most)")
    if idle:
        shares = run_idle(obligations=idle, seconds=idle_seconds)
        told_shares = "  ".join(f"{name} {share:.2%}" for name, share in shares.items())
        print(f"{idle:,} open ones, none due, {idle_seconds} s: {sum(shares.values()):.2%} of a core ({told_shares})")
