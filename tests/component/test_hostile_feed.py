"""What no source may do, whatever it sends: stop intake, hold others back, or lose what is good beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio
from nats.aio.client import Client
from sqlalchemy import text

from services.intake.main import SERVICE as INTAKE
from shared import parking, retrying
from shared.service import Running
from tests import servers as real
from tests.component import harness


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


def message(*objects: Any) -> bytes:
    return orjson.dumps({"service": "DongBoHoSoMC", "madonvi": "000.00.12.H56", "data": list(objects)})


def snapshot(code: str, **fields: Any) -> dict[str, Any]:
    return {"MaHoSo": code, "NgayTiepNhan": "20261102091000", "TrangThaiHoSo": "2", **fields}


async def send(client: Client, body: bytes, *headers: bytes) -> None:
    """Publish with headers byte by byte as given: the client itself would write UTF-8 only."""
    block = b"NATS/1.0\r\n" + b"".join(header + b"\r\n" for header in headers) + b"\r\n"
    await send_raw(client, body, block)


async def send_raw(client: Client, body: bytes, block: bytes, *, subject: bytes = b"feed.motcua-1.national") -> None:
    command = b"HPUB %b %d %d\r\n" % (subject, len(block), len(block) + len(body))
    await client._send_command(command + block + body + b"\r\n")
    await client.flush()


async def codes(intake: Running) -> list[str]:
    async with intake.engine.connect() as connection:
        return list((await connection.execute(text("SELECT key FROM intake.thing ORDER BY key"))).scalars())


async def reasons(intake: Running) -> list[str]:
    async with intake.engine.connect() as connection:
        return list((await connection.execute(text("SELECT reason FROM intake.quarantine ORDER BY 1"))).scalars())


async def retry(intake: Running) -> int:
    return await retrying.retry_parked(intake)


async def test_a_parked_message_whose_headers_are_no_text_is_tried_again_like_any_other(
    intake: Running, client: Client
) -> None:
    async with intake.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE intake.thing ADD CONSTRAINT no CHECK (key <> 'X-1')"))
    await send(client, message(snapshot("X-1")), b"X-Odd: \xff\xfe")
    await harness.until_idle({"intake": intake})
    assert await reasons(intake) == [parking.FAILED_ALONE]
    async with intake.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE intake.thing DROP CONSTRAINT no"))
    assert await retry(intake) == 1
    assert await codes(intake) == ["X-1"]


@pytest.mark.parametrize(
    "headers",
    [
        [b"Dondoc-Received-At: yesterday"],
        [b"Dondoc-Received-At: 2026-11-02T09:10:00"],
        [b"Dondoc-Received-At: 9999-12-31T23:59:59+00:00"],
        [b"Dondoc-Received-At: 0001-01-01T00:00:00+14:00"],
        [b"Dondoc-Import: x", b"Dondoc-Line: 1000000000000000000000"],
        [b"Dondoc-Import: x", b"Dondoc-Line: \xc2\xb2"],
        [b"Dondoc-Import: a\0b", b"Dondoc-Line: 1"],
        [b"Dondoc-Import: " + b"x" * 5000, b"Dondoc-Line: 1"],
    ],
)
async def test_a_header_that_makes_no_sense_costs_no_dossier(
    intake: Running, client: Client, headers: list[bytes]
) -> None:
    await send(client, message(snapshot("X-1")), *headers)
    await harness.until_idle({"intake": intake})
    assert (await codes(intake), await reasons(intake)) == (["X-1"], [])


async def test_what_the_client_cannot_read_of_a_message_stops_nobody(intake: Running, client: Client) -> None:
    await send_raw(client, message(snapshot("X-1")), b"NATS/1.0")
    await send_raw(client, message(snapshot("X-2")), b"NATS/1.0 1\xff0\r\n\r\n")
    await send_raw(client, message(snapshot("X-3")), b"NATS/1.0\r\n\r\n", subject=b"feed.\xff.national")
    await send(client, message(snapshot("X-4")))
    await harness.until_idle({"intake": intake})
    assert await codes(intake) == ["X-1", "X-2", "X-3", "X-4"]


async def test_a_burst_about_one_dossier_leaves_in_events_that_the_stream_takes(
    intake: Running, client: Client
) -> None:
    long = "\U00020000" * 490
    for hour in range(2):
        times = [f"202601010{hour}{n // 60:02}{n % 60:02}" for n in range(400)]
        of_one = ({"MaHoSo": "X-1", "DonViXuLy": f"{long}{at[-4:]}", "NgayTra": at} for at in times)
        await send(client, message(*of_one))
    await harness.until_idle({"intake": intake})
    facts = [fact["id"] for event in await harness.said(client, "INTAKE") for fact in event["data"].get("facts", ())]
    assert (len(facts), len(set(facts))) == (2 * 800, 2 * 800)  # the unit, and the return to the applicant


@pytest.mark.parametrize("source", [b"a\0b", b"s" * 300])
async def test_a_source_whose_name_nobody_can_store_is_refused_with_its_reason(
    intake: Running, client: Client, source: bytes
) -> None:
    await send_raw(client, message(snapshot("X-1")), b"NATS/1.0\r\n\r\n", subject=b"feed.%b.national" % source)
    await harness.until_idle({"intake": intake})
    assert (await codes(intake), await reasons(intake)) == ([], ["unknown_subject"])


async def test_parked_messages_that_fail_again_hold_up_no_later_one(
    intake: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "AT_ONCE", 2)
    async with intake.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE intake.thing ADD CONSTRAINT no CHECK (key < 'X')"))
    for number in range(4):
        await send(client, message(snapshot(f"X-{number}")))
    await harness.until_idle({"intake": intake})
    async with intake.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE intake.thing DROP CONSTRAINT no"))
        await connection.execute(text("ALTER TABLE intake.thing ADD CONSTRAINT no CHECK (key = 'X-3')"))
    assert await retry(intake) == 1
    assert await codes(intake) == ["X-3"]
