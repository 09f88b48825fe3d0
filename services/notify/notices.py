"""The notices of notify and what they are made of: all SQL of digests and of their delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.digest import Entry
from services.notify.mail import Claimed
from shared.events import Kind, ObligationChanged

LEASE_S = 120  # longer than a sending with all its time-outs; then another copy may try


@dataclass(frozen=True, slots=True)
class Notice:
    """A rendered digest as it is stored. status: stored, or withheld with a reason from the start."""

    id: str
    post: str
    role: str
    slot: datetime
    status: str
    reason: str
    recipient: str
    subject: str
    text_body: str
    html_body: str
    items: int
    stored_at: datetime
    traces: list[str]


async def due_posts(connection: AsyncConnection, *, at: datetime, limit: int) -> dict[str, datetime]:
    """Return posts that have news for a slot reached at `at`, each with its latest such slot."""
    rows = await connection.execute(
        text(
            "SELECT post, max(slot_at) AS slot FROM notify.line WHERE news IS NOT NULL AND slot_at <= :at "
            "AND post IS NOT NULL GROUP BY post ORDER BY post LIMIT :limit"
        ),
        {"at": at, "limit": limit},
    )
    return {row.post: row.slot for row in rows}


async def taken(connection: AsyncConnection, posts: dict[str, datetime]) -> list[str]:
    """Return the posts that have had their digest of that slot already."""
    rows = await connection.execute(
        text(
            "SELECT n.post FROM notify.notice n JOIN unnest(CAST(:posts AS text[]), CAST(:slots AS timestamptz[])) "
            "AS p(post, slot) ON n.post = p.post AND n.slot = p.slot"
        ),
        {"posts": list(posts), "slots": list(posts.values())},
    )
    return list(rows.scalars())


async def put_off(connection: AsyncConnection, posts: Sequence[str], *, at: datetime, until: datetime) -> None:
    """Let news that came too late for a digest wait for the next slot."""
    await connection.execute(
        text(
            "UPDATE notify.line SET slot_at = :until WHERE news IS NOT NULL AND slot_at <= :at AND post = ANY(:posts)"
        ),
        {"at": at, "until": until, "posts": posts},
    )


# A step whose dossier is pressed for at the same unit: what is said of the dossier is said of its step.
COVERED = (
    "EXISTS (SELECT FROM notify.obligation s JOIN notify.obligation d ON d.id = s.doc->>'parent' "
    "WHERE s.id = l.obligation_id AND s.doc->>'kind' = 'step' AND d.raised >= 1 "
    "AND d.resolved IS NOT DISTINCT FROM s.resolved)"
)


async def hold_back(connection: AsyncConnection, posts: Sequence[str], *, at: datetime, until: datetime) -> None:
    """Let news of steps wait for the next slot while their late dossiers are pressed for at the same unit.

    Such a step is never silent: either its dossier is told, or once that is settled or goes over to another unit, it is
    told itself. What a head was told of a step is settled at once.
    """
    await connection.execute(
        text(
            "UPDATE notify.line l SET slot_at = :until WHERE news IN ('new', 'changed') AND slot_at <= :at "
            f"AND post = ANY(:posts) AND {COVERED}"
        ),
        {"at": at, "until": until, "posts": posts},
    )


async def lock_news(connection: AsyncConnection, posts: Sequence[str], *, at: datetime) -> dict[str, list[Entry]]:
    """Lock the lines with news of these posts, in key order.

    told: the most that this post was told of the obligation, in whatever role.
    """
    rows = await connection.execute(
        text(
            "SELECT l.post, l.obligation_id, l.role, l.level, l.news, (SELECT max(k.told) FROM notify.line k "
            "WHERE k.obligation_id = l.obligation_id AND k.post = l.post) AS told, o.revision, o.due_at, "
            "o.resolved, o.doc->>'kind' AS kind, CAST(o.doc->>'backlog' AS boolean) AS backlog, l.former, o.joint, "
            "o.trace "
            "FROM notify.line l JOIN notify.obligation o ON o.id = l.obligation_id "
            "WHERE l.news IS NOT NULL AND l.slot_at <= :at AND l.post = ANY(:posts) "
            "ORDER BY l.obligation_id, l.role, l.former FOR UPDATE OF l"
        ),
        {"at": at, "posts": posts},
    )
    found: dict[str, list[Entry]] = {}
    for row in rows:
        found.setdefault(row.post, []).append(Entry(*row[1:]))
    return found


async def get_obligations(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, ObligationChanged]:
    rows = await connection.execute(text("SELECT id, doc FROM notify.obligation WHERE id = ANY(:ids)"), {"ids": ids})
    return {row.id: ObligationChanged.model_validate(row.doc) for row in rows}


async def get_reach(connection: AsyncConnection) -> dict[str, datetime]:
    rows = await connection.execute(text("SELECT source, at FROM notify.reach ORDER BY source"))
    return {row.source: row.at for row in rows}


async def standing(connection: AsyncConnection, posts: Sequence[str]) -> dict[str, tuple[int, set[Kind]]]:
    """Return how many overdue matters each post has, told or not, and of which kinds.

    A step held back counts with its dossier.
    """
    rows = await connection.execute(
        text(
            "SELECT post, count(DISTINCT obligation_id) AS overdue, array_agg(DISTINCT o.doc->>'kind') AS kinds "
            "FROM notify.line l JOIN notify.obligation o ON o.id = l.obligation_id WHERE post = ANY(:posts) "
            "AND level >= 1 AND news IS DISTINCT FROM 'settled' AND former = '' "
            f"AND NOT {COVERED} GROUP BY post"
        ),
        {"posts": posts},
    )
    return {row.post: (row.overdue, set(row.kinds)) for row in rows}


async def add_notices(connection: AsyncConnection, notices: Sequence[Notice]) -> None:
    """Store notices; a post's digest of a slot is unique."""
    await connection.execute(
        text(
            "INSERT INTO notify.notice (id, post, role, channel, slot, status, reason, recipient, subject, text_body, "
            "html_body, items, stored_at, traces) SELECT id, post, role, 'email', slot, status, reason, recipient, "
            "subject, text_body, html_body, items, stored_at, string_to_array(traces, ' ') "
            "FROM unnest(CAST(:ids AS text[]), CAST(:posts AS text[]), "
            "CAST(:roles AS text[]), CAST(:slots AS timestamptz[]), CAST(:statuses AS text[]), "
            "CAST(:reasons AS text[]), CAST(:recipients AS text[]), CAST(:subjects AS text[]), "
            "CAST(:texts AS text[]), CAST(:htmls AS text[]), CAST(:items AS integer[]), "
            "CAST(:stored AS timestamptz[]), CAST(:traces AS text[])) AS n(id, post, role, slot, status, reason, "
            "recipient, subject, text_body, html_body, items, stored_at, traces)"
        ),
        {
            "ids": [notice.id for notice in notices],
            "posts": [notice.post for notice in notices],
            "roles": [notice.role for notice in notices],
            "slots": [notice.slot for notice in notices],
            "statuses": [notice.status for notice in notices],
            "reasons": [notice.reason for notice in notices],
            "recipients": [notice.recipient for notice in notices],
            "subjects": [notice.subject for notice in notices],
            "texts": [notice.text_body for notice in notices],
            "htmls": [notice.html_body for notice in notices],
            "items": [notice.items for notice in notices],
            "stored": [notice.stored_at for notice in notices],
            "traces": [" ".join(notice.traces) for notice in notices],
        },
    )


async def take_up(connection: AsyncConnection, notice: Notice, entries: Sequence[Entry], *, at: datetime) -> None:
    """Note what a notice covers, and that its head has been told; where nobody can be reached, nobody was told."""
    await connection.execute(
        text(
            "INSERT INTO notify.notice_item SELECT :notice, * FROM unnest(CAST(:ids AS text[]), "
            "CAST(:revisions AS bigint[]), CAST(:levels AS smallint[]), CAST(:news AS text[]))"
        ),
        {
            "notice": notice.id,
            "ids": [entry.obligation_id for entry in entries],
            "revisions": [entry.revision for entry in entries],
            "levels": [entry.level for entry in entries],
            "news": [entry.news for entry in entries],
        },
    )
    mine = "post = :post AND news IS NOT NULL AND slot_at <= :at"
    values: dict[str, Any] = {"post": notice.post, "at": at, "withheld": notice.status == "withheld"}
    await connection.execute(text(f"DELETE FROM notify.line WHERE {mine} AND news = 'settled'"), values)
    await connection.execute(
        text(
            "UPDATE notify.line SET news = NULL, slot_at = NULL, told = CASE WHEN :withheld THEN told ELSE level END "
            f"WHERE {mine}"
        ),
        values,
    )


async def claim(connection: AsyncConnection, *, lease: str, limit: int) -> list[Claimed]:
    """Claim stored notices whose time to be tried has come. Machine time."""
    rows = await connection.execute(
        text(
            "UPDATE notify.notice SET lease = :lease, attempts = attempts + 1, "
            "leased_until = clock_timestamp() + make_interval(secs => :lease_s) WHERE id IN ("
            "SELECT id FROM notify.notice WHERE status = 'stored' AND next_try_at <= clock_timestamp() "
            "AND (leased_until IS NULL OR leased_until < clock_timestamp()) ORDER BY next_try_at, id "
            "LIMIT :limit FOR UPDATE SKIP LOCKED) "
            "RETURNING id, recipient, subject, text_body, html_body, stored_at, attempts, lease, traces"
        ),
        {"lease": lease, "lease_s": LEASE_S, "limit": limit},
    )
    return sorted((Claimed(*row) for row in rows), key=lambda notice: notice.id)


async def finish(
    connection: AsyncConnection, notice: Claimed, *, status: str, reason: str, sent_at: datetime | None
) -> dict[str, Any] | None:
    """Note how a claimed notice ended; returns its new state, or None where the lease was lost."""
    rows = await connection.execute(
        text(
            "UPDATE notify.notice SET status = :status, reason = :reason, sent_at = :sent_at, lease = NULL, "
            "leased_until = NULL, revision = revision + 1 WHERE id = :id AND lease = :lease AND status = 'stored' "
            "RETURNING id AS notice_id, revision, post AS unit, role, channel, slot, status, reason, items, sent_at"
        ),
        {"status": status, "reason": reason, "sent_at": sent_at, "id": notice.id, "lease": notice.lease},
    )
    row = rows.one_or_none()
    return dict(row._mapping) if row else None


async def try_later(connection: AsyncConnection, notice: Claimed, *, reason: str, seconds: int) -> None:
    """Give a claimed notice back, to be tried again after some machine time."""
    await connection.execute(
        text(
            "UPDATE notify.notice SET reason = :reason, lease = NULL, leased_until = NULL, "
            "next_try_at = clock_timestamp() + make_interval(secs => :seconds) WHERE id = :id AND lease = :lease"
        ),
        {"reason": reason, "seconds": seconds, "id": notice.id, "lease": notice.lease},
    )
