"""Reference data, such as units and procedures: what a file gives is stored and, where it is news, said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake import store
from shared.cloudevents import Event, Outgoing, outgoing
from shared.events import CalendarDescribed, ProcedureDescribed, UnitDescribed
from shared.service import Running


@dataclass(frozen=True)
class Kind:
    """A kind of reference data. table: also the head of its events' ids. cause: for the log.

    unsaid: what a document means that was stored before a member was there.
    """

    table: store.Described
    event: type[Event]
    cause: str
    unsaid: Mapping[str, Any] = field(default_factory=dict)


UNITS = Kind("unit", UnitDescribed, "directory", unsaid={"difficult": False})
PROCEDURES = Kind("procedure", ProcedureDescribed, "procedures")
CALENDARS = Kind("calendar", CalendarDescribed, "calendars")


async def announce(
    running: Running, kind: Kind, documents: Mapping[str, dict[str, Any]], *, dry_run: bool
) -> dict[str, list[str]]:
    """Store the documents that differ from what is known, and say each of them; what is not among them stays.

    documents: by code. dry_run: only return what would change. returns: the codes added and changed.
    """
    changes: dict[str, list[str]] = {"added": [], "changed": []}
    now = running.clock.now()

    async def work(connection: AsyncConnection) -> list[Outgoing]:
        known = await store.lock_described(connection, kind.table, sorted(documents))
        new: dict[str, tuple[int, dict[str, Any]]] = {}
        for code, document in documents.items():
            revision, before = known.get(code, (0, None))
            if before is None or document != {**kind.unsaid, **before}:
                changes["added" if before is None else "changed"].append(code)
                new[code] = (revision + 1, document)
        if dry_run or not new:
            return []
        await store.put_described(connection, kind.table, new)
        return [
            outgoing(
                kind.event,
                id=f"{kind.table}:{code}:{revision}",
                about=code,
                time=now,
                data={**document, "revision": revision},
            )
            for code, (revision, document) in sorted(new.items())
        ]

    await running.commit(work, cause=kind.cause)
    return changes
