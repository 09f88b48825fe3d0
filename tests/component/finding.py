"""A database with the index of feedback, and what is put into it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.finding.store import Indexed
from shared import db
from tests.servers import drop_database, fresh_database

AT = datetime.fromisoformat("2026-11-20T09:00:00+07:00")


@asynccontextmanager
async def opened(postgres_url: str) -> AsyncIterator[AsyncConnection]:
    """One transaction in a fresh database."""
    made = await fresh_database(postgres_url, migrated=["complaints"])
    engine = db.engine(made.url("complaints"), name="test", pool=2)
    try:
        async with db.transaction(engine) as connection:
            yield connection
    finally:
        await engine.dispose()
        await drop_database(postgres_url, made)


def feedback(id: int, written: str, **more: Any) -> Indexed:
    """Return a feedback of unit H56.12, one an hour."""
    given = {
        "code": f"PA-{id:04}", "place": None, "handler": "H56.12", "dossier": None, "kind": "reflection",
        "state": "received", "filed_at": AT + timedelta(hours=id), **more,
    }  # fmt: skip
    return Indexed(complaint_id=id, text=written, **given)


def feedbacks(*written: str) -> Sequence[Indexed]:
    return [feedback(number, one) for number, one in enumerate(written, start=1)]
