"""Each fault of PostgreSQL that the doctor can see is made once on a real server."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from dondoc.doctor import database
from dondoc.doctor.place import Place, own_urls
from dondoc.stack import layout
from tests import servers as real
from tests.component.doctoring import HERE, said, states
from tests.waiting import until


@pytest_asyncio.fixture
async def migrated(postgres_url: str) -> AsyncIterator[real.Database]:
    made = await real.fresh_database(postgres_url, migrated=layout.SERVICES)
    yield made
    await real.drop_database(postgres_url, made)


def place_of(of: real.Database) -> Place:
    return replace(HERE, database_urls={service: of.url(service) for service in layout.SERVICES})


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def value(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest_asyncio.fixture
async def durable(postgres_url: str) -> AsyncIterator[None]:
    """Let the server wait for the disk, which the one that tests share does not."""
    await execute(postgres_url, "ALTER SYSTEM SET fsync = on", "SELECT pg_reload_conf()")
    await until(lambda: value(postgres_url, "SHOW fsync"), lambda now: now == "on")
    yield
    await execute(postgres_url, "ALTER SYSTEM RESET fsync", "SELECT pg_reload_conf()")


@pytest.mark.usefixtures("durable")
async def test_a_sound_database_is_found_so(migrated: real.Database) -> None:
    found = await database.examine(place_of(migrated))
    assert {finding.check for finding in found if finding.state == "ok"} >= {
        *("postgres", "postgres durability", "schemas", "passwords", "clock of PostgreSQL"),
    }
    assert not [finding for finding in found if finding.state == "wrong"]


@pytest.mark.usefixtures("durable")
async def test_a_role_that_commits_without_the_disk_is_named(migrated: real.Database) -> None:
    role = f"ROLE dondoc_notify IN DATABASE {migrated.name}"
    await execute(migrated.admin_url, f"ALTER {role} SET synchronous_commit = off")
    found = await database.examine(place_of(migrated))
    [(state, words)] = said(found, "postgres durability")
    assert state == "wrong"
    assert words.startswith("synchronous_commit is off for notify:")


@pytest.mark.usefixtures("durable")
async def test_a_server_set_to_lose_or_to_grow_is_told(migrated: real.Database) -> None:
    changed = ("synchronous_commit", "full_page_writes", "autovacuum")
    try:
        statements = [f"ALTER SYSTEM SET {name} = off" for name in changed]
        await execute(migrated.admin_url, *statements, "SELECT pg_reload_conf()")
        found = await until(lambda: database.examine(place_of(migrated)), lambda told: states(told, "autovacuum"))
    finally:
        statements = [f"ALTER SYSTEM RESET {name}" for name in changed]
        await execute(migrated.admin_url, *statements, "SELECT pg_reload_conf()")
    assert states(found, "autovacuum") == ["wrong"]
    assert [words.split()[0] for _, words in said(found, "postgres durability")] == [
        "synchronous_commit",
        "full_page_writes",
    ]


@pytest.mark.parametrize(
    ("give", "take", "told"),
    [
        ("ALTER ROLE dondoc_intake CREATEDB", "ALTER ROLE dondoc_intake NOCREATEDB", "dondoc_intake is createdb"),
        ("ALTER ROLE dondoc_intake SUPERUSER", "ALTER ROLE dondoc_intake NOSUPERUSER", "dondoc_intake is superuser"),
        (
            "GRANT pg_read_server_files TO dondoc_intake",
            "REVOKE pg_read_server_files FROM dondoc_intake",
            "dondoc_intake is a member of pg_read_server_files",
        ),
        (
            "GRANT USAGE ON SCHEMA deadline TO dondoc_intake",
            "REVOKE USAGE ON SCHEMA deadline FROM dondoc_intake",
            "dondoc_intake reaches the schema deadline of a neighbour",
        ),
    ],
)
async def test_a_role_given_too_much_is_wrong(migrated: real.Database, give: str, take: str, told: str) -> None:
    try:
        await execute(migrated.admin_url, give)
        found = await database.examine(place_of(migrated))
    finally:
        await execute(migrated.admin_url, take)
    assert [words for state, words in said(found, "roles") if state == "wrong"] == [told]


async def test_what_the_public_may_is_seen_on_every_role(migrated: real.Database) -> None:
    await execute(migrated.admin_url, f"GRANT TEMPORARY ON DATABASE {migrated.name} TO PUBLIC")
    found = await database.examine(place_of(migrated))
    told = [words for state, words in said(found, "roles") if state == "warning" and "TEMPORARY" in words]
    assert len(told) == len(layout.SERVICES)


async def test_schemas_that_are_not_at_their_newest_are_wrong(postgres_url: str) -> None:
    made = await real.fresh_database(postgres_url, migrated=["intake", "deadline"])
    await execute(made.admin_url, "UPDATE deadline.alembic_version SET version_num = '9999'")
    found = await database.examine(place_of(made))
    await real.drop_database(postgres_url, made)
    assert said(found, "schemas") == [
        ("wrong", "deadline is at version 9999, which this program does not know"),
        *(("wrong", f"{service} has no tables yet") for service in ("complaints", "notify", "console")),
    ]


async def test_a_refused_role_and_a_silent_server_are_told_without_the_password(migrated: real.Database) -> None:
    away = f"postgresql://dondoc_notify:hidden@127.0.0.1:{real.free_port()}/x"
    denied = migrated.url("intake").replace(f":{real.PASSWORD}@", ":hidden@")
    found = await database.examine(replace(HERE, database_urls={"intake": denied, "notify": away}))
    told = [words for state, words in said(found, "postgres") if state == "wrong"]
    assert told[0].endswith("role dondoc_intake: the password is refused")
    assert "role dondoc_notify: no answer" in told[1]
    assert "hidden" not in str(found)


async def test_a_server_that_lets_in_whoever_comes_is_wrong(
    migrated: real.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: real.PASSWORD)  # so that the wrong one is taken
    found = await database.examine(place_of(migrated))
    assert states(found, "passwords") == ["wrong"]


async def test_in_a_container_the_roles_of_others_are_left_out(migrated: real.Database) -> None:
    urls = own_urls(dict.fromkeys(layout.SERVICES, migrated.url("deadline")))
    found = await database.examine(replace(HERE, database_urls=urls, contained=True))
    assert ("left_out", "the addresses of intake, complaints, notify, console are not here") in said(found, "postgres")
    assert said(found, "schemas") == [("ok", "deadline: at their newest version")]


async def test_one_role_of_the_operators_own_for_everything_is_a_warning(migrated: real.Database) -> None:
    found = await database.examine(replace(HERE, database_urls=dict.fromkeys(layout.SERVICES, migrated.admin_url)))
    assert [state for state, _ in said(found, "roles")] == ["warning", *["wrong"] * 5]  # a superuser's
