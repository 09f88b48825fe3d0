"""A database that notify left at revision 0010 is migrated: nothing is lost or told twice, and pressing goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest_asyncio

from shared import bus
from shared.db import migrate
from tests.component import harness
from tests.component.office import (
    DOSSIER,
    MONDAY_1400,
    THURSDAY_0730,
    Open,
    at,
    office,
    text_of,
)
from tests.component.test_notify_ledger import ledger, part
from tests.servers import Database, drop_database, fresh_database
from tests.waiting import until

__all__ = ["office"]  # a fixture

BEFORE = Path(__file__).with_name("notify_0010.sql")
SENT = "3b710ca08b98b9f8affb1e42"  # the mail of 07:30, which tells of two dossiers
WEDNESDAY_1600 = "2026-11-25T16:00:00+07:00"

# A mail that the old version had claimed an hour ago, and died over: whether the relay has it is not known.
CLAIMED = (
    "INSERT INTO notify.notice (id, post, role, channel, slot, status, recipient, subject, text_body, html_body, items,"
    " stored_at, added_at, attempts, lease, leased_until) SELECT 'claimed', '14797', role, channel, slot, 'stored', "
    "'14797@example.vn', subject, 'as it was', html_body, items, stored_at, clock_timestamp() - interval '1 hour', 1, "
    "'of-old', clock_timestamp() - interval '50 min' FROM notify.notice WHERE id = $1"
)
COUNTED = ("unit", "obligation", "line", "notice", "notice_item", "reach", "tick")


@pytest_asyncio.fixture
async def migrated(postgres_url: str) -> AsyncIterator[Database]:
    """A database of revision 0010, migrated to the newest: in place of the fixture of that name."""
    made = await fresh_database(postgres_url)
    connection = await asyncpg.connect(made.url("notify"))
    await connection.execute(BEFORE.read_text("utf-8"))
    await connection.execute(CLAIMED, SENT)
    before = await contents(connection)
    for _ in range(2):  # the second finds nothing to do
        await asyncio.to_thread(migrate, "notify", made.url("notify"))
    assert await contents(connection) == before
    await connection.close()
    yield made
    await drop_database(postgres_url, made)


async def contents(connection: Any) -> dict[str, list[dict[str, Any]]]:
    """Return all rows, without the columns that came later."""
    columns = {
        table: BEFORE.read_text("utf-8").partition(f"INSERT INTO notify.{table} (")[2].partition(")")[0]
        for table in COUNTED
    }
    return {
        table: [dict(row) for row in await connection.fetch(f"SELECT {names} FROM notify.{table} ORDER BY 1, 2")]
        for table, names in columns.items()
    }


async def test_a_database_of_the_first_notices_goes_on(office: Open, migrated: Database) -> None:
    async with office(units=()) as here:
        assert here.notify.clock.now() == at("2026-11-23T13:00:00+07:00")
        [again, *_] = await until(lambda: here.box.taken)
        assert (again["Message-ID"], text_of(again).strip()) == ("<claimed@dondoc.example.vn>", "as it was")
        await here.settle()
        async with here.notify.engine.connect() as connection:
            rows = await connection.exec_driver_sql("SELECT id FROM notify.notice WHERE maybe_doubled")
            assert list(rows.scalars()) == ["claimed"]

        await here.move_to(MONDAY_1400)
        told = {mail["To"]: text_of(mail) for mail in here.box.taken[1:]}
        assert sorted(told) == ["14797@example.vn", "h56.12@example.vn"]
        assert "- D · " in told["14797@example.vn"]
        assert "Không còn quá hạn (1)" in told["h56.12@example.vn"]
        assert DOSSIER not in told["h56.12@example.vn"], "its head was told at 07:30"

        await here.move_to(WEDNESDAY_1600)
        await here.move_to(THURSDAY_0730)
        later = [mail["To"] for mail in here.box.taken[3:]]
        assert later.count("th-snv@example.vn") == 1, "the second level was set before the migration"
        assert "h56.12@example.vn" in later, "and what was near is told, too"

        await harness.until_idle({"notify": here.notify})
        slot = "2026-11-26T07:45:00+07:00"
        overdue = [(f"dossier/{DOSSIER}", 2), ("dossier/D", 2)]
        await bus.publish(here.client, [part(slot, overdue)])
        await here.move_to(slot)
        found = await ledger(here)
        assert (found["differences"], found["census"]["standings"]) == ({}, {"pressed": 2})
