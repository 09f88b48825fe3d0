"""What may leave the house now: an operator's word where there is one, else the environment's; and its SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.settings import Mode
from shared.cloudevents import Outgoing, outgoing
from shared.events import SendingChanged

DDL = """
    CREATE TABLE IF NOT EXISTS {schema}.sending (
        revision bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        mode text,
        paused boolean NOT NULL,
        reason text NOT NULL,
        at timestamptz NOT NULL
    )
"""  # the newest row counts, the others are its history. mode: null leaves it to the environment. at: business time


@dataclass(frozen=True, slots=True)
class Sending:
    """What may leave. mode: in force. chosen: by an operator, None where the environment's setting is in force."""

    mode: Mode
    paused: bool = False
    chosen: Mode | None = None
    reason: str = ""
    at: datetime | None = None
    revision: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing is handed over now. In mode `record` nothing ever is: a pause holds nothing back there."""
        return self.paused and self.mode != "record"


async def get(connection: AsyncConnection, *, default: Mode) -> Sending:
    """Return what may leave now. default: the environment's mode, in force until an operator chooses one."""
    rows = await connection.execute(
        text("SELECT mode, paused, reason, at, revision FROM notify.sending ORDER BY revision DESC LIMIT 1")
    )
    row = rows.one_or_none()
    if row is None:
        return Sending(default)
    return Sending(row.mode or default, row.paused, row.mode, row.reason, row.at, row.revision)


async def change(
    connection: AsyncConnection, *, mode: Mode | None, paused: bool | None, reason: str, default: Mode, at: datetime
) -> list[Outgoing]:
    """Change what may leave, and return the event that says so; nothing where all is so already. None leaves as is."""
    await connection.execute(text("LOCK TABLE notify.sending IN SHARE ROW EXCLUSIVE MODE"))  # one change after another
    before = await get(connection, default=default)
    chosen = mode or before.chosen
    holds = before.paused if paused is None else paused
    if (chosen, holds) == (before.chosen, before.paused):
        return []
    rows = await connection.execute(
        text(
            "INSERT INTO notify.sending (mode, paused, reason, at) VALUES (:mode, :paused, :reason, :at) "
            "RETURNING revision"
        ),
        {"mode": chosen, "paused": holds, "reason": reason if holds else "", "at": at},
    )
    said = SendingChanged(revision=rows.scalar_one(), mode=chosen, paused=holds, at=at)
    return [outgoing(SendingChanged, id=f"sending:{said.revision}", about="sending", time=at, data=said)]


async def count_notices(connection: AsyncConnection) -> dict[str, int]:
    """Return how many notices wait to be handed over, and how many were recorded in place of that."""
    rows = await connection.execute(
        text(
            "SELECT count(*) FILTER (WHERE status = 'stored') AS stored, "
            "count(*) FILTER (WHERE status = 'recorded') AS recorded FROM notify.notice "
            "WHERE status IN ('stored', 'recorded')"
        )
    )
    return dict(rows.one()._mapping)


async def list_changes(connection: AsyncConnection, *, limit: int) -> list[dict[str, Any]]:
    """Return the changes of what may leave, the newest first."""
    rows = await connection.execute(
        text("SELECT revision, mode, paused, reason, at FROM notify.sending ORDER BY revision DESC LIMIT :limit"),
        {"limit": limit},
    )
    return [dict(row._mapping) for row in rows]
