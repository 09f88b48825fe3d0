"""Hears sources' censuses, and compares each with what we know of its moment, in the background."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from services.deadline import reconciliation_store as store
from services.deadline import reference_store, said_store
from services.deadline.reconciliation_store import Reconciliation, UnitCount
from services.deadline.reconciling import REASONS, Compared, Difference, compared, dossier_of, unreckoned
from services.deadline.reference import Reference
from services.deadline.refolding import SETTINGS, TERMS
from shared import db, metrics
from shared.bus import Received
from shared.cloudevents import decode
from shared.codes import short_agency
from shared.events import SourceCensusSaid
from shared.instants import canonical
from shared.logs import log, told
from shared.service import Running

CENSUSES = SourceCensusSaid.subject()
PAGE = 50  # dossiers folded at a time: all else of this process waits meanwhile
IDLE_S, FAILED_S = 2.0, 60.0


async def keep_part(connection: AsyncConnection, message: Received) -> None:
    """Keep a part of a census until all of them are there.

    repeats: harmless - the same part again is not newer. raises: pydantic.ValidationError - it is no such event.
    """
    event = decode(SourceCensusSaid, message.data)
    await store.put_part(connection, event.data.model_dump(), heard_at=event.time)


async def compare_for_ever(running: Running) -> None:
    """Compare what is ready; a crash costs the comparison in hand. What cannot be compared waits for the next start."""
    passed_over: set[int] = set()
    while True:
        pause_s = IDLE_S
        try:
            if await compare_next(running, passed_over):
                pause_s = 0
        except Exception as error:
            pause_s = IDLE_S if db.is_transient(error) else FAILED_S
            log.warning("not_compared", error=told(error))
        await asyncio.sleep(pause_s)


async def compare_next(running: Running, passed_over: set[int] | None = None) -> bool:
    """Compare the oldest census that is ready; says whether there was one.

    passed_over: ids of those that could not be compared, which hold up no other; one more is added before it is raised.
    News that were on their way when it was taken are waited for. Another copy may do the same: one result is stored.
    """
    taken_by = running.clock.now() - timedelta(minutes=SETTINGS.reconcile_after_minutes)
    async with running.engine.connect() as connection:
        snapshot = await connection.execution_options(isolation_level="REPEATABLE READ")
        one = await store.find_ready(snapshot, taken_by=taken_by, but=passed_over or ())
        if one is None:
            return False
        try:
            differences, result = await _compare(snapshot, one)
        except Exception as error:
            if passed_over is not None and not db.is_transient(error):
                passed_over.add(one.id)
            raise
    async with db.transaction(running.engine) as connection:
        await store.put_result(connection, one, differences, result, at=running.clock.now())
    log.info("compared", source=one.source, differences=len(differences), agreed=result["agreed"])
    return True


class Said(NamedTuple):
    """A census with its parts put together. ended_from: the earliest given."""

    overdue: set[str]
    counts: dict[str, int]
    units: dict[str, dict[str, int]]
    ended_from: datetime | None


def _together(parts: Sequence[dict[str, Any]]) -> Said:
    overdue = {code for part in parts for code in part["overdue"]}
    counts = {name: number for part in parts for name, number in part["counts"].items()}
    units = {unit: numbers for part in parts for unit, numbers in part["units"].items()}
    since = min((part["ended_from"] for part in parts if part["ended_from"]), default=None)
    return Said(overdue, counts, units, datetime.fromisoformat(since) if since else None)


async def _compare(connection: AsyncConnection, one: Reconciliation) -> tuple[list[Difference], dict[str, Any]]:
    known = await reference_store.newest(connection)
    said = _together(await store.list_parts(connection, one.id))
    differences: list[Difference] = []
    overdue: Counter[tuple[str | None, str | None]] = Counter()
    agreed = 0

    listed = await _dossiers(connection, said.overdue)
    candidates = await store.list_candidates(connection, source=one.source, at=one.taken_at)
    dossiers = sorted(listed.union(candidates))
    for start in range(0, len(dossiers), PAGE):
        for made in await _page(connection, one, dossiers[start : start + PAGE], listed, known):
            overdue[made["unit"], made["unit_name"]] += made["overdue"]
            if made["difference"]:
                differences.append(made["difference"])
            else:
                agreed += made["overdue"]
    ours = await store.count_by_unit(connection, source=one.source, at=one.taken_at, ended_from=said.ended_from)
    by_reason = Counter(difference["reason"] for difference in differences)
    result = {
        "listed": len(said.overdue),
        "agreed": agreed,
        "by_reason": {reason: by_reason[reason] for reason in REASONS if by_reason[reason]},
        **_counts(said, ours, overdue),
    }
    return differences, result


async def _dossiers(connection: AsyncConnection, listed: set[str]) -> set[str]:
    """Return the dossiers that a source lists, each by the code it goes by: the source may have one of its own."""
    others = await store.list_void(connection, sorted(listed))
    found = listed.difference(others)
    for start in range(0, len(others), PAGE):
        said = await said_store.list_said(connection, [f"dossier/{code}" for code in others[start : start + PAGE]])
        found |= {dossier_of(id.removeprefix("dossier/"), of) for id, of in said.items()}
    return found


async def _page(
    connection: AsyncConnection, one: Reconciliation, dossiers: Sequence[str], listed: set[str], known: Reference
) -> list[Compared]:
    """Compare some dossiers; one that fails is told as such and holds up no other."""
    said = await said_store.list_said(connection, [f"dossier/{dossier}" for dossier in dossiers])
    moment, made = canonical(one.taken_at), list[Compared]()
    for dossier in dossiers:
        of, is_listed = said.get(f"dossier/{dossier}", ()), dossier in listed
        try:
            made.append(
                compared(dossier, of, listed=is_listed, source=one.source, moment=moment, known=known, terms=TERMS)
            )
        except Exception as error:
            log.warning("not_reckoned", error=told(error))
            made.append(unreckoned(dossier, listed=is_listed))
    return made


def _counts(said: Said, ours: Iterable[UnitCount], overdue: Counter[tuple[str | None, str | None]]) -> dict[str, Any]:
    """Return the counts that the source gives beside ours, in all and by unit as the source writes it."""
    by_unit: dict[str, Counter[str]] = {}
    total: Counter[str] = Counter()
    rows = [(one.unit, one.unit_name, {"open": one.open, "ended": one.ended}) for one in ours]
    rows += [(unit, name, {"overdue": number}) for (unit, name), number in overdue.items()]
    for unit, name, numbers in rows:
        total.update(numbers)
        for word in {unit, name} - {None, ""}:
            by_unit.setdefault(str(word), Counter()).update(numbers)
    units = {
        unit: _sides(given, by_unit.get(short_agency(unit) or unit, Counter())) for unit, given in said.units.items()
    }
    return {"counts": _sides(said.counts, total), "units": units}


def _sides(theirs: dict[str, int], ours: Counter[str]) -> dict[str, dict[str, int]]:
    return {name: {"theirs": number, "ours": ours[name]} for name, number in theirs.items()}


async def observe(connection: AsyncConnection) -> None:
    """Tell the newest differences of each source."""
    found = await store.count_newest(connection)
    labelled: Counter[tuple[str, str]] = Counter()
    for (source, reason), number in found.items():
        labelled[metrics.source_label(source), reason] += number
    metrics.set_all(metrics.reconciliation_differences, labelled)
