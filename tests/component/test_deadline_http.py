"""Deadline's HTTP: an obligation with its reasons, and questions about due dates."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import orjson
import pytest_asyncio

from services.deadline import api
from services.deadline.main import SERVICE as DEADLINE
from services.intake.main import SERVICE as INTAKE
from tests import servers as real
from tests.component import harness
from tests.component.test_intake_to_deadline import message, snapshot


@pytest_asyncio.fixture
async def deadline(servers: real.Servers, nats_url: str, postgres_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of deadline, which knows one dossier."""
    database = await real.fresh_database(postgres_url, migrated=["intake", "deadline"])
    async with harness.services(INTAKE, DEADLINE, nats_url=nats_url, database=database) as started:
        async with harness.connected(nats_url) as client:
            await harness.feed(client, [message(snapshot())])
        await harness.until_idle(started)
        async with harness.caller(started["deadline"]) as caller:
            yield caller
    await real.drop_database(postgres_url, database)


async def test_an_obligation_says_why_its_due_date_is_what_it_is(deadline: httpx.AsyncClient) -> None:
    answer = (await deadline.get("/v1/obligations/dossier/000.00.12.H56-261102-0001")).raise_for_status().json()
    assert answer["due_at"] == "2026-11-09T09:10:00+07:00"
    assert answer["explanation"]["announced"][0]["due_at"] == answer["due_at"]
    assert answer["explanation"]["computed"]["due_at"] == answer["computed_due_at"]
    assert "5 ngày làm việc" in answer["explanation"]["sentence"]
    assert (await deadline.get("/v1/obligations/dossier/none")).status_code == 404


async def test_questions_are_answered_a_line_each(deadline: httpx.AsyncClient) -> None:
    question = {
        "id": 1,
        "calendar": "thanh-hoa",
        "start": "2026-11-20T16:00:00+07:00",
        "limit": {"value": 3, "unit": "working_days"},
    }
    answer = await deadline.post("/v1/due", content=orjson.dumps(question) + b"\nno json\n")
    first, second = (orjson.loads(line) for line in answer.content.splitlines())
    assert first["due_at"] == "2026-11-26T16:00:00+07:00"
    assert second["error"].startswith("not JSON")
    assert (await deadline.post("/v1/due", content=b"x" * (api.QUESTIONS_BYTES + 1))).status_code == 413
