"""Who works on feedback: opaque ids, units, roles, keys. Their SQL.

Names stay in the directory. A key is shown once and kept as its SHA-256; see services.intake.sources.keys for why.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.permissions import Actor, Role

OPERATOR = Actor("operator", None, None, frozenset(("operator",)))
SENDER, SYSTEM, PORTAL = "sender", "system", "portal"  # actors of history that are no officers
OfficerRole = Literal["sorter", "handler", "inspector", "confidant", "identity_reader", "auditor"]
OF_UNIT: tuple[OfficerRole, ...] = ("handler", "confidant")  # see nothing without one
Opaque = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


CHANGE_DDL = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.officer_change (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL,
        officer text NOT NULL,
        unit text,
        person text,
        roles text[] NOT NULL
    )
    """,
    """
    CREATE OR REPLACE FUNCTION {schema}.keep_officer_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'who changed officers is append-only' USING ERRCODE = 'insufficient_privilege'; END $$
    """,
    "CREATE OR REPLACE TRIGGER officer_change_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.officer_change "
    "FOR EACH STATEMENT EXECUTE FUNCTION {schema}.keep_officer_change()",
)  # roles: those from then on; none: disabled


class Given(BaseModel):
    """An officer as the operator gives it. person: as posts have it, so that the accused is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    unit: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    person: Opaque | None = None
    roles: Annotated[list[OfficerRole], Field(min_length=1)]

    @model_validator(mode="after")
    def _has_a_unit(self) -> Given:
        if self.unit is None and (of_unit := [role for role in self.roles if role in OF_UNIT]):
            raise ValueError(f"a {of_unit[0]} sees what is given to the own unit: name its code as `unit`")
        return self


class Change(NamedTuple):
    """What an officer may from then on; no roles: nothing."""

    id: int
    at: datetime
    officer: str
    unit: str | None
    person: str | None
    roles: Sequence[Role]


class Officer(NamedTuple):
    """disabled_at: since when the key opens nothing."""

    id: str
    unit: str | None
    person: str | None
    roles: Sequence[Role]
    disabled_at: datetime | None
    made_at: datetime


def new_key() -> tuple[str, str]:
    """Return the id of a new key, which is no secret, and the key `do_<id>_<43 characters>` itself."""
    id = secrets.token_hex(6)
    return id, f"do_{id}_{secrets.token_urlsafe(32)}"


def id_of(key: str) -> str | None:
    """Return the id in a key, None where it is none of an officer."""
    kind, _, rest = key.partition("_")
    id, _, secret = rest.partition("_")
    return id if kind == "do" and len(id) == 12 and len(secret) == 43 else None


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


async def put(connection: AsyncConnection, id: str, given: Given, *, key_id: str, key: str, at: datetime) -> None:
    """Make an officer, or give one other rights; the key is a new one each time, and the officer is enabled."""
    await connection.execute(
        text(
            "INSERT INTO complaints.officer (id, unit, person, roles, key_id, key_hash, made_at) "
            "VALUES (:id, :unit, :person, :roles, :key_id, :hash, :at) ON CONFLICT (id) DO UPDATE SET "
            "unit = excluded.unit, person = excluded.person, roles = excluded.roles, key_id = excluded.key_id, "
            "key_hash = excluded.key_hash, disabled_at = NULL"
        ),
        {
            **given.model_dump(),
            "id": id,
            "key_id": key_id,
            "hash": digest(key),
            "at": at,
        },
    )
    await _note(connection, id, given.unit, given.person, given.roles, at=at)


async def disable(connection: AsyncConnection, id: str, *, at: datetime) -> bool:
    """Let an officer's key open nothing from now on. returns: whether there is such an officer."""
    rows = await connection.execute(
        text("UPDATE complaints.officer SET disabled_at = coalesce(disabled_at, :at) WHERE id = :id RETURNING id"),
        {"id": id, "at": at},
    )
    if rows.first() is None:
        return False
    await _note(connection, id, None, None, [], at=at)
    return True


async def _note(
    connection: AsyncConnection, id: str, unit: str | None, person: str | None, roles: Sequence[str], *, at: datetime
) -> None:
    await connection.execute(
        text(
            "INSERT INTO complaints.officer_change (at, officer, unit, person, roles) "
            "VALUES (:at, :id, :unit, :person, :roles)"
        ),
        {"at": at, "id": id, "unit": unit, "person": person, "roles": list(roles)},
    )


async def list_changes(connection: AsyncConnection, *, after: int, limit: int) -> list[Change]:
    """Return what officers were given and lost, in order, behind the change `after`."""
    rows = await connection.execute(
        text(
            "SELECT id, at, officer, unit, person, roles FROM complaints.officer_change WHERE id > :after "
            "ORDER BY id LIMIT :limit"
        ),
        {"after": after, "limit": limit},
    )
    return [Change(*row) for row in rows]


async def list_all(connection: AsyncConnection) -> list[Officer]:
    rows = await connection.execute(
        text("SELECT id, unit, person, roles, disabled_at, made_at FROM complaints.officer ORDER BY id")
    )
    return [Officer(*row) for row in rows]


async def with_key(connection: AsyncConnection, key: str) -> Actor | None:
    """Return the officer whose key it is."""
    if (key_id := id_of(key)) is None:
        return None
    rows = await connection.execute(
        text(
            "SELECT id, unit, person, roles, key_hash FROM complaints.officer "
            "WHERE key_id = :key_id AND disabled_at IS NULL"
        ),
        {"key_id": key_id},
    )
    row: Any = rows.one_or_none()
    if row is None or not secrets.compare_digest(row.key_hash, digest(key)):
        return None
    return Actor(row.id, row.unit, row.person, frozenset(row.roles))
