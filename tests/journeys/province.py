"""A whole small province for journeys: five services in this process, real servers, a mailbox, and the clock."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import orjson

from dondoc.demo.mailbox import Mailbox, mailbox
from dondoc.drive import Driver, Timed, driving
from dondoc.simulate.province import demo_directory
from dondoc.stack.layout import OPERATOR
from services.complaints.main import SERVICE as COMPLAINTS
from services.complaints.settings import Settings as ComplaintsSettings
from services.console.main import SERVICE as CONSOLE
from services.console.settings import Settings as ConsoleSettings
from services.deadline.main import SERVICE as DEADLINE
from services.intake import directory, directory_api
from services.intake.main import SERVICE as INTAKE
from services.notify.main import service as notify
from services.notify.settings import NotifySettings
from shared import http
from shared.program import running
from shared.service import Running
from shared.settings import Settings
from tests import servers as real
from tests.component import harness

APPLICANT = {"ChuHoSo": "Người Nộp Mẫu", "SoDienThoai": "0900000777", "Email": "nguoinop0777@example.vn"}


@dataclass
class Province:
    """The services, the one who drives their clock, what heads received, and a citizen's way in."""

    started: dict[str, Running]
    driver: Driver
    box: Mailbox
    citizen: httpx.AsyncClient
    seen: int = field(default=0)

    async def says(self, at: str, *objects: dict[str, Any], service: str = "DongBoHoSoMC") -> None:
        """Let the commune's system send a message at business time `at`, and move there."""
        body = {"session": "", "madonvi": "000.00.12.H56", "service": service, "data": list(objects)}
        when = datetime.fromisoformat(at)
        await self.driver.play([Timed(when, "motcua-1", orjson.dumps(body))], until=when)

    async def fast_forward(self, to: str) -> list[EmailMessage]:
        """Move business time; returns the mails of the way, once all have been sent."""
        await self.driver.play((), until=datetime.fromisoformat(to))
        return await self.new_mails()

    async def new_mails(self) -> list[EmailMessage]:
        """Return the mails since the last look, in order of arrival."""
        await harness.until_idle(self.started)
        files = sorted(self.box.folder.iterdir())[self.seen :]
        self.seen += len(files)
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def text_of(mail: EmailMessage) -> str:
    """Return both forms of a mail's text."""
    return "\n".join(str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text")


def dossier(code: str, **fields: Any) -> dict[str, Any]:
    """Return a dossier as the portal tells of it: accepted Monday 2/11, due a week later."""
    return {
        "MaHoSo": code,
        "MaTTHC": "1.004746",
        "TenLinhVuc": "Hộ tịch",
        **APPLICANT,
        "NgayTiepNhan": "20261102091000",
        "NgayHenTra": "20261109091000",
        "TrangThaiHoSo": "2",
        "NgayKetThucXuLy": "",
        "DonViXuLy": "UBND xã Mường Lát",
        **fields,
    }


@contextlib.asynccontextmanager
async def province(nats_url: str, postgres_url: str, folder: Path, *, start: str) -> AsyncIterator[Province]:
    """Run a province whose business time begins at `start`. folder: an empty one, for its mails."""
    database = await real.fresh_database(
        postgres_url, migrated=[s.name for s in (INTAKE, DEADLINE, COMPLAINTS, CONSOLE)] + ["notify"]
    )
    shared: dict[str, Any] = {
        "clock": "driven",
        "api_key": harness.API_KEY,
        "stream_max_bytes": 256 << 20,
        "complaints_identity_keys": harness.IDENTITY_KEY,
    }
    async with contextlib.AsyncExitStack() as stack:
        box = await stack.enter_async_context(mailbox(folder))
        parts: list[tuple[Any, type[Settings]]] = [
            (INTAKE, Settings),
            (DEADLINE, Settings),
            (COMPLAINTS, ComplaintsSettings),
            (notify(NotifySettings(send="live", smtp_port=box.port)), Settings),
            (CONSOLE, ConsoleSettings),
        ]
        started = {}
        for service, settings in parts:
            own = real.logged_in(nats_url, service.name)
            of = settings(nats_url=own, database_url=database.url(service.name), **shared)
            started[service.name] = await stack.enter_async_context(running(service, of))
        units = directory.take_file(demo_directory(20).encode())
        await directory_api.load(started["intake"], units, dry_run=False)
        client = await stack.enter_async_context(harness.connected(real.logged_in(nats_url, OPERATOR)))
        citizen = await stack.enter_async_context(_citizen(started["complaints"]))
        driver = await stack.enter_async_context(driving(client, start=datetime.fromisoformat(start)))
        yield Province(started, driver, box, citizen)
    await real.drop_database(postgres_url, database)


@contextlib.asynccontextmanager
async def _citizen(complaints: Running) -> AsyncIterator[httpx.AsyncClient]:
    app = http.application(name="complaints", settings=complaints.settings, ready=dict, asyncapi={})
    assert COMPLAINTS.router
    app.include_router(COMPLAINTS.router)
    app.state.running = complaints
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 4000))
    async with httpx.AsyncClient(transport=transport, base_url="http://complaints") as client:
        yield client
