"""Rows of attachments, files without one, the change of keys and the start without any, on real servers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.complaints import main
from services.complaints.secrecy import attachments, rotation, sweeping
from services.complaints.secrecy.configured import settings_of, vault_of
from services.complaints.secrecy.envelope import Envelope, KeysError
from services.complaints.secrecy.refusing import RefusedFile
from services.complaints.secrecy.rotation import SEALED, Sealed
from services.complaints.settings import Settings
from tests.component import harness
from tests.component.sealed import (
    AT,
    CODES,
    NEW,
    OLD,
    WHO,
    all_bytes,
    coming,
    fill,
    on_disk,
    read,
    serving,
    whole,
    with_feedback,
)
from tests.servers import Database, drop_database, fresh_database
from tests.unit.complaints import given_files as files


@pytest_asyncio.fixture
async def migrated(postgres_url: str) -> AsyncIterator[Database]:
    made = await fresh_database(postgres_url, migrated=["complaints"])
    yield made
    await drop_database(postgres_url, made)


@pytest_asyncio.fixture
async def engine(migrated: Database) -> AsyncIterator[AsyncEngine]:
    async with with_feedback(migrated) as made:
        yield made


async def test_attachments_are_found_with_their_names_and_no_more_than_may_be(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    vault = vault_of(Settings(complaints_identity_keys=SecretStr(OLD), data=tmp_path, complaints_attachment_files=2))
    assert vault.folder == tmp_path / "attachments"
    kept = [await vault.keep(coming(files.PNG), name=f"ảnh {number}.png", code=CODES[0]) for number in range(3)]
    async with engine.begin() as connection:
        with pytest.raises(RefusedFile):
            await attachments.add(connection, vault, CODES[0], kept, at=AT)
        await attachments.add(connection, vault, CODES[0], kept[:2], at=AT)
        with pytest.raises(RefusedFile):
            await attachments.add(connection, vault, CODES[0], kept[2:], at=AT)
        found = await attachments.list_of(connection, vault, CODES[0])
        assert {one.name for one in found} == {"ảnh 0.png", "ảnh 1.png"}
        assert await attachments.find(connection, vault, CODES[0], kept[1].id) == kept[1]
        assert await attachments.find(connection, vault, CODES[1], kept[1].id) is None
        assert await whole(vault, found[0], code=CODES[0]) == files.PNG
    assert "ảnh".encode().hex() not in await all_bytes(engine)


async def test_files_without_a_row_are_swept_once_they_are_old(
    nats_url: str, migrated: Database, engine: AsyncEngine, tmp_path: Path
) -> None:
    async with serving(nats_url, migrated, keys=OLD, folder=tmp_path) as started:
        vault = vault_of(settings_of(started))
        await fill(engine, vault, CODES[:3])
        orphan = await vault.keep(coming(files.PNG), name="a.png", code=CODES[5])
        draft = tmp_path / orphan.id[:2] / f"{'0' * 32}.new"
        draft.write_bytes(b"x")
        assert await sweeping.sweep(started, vault.folder, older_than_s=3600) == 0
        for file in on_disk(vault):
            os.utime(file, (0, 0))
        assert await sweeping.sweep(started, vault.folder, older_than_s=3600) == 2
        assert len(on_disk(vault)) == 3
        async with engine.begin() as connection:
            await connection.execute(text("DELETE FROM complaints.attachment WHERE code = :code"), {"code": CODES[0]})
        assert await sweeping.sweep(started, vault.folder, older_than_s=3600) == 1
        async with engine.connect() as connection:
            [kept] = await attachments.list_of(connection, vault, CODES[1])
        assert await whole(vault, kept, code=CODES[1]) == files.PNG


async def turns(client: httpx.AsyncClient, *, limit: int, at_most: int = 100) -> list[dict[str, int]]:
    done: list[dict[str, int]] = []
    after: str | None = ""
    while after is not None and len(done) < at_most:
        answer = await client.post("/v1/complaints/keys/rotation", params={"after": after, "limit": limit})
        assert answer.status_code == 200
        done.append(answer.json())
        after = answer.json()["next"]
    return done


async def test_keys_are_changed_turn_by_turn_broken_off_and_gone_on_with(
    nats_url: str, migrated: Database, engine: AsyncEngine, tmp_path: Path
) -> None:
    old, new = (Envelope.of(key).newest.hex() for key in (OLD, NEW))
    async with serving(nats_url, migrated, keys=OLD, folder=tmp_path) as started:
        await fill(engine, vault_of(settings_of(started)), CODES)
    before = {file: file.read_bytes() for file in on_disk(vault_of(settings_of(started)))}
    both = f"{NEW},{OLD}"
    async with serving(nats_url, migrated, keys=both, folder=tmp_path) as started, harness.caller(started) as client:
        path = "/v1/complaints/keys/rotation"
        told = (await client.get(path)).json()
        assert told == {
            "keys": [
                {"key": new, "newest": True, "sealed": 0}, {"key": old, "newest": False, "sealed": 61}
            ], "left": 61, "unknown": {},
        }  # fmt: skip
        assert sum(turn["rewrapped"] for turn in await turns(client, limit=7, at_most=3)) == 21
        assert (await client.get(path)).json()["left"] == 40
        rest = await turns(client, limit=7)
        assert sum(turn["rewrapped"] for turn in rest) == 40
        assert sum(turn["broken"] for turn in rest) == 0
        assert (await client.get(path)).json()["left"] == 0
        assert sum(turn["rewrapped"] for turn in await turns(client, limit=7)) == 0
        for odd in ("9/", "x", "-1/a"):
            assert (await client.post(path, params={"after": odd})).status_code == 422
        client.headers.pop("X-API-Key")
        assert (await client.get(path)).status_code == (await client.post(path)).status_code == 401
    async with serving(nats_url, migrated, keys=NEW, folder=tmp_path) as started, engine.begin() as connection:
        vault = vault_of(settings_of(started))
        assert await read(connection, vault.envelope, CODES[9]) == WHO
        [kept] = await attachments.list_of(connection, vault, CODES[9])
        assert await whole(vault, kept, code=CODES[9]) == files.PNG
        assert {file: file.read_bytes() for file in on_disk(vault)} == before


async def test_what_no_key_opens_is_told_and_passed_over(
    nats_url: str, migrated: Database, engine: AsyncEngine, tmp_path: Path
) -> None:
    async with serving(nats_url, migrated, keys=OLD, folder=tmp_path) as started:
        await fill(engine, vault_of(settings_of(started)), CODES[:3])
    async with serving(nats_url, migrated, keys=NEW, folder=tmp_path) as started, harness.caller(started) as client:
        told = (await client.get("/v1/complaints/keys/rotation")).json()
        assert told["unknown"] == {Envelope.of(OLD).newest.hex(): 7}
        assert [(turn["rewrapped"], turn["broken"]) for turn in await turns(client, limit=2)][:2] == [(0, 2), (0, 1)]


async def test_columns_with_numbers_for_keys_are_changed_too(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "SEALED", (Sealed("trial", "note", "id", "bigint"),))
    old, new = Envelope.of(OLD), Envelope.of(f"{NEW},{OLD}")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE complaints.trial (id bigint PRIMARY KEY, note bytea)"))
        await connection.execute(
            text("INSERT INTO complaints.trial SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:notes AS bytea[]))"),
            {"ids": list(range(12)), "notes": [old.seal(b"x", about=str(id)) if id % 4 else None for id in range(12)]},
        )
        found, after = [], ""
        while True:
            turn = await rotation.rotate(connection, new, batch=4, after=after)
            found.append(turn.rewrapped)
            if turn.next is None:
                break
            after = turn.next
        assert found == [4, 4, 1]
        assert await rotation.count(connection) == {new.newest.hex(): 9}


# Columns of bytes that the envelope does not seal, and why.
NOT_SEALED = {
    ("outbox", "body"): "events",
    ("quarantine", "raw"): "messages, under DONDOC_SEAL_KEYS",
    ("quarantine", "digest"): "a hash",
    ("complaint", "secret_hash"): "a hash",
    ("officer", "key_hash"): "a hash",
    ("origin", "ref"): "a hash",
    ("identity_read", "hash"): "the chain",
    ("identity_read_head", "hash"): "the chain",
}


async def test_every_column_of_bytes_is_rotated_or_is_known_not_to_be_sealed(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns "
                "WHERE table_schema = 'complaints' AND data_type = 'bytea'"
            )
        )
        there = {(row.table_name, row.column_name) for row in rows}
    assert there - NOT_SEALED.keys() == {(one.table, one.column) for one in SEALED}


@pytest.mark.parametrize("keys", ["", "no key"])
async def test_the_service_does_not_start_without_keys(
    nats_url: str, migrated: Database, tmp_path: Path, keys: str
) -> None:
    with pytest.raises(KeysError, match="DONDOC_COMPLAINTS_IDENTITY_KEYS"):
        async with serving(nats_url, migrated, keys=keys, folder=tmp_path):
            pass


def test_a_start_without_keys_ends_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DONDOC_COMPLAINTS_IDENTITY_KEYS", raising=False)
    with pytest.raises(SystemExit, match="complaints: DONDOC_COMPLAINTS_IDENTITY_KEYS is not set"):
        main.main()
