"""The portal's REST verbs over HTTP: wrapped, taken like any message, and what is unknown or unreadable quarantined."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
import pytest
import pytest_asyncio
from nats.aio.client import Client
from sqlalchemy import text

from services.intake.main import SERVICE as INTAKE
from services.intake.understanding import SETTINGS
from shared.service import Running
from tests import servers as real
from tests.component import harness

CODE = "G09.20-20260609-0092637"
STEP = {"IDHoSo": 7, "MaHoSo": CODE, "ThoiDiemXuLy": "2026-06-09T10:15:00", "TrangThai": 4}


@pytest_asyncio.fixture
async def intake(nats_url: str, postgres_url: str) -> AsyncIterator[Running]:
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    async with harness.services(INTAKE, nats_url=nats_url, database=database) as running:
        yield running["intake"]
    await real.drop_database(postgres_url, database)


@pytest_asyncio.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    async with harness.connected(nats_url) as connection:
        yield connection


async def post(intake: Running, verb: str, content: bytes) -> int:
    async with harness.caller(intake) as caller:
        answer = await caller.post(f"/v1/feeds/portal/national/{verb}", content=content)
    await harness.until_idle({"intake": intake})
    return answer.status_code


async def refused(intake: Running) -> list[tuple[str, bytes]]:
    async with intake.engine.connect() as connection:
        rows = await connection.execute(text("SELECT reason, raw FROM intake.quarantine ORDER BY id"))
        return [(row.reason, row.raw) for row in rows]


@pytest.mark.parametrize("content", [orjson.dumps([STEP]), orjson.dumps(STEP)])
async def test_a_verb_takes_a_list_or_an_object(intake: Running, client: Client, content: bytes) -> None:
    assert await post(intake, "CapNhatTienTrinh", content) == 202
    [said] = [one for one in await harness.said(client, "INTAKE") if one["type"] == "intake.dossier_said.v1"]
    assert (said["subject"], said["data"]["facts"][0]["at"]) == (CODE, "2026-06-09T10:15:00+07:00")
    assert await refused(intake) == []


@pytest.mark.parametrize(
    ("verb", "content", "reason"),
    [
        ("XoaHoSo", orjson.dumps([STEP]), "unknown_service"),
        ("NoiHoSo", b'[{"MaHoSo": "X-1"}], "service": "NoiHoSo"', "unreadable"),
        ("NoiHoSo", b"\xff\xfe", "unreadable"),
        ("NoiHoSo", b'"X-1"', "not_a_message"),
        ("CapNhatTrangThai", orjson.dumps({"MaHoSo": CODE}), "invalid_object"),
    ],
)
async def test_what_cannot_be_taken_is_in_quarantine(intake: Running, verb: str, content: bytes, reason: str) -> None:
    assert await post(intake, verb, content) == 202
    assert [reason for reason, _ in await refused(intake)] == [reason]


async def test_a_body_may_be_as_large_as_any_other_and_no_larger(intake: Running) -> None:
    most = b"[" + b" " * (SETTINGS.max_body_bytes - 2) + b"]"
    assert await post(intake, "NoiHoSo", most) == 202
    assert await post(intake, "NoiHoSo", most + b" ") == 413
    assert await post(intake, "Noi.HoSo", b"[]") == 422
