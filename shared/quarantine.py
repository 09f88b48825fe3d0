"""What a service could not understand or could not carry out: kept with its reason and its bytes until someone acts.

An entry waits, until it is retried or dropped; its line is never deleted. Identical bytes that arrive again raise its
count. They open it again where it was carried out as it was, since what was believed mended is not; where a person
judged these very bytes, by dropping or by correcting them, the judgement holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import metrics, sealing
from shared.place import Place

RAW_LIMIT = 1 << 20  # bytes kept of one entry: whatever a stream takes is kept whole
CUT_LIMIT = 64 * 1024  # of what no stream takes; its length stands in the detail

LONGEST_SUBJECT = 200  # characters

State = Literal["waiting", "retried", "dropped"]

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
LIFE = (  # what a service's own migration adds
    """
    ALTER TABLE {schema}.quarantine
        ADD COLUMN state text NOT NULL DEFAULT 'waiting',
        ADD COLUMN waiting_since timestamptz NOT NULL DEFAULT clock_timestamp(),
        ADD COLUMN closed_at timestamptz,
        ADD COLUMN corrected boolean NOT NULL DEFAULT false,
        ADD COLUMN subject text,
        ADD COLUMN place json,
        ADD COLUMN size integer NOT NULL DEFAULT 0,
        ADD COLUMN cut boolean NOT NULL DEFAULT false,
        ADD COLUMN sealed boolean NOT NULL DEFAULT false,
        ADD COLUMN gone_at timestamptz,
        ADD COLUMN history jsonb NOT NULL DEFAULT '[]'
    """,
    """
    UPDATE {schema}.quarantine
    SET waiting_since = first_at, size = octet_length(raw), cut = octet_length(raw) >= 65536
    """,
    "CREATE INDEX quarantine_waiting ON {schema}.quarantine (source, reason, waiting_since) WHERE state = 'waiting'",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One refused thing.

    source: who sent it. reason: a short code, also a metric's label. detail: where and what, without personal data.
    origin: stream and sequence. at: when it was received. raw: its bytes as they came.
    subject: under which it can be carried out again, where it is a message or a part of one. keep: bytes kept.
    """

    source: str
    reason: str
    detail: str
    origin: str
    at: datetime
    raw: bytes
    subject: str | None = None
    place: Place | None = None
    keep: int = RAW_LIMIT

    @property
    def digest(self) -> bytes:
        """Identical bytes from one source with one reason are one entry."""
        return hashlib.sha256(b"\0".join((self.source.encode(), self.reason.encode(), self.raw))).digest()


_watched: ContextVar[list[Entry] | None] = ContextVar("watched", default=None)


@contextmanager
def watched() -> Iterator[list[Entry]]:
    """Give what this task adds within the block: who carries a message out again learns what was refused of it."""
    refused: list[Entry] = []
    token = _watched.set(refused)
    try:
        yield refused
    finally:
        _watched.reset(token)


def _storable(subject: str | None) -> str | None:
    """Return a subject, None for one that no handler could mean: NATS takes what PostgreSQL does not."""
    return subject if subject and subject.isprintable() and len(subject) <= LONGEST_SUBJECT else None


_ADD = """
INSERT INTO {schema}.quarantine AS known
    (digest, source, reason, detail, origin, first_at, last_at, raw, seen, subject, place, size, cut, sealed)
SELECT d, s, r, t, o, a, a, b, n, j, p, z, c, e FROM unnest(
    CAST(:digests AS bytea[]), CAST(:sources AS text[]), CAST(:reasons AS text[]), CAST(:details AS text[]),
    CAST(:origins AS text[]), CAST(:ats AS timestamptz[]), CAST(:raws AS bytea[]), CAST(:counts AS integer[]),
    CAST(:subjects AS text[]), CAST(:places AS json[]), CAST(:sizes AS integer[]), CAST(:cuts AS boolean[]),
    CAST(:sealed AS boolean[])) AS t(d, s, r, t, o, a, b, n, j, p, z, c, e)
ON CONFLICT (digest) DO UPDATE SET
    seen = known.seen + excluded.seen, last_at = greatest(known.last_at, excluded.last_at), origin = excluded.origin,
    subject = coalesce(excluded.subject, known.subject), place = coalesce(excluded.place, known.place),
    state = CASE WHEN {again} THEN 'waiting' ELSE known.state END,
    waiting_since = CASE WHEN {again} THEN excluded.waiting_since ELSE known.waiting_since END,
    closed_at = CASE WHEN {again} THEN NULL ELSE known.closed_at END,
    raw = CASE WHEN {again} THEN excluded.raw ELSE known.raw END,
    sealed = CASE WHEN {again} THEN excluded.sealed ELSE known.sealed END,
    gone_at = CASE WHEN {again} THEN NULL ELSE known.gone_at END,
    history = CASE WHEN {again} THEN known.history || jsonb_build_object('act', 'came_again', 'at', clock_timestamp())
        ELSE known.history END
WHERE known.origin <> excluded.origin
"""
_AGAIN = "known.state = 'retried' AND NOT known.corrected"


async def add(connection: AsyncConnection, schema: str, entries: Sequence[Entry]) -> None:
    """Store entries in the caller's transaction; a repeat raises its count. An origin counts once."""
    unique: dict[bytes, tuple[Entry, int]] = {}
    for entry in entries:
        seen = unique[entry.digest][1] if entry.digest in unique else 0
        unique[entry.digest] = (entry, seen + 1)
    if not unique:
        return
    digests = sorted(unique)
    ordered = [unique[digest][0] for digest in digests]
    kept = [sealing.seal(entry.raw[: entry.keep]) for entry in ordered]
    await connection.execute(
        text(_ADD.format(schema=schema, again=_AGAIN)),
        {
            "digests": digests,
            "sources": [entry.source for entry in ordered],
            "reasons": [entry.reason for entry in ordered],
            "details": [entry.detail for entry in ordered],
            "origins": [entry.origin for entry in ordered],
            "ats": [entry.at for entry in ordered],
            "raws": [raw for raw, _ in kept],
            "counts": [unique[digest][1] for digest in digests],
            "subjects": [_storable(entry.subject) for entry in ordered],
            "places": [entry.place.as_json() if entry.place else None for entry in ordered],
            "sizes": [len(entry.raw) for entry in ordered],
            "cuts": [len(entry.raw) > entry.keep for entry in ordered],
            "sealed": [sealed for _, sealed in kept],
        },
    )
    for entry in ordered:
        metrics.quarantined.labels(reason=entry.reason).inc()
    if (watching := _watched.get()) is not None:
        watching += ordered
