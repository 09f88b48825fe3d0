"""What others may read of notify: counts for `dondoc status`, and the lists behind its HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.settings import Mode
from shared import metrics


async def counts(connection: AsyncConnection, now: datetime, *, mode: Mode) -> dict[str, dict[str, int]]:
    """Return open escalations by level, notices by status, and the sending mode, which counts as 1."""
    levels = await connection.execute(
        text("SELECT raised, count(*) FROM notify.obligation WHERE raised > 0 GROUP BY raised ORDER BY raised")
    )
    unknown = await connection.execute(
        text("SELECT count(*) FROM notify.obligation WHERE raised > 0 AND resolved IS NULL")
    )
    statuses = await connection.execute(
        text("SELECT status, count(*) AS number FROM notify.notice GROUP BY status ORDER BY 1")
    )
    return {
        "escalations": {f"level_{level}": number for level, number in levels.all()}
        | {"unit_unknown": unknown.scalar_one()},
        "notices": {row.status: row.number for row in statuses},
        "mode": {mode: 1},
    }


async def observe(connection: AsyncConnection, _: datetime) -> None:
    """Set the gauges of open escalations and of notices that no relay has taken. Machine time."""
    levels = await connection.execute(
        text("SELECT raised, count(*) AS number FROM notify.obligation WHERE raised > -1 GROUP BY raised")
    )
    metrics.set_all(metrics.pressed, {str(row.raised): row.number for row in levels})
    waiting = (
        await connection.execute(
            text(
                "SELECT count(*) AS number, coalesce(extract(epoch FROM clock_timestamp() - min(added_at)), 0) AS age "
                "FROM notify.notice WHERE status = 'stored'"
            )
        )
    ).one()
    metrics.notices_waiting.labels("email").set(waiting.number)
    metrics.notices_oldest.labels("email").set(waiting.age)


async def busy(connection: AsyncConnection) -> int:
    """Return how many notices are being sent, or are due to be tried now."""
    found = await connection.execute(
        text(
            "SELECT count(*) FROM notify.notice WHERE status = 'stored' "
            "AND (next_try_at <= clock_timestamp() OR leased_until > clock_timestamp())"
        )
    )
    return int(found.scalar_one())


async def list_escalations(
    connection: AsyncConnection, *, unit: str | None, after: str, limit: int
) -> list[dict[str, Any]]:
    """Return open escalations in order of obligation id, behind `after`."""
    rows = await connection.execute(
        text(
            "SELECT id AS obligation_id, doc->>'kind' AS kind, doc->>'subject_id' AS subject_id, "
            "coalesce(resolved, nullif(o.unit, '')) AS unit, nullif(unit_name, '') AS unit_name, due_at, "
            "raised AS level, raised_at, timer_at AS next_level_at, escalation_revision AS revision, "
            "array_remove(ARRAY[CASE WHEN resolved IS NULL THEN 'unit_unknown' END, "
            "CASE WHEN calendar_days THEN 'calendar_unknown' END, "
            "CASE WHEN CAST(doc->>'backlog' AS boolean) THEN 'backlog' END, "
            "CASE WHEN joint THEN 'joint_processing' END, "
            "CASE WHEN doc->>'state' = 'paused' THEN 'paused' END], NULL) AS flags "
            "FROM notify.obligation o WHERE raised > 0 AND id > :after "
            "AND (CAST(:unit AS text) IS NULL OR resolved = :unit OR doc->>'unit' = :unit) ORDER BY id LIMIT :limit"
        ),
        {"unit": unit, "after": after, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]


async def list_notices(
    connection: AsyncConnection, *, status: str | None, after: tuple[datetime, str], limit: int
) -> list[dict[str, Any]]:
    """Return notices in order of (slot, id), behind `after`, each with what it covers; never an address or a name."""
    rows = await connection.execute(
        text(
            "SELECT n.id AS notice_id, post AS unit, role, channel, slot, status, reason, subject, items, attempts, "
            "stored_at, sent_at, n.revision, (SELECT coalesce(json_agg(json_build_object('obligation_id', "
            "i.obligation_id, 'revision', i.revision, 'level', i.level, 'news', i.news) ORDER BY i.obligation_id), "
            "'[]') FROM notify.notice_item i WHERE i.notice_id = n.id) AS covers FROM notify.notice n "
            "WHERE (slot, n.id) > (:slot, :id) AND (CAST(:status AS text) IS NULL OR status = :status) "
            "ORDER BY slot, n.id LIMIT :limit"
        ),
        {"status": status, "slot": after[0], "id": after[1], "limit": limit},
    )
    return [dict(row._mapping) for row in rows]
