"""`dondoc import` of a long file by the real command: rate, memory of all three processes, and the same file again."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path

import asyncpg
import orjson
from nats.aio.client import Client

from bench.ground import Ground, client, import_command, processes, servers
from bench.throughput import SERVICES, prepare
from dondoc.simulate.feed import simulate
from dondoc.simulate.province import UNITS
from services.intake import backfill
from shared.clock import monotonic_s

START = date(2025, 1, 6)
DAYS = 700  # more than a million messages of all units; those wanted are the first of them
SAMPLE_S = 1
SETTLED_S = 5  # caches of statements and rules are filled by then: memory counts from here
PATIENCE_S = 600


@dataclass
class Pass:
    """One call of the command. seconds: until every line had its outcome. drained_s: until all was announced too."""

    told: dict[str, int]
    seconds: float
    drained_s: float
    waited: int  # most messages of imports that waited at once
    memory: dict[str, list[int]] = field(default_factory=dict)  # bytes at each sample, by process


def write(path: Path, *, messages: int) -> int:
    """Write that many simulated messages, one a line; returns how many objects they hold."""
    objects = 0
    with path.open("wb") as file:
        for one in islice(simulate(units=len(UNITS), days=DAYS, seed=7, start=START), messages):
            file.write(orjson.dumps(one) + b"\n")
            data = one["data"]
            assert isinstance(data, list)
            objects += len(data)
    return objects


def _resident(pid: int) -> int:
    try:
        words = Path(f"/proc/{pid}/statm").read_text().split()
        return int(words[1]) * 4096
    except (OSError, IndexError):
        return 0


async def _waiting(connection: Client) -> int:
    return (await backfill.waiting(connection)).messages


async def _pass(ground: Ground, connection: Client, file: Path, pids: dict[str, int], *more: str) -> Pass:
    began, waited = monotonic_s(), 0
    memory: dict[str, list[int]] = {name: [] for name in (*pids, "command")}
    process = await asyncio.create_subprocess_exec(
        *import_command(file, *more), env=ground.environment("intake", 0), stdout=subprocess.PIPE
    )
    assert process.stdout
    answer = asyncio.create_task(process.stdout.read())
    while not answer.done():
        for name, pid in (*pids.items(), ("command", process.pid)):
            memory[name].append(_resident(pid))
        waited = max(waited, await _waiting(connection))
        await asyncio.wait([answer], timeout=SAMPLE_S)
    seconds = monotonic_s() - began
    if await process.wait() not in (0, 3):
        raise SystemExit(f"the import ended with {process.returncode}")
    async with asyncio.timeout(PATIENCE_S):
        while await _waiting(connection):
            await asyncio.sleep(0.05)
    return Pass(orjson.loads(await answer), seconds, monotonic_s() - began, waited, memory)


async def _stored(ground: Ground) -> int:
    """Return how many events deadline has stored: all that intake ever said."""
    database = await asyncpg.connect(ground.database_url("deadline"))
    try:
        return int(await database.fetchval("SELECT count(*) FROM deadline.said"))
    finally:
        await database.close()


def _print(name: str, one: Pass, *, lines: int, objects: int) -> None:
    counts = ", ".join(f"{one.told[what]:,} {what}" for what in ("accepted", "repeated", "refused"))
    print(f"{name:<22} {lines / one.drained_s:>8,.0f} messages/s, {objects / one.drained_s:,.0f} objects/s; "
          f"lines done after {one.seconds:,.1f} s, all announced after {one.drained_s:,.1f} s; {counts}; "
          f"at most {one.waited:,} waited", flush=True)  # fmt: skip
    print("  MiB resident, settled / at the end / most: " + ", ".join(
        f"{process} {_mib(samples)}" for process, samples in one.memory.items()), flush=True)  # fmt: skip


def _mib(samples: Sequence[int]) -> str:
    used = [size / 2**20 for size in samples if size] or [0.0]
    settled = used[min(SETTLED_S // SAMPLE_S, len(used) - 1)]
    return f"{settled:.0f} / {used[-1]:.0f} / {max(used):.0f} (x{max(used) / settled:.2f})" if settled else "-"


async def _run(ground: Ground, file: Path, *, lines: int, objects: int) -> None:
    async with client(ground) as connection:
        await prepare(ground, connection)
        with processes(ground, SERVICES) as running:
            pids = {name: process.pid for name, process in running.items()}
            await asyncio.sleep(2)
            first = await _pass(ground, connection, file, pids)
            _print("new", first, lines=lines, objects=objects)
            stored = await _stored(ground)
            known = await _pass(ground, connection, file, pids)
            _print("the same again", known, lines=lines, objects=objects)
            again = await _pass(ground, connection, file, pids, "--import-id", "again")
            _print("under another id", again, lines=lines, objects=objects)
            if (now := await _stored(ground)) != stored:
                raise SystemExit(f"wrong: {stored} events were stored, and {now} after the repeats")
            print(f"no new fact: {stored:,} events stored before and after the repeats")
            print(f"the repeat is {first.drained_s / again.drained_s:.1f} times as fast as the first")


def report(*, messages: int) -> None:
    with tempfile.TemporaryDirectory(prefix="dondoc-history-") as folder:
        file = Path(folder) / "history.ndjson"
        objects = write(file, messages=messages)
        print(f"{messages:,} simulated messages with {objects:,} objects, {file.stat().st_size / 2**20:,.0f} MiB",
              flush=True)  # fmt: skip
        with servers() as ground:
            asyncio.run(_run(ground, file, lines=messages, objects=objects))
