"""Our own facts format on real servers, over NATS and over HTTP: what is said, what is refused, what repeats say."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
import pytest_asyncio
from nats.aio.client import Client
from sqlalchemy import text

from services.intake import store
from services.intake.main import SERVICE as INTAKE
from services.intake.understanding import SETTINGS
from shared import tracing
from shared.bus import publish
from shared.clock import machine_now
from shared.cloudevents import Outgoing, decode
from shared.events import DossierSaid, DutySaid
from shared.service import Running
from tests import servers as real
from tests.component import harness

DOSSIER = "000.00.12.H56-261102-0001"
PATH = "/v1/feeds/thanh-tra/facts"
LINES = {"Content-Type": "application/x-ndjson; charset=utf-8"}


class Office(NamedTuple):
    """An intake, its caller over HTTP, and the broker."""

    intake: Running
    caller: httpx.AsyncClient
    client: Client

    async def send(self, *bodies: bytes) -> None:
        await publish(self.client, [Outgoing(uuid.uuid4().hex, "feed.thanh-tra.facts", body) for body in bodies])
        await self.settled()

    async def settled(self) -> None:
        await harness.until_idle({"intake": self.intake})

    async def said(self) -> list[tuple[str, str, int]]:
        """Return the type, the subject and the number of facts of every event."""
        events = [one for one in await harness.said(self.client, "INTAKE") if "facts" in one["data"]]
        return sorted((one["type"], one["subject"], len(one["data"]["facts"])) for one in events)

    async def refused(self) -> list[tuple[str, str]]:
        async with self.intake.engine.connect() as connection:
            rows = await connection.execute(text("SELECT reason, detail FROM intake.quarantine ORDER BY id"))
            return [(row.reason, row.detail) for row in rows]


@pytest_asyncio.fixture
async def office(nats_url: str, postgres_url: str) -> AsyncIterator[Office]:
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    async with (
        harness.services(INTAKE, nats_url=nats_url, database=database) as running,
        harness.connected(nats_url) as client,
        harness.caller(running["intake"]) as caller,
    ):
        yield Office(running["intake"], caller, client)
    await real.drop_database(postgres_url, database)


def event(type: str, subject: str, **data: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "1", "source": "/thanh-tra", "type": type, "subject": subject, "data": data}


def duty(id: str, kind: str = "remediation", **data: Any) -> dict[str, Any]:
    given = {"given_at": "2026-11-02T08:00:00+07:00", "due_on": "2026-12-15"}
    return event("dondoc.duty.v1", id, **{"kind": kind, "unit": "H56.12", **given, **data})


def apology() -> dict[str, Any]:
    moved = {"issued_at": "2026-11-05T09:00:00+07:00", "due_after": "2026-11-12T17:00:00+07:00"}
    return event("dondoc.apology.v1", DOSSIER.lower(), number=1, **moved)


BATCH = orjson.dumps([duty("KL-12/3"), duty("KL-12/3", "report"), duty("", title="x"), apology()])
OF_BATCH = [
    ("intake.dossier_said.v1", DOSSIER, 2),
    ("intake.duty_said.v1", "KL-12/3", 3),
    ("intake.duty_said.v1", "KL-12/3", 3),
]


async def test_a_batch_is_said_but_for_the_bad_one_in_it_and_its_repeat_says_nothing(office: Office) -> None:
    for _ in range(2):
        await office.send(BATCH)
        assert await office.said() == OF_BATCH
        [(reason, detail)] = await office.refused()
        assert (reason, detail.split(":")[:2]) == ("invalid_object", ["[2]", " subject"])


async def test_what_is_said_is_of_the_duty_and_of_the_dossier(office: Office) -> None:
    await office.send(orjson.dumps([duty("KL-12/3"), apology()]))
    said = [orjson.dumps(one) for one in await harness.said(office.client, "INTAKE") if "facts" in one["data"]]
    [of_duty] = [decode(DutySaid, one).data for one in said if b"duty_said" in one]
    [of_dossier] = [decode(DossierSaid, one).data for one in said if b"dossier_said" in one]
    assert (of_duty.duty, of_duty.kind) == ("KL-12/3", "remediation")
    assert [fact["slot"] for fact in of_duty.facts] == ["about", "given", "due"]
    assert (of_dossier.dossier, of_dossier.raw_code) == (DOSSIER, DOSSIER.lower())
    assert [fact["slot"] for fact in of_dossier.facts] == ["apology.1", "due"]


async def test_duties_are_not_counted_among_the_dossiers(office: Office) -> None:
    await office.send(BATCH)
    async with office.intake.engine.connect() as connection:
        assert (await store.counts(connection, machine_now()))["dossiers"] == {"known": 1}


async def test_what_is_no_format_of_ours_is_refused_with_the_known_ones(office: Office) -> None:
    await publish(office.client, [Outgoing("x", "feed.thanh-tra.reports", b"{}")])
    await office.settled()
    [(reason, detail)] = await office.refused()
    assert (reason, "feed.<source>.facts" in detail) == ("unknown_subject", True)


@pytest.mark.parametrize(
    ("content", "headers", "stored"),
    [
        (orjson.dumps(duty("KL-12/3")), {"Content-Type": "application/cloudevents+json"}, 1),
        (orjson.dumps([duty("KL-12/3")]), {"Content-Type": "application/cloudevents-batch+json"}, 1),
        (b"\n".join([orjson.dumps(duty("KL-12/3")), b"", BATCH, b""]), LINES, 2),
    ],
)
async def test_over_http_one_document_a_batch_and_lines_are_taken(
    office: Office, content: bytes, headers: dict[str, str], stored: int
) -> None:
    answer = await office.caller.post(PATH, content=content, headers=headers)
    assert (answer.status_code, answer.json()["stored"]) == (202, stored)
    await office.settled()
    assert ("intake.duty_said.v1", "KL-12/3", 3) in await office.said()
    assert len(await office.refused()) == stored - 1


async def test_what_a_call_causes_goes_by_the_trace_it_answers_with(office: Office) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for headers in ({}, {tracing.HEADER: trace}):
        answer = await office.caller.post(PATH, content=orjson.dumps(duty(f"KL-{len(headers)}")), headers=headers)
        await office.settled()
        last = (await harness.said(office.client, "INTAKE"))[-1]
        assert tracing.id_of(last["traceparent"]) == answer.json()["id"]
    assert answer.json()["id"] == tracing.id_of(trace)


@pytest.mark.parametrize(
    ("content", "headers", "status", "told"),
    [
        (b"x" * (SETTINGS.max_body_bytes + 1), {}, 413, f"{SETTINGS.max_body_bytes} bytes"),
        (b"{}\n" + b"x" * (SETTINGS.max_body_bytes + 1), LINES, 413, "line 2"),
        (b"\n \n", LINES, 422, "1000 lines"),
        (b"{}\n" * 1001, LINES, 422, "1000 lines"),
    ],
)
async def test_a_call_that_is_too_large_stores_nothing_and_is_told_why(
    office: Office, content: bytes, headers: dict[str, str], status: int, told: str
) -> None:
    answer = await office.caller.post(PATH, content=content, headers=headers)
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True)
    await office.settled()
    assert await office.refused() == []


async def test_the_key_and_a_source_name_are_asked_for(office: Office) -> None:
    assert (await office.caller.post(PATH, content=b"{}", headers={"X-API-Key": ""})).status_code == 401
    assert (await office.caller.post("/v1/feeds/Thanh.Tra/facts", content=b"{}")).status_code == 422
