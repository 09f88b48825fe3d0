"""Identities and the log of who read them, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.complaints.secrecy import identities
from services.complaints.secrecy.envelope import Envelope, SealError
from services.complaints.secrecy.identities import Identity
from tests.component.sealed import AT, CODES, OLD, WHO, all_bytes, read, with_feedback
from tests.servers import Database, drop_database, fresh_database


@pytest_asyncio.fixture
async def migrated(postgres_url: str) -> AsyncIterator[Database]:
    made = await fresh_database(postgres_url, migrated=["complaints"])
    yield made
    await drop_database(postgres_url, made)


@pytest_asyncio.fixture
async def engine(migrated: Database) -> AsyncIterator[AsyncEngine]:
    async with with_feedback(migrated) as made:
        yield made


async def test_an_identity_is_read_by_name_and_reason_and_each_read_is_logged(engine: AsyncEngine) -> None:
    envelope = Envelope.of(OLD)
    async with engine.begin() as connection:
        await identities.add(connection, envelope, CODES[0], WHO)
        assert await read(connection, envelope, CODES[0]) == WHO
        assert await read(connection, envelope, CODES[1]) is None
        for actor, reason in (("", "xác minh"), ("cb-7", " ")):
            with pytest.raises(identities.NoReasonError):
                await identities.read(connection, envelope, CODES[0], actor=actor, reason=reason, at=AT)
    async with engine.begin() as connection:
        again = await identities.read(connection, envelope, CODES[0], actor="cb-8", reason=" xác minh ", at=AT)
    assert again == WHO
    async with engine.connect() as connection:
        reads = await identities.list_reads(connection, envelope)
        assert [(one.seq, one.code, one.actor, one.reason, one.at) for one in reads] == [
            (1, CODES[0], "cb-7", "xác minh", AT),
            (2, CODES[0], "cb-8", "xác minh", AT),
        ]
        assert await identities.list_reads(connection, envelope, code=CODES[0], after=1) == reads[1:]
        assert await identities.list_reads(connection, envelope, code=CODES[1]) == []
    everything = await all_bytes(engine)
    assert "cb-8" in everything
    for planted in (str(WHO.name), str(WHO.contact), str(WHO.address), "Bí Mật"):
        assert planted not in everything
        assert planted.encode().hex() not in everything


async def test_a_read_that_is_rolled_back_leaves_no_row_and_the_chain_whole(engine: AsyncEngine) -> None:
    envelope = Envelope.of(OLD)
    async with engine.begin() as connection:
        await identities.add(connection, envelope, CODES[0], WHO)
    async with engine.connect() as connection:
        assert await read(connection, envelope, CODES[0]) == WHO
        await connection.rollback()
    async with engine.connect() as connection:
        assert await identities.list_reads(connection, envelope) == []
        assert await identities.examine(connection) is None


async def test_the_log_of_reads_cannot_be_changed_and_shows_it_where_it_was(
    engine: AsyncEngine, migrated: Database
) -> None:
    envelope = Envelope.of(OLD)
    async with engine.begin() as connection:
        await identities.add(connection, envelope, CODES[0], WHO)
        for number in range(4):
            await identities.read(connection, envelope, CODES[0], actor=f"cb-{number}", reason="xác minh", at=AT)
        head = await identities.get_head(connection)
    for statement in (
        "UPDATE complaints.identity_read SET data = '{}'",
        "DELETE FROM complaints.identity_read",
        "TRUNCATE complaints.identity_read",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            async with engine.begin() as connection:
                await connection.execute(text(statement))
    async with engine.connect() as connection:
        assert await identities.examine(connection, anchor=head.hash) is None
    async with engine.begin() as connection:  # as somebody could who owns the database
        await connection.execute(text("ALTER TABLE complaints.identity_read DISABLE TRIGGER identity_read_kept"))
        await connection.execute(
            text("UPDATE complaints.identity_read SET data = replace(data, 'cb-2', 'cb-9') WHERE seq = 3")
        )
    async with engine.connect() as connection:
        assert "row 3" in (await identities.examine(connection) or "")


async def test_an_identity_is_never_overwritten_and_opens_for_its_own_feedback_alone(
    engine: AsyncEngine,
) -> None:
    envelope = Envelope.of(OLD)
    async with engine.begin() as connection:
        await identities.add(connection, envelope, CODES[0], WHO)
        await identities.add(connection, envelope, CODES[1], Identity("Trần B", None, None))
    with pytest.raises(DBAPIError):
        async with engine.begin() as connection:
            await identities.add(connection, envelope, CODES[0], Identity("Người khác", None, None))
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE complaints.identity AS mine SET sealed = other.sealed FROM complaints.identity AS other "
                "WHERE mine.code = :mine AND other.code = :other"
            ),
            {"mine": CODES[0], "other": CODES[1]},
        )
        with pytest.raises(SealError):
            await read(connection, envelope, CODES[0])
        assert await identities.list_reads(connection, envelope) == []
