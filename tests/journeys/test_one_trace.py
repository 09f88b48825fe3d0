"""One trace id leads from a feed message to the mail it causes: in events, log lines and spans."""

from __future__ import annotations

import gzip
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from structlog.testing import capture_logs

from shared import tracing
from tests.component import harness
from tests.journeys.province import APPLICANT, Province, dossier, province

CODE = "000.00.12.H56-261102-0001"


@pytest_asyncio.fixture
async def world(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Province]:
    async with province(nats_url, postgres_url, tmp_path, start="2026-11-02T00:00:00+07:00") as running:
        yield running


async def _press(world: Province) -> str:
    """Let one dossier become late and its head be told; returns the id of the trace that its message began."""
    await world.says("2026-11-02T09:12:00+07:00", dossier(CODE))
    mails = await world.fast_forward("2026-11-09T14:00:00+07:00")
    assert len(mails) == 2
    client = world.driver.client  # the operator, who may read the streams
    said = [event for event in await harness.said(client, "INTAKE") if event["type"] == "intake.dossier_said.v1"]
    return tracing.id_of(said[0]["traceparent"])


async def test_every_log_line_on_the_way_names_the_trace_and_none_the_dossier(world: Province) -> None:
    with capture_logs() as lines:
        trace = await _press(world)
        await world.says("2026-11-09T15:00:00+07:00", dossier(CODE), {"MaHoSo": ""})
    named = [line for line in lines if trace in line.get("traces", ())]
    assert {(line["event"], line.get("cause") or line.get("status")) for line in named} == {
        ("committed", "FEED"),
        ("committed", "INTAKE"),
        ("committed", "sweep"),
        ("committed", "delivery"),
        ("notice_ended", "sent"),
    }
    assert any(line["event"] == "refused" and len(line["traces"]) == 1 for line in lines)
    assert CODE not in str(lines)
    assert not [word for word in APPLICANT.values() if word in str(lines)]
    told = await harness.said(world.driver.client, "NOTIFY")
    assert {tracing.id_of(event["traceparent"]) for event in told} == {trace}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """An OTLP receiver on loopback, and tracing switched on towards it; the spans it got."""
    spans: list[Any] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            request = ExportTraceServiceRequest.FromString(body)
            spans.extend(span for of in request.resource_spans for scope in of.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """A test prints nothing."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv(tracing.ENDPOINT, f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(tracing, "_provider", None)
    monkeypatch.setattr(tracing, "_sampled_below", 0)
    tracing.set_up(service="test")
    yield spans
    tracing.shut_down()
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_collector_gets_a_chain_of_spans_from_the_feed_to_the_mail(
    collector: list[Any], world: Province
) -> None:
    trace = await _press(world)
    assert tracing._provider
    tracing._provider.force_flush()
    mine = [span for span in collector if span.trace_id.hex() == trace]
    by_name = {span.name: span for span in mine}
    chain = ["intake.dossier_said.v1", "deadline.deadline_set.v1"]
    assert by_name[chain[1]].parent_span_id == by_name[chain[0]].span_id
    swept = {"deadline.deadline_near.v1", "deadline.deadline_passed.v1", "notify.escalation_raised.v1"}
    assert by_name.keys() >= {*chain, *swept, "notify.notice_stored.v1", "notify.notice_sent.v1", "send email"}
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano > 0 for span in mine)
    assert CODE not in str(mine)
