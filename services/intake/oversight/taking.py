"""Takes what an operator or the clock says of oversight: only what differs from what is known and is whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake import handlers
from services.intake import store as intake_store
from services.intake.facts import Receipt
from services.intake.memory import Memory
from services.intake.national import places
from services.intake.oversight import recording, store
from services.intake.oversight.statement import STATEMENTS, OversightStatement
from services.intake.oversight.stating import HAPPENINGS, record_of
from services.intake.understanding import Tally, spoken_of_oversight
from shared import tracing
from shared.bus import Received
from shared.clock import day_of
from shared.cloudevents import Outgoing
from shared.directory import Directory, Words, directory, resolve, unit_of
from shared.events import RecordKind
from shared.instants import canonical

OF_UNITS = ("unit", "addressee")  # members that name a unit
A_MOMENT = timedelta(microseconds=1)


class Refused(NamedTuple):
    """What cannot be taken. at: its place in what was sent, from 0."""

    at: int
    id: str
    why: str


@dataclass(slots=True)
class Taken:
    """What became of what was sent. changed: a record's members, before and after. same: how many are no news."""

    added: list[str] = field(default_factory=list)
    changed: dict[str, dict[str, tuple[Any, Any]]] = field(default_factory=dict)
    same: int = 0
    refused: list[Refused] = field(default_factory=list)


async def known_units(connection: AsyncConnection) -> Directory:
    """Return what words mean which unit."""
    return directory(unit_of(one) for one in await intake_store.list_described(connection, "unit"))


async def take(
    connection: AsyncConnection,
    kind: RecordKind,
    rows: Sequence[Mapping[str, Any]],
    *,
    source: str,
    now: datetime,
    dry_run: bool = False,
    only_known: bool = False,
) -> tuple[Taken, list[Outgoing]]:
    """Take records of a kind: an `id` and members each. What says nothing new changes nothing.

    only_known: refuse ids that nobody spoke of yet, and ask for no other members.
    returns: what became of each, and the events that say it. repeats: harmless.
    """
    taken, ready = Taken(), list[OversightStatement]()
    stated = _validated(kind, rows, taken)
    keys = sorted(one.key for one in stated.values())
    known = await (store.find_things if dry_run else intake_store.lock_things)(connection, keys)
    units = await known_units(connection)
    for at, one in stated.items():
        memory = known.get(one.key)
        before = record_of(memory.facts.values()) if memory else {}
        after = {**before, **one.data.document()}
        lacks = _unfounded(one, after, known=memory is not None, only_known=only_known)
        if why := _ahead(one, now) or lacks or _unmeant(one, units, on=day_of(now)):
            taken.refused.append(Refused(at, one.subject, why))
        elif memory is not None and after == before:
            taken.same += 1
        else:
            if memory is not None:
                names = [name for name in after if before.get(name) != after[name]]
                taken.changed[one.subject] = {name: (before.get(name), after[name]) for name in names}
            else:
                taken.added.append(one.subject)
            ready.append(one.model_copy(update={"time": _later_than(memory, now)}))
    taken.refused.sort()
    return taken, [] if dry_run else await say(connection, ready, source=source, now=now)


async def say(
    connection: AsyncConnection, stated: Iterable[OversightStatement], *, source: str, now: datetime
) -> list[Outgoing]:
    """Hear statements of our own house as those of a source are heard; returns the events."""
    receipt, tally = Receipt.of(now), Tally(Received("", b"", {}, "", "", 0, 0, now), now, tracing.NONE, source)
    spoken = [spoken_of_oversight(one, source=source, mirror=False, receipt=receipt, tally=tally) for one in stated]
    await handlers.hear(connection, spoken)
    return handlers.say(spoken) + await recording.record(connection, spoken)


def _validated(kind: RecordKind, rows: Sequence[Mapping[str, Any]], taken: Taken) -> dict[int, OversightStatement]:
    """Return the statements by their places; what is none is refused."""
    stated: dict[int, OversightStatement] = {}
    seen: set[str] = set()
    envelope = {"specversion": "1.0", "id": "-", "source": "/dondoc/intake"}
    for at, row in enumerate(rows):
        if row.get("id") in (None, ""):
            taken.refused.append(Refused(at, "", "id: missing"))
            continue
        data = {name: value for name, value in row.items() if name != "id"}
        try:
            one = STATEMENTS[kind].model_validate({**envelope, "subject": row.get("id"), "data": data})
        except ValidationError as error:
            named = str(row.get("id") or "")[:100]
            why = places(error).replace("data.", "").replace("subject:", "id:").replace("Value error, ", "")
            taken.refused.append(Refused(at, "" if kind == "recommendation" else named, why))
            continue
        if one.subject in seen:
            taken.refused.append(Refused(at, one.subject, "id: stands twice in what was sent"))
            continue
        seen.add(one.subject)
        stated[at] = one
    return stated


def _unfounded(stated: OversightStatement, after: Mapping[str, Any], *, known: bool, only_known: bool) -> str | None:
    """Return what an operator's statement lacks, None where it is whole."""
    if only_known:
        return None if known else "id: nobody has spoken of it yet; see `dondoc oversight list`"
    missing = [name for name in stated.data.required if name not in after]
    return f"{', '.join(missing)}: missing" if missing else None


def _unmeant(stated: OversightStatement, units: Directory, *, on: str) -> str | None:
    """Return which members of a statement name no unit of a day, or several."""
    said = stated.data.document()
    of = [name for name in OF_UNITS if said.get(name) and resolve(units, said[name], None, on=on) is None]
    if not of:
        return None
    several = any(units.meaning(Words((said[name],), said_on=on), on=on).candidates for name in of)
    return (
        f"{', '.join(of)}: {'may be any of several units: name one' if several else 'the directory knows no such unit'}"
    )


def _ahead(stated: OversightStatement, now: datetime) -> str | None:
    """Return which happening of a statement is told before it can have been."""
    latest = Receipt.of(now).latest
    ahead = [name for name in HAPPENINGS if (getattr(stated.data, name, None) or "") > latest]
    return f"{', '.join(ahead)}: lies in the future" if ahead else None


def _later_than(memory: Memory | None, now: datetime) -> str:
    """Return when an operator says this: after all that is known, so that it holds."""
    newest = max((fact["as_of"] for fact in memory.facts.values()), default="") if memory else ""
    at = canonical(now)
    return at if at > newest else canonical(datetime.fromisoformat(newest) + A_MOMENT)
