"""The database: engine, the one place that commits, and the migration of a service's schema."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.settings import database_dsn

if TYPE_CHECKING:
    from alembic.config import Config

SERVICES = ("intake", "deadline", "complaints", "notify", "console")
COMMAND_TIMEOUT_S = 60  # no statement of ours runs longer; a lost connection is seen at the latest then
ROOT = Path(__file__).resolve().parent.parent


def engine(url: str, *, name: str, pool: int) -> AsyncEngine:
    """Return an engine. pool: connections held at most."""
    return create_async_engine(
        database_dsn(url),
        pool_size=pool,
        max_overflow=0,
        hide_parameters=True,  # an error must not write bound values, which may be personal data, into a log
        pool_pre_ping=False,  # a broken connection fails its batch, which is tried again
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args={
            "timeout": 10,
            "command_timeout": COMMAND_TIMEOUT_S,
            "server_settings": {"application_name": f"dondoc-{name}", "jit": "off"},
        },
    )


@asynccontextmanager
async def transaction(of: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Run the block in one READ COMMITTED transaction: commit at its end, roll back when it raises."""
    async with of.begin() as connection:
        yield connection


def is_transient(error: BaseException) -> bool:
    """Return whether trying the same again may help: the server or the network failed, not the message.

    SQLSTATE 08 connection, 40 rollback (deadlock, serialization), 53 resources, 57 operator intervention, 58 system.
    """
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state[:2] in ("", "08", "40", "53", "57", "58")
    return isinstance(error, OSError | TimeoutError | NoConnectionFreeError)


def migrate(service: str, database_url: str) -> None:
    """Bring the schema of `service` to the newest version. Harmless when it is there already."""
    from alembic import command

    config = _alembic(service)
    config.attributes["service"] = service
    config.attributes["database_url"] = database_dsn(database_url)
    command.upgrade(config, "head")


def versions(service: str) -> list[str]:
    """Return the versions of a service's schema that this program knows, newest first."""
    from alembic.script import ScriptDirectory

    return [script.revision for script in ScriptDirectory.from_config(_alembic(service)).walk_revisions()]


def _alembic(service: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "shared" / "alembic"))
    config.set_main_option("version_locations", str(ROOT / "services" / service / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


async def schema_version(of: AsyncEngine, *, service: str) -> str | None:
    async with of.connect() as connection:
        return (await connection.execute(text(f"SELECT version_num FROM {service}.alembic_version"))).scalar()


async def wait_for_database(of: AsyncEngine, *, patience_s: float) -> None:
    """Return once the database answers. raises: the last error, after `patience_s`."""
    async with asyncio.timeout(patience_s):
        while True:
            try:
                async with of.connect() as connection:
                    await connection.execute(text("SELECT 1"))
                return
            except (OSError, DBAPIError):
                await asyncio.sleep(0.3)
