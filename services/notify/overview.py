"""What others may read of notify: counts for `dondoc status`, and the lists behind its HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.modes import modes
from services.notify.policies.when import Quiet
from services.notify.receipts import inbox
from services.notify.settings import Mode
from services.notify.telling import why
from services.notify.telling.holding import CONFIDENTIAL
from services.notify.telling.notices import SLEEPS
from shared import metrics
from shared.events import NoticeChannel

# what was answered, and holds: a promise, or that it is settled or another's
ANSWERED = "EXISTS (SELECT FROM notify.stay s WHERE s.obligation_id = o.id AND state = 'running' AND kind {} 'promise')"


async def counts(
    connection: AsyncConnection, now: datetime, *, mode: Mode, providers: Callable[[], dict[str, int]]
) -> dict[str, dict[str, int]]:
    """Return open escalations by level, notices by status (`sms_…`: of SMS), cases, the sending mode as 1, and of each
    provider the percentage of its share that it gets.

    mode: of the environment. sending: what an operator did to it: `paused`, `chosen` by a command.
    """
    levels = await connection.execute(
        text("SELECT raised, count(*) FROM notify.obligation WHERE raised > 0 GROUP BY raised ORDER BY raised")
    )
    unknown = await connection.execute(
        text("SELECT count(*) FROM notify.obligation WHERE raised > 0 AND resolved IS NULL")
    )
    statuses = await connection.execute(
        text(
            "SELECT CASE channel WHEN 'email' THEN status ELSE channel || '_' || status END AS status, "
            "count(*) AS number FROM notify.notice GROUP BY 1 ORDER BY 1"
        )
    )
    waiting = await connection.execute(
        text(
            "SELECT count(*) AS open, count(*) FILTER (WHERE answer_by <= :now) AS overdue "
            "FROM notify.operator_case WHERE closed_at IS NULL"
        ),
        {"now": now},
    )
    sending = await modes.get(connection, default=mode)
    return {
        "escalations": {f"level_{level}": number for level, number in levels.all()}
        | {"unit_unknown": unknown.scalar_one()},
        "notices": {row.status: row.number for row in statuses},
        "cases": dict(waiting.one()._mapping),
        "mode": {sending.mode: 1},
        "sending": {name: 1 for name, is_so in (("paused", sending.paused), ("chosen", sending.chosen)) if is_so},
        "providers": providers(),
    }


async def observe(connection: AsyncConnection, _: datetime, *, mode: Mode) -> None:
    """Set the gauges of open escalations, of notices that no relay has taken, and of what may leave. Machine time."""
    sending = await modes.get(connection, default=mode)
    metrics.set_all(metrics.sending_mode, {one: one == sending.mode for one in get_args(Mode)})
    metrics.sending_paused.set(sending.paused)
    levels = await connection.execute(
        text("SELECT raised, count(*) AS number FROM notify.obligation WHERE raised > -1 GROUP BY raised")
    )
    metrics.set_all(metrics.pressed, {str(row.raised): row.number for row in levels})
    waiting = await connection.execute(
        text(
            "SELECT channel, count(*) AS number, extract(epoch FROM clock_timestamp() - min(added_at)) AS age "
            "FROM notify.notice WHERE status = 'stored' GROUP BY channel"
        )
    )
    of_channel = {row.channel: row for row in waiting}
    for channel in get_args(NoticeChannel):
        row = of_channel.get(channel)
        metrics.notices_waiting.labels(channel).set(row.number if row else 0)
        metrics.notices_oldest.labels(channel).set(row.age if row else 0)


async def busy(
    connection: AsyncConnection,
    now: datetime,
    *,
    mode: Mode,
    resting: Callable[[], list[NoticeChannel]],
    quiet: Callable[[AsyncConnection, datetime], Awaitable[Quiet]],
) -> int:
    """Return how many notices are being sent, or are due to be tried now by a provider that does not rest, and how
    many things said of notices are to be looked at.

    While sending is paused none is due, in quiet hours none that wakes people.
    """
    sending = await modes.get(connection, default=mode)
    hours = Quiet() if sending.mode == "record" else await quiet(connection, now)
    found = await connection.execute(
        text(
            "SELECT count(*) FROM notify.notice WHERE status = 'stored' AND (leased_until > clock_timestamp() "
            "OR (next_try_at <= clock_timestamp() AND channel <> ALL(:resting) AND NOT :holds "
            f"AND NOT {SLEEPS}))"
        ),
        {"holds": sending.holds, "resting": resting(), "quiet": hours.province, "others": list(hours.others)},
    )
    return int(found.scalar_one()) + await inbox.waiting(connection)


async def list_escalations(
    connection: AsyncConnection, *, unit: str | None, after: str, limit: int
) -> list[dict[str, Any]]:
    """Return open escalations in order of obligation id, behind `after`; none of what is confidential."""
    rows = await connection.execute(
        text(
            "SELECT id AS obligation_id, doc->>'kind' AS kind, doc->>'subject_id' AS subject_id, "
            "coalesce(resolved, nullif(o.unit, '')) AS unit, "
            "coalesce(nullif(unit_name, ''), doc->>'unit_name') AS unit_name, due_at, "
            "raised AS level, raised_at, timer_at AS next_level_at, escalation_revision AS revision, "
            "array_remove(ARRAY[CASE WHEN resolved IS NULL THEN 'unit_unknown' END, "
            "CASE WHEN resolved IS NULL AND doc->'flags' @> '[\"unit_ambiguous\"]' THEN 'unit_ambiguous' END, "
            "CASE WHEN calendar_days THEN 'calendar_unknown' END, "
            "CASE WHEN CAST(doc->>'backlog' AS boolean) THEN 'backlog' END, "
            "CASE WHEN joint THEN 'joint_processing' END, CASE WHEN rested_at IS NOT NULL THEN 'at_rest' END, "
            "CASE WHEN doc->>'state' = 'paused' THEN 'paused' END, "
            f"CASE WHEN {ANSWERED.format('=')} THEN 'promised' END, "
            f"CASE WHEN {ANSWERED.format('<>')} THEN 'disputed' END], NULL) AS flags "
            f"FROM notify.obligation o WHERE raised > 0 AND id > :after AND NOT {CONFIDENTIAL} "
            "AND (CAST(:unit AS text) IS NULL OR resolved = :unit OR doc->>'unit' = :unit) ORDER BY id LIMIT :limit"
        ),
        {"unit": unit, "after": after, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]


async def list_notices(
    connection: AsyncConnection, *, status: str | None, after: tuple[datetime, str], limit: int
) -> list[dict[str, Any]]:
    """Return notices in order of (slot, id), behind `after`, each with what it covers and why.

    Never an address or a name. What is confidential is counted in `items` and not named.
    """
    rows = await connection.execute(
        text(
            "SELECT n.id AS notice_id, post AS unit, role, channel, slot, status, reason, subject, items, attempts, "
            "stored_at, sent_at, provider, maybe_doubled, n.revision, receipt, receipt_at, instead_of, fallback, kind, "
            "why, template, "
            "(SELECT coalesce(json_agg(json_build_object('obligation_id', i.obligation_id, 'revision', i.revision, "
            "'level', i.level, 'news', i.news) ORDER BY i.obligation_id), "
            "'[]') FROM notify.notice_item i LEFT JOIN notify.obligation o ON o.id = i.obligation_id "
            f"WHERE i.notice_id = n.id AND NOT {CONFIDENTIAL}) AS covers FROM notify.notice n "
            "WHERE (slot, n.id) > (:slot, :id) AND (CAST(:status AS text) IS NULL OR status = :status) "
            "ORDER BY slot, n.id LIMIT :limit"
        ),
        {"status": status, "slot": after[0], "id": after[1], "limit": limit},
    )
    return [{**row._mapping, "why_text": why.said(row.why)} for row in rows]
