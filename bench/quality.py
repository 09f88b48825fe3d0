"""Completeness of reception: what a walk over a month's dossiers costs, and what the key's collation costs inserts.

Dossiers are written straight into intake's table, as hearing them would leave them: 200 agencies, 30 days, six facts.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.intake import store
from services.intake.facts import Receipt, facts_of, key_of
from services.intake.memory import Memory
from services.intake.national import read
from services.intake.quality import walking
from shared import db
from tests import servers as real

FIRST, DAYS, AGENCIES, AT_ONCE = date(2026, 10, 13), 30, 200, 500
NOW = datetime.fromisoformat("2026-11-12T02:30:00+07:00")


def memories(dossiers: int) -> Iterator[tuple[str, Memory]]:
    """Yield things; of a hundredth a due date is missing, and of each day's numbers one in fifty."""
    receipt = Receipt.of(datetime.fromisoformat("2026-11-05T09:00:00+07:00"))
    for n in range(dossiers):
        agency, day, number = n % AGENCIES, n // AGENCIES % DAYS, n // AGENCIES // DAYS + 1
        on = FIRST + timedelta(days=day)
        if number % 50 == 7:
            continue
        snapshot = {
            "MaHoSo": f"000.{agency // 99 + 1:02}.{agency % 99 + 1:02}.H56-{on:%y%m%d}-{number:04}",
            "MaTTHC": "1.012753", "TenLinhVuc": "Đất đai", "DonViXuLy": f"UBND xã {agency}", "TrangThaiHoSo": "9",
            "NgayTiepNhan": f"{on:%Y%m%d}091000", "NgayHenTra": f"{on + timedelta(9):%Y%m%d}091000" * (n % 100 > 0),
            "NgayKetThucXuLy": f"{on + timedelta(days=5):%Y%m%d}091000",
        }  # fmt: skip
        message = read(orjson.dumps({"service": "DongBoHoSoMC", "madonvi": "000.00.00.H56", "data": [snapshot]}))
        memory = Memory(raw_code=snapshot["MaHoSo"])
        for fact in facts_of(message.objects[0], message=message, source="motcua-1", mirror=False, receipt=receipt):
            memory.hear(fact)
        yield key_of(snapshot["MaHoSo"]), memory


async def insert(engine: AsyncEngine, things: dict[str, Memory]) -> float:
    """Store things as intake does, a batch a transaction; returns how many a second."""
    keys = sorted(things, key=lambda key: key[::-1])  # scattered, as they come
    began = time.perf_counter()
    for at in range(0, len(keys), AT_ONCE):
        async with db.transaction(engine) as connection:
            await store.add_things(connection, {key: things[key] for key in keys[at : at + AT_ONCE]})
    return len(keys) / (time.perf_counter() - began)


async def walk(engine: AsyncEngine) -> tuple[float, float, list[float], int]:
    """Take a whole walk; returns its seconds, those of this processor, those of each step, and the events said."""
    steps, said, more = [], 0, True
    began, used = time.perf_counter(), time.process_time()
    while more:
        step = time.perf_counter()
        async with db.transaction(engine) as connection:
            events, more = await walking.perform(connection, NOW)
        said += len(events)
        steps.append(time.perf_counter() - step)
    return time.perf_counter() - began, time.process_time() - used, steps, said


async def _collate(connection: AsyncConnection, collation: str) -> None:
    await connection.execute(text("TRUNCATE intake.thing"))
    await connection.execute(text(f'ALTER TABLE intake.thing ALTER COLUMN key TYPE text COLLATE "{collation}"'))


async def measure(postgres_url: str, *, dossiers: int, runs: int) -> None:
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    engine = db.engine(database.url("intake"), name="bench", pool=2)
    things = dict(memories(dossiers))
    rates: dict[str, list[float]] = {"default": [], "C": []}
    for _ in range(runs):
        for collation, measured in rates.items():
            async with db.transaction(engine) as connection:
                await _collate(connection, collation)
            await engine.dispose()  # its prepared statements are of the column as it was
            measured.append(await insert(engine, things))
    for collation, measured in rates.items():
        print(f"inserts, key in collation {collation}: {statistics.median(measured):,.0f} dossiers/s (of {runs} runs)")
    for name in ("first walk", "again"):
        async with db.transaction(engine) as connection:
            await connection.execute(text("DELETE FROM intake.quality_walk"))
        seconds, used, steps, said = await walk(engine)
        steps.sort()
        median, p99 = (steps[int(len(steps) * share)] * 1000 for share in (0.5, 0.99))
        print(
            f"{name} over {len(things):,} dossiers: {seconds:.1f} s ({used:.1f} s of Python), {len(steps)} steps, "
            f"median {median:.1f} ms, p99 {p99:.1f} ms, {said} events said"
        )
    began = time.perf_counter()
    for _ in range(200):
        async with db.transaction(engine) as connection:
            await walking.perform(connection, NOW)
    print(f"a sweep with nothing to do: {(time.perf_counter() - began) * 5:.2f} ms")
    await engine.dispose()
    await real.drop_database(postgres_url, database)


def quality(*, dossiers: int, runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder, real.wheel_servers(Path(folder)) as running:
        asyncio.run(measure(running.postgres_url, dossiers=dossiers, runs=runs))
