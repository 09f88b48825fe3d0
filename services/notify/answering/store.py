"""The SQL of answers: what was said by which notice, and for how long each holds an obligation's ladder.

Obligations are locked first, in id order, then their lines, then this is read: the order of the sweep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import cases
from services.notify.answering.deciding import Item
from services.notify.answering.tokens import Link
from services.notify.pressing.pressing import Change, Pressed
from services.notify.pressing.stays import Stay, Stays
from shared.events import AnswerKind, ObligationChanged

CASE_OF: dict[AnswerKind, cases.Kind] = {"settled": "said_settled", "not_ours": "not_ours"}

DDL = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.answer (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        notice_id text NOT NULL,
        post text NOT NULL,
        kind text NOT NULL,
        reason text NOT NULL DEFAULT '',
        until_on date,
        since_on date,
        deputy text,
        answered_at timestamptz NOT NULL
    )
    """,  # reason: in the head's own words, for the operator alone. since_on, deputy: of an absence
    "CREATE INDEX IF NOT EXISTS answer_notice ON {schema}.answer (notice_id)",
    """
    CREATE TABLE IF NOT EXISTS {schema}.stay (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        answer_id bigint NOT NULL,
        obligation_id text NOT NULL,
        post text NOT NULL,
        kind text NOT NULL,
        revision bigint NOT NULL,
        level smallint NOT NULL,
        made_at timestamptz NOT NULL,
        until_at timestamptz NOT NULL,
        renewal smallint NOT NULL,
        state text NOT NULL,
        why text NOT NULL,
        ended_at timestamptz,
        spent boolean NOT NULL
    )
    """,  # see stays.Stay
    "CREATE INDEX IF NOT EXISTS stay_obligation ON {schema}.stay (obligation_id) WHERE NOT spent",
    "CREATE INDEX IF NOT EXISTS stay_answer ON {schema}.stay (answer_id)",
    "CREATE UNIQUE INDEX IF NOT EXISTS stay_running ON {schema}.stay (obligation_id, post, kind) "
    "WHERE state = 'running'",
)


async def list_stays(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Stays]:
    """Return the answers that count for obligations which the caller holds locked, the first given first."""
    rows = await connection.execute(
        text(
            "SELECT obligation_id, post, kind, revision, level, made_at, until_at, renewal, state, why, ended_at, "
            "spent, answer_id, id FROM notify.stay WHERE obligation_id = ANY(:ids) AND NOT spent ORDER BY id"
        ),
        {"ids": list(ids)},
    )
    found: dict[str, Stays] = {}
    for row in rows:
        found[row.obligation_id] = (*found.get(row.obligation_id, ()), Stay(*row))
    return found


P = TypeVar("P", Pressed, Pressed | None)


async def with_stays(connection: AsyncConnection, locked: Mapping[str, P]) -> dict[str, P]:
    """Return locked obligations, by id, with what was answered about them."""
    found = await list_stays(connection, list(locked))
    return {id: replace(one, stays=found.get(id, ())) if one else one for id, one in locked.items()}


async def keep(connection: AsyncConnection, changes: Sequence[Change], *, at: datetime) -> None:
    """Write the answers that changed, and close the operator's cases that have no object any more."""
    if stays := [stay for change in changes for stay in change.stays]:
        await put_stays(connection, stays)
    of_closed = (
        stay for change in changes if change.pressed.obligation.state == "ended" for stay in change.pressed.stays
    )
    for outcome, ended in (("settled", of_closed), ("overtaken", (stay for stay in stays if stay.spent))):
        if ids := {stay.obligation_id for stay in ended if stay.kind in CASE_OF}:
            for kind in CASE_OF.values():
                await cases.close(connection, kind, sorted(ids), outcome=outcome, at=at)


async def put_stays(connection: AsyncConnection, stays: Iterable[Stay]) -> None:
    """Write answers back, then add those without an id: of one post one of a kind runs at a time."""
    ordered = sorted(stays, key=lambda stay: (stay.obligation_id, stay.post, stay.kind, stay.id))
    if known := [stay for stay in ordered if stay.id]:
        await _update(connection, known)
    if new := [stay for stay in ordered if not stay.id]:
        await _insert(connection, new)


async def _update(connection: AsyncConnection, known: Sequence[Stay]) -> None:
    await connection.execute(
        text(
            "UPDATE notify.stay s SET state = n.state, why = n.why, ended_at = n.ended_at, spent = n.spent FROM "
            "unnest(CAST(:ids AS bigint[]), CAST(:states AS text[]), CAST(:whys AS text[]), "
            "CAST(:ends AS timestamptz[]), CAST(:spent AS boolean[])) AS n(id, state, why, ended_at, spent) "
            "WHERE s.id = n.id"
        ),
        {
            "ids": [stay.id for stay in known],
            "states": [stay.state for stay in known],
            "whys": [stay.why for stay in known],
            "ends": [stay.ended_at for stay in known],
            "spent": [stay.spent for stay in known],
        },
    )


async def _insert(connection: AsyncConnection, new: Sequence[Stay]) -> None:
    await connection.execute(
        text(
            "INSERT INTO notify.stay (answer_id, obligation_id, post, kind, revision, level, made_at, until_at, "
            "renewal, state, why, spent) SELECT *, false FROM unnest(CAST(:answers AS bigint[]), "
            "CAST(:ids AS text[]), CAST(:posts AS text[]), CAST(:kinds AS text[]), CAST(:revisions AS bigint[]), "
            "CAST(:levels AS smallint[]), CAST(:made AS timestamptz[]), CAST(:untils AS timestamptz[]), "
            "CAST(:renewals AS smallint[]), CAST(:states AS text[]), CAST(:whys AS text[]))"
        ),
        {
            "answers": [stay.answer_id for stay in new],
            "ids": [stay.obligation_id for stay in new],
            "posts": [stay.post for stay in new],
            "kinds": [stay.kind for stay in new],
            "revisions": [stay.revision for stay in new],
            "levels": [stay.level for stay in new],
            "made": [stay.made_at for stay in new],
            "untils": [stay.until for stay in new],
            "renewals": [stay.renewal for stay in new],
            "states": [stay.state for stay in new],
            "whys": [stay.why for stay in new],
        },
    )


async def add_answer(
    connection: AsyncConnection,
    link: Link,
    *,
    kind: str,
    at: datetime,
    reason: str = "",
    until_on: date | None = None,
    since_on: date | None = None,
    deputy: str | None = None,
) -> int:
    """Store what was said; returns its id."""
    added = await connection.execute(
        text(
            "INSERT INTO notify.answer (notice_id, post, kind, reason, until_on, since_on, deputy, answered_at) "
            "VALUES (:notice, :post, :kind, :reason, :until_on, :since_on, :deputy, :at) RETURNING id"
        ),
        {
            "notice": link.notice,
            "post": link.post,
            "kind": kind,
            "reason": reason,
            "until_on": until_on,
            "since_on": since_on,
            "deputy": deputy,
            "at": at,
        },
    )
    return int(added.scalar_one())


async def find_notice(connection: AsyncConnection, link: Link) -> datetime | None:
    """Return the slot of the notice that a link is for, None where there is no such notice to that post."""
    found = await connection.execute(
        text("SELECT slot FROM notify.notice WHERE id = :notice AND post = :post"),
        {"notice": link.notice, "post": link.post},
    )
    slot: datetime | None = found.scalar_one_or_none()
    return slot


class Sent(NamedTuple):
    """The notice of a link: its slot, to whom it went, and why."""

    slot: datetime
    recipient: str
    why: list[str]


async def get_sent(connection: AsyncConnection, link: Link) -> Sent:
    """Return what is known of a link's notice, which is there."""
    found = await connection.execute(
        text("SELECT slot, recipient, why FROM notify.notice WHERE id = :notice AND post = :post"),
        {"notice": link.notice, "post": link.post},
    )
    return Sent(*found.one())


async def list_items(connection: AsyncConnection, link: Link, *, of: Sequence[str] | None) -> list[Item]:
    """Return what a notice covers, in id order. of: only these."""
    rows = await connection.execute(
        text(
            "SELECT obligation_id, revision FROM notify.notice_item WHERE notice_id = :notice "
            "AND (CAST(:ids AS text[]) IS NULL OR obligation_id = ANY(CAST(:ids AS text[]))) ORDER BY obligation_id"
        ),
        {"notice": link.notice, "ids": None if of is None else list(of)},
    )
    return [Item(*row) for row in rows]


async def list_open(connection: AsyncConnection, link: Link, *, limit: int) -> tuple[list[ObligationChanged], int]:
    """Return what of a notice is still late and told to its post, the longest overdue first, and how many there are."""
    rows = await connection.execute(
        text(
            "SELECT o.doc, count(*) OVER () AS number FROM notify.notice_item i "
            "JOIN notify.obligation o ON o.id = i.obligation_id WHERE i.notice_id = :notice AND o.raised > 0 "
            "AND EXISTS (SELECT FROM notify.line l WHERE l.obligation_id = o.id AND l.post = :post AND l.former = '' "
            "AND l.level > 0 AND l.role <> 'receiving' AND l.news IS DISTINCT FROM 'settled') "
            "ORDER BY o.due_at, o.id LIMIT :limit"
        ),
        {"notice": link.notice, "post": link.post, "limit": limit},
    )
    found = rows.all()
    return [ObligationChanged.model_validate(row.doc) for row in found], found[0].number if found else 0


async def list_given(connection: AsyncConnection, link: Link) -> list[dict[str, Any]]:
    """Return what was answered to a notice, the newest first."""
    rows = await connection.execute(
        text(
            "SELECT kind, reason, until_on, since_on, deputy, answered_at, (SELECT count(*) FROM notify.stay s "
            "WHERE s.answer_id = a.id) AS covers FROM notify.answer a WHERE notice_id = :notice AND post = :post "
            "ORDER BY id DESC LIMIT 20"
        ),
        {"notice": link.notice, "post": link.post},
    )
    return [dict(row._mapping) for row in rows]


async def list_answers(connection: AsyncConnection, *, after: int, limit: int) -> list[dict[str, Any]]:
    """Return answers in the order they came, behind the id `after`, each with what it is about and became of that."""
    rows = await connection.execute(
        text(
            "SELECT a.id AS answer_id, notice_id, post AS unit, kind AS answer, reason, since_on, until_on, deputy, "
            "answered_at, (SELECT coalesce(json_agg(json_build_object('obligation_id', s.obligation_id, 'revision', "
            "s.revision, 'level', s.level, 'until', s.until_at, 'renewal', s.renewal, 'state', s.state, 'why', s.why, "
            "'ended_at', s.ended_at) ORDER BY s.obligation_id), '[]') FROM notify.stay s WHERE s.answer_id = a.id) "
            "AS covers FROM notify.answer a WHERE a.id > :after ORDER BY a.id LIMIT :limit"
        ),
        {"after": after, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]
