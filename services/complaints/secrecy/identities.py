"""Who wrote a feedback, sealed apart from what was written; and the log of who read it, when and why. SQL.

The log is chained (`shared.chain`): its rows are added under the lock of its head, never changed, never taken away.
What is in it are codes, opaque ids of officers, and hashes of reasons; never an identity. A reason may name somebody:
it is kept under seal, in the history of its feedback.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.secrecy.envelope import Envelope, SealError
from shared.chain import Entry, Examination, Head, seal
from shared.clock import machine_now

KIND = "identity_read"
DDL = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.identity (
        code text PRIMARY KEY REFERENCES {schema}.complaint (code),
        sealed bytea NOT NULL
    )
    """,
    # What is sealed cannot be compressed, and the id of its key is read without the rest.
    "ALTER TABLE {schema}.identity ALTER COLUMN sealed SET STORAGE EXTERNAL",
    """
    CREATE TABLE IF NOT EXISTS {schema}.identity_read (
        seq bigint PRIMARY KEY,
        at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        code text NOT NULL,
        data text NOT NULL,
        hash bytea NOT NULL
    )
    """,  # data: JSON of actor, step with the reason and hash of that, the very text that is hashed
    "CREATE INDEX IF NOT EXISTS identity_read_code ON {schema}.identity_read (code, seq)",
    """
    CREATE TABLE IF NOT EXISTS {schema}.identity_read_head (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        seq bigint NOT NULL,
        hash bytea NOT NULL
    )
    """,
    "INSERT INTO {schema}.identity_read_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex')) "
    "ON CONFLICT DO NOTHING",
    """
    CREATE OR REPLACE FUNCTION {schema}.keep_identity_read() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the log of reads is append-only' USING ERRCODE = 'insufficient_privilege'; END $$
    """,
    "CREATE OR REPLACE TRIGGER identity_read_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.identity_read "
    "FOR EACH STATEMENT EXECUTE FUNCTION {schema}.keep_identity_read()",
)
PAGE = 1000
ACT = "read_identity"  # in the history of a feedback: its note is the reason, after a salt of SALT bytes
SALT = 16


class Identity(NamedTuple):
    """Who wrote a feedback, as they wrote it themselves."""

    name: str | None
    contact: str | None
    address: str | None


class Read(NamedTuple):
    """A row of the log: somebody saw an identity. actor: opaque id of the officer.

    reason: None where what is kept is not what was written, or no key opens it. hash: written down elsewhere, it proves
    all rows up to this one.
    """

    seq: int
    code: str
    actor: str
    reason: str | None
    at: datetime
    hash: str


class NoReasonError(ValueError):
    """An identity is read for a reason, and by somebody: give both."""


async def add(connection: AsyncConnection, envelope: Envelope, code: str, identity: Identity) -> None:
    """Keep who wrote a feedback, in the transaction that files it. One that is there is never overwritten: it fails."""
    await add_all(connection, envelope, {code: identity})


async def add_all(connection: AsyncConnection, envelope: Envelope, by_code: Mapping[str, Identity]) -> None:
    """Keep who wrote several, as `add`."""
    if not by_code:
        return
    await connection.execute(
        text(
            "INSERT INTO complaints.identity (code, sealed) "
            "SELECT * FROM unnest(CAST(:codes AS text[]), CAST(:sealed AS bytea[]))"
        ),
        {
            "codes": list(by_code),
            "sealed": [
                envelope.seal(orjson.dumps(identity._asdict()), about=_about(code))
                for code, identity in by_code.items()
            ],
        },
    )


async def read(
    connection: AsyncConnection, envelope: Envelope, code: str, *, actor: str, reason: str, at: datetime
) -> Identity | None:
    """Return who wrote a feedback, None where nobody is known; that it was read is logged in the same transaction.

    Show it only once the transaction has committed. at: business time.
    raises: NoReasonError; SealError - it cannot be opened, and nothing is logged.
    """
    if not actor or not reason.strip():
        raise NoReasonError(NoReasonError.__doc__)
    found = await connection.execute(text("SELECT sealed FROM complaints.identity WHERE code = :code"), {"code": code})
    sealed = found.scalar_one_or_none()
    if sealed is None:
        return None
    identity = Identity(**orjson.loads(envelope.open(sealed, about=_about(code))))
    salted = secrets.token_bytes(SALT) + reason.strip().encode()
    step = await _keep_reason(connection, envelope.seal(salted, about=_about_reason(code)), code, actor=actor, at=at)
    data = {"actor": actor, "step": step, "reason_hash": hashlib.sha256(salted).hexdigest()}
    await _log(connection, Entry(KIND, code, at, data))
    return identity


async def _keep_reason(connection: AsyncConnection, note: bytes, code: str, *, actor: str, at: datetime) -> int:
    rows = await connection.execute(
        text(
            "INSERT INTO complaints.step (code, revision, at, act, actor, note) "
            "VALUES (:code, 0, :at, :act, :actor, :note) RETURNING id"
        ),
        {"code": code, "at": at, "act": ACT, "actor": actor, "note": note},
    )
    return int(rows.scalar_one())


async def list_reads(
    connection: AsyncConnection,
    envelope: Envelope,
    *,
    code: str | None = None,
    kept_from: Sequence[str] = (),
    after: int = 0,
    limit: int = 100,
) -> list[Read]:
    """Return who read identities, in order behind the row `after`.

    code: of one feedback alone. kept_from: the names of who asks: of what is about them nothing is told.
    """
    rows = await connection.execute(
        text(
            "SELECT log.seq, log.code, log.data, log.at, encode(log.hash, 'hex') AS hash, step.note "
            "FROM complaints.identity_read AS log "
            "JOIN complaints.complaint USING (code) "
            "LEFT JOIN complaints.step ON step.id = CAST(CAST(log.data AS json)->>'step' AS bigint) "
            "WHERE log.seq > :after AND (CAST(:code AS text) IS NULL OR log.code = :code) "
            "AND NOT not_to && CAST(:kept_from AS text[]) ORDER BY log.seq LIMIT :limit"
        ),
        {"after": after, "code": code, "kept_from": list(kept_from), "limit": limit},
    )
    return [_read(row, orjson.loads(row.data), envelope) for row in rows]


async def find_read(connection: AsyncConnection, hash: str) -> int | None:
    """Return the place of a row in the log. hash: in hexadecimal."""
    rows = await connection.execute(
        text("SELECT seq FROM complaints.identity_read WHERE hash = decode(:hash, 'hex')"), {"hash": hash}
    )
    return rows.scalar_one_or_none()


def _read(row: Any, data: dict[str, Any], envelope: Envelope) -> Read:
    if "reason_hash" not in data:  # written before reasons were sealed
        return Read(row.seq, row.code, data["actor"], data["reason"], row.at, row.hash)
    try:
        salted = envelope.open(row.note or b"", about=_about_reason(row.code))
    except SealError:
        salted = b""
    is_whole = hashlib.sha256(salted).hexdigest() == data["reason_hash"]
    return Read(row.seq, row.code, data["actor"], salted[SALT:].decode() if is_whole else None, row.at, row.hash)


async def get_head(connection: AsyncConnection, *, lock: bool = False) -> Head:
    """Return number and hash of the log's newest row: written down elsewhere, they prove all rows up to it."""
    rows = await connection.execute(
        text(f"SELECT seq, hash FROM complaints.identity_read_head{' FOR UPDATE' if lock else ''}")
    )
    row = rows.one()
    return Head(row.seq, bytes(row.hash))


async def examine(connection: AsyncConnection, *, anchor: bytes | None = None) -> str | None:
    """Return what is wrong with the log, None where every row is what was written.

    anchor: a hash written down earlier, which must be that of a row.
    """
    head, examined = await get_head(connection), Examination(anchor=anchor)
    while examined.at.seq < head.seq:
        page = await _list_rows(connection, after=examined.at.seq)
        if not page or not examined.take([row for row in page if row["seq"] <= head.seq]):
            break
    return examined.end(head)


async def _list_rows(connection: AsyncConnection, *, after: int) -> Sequence[dict[str, Any]]:
    rows = await connection.execute(
        text(
            "SELECT seq, at, recorded_at, code, data, encode(hash, 'hex') AS hash FROM complaints.identity_read "
            "WHERE seq > :after ORDER BY seq LIMIT :limit"
        ),
        {"after": after, "limit": PAGE},
    )
    return [
        {
            "seq": row.seq,
            "at": row.at,
            "recorded_at": row.recorded_at,
            "kind": KIND,
            "subject": row.code,
            "data": orjson.Fragment(row.data),
            "hash": row.hash,
        }
        for row in rows
    ]


async def _log(connection: AsyncConnection, entry: Entry) -> None:
    head = await get_head(connection, lock=True)
    [row] = seal([entry], head=head, recorded_at=machine_now())
    await connection.execute(
        text(
            "WITH added AS (INSERT INTO complaints.identity_read (seq, at, recorded_at, code, data, hash) "
            "VALUES (:seq, :at, :recorded_at, :code, :data, :hash)) "
            "UPDATE complaints.identity_read_head SET seq = :seq, hash = :hash"
        ),
        {
            "seq": row.seq,
            "at": row.at,
            "recorded_at": row.recorded_at,
            "code": row.subject,
            "data": row.data,
            "hash": row.hash,
        },
    )


def _about(code: str) -> str:
    return f"{code}/identity"


def _about_reason(code: str) -> str:
    return f"{code}/{ACT}"
