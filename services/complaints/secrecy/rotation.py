"""Changing the keys: what is sealed under older ones is put under the newest, some rows at a time. SQL.

Only the wrapped data keys change. There is no state of a rotation beside the rows themselves: one that was broken off
goes on where rows are left.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.secrecy.envelope import ID_AT, KEY_ID, Envelope, SealError


class Sealed(NamedTuple):
    """A column of sealed things. key: the column by which its rows are known. type: of that, in SQL."""

    table: str
    column: str
    key: str
    type: str = "text"


# Every column that holds what the envelope sealed. One that is not here is lost when an old key is taken away.
SEALED: tuple[Sealed, ...] = (
    Sealed("identity", "sealed", "code"),
    Sealed("attachment", "sealed", "id"),
    Sealed("complaint", "sealed", "id", "bigint"),
    Sealed("complaint", "sealed_answer", "id", "bigint"),
    Sealed("step", "note", "id", "bigint"),
    Sealed("secret", "sealed", "name"),
)
KEY_OF = f"substring({{column}} FROM {ID_AT + 1} FOR {KEY_ID})"


class Turn(NamedTuple):
    """One turn of a rotation. rewrapped: rows. broken: rows that no key opens, left as they are.

    next: where the next turn begins, None where all columns are through.
    """

    rewrapped: int
    broken: int
    next: str | None


async def count(connection: AsyncConnection) -> dict[str, int]:
    """Return how many sealed things there are under each key, by its id in hexadecimal."""
    found: Counter[str] = Counter()
    for one in SEALED:
        rows = await connection.execute(
            text(
                f"SELECT encode({KEY_OF.format(column=one.column)}, 'hex') AS key, count(*) AS number "
                f"FROM complaints.{one.table} WHERE {one.column} IS NOT NULL GROUP BY 1"
            )
        )
        found.update({row.key: row.number for row in rows})
    return dict(sorted(found.items()))


async def rotate(connection: AsyncConnection, envelope: Envelope, *, batch: int, after: str = "") -> Turn:
    """Put up to `batch` rows under the newest key. after: `next` of the turn before, empty at the beginning.

    Rows that are locked are waited for. raises: ValueError - `after` is no place of ours.
    """
    column, key = _place(after)
    one = SEALED[column]
    rows = await connection.execute(
        text(
            f"SELECT {one.key} AS key, {one.column} AS blob FROM complaints.{one.table} "
            f"WHERE {one.column} IS NOT NULL AND {KEY_OF.format(column=one.column)} <> :newest "
            f"AND (CAST(:key AS {one.type}) IS NULL OR {one.key} > CAST(:key AS {one.type})) "
            f"ORDER BY {one.key} LIMIT :batch FOR UPDATE"
        ),
        {"newest": envelope.newest, "key": _typed(one, key), "batch": batch},
    )
    found = rows.all()
    new = {row.key: blob for row in found if (blob := _rewrapped(envelope, bytes(row.blob)))}
    if new:
        await connection.execute(
            text(
                f"UPDATE complaints.{one.table} AS old SET {one.column} = new.blob FROM "
                f"unnest(CAST(:keys AS {one.type}[]), CAST(:blobs AS bytea[])) AS new (key, blob) "
                f"WHERE old.{one.key} = new.key"
            ),
            {"keys": list(new), "blobs": list(new.values())},
        )
    behind = f"{column + 1}/" if column + 1 < len(SEALED) else None
    return Turn(len(new), len(found) - len(new), next=f"{column}/{found[-1].key}" if len(found) == batch else behind)


def _rewrapped(envelope: Envelope, blob: bytes) -> bytes | None:
    try:
        return envelope.rewrap(blob)
    except SealError:
        return None


def _place(after: str) -> tuple[int, str]:
    column, _, key = after.partition("/")
    number = int(column or 0)
    if not 0 <= number < len(SEALED):
        raise ValueError("no place of a rotation")
    return number, key


def _typed(one: Sealed, key: str) -> str | int | None:
    if not key:
        return None
    return int(key) if one.type == "bigint" else key
