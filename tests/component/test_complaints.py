"""complaints on real servers: a feedback is filed, followed and answered, and only its state is ever said."""

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nats
import orjson
import pytest
import pytest_asyncio
from prometheus_client import generate_latest
from sqlalchemy import text

from services.complaints.asking import BODY_LIMIT
from shared.clock import DrivenClock
from shared.cloudevents import decode
from shared.events import ComplaintAnswered, ComplaintFiled, ComplaintRouted
from tests import servers as real
from tests.component import harness
from tests.component.feedback import CENTRE, COMMUNE, FILED_AT, OPERATOR, serving
from tests.servers import Database, drop_database, fresh_database

PLANTED = {"text": "Cán bộ yêu cầu thêm giấy tờ, câu bí mật một.", "contact": "0900 000 123 câu bí mật hai"}


@pytest_asyncio.fixture
async def migrated(postgres_url: str) -> AsyncIterator[Database]:
    made = await fresh_database(postgres_url, migrated=["complaints"])
    yield made
    await drop_database(postgres_url, made)


async def said(nats_url: str, count: int) -> list[dict[str, Any]]:
    """Return the first `count` messages of COMPLAINTS, after checking that there are no more."""
    connection = await nats.connect(nats_url)
    try:
        stream = connection.jetstream()
        heard = await stream.subscribe("complaints.>", ordered_consumer=True)
        got = [await heard.next_msg(timeout=30) for _ in range(count)]
        assert (await stream.stream_info("COMPLAINTS")).state.messages == count
        return [{"subject": message.subject, "data": message.data} for message in got]
    finally:
        await connection.close()


async def test_a_feedback_is_filed_decided_answered_and_followed(
    nats_url: str, migrated: Database, tmp_path: Path
) -> None:
    async with serving(nats_url, migrated, tmp_path) as desk:
        filed = await desk.file(
            unit="UBND phường Hạc Thành", dossier="000.00.12.h56-261120-0007", kind_hint="reflection"
        )
        code, secret = filed["code"], filed.pop("secret")
        waiting = await desk.done(code.lower(), "follow", {}, secret=secret.replace("-", " ").lower())
        assert waiting == filed
        assert (waiting["state"], waiting["answer"], waiting["expected_on"]) == ("received", None, "2026-12-14")
        shown = (await desk.client.get(f"/v1/complaints/{code}", headers=OPERATOR)).json()
        assert (shown["suggestion"]["unit"], shown["handler"]) == (COMMUNE, CENTRE)

        decided = await desk.done(code, "decision", kind="reflection", field="land", categories=["extra_papers"])
        assert (decided["handler"], decided["state"]) == (COMMUNE, "accepted")
        assert (await desk.act(code, "answer", {}, text="Đã chấn chỉnh.")).status_code == 401
        for _ in range(2):
            assert (await desk.done(code, "answer", text=" Đã chấn chỉnh. "))["answer"] == "Đã chấn chỉnh."
        other = await desk.act(code, "answer", text="Ý khác.")
        assert (other.status_code, other.headers["content-type"]) == (409, "application/problem+json")
        after = await desk.done(code, "follow", {}, secret=secret)
        assert (after["state"], after["answer"], after["may_rate"]) == ("answered", "Đã chấn chỉnh.", True)
        assert (await desk.running.status())["counts"] == {"complaints": {"open": 0, "answered": 1}}

        first, second, third = await said(nats_url, 3)
        opened = decode(ComplaintFiled, first["data"]).data
        assert (opened.code, opened.unit, opened.dossier) == (code, CENTRE, "000.00.12.H56-261120-0007")
        assert [(term.name, term.unit) for term in opened.terms] == [("screening", CENTRE), ("answer", CENTRE)]
        assert (opened.filed_at, opened.answer_working_days, opened.revision) == (FILED_AT, 15, 1)
        routed = decode(ComplaintRouted, second["data"]).data
        assert (routed.unit, routed.kind, routed.field) == (COMMUNE, "reflection", "land")
        closed = decode(ComplaintAnswered, third["data"]).data
        assert (closed.answered_at, closed.revision, closed.unit) == (FILED_AT, 3, COMMUNE)
        assert {term.name: term.end for term in closed.terms} == {
            "screening": "answered",
            "answer": "answered",
            "publication": None,
        }


async def test_what_a_citizen_wrote_is_in_no_event_log_metric_or_refusal(
    nats_url: str, migrated: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(nats_url, migrated, tmp_path) as desk:
        filed = await desk.file(**PLANTED, unit="Phường câu bí mật bốn", place="câu bí mật năm")
        await desk.done(filed["code"], "decision", kind="reflection")
        await desk.done(filed["code"], "answer", text="câu bí mật ba")
        refused = await desk.client.post("/v1/complaints", json={**PLANTED, "unit": "câu bí mật\u0007bốn"})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["at"] == "unit"
        events = await said(nats_url, 3)
    heard = b"".join(message["data"] for message in events).decode()
    for seen in (heard, caplog.text, generate_latest().decode(), refused.text):
        assert "bí mật" not in seen
        assert filed["secret"] not in seen


async def test_a_failing_database_is_told_without_what_was_written(
    nats_url: str,
    migrated: Database,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with serving(nats_url, migrated, tmp_path) as desk:
        async with desk.running.engine.begin() as connection:
            await connection.execute(text("DROP TABLE complaints.complaint CASCADE"))
        failed = await desk.client.post("/v1/complaints", json={**PLANTED, "unit": "H56.12"})
        assert (failed.status_code, failed.headers["Retry-After"]) == (503, "10")
    assert "bí mật" not in failed.text + caplog.text + "".join(capsys.readouterr())


async def test_staff_alone_see_what_was_written_page_by_page(nats_url: str, migrated: Database, tmp_path: Path) -> None:
    async with serving(nats_url, migrated, tmp_path) as desk:
        for number in range(3):
            await desk.file(text=f"Hồ sơ chậm, lần {number}", kind_hint="reflection")
        assert (await desk.client.get("/v1/complaints")).status_code == 401
        first = (await desk.client.get("/v1/complaints?limit=2&state=open", headers=OPERATOR)).json()
        assert [one["text"] for one in first["complaints"]] == [
            "Hồ sơ chậm, lần 2",
            "Hồ sơ chậm, lần 1",
        ]
        rest = (await desk.client.get(f"/v1/complaints?limit=2&before={first['next']}", headers=OPERATOR)).json()
        assert [one["text"] for one in rest["complaints"]] == ["Hồ sơ chậm, lần 0"]
        assert rest["next"] is None
        assert (await desk.client.get("/v1/complaints?state=answered", headers=OPERATOR)).json()["complaints"] == []


async def test_calls_that_cannot_be_served_say_why(nats_url: str, migrated: Database, tmp_path: Path) -> None:
    async with serving(nats_url, migrated, tmp_path, complaints_filings_per_minute=3) as desk:
        for path in ("PA-2222-2222-2222", "anything"):
            assert (await desk.act(path, "follow", {}, secret="2222-2222-2222")).status_code == 404
            assert (await desk.act(path, "answer", text="x")).status_code == 404
        filed = await desk.file()
        assert (await desk.act(filed["code"], "follow", {}, secret="2222-2222-2222")).status_code == 404
        assert (await desk.act(filed["code"], "follow", {}, secret=filed["code"])).status_code == 404
        long = await desk.client.post("/v1/complaints", content=b" " * (BODY_LIMIT + 1))
        assert (long.status_code, long.json()["status"]) == (413, 413)
        assert (await desk.client.post("/v1/complaints", content=b"{")).status_code == 422
        often = await desk.client.post("/v1/complaints", json={"text": "x"})
        assert (often.status_code, often.headers["Retry-After"]) == (429, "20")
        unknown = await desk.act(filed["code"], "decision", kind="reflection", unit="nobody")
        assert (unknown.status_code, "no unit nobody is in force" in unknown.json()["detail"]) == (409, True)


async def test_ticks_of_the_feed_are_passed_on_behind_what_was_filed(
    nats_url: str, migrated: Database, tmp_path: Path
) -> None:
    async with serving(nats_url, migrated, tmp_path) as desk:
        await desk.file()
        at = datetime(2026, 11, 23, 2, tzinfo=UTC)
        async with harness.connected(real.logged_in(nats_url, "intake")) as intake:
            await intake.publish("feed.one.national", b"{}")
            for stream in ("feed", "intake"):
                await intake.publish(f"{stream}.tick.v1", orjson.dumps({"at": at}))
        filed, tick = await said(nats_url, 2)
        assert (filed["subject"], tick["subject"]) == (ComplaintFiled.subject(), "complaints.tick.v1")
        assert datetime.fromisoformat(orjson.loads(tick["data"])["at"]) == at
        assert isinstance(desk.running.clock, DrivenClock)
        assert desk.running.clock.now() == at


async def test_who_filed_when_number_and_secret_were_one_still_follows(
    nats_url: str, migrated: Database, tmp_path: Path
) -> None:
    async with serving(nats_url, migrated, tmp_path) as desk:
        filed = await desk.file()
        async with desk.running.engine.begin() as connection:  # as migration 0020 leaves the rows it finds
            await connection.execute(
                text("UPDATE complaints.complaint SET secret_hash = sha256(convert_to(code, 'UTF8'))")
            )
        assert (await desk.done(filed["code"], "follow", {}, secret=filed["code"]))["state"] == "received"
