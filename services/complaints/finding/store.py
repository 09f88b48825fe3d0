"""The index of feedback, in tables of its own, and what fills and empties it. All in the transactions of the caller.

Only what is not sealed is here, so that nothing sealed can be found by a search however it asks. The text is here a
second time: taking a row away takes away all that finding knows of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.finding.likeness import bands_of
from services.complaints.finding.words import mark, vector

# place: the words as they were written. not_to: as in the event. bands: see `likeness`; they are kept to be taken away
# GIN without fastupdate: a pending list makes every search slower and now and then a filing wait for all of it
DDL = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.finding (
        complaint_id bigint PRIMARY KEY,
        code text NOT NULL,
        text text NOT NULL,
        place text,
        handler text,
        dossier text,
        kind text,
        state text NOT NULL,
        not_to text[] NOT NULL DEFAULT '{{}}',
        filed_at timestamptz NOT NULL,
        words tsvector NOT NULL,
        bands bigint[] NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS finding_words ON {schema}.finding USING gin (words) WITH (fastupdate = off)",
    "CREATE INDEX IF NOT EXISTS finding_handler ON {schema}.finding (handler, complaint_id)",
    "CREATE INDEX IF NOT EXISTS finding_filed_at ON {schema}.finding (filed_at)",
    "CREATE INDEX IF NOT EXISTS finding_dossier ON {schema}.finding (dossier, complaint_id) WHERE dossier IS NOT NULL",
    "ALTER TABLE {schema}.finding ALTER COLUMN words SET STATISTICS 400",
    """
    CREATE TABLE IF NOT EXISTS {schema}.finding_band (
        band bigint NOT NULL,
        complaint_id bigint NOT NULL,
        PRIMARY KEY (band, complaint_id)
    )
    """,
)
_KEPT = "code, text, place, handler, dossier, kind, state, filed_at"


@dataclass(frozen=True, slots=True)
class Indexed:
    """A feedback that may be found. handler: the code of the unit that must act. not_to: whom it must not be shown."""

    complaint_id: int
    code: str
    text: str
    place: str | None
    handler: str | None
    dossier: str | None
    kind: str | None
    state: str
    filed_at: datetime
    not_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Visible:
    """Which rows may be shown: a predicate of the caller over columns of `finding` (`finding.handler`, …), its
    parameters by names that begin with `may_`. `complaint_id` is the id in complaints.complaint.
    """

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(not name.startswith("may_") for name in self.params):
            raise ValueError("the parameters of a predicate have names that begin with may_")


ALL = Visible("TRUE")  # tests and measurements


async def index(connection: AsyncConnection, rows: Sequence[Indexed]) -> None:
    """Let feedback be found as it is now, new or changed; never one that is sealed. Its own row is locked by then."""
    newest = sorted({row.complaint_id: row for row in rows}.values(), key=lambda row: row.complaint_id)
    if not newest:
        return
    bands = [bands_of(row.text) for row in newest]
    await _remove_bands(connection, [row.complaint_id for row in newest])
    await connection.execute(
        text(
            f"INSERT INTO complaints.finding (complaint_id, {_KEPT}, not_to, words, bands) "
            f"SELECT id, {_KEPT}, string_to_array(not_to, E'\\n'), CAST(words AS tsvector), "
            "CAST(string_to_array(bands, ',') AS bigint[]) FROM unnest(CAST(:ids AS bigint[]), "
            "CAST(:codes AS text[]), CAST(:texts AS text[]), CAST(:places AS text[]), CAST(:handlers AS text[]), "
            "CAST(:dossiers AS text[]), CAST(:kinds AS text[]), CAST(:states AS text[]), "
            "CAST(:filed AS timestamptz[]), CAST(:not_tos AS text[]), CAST(:words AS text[]), CAST(:bands AS text[])) "
            f"AS given (id, {_KEPT}, not_to, words, bands) ON CONFLICT (complaint_id) DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in f"{_KEPT}, not_to, words, bands".split(", "))
        ),
        {
            "ids": [row.complaint_id for row in newest],
            "codes": [row.code for row in newest],
            "texts": [row.text for row in newest],
            "places": [row.place for row in newest],
            "handlers": [row.handler for row in newest],
            "dossiers": [row.dossier for row in newest],
            "kinds": [row.kind for row in newest],
            "states": [row.state for row in newest],
            "filed": [row.filed_at for row in newest],
            "not_tos": ["\n".join(row.not_to) for row in newest],
            "words": [words_of_row(row) for row in newest],
            "bands": [",".join(map(str, own)) for own in bands],
        },
    )
    keys = sorted({(band, row.complaint_id) for row, own in zip(newest, bands, strict=True) for band in own})
    await connection.execute(
        text(
            "INSERT INTO complaints.finding_band SELECT * FROM unnest(CAST(:bands AS bigint[]), CAST(:ids AS bigint[]))"
        ),
        {"bands": [band for band, _ in keys], "ids": [id for _, id in keys]},
    )


def words_of_row(row: Indexed) -> str:
    """Return what a feedback is found by: its text, its place and its codes, and marks of what searches filter by."""
    marks = (("handler", row.handler), ("kind", row.kind), ("state", row.state))
    said = [mark(name, value) for name, value in marks if value is not None]
    return " ".join((vector(row.text, row.place, row.code, row.dossier), *said))


async def remove(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Let nothing be found of these any more: sealed, or gone. Those that are not there are passed over."""
    if not ids:
        return
    await _remove_bands(connection, ids)
    await connection.execute(
        text("DELETE FROM complaints.finding WHERE complaint_id = ANY(:ids)"), {"ids": sorted(set(ids))}
    )


async def _remove_bands(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Take away the bands of rows, which are locked from then on."""
    await connection.execute(
        text(
            "WITH old AS (SELECT complaint_id, bands FROM complaints.finding WHERE complaint_id = ANY(:ids) "
            "ORDER BY complaint_id FOR UPDATE) DELETE FROM complaints.finding_band AS kept "
            "USING (SELECT complaint_id, unnest(bands) AS band FROM old) AS gone "
            "WHERE kept.band = gone.band AND kept.complaint_id = gone.complaint_id"
        ),
        {"ids": sorted(set(ids))},
    )
