"""The rows of attachments: what a feedback has, and which files no row knows. SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.secrecy.vault import Kept, Vault

DDL = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.attachment (
        id text PRIMARY KEY,
        code text NOT NULL REFERENCES {schema}.complaint (code),
        sealed bytea NOT NULL,
        type text NOT NULL,
        size bigint NOT NULL,
        at timestamptz NOT NULL
    )
    """,  # id: the name of the file; sealed: the sender's name for it and its key; size: bytes of content
    "ALTER TABLE {schema}.attachment ALTER COLUMN sealed SET STORAGE EXTERNAL",
    "CREATE INDEX IF NOT EXISTS attachment_code ON {schema}.attachment (code, at, id)",
)


async def add(connection: AsyncConnection, vault: Vault, code: str, kept: Sequence[Kept], *, at: datetime) -> None:
    """Add files that the vault has written to a feedback, whose row is locked, or new in this transaction.

    raises: RefusedFile - with those that it has by now they are too many; their files go with the next sweep.
    """
    if not kept:
        return
    known = await connection.execute(text("SELECT size FROM complaints.attachment WHERE code = :code"), {"code": code})
    _check(vault, kept, sizes=list(known.scalars()))
    await _insert(connection, {code: kept}, at=at)


async def add_new(
    connection: AsyncConnection, vault: Vault, by_code: Mapping[str, Sequence[Kept]], *, at: datetime
) -> None:
    """Add files to feedback that is new in this transaction. raises: RefusedFile - they are too many of one."""
    for kept in by_code.values():
        _check(vault, kept, sizes=[])
    await _insert(connection, by_code, at=at)


def _check(vault: Vault, kept: Sequence[Kept], *, sizes: list[int]) -> None:
    for one in kept:
        vault.limits.check(sizes, coming=one.size)
        sizes.append(one.size)


async def _insert(connection: AsyncConnection, by_code: Mapping[str, Sequence[Kept]], *, at: datetime) -> None:
    rows = [(code, one) for code, kept in by_code.items() for one in kept]
    if not rows:
        return
    await connection.execute(
        text(
            "INSERT INTO complaints.attachment (id, code, sealed, type, size, at) "
            "SELECT id, code, sealed, type, size, :at FROM unnest(CAST(:ids AS text[]), CAST(:codes AS text[]), "
            "CAST(:sealed AS bytea[]), CAST(:types AS text[]), CAST(:sizes AS bigint[])) "
            "AS new (id, code, sealed, type, size)"
        ),
        {
            "at": at,
            "ids": [one.id for _, one in rows],
            "codes": [code for code, _ in rows],
            "sealed": [one.sealed for _, one in rows],
            "types": [one.type for _, one in rows],
            "sizes": [one.size for _, one in rows],
        },
    )


async def list_of(connection: AsyncConnection, vault: Vault, code: str) -> list[Kept]:
    """Return the attachments of a feedback in the order they came. raises: SealError."""
    rows = await connection.execute(
        text("SELECT id, type, size, sealed FROM complaints.attachment WHERE code = :code ORDER BY at, id"),
        {"code": code},
    )
    return [Kept(row.id, vault.name_of(row.id, row.sealed, code=code), row.type, row.size, row.sealed) for row in rows]


async def find(connection: AsyncConnection, vault: Vault, code: str, id: str) -> Kept | None:
    """Return one attachment of a feedback, None where it has none of this id. raises: SealError."""
    return next((one for one in await list_of(connection, vault, code) if one.id == id), None)


async def list_unknown(connection: AsyncConnection, ids: Sequence[str]) -> list[str]:
    """Return those of `ids` that no row has."""
    rows = await connection.execute(
        text("SELECT id FROM unnest(CAST(:ids AS text[])) AS on_disk (id) EXCEPT SELECT id FROM complaints.attachment"),
        {"ids": list(ids)},
    )
    return sorted(rows.scalars())
