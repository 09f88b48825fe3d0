"""The SQL of delivery: which notices are to be sent, and how their sending ended. Machine time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.policies.when import Quiet
from services.notify.sending.mail import Claimed
from services.notify.sending.providers import Provider
from services.notify.telling.notices import SLEEPS
from shared.events import NoticeChannel

LEASE_S = 150  # longer than a sending with all its time-outs; then another copy may try


@dataclass(frozen=True, slots=True)
class Ended:
    """How a claimed notice ended. reference: the provider's own id of it. provider: who said so, None where it was
    handed to nobody. no_such_address: it was refused because the recipient's address is none."""

    notice: Claimed
    status: str
    reason: str = ""
    reference: str = ""
    sent_at: datetime | None = None
    provider: Provider | None = None
    no_such_address: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """A claimed notice that is to be tried again after some seconds. unsure: a provider may have it."""

    notice: Claimed
    reason: str
    seconds: float
    unsure: bool = False


async def channels_due(connection: AsyncConnection) -> list[NoticeChannel]:
    """Return the channels of which a notice may be due to be tried, whether or not anybody has room for it."""
    rows = await connection.execute(
        text(
            "SELECT DISTINCT channel FROM notify.notice WHERE status = 'stored' "
            "AND next_try_at <= clock_timestamp() AND (leased_until IS NULL OR leased_until < clock_timestamp())"
        )
    )
    return list(rows.scalars())


async def look(
    connection: AsyncConnection, channel: NoticeChannel, *, lease: str, limit: int, quiet: Quiet
) -> list[Claimed]:
    """Lock stored notices whose time to be tried has come, until the transaction ends; none that wakes who sleeps.

    One whose lease ran out was handed over by somebody who died: whether the provider has it is not known.
    """
    rows = await connection.execute(
        text(
            "SELECT id, channel, recipient, subject, text_body, html_body, stored_at, attempts + 1, :lease, traces, "
            "provider, unsure OR (lease IS NOT NULL AND provider <> ''), "
            "coalesce(CAST(extract(epoch FROM clock_timestamp() - tried_at) AS double precision), 0) "
            "FROM notify.notice WHERE status = 'stored' AND channel = :channel AND next_try_at <= clock_timestamp() "
            f"AND (leased_until IS NULL OR leased_until < clock_timestamp()) AND NOT {SLEEPS} "
            "ORDER BY next_try_at, id LIMIT :limit FOR UPDATE SKIP LOCKED"
        ),
        {"channel": channel, "lease": lease, "limit": limit, **_asked(quiet)},
    )
    return [Claimed(*row) for row in rows]


async def claim(connection: AsyncConnection, chosen: Sequence[tuple[Claimed, str]]) -> int:
    """Claim locked notices, each for the provider it is about to be handed to, "" for none.

    returns: how many of them may now go out twice, each counted once.
    """
    if not chosen:
        return 0
    rows = await connection.execute(
        text(
            "WITH before AS (SELECT n.id, n.maybe_doubled FROM notify.notice n WHERE n.id = ANY(:ids)) "
            "UPDATE notify.notice n SET lease = c.lease, attempts = attempts + 1, "
            "leased_until = clock_timestamp() + make_interval(secs => :lease_s), "
            "provider = coalesce(nullif(c.provider, ''), n.provider), "
            "tried_at = CASE WHEN c.provider = '' THEN tried_at ELSE clock_timestamp() END, "
            "unsure = c.unsure, maybe_doubled = n.maybe_doubled OR (c.unsure AND c.provider <> '') "
            "FROM unnest(CAST(:ids AS text[]), CAST(:providers AS text[]), CAST(:leases AS text[]), "
            "CAST(:unsure AS boolean[])) AS c(id, provider, lease, unsure), before "
            "WHERE n.id = c.id AND before.id = c.id RETURNING n.maybe_doubled AND NOT before.maybe_doubled"
        ),
        {
            "ids": [notice.id for notice, _ in chosen],
            "providers": [provider for _, provider in chosen],
            "leases": [notice.lease for notice, _ in chosen],
            "unsure": [notice.unsure for notice, _ in chosen],
            "lease_s": LEASE_S,
        },
    )
    return sum(rows.scalars())


async def put_off(connection: AsyncConnection, notices: Sequence[Claimed], *, reason: str, seconds: float) -> None:
    """Let locked notices wait; that is no try."""
    await connection.execute(
        text(
            "UPDATE notify.notice SET reason = :reason, "
            "next_try_at = clock_timestamp() + make_interval(secs => :seconds) WHERE id = ANY(:ids)"
        ),
        {"ids": [notice.id for notice in notices], "reason": reason, "seconds": seconds},
    )


def _asked(quiet: Quiet) -> dict[str, Any]:
    return {"quiet": quiet.province, "others": list(quiet.others)}


async def hold(connection: AsyncConnection, channel: NoticeChannel, *, reason: str, quiet: Quiet) -> None:
    """Note why notices that wake people wait; which ones are let go is decided at each look anew."""
    await connection.execute(
        text(
            "UPDATE notify.notice SET reason = :reason WHERE id IN (SELECT id FROM notify.notice "
            f"WHERE status = 'stored' AND channel = :channel AND {SLEEPS} AND reason <> :reason AND lease IS NULL "
            "ORDER BY id FOR UPDATE SKIP LOCKED)"
        ),
        {"channel": channel, "reason": reason, **_asked(quiet)},
    )


async def handed_in_the_hour(connection: AsyncConnection, provider: str) -> int:
    """Return how many notices a provider was handed within an hour, by all copies."""
    found = await connection.execute(
        text(
            "SELECT count(*) FROM notify.notice WHERE provider = :provider "
            "AND tried_at > clock_timestamp() - interval '1 hour'"
        ),
        {"provider": provider},
    )
    return int(found.scalar_one())


async def told_in_the_hour(connection: AsyncConnection, notices: Sequence[Claimed]) -> Mapping[str, int]:
    """Return how many other notices each recipient's provider was handed for it within an hour."""
    rows = await connection.execute(
        text(
            "SELECT recipient, count(*) AS number FROM notify.notice WHERE recipient = ANY(:recipients) "
            "AND tried_at > clock_timestamp() - interval '1 hour' AND id <> ALL(:ids) GROUP BY recipient"
        ),
        {"recipients": [notice.recipient for notice in notices], "ids": [notice.id for notice in notices]},
    )
    return Counter({row.recipient: row.number for row in rows})


async def _lock(connection: AsyncConnection, notices: Sequence[Claimed]) -> None:
    """Lock notices in id order, as all who write several of them do."""
    await connection.execute(
        text("SELECT FROM notify.notice WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"),
        {"ids": [notice.id for notice in notices]},
    )


async def finish(connection: AsyncConnection, ended: Sequence[Ended]) -> list[dict[str, Any]]:
    """Note how claimed notices ended; returns the new states of those whose lease was not lost."""
    await _lock(connection, [one.notice for one in ended])
    rows = await connection.execute(
        text(
            "UPDATE notify.notice n SET status = e.status, reason = e.reason, reference = e.reference, "
            "sent_at = e.sent_at, lease = NULL, leased_until = NULL, unsure = false, revision = revision + 1 "
            "FROM unnest(CAST(:ids AS text[]), CAST(:leases AS text[]), CAST(:statuses AS text[]), "
            "CAST(:reasons AS text[]), CAST(:references AS text[]), CAST(:sent AS timestamptz[])) "
            "AS e(id, lease, status, reason, reference, sent_at) "
            "WHERE n.id = e.id AND n.lease = e.lease AND n.status = 'stored' "
            "RETURNING n.id AS notice_id, revision, post AS unit, role, channel, slot, n.status, n.reason, items, "
            "n.sent_at, n.instead_of, n.why"
        ),
        {
            "ids": [one.notice.id for one in ended],
            "leases": [one.notice.lease for one in ended],
            "statuses": [one.status for one in ended],
            "reasons": [one.reason for one in ended],
            "references": [one.reference for one in ended],
            "sent": [one.sent_at for one in ended],
        },
    )
    return [dict(row._mapping) for row in rows]


async def try_later(connection: AsyncConnection, later: Sequence[Later]) -> None:
    """Give claimed notices back, to be tried again after some machine time."""
    await _lock(connection, [one.notice for one in later])
    await connection.execute(
        text(
            "UPDATE notify.notice n SET reason = e.reason, lease = NULL, leased_until = NULL, "
            "unsure = n.unsure OR e.unsure, next_try_at = clock_timestamp() + make_interval(secs => e.seconds) "
            "FROM unnest(CAST(:ids AS text[]), CAST(:leases AS text[]), CAST(:reasons AS text[]), "
            "CAST(:seconds AS double precision[]), CAST(:unsure AS boolean[])) "
            "AS e(id, lease, reason, seconds, unsure) "
            "WHERE n.id = e.id AND n.lease = e.lease"
        ),
        {
            "ids": [one.notice.id for one in later],
            "leases": [one.notice.lease for one in later],
            "reasons": [one.reason for one in later],
            "seconds": [one.seconds for one in later],
            "unsure": [one.unsure for one in later],
        },
    )
