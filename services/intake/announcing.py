"""Reference data, such as units and procedures: what a file gives is stored and, where it is news, said."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake import directory_changes, store
from shared.cloudevents import Event, Outgoing, outgoing
from shared.events import CalendarDescribed, ProcedureDescribed, UnitDescribed
from shared.service import Running

Document = dict[str, Any]
PAGE = 1000  # documents said again in one transaction


@dataclass(frozen=True)
class Kind:
    """A kind of reference data. table: also the head of its events' ids. cause: for the log.

    unsaid: what a document means that was stored before a member was there.
    """

    table: store.Described
    event: type[Event]
    cause: str
    unsaid: Mapping[str, Any] = field(default_factory=dict)


UNITS = Kind("unit", UnitDescribed, "directory", unsaid=directory_changes.UNSAID)
PROCEDURES = Kind("procedure", ProcedureDescribed, "procedures")
CALENDARS = Kind("calendar", CalendarDescribed, "calendars")


async def announce(
    running: Running, kind: Kind, documents: Mapping[str, dict[str, Any]], *, dry_run: bool
) -> dict[str, list[str]]:
    """Store the documents that differ from what is known, and say each of them; what is not among them stays.

    documents: by code. dry_run: only return what would change. returns: the codes added and changed.
    """
    return await announce_made(running, kind, lambda _: documents, of=sorted(documents), dry_run=dry_run)


async def announce_made(
    running: Running,
    kind: Kind,
    make: Callable[[Mapping[str, Document]], Mapping[str, Document]],
    *,
    of: Sequence[str] | None = None,
    dry_run: bool,
) -> dict[str, list[str]]:
    """As `announce`, of documents that are made from what is known, under the lock that keeps it so.

    make: is given the documents known by code, those of the codes `of` or all, and returns the new ones.
    """
    changes: dict[str, list[str]] = {"added": [], "changed": []}
    now = running.clock.now()

    async def work(connection: AsyncConnection) -> list[Outgoing]:
        known = await store.lock_described(connection, kind.table, of)
        documents = make({code: document for code, (_, document) in known.items()})
        new: dict[str, tuple[int, dict[str, Any]]] = {}
        for code, document in documents.items():
            revision, before = known.get(code, (0, None))
            if before is None or document != {**kind.unsaid, **before}:
                changes["added" if before is None else "changed"].append(code)
                new[code] = (revision + 1, document)
        if dry_run or not new:
            return []
        await store.put_described(connection, kind.table, new, at=now)
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


async def say_again(running: Running, *, since: datetime | None) -> int:
    """Say the directory, procedures and calendars again, with their revisions and times; returns how many.

    since: only those announced since then. Who knows a revision ignores it; a new hearer is filled by it.
    """
    mark, done = uuid.uuid4().hex[:12], 0
    for kind in (UNITS, PROCEDURES):
        after = ""
        while page := await _say_page(running, kind, after=after, since=since, mark=mark):
            after, done = page[-1].code, done + len(page)
    return done + len(await _say_page(running, CALENDARS, after="", since=since, mark=mark))


async def _say_page(
    running: Running, kind: Kind, *, after: str, since: datetime | None, mark: str
) -> list[store.Announced]:
    page: list[store.Announced] = []

    async def work(connection: AsyncConnection) -> list[Outgoing]:
        page[:] = await store.list_announced(connection, kind.table, after=after, limit=PAGE, since=since)
        said = list(_bases_first(page)) if kind is CALENDARS else page
        now = running.clock.now()
        return [
            outgoing(
                kind.event,
                id=f"{kind.table}:{one.code}:{one.revision}:again:{mark}",
                about=one.code,
                time=one.at or now,
                data={**kind.unsaid, **one.document, "revision": one.revision},
            )
            for one in said
        ]

    await running.commit(work, cause=kind.cause)
    return page


def _bases_first(calendars: Sequence[store.Announced]) -> Iterator[store.Announced]:
    """Yield calendars behind those they inherit from, all of one time: a base may be announced after its heir."""
    waiting = {one.code: one for one in calendars}
    at = min((one.at for one in calendars if one.at), default=None)
    while waiting:
        ready = [code for code, one in waiting.items() if one.document["given"].get("inherits") not in waiting]
        for code in ready or list(waiting):
            yield waiting.pop(code)._replace(at=at)
