"""The periodic act of the audit, and what is kept of a start: the day's anchor, the policy file that is worked by."""

from __future__ import annotations

from datetime import date, datetime
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.audit import entries, store
from shared.clock import PROVINCE_ZONE
from shared.cloudevents import Outgoing, outgoing
from shared.events import AuditAnchored
from shared.logs import log
from shared.service import Running

_anchored: WeakKeyDictionary[Engine, date] = WeakKeyDictionary()


async def anchor(connection: AsyncConnection, at: datetime) -> list[Outgoing]:
    """Say the newest row once on each of the province's days: in NOTIFY and in the log, outside this database."""
    day = at.astimezone(PROVINCE_ZONE).date()
    if _anchored.get(connection.engine.sync_engine) == day:
        return []
    head = await store.add_anchor(connection, day=day)
    if head is None:  # so it has committed
        _anchored[connection.engine.sync_engine] = day
        return []
    log.info("audit_anchor", seq=head.seq, hash=head.hash.hex())
    said = AuditAnchored(seq=head.seq, hash=head.hash.hex(), at=at)
    return [outgoing(AuditAnchored, id=f"audit/{day}", about="audit", time=at, data=said)]


async def keep_policy(running: Running, *, content: bytes, version: str) -> None:
    """Keep which policy file notify works by, where it is another than at the start before."""

    async def note(connection: AsyncConnection) -> list[Outgoing]:
        entry = entries.policy(content, version=version, at=running.clock.now())
        await store.get_head(connection, lock=True)  # of two copies that start one keeps it
        known = await store.newest_policy(connection)
        if known is None or orjson.loads(known) != entry.data:
            await store.append(connection, [entry])
        return []

    await running.commit(note, cause="start")
