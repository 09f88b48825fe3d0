"""notify with providers of the test's choice, and notices put straight into its table."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml
from nats.aio.client import Client
from sqlalchemy import text

from services.notify.main import service
from services.notify.policies.file import CARRIED
from services.notify.settings import NotifySettings
from shared.service import Running
from tests.component import harness
from tests.servers import Database, drop_database, fresh_database
from tests.waiting import PATIENCE_S, until


@pytest_asyncio.fixture
async def migrated(postgres_url: str) -> AsyncIterator[Database]:
    made = await fresh_database(postgres_url, migrated=["notify"])
    yield made
    await drop_database(postgres_url, made)


@dataclass
class House:
    """notify at work; `put` gives it something to send."""

    notify: Running
    client: Client

    async def put(self, number: int = 1, *, channel: str = "email", to: str = "", first: int = 0) -> list[str]:
        ids = [f"{channel}-{first + at:05d}" for at in range(number)]
        async with self.notify.engine.begin() as connection:
            await put(connection, ids, channel=channel, to=to)
        return ids

    async def rows(self, columns: str = "*") -> list[Any]:
        async with self.notify.engine.connect() as connection:
            found = await connection.execute(text(f"SELECT {columns} FROM notify.notice ORDER BY id"))
            return list(found.all())

    async def until(self, condition: str, *, number: int, within_s: float = PATIENCE_S) -> None:
        """Return once so many notices meet a condition in SQL."""
        await until(lambda: self.count(condition), lambda found: found >= number, within_s=within_s, what=condition)

    async def count(self, condition: str) -> int:
        async with self.notify.engine.connect() as connection:
            found = await connection.execute(text(f"SELECT count(*) FROM notify.notice WHERE {condition}"))
            return int(found.scalar_one())

    def caller(self) -> httpx.AsyncClient:
        return harness.caller(self.notify)


async def put(connection: Any, ids: list[str], *, channel: str, to: str = "") -> None:
    """Store notices as digests would."""
    whom = to or {"email": "h{}@example.vn", "sms": "0900{:06d}", "webhook": "webhook"}[channel]
    await connection.execute(
        text(
            "INSERT INTO notify.notice (id, post, role, channel, slot, status, recipient, subject, text_body, "
            "html_body, items, stored_at) SELECT id, 'H56.' || id, 'head', :channel, now(), 'stored', recipient, "
            "'Đôn đốc', 'Xin chao', '<p>x</p>', 1, now() FROM unnest(CAST(:ids AS text[]), CAST(:to AS text[])) "
            "AS n(id, recipient)"
        ),
        {"channel": channel, "ids": ids, "to": [whom.format(at) for at in range(len(ids))]},
    )


SECRET = "right-horse"
CENTRE_SECRET = SECRET[:8]  # SMPP carries no more
Open = Callable[..., contextlib.AbstractAsyncContextManager[House]]


@pytest.fixture
def house(nats_url: str, migrated: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a house: `house([{provider…}, …])`.

    Secrets are all SECRET, a message centre's its beginning; there is no night, whenever the tests run.
    """

    @contextlib.asynccontextmanager
    async def opened(*providers: dict[str, Any], **how: Any) -> AsyncIterator[House]:
        for name, secret in (("RELAY", SECRET), ("CENTRE", CENTRE_SECRET), ("HOOK", SECRET)):
            monkeypatch.setenv(f"DONDOC_NOTIFY_SECRET_{name}", secret)
        path = tmp_path / "providers.yaml"
        path.write_text(yaml.safe_dump({"providers": list(providers)}))
        awake = tmp_path / "policy.yaml"
        awake.write_text(yaml.safe_dump(yaml.safe_load(CARRIED.read_text("utf-8")) | {"quiet_hours": None}))
        given = NotifySettings(**{"send": "live", "providers": path, "policy": awake, **how})
        async with (
            harness.connected(nats_url) as client,
            harness.services(service(given), nats_url=nats_url, database=migrated) as started,
        ):
            yield House(started["notify"], client)

    return opened


def smtp(port: int, name: str = "relay", **how: Any) -> dict[str, Any]:
    """Return a relay on loopback as the file describes it."""
    told = {"name": name, "channel": "email", "kind": "smtp", "host": "127.0.0.1", "port": port, "tls": "none"}
    return {**told, "timeout_s": 3, **how}
