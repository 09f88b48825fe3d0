"""Which unit or officer each feedback is about: the table and its SQL.

Sealed feedback is here too, by opaque ids alone: no word of it, nothing of who sent it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.finding.growing import AboutKind, Seen

# looked: a sweep has seen it since it changed. gone: it counts no more, the sweep takes it away
DDL = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.report (
        complaint_id bigint NOT NULL,
        about_kind text NOT NULL,
        about text NOT NULL,
        code text NOT NULL,
        above text,
        restricted boolean NOT NULL,
        not_to text[] NOT NULL,
        filed_at timestamptz NOT NULL,
        looked boolean NOT NULL DEFAULT false,
        gone boolean NOT NULL DEFAULT false,
        PRIMARY KEY (complaint_id, about_kind, about)
    )
    """,
    "CREATE INDEX IF NOT EXISTS report_about ON {schema}.report (about_kind, about, filed_at) WHERE NOT gone",
    "CREATE INDEX IF NOT EXISTS report_new ON {schema}.report (filed_at) WHERE NOT looked",
)
AT_ONCE = 2_000  # reports that one sweep takes
_ONE_LOOKS = 20_220_001  # of two copies of the service one looks at a time


@dataclass(frozen=True, slots=True)
class Report:
    """That a feedback is about a unit (its code) or an officer (an opaque id).

    above: the code of the unit that is told of a pattern. not_to: who must not be told, as in `ComplaintChanged`.
    """

    complaint_id: int
    code: str
    about_kind: AboutKind
    about: str
    above: str | None
    filed_at: datetime
    restricted: bool = False
    not_to: tuple[str, ...] = ()


async def count_in(connection: AsyncConnection, reports: Sequence[Report]) -> None:
    """Say what feedbacks are about, all of each: what was said of the same ones before counts no more."""
    newest = sorted(
        {(one.complaint_id, one.about_kind, one.about): one for one in reports}.items(), key=lambda item: item[0]
    )
    if not newest:
        return
    await count_out(connection, [one.complaint_id for _, one in newest])
    await connection.execute(
        text(
            "INSERT INTO complaints.report (complaint_id, about_kind, about, code, above, restricted, not_to, "
            "filed_at) SELECT id, kind, about, code, above, restricted, string_to_array(not_to, E'\\n'), filed_at FROM "
            "unnest(CAST(:ids AS bigint[]), CAST(:kinds AS text[]), CAST(:abouts AS text[]), CAST(:codes AS text[]), "
            "CAST(:aboves AS text[]), CAST(:restricted AS boolean[]), CAST(:not_tos AS text[]), "
            "CAST(:filed AS timestamptz[])) AS said (id, kind, about, code, above, restricted, not_to, filed_at) "
            "ON CONFLICT (complaint_id, about_kind, about) DO UPDATE SET above = excluded.above, "
            "restricted = excluded.restricted, not_to = excluded.not_to, looked = false, gone = false"
        ),
        {
            "ids": [one.complaint_id for _, one in newest],
            "kinds": [one.about_kind for _, one in newest],
            "abouts": [one.about for _, one in newest],
            "codes": [one.code for _, one in newest],
            "aboves": [one.above for _, one in newest],
            "restricted": [one.restricted for _, one in newest],
            "not_tos": ["\n".join(one.not_to) for _, one in newest],
            "filed": [one.filed_at for _, one in newest],
        },
    )


async def count_out(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Let feedbacks count no more: joined to another, not what it seemed, gone."""
    await connection.execute(
        text(
            "UPDATE complaints.report SET gone = true, looked = false FROM (SELECT complaint_id, about_kind, about "
            "FROM complaints.report WHERE complaint_id = ANY(:ids) ORDER BY 1, 2, 3 FOR UPDATE) AS changed "
            "WHERE (report.complaint_id, report.about_kind, report.about) "
            "= (changed.complaint_id, changed.about_kind, changed.about)"
        ),
        {"ids": sorted(set(ids))},
    )


async def take_new(connection: AsyncConnection, at: datetime) -> list[tuple[AboutKind, str]] | None:
    """Return about whom something changed; None where nothing did, nothing ended, or another copy looks now."""
    due = await connection.scalar(
        text(
            "SELECT (EXISTS (SELECT FROM complaints.report WHERE NOT looked AND filed_at <= :at) OR EXISTS "
            "(SELECT FROM complaints.pattern WHERE NOT ended AND lasts_until <= :at)) "
        ),
        {"at": at},
    )
    if not due or not await connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({_ONE_LOOKS})")):
        return None
    await connection.execute(
        text(
            "UPDATE complaints.pattern SET ended = true, closed_at = coalesce(closed_at, lasts_until) "
            "WHERE NOT ended AND lasts_until <= :at"
        ),
        {"at": at},
    )
    rows = await connection.execute(
        text(
            "WITH new AS (SELECT complaint_id, about_kind, about FROM complaints.report WHERE NOT looked "
            f"AND filed_at <= :at ORDER BY 1, 2, 3 LIMIT {AT_ONCE} FOR UPDATE), "
            "out AS (DELETE FROM complaints.report USING new WHERE report.gone AND (report.complaint_id, "
            "report.about_kind, report.about) = (new.complaint_id, new.about_kind, new.about)), "
            "seen AS (UPDATE complaints.report SET looked = true FROM new WHERE NOT report.gone AND "
            "(report.complaint_id, report.about_kind, report.about) = (new.complaint_id, new.about_kind, new.about)) "
            "SELECT DISTINCT about_kind, about FROM new ORDER BY 1, 2"
        ),
        {"at": at},
    )
    return [(kind, about) for kind, about in rows]


async def list_seen(
    connection: AsyncConnection, abouts: Sequence[tuple[AboutKind, str]], *, at: datetime, n: int, d: timedelta
) -> list[Seen]:
    """Return how many feedbacks there are about each in the time up to `at`, once without and once with restricted."""
    rows = await connection.execute(
        text(
            "SELECT about_kind, about, counted, count(*), min(filed_at), max(filed_at), "
            "(array_agg(filed_at ORDER BY filed_at DESC))[CAST(:n AS integer)], "
            "(array_agg(code ORDER BY filed_at DESC))[1:50], "
            "array_agg(above ORDER BY report.restricted DESC, filed_at DESC) FILTER (WHERE above IS NOT NULL), "
            "array_agg(array_to_string(not_to, E'\\n')) FILTER (WHERE not_to <> '{}') "
            "FROM unnest(CAST(:kinds AS text[]), CAST(:abouts AS text[])) AS asked (about_kind, about) "
            "JOIN complaints.report USING (about_kind, about) "
            "JOIN (VALUES (false), (true)) AS way (counted) ON counted OR NOT report.restricted "
            "WHERE NOT gone AND filed_at > :since AND filed_at <= :at GROUP BY 1, 2, 3 "
            "HAVING NOT counted OR bool_or(report.restricted)"
        ),
        {"kinds": [k for k, _ in abouts], "abouts": [a for _, a in abouts], "at": at, "since": at - d, "n": n},
    )
    return [
        Seen(
            kind, about, restricted, count, first, last, nth + d if nth else None, tuple(codes),
            aboves=tuple(dict.fromkeys(aboves or ())),
            not_to=tuple(sorted({one for some in not_tos or () for one in some.split("\n")})),
        )
        for kind, about, restricted, count, first, last, nth, codes, aboves, not_tos in rows
    ]  # fmt: skip
