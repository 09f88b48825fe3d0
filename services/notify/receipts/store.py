"""The SQL of what became of notices, and of those that go out in place of others.

Notices that tell the same matters of one slot, of the first head and of whoever was told instead, are a group: those of
a digest, or of one thing told at once. A group is locked whole, in id order, before anything in it is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.policies.policy import NEAR, NOTHING
from services.notify.receipts.states import Receipt, Standing
from shared.events import NoticeChannel, ObligationChanged

COLUMNS = (
    "receipt_code text NOT NULL DEFAULT ''",
    "instead_of text NOT NULL DEFAULT ''",
    "fallback text NOT NULL DEFAULT ''",
    "fallback_at timestamptz",
)  # instead_of: the first of its group; fallback: what was done when it did not arrive; fallback_at: when to do it
INDEXES = (
    "DROP INDEX IF EXISTS {schema}.notice_of_slot",
    "CREATE UNIQUE INDEX notice_of_slot ON {schema}.notice (post, slot, channel) WHERE instead_of = ''",
    "CREATE INDEX IF NOT EXISTS notice_fallback ON {schema}.notice (fallback_at) WHERE fallback_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS notice_reference ON {schema}.notice (provider, reference) WHERE reference <> ''",
    "CREATE INDEX IF NOT EXISTS notice_instead ON {schema}.notice (instead_of) WHERE instead_of <> ''",
)
STATE = (
    "id AS notice_id, revision, post AS unit, role, channel, slot, status, reason, items, sent_at, receipt, "
    "receipt_at, instead_of"
)
BOUNCE, UNPROVEN = "bounce", "unproven"  # the provider of reports by mail that prove to be about ours, and of others


@dataclass(slots=True)
class Sending:
    """A notice of a group, with what is known of its arrival. is_leased: it is being sent."""

    id: str
    post: str
    role: str
    channel: NoticeChannel
    slot: datetime
    status: str
    recipient: str
    provider: str
    receipt: Receipt
    receipt_at: datetime | None
    receipt_code: str
    instead_of: str
    fallback: str
    fallback_at: datetime | None
    traces: list[str]
    is_leased: bool = False

    @property
    def first(self) -> str:
        return self.instead_of or self.id

    @property
    def standing(self) -> Standing:
        return Standing(self.receipt, self.receipt_at, self.receipt_code)


@dataclass(frozen=True, slots=True)
class Substitute:
    """A notice in place of another. items: obligations that it tells."""

    id: str
    instead_of: str
    post: str
    role: str
    channel: NoticeChannel
    slot: datetime
    recipient: str
    subject: str
    text_body: str
    html_body: str
    items: Sequence[str]
    stored_at: datetime
    traces: Sequence[str]
    why: str


async def match(connection: AsyncConnection, heard: Sequence[Row[Any]]) -> dict[int, str]:
    """Return the notice that each thing heard is about, where it is known; a report by mail is about a mail."""
    given = (
        "unnest(CAST(:ids AS bigint[]), CAST(:providers AS text[]), CAST(:refs AS text[]), CAST(:notices AS text[])) "
        "AS h(id, provider, reference, notice_id)"
    )
    kind = f"(h.provider IN ('{BOUNCE}', '{UNPROVEN}')) = (n.channel = 'email')"
    rows = await connection.execute(
        text(
            "SELECT DISTINCT ON (heard) heard, notice FROM ("
            "SELECT h.id AS heard, n.id AS notice, n.stored_at FROM "
            f"{given} JOIN notify.notice n ON n.id = h.notice_id WHERE {kind} UNION ALL "
            f"SELECT h.id, n.id, n.stored_at FROM {given} JOIN notify.notice n ON n.reference <> '' "
            f"AND n.provider = h.provider AND n.reference = h.reference AND h.notice_id = '' WHERE {kind}"
            ") AS m ORDER BY heard, stored_at DESC"
        ),
        {
            "ids": [row.id for row in heard],
            "providers": [row.provider for row in heard],
            "refs": [row.reference for row in heard],
            "notices": [row.notice_id for row in heard],
        },
    )
    return {row.heard: row.notice for row in rows}


# o tells what f does: of a digest there is one for a post, slot and channel; what goes at once is known by its matters.
SAME = (
    "o.post = f.post AND o.slot = f.slot AND o.kind = f.kind AND o.instead_of = '' AND (o.id = f.id "
    "OR f.kind = 'digest' OR EXISTS (SELECT FROM notify.notice_item i JOIN notify.notice_item k "
    "ON k.obligation_id = i.obligation_id WHERE i.notice_id = f.id AND k.notice_id = o.id))"
)
GROUP = (
    "WITH firsts AS (SELECT o.id, min(f.id) AS root FROM notify.notice n JOIN notify.notice f "
    f"ON f.id = coalesce(nullif(n.instead_of, ''), n.id) JOIN notify.notice o ON {SAME} WHERE n.id = ANY(:ids) "
    "GROUP BY o.id) "
    "SELECT n.id, post, role, channel, slot, status, recipient, provider, receipt, receipt_at, receipt_code, "
    "instead_of, fallback, fallback_at, traces, lease IS NOT NULL, firsts.root FROM notify.notice n "
    "JOIN firsts ON firsts.id = n.id OR firsts.id = n.instead_of ORDER BY n.id"
)


async def lock_groups(connection: AsyncConnection, ids: Sequence[str]) -> list[list[Sending]]:
    """Lock the groups of these notices and return them, read after the lock: another copy may have added to one."""
    if not ids:
        return []
    await connection.execute(text(f"{GROUP} FOR UPDATE OF n"), {"ids": list(ids)})
    rows = await connection.execute(text(GROUP), {"ids": list(ids)})
    groups: dict[str, list[Sending]] = {}
    for *known, root in rows:
        groups.setdefault(root, []).append(Sending(*known))
    return list(groups.values())


async def put_standing(
    connection: AsyncConnection, id: str, standing: Standing, *, reason: str | None, fallback_at: datetime | None
) -> dict[str, Any]:
    """Write what is known of a locked notice's arrival; returns its new state. reason: None leaves it."""
    rows = await connection.execute(
        text(
            "UPDATE notify.notice SET receipt = :receipt, receipt_at = :receipt_at, receipt_code = :code, "
            "fallback_at = :fallback_at, reason = coalesce(:reason, reason), revision = revision + 1 WHERE id = :id "
            f"RETURNING {STATE}"
        ),
        {
            "id": id,
            "receipt": standing.receipt,
            "receipt_at": standing.at,
            "code": standing.code,
            "reason": reason,
            "fallback_at": fallback_at,
        },
    )
    return dict(rows.one()._mapping)


async def wait(connection: AsyncConnection, id: str, *, receipt: Receipt, until: datetime) -> None:
    """Let a notice whose sending just ended fall back at a business time, unless its receipt comes before."""
    await connection.execute(
        text(
            "UPDATE notify.notice SET receipt = :receipt, fallback_at = :until WHERE id = :id AND fallback = '' "
            "AND receipt IN ('', :receipt)"
        ),
        {"id": id, "receipt": receipt, "until": until},
    )


async def due(connection: AsyncConnection, *, at: datetime, limit: int) -> list[str]:
    """Return notices whose time to fall back has come, the oldest first."""
    rows = await connection.execute(
        text("SELECT id FROM notify.notice WHERE fallback_at <= :at ORDER BY fallback_at, id LIMIT :limit"),
        {"at": at, "limit": limit},
    )
    return list(rows.scalars())


async def put_off(connection: AsyncConnection, ids: Sequence[str], *, until: datetime) -> None:
    await connection.execute(
        text("UPDATE notify.notice SET fallback_at = :until WHERE id = ANY(:ids)"), {"until": until, "ids": list(ids)}
    )


async def decided(connection: AsyncConnection, id: str, fallback: str) -> None:
    """Note what was done about a locked notice that did not arrive; it is done once."""
    await connection.execute(
        text("UPDATE notify.notice SET fallback = :fallback, fallback_at = NULL WHERE id = :id"),
        {"id": id, "fallback": fallback},
    )


async def still_pressed(
    connection: AsyncConnection, ids: Sequence[str], *, role: str
) -> list[tuple[ObligationChanged, bool, str]]:
    """Return the obligations told by these notices that are pressed for still, the longest overdue first.

    Beside each: whether it is news again, so that the next digest of this role tells it; and of whose head it is told.
    """
    rows = await connection.execute(
        text(
            "SELECT o.doc, coalesce(l.news IN ('new', 'changed'), false) AS again, "
            "coalesce(l.own_post, l.post, '') AS own FROM notify.obligation o LEFT JOIN notify.line l "
            "ON l.obligation_id = o.id AND l.role = :role AND l.former = '' WHERE o.raised > :nothing "
            "AND o.id IN (SELECT obligation_id FROM notify.notice_item WHERE notice_id = ANY(:ids) "
            "AND news <> 'settled') ORDER BY o.due_at, o.id"
        ),
        {"ids": list(ids), "role": role, "nothing": NOTHING},
    )
    return [(ObligationChanged.model_validate(row.doc), row.again, row.own) for row in rows]


async def may_answer(connection: AsyncConnection, post: str, ids: Sequence[str]) -> bool:
    """Return whether a post is told of any of these obligations as late: then its answer about that would count."""
    found = await connection.execute(
        text(
            "SELECT EXISTS (SELECT FROM notify.line WHERE obligation_id = ANY(:ids) AND post = :post "
            "AND former = '' AND level > :near AND role <> 'receiving' AND news IS DISTINCT FROM 'settled')"
        ),
        {"ids": list(ids), "post": post, "near": NEAR},
    )
    return bool(found.scalar_one())


async def letters_above(connection: AsyncConnection, post: str, *, slot: datetime) -> int:
    """Return how many notices in place of others a unit's head got because it is above the first's."""
    found = await connection.execute(
        text(
            "SELECT count(*) FROM notify.notice WHERE post = :post AND slot = :slot AND role = 'superior' "
            "AND instead_of <> ''"
        ),
        {"post": post, "slot": slot},
    )
    return int(found.scalar_one())


async def add(connection: AsyncConnection, notice: Substitute) -> dict[str, Any] | None:
    """Store a notice in place of another; returns its state, or None where it is there already."""
    rows = await connection.execute(
        text(
            "INSERT INTO notify.notice (id, instead_of, post, role, channel, slot, status, recipient, subject, "
            "text_body, html_body, items, stored_at, traces, why) VALUES "
            "(:id, :instead_of, :post, :role, :channel, :slot, 'stored', "
            ":recipient, :subject, :text_body, :html_body, :number, :stored_at, :traces, ARRAY[:why]) "
            f"ON CONFLICT (id) DO NOTHING RETURNING {STATE}"
        ),
        {name: getattr(notice, name) for name in Substitute.__slots__ if name not in ("items", "traces")}
        | {"number": len(notice.items), "traces": list(notice.traces)},
    )
    row = rows.one_or_none()
    if row is None:
        return None
    await connection.execute(
        text(
            "INSERT INTO notify.notice_item (notice_id, obligation_id, revision, level, news) "
            "SELECT :id, id, revision, raised, 'new' FROM notify.obligation WHERE id = ANY(:items)"
        ),
        {"id": notice.id, "items": list(notice.items)},
    )
    return dict(row._mapping)


async def withdraw(connection: AsyncConnection, ids: Sequence[str], *, reason: str) -> list[dict[str, Any]]:
    """Withhold notices in place of others that nobody has begun to send; returns their new states."""
    rows = await connection.execute(
        text(
            "UPDATE notify.notice SET status = 'withheld', reason = :reason, revision = revision + 1 "
            "WHERE id = ANY(:ids) AND instead_of <> '' AND status = 'stored' AND lease IS NULL AND attempts = 0 "
            f"RETURNING {STATE}"
        ),
        {"ids": list(ids), "reason": reason},
    )
    return [dict(row._mapping) for row in rows]


async def by_provider(connection: AsyncConnection, *, hours: int = 24) -> dict[str, dict[str, int]]:
    """Return of each provider's notices sent in the last hours how many have which receipt. Machine time.

    Only those of which a receipt was waited for or came; `expired` are those that a provider took and never spoke of
    again, so `expired` over the sum is the share of missing receipts.
    """
    rows = await connection.execute(
        text(
            "SELECT provider, receipt, count(*) AS number FROM notify.notice WHERE receipt <> '' AND status = 'sent' "
            "AND sent_at > clock_timestamp() - make_interval(hours => :hours) GROUP BY provider, receipt ORDER BY 1, 2"
        ),
        {"hours": hours},
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.provider, {})[row.receipt] = row.number
    return found
