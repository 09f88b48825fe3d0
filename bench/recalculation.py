"""A holiday announced late: how long it takes until every open obligation is reckoned by it, and a forecast before.

What was said of dossiers and their obligations are written straight into deadline's tables, as hearing them would have
left them; deadline then runs alone and hears one calendar.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import orjson
from nats.aio.client import Client

from bench.ground import HTTP_PORTS, Ground, client, processes, processor_seconds, servers
from bench.sweep import DEADLINE, FIELDS, prepare_alone
from bench.throughput import START, snapshot
from services.deadline.folding import fold
from services.deadline.reference import carried
from services.deadline.said_store import bucket_of
from services.deadline.settings import DeadlineSettings
from services.intake import national
from services.intake.facts import Receipt, facts_of, key_of
from shared import bus
from shared.cloudevents import outgoing
from shared.events import CalendarDescribed, DossierSaid

KINDS = 40  # of dossiers, received on as many days in a row; the rest of a million differ in their number alone
STEP = 50_000
NUMBER = "0000000"
HOLIDAY = "2027-03-25"
TERMS = DeadlineSettings().terms()
PORT = HTTP_PORTS["deadline"]


@dataclass(frozen=True)
class Walk:
    """One run. forecast_s, walk_s: of all open obligations. moved: due times. peak_mb: of deadline's memory."""

    obligations: int
    moved: int
    announced: int
    forecast_s: float
    walk_s: float
    micros: dict[str, float]
    peak_mb: float


def kinds() -> Iterator[tuple[str, bytes, str, tuple[object, ...]]]:
    """Yield a dossier of each kind: its obligation's id, what was said of it, its document, its other columns.

    Every second one has no due date of its source, so that ours decides.
    """
    for kind in range(KINDS):
        accepted = START + timedelta(days=kind)
        given = {"NgayTiepNhan": accepted.strftime("%Y%m%d%H%M%S"), "MaTTHC": "1.012753", "TrangThaiHoSo": "2"}
        due = (accepted + timedelta(days=23)).strftime("%Y%m%d%H%M%S") if kind % 2 else ""
        one = snapshot(kind, **given, NgayHenTra=due) | {"MaHoSo": f"000.00.12.H56-270301-{NUMBER}"}
        body = {"madonvi": "000.00.12.H56", "service": "DongBoHoSoMC", "data": [one]}
        read = national.read(orjson.dumps(body))
        [of] = read.objects
        receipt = Receipt.of(accepted)
        facts = facts_of(of, message=read, source="motcua-1", mirror=False, receipt=receipt)
        data = {"dossier": key_of(of.code), "raw_code": of.code, "facts": facts}
        event = outgoing(DossierSaid, id="said", about=key_of(of.code), time=accepted, data=data)
        [folded] = fold(f"dossier/{key_of(of.code)}", [data], known=carried(), terms=TERMS)
        obligation = folded.obligation | {"revision": 1}
        due_at, near_at = (datetime.fromisoformat(str(obligation[name])) for name in ("due_at", "near_at"))
        rest = "dossier", obligation["state"], due_at, near_at, near_at
        yield str(obligation["obligation_id"]), event.body, orjson.dumps(obligation).decode(), rest


async def write(ground: Ground, *, obligations: int) -> None:
    made = list(kinds())
    connection = await asyncpg.connect(ground.database_url("deadline"))
    try:
        for first in range(0, obligations, STEP):
            said, rows = [], []
            for number in range(first, min(first + STEP, obligations)):
                id, body, document, rest = made[number % KINDS]
                digits = f"{number:07d}"
                own = id.replace(NUMBER, digits)
                said.append((bucket_of(own), own, f"said-{digits}", body.replace(NUMBER.encode(), digits.encode())))
                rows.append((own, *rest, document.replace(NUMBER, digits)))
            for table, columns, records in (
                ("said", ("bucket", "obligation", "event_id", "body"), said),
                ("obligation", FIELDS, rows),
            ):
                await connection.copy_records_to_table(table, schema_name="deadline", columns=columns, records=records)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


def calendar() -> CalendarDescribed:
    """The province's calendar with one more day off."""
    from shared.worktime.province import DATA
    from shared.worktime.written import read

    given = read(DATA / "thanh-hoa.yaml").given
    dates = {**given["dates"], HOLIDAY: []}
    return CalendarDescribed(name="thanh-hoa", revision=1, given={**given, "dates": dates})


async def forecast(described: CalendarDescribed) -> float:
    began = time.monotonic()
    change = {"calendars": [described.model_dump(mode="json")]}
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{PORT}", headers={"X-API-Key": "bench"}, timeout=None) as http,
        http.stream("POST", "/v1/forecast", json=change) as answer,
    ):
        answer.raise_for_status()
        async for _ in answer.aiter_lines():
            pass
    return time.monotonic() - began


async def walk(ground: Ground, connection: Client, described: CalendarDescribed) -> asyncpg.Record:
    """Announce the calendar, and wait until the walk that follows is finished."""
    now = START + timedelta(days=KINDS)
    event = outgoing(CalendarDescribed, id="calendar:1", about=described.name, time=now, data=described)
    await bus.publish(connection, [event])
    database = await asyncpg.connect(ground.database_url("deadline"))
    try:
        while True:
            await asyncio.sleep(0.5)
            found = await database.fetchrow(
                "SELECT changed, done, extract(epoch FROM finished_at - asked_at) AS seconds "
                "FROM deadline.act WHERE act = 'recalculate' AND finished_at IS NOT NULL"
            )
            if found:
                return found
    finally:
        await database.close()


def peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def run(*, obligations: int) -> Walk:
    async def measure() -> Walk:
        async with client(ground) as connection:
            await prepare_alone(ground, connection)
            await write(ground, obligations=obligations)
            described = calendar()
            with processes(ground, DEADLINE) as running:
                pid = running["deadline"].pid
                pids = ground.pids | {"deadline": pid}
                await asyncio.sleep(8)
                forecast_s = await forecast(described)
                before = (await bus.api(connection, "STREAM.INFO.DEADLINE"))["state"]["messages"]
                spent = {name: processor_seconds(of) for name, of in pids.items()}
                found = await walk(ground, connection, described)
                used = {name: (processor_seconds(of) - spent[name]) / obligations * 1e6 for name, of in pids.items()}
                peak = peak_mb(pid)
            said = (await bus.api(connection, "STREAM.INFO.DEADLINE"))["state"]["messages"] - before
            if found["done"] != obligations:
                raise SystemExit(f"wrong: {found['done']} of {obligations} obligations were looked at")
            return Walk(obligations, found["changed"], said, forecast_s, float(found["seconds"]), used, peak)

    with servers() as ground:
        return asyncio.run(measure())


def report(*, obligations: int) -> None:
    """Run it and print it."""
    told = run(obligations=obligations)
    micros = "  ".join(f"{name} {value:.0f}" for name, value in told.micros.items())
    print(f"{obligations:,} open obligations, a day off more ({HOLIDAY}): reckoned anew in {told.walk_s:.0f} s,")
    print(f"  {obligations / told.walk_s:,.0f} a second, {told.moved:,} moved, {told.announced:,} events said;")
    print(f"  µs of processor each: {micros}; deadline's memory at most {told.peak_mb:.0f} MB")
    print(f"the forecast of the same: {told.forecast_s:.0f} s, {obligations / told.forecast_s:,.0f} a second; ", end="")
    print(f"the walk takes {told.walk_s / told.forecast_s:.2f} of it")
