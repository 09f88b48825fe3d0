"""A secret of the installation that never changes: digests made with it cannot be tried out by who has the database.

It is kept under seal, so a change of keys rewraps it and the digests stay.
"""

from __future__ import annotations

import hmac
import secrets

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.secrecy.envelope import Envelope, SealError

NAME = "pepper"
DDL = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.secret (
        name text PRIMARY KEY,
        sealed bytea STORAGE EXTERNAL NOT NULL
    )
    """,
)


async def get(connection: AsyncConnection, envelope: Envelope) -> bytes | None:
    """Return it, made at the first call; None where none of the keys opens it, which `keys status` tells."""
    made = envelope.seal(secrets.token_bytes(32), about=NAME)
    await connection.execute(
        text("INSERT INTO complaints.secret (name, sealed) VALUES (:name, :sealed) ON CONFLICT DO NOTHING"),
        {"name": NAME, "sealed": made},
    )
    rows = await connection.execute(text("SELECT sealed FROM complaints.secret WHERE name = :name"), {"name": NAME})
    try:
        return envelope.open(rows.scalar_one(), about=NAME)
    except SealError:
        return None


def digest(pepper: bytes, *words: str) -> bytes:
    """Return HMAC-SHA256 of some words (RFC 2104)."""
    return hmac.digest(pepper, "\0".join(words).encode(), "sha256")
