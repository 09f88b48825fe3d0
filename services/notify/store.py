"""The tables of notify, and the SQL of obligations and lines; notices and addressing have modules of their own.

Locks: obligations in id order, then lines in key order. A digest locks lines only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import cases, occasions
from services.notify.addressing.directory import Meant
from services.notify.policies.policy import NOTHING
from services.notify.pressing.lines import Line
from services.notify.pressing.pressing import Pressed
from services.notify.telling import holding
from shared.events import ObligationChanged

TABLES = (
    "CREATE TABLE {schema}.unit (code text PRIMARY KEY, revision bigint NOT NULL, doc jsonb NOT NULL)",
    """
    CREATE TABLE {schema}.obligation (
        id text PRIMARY KEY,
        revision bigint NOT NULL,
        doc jsonb NOT NULL,
        unit text NOT NULL DEFAULT '',
        unit_name text NOT NULL DEFAULT '',
        due_at timestamptz,
        resolved text,
        raised smallint NOT NULL DEFAULT -1,
        raised_at timestamptz,
        closed_at timestamptz,
        calendar_days boolean NOT NULL DEFAULT false,
        escalation_revision integer NOT NULL DEFAULT 0,
        timer_at timestamptz,
        trace text NOT NULL DEFAULT '',
        joint boolean NOT NULL DEFAULT false,
        repeated smallint NOT NULL DEFAULT 0,
        rested_at timestamptz
    )
    """,  # unit, unit_name: the words for who must act, resolved their meaning; joint: they mean a late step's holder;
    # repeated: how often its level was told again; rested_at: since when its ladder rests
    "CREATE INDEX obligation_timer ON {schema}.obligation (timer_at, id) WHERE timer_at IS NOT NULL",
    "CREATE INDEX obligation_raised ON {schema}.obligation (id) WHERE raised > -1",
    """
    CREATE TABLE {schema}.line (
        obligation_id text NOT NULL,
        role text NOT NULL,
        level smallint NOT NULL,
        told smallint NOT NULL,
        news text,
        post text,
        slot_at timestamptz,
        former text NOT NULL DEFAULT '',
        at_once boolean NOT NULL DEFAULT false,
        told_at_once boolean NOT NULL DEFAULT false,
        held text NOT NULL DEFAULT '',
        own_post text,
        PRIMARY KEY (obligation_id, role, former)
    )
    """,  # held: why its news was put off to a later slot; own_post: see addressing/seating.py
    "CREATE INDEX line_post ON {schema}.line (post, level)",
    "CREATE INDEX line_slot ON {schema}.line (slot_at, post) WHERE news IS NOT NULL",
    "CREATE INDEX line_unplaced ON {schema}.line (obligation_id) "
    "WHERE news IS NOT NULL AND (post IS NULL OR slot_at IS NULL)",
    "CREATE TABLE {schema}.reach (source text PRIMARY KEY, at timestamptz NOT NULL)",
    """
    CREATE TABLE {schema}.notice (
        id text PRIMARY KEY,
        post text NOT NULL,
        role text NOT NULL,
        channel text NOT NULL,
        slot timestamptz NOT NULL,
        status text NOT NULL,
        reason text NOT NULL DEFAULT '',
        revision integer NOT NULL DEFAULT 1,
        recipient text NOT NULL,
        subject text NOT NULL,
        text_body text NOT NULL,
        html_body text NOT NULL,
        items integer NOT NULL,
        stored_at timestamptz NOT NULL,
        added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        traces text[] NOT NULL DEFAULT '{{}}',
        sent_at timestamptz,
        attempts integer NOT NULL DEFAULT 0,
        next_try_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        lease text,
        leased_until timestamptz,
        provider text NOT NULL DEFAULT '',
        reference text NOT NULL DEFAULT '',
        receipt text NOT NULL DEFAULT '',
        receipt_at timestamptz,
        why text[] NOT NULL DEFAULT '{{}}',
        kind text NOT NULL DEFAULT 'digest',
        template text NOT NULL DEFAULT '',
        rendered_at timestamptz
    )
    """,  # provider: who took it, under which reference; receipt: what came back of it; why: it was made; template:
    # from which text; rendered_at: when it was last made, if anew
    "CREATE UNIQUE INDEX notice_of_slot ON {schema}.notice (post, slot, channel) WHERE kind = 'digest'",
    "CREATE INDEX notice_waiting ON {schema}.notice (next_try_at) WHERE status = 'stored'",
    "CREATE INDEX notice_slot ON {schema}.notice (slot, id)",
    """
    CREATE TABLE {schema}.notice_item (
        notice_id text NOT NULL,
        obligation_id text NOT NULL,
        revision bigint NOT NULL,
        level smallint NOT NULL,
        news text NOT NULL,
        role text NOT NULL DEFAULT 'head',
        told smallint NOT NULL DEFAULT -1,
        repeat smallint NOT NULL DEFAULT 0,
        PRIMARY KEY (notice_id, obligation_id)
    )
    """,
    "CREATE INDEX notice_item_obligation ON {schema}.notice_item (obligation_id)",
    cases.DDL,
    cases.ONE_OPEN,
    *holding.TABLES,
    *occasions.TABLES,
)


PRESSED = (
    "id, doc, resolved, nullif(unit, ''), nullif(unit_name, ''), joint, "
    "raised, raised_at, closed_at, calendar_days, escalation_revision, timer_at, trace, repeated, rested_at"
)


def pressed(row: Row[Any]) -> Pressed:
    """Return a row of the columns `PRESSED` as what it means."""
    return Pressed(ObligationChanged.model_validate(row.doc), Meant(*row[2:6]), *row[6:])


async def lock_obligations(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Pressed | None]:
    """Lock obligations in id order; those not known yet are made and come as None."""
    await connection.execute(
        text(
            "INSERT INTO notify.obligation (id, revision, doc) SELECT id, -1, 'null' FROM "
            "unnest(CAST(:ids AS text[])) AS t(id) ORDER BY id ON CONFLICT DO NOTHING"
        ),
        {"ids": ids},
    )
    rows = await connection.execute(
        text(f"SELECT {PRESSED} FROM notify.obligation WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"), {"ids": ids}
    )
    return {row.id: pressed(row) if row.doc else None for row in rows}


async def lock_due(connection: AsyncConnection, *, at: datetime, limit: int) -> list[Pressed]:
    """Lock the obligations whose timer has run out, the oldest timers first."""
    rows = await connection.execute(
        text(
            f"SELECT {PRESSED} FROM notify.obligation WHERE timer_at <= :at ORDER BY timer_at, id "
            "LIMIT :limit FOR UPDATE SKIP LOCKED"
        ),
        {"at": at, "limit": limit},
    )
    return [pressed(row) for row in rows]


async def lock_open(connection: AsyncConnection, *, after: str, limit: int) -> list[Pressed]:
    """Lock a page of obligations that a ladder runs for, in id order behind `after`."""
    rows = await connection.execute(
        text(
            f"SELECT {PRESSED} FROM notify.obligation WHERE id > :after AND due_at IS NOT NULL "
            "AND doc->>'state' = 'open' ORDER BY id LIMIT :limit FOR UPDATE"
        ),
        {"after": after, "limit": limit},
    )
    return [pressed(row) for row in rows]


async def put_obligations(connection: AsyncConnection, pressed: Sequence[Pressed], *, anew: bool) -> None:
    """Write locked obligations back. anew: their states changed, not only how far pressing for them has come."""
    await connection.execute(
        text(
            "UPDATE notify.obligation o SET revision = n.revision, doc = coalesce(n.doc, o.doc), unit = n.unit, "
            "unit_name = n.unit_name, due_at = n.due_at, resolved = n.resolved, raised = n.raised, "
            "raised_at = n.raised_at, closed_at = n.closed_at, calendar_days = n.calendar_days, "
            "escalation_revision = n.escalation_revision, timer_at = n.timer_at, trace = n.trace, joint = n.joint, "
            "repeated = n.repeated, rested_at = n.rested_at "
            "FROM unnest(CAST(:ids AS text[]), CAST(:revisions AS bigint[]), CAST(:docs AS jsonb[]), "
            "CAST(:units AS text[]), CAST(:unit_names AS text[]), CAST(:due_ats AS timestamptz[]), "
            "CAST(:resolved AS text[]), CAST(:raised AS smallint[]), CAST(:raised_ats AS timestamptz[]), "
            "CAST(:closed_ats AS timestamptz[]), CAST(:calendar_days AS boolean[]), "
            "CAST(:escalation_revisions AS integer[]), CAST(:timers AS timestamptz[]), "
            "CAST(:traces AS text[]), CAST(:joints AS boolean[]), CAST(:repeated AS smallint[]), "
            "CAST(:rested_ats AS timestamptz[])) AS n(id, revision, doc, unit, unit_name, due_at, resolved, raised, "
            "raised_at, closed_at, calendar_days, escalation_revision, timer_at, trace, joint, repeated, rested_at) "
            "WHERE o.id = n.id"
        ),
        {
            "ids": [p.obligation.obligation_id for p in pressed],
            "revisions": [p.obligation.revision for p in pressed],
            "docs": [p.obligation.model_dump_json() if anew else None for p in pressed],
            "units": [p.meant.unit or "" for p in pressed],
            "unit_names": [p.meant.unit_name or "" for p in pressed],
            "due_ats": [p.obligation.due_at for p in pressed],
            "resolved": [p.meant.code for p in pressed],
            "raised": [p.raised for p in pressed],
            "raised_ats": [p.raised_at for p in pressed],
            "closed_ats": [p.closed_at for p in pressed],
            "calendar_days": [p.calendar_days for p in pressed],
            "escalation_revisions": [p.escalation_revision for p in pressed],
            "timers": [p.timer_at for p in pressed],
            "traces": [p.trace for p in pressed],
            "joints": [p.meant.joint for p in pressed],
            "repeated": [p.repeated for p in pressed],
            "rested_ats": [p.rested_at for p in pressed],
        },
    )


async def look_again(connection: AsyncConnection, *, at: datetime) -> None:
    """Let the sweep look up anew who holds the steps that are pressed for; locks in id order."""
    await connection.execute(
        text(
            "UPDATE notify.obligation SET timer_at = least(timer_at, :at) WHERE id IN (SELECT id "
            f"FROM notify.obligation WHERE raised > {NOTHING} AND doc->>'state' = 'open' "
            "AND (doc->>'kind' = 'step' OR doc->>'holder' IS NOT NULL) ORDER BY id FOR UPDATE)"
        ),
        {"at": at},
    )


async def lock_lines(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[Line]]:
    """Lock the lines of obligations, in key order."""
    rows = await connection.execute(
        text(
            "SELECT obligation_id, role, level, told, news, post, former, at_once, told_at_once FROM notify.line "
            "WHERE obligation_id = ANY(:ids) ORDER BY obligation_id, role, former FOR UPDATE"
        ),
        {"ids": ids},
    )
    found: dict[str, list[Line]] = {}
    for row in rows:
        found.setdefault(row.obligation_id, []).append(Line(*row))
    return found


async def put_lines(connection: AsyncConnection, lines: Iterable[Line], *, gone: Iterable[Line]) -> None:
    """Write lines, and remove those that have nothing to say any more."""
    ordered = sorted(lines, key=lambda line: line.key)
    if ordered:
        await connection.execute(
            text(
                "INSERT INTO notify.line AS l (obligation_id, role, level, told, news, post, former, at_once, "
                "told_at_once) SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:roles AS text[]), "
                "CAST(:levels AS smallint[]), CAST(:told AS smallint[]), CAST(:news AS text[]), "
                "CAST(:posts AS text[]), CAST(:formers AS text[]), CAST(:at_onces AS boolean[]), "
                "CAST(:told_at_onces AS boolean[])) ON CONFLICT (obligation_id, role, former) DO UPDATE "
                "SET level = excluded.level, told = excluded.told, news = excluded.news, post = excluded.post, "
                "at_once = excluded.at_once, told_at_once = excluded.told_at_once, "
                "slot_at = CASE WHEN excluded.news IS NULL OR excluded.at_once <> l.at_once THEN NULL "
                "ELSE l.slot_at END"
            ),
            {
                "ids": [line.obligation_id for line in ordered],
                "roles": [line.role for line in ordered],
                "levels": [line.level for line in ordered],
                "told": [line.told for line in ordered],
                "news": [line.news for line in ordered],
                "posts": [line.post for line in ordered],
                "formers": [line.former for line in ordered],
                "at_onces": [line.at_once for line in ordered],
                "told_at_onces": [line.told_at_once for line in ordered],
            },
        )
    if keys := sorted(line.key for line in gone):
        await connection.execute(
            text(
                "DELETE FROM notify.line l USING unnest(CAST(:ids AS text[]), CAST(:roles AS text[]), "
                "CAST(:formers AS text[])) AS g(id, role, former) "
                "WHERE l.obligation_id = g.id AND l.role = g.role AND l.former = g.former"
            ),
            {name: [key[at] for key in keys] for at, name in enumerate(("ids", "roles", "formers"))},
        )


async def next_timer(connection: AsyncConnection) -> datetime | None:
    """Return when the sweep has something to do next: a level, a slot that lines wait for, a receipt, a policy."""
    found = await connection.execute(
        text(
            "SELECT least((SELECT min(timer_at) FROM notify.obligation), (SELECT next_at FROM notify.in_force), "
            "(SELECT min(slot_at) FROM notify.line WHERE news IS NOT NULL), "
            "(SELECT min(slot) FROM notify.act WHERE done_at IS NULL), "
            "(SELECT min(fallback_at) FROM notify.notice WHERE fallback_at IS NOT NULL))"
        )
    )
    at: datetime | None = found.scalar_one()
    return at
