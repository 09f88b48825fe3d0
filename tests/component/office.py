"""An office to try notify in: real NATS, PostgreSQL and SMTP server, and a clock that the test drives."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller
from nats.aio.client import Client

from services.notify import api
from services.notify.main import service
from services.notify.sending import delivery
from services.notify.settings import NotifySettings
from shared import bus, http
from shared.cloudevents import outgoing
from shared.events import (
    ObligationChanged,
    UnitDescribed,
)
from shared.service import Running
from tests.component import harness
from tests.servers import Database, drop_database, free_port, fresh_database
from tests.waiting import until

DOSSIER = "000.00.12.H56-261120-0007"
FRIDAY_1600 = "2026-11-20T16:00:00+07:00"
FRIDAY_1601 = "2026-11-20T16:01:00+07:00"
MONDAY_0730 = "2026-11-23T07:30:00+07:00"  # the 24th is a day off
MONDAY_1400 = "2026-11-23T14:00:00+07:00"
WEDNESDAY_0730 = "2026-11-25T07:30:00+07:00"
WEDNESDAY_1400 = "2026-11-25T14:00:00+07:00"
THURSDAY_0730 = "2026-11-26T07:30:00+07:00"


@dataclass
class Mailbox:
    """The handler of a real SMTP server: what it took, in order."""

    taken: list[EmailMessage] = field(default_factory=list)
    refuse: str = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.taken.append(mail)
        return "250 taken"


@contextlib.contextmanager
def smtp_server(box: Mailbox, port: int) -> Iterator[None]:
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


@pytest_asyncio.fixture
async def migrated(postgres_url: str) -> AsyncIterator[Database]:
    made = await fresh_database(postgres_url, migrated=["notify"])
    yield made
    await drop_database(postgres_url, made)


@dataclass
class Office:
    """notify at work, with the streams it hears and the mailbox that its mail reaches."""

    client: Client
    notify: Running
    box: Mailbox
    port: int
    said: int = 0

    async def hear_units(self, *units: UnitDescribed) -> None:
        await bus.publish(
            self.client,
            [
                outgoing(UnitDescribed, id=f"{u.code}:{u.revision}", about=u.code, time=at(FRIDAY_1600), data=u)
                for u in units
            ],
        )
        await self.settle()

    async def hear(self, event: type[ObligationChanged], **changes: Any) -> None:
        """Say a state of an obligation, under an event id of its own."""
        self.said += 1
        data = obligation(**changes)
        await bus.publish(
            self.client,
            [outgoing(event, id=f"event-{self.said}", about=data["obligation_id"], time=at(FRIDAY_1600), data=data)],
        )
        await self.settle()

    async def move_to(self, instant: str) -> None:
        await harness.tick(self.client, instant, streams=("INTAKE", "DEADLINE"))
        await until(self.notify.clock.now, lambda now: now >= at(instant))
        await self.settle()

    async def settle(self) -> None:
        await harness.until_idle({"notify": self.notify})

    async def notices(self) -> list[dict[str, Any]]:
        return await self.get("/v1/notices", "notices")

    async def escalations(self) -> list[dict[str, Any]]:
        return await self.get("/v1/escalations", "escalations")

    async def get(self, path: str, key: str) -> list[dict[str, Any]]:
        app = http.application(name="notify", settings=self.notify.settings, ready=dict, asyncapi={})
        app.include_router(api.router)
        app.state.running = self.notify
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://notify") as caller:
            answer = await caller.get(path, headers={"X-API-Key": harness.API_KEY})
            assert answer.status_code == 200, answer.text
            found: list[dict[str, Any]] = answer.json()[key]
            return found


def at(instant: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(instant)


def obligation(**changes: Any) -> dict[str, Any]:
    """Return a dossier of H56.12 due on Friday 16:00, open, heard of in good time."""
    return {
        "obligation_id": f"dossier/{DOSSIER}",
        "kind": "dossier",
        "subject_id": DOSSIER,
        "source": "motcua-1",
        "unit": "H56.12",
        "unit_name": None,
        "procedure": "1.012753",
        "field": "Đất đai",
        "accepted_at": "2026-11-10T09:00:00+07:00",
        "due_at": FRIDAY_1600,
        "due_from": "source",
        "first_due_at": FRIDAY_1600,
        "computed_due_at": None,
        "near_at": None,
        "paused_seconds": 0,
        "state": "open",
        "timing": "overdue",
        "ended_at": None,
        "end": None,
        "late_working_seconds": 0,
        "late_days": 0,
        "heard_at": "2026-11-10T09:01:00+07:00",
        "backlog": False,
        "flags": [],
        "revision": 2,
        **changes,
    }


def unit(code: str, **changes: Any) -> UnitDescribed:
    given = {
        "code": code,
        "revision": 1,
        "name": f"Đơn vị {code}",
        "kind": "so",
        "parent_code": "H56",
        "head_title": "Giám đốc Sở",
        "head_name": None,
        "email": f"{code.lower()}@example.vn",
        "phone": None,
        "aliases": (),
        "active": True,
    }
    return UnitDescribed.model_validate({**given, **changes})


OVERSIGHT = unit("TH-SNV", head_title="Giám đốc Sở", name="Sở Nội vụ")
LAND = unit("H56.12", name="Sở Nông nghiệp và Môi trường", aliases=("000.00.12.H56", "Sở NNMT"))
WARDS = (
    unit("14797", name="Phường Hạc Thành", kind="phuong", aliases=("UBND phường Hạc Thành",)),
    unit("14758", name="Phường Hàm Rồng", kind="phuong"),
)

ENDED = {"revision": 3, "state": "ended", "timing": "late", "ended_at": MONDAY_0730, "end": "completed"}

Open = Callable[..., contextlib.AbstractAsyncContextManager[Office]]


@pytest.fixture
def office(nats_url: str, migrated: Database, monkeypatch: pytest.MonkeyPatch) -> Open:
    @contextlib.asynccontextmanager
    async def opened(*, units: tuple[UnitDescribed, ...] = (OVERSIGHT, LAND), relay: bool = True, **how: Any) -> Any:
        monkeypatch.setattr(delivery, "RETRY_SECONDS", (0,))
        box, port = Mailbox(), free_port()
        given = NotifySettings(**{"send": "live", "smtp_port": port, "smtp_timeout_s": 5, **how})
        async with (
            harness.connected(nats_url) as client,
            harness.services(service(given), nats_url=nats_url, database=migrated, clock="driven") as started,
        ):
            made = Office(client, started["notify"], box, port)
            with smtp_server(box, port) if relay else contextlib.nullcontext():
                if units:
                    await made.hear_units(*units)
                yield made

    return opened


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body
    return str(body.get_content())
