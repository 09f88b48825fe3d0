"""A stack of its own at work: a driven clock, units with heads, dossiers that become overdue, mails to a relay."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
from aiosmtpd.smtp import SMTP
from nats.aio.client import Client

from dondoc.drive import Driver, Timed, driving
from dondoc.simulate.province import demo_directory
from dondoc.stack import nats as nats_stack
from dondoc.stack import running
from shared.secrets import KEY_HEADER
from tests import servers as real

UNITS = 20
START = datetime.fromisoformat("2026-11-02T08:00:00+07:00")


@dataclass
class SmtpServer:
    """Takes mail. answers: what it says to a recipient in place of taking it."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    mails: list[tuple[str, str, str]] = field(default_factory=list)  # to, subject, text

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        body = message.get_body(("plain",))
        self.mails.append((envelope.rcpt_tos[0], str(message["Subject"]), body.get_content() if body else ""))
        return "250 taken"


@contextlib.asynccontextmanager
async def smtp_server() -> AsyncIterator[SmtpServer]:
    box = SmtpServer()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(box, hostname="relay", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()


@dataclass
class Scene:
    """A running stack and the ways to it. admin: a superuser's connection to its database."""

    data: Path
    at: running.Running
    relay: SmtpServer
    client: Client
    driver: Driver
    http: httpx.AsyncClient
    admin_url: str
    sent: int = 0

    def pid(self, service: str) -> int:
        """Return the process of a service as it runs now, 0 while it does not."""
        told = running.read_down(self.data)
        assert told
        return told.programs[service].pid

    async def sql(self, *statements: str) -> list[Any]:
        """Run statements as a superuser; returns the rows of the last."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return list(await connection.fetch(statements[-1]))
        finally:
            await connection.close()

    def dossier(self, *, unit: int, due: str) -> dict[str, str]:
        self.sent += 1
        return {
            "MaHoSo": f"000.00.{unit:02}.H56-261102-{self.sent:04}",
            "MaTTHC": "1.004746",
            "TenLinhVuc": "Hộ tịch",
            "ChuHoSo": "Công dân 0001",
            "NgayTiepNhan": "20261102081000",
            "NgayHenTra": due,
            "TrangThaiHoSo": "2",
            "NgayKetThucXuLy": "",
        }

    async def feed(self, *dossiers: Mapping[str, str], source: str = "motcua-1") -> None:
        """Send dossiers, a message each, as of the present business time."""
        at = self.driver.at + timedelta(seconds=1)
        bodies = [{"session": "", "madonvi": "000.00.12.H56", "service": "DongBoHoSoMC", "data": [d]} for d in dossiers]
        await self.driver.publish([Timed(at, source, orjson.dumps(body)) for body in bodies])

    async def move_to(self, at: str) -> None:
        await self.driver.play((), until=datetime.fromisoformat(at))

    async def complain(self, text: str) -> int:
        """File a feedback; returns the answer's status."""
        url = f"{self.at.http_urls['complaints']}/v1/complaints"
        return (await self.http.post(url, json={"text": text, "unit": "000.00.03.H56"})).status_code


async def unmoved(_: Exception) -> None:
    """The server is gone because the test has stopped it."""


@contextlib.asynccontextmanager
async def scene(data: Path, *, admin_url: str = "", env: Mapping[str, str] | None = None) -> AsyncIterator[Scene]:
    """Run a stack in an existing folder, its gauges sampled each second. admin_url, env: of own servers."""
    async with contextlib.AsyncExitStack() as parts:
        relay = await parts.enter_async_context(smtp_server())
        settings = {
            "DONDOC_CLOCK": "driven",
            "DONDOC_OBSERVE_SECONDS": "1",
            "DONDOC_NOTIFY_SEND": "live",
            "DONDOC_NOTIFY_SMTP_PORT": str(relay.port),
            **(env or {}),
        }
        at = await asyncio.to_thread(parts.enter_context, real.running_stack(data, env=settings))
        http = await parts.enter_async_context(httpx.AsyncClient(headers={KEY_HEADER: at.api_key}, timeout=10))
        (await http.post(f"{at.http_urls['intake']}/v1/directory", content=demo_directory(UNITS))).raise_for_status()
        patient = {"max_reconnect_attempts": -1, "reconnect_time_wait": 1, "error_cb": unmoved}
        client = await parts.enter_async_context(nats_stack.client(at, **patient))
        driver = await parts.enter_async_context(driving(client, start=START, patience_s=300))
        yield Scene(data, at, relay, client, driver, http, admin_url)
