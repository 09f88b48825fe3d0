"""The servers that tests and stacks run on are durable and keep the services apart."""

import asyncio
from pathlib import Path

import asyncpg
import nats
import pytest

from tests.servers import Database, PostgresServer, Servers


async def test_a_role_sees_its_own_schema_and_nothing_else(database: Database) -> None:
    intake = await asyncpg.connect(database.url("intake"))
    try:
        await intake.execute("CREATE TABLE thing (id int)")
        assert await intake.fetchval("SELECT 'thing'::regclass::text") == "thing"
        assert await intake.fetchval("SELECT schemaname FROM pg_tables WHERE tablename = 'thing'") == "intake"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await intake.execute("CREATE TABLE public.thing (id int)")
    finally:
        await intake.close()
    deadline = await asyncpg.connect(database.url("deadline"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await deadline.execute("SELECT * FROM intake.thing")
    finally:
        await deadline.close()


async def test_postgresql_waits_for_the_disk(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path)
    try:
        await asyncio.to_thread(server.start)
        connection = await asyncpg.connect(server.url)
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await connection.fetchval("SELECT current_setting($1)", setting) == "on"
        assert (await connection.fetchval("SHOW server_version")).startswith("18")
        await connection.close()
    finally:
        server.stop()


async def test_what_the_tests_share_commits_as_the_services_expect(database: Database) -> None:
    connection = await asyncpg.connect(database.url("notify"))
    try:
        for setting in ("synchronous_commit", "full_page_writes"):
            assert await connection.fetchval("SELECT current_setting($1)", setting) == "on"
        assert (await connection.fetchval("SHOW server_version")).startswith("18")
    finally:
        await connection.close()


async def test_each_test_begins_without_streams(nats_url: str, servers: Servers) -> None:
    connection = await nats.connect(nats_url)
    try:
        assert await connection.jetstream().streams_info() == []
        await connection.jetstream().add_stream(name="LEFT_OVER", subjects=["left.>"])
    finally:
        await connection.close()


async def test_the_next_test_finds_nothing_left_over(nats_url: str) -> None:
    connection = await nats.connect(nats_url)
    try:
        assert await connection.jetstream().streams_info() == []
    finally:
        await connection.close()
