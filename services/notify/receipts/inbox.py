"""What providers said of our notices, before anything is done about it: the table and its SQL.

What a provider says is kept and committed first. It may come before our own commit of "sent", twice, in any order, of
a message that is not ours, or be untrue: all that is judged afterwards.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import db

DDL = """
    CREATE TABLE IF NOT EXISTS {schema}.receipt_heard (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        provider text NOT NULL,
        reference text NOT NULL DEFAULT '',
        state text NOT NULL,
        said_at timestamptz,
        heard_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        notice_id text NOT NULL DEFAULT '',
        code text NOT NULL DEFAULT '',
        dead boolean NOT NULL DEFAULT false,
        marks text[] NOT NULL DEFAULT '{{}}',
        look_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        outcome text NOT NULL DEFAULT '',
        done_at timestamptz
    )
"""  # notice_id: by our own id; code: the provider's word; dead: an address of these marks; look_at: machine time
WAITING = "CREATE INDEX IF NOT EXISTS receipt_waiting ON {schema}.receipt_heard (look_at) WHERE done_at IS NULL"

WAITS_S, PATIENCE_S = (
    300,
    86_400,
)  # for our own commit, or a reference not known yet: looks at most so far apart, so long
KEPT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing that a provider said. marks: of the addresses it is about, where it names them."""

    provider: str
    state: str
    reference: str = ""
    notice_id: str = ""
    code: str = ""
    dead: bool = False
    marks: tuple[str, ...] = ()
    said_at: datetime | None = None


async def put(connection: AsyncConnection, heard: Sequence[Heard]) -> None:
    """Keep what was said, in the order given."""
    if not heard:
        return
    await connection.execute(
        text(
            "INSERT INTO notify.receipt_heard (provider, state, reference, notice_id, code, dead, marks, said_at) "
            "SELECT provider, state, reference, notice_id, code, dead, string_to_array(marks, ' '), said_at "
            "FROM unnest(CAST(:providers AS text[]), CAST(:states AS text[]), CAST(:refs AS text[]), "
            "CAST(:notices AS text[]), CAST(:codes AS text[]), CAST(:dead AS boolean[]), CAST(:marks AS text[]), "
            "CAST(:said AS timestamptz[])) WITH ORDINALITY AS h(provider, state, reference, notice_id, code, dead, "
            "marks, said_at, place) ORDER BY place"
        ),
        {
            "providers": [one.provider for one in heard],
            "states": [one.state for one in heard],
            "refs": [one.reference for one in heard],
            "notices": [one.notice_id for one in heard],
            "codes": [one.code for one in heard],
            "dead": [one.dead for one in heard],
            "marks": [" ".join(one.marks) for one in heard],
            "said": [one.said_at for one in heard],
        },
    )


def keeper(engine: AsyncEngine, provider: str) -> Callable[[str, str, datetime | None, str], Awaitable[None]]:
    """Return what a channel calls with each receipt of a provider; it returns once that is committed."""

    async def keep(reference: str, state: str, said_at: datetime | None, code: str) -> None:
        heard = Heard(provider, state, reference=reference, code=code[:32], said_at=said_at)
        async with db.transaction(engine) as connection:
            await put(connection, [heard])

    return keep


async def take(connection: AsyncConnection, *, limit: int) -> list[Row[Any]]:
    """Lock what is to be looked at now, the oldest first. age_s: since it was heard, machine time."""
    rows = await connection.execute(
        text(
            "SELECT id, provider, reference, notice_id, state, code, dead, marks, said_at, heard_at, "
            "extract(epoch FROM clock_timestamp() - heard_at) AS age_s FROM notify.receipt_heard "
            "WHERE done_at IS NULL AND look_at <= clock_timestamp() ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED"
        ),
        {"limit": limit},
    )
    return list(rows.all())


async def done(connection: AsyncConnection, outcomes: dict[int, str]) -> None:
    """Note what became of things said."""
    await connection.execute(
        text(
            "UPDATE notify.receipt_heard h SET done_at = clock_timestamp(), outcome = d.outcome FROM "
            "unnest(CAST(:ids AS bigint[]), CAST(:outcomes AS text[])) AS d(id, outcome) WHERE h.id = d.id"
        ),
        {"ids": list(outcomes), "outcomes": list(outcomes.values())},
    )


async def look_again(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Let what cannot be matched yet wait, twice as long each time."""
    await connection.execute(
        text(
            "UPDATE notify.receipt_heard SET look_at = clock_timestamp() + make_interval(secs => "
            f"least({WAITS_S}, greatest(1, extract(epoch FROM clock_timestamp() - heard_at)))) WHERE id = ANY(:ids)"
        ),
        {"ids": list(ids)},
    )


async def forget(connection: AsyncConnection) -> None:
    """Remove what was dealt with long ago."""
    await connection.execute(
        text(f"DELETE FROM notify.receipt_heard WHERE done_at < clock_timestamp() - interval '{KEPT_DAYS} days'")
    )


async def waiting(connection: AsyncConnection) -> int:
    """Return how many things said are to be looked at now."""
    found = await connection.execute(
        text("SELECT count(*) FROM notify.receipt_heard WHERE done_at IS NULL AND look_at <= clock_timestamp()")
    )
    return int(found.scalar_one())
