"""Filings with attachments at a fixed rate, while obligations pass due and heads are told by mail.

All five services run on real servers. Filings come from many loopback addresses over as many connections; how many one
address may send is a setting, which is off here, for they are fewer than citizens. A number counts only if every filing
that was answered is there once, with its file, its event and its obligations.
"""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import signal
import statistics
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import yaml
from nats.aio.client import Client

from bench import feedback_proof, sweep
from bench.feedback_sender import Outcome, outcomes
from bench.ground import (
    HTTP_PORTS,
    PORT_BASE,
    Ground,
    client,
    forget_peak,
    peak_mb,
    processes,
    processor_seconds,
    resident_mb,
    servers,
)
from bench.relay import Relay, relay
from bench.weekend import Load as Heads
from bench.weekend import say, units
from dondoc.stack import layout
from dondoc.stack.processes import end, spawn
from services.notify.policies.file import CARRIED
from shared import bus
from shared.clock import machine_now
from shared.db import migrate
from shared.streams import STREAMS

ALONE = {"complaints": ["bench.feedback_alone"]}
HEADS = 50
PASSING_PER_S = 20  # obligations that pass due each second
AHEAD_S = 25  # of the start: services are up by then
READY_S = 90
RELAY_PORT = PORT_BASE + 34
Again = Callable[[], subprocess.Popen[bytes]]


@dataclass(frozen=True)
class Load:
    """rate: filings a second. kill_after: filings stored until complaints is killed and started again; None: never."""

    rate: float
    seconds: float
    kilobytes: int
    kill_after: int | None = None


@dataclass(frozen=True)
class Result:
    """One run. took_s: from the first filing to the last answer. mails, passed: meanwhile, of the escalations."""

    sent: Sequence[Outcome]
    took_s: float
    processor_s: Mapping[str, float]
    before_mb: float
    after_mb: float
    peak_mb: float
    mails: int
    passed: int
    faults: Mapping[str, int] = field(default_factory=dict)
    files_swept: int = 0
    files_without_rows: int = 0

    @property
    def answers(self) -> Counter[int]:
        return Counter(one.status for one in self.sent)

    @property
    def rate(self) -> float:
        return self.answers[201] / self.took_s

    @property
    def took_ms(self) -> list[float]:
        return sorted(one.took_ms for one in self.sent if one.status == 201)


def policy(folder: Path) -> Path:
    """Write the carried policy, changed so that a level is told by mail as it is reached, at any hour."""
    told = yaml.safe_load(CARRIED.read_text())
    told["quiet_hours"] = None
    told["ladders"]["dossier"]["levels"][0] |= {"by": ["email"], "at_once": True}
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump(told, allow_unicode=True))
    return file


def passing(number: int, at: datetime) -> tuple[object, ...]:
    """Return an obligation of one of the heads that passes due then."""
    id, kind, state, due_at, near_at, timer_at, document = sweep.row(number, at)
    unit = f"H56.{number % HEADS:03}"
    said = orjson.loads(str(document)) | {
        "unit": unit, "unit_code": unit, "unit_name": f"UBND xã số {number % HEADS}", "holder": None,
    }  # fmt: skip
    return id, kind, state, due_at, near_at, timer_at, orjson.dumps(said).decode()


async def prepare(ground: Ground, connection: Client, load: Load) -> datetime:
    """Make schemas, streams, the directory, and what passes due; returns when filing begins."""
    for service in layout.SERVICES:
        await asyncio.to_thread(migrate, service, ground.database_url(service))
    for name in ("FEED", "BACKFILL", "INTAKE"):
        await bus.provision_stream(connection, STREAMS[name], max_bytes=4 << 30)
    await say(connection, units(Heads(0, HEADS)))
    start = machine_now() + timedelta(seconds=AHEAD_S)
    many = round(load.seconds * PASSING_PER_S)
    await sweep.write(
        ground, [passing(number, start + timedelta(seconds=number / PASSING_PER_S - 1)) for number in range(many)]
    )
    return start


def settings(ground: Ground, of_relay: Relay) -> dict[str, str]:
    return {
        "DONDOC_COMPLAINTS_IDENTITY_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "DONDOC_COMPLAINTS_ATTACHMENTS": str(ground.data / "attachments"),
        "DONDOC_COMPLAINTS_FILINGS_PER_MINUTE": "0",
        "DONDOC_COMPLAINTS_FILINGS_PER_MINUTE_AT_MOST": "0",
        "DONDOC_NOTIFY_POLICY": str(policy(ground.data)),
        "DONDOC_NOTIFY_SEND": "live",
        "DONDOC_NOTIFY_SMTP_PORT": str(of_relay.port),
    }


def _is_ready(service: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{layout.HOST}:{HTTP_PORTS[service]}/health/ready", timeout=1):  # nosec B310 - our own
            return True
    except OSError:
        return False


async def ready() -> None:
    async with asyncio.timeout(READY_S):
        for service in layout.SERVICES:
            while not await asyncio.to_thread(_is_ready, service):
                await asyncio.sleep(0.2)


async def _passed(ground: Ground) -> int:
    [row] = await feedback_proof.rows(
        ground, "notify", "SELECT count(*) FROM notify.obligation WHERE id LIKE 'dossier/%' AND raised > 0"
    )
    return int(row[0])


async def _stored(ground: Ground) -> int:
    [row] = await feedback_proof.rows(ground, "complaints", "SELECT count(*) FROM complaints.complaint")
    return int(row[0])


def _start(ground: Ground, command: Sequence[str], more: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return spawn(
        [sys.executable, "-m", *command],
        log=ground.data / "complaints.log",
        env=ground.environment("complaints", HTTP_PORTS["complaints"]) | dict(more),
    )


async def _send(ground: Ground, load: Load, running: dict[str, subprocess.Popen[bytes]], again: Again) -> float:
    """Run the crowd to its end; returns the processor seconds it used. complaints may be killed meanwhile."""
    given = (HTTP_PORTS["complaints"], ground.data / "sent", load.rate, load.seconds, load.kilobytes)
    crowd = spawn([sys.executable, "-m", "bench.feedback_sender", *map(str, given)], log=ground.data / "crowd.log")
    used = 0.0
    try:
        if load.kill_after is not None:
            while await _stored(ground) < load.kill_after and crowd.poll() is None:
                await asyncio.sleep(0.05)
            os.kill(running["complaints"].pid, signal.SIGKILL)
            running["complaints"].wait()
            running["complaints"] = again()
        while crowd.poll() is None:
            used = max(used, processor_seconds(crowd.pid))
            await asyncio.sleep(0.05)
    finally:
        end(crowd)
    return used


async def _measure(
    ground: Ground, connection: Client, load: Load, of_relay: Relay, commands: Mapping[str, Sequence[str]]
) -> Result:
    start, more = await prepare(ground, connection, load), settings(ground, of_relay)
    with processes(ground, commands, more=more) as running:
        await ready()
        await asyncio.sleep(max(0.0, (start - machine_now()).total_seconds()))
        pids = ground.pids | {name: process.pid for name, process in running.items()}
        spent = {name: processor_seconds(pid) for name, pid in pids.items()}
        mails, passed, before = len(of_relay.mails()), await _passed(ground), resident_mb(pids["complaints"])
        forget_peak(pids["complaints"])
        crowd_s = await _send(ground, load, running, lambda: _start(ground, commands["complaints"], more))
        sent = outcomes(ground.data / "sent")
        if not any(one.status == 201 for one in sent):
            logs = (ground.data / f"{name}.log" for name in ("crowd", "complaints"))
            raise SystemExit("no filing was taken\n" + "\n".join(log.read_text()[-2000:] for log in logs))
        pids["complaints"] = running["complaints"].pid
        used = {name: processor_seconds(pid) - spent[name] for name, pid in pids.items()}
        mails, passed = len(of_relay.mails()) - mails, await _passed(ground) - passed
        memory = resident_mb(pids["complaints"]), peak_mb(pids["complaints"])
        await ready()
        await feedback_proof.settled(ground)
        folder = Path(more["DONDOC_COMPLAINTS_ATTACHMENTS"])
        proof: dict[str, Any] = {"folder": folder, "keys": more["DONDOC_COMPLAINTS_IDENTITY_KEYS"]}
        faults = await feedback_proof.faults(ground, connection, sent, kilobytes=load.kilobytes, **proof)
        removed = await feedback_proof.swept(ground, folder)
        left = await feedback_proof.files_without_rows(ground, folder)
    took_s = max(one.number / load.rate + one.took_ms / 1000 for one in sent)
    return Result(sent, took_s, used | {"crowd": crowd_s}, before, *memory, mails, passed, faults, removed, left)


def run_load(load: Load, *, alone: bool = False) -> Result:
    """File on fresh servers. alone: each filing in a transaction of its own."""
    commands = {service: [f"services.{service}.main"] for service in layout.SERVICES} | (ALONE if alone else {})

    async def run() -> Result:
        async with client(ground) as connection:
            return await _measure(ground, connection, load, of_relay, commands)

    with servers() as ground, relay(ground.data, name="relay", port=RELAY_PORT) as of_relay:
        return asyncio.run(run())


def told(result: Result, load: Load) -> str:
    cuts, many = statistics.quantiles(result.took_ms, n=100), max(1, result.answers[201])
    used = "  ".join(f"{name} {seconds:.1f}" for name, seconds in result.processor_s.items())
    answers = ", ".join(f"{number:,} × {status or 'no answer'}" for status, number in sorted(result.answers.items()))
    wrong = ", ".join(f"{number:,} {sort}" for sort, number in result.faults.items()) or "none lost, none doubled"
    each = sum(result.processor_s.values()) / many * 1000
    return (
        f"  {answers} in {result.took_s:.1f} s: {result.rate:.1f} filings/s of {load.rate:g}; {wrong};\n"
        f"    from its time to the answer: p50 {cuts[49]:.0f} ms  p95 {cuts[94]:.0f}  p99 {cuts[98]:.0f}  "
        f"max {result.took_ms[-1]:.0f}\n"
        f"    meanwhile {result.passed:,} obligations passed due, {result.mails:,} mails sent;\n"
        f"    complaints {result.before_mb:.0f} MB before, {result.after_mb:.0f} MB after, "
        f"{result.peak_mb:.0f} MB at most;\n"
        f"    processor s: {used}; {each:.2f} ms a filing, of complaints "
        f"{result.processor_s['complaints'] / many * 1000:.2f} ms; files without rows {result.files_swept}, "
        f"after the sweep {result.files_without_rows}"
    )


def report(*, rate: float, seconds: float, kilobytes: int) -> None:
    """Print a run, and a shorter one in which each filing has a transaction of its own."""
    load = Load(rate, seconds, kilobytes)
    print(
        f"{rate:g} filings/s for {seconds:g} s, each with a file of {kilobytes} KB, the limit by address off",
        flush=True,
    )
    shared = run_load(load)
    print(told(shared, load), flush=True)
    short = Load(rate, min(seconds, 15), kilobytes)
    together, alone = run_load(short), run_load(short, alone=True)
    print(f"each in a transaction of its own, {short.seconds:g} s:\n{told(alone, short)}", flush=True)
    print(f"filings in shared ones, {short.seconds:g} s:\n{told(together, short)}", flush=True)
    ratio = statistics.median(alone.took_ms) / statistics.median(together.took_ms)
    spent = alone.processor_s["complaints"] / together.processor_s["complaints"]
    print(f"  alone to shared: {alone.rate / together.rate:.2f} of the rate, {ratio:.1f} times as long (p50), "
          f"{spent:.2f} times the processor time of complaints", flush=True)  # fmt: skip
    if shared.faults:
        raise SystemExit("some filings are not as they should be")
