"""Feedback of thirty codes on a real PostgreSQL, a service beside it with given keys, and what tests of both ask."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.complaints import main
from services.complaints.secrecy import attachments, identities
from services.complaints.secrecy.envelope import Envelope
from services.complaints.secrecy.identities import Identity
from services.complaints.secrecy.vault import Kept, Vault
from services.complaints.settings import Settings
from shared import db
from shared.program import running
from shared.service import Running
from tests import servers as real
from tests.component import harness
from tests.servers import Database
from tests.unit.complaints import given_files as files

AT = datetime(2026, 11, 20, 2, tzinfo=UTC)
OLD, NEW = (base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"o", b"n"))
WHO = Identity("Nguyễn Thị Bí Mật", "0900 000 123", "thôn 1, xã Mường Lát")
CODE = "PA-2222-3333-4444"
CODES = [f"PA-2222-2222-22{number:02}" for number in range(30, 60)]


async def coming(content: bytes, *, step: int = 64 << 10) -> AsyncIterator[bytes]:
    for at in range(0, len(content), step):
        yield content[at : at + step]


async def whole(of: Vault, kept: Kept, *, code: str = CODE) -> bytes:
    return b"".join([part async for part in of.read(kept, code=code)])


def on_disk(of: Vault) -> list[Path]:
    return [path for path in of.folder.rglob("*") if path.is_file()]


@asynccontextmanager
async def with_feedback(migrated: Database) -> AsyncIterator[AsyncEngine]:
    """The database with feedback of all CODES."""
    made = db.engine(migrated.url("complaints"), name="test", pool=3)
    async with made.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO complaints.complaint (code, secret_hash, text, filed_at, answer_working_days) "
                "SELECT code, sha256(convert_to(code, 'UTF8')), 'x', :at, 15 "
                "FROM unnest(CAST(:codes AS text[])) AS new (code)"
            ),
            {"codes": CODES, "at": AT},
        )
    yield made
    await made.dispose()


@asynccontextmanager
async def serving(nats_url: str, database: Database, *, keys: str, folder: Path) -> AsyncIterator[Running]:
    await harness.make_streams(nats_url)
    settings = Settings(
        nats_url=real.logged_in(nats_url, "complaints"),
        database_url=database.url("complaints"),
        api_key=SecretStr(harness.API_KEY),
        complaints_identity_keys=SecretStr(keys),
        complaints_attachments=folder,
    )
    async with running(main.SERVICE, settings) as started:
        yield started


async def all_bytes(engine: AsyncEngine) -> str:
    """Return every row of every table of the service, as PostgreSQL writes them."""
    async with engine.connect() as connection:
        names = await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'complaints'"))
        rows = [
            (await connection.execute(text(f"SELECT CAST(one AS text) FROM complaints.{name} AS one"))).scalars().all()
            for name in names.scalars()
        ]
    return "\n".join(row for table in rows for row in table)


async def fill(engine: AsyncEngine, vault: Vault, codes: Sequence[str]) -> None:
    """Give each of these an identity and a file."""
    for code in codes:
        kept = await vault.keep(coming(files.PNG), name="ảnh.png", code=code)
        async with engine.begin() as connection:
            await identities.add(connection, vault.envelope, code, WHO)
            await attachments.add(connection, vault, code, [kept], at=AT)


async def read(connection: AsyncConnection, envelope: Envelope, code: str, *, actor: str = "cb-7") -> Identity | None:
    """Read an identity for a reason."""
    return await identities.read(connection, envelope, code, actor=actor, reason="xác minh", at=AT)
