"""Keeps the records of oversight: each state they had, and the event that says the newest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.oversight import store
from services.intake.oversight.stating import record_of
from services.intake.oversight.store import Record
from shared.cloudevents import Outgoing, outgoing
from shared.events import OversightRecorded

if TYPE_CHECKING:
    from services.intake.understanding import Spoken


async def record(connection: AsyncConnection, spoken: Sequence[Spoken]) -> list[Outgoing]:
    """Keep and say the new state of every record of which something new was heard; their things are locked."""
    last = {one.key: one for one in spoken if one.record and one.new}
    if not last:
        return []
    things = await store.find_things(connection, sorted(last))
    known = await store.newest(connection, [(one.record, one.code) for one in last.values() if one.record])
    new: list[Record] = []
    said: list[Outgoing] = []
    for key, one in last.items():
        assert one.record
        document = record_of(things[key].facts.values())
        before = known.get((one.record, one.code))
        if before and before.document == document:
            continue
        revision = before.revision + 1 if before else 1
        new.append(Record(one.record, one.code, revision, document, one.new[-1]["source"], one.heard_at))
        said.append(
            outgoing(
                OversightRecorded,
                id=hashlib.blake2b(f"{key}@{revision}".encode(), digest_size=16).hexdigest(),
                about=one.code,
                time=one.heard_at,
                trace=one.tally.trace,
                data={
                    "kind": one.record,
                    "record": one.code,
                    "unit": document.get("unit"),
                    "revision": revision,
                    "document": document,
                },
            )
        )
    await store.add_records(connection, new)
    return said
