"""Searches feedback by its words, newest first, a page at a time.

Common words are found among the newest by looking at these; rare ones by the index. Neither way reads it all: the
first stops after so many rows, the second is taken only where the first did not fill the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.finding.extracts import Extract, extract
from services.complaints.finding.query import Query
from services.complaints.finding.store import Visible
from services.complaints.finding.words import mark

NEWEST = 4_000  # rows that are looked at one by one, in some 5 ms: what one of 80 has fills a page of 50 there
MOST = 100  # feedbacks of a page


@dataclass(frozen=True, slots=True)
class Filters:
    """What else must hold; None: anything. since, until: filed at or after, and before."""

    handler: str | None = None
    state: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One feedback of an answer, without its text but for the extract."""

    complaint_id: int
    code: str
    place: str | None
    handler: str | None
    dossier: str | None
    kind: str | None
    state: str
    filed_at: datetime
    extract: Extract


@dataclass(frozen=True, slots=True)
class Page:
    """Part of an answer. next: the `before` of the page that follows; None: there is none."""

    found: tuple[Found, ...]
    next: int | None


_COLUMNS = "finding.complaint_id, code, place, handler, dossier, kind, state, filed_at, finding.text"
ANY = Filters()


async def search(
    connection: AsyncConnection,
    query: Query,
    *,
    visible: Visible,
    filters: Filters = ANY,
    limit: int = 50,
    before: int | None = None,
) -> Page:
    """Return the newest feedbacks that a query finds; one that asks for no word finds whatever the filters let pass.

    limit: 1 to `MOST`. before: the id that ended the page before.
    """
    limit = max(1, min(limit, MOST))
    sql, params = _where(filters, visible)
    params |= {"before": before, "limit": limit + 1}
    whole = {"whole": query.whole} if query.terms else {}
    check = " AND (finding.words @@ CAST(:whole AS tsquery)) IS TRUE" if whole else ""  # so it is not looked up
    rows = await _among_the_newest(connection, sql + check, params | whole)
    if len(rows) <= limit:
        params |= {"key": _key(query, filters)}
        exact = query.is_exact
        rows = await _by_index(connection, sql if exact else sql + check, params if exact else params | whole)
    found = tuple(_found(row, query) for row in rows[:limit])
    return Page(found, found[-1].complaint_id if len(rows) > limit else None)


async def _among_the_newest(connection: AsyncConnection, where: str, params: dict[str, Any]) -> list[Row[Any]]:
    answer = await connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM (SELECT * FROM complaints.finding WHERE CAST(:before AS bigint) IS NULL "
            f"OR complaint_id < :before ORDER BY complaint_id DESC LIMIT {NEWEST}) AS finding "
            f"WHERE {where} ORDER BY complaint_id DESC LIMIT :limit"
        ),
        params,
    )
    return list(answer)


async def _by_index(connection: AsyncConnection, where: str, params: dict[str, Any]) -> list[Row[Any]]:
    """Find the ids first, whatever their number, for the server else prefers to walk all rows in their order."""
    key = "words @@ CAST(:key AS tsquery) AND " if params["key"] else ""
    answer = await connection.execute(
        text(
            f"WITH ids AS MATERIALIZED (SELECT complaint_id FROM complaints.finding WHERE {key}{where} "
            "AND (CAST(:before AS bigint) IS NULL OR complaint_id < :before)), "
            "first AS MATERIALIZED (SELECT complaint_id FROM ids ORDER BY complaint_id DESC LIMIT :limit) "
            f"SELECT {_COLUMNS} FROM first JOIN complaints.finding USING (complaint_id) ORDER BY complaint_id DESC"
        ),
        params if key else {name: value for name, value in params.items() if name != "key"},
    )
    return list(answer)


def _where(filters: Filters, visible: Visible) -> tuple[str, dict[str, Any]]:
    parts, params = [f"({visible.sql})"], dict(visible.params)
    for name, sign, value in (
        ("handler", "=", filters.handler), ("state", "=", filters.state), ("kind", "=", filters.kind),
        ("since", ">=", filters.since), ("until", "<", filters.until),
    ):  # fmt: skip
        if value is not None:
            column = name if sign == "=" else "filed_at"
            parts.append(f"finding.{column} {sign} :{name}")
            params[name] = value
    return " AND ".join(parts), params


def _key(query: Query, filters: Filters) -> str:
    """Return what the index is asked for: the words, and what is filtered by."""
    marks = (("handler", filters.handler), ("state", filters.state), ("kind", filters.kind))
    return " & ".join(filter(None, (query.key, *(mark(name, value) for name, value in marks if value is not None))))


def _found(row: Any, query: Query) -> Found:
    id, code, place, handler, dossier, kind, state, filed_at, written = row
    return Found(id, code, place, handler, dossier, kind, state, filed_at, extract(written, query))
