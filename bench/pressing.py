"""What notify costs while nothing happens: a week's obligations known, none due.

Obligations are written straight into notify's table, as hearing them would leave them; notify then runs alone on the
machine's own clock.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta

import asyncpg
import orjson

from bench.ground import Ground, client, processes, processor_seconds, servers
from bench.monday import HEARD, NOTIFY
from bench.weekend import Load, code, say, state, units
from shared import bus
from shared.clock import machine_now
from shared.db import migrate
from shared.instants import canonical
from shared.streams import STREAMS

STEP = 100_000
STARTED_S = 30  # up, and the first count of the whole table taken
LATE_SHARE = 50  # one of so many is pressed for already
FIELDS = (
    "id", "revision", "doc", "unit", "due_at", "resolved", "raised", "raised_at", "escalation_revision", "timer_at",
)  # fmt: skip


def row(number: int, load: Load, now: datetime) -> tuple[object, ...]:
    """Return an obligation as notify keeps it: due in the next month, or late for weeks and at its last level."""
    late = number % LATE_SHARE == 0
    due_at = now + (timedelta(days=-30) if late else timedelta(days=2, seconds=number % 2_400_000))
    said = state(number, load, revision=1) | {"due_at": canonical(due_at)}
    timer_at = None if late else due_at + timedelta(seconds=1)
    return (
        said["obligation_id"], 1, orjson.dumps(said).decode(), said["unit_code"], due_at, said["unit_code"],
        2 if late else -1, due_at if late else None, 1 if late else 0, timer_at,
    )  # fmt: skip


async def _write(ground: Ground, load: Load) -> None:
    now = machine_now()
    connection = await asyncpg.connect(ground.database_url("notify"))
    try:
        for first in range(0, load.obligations, STEP):
            numbers = range(first, min(first + STEP, load.obligations))
            await connection.copy_records_to_table(
                "obligation", schema_name="notify", records=[row(n, load, now) for n in numbers], columns=FIELDS
            )
        lines = [(f"dossier/{code(n, load)}", "head", 2, 2, f"H56.{n % load.heads:03}")
                 for n in range(0, load.obligations, LATE_SHARE)]  # fmt: skip
        columns = ("obligation_id", "role", "level", "told", "post")
        await connection.copy_records_to_table("line", schema_name="notify", records=lines, columns=columns)
    finally:
        await connection.close()
    admin = await asyncpg.connect(ground.postgres_admin.rsplit("/", 1)[0] + "/dondoc")
    try:
        await admin.execute("VACUUM (ANALYZE) notify.obligation")
        await admin.execute("CHECKPOINT")
    finally:
        await admin.close()


def run_idle(load: Load, *, seconds: int) -> dict[str, float]:
    """Return the share of a core that each process takes while nothing is due."""

    async def run() -> dict[str, float]:
        async with client(ground) as connection:
            await asyncio.to_thread(migrate, "notify", ground.database_url("notify"))
            for stream in (*HEARD, "COMPLAINTS"):
                await bus.provision_stream(connection, STREAMS[stream], max_bytes=1 << 30)
            await say(connection, units(load))
            await _write(ground, load)
            with processes(ground, NOTIFY) as running:
                pids = ground.pids | {name: process.pid for name, process in running.items()}
                await asyncio.sleep(STARTED_S)
                spent = {name: processor_seconds(pid) for name, pid in pids.items()}
                began = time.monotonic()
                await asyncio.sleep(seconds)
                passed = time.monotonic() - began
                return {name: (processor_seconds(pid) - spent[name]) / passed for name, pid in pids.items()}

    with servers() as ground:
        return asyncio.run(run())


def report(*, obligations: int, heads: int, seconds: int) -> None:
    shares = run_idle(Load(obligations, heads), seconds=seconds)
    told = "  ".join(f"{name} {share:.2%}" for name, share in shares.items())
    print(f"{obligations:,} known, none due, {seconds} s: {sum(shares.values()):.2%} of a core ({told})", flush=True)
