"""What people put right, on real servers: facts retracted, reversals settled, codes that are one dossier."""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
import pytest_asyncio
from nats.aio.client import Client
from sqlalchemy import text

from shared.bus import publish
from shared.cloudevents import Outgoing
from shared.service import Running
from tests.component import harness

A, B, C = "000.00.12.H56-261102-0001", "ML-2026/0001", "000.00.12.H56-261102-0009"
DUE, LATER = "2026-11-09T09:10:00+07:00", "2026-11-20T09:10:00+07:00"
ACCEPTED = {"accepted_at": "2026-11-02T09:10:00+07:00", "procedure": "1.004746", "unit": "UBND xã Mường Lát"}


class Office(NamedTuple):
    """Intake and deadline, their callers over HTTP, and the broker."""

    started: dict[str, Running]
    intake: httpx.AsyncClient
    deadline: httpx.AsyncClient
    client: Client

    async def say(
        self, type: str, subject: str, /, *, source: str = "motcua-1", time: str | None = None, **data: Any
    ) -> None:
        named = {"specversion": "1.0", "id": "1", "source": "/x", "type": f"dondoc.{type}.v1", "subject": subject}
        body = orjson.dumps({**named, **({"time": time} if time else {}), "data": data})
        await publish(self.client, [Outgoing(uuid.uuid4().hex, f"feed.{source}.facts", body)])
        await self.settled()

    async def settled(self) -> None:
        await harness.until_idle(self.started)

    async def facts(self, code: str = A, slot: str = "") -> list[dict[str, Any]]:
        told = (await self.intake.get("/v1/facts", params={"dossier": code})).json()
        return [fact for fact in told["facts"] if fact["slot"].startswith(slot)]

    async def retract(self, fact: str, *, code: str = A, **more: Any) -> dict[str, Any]:
        dry = {"dry_run": "true"} if more.pop("dry_run", False) else {}
        body = {"dossier": code, "fact": fact, "reason": "Nhập nhầm", **more}
        answer = await self.intake.post("/v1/retractions", json=body, params=dry)
        assert answer.status_code == 200, answer.text
        await self.settled()
        told: dict[str, Any] = answer.json()
        return told

    async def obligation(self, code: str = A) -> dict[str, Any]:
        told: dict[str, Any] = (await self.deadline.get(f"/v1/obligations/dossier/{code}")).json()
        return told

    async def counted(self) -> list[str]:
        listed = (await self.deadline.get("/v1/obligations", params={"kind": "dossier"})).json()
        return [one["subject_id"] for one in listed]


@pytest_asyncio.fixture
async def office(nats_url: str, postgres_url: str) -> AsyncIterator[Office]:
    async with harness.intake_and_deadline(nats_url, postgres_url, clock="live") as pair:
        yield Office(*pair)


async def test_a_retracted_due_date_no_longer_counts_and_the_explanation_says_so(office: Office) -> None:
    await office.say("accepted", A, due_at=DUE, **ACCEPTED)
    await office.say("due_date", A, due_at=LATER, announced_at="2026-11-03T09:00:00+07:00")
    wrong = (await office.facts(slot="due"))[-1]
    assert (await office.retract(wrong["id"], dry_run=True))["facts"][0]["value"] == LATER
    assert (await office.obligation())["due_at"] == LATER
    await office.retract(wrong["id"], by="Văn phòng")
    told = await office.obligation()
    assert told["due_at"] == DUE
    assert (
        "Không tính hạn trả kết quả 09:10 ngày 20/11/2026 do motcua-1 báo: Văn phòng đã rút lại"
        in told["explanation"]["sentence"]
    )
    assert (await office.retract(wrong["id"]))["already"]
    [shown] = [fact for fact in await office.facts(slot="due") if fact["retracted"]]
    assert (shown["id"], shown["retracted"]["reason"]) == (wrong["id"], "Nhập nhầm")


async def test_a_retraction_that_is_retracted_restores_and_may_be_made_again(office: Office) -> None:
    await office.say("accepted", A, due_at=DUE, **ACCEPTED)
    [due] = await office.facts(slot="due")
    for _ in range(2):
        await office.retract(due["id"])
        assert (await office.obligation())["due_from"] == "computed"
        mark = (await office.facts(slot="retracted."))[-1]
        await office.retract(mark["id"])
        assert (await office.obligation())["due_from"] == "source"


async def test_said_again_with_the_same_content_it_stays_retracted_and_with_a_new_time_it_is_news(
    office: Office,
) -> None:
    await office.say("accepted", A, due_at=DUE, **ACCEPTED)
    [due] = await office.facts(slot="due")
    await office.retract(due["id"])
    await office.say("accepted", A, due_at=DUE, **ACCEPTED)
    assert (await office.obligation())["due_from"] == "computed"
    await office.say("accepted", A, due_at=DUE, time="2026-11-03T09:00:00+07:00", **ACCEPTED)
    assert (await office.obligation())["due_from"] == "source"


async def test_what_was_kept_back_counts_once_the_first_is_retracted_unless_all_are(office: Office) -> None:
    for day in (2, 3, 4):
        await office.say("accepted", A, due_at=DUE, time=f"2026-11-0{day}T10:00:00+07:00", **ACCEPTED)
    first = (await office.facts(slot="due"))[0]
    assert (await office.retract(first["id"]))["still"] == 2
    assert (await office.obligation())["due_from"] == "source"
    assert len((await office.retract(first["id"], every=True))["facts"]) == 2
    assert (await office.obligation())["due_from"] == "computed"


async def test_a_dossier_of_which_everything_is_retracted_is_void_and_comes_back(office: Office) -> None:
    await office.say("accepted", A, accepted_at=ACCEPTED["accepted_at"])
    for fact in await office.facts():
        await office.retract(fact["id"])
    told = await office.obligation()
    assert (told["end"], told["flags"], await office.counted()) == ("void", ["retracted"], [])
    assert told["explanation"]["sentence"].endswith("nên không theo dõi hạn.")
    await office.say("accepted", A, due_at=DUE, time="2026-11-03T09:00:00+07:00", **ACCEPTED)
    told = await office.obligation()
    assert (told["state"], told["due_at"], await office.counted()) == ("open", DUE, [A])


async def test_a_fact_of_a_duty_is_retracted_too(office: Office) -> None:
    await office.say("duty", "BC-Q4", kind="report", unit="H56.12", given_at=DUE, due_on="2026-12-15")
    [due] = await office.facts("report/BC-Q4", "due")
    await office.retract(due["id"], code="report/BC-Q4")
    told = (await office.deadline.get("/v1/obligations/report/BC-Q4")).json()
    assert (told["due_at"], told["timing"]) == (None, "no_deadline")
    assert "Không tính hạn trả kết quả" in told["explanation"]["sentence"]


@pytest.mark.parametrize(
    ("type", "kind", "data"),
    [
        ("plan_item", "plan_item", {"title": "Tuyên truyền", "due_on": "2026-12-15"}),
        ("finding", "report", {"text": "Chậm niêm yết", "report_due_on": "2026-12-15"}),
    ],
)
async def test_a_fact_of_what_oversight_asks_for_is_retracted_and_its_record_is_not(
    office: Office, type: str, kind: str, data: dict[str, Any]
) -> None:
    for time in ("2026-11-02T10:00:00+07:00", "2026-11-03T10:00:00+07:00"):
        await office.say(type, "KH-1", time=time, unit="H56.12", **data)
    key = f"{type}/KH-1"
    for due in await office.facts(key, "due"):
        await office.retract(due["id"], code=key)
    told = (await office.deadline.get(f"/v1/obligations/{kind}/KH-1")).json()
    assert (told["due_at"], told["timing"]) == (None, "no_deadline")
    [record, *_] = await office.facts(key, "record")
    answer = await office.intake.post("/v1/retractions", json={"dossier": key, "fact": record["id"], "reason": "x"})
    assert (answer.status_code, "dondoc oversight load" in answer.json()["detail"]) == (409, True)
    said = [fact for event in await harness.said(office.client, "INTAKE") for fact in event["data"].get("facts", ())]
    assert "record" not in {fact["slot"] for fact in said}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/retractions", {"dossier": A, "fact": "none", "reason": "x"}, 404),
        ("/v1/retractions", {"dossier": "unheard", "fact": "none", "reason": "x"}, 404),
        ("/v1/retractions", {"dossier": A, "fact": "none", "reason": " "}, 422),
        ("/v1/retractions", {"dossier": A, "fact": "none", "reason": "a\u0007b"}, 422),
        ("/v1/reversals/7", {"reason": "x"}, 404),
        ("/v1/same_as", {"dossier": A, "code": A.lower(), "reason": "x"}, 422),
    ],
)
async def test_what_cannot_be_is_answered_with_its_reason(
    office: Office, path: str, body: dict[str, Any], status: int
) -> None:
    await office.say("accepted", A, due_at=DUE, **ACCEPTED)
    assert (await office.intake.post(path, json=body)).status_code == status


async def reversed_twice(office: Office) -> list[dict[str, Any]]:
    """Let two different due dates of one `as_of` come one after the other."""
    await office.say("accepted", A, due_at=DUE, **ACCEPTED)
    await office.say("accepted", A, due_at=LATER, **ACCEPTED)
    listed: list[dict[str, Any]] = (await office.intake.get("/v1/reversals")).json()
    return listed


async def test_a_possible_reversal_is_listed_and_goes_once_it_is_let_stand(office: Office) -> None:
    [found] = await reversed_twice(office)
    assert (found["stood"]["value"], found["came"]["value"], found["dossier"]) == (DUE, LATER, A)
    assert "possible_reversal" in (await office.obligation())["flags"]
    for _ in range(2):
        answer = await office.intake.post(f"/v1/reversals/{found['id']}", json={"reason": "Đúng là hẹn lại"})
        assert answer.status_code == 200
    await office.settled()
    told = await office.obligation()
    assert (told["due_at"], "possible_reversal" in told["flags"]) == (LATER, False)
    assert (await office.intake.get("/v1/reversals")).json() == []
    [settled] = (await office.intake.get("/v1/reversals", params={"all": "true"})).json()
    assert (settled["state"], settled["settled"]["reason"]) == ("stands", "Đúng là hẹn lại")


async def test_a_reversal_is_settled_by_retracting_what_came(office: Office) -> None:
    [found] = await reversed_twice(office)
    await office.retract(found["came"]["id"])
    told = await office.obligation()
    assert (told["due_at"], "possible_reversal" in told["flags"]) == (DUE, False)
    assert (await office.intake.get("/v1/reversals")).json() == []


async def heard(office: Office, order: str) -> None:
    """Let a dossier be heard under two codes and that they are one, in the order of the letters."""
    deeds = {
        "a": lambda: office.say("accepted", A, due_at=DUE, **ACCEPTED),
        "b": lambda: office.say("ended", B, ended_at="2026-11-08T08:00:00+07:00", end="completed"),
        "=": lambda: office.say("same_as", B, code=A),
    }
    for letter in order:
        await deeds[letter]()


@pytest.mark.parametrize("order", ["ab=", "ba=", "a=b", "b=a", "=ab", "=ba", "a=bab=", "=b=a"])
async def test_two_codes_are_one_dossier_in_whichever_order_it_is_heard(office: Office, order: str) -> None:
    await heard(office, order)
    told = await office.obligation(A)
    assert (told["state"], told["end"], told["due_at"]) == ("ended", "completed", DUE)
    other = await office.obligation(B)
    assert (other["end"], other["flags"]) == ("void", ["same_as"])
    assert await office.counted() == [A]
    assert f"Hồ sơ này còn có mã khác: {B}." in told["explanation"]["sentence"]
    assert f"hồ sơ được theo dõi theo mã {A}" in other["explanation"]["sentence"]


async def test_a_link_that_is_taken_back_leaves_each_code_with_what_was_said_of_it_and_may_be_restored(
    office: Office,
) -> None:
    await heard(office, "ab=")
    [link] = await office.facts(B, "same_as")
    await office.retract(link["id"], code=B)
    first, second = await office.obligation(A), await office.obligation(B)
    assert (first["state"], second["state"], second["end"]) == ("open", "ended", "completed")
    assert await office.counted() == sorted([A, B])
    await office.say("due_date", B, due_at=LATER, announced_at="2026-11-07T09:00:00+07:00")
    assert [(await office.obligation(code))["due_at"] for code in (A, B)] == [DUE, LATER]
    [mark] = await office.facts(B, "retracted.")
    await office.retract(mark["id"], code=B)
    told = await office.obligation(A)
    assert (told["state"], told["due_at"], await office.counted()) == ("ended", LATER, [A])


async def test_chains_are_one_dossier_under_its_portal_code_and_so_is_what_is_heard_later(office: Office) -> None:
    local = ["X-1", "X-2", "X-3"]
    for one, other in (("X-2", "X-3"), ("X-1", "X-2")):
        await office.say("same_as", one, code=other)
    for number, code in enumerate(local, start=1):
        await office.say("pause", code, number=number, kind="suspension", since=f"2026-11-0{number + 2}T08:00:00+07:00")
    assert (await office.counted(), (await office.obligation("X-1"))["state"]) == (["X-1"], "paused")
    answer = await office.intake.post("/v1/same_as", json={"dossier": C, "code": "X-3", "reason": "Cùng hồ sơ"})
    assert answer.json()["dossier"] == C
    await office.settled()
    await office.say("accepted", C, due_at=DUE, **ACCEPTED)
    await office.say("ended", "X-2", ended_at="2026-11-06T08:00:00+07:00", end="completed")
    told = await office.obligation(C)
    assert (told["state"], told["accepted_at"], await office.counted()) == ("ended", ACCEPTED["accepted_at"], [C])
    assert (await office.intake.get("/v1/facts", params={"dossier": "X-1"})).json()["codes"] == [C, *local]


async def test_a_word_that_would_be_the_code_of_everything_goes_to_quarantine(office: Office) -> None:
    for number in range(12):
        await office.say("same_as", f"X-{number}", code="KHÔNG CÓ")
    async with office.started["intake"].engine.connect() as connection:
        rows = await connection.execute(text("SELECT reason, subject FROM intake.quarantine"))
        assert {tuple(row) for row in rows} == {("too_many_codes", "feed.motcua-1.facts")}  # so that it can be retried
    codes = (await office.intake.get("/v1/facts", params={"dossier": "KHÔNG CÓ"})).json()["codes"]
    assert len(codes) == 10


async def test_a_burst_in_any_order_joins_every_pair(office: Office) -> None:
    """In one batch or several: what is heard before, with and after its link is of one dossier."""
    pairs = [(f"000.00.12.H56-261102-{number:04}", f"ML-{number}") for number in range(1, 41)]
    named = {"specversion": "1.0", "id": "1", "source": "/x"}
    bodies = []
    for portal, local in pairs:
        bodies += [
            {**named, "type": "dondoc.accepted.v1", "subject": portal, "data": {**ACCEPTED, "due_at": DUE}},
            {**named, "type": "dondoc.same_as.v1", "subject": local, "data": {"code": portal}},
            {**named, "type": "dondoc.ended.v1", "subject": local, "data": {"ended_at": DUE, "end": "completed"}},
        ]
    random.Random(7).shuffle(bodies)
    await publish(
        office.client,
        [Outgoing(uuid.uuid4().hex, "feed.motcua-1.facts", orjson.dumps(body)) for body in bodies],
    )
    await office.settled()
    listed = (await office.deadline.get("/v1/obligations", params={"kind": "dossier"})).json()
    assert [(one["subject_id"], one["state"]) for one in listed] == [(portal, "ended") for portal, _ in pairs]
    async with office.started["intake"].engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM intake.quarantine"))).scalar() == 0


async def test_the_schema_of_our_own_format_is_served(office: Office) -> None:
    answer = await office.intake.get("/v1/schemas/facts")
    assert (answer.status_code, answer.json()["$schema"][-14:]) == (200, "2020-12/schema")
