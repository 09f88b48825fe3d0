"""What went out, or in recording mode would have gone out, by day and post; SQL only. Days are the province's."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

DAY = "CAST(n.slot AT TIME ZONE 'Asia/Ho_Chi_Minh' AS date)"
BETWEEN = (
    "n.slot >= CAST(CAST(:since AS date) AS timestamp) AT TIME ZONE 'Asia/Ho_Chi_Minh' "
    "AND n.slot < CAST(CAST(:until AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Ho_Chi_Minh'"
)


async def list_rows(
    connection: AsyncConnection, *, since: date, until: date, after: tuple[date, str], limit: int
) -> list[dict[str, Any]]:
    """Return one row for each day and post that had notices, in that order, behind `after`.

    mails, sms: made, whatever became of them; no_contact of them reached nobody. items: matters the mails tell of.
    levels: how many of these at which level; 0 is information on what is near.
    """
    rows = await connection.execute(
        text(
            f"WITH made AS (SELECT {DAY} AS day, n.* FROM notify.notice n WHERE {BETWEEN}), "
            "page AS (SELECT day, post, array_agg(DISTINCT role ORDER BY role) AS roles, "
            "count(*) FILTER (WHERE channel = 'email') AS mails, count(*) FILTER (WHERE channel = 'sms') AS sms, "
            "count(*) FILTER (WHERE reason = 'no_contact') AS no_contact, "
            "count(*) FILTER (WHERE status = 'sent') AS sent, count(*) FILTER (WHERE status = 'recorded') AS recorded, "
            "count(*) FILTER (WHERE status = 'failed') AS failed, "
            "coalesce(sum(items) FILTER (WHERE channel = 'email'), 0) AS items, "
            "array_agg(id) FILTER (WHERE channel = 'email') AS mail_ids FROM made "
            "WHERE (day, post) > (:day, :post) GROUP BY day, post ORDER BY day, post LIMIT :limit) "
            "SELECT day, post AS unit, (SELECT doc->>'name' FROM notify.unit u WHERE u.code = p.post) AS unit_name, "
            "roles, mails, sms, no_contact, sent, recorded, failed, items, "
            "(SELECT coalesce(jsonb_object_agg(level, number), '{}') FROM (SELECT i.level, count(*) AS number "
            "FROM notify.notice_item i WHERE i.notice_id = ANY(p.mail_ids) AND i.news <> 'settled' "
            "GROUP BY i.level) l) AS levels FROM page p ORDER BY day, post"
        ),
        {"since": since, "until": until, "day": after[0], "post": after[1], "limit": limit},
    )
    return [dict(row._mapping) for row in rows]


async def list_burdened(
    connection: AsyncConnection, *, since: date, until: date, over: int, limit: int
) -> list[dict[str, Any]]:
    """Return people who had more than `over` notices on a day, the most first; by their posts, never by an address."""
    rows = await connection.execute(
        text(
            f"SELECT {DAY} AS day, array_agg(DISTINCT post ORDER BY post) AS units, channel, count(*) AS notices "
            f"FROM notify.notice n WHERE {BETWEEN} AND recipient <> '' GROUP BY 1, channel, recipient "
            "HAVING count(*) > :over ORDER BY notices DESC, day, units LIMIT :limit"
        ),
        {"since": since, "until": until, "over": over, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]
