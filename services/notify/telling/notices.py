"""The notices of notify and what they are made of: all SQL of digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.stored import Notice
from services.notify.telling.entries import Entry, Spoken
from services.notify.telling.holding import CONFIDENTIAL, OF_POSTS
from shared.events import ObligationChanged

# What wakes people: all that goes to a telephone or another program, and the mail that does not wait for a digest.
WAKES = "(channel <> 'email' OR kind = 'at_once')"
# It may not leave in quiet hours, those of the unit that it is for. quiet, others: see when.Quiet.
SLEEPS = f"({WAKES} AND :quiet <> (split_part(post, '/', 1) = ANY(CAST(:others AS text[]))))"


# see Entry.spoken
SPOKEN = (
    f"CASE WHEN o.doc->>'kind' = 'answer' AND ({CONFIDENTIAL} OR o.doc->>'parent' IS NOT NULL) THEN 'other' "
    "ELSE o.doc->>'kind' END"
)


async def due_posts(
    connection: AsyncConnection, *, at: datetime, limit: int, at_once: bool = False
) -> dict[str, datetime]:
    """Return posts that have news for a slot reached at `at`, each with its latest such slot.

    at_once: those that have news which does not wait for a digest, instead of those with a digest to be made.

    It goes from one post to the next along the index; grouping would read all lines of all posts for each few of them.
    """
    waits = "news IS NOT NULL AND post IS NOT NULL AND at_once = :at_once"
    below = f"{waits} AND {{}} ORDER BY slot_at DESC, post DESC LIMIT 1"
    rows = await connection.execute(
        text(
            "WITH RECURSIVE due AS ("
            f"(SELECT slot_at, post FROM notify.line WHERE {below.format('slot_at <= :at')}) UNION ALL "
            "SELECT below.slot_at, below.post FROM due, LATERAL (SELECT slot_at, post FROM notify.line "
            f"WHERE {below.format('(slot_at, post) < (due.slot_at, due.post)')}) AS below) "
            "SELECT slot_at, post FROM due LIMIT :limit"
        ),
        {"at": at, "limit": limit, "at_once": at_once},
    )
    found: dict[str, datetime] = {}
    for row in rows:
        found.setdefault(row.post, row.slot_at)
    return found


async def is_any_due(connection: AsyncConnection, *, at: datetime) -> bool:
    found = await connection.execute(
        text("SELECT EXISTS (SELECT FROM notify.line WHERE news IS NOT NULL AND slot_at <= :at AND post IS NOT NULL)"),
        {"at": at},
    )
    return bool(found.scalar_one())


async def taken(connection: AsyncConnection, posts: Mapping[str, datetime]) -> list[str]:
    """Return the posts that have had their digest of that slot already."""
    rows = await connection.execute(
        text(
            "SELECT n.post FROM notify.notice n JOIN unnest(CAST(:posts AS text[]), CAST(:slots AS timestamptz[])) "
            "AS p(post, slot) ON n.post = p.post AND n.slot = p.slot WHERE n.kind = 'digest' AND n.instead_of = ''"
        ),
        {"posts": list(posts), "slots": list(posts.values())},
    )
    return list(rows.scalars())


# A step whose dossier is pressed for at the same unit: what is said of the dossier is said of its step. o: the step.
COVERED = (
    "(o.doc->>'kind' = 'step' AND EXISTS (SELECT FROM notify.obligation d WHERE d.id = o.doc->>'parent' "
    "AND d.raised >= 1 AND d.resolved IS NOT DISTINCT FROM o.resolved))"
)


async def hold_back(connection: AsyncConnection, until: Mapping[str, datetime], *, at: datetime) -> None:
    """Let news of steps wait for the next slot while their late dossiers are pressed for at the same unit.

    Such a step is never silent: either its dossier is told, or once that is settled or goes over to another unit, it is
    told itself. What a head was told of a step is settled at once.
    """
    await connection.execute(
        text(
            f"UPDATE notify.line l SET slot_at = p.until, held = 'step_of_dossier' FROM notify.obligation o, {OF_POSTS}"
            " WHERE o.id = l.obligation_id AND l.news IN ('new', 'changed', 'repeated') AND l.slot_at <= :at "
            f"AND l.post = p.post AND {COVERED}"
        ),
        {"at": at, "posts": list(until), "untils": list(until.values())},
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
            "o.trace, o.doc->>'field' AS field, CASE WHEN l.news = 'repeated' THEN o.repeated ELSE 0 END AS repeat, "
            "o.doc->>'source' AS source, coalesce(o.doc->'restricted' <> '[]', false) AS restricted, "
            f"{CONFIDENTIAL} AS confidential, l.own_post "
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


async def put_reach(connection: AsyncConnection, reach: Mapping[str, datetime]) -> None:
    """Keep up to when each source has been heard of."""
    sources = sorted(reach)
    await connection.execute(
        text(
            "INSERT INTO notify.reach AS known SELECT * FROM unnest(CAST(:sources AS text[]), "
            "CAST(:ats AS timestamptz[])) ON CONFLICT (source) DO UPDATE SET at = excluded.at "
            "WHERE excluded.at > known.at"
        ),
        {"sources": sources, "ats": [reach[source] for source in sources]},
    )


async def get_reach(connection: AsyncConnection) -> dict[str, datetime]:
    rows = await connection.execute(text("SELECT source, at FROM notify.reach ORDER BY source"))
    return {row.source: row.at for row in rows}


async def standing(
    connection: AsyncConnection, desks: Mapping[str, Sequence[str]]
) -> dict[str, tuple[int, set[Spoken]]]:
    """Return how many overdue matters each desk has, told or not, and of which kinds. desks: with the posts of each.

    A step held back counts with its dossier; what is withheld while its source is silent or it is paused does not.
    """
    rows = await connection.execute(
        text(
            f"SELECT p.desk, count(DISTINCT obligation_id) AS overdue, array_agg(DISTINCT {SPOKEN}) AS kinds "
            "FROM notify.line l JOIN notify.obligation o ON o.id = l.obligation_id "
            "JOIN unnest(CAST(:desks AS text[]), CAST(:posts AS text[])) AS p(desk, post) ON p.post = l.post WHERE "
            "level >= 1 AND news IS DISTINCT FROM 'settled' AND former = '' "
            f"AND NOT (news IS NOT NULL AND held IN ('feed_silent', 'paused')) AND NOT {COVERED} GROUP BY p.desk"
        ),
        {
            "desks": [desk for desk, posts in desks.items() for _ in posts],
            "posts": [post for posts in desks.values() for post in posts],
        },
    )
    return {row.desk: (row.overdue, set(row.kinds)) for row in rows}


async def not_there(connection: AsyncConnection, ids: Sequence[str]) -> list[str]:
    """Return those of some ids that no notice has, in their order."""
    rows = await connection.execute(text("SELECT id FROM notify.notice WHERE id = ANY(:ids)"), {"ids": list(ids)})
    known = set(rows.scalars())
    return [id for id in ids if id not in known]


async def add_notices(connection: AsyncConnection, notices: Sequence[Notice]) -> None:
    """Store notices; a post's digest of a slot and channel is unique."""
    await connection.execute(
        text(
            "INSERT INTO notify.notice (id, post, role, channel, slot, status, reason, recipient, subject, text_body, "
            "html_body, items, stored_at, traces, kind, why, template) SELECT id, post, role, channel, slot, status, "
            "reason, recipient, subject, text_body, html_body, items, stored_at, string_to_array(traces, ' '), kind, "
            "string_to_array(why, ' '), template "
            "FROM unnest(CAST(:ids AS text[]), CAST(:posts AS text[]), "
            "CAST(:roles AS text[]), CAST(:channels AS text[]), CAST(:slots AS timestamptz[]), "
            "CAST(:statuses AS text[]), "
            "CAST(:reasons AS text[]), CAST(:recipients AS text[]), CAST(:subjects AS text[]), "
            "CAST(:texts AS text[]), CAST(:htmls AS text[]), CAST(:items AS integer[]), "
            "CAST(:stored AS timestamptz[]), CAST(:traces AS text[]), CAST(:kinds AS text[]), "
            "CAST(:whys AS text[]), CAST(:templates AS text[])) AS n(id, post, role, channel, slot, status, "
            "reason, recipient, subject, text_body, html_body, items, stored_at, traces, kind, why, template)"
        ),
        {
            "ids": [notice.id for notice in notices],
            "posts": [notice.post for notice in notices],
            "roles": [notice.role for notice in notices],
            "channels": [notice.channel for notice in notices],
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
            "kinds": [notice.kind for notice in notices],
            "whys": [" ".join(notice.why) for notice in notices],
            "templates": [notice.template for notice in notices],
        },
    )


async def take_up(
    connection: AsyncConnection, made: Mapping[str, tuple[Sequence[Notice], Sequence[Entry]]], *, at: datetime
) -> None:
    """Note what each post's notices cover and that its head has been told; where no way reaches anybody, nobody was."""
    items = [(notice.id, entry) for notices, entries in made.values() for notice in notices for entry in entries]
    await connection.execute(
        text(
            "INSERT INTO notify.notice_item SELECT * FROM unnest(CAST(:notices AS text[]), CAST(:ids AS text[]), "
            "CAST(:revisions AS bigint[]), CAST(:levels AS smallint[]), CAST(:news AS text[]), "
            "CAST(:roles AS text[]), CAST(:told AS smallint[]), CAST(:repeats AS smallint[]))"
        ),
        {
            "notices": [notice for notice, _ in items],
            "ids": [entry.obligation_id for _, entry in items],
            "revisions": [entry.revision for _, entry in items],
            "levels": [entry.level for _, entry in items],
            "news": [entry.news for _, entry in items],
            "roles": [entry.role for _, entry in items],
            "told": [entry.told for _, entry in items],
            "repeats": [entry.repeat for _, entry in items],
        },
    )
    told = [post for post, (notices, _) in made.items() if any(map(_reaches, notices))]
    hastily = [post for post in told if made[post][0][0].kind == "at_once"]
    covered = [(post, entry.obligation_id) for post, (_, entries) in made.items() for entry in entries]
    values: dict[str, Any] = {"posts": [post for post, _ in covered], "ids": [id for _, id in covered], "at": at}
    given = "unnest(CAST(:posts AS text[]), CAST(:ids AS text[])) AS m(post, id)"  # another copy may have placed more
    mine = "l.post = m.post AND l.obligation_id = m.id AND l.news IS NOT NULL AND l.slot_at <= :at"
    await connection.execute(
        text(f"DELETE FROM notify.line l USING {given} WHERE {mine} AND l.news = 'settled'"), values
    )
    await connection.execute(
        text(
            "UPDATE notify.line l SET news = NULL, slot_at = NULL, held = '', told_at_once = l.post = ANY(:hastily), "
            f"told = CASE WHEN l.post = ANY(:told) THEN l.level ELSE l.told END FROM {given} WHERE {mine}"
        ),
        {**values, "told": told, "hastily": hastily},
    )


def _reaches(notice: Notice) -> bool:
    """Return whether a notice is to reach the head; the province's own program is nobody's."""
    return notice.status != "withheld" and notice.channel != "webhook"
