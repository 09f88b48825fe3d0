"""Copies of what complaints needs of others: the directory of units, and which unit has a dossier now. Their SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import orjson
from pydantic import ValidationError
from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.rules.units import Offices
from shared import quarantine
from shared.bus import Received
from shared.cloudevents import EVENTS, Outgoing, decode
from shared.events import ObligationChanged, UnitDescribed
from shared.service import Heard

OF_UNITS = UnitDescribed.subject()
OF_MATTERS = tuple(subject for subject, event in EVENTS.items() if issubclass(event, ObligationChanged))

_known: WeakKeyDictionary[Engine, tuple[object, Offices]] = WeakKeyDictionary()


class Dossier(NamedTuple):
    """Where a dossier is. unit: whose it is; holder: who has its late step, where that is another."""

    code: str
    revision: int
    unit: str | None
    holder: str | None
    procedure: str | None
    field: str | None


async def follow_units(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Keep the newest state of each unit.

    hears: intake.unit_described.v1. says: nothing. repeats: harmless - only a higher revision is taken.
    raises: nothing of its own - what cannot be decoded is an entry in quarantine.
    """
    newest: dict[str, UnitDescribed] = {}
    refused: list[quarantine.Entry] = []
    for message in heard.messages:
        try:
            unit = decode(UnitDescribed, message.data).data
        except ValidationError as error:
            refused.append(_refusal(message, len(error.errors(include_input=False)), heard))
            continue
        if unit.code not in newest or unit.revision > newest[unit.code].revision:
            newest[unit.code] = unit
    await quarantine.add(connection, "complaints", refused)
    rows = [newest[code] for code in sorted(newest)]
    if rows:
        await connection.execute(
            text(
                "INSERT INTO complaints.unit AS known (code, revision, doc) SELECT * FROM unnest("
                "CAST(:codes AS text[]), CAST(:revisions AS bigint[]), CAST(:docs AS jsonb[])) ON CONFLICT (code) "
                "DO UPDATE SET revision = excluded.revision, doc = excluded.doc "
                "WHERE excluded.revision > known.revision"
            ),
            {
                "codes": [unit.code for unit in rows],
                "revisions": [unit.revision for unit in rows],
                "docs": [unit.model_dump_json() for unit in rows],
            },
        )
    return []


async def follow_dossiers(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
    """Keep which unit has each dossier. Only what is needed is read of an event: there are many.

    hears: DEADLINE, of obligations. says: nothing. repeats: harmless - only a higher revision is taken.
    raises: nothing of its own - what is no event is an entry in quarantine.
    """
    newest: dict[str, Dossier] = {}
    refused: list[quarantine.Entry] = []
    for message in heard.messages:
        try:
            dossier = _dossier(orjson.loads(message.data)["data"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            refused.append(_refusal(message, 1, heard))
            continue
        if dossier and (dossier.code not in newest or dossier.revision > newest[dossier.code].revision):
            newest[dossier.code] = dossier
    await quarantine.add(connection, "complaints", refused)
    rows = [newest[code] for code in sorted(newest)]
    if rows:
        types = ("text", "bigint", "text", "text", "text", "text")
        given = ", ".join(f"CAST(:{name} AS {type}[])" for name, type in zip(Dossier._fields, types, strict=True))
        changes = ", ".join(f"{name} = excluded.{name}" for name in Dossier._fields[1:])
        await connection.execute(
            text(
                f"INSERT INTO complaints.dossier AS known ({', '.join(Dossier._fields)}) SELECT * FROM unnest({given}) "
                f"ON CONFLICT (code) DO UPDATE SET {changes} WHERE excluded.revision > known.revision"
            ),
            {name: [row[at] for row in rows] for at, name in enumerate(Dossier._fields)},
        )
    return []


def _dossier(data: dict[str, Any]) -> Dossier | None:
    if data["kind"] != "dossier":
        return None
    return Dossier(
        data["subject_id"],
        data["revision"],
        data.get("unit_code"),
        data.get("holder"),
        data["procedure"],
        data["field"],
    )


def _refusal(message: Received, places: int, heard: Heard) -> quarantine.Entry:
    return quarantine.Entry(
        source=message.stream,
        reason="not_an_event",
        detail=f"{places} places",
        origin=f"{message.stream}/{message.sequence}",
        at=heard.now,
        raw=message.data,
    )


async def units(connection: AsyncConnection) -> Offices:
    """Return the directory; it is read once for each state of it."""
    state = tuple((await connection.execute(text("SELECT count(*), sum(revision) FROM complaints.unit"))).one())
    known = _known.get(connection.engine.sync_engine)
    if known is None or known[0] != state:
        rows = await connection.execute(text("SELECT doc FROM complaints.unit ORDER BY code"))
        known = state, Offices(UnitDescribed.model_validate(doc) for doc in rows.scalars())
        _known[connection.engine.sync_engine] = known
    return known[1]


async def dossiers(connection: AsyncConnection, codes: Iterable[str]) -> dict[str, Dossier]:
    """Return where some dossiers are, by code."""
    asked: Sequence[str] = sorted(set(codes))
    if not asked:
        return {}
    rows = await connection.execute(
        text(f"SELECT {', '.join(Dossier._fields)} FROM complaints.dossier WHERE code = ANY(:codes)"),
        {"codes": asked},
    )
    return {row.code: Dossier(*row) for row in rows}
