"""Which policy and which calendars are in force: their SQL.

Whoever reads them holds a shared lock until its commit, whoever changes calendars the exclusive one: no timer reckoned
by the calendars before is committed behind the walk that reckons all of them anew (`anew`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.addressing import store as addressing
from services.notify.policies.calendars import Calendars, Said, calendars
from services.notify.policies.when import Quiet
from services.notify.pressing.rules import Rules
from shared.instants import canonical

DDL = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.calendar (
        name text PRIMARY KEY,
        revision integer NOT NULL,
        announced_at timestamptz NOT NULL,
        document json NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS {schema}.in_force (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        policy text NOT NULL,
        calendars text NOT NULL,
        since timestamptz NOT NULL,
        next_at timestamptz,
        cursor text
    )
    """,  # policy, calendars: what timers are reckoned by; next_at: when another policy enters into force;
    # cursor: up to where what is open was looked at anew, NULL once all of it was
)
LOCK = "hashtext('notify.in_force')"

_calendars: WeakKeyDictionary[Engine, tuple[Any, Calendars]] = WeakKeyDictionary()


async def put_calendars(connection: AsyncConnection, said: Iterable[tuple[Said, int]]) -> None:
    """Keep the highest revision of each calendar. said: versions with their revisions."""
    newest: dict[str, tuple[Said, int]] = {}
    for one, revision in said:
        if one.name not in newest or revision > newest[one.name][1]:
            newest[one.name] = one, revision
    if not newest:
        return
    ordered = [newest[name] for name in sorted(newest)]
    await connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    await connection.execute(
        text(
            "INSERT INTO notify.calendar AS known (name, revision, announced_at, document) SELECT * FROM "
            "unnest(CAST(:names AS text[]), CAST(:revisions AS integer[]), CAST(:ats AS timestamptz[]), "
            "CAST(:documents AS json[])) ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, "
            "announced_at = excluded.announced_at, document = excluded.document "
            "WHERE excluded.revision > known.revision"
        ),
        {
            "names": [one.name for one, _ in ordered],
            "revisions": [revision for _, revision in ordered],
            "ats": [datetime.fromisoformat(one.announced_at) for one, _ in ordered],
            "documents": [orjson.dumps(one.document).decode() for one, _ in ordered],
        },
    )


async def rules_at(connection: AsyncConnection, rules: Rules, *, at: datetime) -> Rules:
    """Return the rules with the policy in force at `at` and the calendars known now; they hold until the commit."""
    await connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({LOCK})"))
    policy = rules.policy_at(at)
    known = await get_calendars(connection, replace(rules, policy=policy), at=at)
    if known is None:
        return replace(rules, policy=policy)
    return replace(rules, policy=policy, calendar=known.province, own_calendars=known.own)


async def quiet_at(connection: AsyncConnection, at: datetime, *, rules: Rules) -> Quiet:
    """Return for whom it is quiet at `at`, by the calendars known now; it holds up nobody who changes them."""
    rules = replace(rules, policy=rules.policy_at(at))
    if known := await get_calendars(connection, rules, at=at):
        rules = replace(rules, calendar=known.province, own_calendars=known.own)
    return rules.quiet(at=at)


async def get_calendars(connection: AsyncConnection, rules: Rules, *, at: datetime) -> Calendars | None:
    """Return the calendars known now, None where none was announced; they are put together once for each state."""
    number, revisions = (await connection.execute(text("SELECT count(*), sum(revision) FROM notify.calendar"))).one()
    if not number:
        return None
    units = await addressing.get_directory(connection, policy=rules.policy, at=at)
    engine = connection.engine.sync_engine
    found = _calendars.get(engine)
    if found is None or found[0][:2] != (number, revisions) or found[0][2] is not units.index:
        rows = await connection.execute(text("SELECT name, announced_at, document FROM notify.calendar ORDER BY name"))
        said = [Said(row.name, canonical(row.announced_at), row.document) for row in rows]
        found = (number, revisions, units.index), calendars(said, units=units.index)
        _calendars[engine] = found
    return found[1]
