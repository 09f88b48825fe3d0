"""Alembic's entry: migrates the one schema named in the configuration, as the role that owns it."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

SERVICE: str = context.config.attributes["service"]


def _upgrade(connection: Connection) -> None:
    connection.execute(
        text("SET LOCAL statement_timeout = 0")
    )  # a large table may take longer than any other statement
    exists = text("SELECT 1 FROM pg_namespace WHERE nspname = :schema")
    if not connection.execute(exists, {"schema": SERVICE}).scalar():
        connection.execute(text(f"CREATE SCHEMA {SERVICE}"))
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:schema))"), {"schema": SERVICE})
    context.configure(connection=connection, version_table_schema=SERVICE, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


async def _run() -> None:
    engine = create_async_engine(context.config.attributes["database_url"])
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)
    await engine.dispose()


asyncio.run(_run())
