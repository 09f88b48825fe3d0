"""What a service could not understand or could not carry out: kept with its reason and its bytes until someone acts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import metrics

RAW_LIMIT = 64 * 1024  # bytes kept of one entry; what is longer is cut, its length stands in the detail

DDL = """
CREATE TABLE {schema}.quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest bytea NOT NULL UNIQUE,
    source text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    origin text NOT NULL,
    seen integer NOT NULL DEFAULT 1,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    raw bytea NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One refused thing.

    source: who sent it. reason: a short code, also a metric's label. detail: where and what, without personal data.
    origin: stream and sequence. raw: its bytes as they came.
    """

    source: str
    reason: str
    detail: str
    origin: str
    at: datetime
    raw: bytes

    @property
    def digest(self) -> bytes:
        """Identical bytes from one source with one reason are one entry."""
        return hashlib.sha256(b"\0".join((self.source.encode(), self.reason.encode(), self.raw))).digest()


async def add(connection: AsyncConnection, schema: str, entries: Sequence[Entry]) -> None:
    """Store entries in the caller's transaction; a repeat raises its count. An origin counts once."""
    unique: dict[bytes, tuple[Entry, int]] = {}
    for entry in entries:
        seen = unique[entry.digest][1] if entry.digest in unique else 0
        unique[entry.digest] = (entry, seen + 1)
    if not unique:
        return
    ordered = [unique[digest] for digest in sorted(unique)]
    await connection.execute(
        text(
            f"INSERT INTO {schema}.quarantine AS known "
            "(digest, source, reason, detail, origin, first_at, last_at, raw, seen) "
            "SELECT d, s, r, t, o, a, a, b, n FROM unnest(CAST(:digests AS bytea[]), CAST(:sources AS text[]), "
            "CAST(:reasons AS text[]), CAST(:details AS text[]), CAST(:origins AS text[]), "
            "CAST(:ats AS timestamptz[]), CAST(:raws AS bytea[]), CAST(:counts AS integer[])) "
            "AS t(d, s, r, t, o, a, b, n) ON CONFLICT (digest) DO UPDATE SET seen = known.seen + excluded.seen, "
            "last_at = greatest(known.last_at, excluded.last_at), origin = excluded.origin "
            "WHERE known.origin <> excluded.origin"
        ),
        {
            "digests": [entry.digest for entry, _ in ordered],
            "sources": [entry.source for entry, _ in ordered],
            "reasons": [entry.reason for entry, _ in ordered],
            "details": [entry.detail for entry, _ in ordered],
            "origins": [entry.origin for entry, _ in ordered],
            "ats": [entry.at for entry, _ in ordered],
            "raws": [entry.raw[:RAW_LIMIT] for entry, _ in ordered],
            "counts": [count for _, count in ordered],
        },
    )
    for entry, _ in ordered:
        metrics.quarantined.labels(reason=entry.reason).inc()


async def count(connection: AsyncConnection, schema: str) -> int:
    return int((await connection.execute(text(f"SELECT count(*) FROM {schema}.quarantine"))).scalar_one())


async def count_by_reason(connection: AsyncConnection, schema: str) -> dict[str, int]:
    rows = await connection.execute(
        text(f"SELECT reason, count(*) AS entries FROM {schema}.quarantine GROUP BY reason")
    )
    return {row.reason: row.entries for row in rows}
