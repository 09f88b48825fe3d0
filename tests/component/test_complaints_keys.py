"""`dondoc complaints keys` against the service: what is under which key, and all of it under the newest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from services.complaints.secrecy import identities
from services.complaints.secrecy.envelope import Envelope
from tests import servers as real
from tests.component import harness
from tests.component.sealed import CODES, NEW, OLD, WHO, with_feedback
from tests.component.test_import import Office, answering

KEYS = "DONDOC_COMPLAINTS_IDENTITY_KEYS"


@pytest_asyncio.fixture
async def sealed(postgres_url: str) -> AsyncIterator[real.Database]:
    """Thirty identities under the old key."""
    database = await real.fresh_database(postgres_url, migrated=["complaints"])
    async with with_feedback(database) as engine, engine.begin() as connection:
        for code in CODES:
            await identities.add(connection, Envelope.of(OLD), code, WHO)
    yield database
    await real.drop_database(postgres_url, database)


async def test_an_operator_sees_the_keys_changes_them_and_is_told_of_one_that_is_missing(
    nats_url: str, sealed: real.Database, tmp_path: Path
) -> None:
    old, new = (Envelope.of(key).newest.hex() for key in (OLD, NEW))
    await harness.make_streams(nats_url)

    def told(keys: str, *command: str, code: int = 0) -> str:
        given = {"nats_url": nats_url, "database": sealed, "folder": tmp_path, "more": {KEYS: keys}}
        with answering("complaints", **given) as url:  # type: ignore[arg-type]
            done = Office(tmp_path, complaints=url).run("complaints", "keys", *command)
        assert done.returncode == code, done.stderr.decode()
        return (done.stdout + done.stderr).decode()

    both = f"{NEW},{OLD}"
    assert f"{old}         30 sealed  needed; `dondoc complaints keys rotate`" in told(both, "status")
    missing = told(NEW, "status", code=1)
    assert f"no key opens what is sealed under {old} (30 sealed): put that key back into {KEYS}" in missing
    changed = told(both, "rotate")
    assert changed.startswith("30 sealed things put under the newest key\n")
    assert f"{new}         31 sealed  the newest" in changed  # with the pepper of the first start
    assert f"{old}          0 sealed  not needed any more" in changed
    assert told(NEW, "status") == f"{new}         31 sealed  the newest: what is new is sealed under it\n"
    assert OLD not in changed + missing
