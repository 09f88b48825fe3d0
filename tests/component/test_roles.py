"""The role of each service reaches its own schema and nothing else: every way out is tried, and refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import permutations

import asyncpg
import pytest
import pytest_asyncio

from dondoc.stack import postgres
from dondoc.stack.layout import SERVICES
from tests import servers as real

REFUSED = asyncpg.InsufficientPrivilegeError
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = $1"
FOREIGN = (  # of one table of a neighbour
    "SELECT FROM {table}",
    "INSERT INTO {table} DEFAULT VALUES",
    "UPDATE {table} SET {column} = {column}",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "DROP TABLE {table}",
    "COPY {table} TO STDOUT",
    "CREATE VIEW {own}.looking AS SELECT * FROM {table}",
)
ANYWHERE = (
    "CREATE TABLE public.mine (a int)",
    "CREATE TEMPORARY TABLE mine (a int)",
    "CREATE SCHEMA mine",
    "CREATE DATABASE mine",
    "CREATE ROLE mine LOGIN",
    "ALTER ROLE {role} CREATEROLE",
    "ALTER SYSTEM SET fsync = off",
    "CREATE EXTENSION file_fdw",
    "CREATE EXTENSION pg_trgm SCHEMA {own}",  # a trusted one: whoever may create in the database may
    "COPY {own}.outbox TO PROGRAM 'true'",
    "COPY {own}.outbox FROM PROGRAM 'true'",
    "COPY {own}.outbox TO '/tmp/outbox'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT rolpassword FROM pg_authid",
    "SELECT pg_reload_conf()",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "GRANT pg_read_all_data TO {role}",
    "ALTER DATABASE {database} SET log_statement = 'all'",
)


@pytest_asyncio.fixture(scope="module")
async def migrated(postgres_url: str) -> AsyncIterator[real.Database]:
    made = await real.fresh_database(postgres_url, migrated=SERVICES)
    yield made
    await real.drop_database(postgres_url, made)


async def connect(database: real.Database, service: str) -> asyncpg.Connection[asyncpg.Record]:
    return await asyncpg.connect(database.url(service))


async def allowed(connection: asyncpg.Connection[asyncpg.Record], statement: str) -> bool:
    """Return whether a statement passes the rights; nothing of it is kept, but of those that no transaction takes."""
    if statement.startswith(("CREATE DATABASE", "ALTER SYSTEM")):
        with pytest.raises(REFUSED):
            await connection.execute(statement)
        return False
    trial = connection.transaction()
    await trial.start()
    try:
        await connection.execute(statement)
    except REFUSED:
        return False
    finally:
        await trial.rollback()
    return True


@pytest.mark.parametrize(("service", "neighbour"), list(permutations(SERVICES, 2)))
async def test_a_neighbours_schema_is_closed(migrated: real.Database, service: str, neighbour: str) -> None:
    admin = await asyncpg.connect(migrated.admin_url)
    first_column = "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 1"
    tables = [row[0] for row in await admin.fetch(TABLES, neighbour)]
    columns = {table: await admin.fetchval(first_column, f"{neighbour}.{table}") for table in tables}
    await admin.close()
    assert len(tables) > 3
    connection = await connect(migrated, service)
    tried = [f"CREATE TABLE {neighbour}.mine (a int)"] + [
        statement.format(table=f"{neighbour}.{table}", column=column, own=service)
        for table, column in columns.items()
        for statement in FOREIGN
    ]
    open_ways = [statement for statement in tried if await allowed(connection, statement)]
    await connection.close()
    assert open_ways == []


@pytest.mark.parametrize("service", SERVICES)
async def test_nothing_of_the_server_is_open(migrated: real.Database, service: str) -> None:
    connection = await connect(migrated, service)
    assert await allowed(connection, f"SELECT FROM {service}.outbox")  # this way of trying sees what is allowed
    open_ways = []
    for statement in ANYWHERE:
        tried = statement.format(own=service, role=postgres.role(service), database=migrated.name)
        if await allowed(connection, tried):
            open_ways.append(tried)
    await connection.close()
    assert open_ways == []


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("database", ["postgres", "template1"])
async def test_no_other_database_lets_it_in(migrated: real.Database, service: str, database: str) -> None:
    with pytest.raises(REFUSED, match="permission denied for database"):
        await asyncpg.connect(real.with_database(migrated.url(service), database))


@pytest.mark.parametrize("service", SERVICES)
async def test_a_statement_that_nobody_waits_for_ends(migrated: real.Database, service: str) -> None:
    connection = await connect(migrated, service)
    limits = [await connection.fetchval("SELECT current_setting($1)", name) for name in postgres._ROLE_SETTINGS]
    await connection.close()
    assert limits == ["2min", "10min"]


async def test_on_a_server_shared_with_others_their_way_in_is_left_alone(postgres_url: str) -> None:
    admin = await asyncpg.connect(postgres_url)
    may_connect = "SELECT has_database_privilege('a_stranger', 'postgres', 'CONNECT')"
    try:
        await admin.execute("CREATE ROLE a_stranger LOGIN")
        await admin.execute("GRANT CONNECT ON DATABASE postgres TO PUBLIC")
        await postgres._keep_out_of_others(admin)
        assert await admin.fetchval(may_connect)
    finally:
        await admin.execute("DROP ROLE a_stranger")
        await postgres._keep_out_of_others(admin)
        await admin.close()
