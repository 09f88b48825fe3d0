"""The SQL that compares a census with what was pressed: whole sets, no id by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.ledger.standing import Facts, LineFacts, Reason


@dataclass(frozen=True, slots=True)
class Group:
    """Obligations of a census of which the same is stored.

    known: `unknown_here`, `older_here`, `not_overdue_here`, `newer` (nothing to compare), else `same`: facts count.
    asked: their revisions in the census.
    """

    known: str
    facts: Facts
    ids: Sequence[str]
    asked: Sequence[int]


OF_CENSUS = (
    "SELECT i.id, i.revision FROM notify.census_part p, unnest(p.ids, p.revisions) AS i(id, revision) "
    "WHERE p.slot = :slot"
)
OF_DIFFERENCES = "SELECT obligation_id AS id, revision FROM notify.ledger_difference WHERE kind <> 'missing_in_census'"
# Why nothing is said of an obligation although a level is reached.
RESTS = (
    "CASE WHEN o.doc->>'kind' = 'step' AND EXISTS (SELECT FROM notify.obligation d WHERE d.id = o.doc->>'parent' "
    "AND d.raised >= 1 AND d.resolved IS NOT DISTINCT FROM o.resolved) THEN 'covered_by_dossier' "
    "WHEN EXISTS (SELECT FROM notify.stay s WHERE s.obligation_id = o.id AND NOT s.spent AND s.state = 'running' "
    "AND s.level >= o.raised) THEN 'promised' WHEN o.rested_at IS NOT NULL THEN 'stopped' END"
)
# Why the news of a line waits for a later slot than the next.
HELD = (
    "CASE l.held WHEN 'step_of_dossier' THEN 'covered_by_dossier' "
    "WHEN '' THEN CASE WHEN l.at_once THEN 'quiet_hours' ELSE '' END ELSE l.held END"
)
# Whom the obligation's unit and those above it have to be told by, and the newest notice that tells each of it.
LINES = f"""
    SELECT l.obligation_id, array_agg(DISTINCT ARRAY[
        CAST(l.told >= 1 AS text), CAST(l.news IS NOT NULL AS text),
        CAST(coalesce(l.post IS NOT NULL AND l.slot_at > :at, false) AS text),
        {HELD},
        CAST(coalesce(n.level >= 1 AND n.news <> 'settled', false) AS text),
        coalesce(n.status, ''), coalesce(n.reason, '')]) AS facts
    FROM notify.line l LEFT JOIN LATERAL (
        SELECT i.level, i.news, CASE n.receipt WHEN 'failed' THEN 'failed' ELSE n.status END AS status, n.reason
        FROM notify.notice_item i JOIN notify.notice n ON n.id = i.notice_id
        WHERE i.obligation_id = l.obligation_id AND n.post = l.post AND n.channel <> 'webhook'
        AND n.reason <> 'arrived' -- in place of one that did arrive
        ORDER BY n.slot DESC, n.status = 'sent' AND n.receipt <> 'failed' DESC, n.channel, n.id LIMIT 1) n ON true
    WHERE l.level >= 1 AND l.former = '' AND l.obligation_id IN (SELECT id FROM asked) GROUP BY l.obligation_id
"""
GROUPS = f"""
    WITH asked AS MATERIALIZED ({{asked}}), lines AS MATERIALIZED ({LINES}), found AS (
        SELECT a.id, a.revision AS asked, CASE WHEN o.revision IS NULL OR o.revision < 0 THEN 'unknown_here'
            WHEN o.revision < a.revision THEN 'older_here' WHEN o.revision > a.revision THEN 'newer'
            WHEN o.doc->>'state' <> 'open' OR o.due_at IS NULL OR o.due_at >= :taken_at THEN 'not_overdue_here'
            ELSE 'same' END AS known,
            coalesce(o.raised, -1) AS raised, coalesce(o.timer_at > :at, false) AS timer_ahead,
            coalesce(CAST(o.doc->>'backlog' AS boolean), false) AS backlog, {RESTS} AS rests, l.facts
        FROM asked a LEFT JOIN notify.obligation o ON o.id = a.id LEFT JOIN lines l ON l.obligation_id = a.id)
    SELECT known, raised, timer_ahead, backlog, rests, facts, array_agg(id ORDER BY id) AS ids,
        array_agg(asked ORDER BY id) AS asked
    FROM found GROUP BY known, raised, timer_ahead, backlog, rests, facts
"""


async def get_groups(
    connection: AsyncConnection, *, slot: datetime, taken_at: datetime, at: datetime, again: bool
) -> list[Group]:
    """Return what is stored of the obligations of a census, those of which the same is stored together.

    again: only of those that differed at the look before.
    """
    asked = OF_DIFFERENCES if again else OF_CENSUS
    values = {"taken_at": taken_at, "at": at} | ({} if again else {"slot": slot})
    return await _groups(connection, asked, values)


async def get_group(connection: AsyncConnection, id: str, *, at: datetime) -> Group:
    """Return what is stored of one obligation that is known, as if it stood in a census now."""
    [group] = await _groups(
        connection,
        "SELECT id, revision FROM notify.obligation WHERE id = :id",
        {"id": id, "taken_at": at, "at": at},
    )
    return group


async def _groups(connection: AsyncConnection, asked: str, values: Mapping[str, Any]) -> list[Group]:
    rows = await connection.execute(text(GROUPS.format(asked=asked)), values)
    return [
        Group(
            row.known, Facts(row.raised, row.timer_ahead, row.backlog, row.rests, _lines(row.facts)), row.ids, row.asked
        )
        for row in rows
    ]


def _lines(facts: Sequence[Sequence[str]] | None) -> tuple[LineFacts, ...]:
    return tuple(
        LineFacts(told == "true", news == "true", ahead == "true", _held(held), presses == "true", status, reason)
        for told, news, ahead, held, presses, status, reason in facts or ()
    )


def _held(word: str) -> Reason | None:
    return next((reason for reason in get_args(Reason) if reason == word), None)


PRESSES = (
    "FROM notify.obligation o WHERE o.raised >= 1 AND o.raised_at < :taken_at AND o.due_at < :taken_at "
    "AND o.doc->>'state' = 'open'"
)


async def list_missing(connection: AsyncConnection, *, slot: datetime, taken_at: datetime) -> list[tuple[str, int]]:
    """Return what was pressed for as overdue when a census was taken, and is not in it, with our revision."""
    rows = await connection.execute(
        text(
            f"SELECT o.id, o.revision {PRESSES} AND NOT EXISTS (SELECT FROM ({OF_CENSUS}) c WHERE c.id = o.id) "
            "ORDER BY o.id"
        ),
        {"slot": slot, "taken_at": taken_at},
    )
    return [(row.id, row.revision) for row in rows]


async def list_still_missing(connection: AsyncConnection, *, taken_at: datetime) -> list[tuple[str, int]]:
    """Return what was missing at the look before and is still as it was."""
    rows = await connection.execute(
        text(
            f"SELECT o.id, o.revision {PRESSES} AND EXISTS (SELECT FROM notify.ledger_difference d "
            "WHERE d.obligation_id = o.id AND d.kind = 'missing_in_census' AND d.revision = o.revision) ORDER BY o.id"
        ),
        {"taken_at": taken_at},
    )
    return [(row.id, row.revision) for row in rows]
