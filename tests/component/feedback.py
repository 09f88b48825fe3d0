"""complaints as tests run it: on real servers, at a fixed time, with a directory of some units and officers' keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from services.complaints.main import SERVICE
from services.complaints.settings import Settings
from shared import bus, http
from shared.clock import DrivenClock
from shared.cloudevents import outgoing
from shared.events import Holding, UnitDescribed
from shared.program import running
from shared.service import Running
from tests import servers as real
from tests.component import harness
from tests.servers import Database

OPERATOR = {"X-API-Key": "key of the test"}
FILED_AT = datetime.fromisoformat("2026-11-20T09:00:00+07:00")
KEY_OF_SEALS = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
CENTRE, OVERSIGHT, INSPECTION, PROVINCE = "TH-TTPVHCC", "TH-SNV", "TH-TTT", "H56"
COMMUNE, OTHER = "38-x14998", "38-x15001"


def unit(
    code: str, name: str, *, parent: str | None = PROVINCE, kind: str = "so", person: str | None = None
) -> UnitDescribed:
    posts = (Holding(post="head", role="head", title="Người đứng đầu", person=person),) if person else ()
    return UnitDescribed(
        code=code,
        revision=1,
        name=name,
        kind=kind,
        parent_code=parent,
        head_title="Người đứng đầu",
        head_name=None,
        email=f"{code.lower()}@example.vn",
        phone=None,
        aliases=(),
        active=True,
        posts=posts,
    )


UNITS = (
    unit(PROVINCE, "Tỉnh Thanh Hóa", parent=None, kind="tinh", person="chair"),
    unit("TH-VPUBND", "Văn phòng UBND tỉnh"),
    unit(CENTRE, "Trung tâm Phục vụ hành chính công tỉnh", parent="TH-VPUBND"),
    unit(OVERSIGHT, "Sở Nội vụ", person="snv"),
    unit(INSPECTION, "Thanh tra tỉnh", person="ttt"),
    unit(COMMUNE, "UBND phường Hạc Thành", kind="phuong", person="head-1"),
    unit(OTHER, "UBND phường Quảng Phú", kind="phuong", person="head-2"),
)


class Desk(NamedTuple):
    """A running complaints and a client of it without any key."""

    running: Running
    client: httpx.AsyncClient

    async def file(self, **filing: Any) -> dict[str, Any]:
        answer = await self.client.post(
            "/v1/complaints", json={"text": "Hồ sơ đất của tôi chậm trả kết quả.", **filing}
        )
        assert answer.status_code == 201, answer.text
        filed: dict[str, Any] = answer.json()
        return filed

    async def officer(self, id: str, *roles: str, unit: str | None = None, person: str | None = None) -> dict[str, str]:
        """Make an officer; return the headers with the key."""
        given = {"unit": unit, "person": person, "roles": list(roles)}
        made = await self.client.put(f"/v1/officers/{id}", json=given, headers=OPERATOR)
        assert made.status_code == 200, made.text
        return {"X-API-Key": made.json()["key"]}

    async def act(self, code: str, path: str, by: dict[str, str] = OPERATOR, **body: Any) -> httpx.Response:
        return await self.client.post(f"/v1/complaints/{code}/{path}", json=body, headers=by)

    async def done(self, code: str, path: str, by: dict[str, str] = OPERATOR, **body: Any) -> dict[str, Any]:
        answer = await self.act(code, path, by, **body)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def move_to(self, at: str) -> None:
        assert isinstance(self.running.clock, DrivenClock)
        self.running.clock.move_to(datetime.fromisoformat(at))


def app_of(settings: Settings) -> Any:
    app = http.application(name="complaints", settings=settings, ready=dict, asyncapi={})
    assert SERVICE.router
    app.include_router(SERVICE.router)
    return app


@asynccontextmanager
async def serving(
    nats_url: str, database: Database, folder: Path, *, units: tuple[UnitDescribed, ...] = UNITS, **more: Any
) -> AsyncIterator[Desk]:
    """Run complaints at FILED_AT with its HTTP surface, without a socket, after it heard of the units."""
    await harness.make_streams(nats_url)
    settings = Settings(
        nats_url=real.logged_in(nats_url, "complaints"),
        database_url=database.url("complaints"),
        clock="driven",
        api_key=OPERATOR["X-API-Key"],
        data=folder,
        complaints_identity_keys=KEY_OF_SEALS,
        **more,
    )
    app = app_of(settings)
    async with running(SERVICE, settings) as started:
        app.state.running = started
        assert isinstance(started.clock, DrivenClock)
        started.clock.move_to(FILED_AT)
        async with harness.connected(real.logged_in(nats_url, "intake")) as intake:
            said = [outgoing(UnitDescribed, id=f"{of.code}:1", about=of.code, time=FILED_AT, data=of) for of in units]
            await bus.publish(intake, said)
        await harness.until_idle({"complaints": started})
        transport = httpx.ASGITransport(app=app, client=("10.0.0.9", 4000))
        async with httpx.AsyncClient(transport=transport, base_url="http://complaints") as client:
            yield Desk(started, client)


@asynccontextmanager
async def opened_desk(nats_url: str, postgres_url: str, folder: Path, **more: Any) -> AsyncIterator[Desk]:
    """As `serving`, on a database of its own."""
    made = await real.fresh_database(postgres_url, migrated=["complaints"])
    async with serving(nats_url, made, folder, **more) as started:
        yield started
    await real.drop_database(postgres_url, made)
