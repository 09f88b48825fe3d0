"""The terms of a feedback on real servers: each falls due, pauses, moves, ends and is taken up again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import orjson
import pytest_asyncio
from nats.aio.client import Client

from services.deadline.main import SERVICE as DEADLINE
from services.intake.main import SERVICE as INTAKE
from shared import bus
from shared.cloudevents import outgoing
from shared.events import (
    ComplaintAnswered,
    ComplaintChanged,
    ComplaintFiled,
    ComplaintRated,
    ComplaintReopened,
    ComplaintRouted,
)
from shared.service import Running
from tests import servers as real
from tests.component import harness
from tests.unit.deadline.test_terms import CODE, OWN, screened, state, term

LATE = "2026-11-25T10:00:01+07:00"  # a second behind the answer's due time
MUONG_LAT = {
    "name": "stc",
    "given": {"name": "stc", "inherits": "thanh-hoa", "dates": {"2026-11-20": []}},
    "units": ["TH-STC"],
}


@dataclass
class Stack:
    """deadline at work, and what it says."""

    running: dict[str, Running]
    client: Client
    intake: httpx.AsyncClient
    deadline: httpx.AsyncClient

    async def hear(self, event: type[ComplaintChanged], data: dict[str, Any]) -> None:
        id, time = f"{data['code']}:{data['revision']}", datetime.fromisoformat(data["filed_at"])
        told = event.model_validate(data)
        await bus.publish(self.client, [outgoing(event, id=id, about=data["code"], time=time, data=told)])
        await harness.until_idle(self.running)

    async def tick(self, at: str) -> None:
        await harness.tick(self.client, at, streams=("FEED", "COMPLAINTS"))
        await harness.until_idle(self.running)

    async def said(self, about: str) -> list[str]:
        """Return the names of the events said of an obligation."""
        said = await harness.said(self.client, "DEADLINE")
        return [one["type"].split(".")[1] for one in said if one["subject"] == about]

    async def shown(self, id: str) -> dict[str, Any]:
        return dict((await self.deadline.get(f"/v1/obligations/{id}")).raise_for_status().json())


@pytest_asyncio.fixture
async def stack(nats_url: str, postgres_url: str) -> AsyncIterator[Stack]:
    database = await real.fresh_database(postgres_url, migrated=["intake", "deadline"])
    async with (
        harness.services(INTAKE, DEADLINE, nats_url=nats_url, database=database, clock="driven") as running,
        harness.connected(nats_url) as client,
        harness.caller(running["intake"]) as intake,
        harness.caller(running["deadline"]) as deadline,
    ):
        found = Stack(running, client, intake, deadline)
        await found.tick("2026-11-03T12:00:00+07:00")  # the directory has come
        yield found
    await real.drop_database(postgres_url, database)


async def test_a_term_passes_pauses_is_reopened_and_ends(stack: Stack) -> None:
    await stack.hear(ComplaintFiled, state(1, screened(None), kind=None))
    await stack.hear(ComplaintRouted, state(2, screened(), term("answer")))
    assert await stack.said(OWN) == ["obligation_changed", "deadline_set"]
    assert await stack.said(f"{OWN}/screening") == ["deadline_set", "obligation_ended"]
    await stack.tick("2026-11-25T09:00:00+07:00")
    await stack.tick(LATE)
    assert (await stack.said(OWN))[2:] == ["deadline_near", "deadline_passed"]
    assert (await stack.shown(OWN))["timing"] == "overdue"

    asked = term("answer", pauses=[("2026-11-25T11:00:00+07:00", None)])
    await stack.hear(ComplaintChanged, state(3, screened(), asked))
    answered = term("answer", ended_at="2026-11-26T09:00:00+07:00", end="answered")
    await stack.hear(
        ComplaintAnswered, state(4, screened(), answered, term("publication", "2026-11-26T09:00:00+07:00"))
    )
    await stack.hear(ComplaintReopened, state(5, screened(), term("answer", "2026-11-27T09:00:00+07:00"), reopened=1))
    assert (await stack.said(OWN))[4:] == ["deadline_paused", "obligation_ended", "obligation_reopened"]
    assert await stack.said(f"{OWN}/publication") == ["deadline_set", "obligation_ended"]  # nothing is published now
    again = await stack.shown(OWN)
    assert (again["first_ended_at"], again["due_at"]) == ("2026-11-26T09:00:00+07:00", "2026-12-18T09:00:00+07:00")
    said = len(await harness.said(stack.client, "DEADLINE"))
    await stack.hear(ComplaintRated, state(6, screened(), term("answer", "2026-11-27T09:00:00+07:00"), rating=2))
    await stack.hear(ComplaintRouted, state(2, screened(), term("answer")))
    assert len(await harness.said(stack.client, "DEADLINE")) == said


async def test_a_reflection_that_is_a_complaint_is_settled_in_its_own_terms_and_extended(stack: Stack) -> None:
    await stack.hear(ComplaintRouted, state(1, screened(), term("answer")))
    since = "2026-11-05T09:00:00+07:00"
    settlement = term("settlement", since)
    await stack.hear(ComplaintRouted, state(2, screened(), settlement, kind="complaint"))
    assert await stack.said(OWN) == ["deadline_set", "obligation_ended"]
    await stack.hear(
        ComplaintChanged, state(3, screened(), settlement | {"value": 45, "extended": 1}, kind="complaint")
    )
    assert await stack.said(f"{OWN}/settlement") == ["deadline_set", "deadline_moved"]
    shown = await stack.shown(f"{OWN}/settlement")
    assert (shown["first_due_at"], shown["due_at"]) == ("2026-12-07T17:00:00+07:00", "2026-12-21T17:00:00+07:00")
    assert "gia hạn theo quy định" in shown["explanation"]["sentence"]
    assert OWN not in [one["obligation_id"] for one in (await stack.deadline.get("/v1/obligations")).json()]


async def test_a_calendar_moves_a_term_that_runs_while_no_answer_is_owed_any_more(stack: Stack) -> None:
    acceptance = term("acceptance", "2026-11-16T09:00:00+07:00")
    await stack.hear(ComplaintRouted, state(1, screened(), acceptance, kind="complaint"))
    before = await stack.shown(f"{OWN}/acceptance")
    (await stack.intake.post("/v1/calendars", json=[MUONG_LAT])).raise_for_status()
    await harness.until_idle(stack.running)
    after = await stack.shown(f"{OWN}/acceptance")
    assert (before["due_at"], after["due_at"]) == ("2026-12-01T09:00:00+07:00", "2026-12-02T09:00:00+07:00")
    assert (await stack.said(f"{OWN}/acceptance"))[-1] == "deadline_moved"


async def test_what_is_confidential_is_in_no_list_count_or_export_and_in_the_census(stack: Stack) -> None:
    hidden = state(1, screened(), term("acceptance"), restricted=True, kind=None, field=None, not_to=["p1"])
    open_ = {**state(1, term("answer"), not_to=["p2"]), "code": "PA-2222-2222-2222"}
    await stack.hear(ComplaintFiled, hidden)
    await stack.hear(ComplaintFiled, open_)
    listed = (await stack.deadline.get("/v1/obligations")).json()
    assert [one["obligation_id"] for one in listed] == ["answer/PA-2222-2222-2222"]
    assert not {"restricted", "confidential"} & set(listed[0])
    texts = [
        (await stack.deadline.get("/v1/export/obligations")).text,
        (await stack.deadline.get("/v1/export/obligations", params={"as_of": "2026-11-04T09:00:00+07:00"})).text,
        (await stack.deadline.get("/v1/obligations/answer/PA-2222-2222-2222")).text,
    ]
    for text in texts:
        assert "PA-2222-2222-2222" in text
        assert not [word for word in (CODE, "restricted", "p1", '"p2"') if word in text]
    for id in (OWN, f"{OWN}/acceptance"):
        assert (await stack.deadline.get(f"/v1/obligations/{id}")).status_code == 404
    counts = (await stack.running["deadline"].status())["counts"]
    assert counts["open"] == {"on_time": 1}

    await stack.tick("2026-11-30T07:30:00+07:00")
    censuses = [one for one in await harness.said(stack.client, "DEADLINE") if "census" in one["type"]]
    ids = [id for id, _ in censuses[-1]["data"]["overdue"]]
    assert ids == ["answer/PA-2222-2222-2222", f"{OWN}/acceptance"]

    cleared = state(2, screened(), term("answer"), restricted=False, not_to=["p1"])
    await stack.hear(ComplaintRouted, cleared)
    [acceptance] = [
        one["data"]
        for one in await harness.said(stack.client, "DEADLINE")
        if one["subject"] == f"{OWN}/acceptance" and one["data"]["end"] == "void"
    ]
    assert (acceptance["confidential"], acceptance["title"], acceptance["restricted"]) == (True, None, ["p1"])
    assert orjson.loads(texts[0].splitlines()[0])["obligation_id"] == "answer/PA-2222-2222-2222"
    assert (await stack.shown(OWN))["state"] == "open"
    counts = (await stack.running["deadline"].status())["counts"]
    assert sum(counts["open"].values()) == 2
