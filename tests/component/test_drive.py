"""The driver of business time on real servers."""

from __future__ import annotations

from datetime import datetime

import pytest

from dondoc.drive import ClockStoppedError, driving, last_tick
from services.complaints.main import SERVICE as COMPLAINTS
from services.intake.main import SERVICE as INTAKE
from tests import servers as real
from tests.component import harness

START = datetime.fromisoformat("2026-11-02T00:00:00+07:00")


async def test_a_clock_that_stops_names_the_service_that_keeps_the_tick(nats_url: str, postgres_url: str) -> None:
    database = await real.fresh_database(postgres_url, migrated=["intake", "complaints"])
    parts = harness.services(INTAKE, COMPLAINTS, nats_url=nats_url, database=database, clock="driven")
    async with parts, harness.connected(nats_url) as client:
        with pytest.raises(ClockStoppedError, match="deadline has not reached 2026-11-02 00:00 within 2 s"):
            async with driving(client, start=START, patience_s=2):
                pass
        tick = await last_tick(client, "INTAKE")
        assert tick
        assert tick.at == START
        assert await last_tick(client, "NOTIFY") is None
    await real.drop_database(postgres_url, database)
