"""What tests of receipts share: a gateway that keeps its calls, refused recipients, an office with a deputy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import text

from services.notify.policies import file as policy_file
from services.notify.pressing.rules import Rules
from services.notify.receipts import inbox
from services.notify.receipts.inbox import Heard
from shared import db
from shared.events import Holding, UnitDescribed
from shared.worktime import vietnam
from tests.component import harness
from tests.component.office import LAND, OVERSIGHT, Mailbox, Office

KEY = "a key of this test"
HEAD, DEPUTY = "giam.doc@example.vn", "pho.giam.doc@example.vn"


def holding(person: str, **changes: Any) -> Holding:
    given = {
        "post": "H56.12/1",
        "role": "head",
        "title": "Giám đốc Sở",
        "person": person,
        "email": f"{person}@example.vn",
    }
    return Holding.model_validate({**given, **changes})


STAFFED: UnitDescribed = LAND.model_copy(
    update={
        "email": None,
        "posts": (
            holding("giam.doc", phone="0900 000 123"),
            holding("pho.giam.doc", post="H56.12/2", role="deputy", title="Phó Giám đốc Sở"),
        ),
    }
)
UNITS = (OVERSIGHT, STAFFED)
RULES = Rules(policy_file.carried(), vietnam(), carried=frozenset(("email", "sms")))


@dataclass
class Gateway:
    """An HTTP gateway that speaks as Kannel does. taken: the calls. open: whether it answers now."""

    url: str = ""
    taken: list[dict[str, str]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        self.taken.append({name: values[0] for name, values in parse_qs(urlsplit(line).query).items()})
        await self.open.wait()
        body = b"0: Accepted for delivery"
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    def settings(self, **how: object) -> dict[str, object]:
        return {
            "sms_gateway": "kannel", "sms_url": self.url, "receipts_url": "http://notify", "receipts_key": KEY, **how
        }  # fmt: skip


@contextlib.asynccontextmanager
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway()
    made.open.set()
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/cgi-bin/sendsms"
    async with server:
        yield made


def refuse(monkeypatch: pytest.MonkeyPatch, *addresses: str, answer: str = "550 5.1.1 no such user") -> set[str]:
    """Let the relay refuse these recipients; returns the set that says which, to be changed."""
    refused = set(addresses)

    async def rcpt(self: Mailbox, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in refused:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    monkeypatch.setattr(Mailbox, "handle_RCPT", rcpt, raising=False)
    return refused


async def tell(here: Office, taken: dict[str, str], state: int, **more: str) -> httpx.Response:
    """Call the address that came with a message, as the gateway would."""
    url = taken["dlr-url"].replace("%d", str(state)).replace("%T", more.get("time", ""))
    async with harness.caller(here.notify) as http:
        http.headers.pop("X-API-Key")
        answer = await http.get(url.removeprefix("http://notify"))
    await here.settle()
    return answer


async def hear(here: Office, *heard: Heard) -> None:
    """Put things said into the inbox, and wait until they are looked at."""
    async with db.transaction(here.notify.engine) as connection:
        await inbox.put(connection, heard)
    await here.settle()


async def rows(here: Office, sql: str) -> list[Any]:
    async with here.notify.engine.connect() as connection:
        return list((await connection.execute(text(sql))).all())


async def by_channel(here: Office) -> dict[str, dict[str, Any]]:
    """Return the notices of the first head."""
    return {notice["channel"]: notice for notice in await here.notices() if not notice["instead_of"]}


async def instead(here: Office) -> list[dict[str, Any]]:
    """Return the notices in place of others, in the order they were made."""
    found = [notice for notice in await here.notices() if notice["instead_of"]]
    return sorted(found, key=lambda notice: (notice["stored_at"], notice["notice_id"]))


async def cases(here: Office) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in await rows(here, "SELECT kind, unit, outcome FROM notify.operator_case ORDER BY id")]
