"""Stored notices that no relay has taken: which of them are stale, and what is left of them. All of its SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.stored import Notice, NoticeKind
from services.notify.telling.entries import Entry
from services.notify.telling.holding import CONFIDENTIAL
from shared.events import NoticeChannel

STALE_S = 30 * 60  # machine time since a notice was made; what it says may be wrong by then
NOTHING_LEFT = "nothing_left"
STATE = "id AS notice_id, revision, post AS unit, role, channel, slot, status, reason, items, sent_at, why"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stale notice, locked."""

    id: str
    post: str
    slot: datetime
    kind: NoticeKind
    channel: NoticeChannel
    reason: str
    recipient: str


async def lock_stale(connection: AsyncConnection, *, limit: int) -> list[Waiting]:
    """Lock notices made more than `STALE_S` ago that no provider has; delivery passes over locked ones.

    What a provider may have stays as it is: it may arrive twice, and must then be the same.
    The weekly page says of when it is, a letter in place of another what it stands for, the one about an absence what
    was told: they stay as they are.
    """
    rows = await connection.execute(
        text(
            "SELECT id, post, slot, kind, channel, reason, recipient FROM notify.notice WHERE status = 'stored' "
            "AND kind IN ('digest', 'at_once') AND instead_of = '' "
            "AND coalesce(rendered_at, added_at) < clock_timestamp() - make_interval(secs => :seconds) "
            "AND NOT unsure AND NOT maybe_doubled AND (lease IS NULL OR (provider = '' AND "
            "leased_until < clock_timestamp())) ORDER BY id LIMIT :limit "
            "FOR UPDATE SKIP LOCKED"
        ),
        {"seconds": STALE_S, "limit": limit},
    )
    return [Waiting(*row) for row in rows]


# What a notice has an item of is still to be told of: a settlement while it stands, else while the post's line does.
STANDS = (
    "CASE WHEN i.news = 'settled' THEN o.raised < 1 ELSE EXISTS (SELECT FROM notify.line l "
    "WHERE l.obligation_id = i.obligation_id AND l.post = n.post AND l.former = '' AND l.level >= i.level "
    "AND l.news IS DISTINCT FROM 'settled' AND (i.level > 0 OR l.level = 0 OR l.role = 'receiving')) END"
)


async def left_of(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[tuple[Entry, frozenset[str]]]]:
    """Return what is left to be told of by each notice, with who must not be told of it."""
    rows = await connection.execute(
        text(
            "SELECT i.notice_id, o.doc->'restricted' AS restricted, i.obligation_id, i.role, i.level, i.news, i.told, "
            "o.revision, o.due_at, o.resolved, o.doc->>'kind' AS kind, CAST(o.doc->>'backlog' AS boolean) AS backlog, "
            "'' AS former, o.joint, o.trace, o.doc->>'field' AS field, i.repeat, "
            "o.doc->>'source' AS source, "
            f"coalesce(o.doc->'restricted' <> '[]', false) AS is_restricted, {CONFIDENTIAL} AS confidential, "
            "(SELECT min(l.own_post) "
            "FROM notify.line l WHERE l.obligation_id = o.id AND l.post = n.post AND l.role = i.role) AS own_post "
            "FROM notify.notice_item i JOIN notify.notice n ON n.id = i.notice_id "
            f"JOIN notify.obligation o ON o.id = i.obligation_id WHERE i.notice_id = ANY(:ids) AND {STANDS} "
            "ORDER BY i.notice_id, i.obligation_id"
        ),
        {"ids": list(ids)},
    )
    found: dict[str, list[tuple[Entry, frozenset[str]]]] = {}
    for row in rows:
        found.setdefault(row.notice_id, []).append((Entry(*row[2:]), frozenset(row.restricted or ())))
    return found


async def forget_untold(connection: AsyncConnection, ids: Sequence[str]) -> None:
    """Remove the lines that would end what was never told: of items that no longer stand in any notice that left.

    They are the settlement to come, and the former post's wait for one.
    """
    await connection.execute(
        text(
            "DELETE FROM notify.line l USING notify.notice_item i, notify.notice n, notify.obligation o "
            "WHERE n.id = ANY(:ids) AND i.notice_id = n.id AND o.id = i.obligation_id AND l.obligation_id = o.id "
            "AND l.post = n.post AND (l.news = 'settled' OR l.former <> '') AND i.news <> 'settled' "
            f"AND NOT ({STANDS}) AND NOT EXISTS (SELECT FROM notify.notice_item k JOIN notify.notice b "
            "ON b.id = k.notice_id WHERE k.obligation_id = o.id AND b.post = n.post AND NOT (b.id = ANY(:ids)) "
            "AND b.status IN ('stored', 'sent', 'recorded'))"
        ).bindparams(ids=list(ids))
    )


def as_it_was(made: Notice, stale: Waiting) -> Notice:
    """Return a notice made anew under the id it had: a mail that went out all the same can be known as one with it.

    It still waits, for whom it was meant where nobody else is reached now.
    """
    return replace(made, id=stale.id, status="stored", reason=stale.reason, recipient=made.recipient or stale.recipient)


async def put_again(connection: AsyncConnection, notices: Sequence[Notice]) -> list[dict[str, Any]]:
    """Write what locked notices say now; returns their new states."""
    rows = await connection.execute(
        text(
            "UPDATE notify.notice n SET status = m.status, reason = m.reason, recipient = m.recipient, "
            "subject = m.subject, text_body = m.text_body, html_body = m.html_body, items = m.items, "
            "why = string_to_array(m.why, ' '), template = m.template, rendered_at = clock_timestamp(), "
            "revision = revision + 1 FROM unnest(CAST(:ids AS text[]), CAST(:statuses AS text[]), "
            "CAST(:reasons AS text[]), CAST(:recipients AS text[]), CAST(:subjects AS text[]), "
            "CAST(:texts AS text[]), CAST(:htmls AS text[]), CAST(:items AS integer[]), CAST(:whys AS text[]), "
            "CAST(:templates AS text[])) AS m(id, status, reason, recipient, subject, text_body, html_body, items, "
            f"why, template) WHERE n.id = m.id RETURNING {_of('n')}"
        ),
        {
            "ids": [notice.id for notice in notices],
            "statuses": [notice.status for notice in notices],
            "reasons": [notice.reason for notice in notices],
            "recipients": [notice.recipient for notice in notices],
            "subjects": [notice.subject for notice in notices],
            "texts": [notice.text_body for notice in notices],
            "htmls": [notice.html_body for notice in notices],
            "items": [notice.items for notice in notices],
            "whys": [" ".join(notice.why) for notice in notices],
            "templates": [notice.template for notice in notices],
        },
    )
    return [dict(row._mapping) for row in rows]


async def withdraw(connection: AsyncConnection, ids: Sequence[str]) -> list[dict[str, Any]]:
    """End locked notices of which nothing is left; returns their new states."""
    rows = await connection.execute(
        text(
            "UPDATE notify.notice SET status = 'withdrawn', reason = :reason, revision = revision + 1 "
            f"WHERE id = ANY(:ids) RETURNING {STATE}"
        ),
        {"ids": list(ids), "reason": NOTHING_LEFT},
    )
    return [dict(row._mapping) for row in rows]


async def put_items(connection: AsyncConnection, kept: Mapping[str, Sequence[Entry]]) -> None:
    """Leave the items that notices still tell of, at the revisions they tell of now. kept: by notice."""
    pairs = [(notice, entry) for notice, entries in kept.items() for entry in entries]
    values = {
        "notices": list(kept),
        "of": [notice for notice, _ in pairs],
        "ids": [entry.obligation_id for _, entry in pairs],
        "revisions": [entry.revision for _, entry in pairs],
    }
    told = (
        "unnest(CAST(:of AS text[]), CAST(:ids AS text[]), CAST(:revisions AS bigint[])) AS k(notice, id, revision) "
        "WHERE k.notice = i.notice_id AND k.id = i.obligation_id"
    )
    await connection.execute(
        text(f"DELETE FROM notify.notice_item i WHERE notice_id = ANY(:notices) AND NOT EXISTS (SELECT FROM {told})"),
        values,
    )
    await connection.execute(text(f"UPDATE notify.notice_item i SET revision = k.revision FROM {told}"), values)


def _of(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in STATE.split(", "))
