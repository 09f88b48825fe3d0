"""What keeps news back from a digest, and what lets it go again: all of its SQL.

`line.held` says why news waits for a later slot than its own: `step_of_dossier`, `paused`, `feed_silent`, `over_cap`. A
line with news is told or has such a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.policies.policy import NEAR, NOTHING
from shared.events import NoticeChannel, SourceSilent, SourceState

OF_POSTS = "unnest(CAST(:posts AS text[]), CAST(:untils AS timestamptz[])) AS p(post, until)"
CONFIDENTIAL = "coalesce(o.doc->>'confidential', 'false') = 'true'"  # o: an obligation
Held = Literal["step_of_dossier", "paused", "feed_silent", "over_cap"]

TABLES = (
    "CREATE TABLE IF NOT EXISTS {schema}.source (source text PRIMARY KEY, revision bigint NOT NULL, silent_since "
    "timestamptz)",
    "CREATE INDEX IF NOT EXISTS obligation_restricted ON {schema}.obligation (id) WHERE doc->'restricted' <> '[]'",
    "CREATE INDEX IF NOT EXISTS notice_recipient ON {schema}.notice (recipient, stored_at)",
)


async def put_sources(connection: AsyncConnection, said: Iterable[SourceState]) -> None:
    """Keep the newest state of each source, and let go what was withheld of those that are heard again."""
    latest: dict[str, SourceState] = {}
    for state in said:
        if state.source not in latest or state.revision > latest[state.source].revision:
            latest[state.source] = state
    ordered = [latest[source] for source in sorted(latest)]
    rows = await connection.execute(
        text(
            "INSERT INTO notify.source AS known SELECT * FROM unnest(CAST(:sources AS text[]), "
            "CAST(:revisions AS bigint[]), CAST(:since AS timestamptz[])) ON CONFLICT (source) DO UPDATE "
            "SET revision = excluded.revision, silent_since = excluded.silent_since "
            "WHERE excluded.revision > known.revision RETURNING source, silent_since"
        ),
        {
            "sources": [state.source for state in ordered],
            "revisions": [state.revision for state in ordered],
            "since": [state.since if isinstance(state, SourceSilent) else None for state in ordered],
        },
    )
    if heard := [row.source for row in rows if row.silent_since is None]:
        await connection.execute(
            text(
                "UPDATE notify.line l SET slot_at = NULL, held = '' FROM notify.obligation o "
                "WHERE l.held = 'feed_silent' AND l.news IS NOT NULL AND o.id = l.obligation_id "
                "AND o.doc->>'source' = ANY(:heard)"
            ),
            {"heard": heard},
        )


async def silent_sources(connection: AsyncConnection) -> frozenset[str]:
    rows = await connection.execute(text("SELECT source FROM notify.source WHERE silent_since IS NOT NULL"))
    return frozenset(rows.scalars())


async def hold_silent(
    connection: AsyncConnection, until: Mapping[str, datetime], *, sources: Iterable[str], at: datetime
) -> None:
    """Let the first news of matters of silent sources wait; the ladder of what anybody was told of goes on."""
    await connection.execute(
        text(
            f"UPDATE notify.line l SET slot_at = p.until, held = 'feed_silent' FROM notify.obligation o, {OF_POSTS} "
            "WHERE l.news = 'new' AND l.slot_at <= :at AND l.post = p.post AND o.id = l.obligation_id "
            "AND o.doc->>'source' = ANY(:sources) AND NOT EXISTS (SELECT FROM notify.line k "
            f"WHERE k.obligation_id = l.obligation_id AND k.told > {NEAR})"
        ),
        {"at": at, "posts": list(until), "untils": list(until.values()), "sources": sorted(sources)},
    )


async def hold_paused(connection: AsyncConnection, until: Mapping[str, datetime], *, at: datetime) -> None:
    """Let news of paused matters wait for their resumption; that they are settled is told all the same."""
    await connection.execute(
        text(
            f"UPDATE notify.line l SET slot_at = p.until, held = 'paused' FROM notify.obligation o, {OF_POSTS} "
            "WHERE l.news IN ('new', 'changed', 'repeated') AND l.slot_at <= :at AND l.post = p.post "
            "AND o.id = l.obligation_id AND o.doc->>'state' = 'paused'"
        ),
        {"at": at, "posts": list(until), "untils": list(until.values())},
    )


async def let_go_resumed(connection: AsyncConnection, ids: Iterable[str]) -> None:
    """Let news of locked matters that waited for their resumption go; they are given a slot anew."""
    await connection.execute(
        text(
            "UPDATE notify.line SET slot_at = NULL, held = '' WHERE obligation_id = ANY(:ids) AND held = 'paused' "
            "AND news IS NOT NULL"
        ),
        {"ids": sorted(ids)},
    )


async def put_off(
    connection: AsyncConnection, until: Mapping[str, datetime], *, held: Held | Literal[""], at: datetime
) -> None:
    """Let all news of posts wait for a later slot, with the reason; news that goes at once only where one is given.

    until: that slot, by post.
    """
    await connection.execute(
        text(
            f"UPDATE notify.line l SET slot_at = p.until, held = :held FROM {OF_POSTS} WHERE l.news IS NOT NULL "
            "AND l.slot_at <= :at AND l.post = p.post AND (NOT l.at_once OR CAST(:held AS text) <> '')"
        ),
        {"at": at, "held": held, "posts": list(until), "untils": list(until.values())},
    )


async def pass_on(connection: AsyncConnection, heirs: Mapping[str, str], *, at: datetime) -> None:
    """Let the post that stands for another, gone by now, tell of settlements in its own notice, each once."""
    await connection.execute(
        text(
            "UPDATE notify.line l SET post = p.heir FROM unnest(CAST(:posts AS text[]), CAST(:heirs AS text[])) "
            "AS p(post, heir) WHERE l.news = 'settled' AND l.slot_at <= :at AND l.post = p.post"
        ),
        {"at": at, "posts": list(heirs), "heirs": list(heirs.values())},
    )


async def made_since(
    connection: AsyncConnection, recipients: Iterable[str], *, since: datetime
) -> Mapping[tuple[NoticeChannel, str], int]:
    """Return how many notices were made for each address and number since an instant, of those that may leave."""
    rows = await connection.execute(
        text(
            "SELECT channel, recipient, count(*) AS number FROM notify.notice WHERE recipient = ANY(:recipients) "
            "AND stored_at >= :since AND status IN ('stored', 'sent', 'recorded') GROUP BY channel, recipient"
        ),
        {"recipients": sorted(recipients), "since": since},
    )
    return {(row.channel, row.recipient): row.number for row in rows}


async def list_restricted(connection: AsyncConnection, posts: Sequence[str]) -> list[tuple[str, str, frozenset[str]]]:
    """Return the matters of posts of which somebody must not be told: post, obligation, and who."""
    rows = await connection.execute(
        text(
            "SELECT DISTINCT l.post, o.id, o.doc->'restricted' AS restricted FROM notify.obligation o "
            "JOIN notify.line l ON l.obligation_id = o.id WHERE o.doc->'restricted' <> '[]' AND l.post = ANY(:posts) "
            "ORDER BY 1, 2"
        ),
        {"posts": list(posts)},
    )
    return [(row.post, row.id, frozenset(row.restricted)) for row in rows]


async def take_away(connection: AsyncConnection, matters: Sequence[tuple[str, str]]) -> None:
    """Take matters away from posts, (post, obligation), to be addressed anew: who heads it now must not be told.

    What is only to be told as settled is told to nobody.
    """
    given = {"posts": [post for post, _ in matters], "ids": [id for _, id in matters]}
    taken = "unnest(CAST(:posts AS text[]), CAST(:ids AS text[])) AS m(post, id) "
    mine = "WHERE l.post = m.post AND l.obligation_id = m.id"
    await connection.execute(
        text(f"DELETE FROM notify.line l USING {taken}{mine} AND (l.news = 'settled' OR l.former <> '')"), given
    )
    await connection.execute(
        text(
            "UPDATE notify.line l SET post = NULL, slot_at = NULL, told = :nothing, told_at_once = false, "
            f"news = 'new' FROM {taken}{mine} AND l.news IS DISTINCT FROM 'settled' AND l.former = ''"
        ),
        {"nothing": NOTHING, **given},
    )
