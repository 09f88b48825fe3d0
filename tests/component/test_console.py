"""The console on real servers: what the streams say stands in its table, once and at its newest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

import httpx
import orjson
import pytest_asyncio
from sqlalchemy import text

from services.console import api, entry
from services.console.main import SERVICE
from services.console.overview import Overview
from services.console.settings import Settings
from shared import bus, events, http
from shared.clock import machine_now
from shared.cloudevents import Event, Outgoing, outgoing
from shared.program import running
from shared.service import Running
from shared.streams import STREAMS, StreamName
from tests import servers as real
from tests.component import harness
from tests.contracts.test_events import GOLDEN
from tests.servers import Database, drop_database, fresh_database
from tests.waiting import until

API_KEY = "key of the test"
NOW = datetime.fromisoformat("2026-11-20T09:00:00+07:00")
HEARD: tuple[StreamName, ...] = ("INTAKE", "DEADLINE", "COMPLAINTS", "NOTIFY")
HOSTILE = "Xã <script>alert(1)</script>"


@pytest_asyncio.fixture
async def migrated(postgres_url: str) -> AsyncIterator[Database]:
    made = await fresh_database(postgres_url, migrated=["console"])
    yield made
    await drop_database(postgres_url, made)


@asynccontextmanager
async def serving(nats_url: str, database: Database) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    """Run the console with its HTTP surface, without a socket."""
    url = database.url("console")
    await harness.make_streams(nats_url)
    own = real.logged_in(nats_url, "console")
    settings = Settings(nats_url=own, database_url=url, clock="driven", api_key=API_KEY)
    app = http.application(name="console", settings=settings, ready=dict, asyncapi={})
    app.include_router(api.router)
    async with running(SERVICE, settings) as started:
        app.state.running = started
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
            yield started, client


async def hear(started: Running, *said: Outgoing, at: datetime = NOW) -> Overview:
    """Publish events and a tick in every stream; return the overview once all is heard."""
    async with harness.connected(real.logged_in(started.settings.nats_url, real.ANYTHING.user)) as owners:
        for event in said:
            await bus.publish(owners, [event])
        for name in HEARD:
            tick = Outgoing(f"tick:{name}:{at.isoformat()}", STREAMS[name].tick, orjson.dumps({"at": at}))
            await bus.publish(owners, [tick])
    await until(started.status, lambda status: status["idle"])
    assert started.clock.now() == at
    return await api.read_overview(started)


def obligation(number: int, event: type[events.ObligationChanged] = events.DeadlineSet, **more: Any) -> Outgoing:
    due_at = more.get("due_at", NOW + timedelta(days=9))
    fields: dict[str, Any] = {
        "obligation_id": f"dossier:{number}",
        "kind": "dossier",
        "subject_id": f"H56.12-20261101-{number:07}",
        "source": "motcua-1",
        "unit": "H56.12",
        "unit_name": None,
        "procedure": None,
        "field": None,
        "accepted_at": NOW - timedelta(days=9),
        "due_at": due_at,
        "due_from": "source",
        "first_due_at": due_at,
        "computed_due_at": None,
        "near_at": due_at - timedelta(days=1),
        "paused_seconds": 0,
        "state": "open",
        "timing": "on_time",
        "ended_at": None,
        "end": None,
        "late_working_seconds": None,
        "late_days": 0,
        "heard_at": NOW - timedelta(minutes=5),
        "backlog": False,
        "flags": (),
        "revision": 1,
        **more,
    }
    told = event.model_validate(fields)
    return outgoing(
        event,
        id=f"{number}:{told.revision}:{crc32(repr(more).encode())}",
        about=told.obligation_id,
        time=NOW,
        data=told,
    )


def unit(code: str, name: str, *aliases: str, revision: int = 1) -> Outgoing:
    told = events.UnitDescribed(
        code=code,
        revision=revision,
        name=name,
        kind="xa",
        parent_code="H56",
        head_title="Chủ tịch",
        head_name=None,
        email="head@example.vn",
        phone=None,
        aliases=aliases,
        active=True,
    )
    return outgoing(events.UnitDescribed, id=f"{code}:{revision}", about=code, time=NOW, data=told)


def notice(number: int, status: str, revision: int) -> Outgoing:
    told = events.NoticeSent(
        notice_id=f"n{number}",
        revision=revision,
        unit="TH-SNNMT",
        role="head",
        channel="email",
        slot=NOW - timedelta(hours=1),
        status=status,
        reason="",
        items=7,
        sent_at=None,
    )
    return outgoing(events.NoticeSent, id=f"n{number}:{revision}", about=told.notice_id, time=NOW, data=told)


def late(number: int, **more: Any) -> Outgoing:
    return obligation(number, due_at=NOW - timedelta(days=number), **more)


def golden(*said: type[Event]) -> list[Outgoing]:
    return [Outgoing(e.subject(), e.subject(), (GOLDEN / f"{e.subject()}.json").read_bytes()) for e in said]


async def test_what_the_streams_say_stands_in_the_table(nats_url: str, migrated: Database) -> None:
    ended = {"state": "ended", "ended_at": NOW, "end": "completed"}
    complaint = events.ComplaintFiled(
        code="PA-2222-2222-2222",
        revision=1,
        unit="H56.12",
        dossier=None,
        filed_at=NOW,
        answered_at=None,
        answer_working_days=15,
    )
    async with serving(nats_url, migrated) as (started, _):
        overview = await hear(
            started,
            unit("TH-SNNMT", "Sở Nông nghiệp và Môi trường", "H56.12"),
            unit("14797", "Phường Hạc Thành"),
            late(3),
            late(5, unit_name="Phường Hạc Thành", unit=None),
            late(6, unit_name="phường HẠC THÀNH"),
            late(7, state="paused", timing="on_time"),
            late(8, state="paused", timing="overdue"),
            obligation(10, due_at=NOW),
            obligation(11, due_at=NOW + timedelta(days=1)),
            obligation(12, due_at=NOW + timedelta(days=1, seconds=1)),
            obligation(13, kind="answer"),
            obligation(14, events.ObligationEnded, timing="late", **ended),
            obligation(15, events.ObligationEnded, timing="early", **ended),
            obligation(16, events.ObligationEnded, timing="no_deadline", due_at=NOW, near_at=None, **ended),
            obligation(17, events.ObligationEnded, timing="late", **{**ended, "end": "void"}),
            late(18, kind="step"),
            obligation(19, events.ObligationEnded, kind="report", timing="late", **{**ended, "end": "submitted"}),
            *golden(events.CensusTaken, events.EventsCounted),
            outgoing(events.ComplaintFiled, id="PA:1", about=complaint.code, time=NOW, data=complaint),
            notice(1, "sent", 2),
        )
        office, ward = overview.units
        assert (office.name, ward.name) == ("Sở Nông nghiệp và Môi trường", "Phường Hạc Thành")
        assert (ward.open, ward.overdue, ward.overdue_for) == (2, 2, timedelta(days=6))
        assert (office.open, office.paused, office.soon, office.overdue, office.others_overdue) == (4, 2, 2, 2, 1)
        assert (office.overdue_for, office.feedback, office.in_time, office.late) == (timedelta(days=8), 1, 1, 1)
        assert (overview.total.open, overview.total.overdue, overview.waiting) == (6, 4, 1)
        assert [(line.code, line.open, line.overdue, line.late) for line in overview.others] == [
            ("step", 1, 1, 0),
            ("answer", 1, 0, 0),
            ("report", 0, 0, 1),
        ]
        assert [(n.unit, n.status) for n in overview.notices] == [("Sở Nông nghiệp và Môi trường", "sent")]
        assert {(fresh.kind, fresh.name) for fresh in overview.fresh} == {
            ("source", "motcua-1"),
            *(("stream", name) for name in HEARD if name != "INTAKE"),  # its directory says nothing of dossiers
        }
        later = await hear(started, at=NOW + timedelta(days=20))
        assert (later.total.overdue, later.total.soon) == (7, 0)
        status = await started.status()
        assert (status["counts"]["shown"]["overdue"], status["counts"]["others"]["overdue"]) == (7, 2)
        assert status["quarantine"] == 0  # deadline's censuses and counts are not for the console


async def test_repeats_and_older_revisions_change_nothing(nats_url: str, migrated: Database) -> None:
    async with serving(nats_url, migrated) as (started, _):
        settled = obligation(
            1, events.ObligationEnded, revision=3, state="ended", timing="late", ended_at=NOW, end="completed"
        )
        await hear(started, settled, notice(1, "sent", 2))
        again = Outgoing(settled.id + " again", settled.subject, settled.body)
        overview = await hear(
            started,
            again,
            obligation(1, events.DeadlinePassed, revision=2, due_at=NOW - timedelta(days=1)),
            notice(1, "stored", 1),
            at=NOW + timedelta(minutes=15),
        )
        assert (overview.total.open, overview.total.overdue, overview.total.late) == (0, 0, 1)
        assert overview.notice_counts == {"sent": 1}
        reopened = obligation(1, events.ObligationReopened, revision=4)
        overview = await hear(started, reopened, at=NOW + timedelta(minutes=30))
        assert (overview.total.open, overview.total.late) == (1, 0)


async def test_a_renamed_unit_is_one_line_under_its_new_name(nats_url: str, migrated: Database) -> None:
    async with serving(nats_url, migrated) as (started, _):
        before = await hear(started, late(1, unit_name="Phường Cũ", unit=None), late(2, unit="14797"))
        assert [(line.code, line.name) for line in before.units] == [(None, "14797"), (None, "Phường Cũ")]
        named = await hear(started, unit("14797", "Phường Cũ"), at=NOW + timedelta(minutes=15))
        assert [(line.name, line.overdue) for line in named.units] == [("Phường Cũ", 2)]
        renamed = unit("14797", "Phường Mới", "Phường Cũ", revision=2)
        after = await hear(started, renamed, at=NOW + timedelta(minutes=30))
        assert [(line.code, line.name, line.overdue) for line in after.units] == [("14797", "Phường Mới", 2)]


async def test_what_is_no_event_goes_to_quarantine_and_its_neighbours_are_taken(
    nats_url: str, migrated: Database
) -> None:
    async with serving(nats_url, migrated) as (started, _):
        broken = Outgoing("broken", events.DeadlineMoved.subject(), b'{"specversion": "1.0"}')
        overview = await hear(started, late(1), broken, late(2))
        assert overview.total.overdue == 2
        assert (await started.status())["quarantine"] == 1
        async with started.engine.connect() as connection:
            kept = (await connection.execute(text("SELECT reason, raw FROM console.quarantine"))).one()
        assert (kept.reason, kept.raw) == ("not_decodable", broken.body)


async def test_the_page_is_shown_to_those_who_have_shown_the_key(nats_url: str, migrated: Database) -> None:
    async with serving(nats_url, migrated) as (started, client):
        await hear(started, late(1, unit_name=HOSTILE))
        assert (await client.get("/")).headers["Location"] == "/login"
        refused = await client.get("/live")
        assert (refused.status_code, refused.headers["HX-Redirect"]) == (401, "/login")
        assert (await client.get("/v1/units")).status_code == 401
        for open_to_all in ("/login", "/health/live", "/health/ready", "/metrics", "/static/console.css"):
            assert (await client.get(open_to_all)).status_code == 200
        assert (await client.get("/?key=wrong")).status_code == 401
        assert (await client.post("/login", data={"key": "wrong"})).status_code == 401
        assert not client.cookies

        entered = await client.post("/login", data={"key": API_KEY})
        assert (entered.status_code, entered.headers["Location"]) == (303, "/")
        cookie = entered.headers["Set-Cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        page = await client.get("/")
        assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert "Xã &lt;script&gt;alert(1)" in page.text
        assert HOSTILE not in page.text
        assert (await client.get("/live")).text.strip() in page.text
        await client.post("/logout")
        assert (await client.get("/")).status_code == 303


async def test_the_table_is_given_as_json_to_the_key_and_to_the_cookie(nats_url: str, migrated: Database) -> None:
    async with serving(nats_url, migrated) as (started, client):
        await hear(started, late(2))
        by_key = (await client.get("/v1/units", headers={"X-API-Key": API_KEY})).json()
        assert by_key["total"]["overdue"] == 1
        (line,) = by_key["units"]
        assert (line["name"], line["code"], line["overdue_seconds"]) == ("H56.12", None, 2 * 24 * 3600)
        assert (await client.get("/", params={"key": API_KEY})).status_code == 303
        assert (await client.get("/v1/units")).json() == by_key
        client.cookies.clear()
        old = entry.token(key=API_KEY, until=machine_now() - timedelta(seconds=1))
        client.cookies.set(api.COOKIE, old)
        assert (await client.get("/v1/units")).status_code == 401
