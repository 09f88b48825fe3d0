"""notify killed between a relay's "taken" and its own commit: the mail goes again under the same id, and is counted."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from dondoc.stack.processes import end, spawn
from shared.settings import database_dsn
from tests import servers as real
from tests.component import harness, peers
from tests.component.sending import migrated, put  # noqa: F401 - a fixture
from tests.waiting import until

MAILS = 30

pytestmark = pytest.mark.long  # starts notify six times


def start(folder: Path, *, nats_url: str, database: real.Database, relay: int) -> subprocess.Popen[bytes]:
    """Start notify as a process of its own; returns it."""
    given = {
        "DONDOC_NATS_URL": real.logged_in(nats_url, "notify"),
        "DONDOC_DATABASE_URL": database.url("notify"),
        "DONDOC_API_KEY": harness.API_KEY,
        "DONDOC_HTTP_PORT": str(real.free_port()),
        "DONDOC_NOTIFY_SEND": "live",
        "DONDOC_NOTIFY_SMTP_PORT": str(relay),
    }
    command = [sys.executable, "-m", "services.notify.main"]
    return spawn(command, log=folder / "notify.log", env={**os.environ, **given})


async def count(engine: AsyncEngine, condition: str) -> int:
    async with engine.connect() as connection:
        found = await connection.execute(text(f"SELECT count(*) FROM notify.notice WHERE {condition}"))
        return int(found.scalar_one())


@pytest.mark.parametrize("manner", ["hangs", "slow"])
async def test_killed_at_any_moment_it_loses_nothing_and_counts_what_may_be_doubled(
    nats_url: str,
    migrated: real.Database,  # noqa: F811
    tmp_path: Path,
    manner: peers.Manner,
) -> None:
    await harness.make_streams(nats_url)
    engine = create_async_engine(database_dsn(migrated.url("notify")))
    ids = [f"mail-{number:03d}" for number in range(MAILS)]
    async with engine.begin() as connection:
        await put(connection, ids, channel="email")
    async with peers.relay(manner) as relay:
        for kill in range(2):
            process = start(tmp_path, nats_url=nats_url, database=migrated, relay=relay.port)
            await until(lambda: len(relay.taken) >= 4 * (kill + 1))  # noqa: B023 - it ends within the turn
            process.kill()
            await asyncio.to_thread(process.wait)
            async with engine.begin() as connection:  # as if the leases had run out
                await connection.execute(text("UPDATE notify.notice SET leased_until = now() - interval '1 s'"))
        relay.manner = "well"
        process = start(tmp_path, nats_url=nats_url, database=migrated, relay=relay.port)
        try:
            await until(lambda: count(engine, "status = 'sent'"), lambda found: found >= MAILS)
        finally:
            await asyncio.to_thread(end, process)
        taken = Counter(relay.taken)
        async with engine.connect() as connection:
            counted = set(
                (await connection.execute(text("SELECT id FROM notify.notice WHERE maybe_doubled"))).scalars()
            )
    await engine.dispose()
    twice = {id for id, number in taken.items() if number > 1}
    assert set(taken) == set(ids)
    assert twice
    assert twice <= counted
