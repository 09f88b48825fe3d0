"""The entries of a service's quarantine as people see them, and how one is closed. All SQL of the table but adding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import sealing
from shared.quarantine import State

SHOWN = (
    "id, source, reason, state, detail, origin, subject, seen, first_at, last_at, waiting_since, closed_at, "
    "size AS bytes, cut, gone_at"
)
RELEASED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry with its bytes. place: as `shared.quarantine.Place` writes it."""

    id: int
    digest: bytes
    source: str
    reason: str
    detail: str
    origin: str
    subject: str | None
    state: State
    corrected: bool
    first_at: datetime
    place: Mapping[str, Any]
    cut: bool
    gone: bool
    stored: bytes
    sealed: bool
    history: list[dict[str, Any]]

    @property
    def raw(self) -> bytes:
        """The bytes as they came. raises: sealing.SealError - the key that opens them is not there."""
        return b"" if self.gone else sealing.unseal(self.stored, sealed=self.sealed)


async def count(connection: AsyncConnection, schema: str) -> int:
    """Return how many entries wait."""
    rows = await connection.execute(text(f"SELECT count(*) FROM {schema}.quarantine WHERE state = 'waiting'"))
    return int(rows.scalar_one())


async def count_waiting(connection: AsyncConnection, schema: str) -> list[tuple[str, str, int, float]]:
    """Return how many entries wait and for how many seconds the oldest has, by source and reason."""
    rows = await connection.execute(
        text(
            "SELECT source, reason, count(*) AS entries, "
            "extract(epoch FROM clock_timestamp() - min(waiting_since)) AS oldest_s "
            f"FROM {schema}.quarantine WHERE state = 'waiting' GROUP BY source, reason"
        )
    )
    return [(row.source, row.reason, int(row.entries), float(row.oldest_s)) for row in rows]


async def list_entries(
    connection: AsyncConnection,
    schema: str,
    *,
    after: int,
    limit: int,
    state: State | None,
    source: str | None,
    reason: str | None,
) -> list[dict[str, Any]]:
    """Return a page in the order of ids, without bytes, which hold personal data. None: whatever it is."""
    given = {"state": state, "source": source, "reason": reason}
    wanted = "".join(f" AND {name} = :{name}" for name, value in given.items() if value is not None)
    rows = await connection.execute(
        text(f"SELECT {SHOWN} FROM {schema}.quarantine WHERE id > :after{wanted} ORDER BY id LIMIT :limit"),
        {"after": after, "limit": limit, **{name: value for name, value in given.items() if value is not None}},
    )
    return [dict(row._mapping) for row in rows]


async def find_shown(connection: AsyncConnection, schema: str, id: int) -> dict[str, Any] | None:
    """Return an entry as a list shows it, with its place and history."""
    rows = await connection.execute(
        text(f"SELECT {SHOWN}, place, history FROM {schema}.quarantine WHERE id = :id"), {"id": id}
    )
    return next((dict(row._mapping) for row in rows), None)


async def find(connection: AsyncConnection, schema: str, id: int, *, lock: bool = False) -> Kept | None:
    """Return an entry with its bytes."""
    rows = await connection.execute(
        text(
            "SELECT id, digest, source, reason, detail, origin, subject, state, corrected, first_at, place, cut, "
            f"gone_at IS NOT NULL AS gone, raw AS stored, sealed, history FROM {schema}.quarantine WHERE id = :id"
            + (" FOR UPDATE" if lock else "")
        ),
        {"id": id},
    )
    return next((Kept(**{**row._mapping, "place": row.place or {}}) for row in rows), None)


async def note(connection: AsyncConnection, schema: str, id: int, act: Mapping[str, Any]) -> None:
    """Add to an entry's history what was tried and did not close it."""
    await connection.execute(
        text(f"UPDATE {schema}.quarantine SET history = history || CAST(:act AS jsonb) WHERE id = :id"),
        {"id": id, "act": orjson.dumps(act).decode()},
    )


async def close(
    connection: AsyncConnection, schema: str, id: int, *, state: State, at: datetime, corrected: bool, act: Any
) -> None:
    """Close an entry. act: what is added to its history."""
    await connection.execute(
        text(
            f"UPDATE {schema}.quarantine SET state = :state, closed_at = :at, corrected = :corrected, "
            "history = history || CAST(:act AS jsonb) WHERE id = :id"
        ),
        {"id": id, "state": state, "at": at, "corrected": corrected, "act": orjson.dumps(act).decode()},
    )


async def release_bytes(connection: AsyncConnection, schema: str, *, now: datetime, after: timedelta) -> int:
    """Let the bytes of entries go that were closed so long ago; returns how many. Their lines stay."""
    act = {"act": "bytes_released", "at": now, "by": "dondoc"}
    rows = await connection.execute(
        text(
            f"UPDATE {schema}.quarantine SET raw = '', sealed = false, gone_at = :now, "
            f"history = history || CAST(:act AS jsonb) WHERE id IN (SELECT id FROM {schema}.quarantine "
            "WHERE closed_at < :before AND gone_at IS NULL ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)"
        ),
        {"now": now, "before": now - after, "limit": RELEASED_AT_ONCE, "act": orjson.dumps(act).decode()},
    )
    return rows.rowcount
