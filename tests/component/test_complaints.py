"""complaints on real servers: a feedback is filed, followed and answered, and only its state is ever said."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import nats
import orjson
import pytest
import pytest_asyncio
from prometheus_client import generate_latest
from sqlalchemy import text

from services.complaints import api
from services.complaints.limits import Allowance
from services.complaints.main import SERVICE
from services.complaints.settings import Settings
from shared import http
from shared.clock import DrivenClock
from shared.cloudevents import decode
from shared.events import ComplaintAnswered, ComplaintFiled
from shared.program import running
from shared.service import Running
from tests import servers as real
from tests.component import harness
from tests.servers import Database, drop_database, fresh_database

KEY = {"X-API-Key": "key of the test"}
PLANTED = {"text": "Cán bộ yêu cầu thêm giấy tờ, câu bí mật một.", "contact": "0900 000 123 câu bí mật hai"}
FILED_AT = datetime.fromisoformat("2026-11-20T09:00:00+07:00")


@pytest_asyncio.fixture
async def migrated(postgres_url: str) -> AsyncIterator[Database]:
    made = await fresh_database(postgres_url, migrated=["complaints"])
    yield made
    await drop_database(postgres_url, made)


@asynccontextmanager
async def serving(nats_url: str, database: Database, **more: Any) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    """Run the service at FILED_AT with its HTTP surface, without a socket."""
    api.filings, api.lookups = Allowance(), Allowance()
    url = database.url("complaints")
    await harness.make_streams(nats_url)
    own = real.logged_in(nats_url, "complaints")
    settings = Settings(nats_url=own, database_url=url, clock="driven", api_key=KEY["X-API-Key"], **more)
    app = http.application(name="complaints", settings=settings, ready=dict, asyncapi={})
    app.include_router(api.router)
    async with running(SERVICE, settings) as started:
        app.state.running = started
        assert isinstance(started.clock, DrivenClock)
        started.clock.move_to(FILED_AT)
        transport = httpx.ASGITransport(app=app, client=("10.0.0.9", 4000))
        async with httpx.AsyncClient(transport=transport, base_url="http://complaints") as client:
            yield started, client


async def said(nats_url: str, count: int) -> list[dict[str, Any]]:
    """Return the first `count` messages of COMPLAINTS, after checking that there are no more."""
    connection = await nats.connect(nats_url)
    try:
        stream = connection.jetstream()
        heard = await stream.subscribe("complaints.>", ordered_consumer=True)
        got = [await heard.next_msg(timeout=10) for _ in range(count)]
        assert (await stream.stream_info("COMPLAINTS")).state.messages == count
        return [{"subject": message.subject, "data": message.data} for message in got]
    finally:
        await connection.close()


async def test_a_feedback_is_filed_followed_and_answered(nats_url: str, migrated: Database) -> None:
    async with serving(nats_url, migrated) as (started, client):
        filed = await client.post("/v1/complaints", json={**PLANTED, "dossier": "000.00.12.h56-261120-0007"})
        assert filed.status_code == 201
        code = filed.json()["code"]
        assert filed.headers["Location"] == f"/v1/complaints/{code}"
        waiting = (await client.get(f"/v1/complaints/{code.lower()}")).json()
        assert waiting == filed.json()
        assert (waiting["state"], waiting["answer"], waiting["answer_expected_on"]) == ("open", None, "2026-12-14")
        assert not any(secret in str(waiting) for secret in PLANTED.values())

        path = f"/v1/complaints/{code}/answer"
        assert (await client.post(path, json={"text": "Đã chấn chỉnh."})).status_code == 401
        for _ in range(2):
            answered = await client.post(path, json={"text": " Đã chấn chỉnh. "}, headers=KEY)
            assert answered.status_code == 200
        other = await client.post(path, json={"text": "Ý khác."}, headers=KEY)
        assert (other.status_code, other.headers["content-type"]) == (409, "application/problem+json")
        after = (await client.get(f"/v1/complaints/{code}")).json()
        assert (after["state"], after["answer"]) == ("answered", "Đã chấn chỉnh.")
        assert (await started.status())["counts"] == {"complaints": {"open": 0, "answered": 1}}

        first, second = await said(nats_url, 2)
        assert (first["subject"], second["subject"]) == (ComplaintFiled.subject(), ComplaintAnswered.subject())
        opened = decode(ComplaintFiled, first["data"]).data
        assert (opened.code, opened.unit, opened.dossier) == (code, "H56.12", "000.00.12.H56-261120-0007")
        assert (opened.filed_at, opened.answer_working_days, opened.revision) == (FILED_AT, 15, 1)
        closed = decode(ComplaintAnswered, second["data"]).data
        assert (closed.answered_at, closed.revision, closed.unit) == (FILED_AT, 2, "H56.12")


async def test_what_a_citizen_wrote_is_in_no_event_log_metric_or_refusal(
    nats_url: str, migrated: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(nats_url, migrated) as (_, client):
        filed = await client.post("/v1/complaints", json={**PLANTED, "unit": "Phường Hạc Thành"})
        answer = {"text": "câu bí mật ba"}
        await client.post(f"/v1/complaints/{filed.json()['code']}/answer", json=answer, headers=KEY)
        refused = await client.post("/v1/complaints", json={**PLANTED, "unit": "câu bí mật\u0007bốn"})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["at"] == "unit"
        events = await said(nats_url, 2)
    heard = b"".join(message["data"] for message in events).decode()
    assert "Phường Hạc Thành" in heard
    for seen in (heard, caplog.text, generate_latest().decode(), refused.text):
        assert "bí mật" not in seen


async def test_a_failing_database_is_told_without_what_was_written(
    nats_url: str, migrated: Database, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(nats_url, migrated) as (started, client):
        async with started.engine.begin() as connection:
            await connection.execute(text("DROP TABLE complaints.complaint"))
        failed = await client.post("/v1/complaints", json={**PLANTED, "unit": "H56.12"})
        assert (failed.status_code, failed.headers["Retry-After"]) == (503, "10")
    assert "bí mật" not in failed.text + caplog.text + "".join(capsys.readouterr())


async def test_staff_alone_see_what_was_written_page_by_page(nats_url: str, migrated: Database) -> None:
    async with serving(nats_url, migrated) as (_, client):
        for number in range(3):
            await client.post("/v1/complaints", json={"text": f"việc {number}", "unit": "H56.12"})
        assert (await client.get("/v1/complaints")).status_code == 401
        first = (await client.get("/v1/complaints?limit=2&state=open", headers=KEY)).json()
        assert [one["text"] for one in first["complaints"]] == ["việc 2", "việc 1"]
        rest = (await client.get(f"/v1/complaints?limit=2&before={first['next']}", headers=KEY)).json()
        assert [one["text"] for one in rest["complaints"]] == ["việc 0"]
        assert rest["next"] is None
        assert (await client.get("/v1/complaints?state=answered", headers=KEY)).json()["complaints"] == []


async def test_calls_that_cannot_be_served_say_why(nats_url: str, migrated: Database) -> None:
    async with serving(nats_url, migrated, complaints_filings_per_minute=3) as (_, client):
        assert (await client.get("/v1/complaints/PA-2222-2222-2222")).status_code == 404
        answer = await client.post("/v1/complaints/anything/answer", json={"text": "x"}, headers=KEY)
        assert answer.status_code == 404
        long = await client.post("/v1/complaints", content=b" " * (api.BODY_LIMIT + 1))
        assert (long.status_code, long.json()["status"]) == (413, 413)
        assert (await client.post("/v1/complaints", content=b"{")).status_code == 422
        assert (await client.post("/v1/complaints", json={"text": "x"})).status_code == 422
        often = await client.post("/v1/complaints", json={"text": "x", "unit": "H56.12"})
        assert (often.status_code, often.headers["Retry-After"]) == (429, "20")


async def test_ticks_of_the_feed_are_passed_on_behind_what_was_filed(nats_url: str, migrated: Database) -> None:
    async with serving(nats_url, migrated) as (started, client):
        await client.post("/v1/complaints", json={**PLANTED, "unit": "H56.12"})
        at = datetime(2026, 11, 23, 2, tzinfo=UTC)
        async with harness.connected(real.logged_in(nats_url, "intake")) as intake:
            await intake.publish("feed.one.national", b"{}")
            await intake.publish("feed.tick.v1", orjson.dumps({"at": at}))
        filed, tick = await said(nats_url, 2)
        assert (filed["subject"], tick["subject"]) == (ComplaintFiled.subject(), "complaints.tick.v1")
        assert datetime.fromisoformat(orjson.loads(tick["data"])["at"]) == at
        assert started.clock.now() == at
