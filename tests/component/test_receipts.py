"""What providers say of notices, on real servers: NATS, PostgreSQL, SMTP, and a gateway that keeps what it is asked."""

# ruff: noqa: F811 - fixtures are taken by name

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.notify.receipts import hearing, inbox, store, tokens
from services.notify.receipts.inbox import Heard
from services.notify.settings import NotifySettings
from shared.events import DeadlinePassed
from tests.component import harness
from tests.component.office import (
    FRIDAY_1601,
    MONDAY_0730,
    Office,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
)
from tests.component.receiving import KEY, RULES, UNITS, Gateway, by_channel, gateway, hear, rows, tell
from tests.waiting import until

MONDAY_0759, MONDAY_0801 = "2026-11-23T07:59:00+07:00", "2026-11-23T08:01:00+07:00"


@pytest_asyncio.fixture
async def sms() -> AsyncIterator[Gateway]:
    async with gateway() as made:
        yield made


async def told(here: Office) -> None:
    """Let the head be told of one overdue dossier, by mail and SMS."""
    await here.hear(DeadlinePassed)
    await here.move_to(FRIDAY_1601)
    await here.move_to(MONDAY_0730)


async def events(here: Office) -> list[str]:
    found = await harness.said(here.client, "NOTIFY")
    return [event["type"].split(".")[1] for event in found if event["data"].get("channel") == "sms"]


async def test_a_receipt_notes_that_an_sms_arrived_once_however_often_and_late_it_is_said(
    office: Open,
    sms: Gateway,
) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        assert (await by_channel(here))["sms"]["receipt"] == "pending"
        for state in (8, 1, 4, 1, 2, 8):
            assert (await tell(here, sms.taken[0], state)).json() == {"taken": 1}
        notice = (await by_channel(here))["sms"]
        assert (notice["status"], notice["receipt"], notice["provider"]) == ("sent", "delivered", "kannel")
        assert notice["receipt_at"]
        assert await events(here) == ["notice_stored", "notice_sent", "notice_delivered"]
        assert [row.outcome for row in await rows(here, "SELECT outcome FROM notify.receipt_heard ORDER BY id")] == [
            "repeat", "delivered", "overruled", "repeat", "overruled", "overruled",
        ]  # fmt: skip
        await here.move_to(MONDAY_0801)
        assert (await by_channel(here))["sms"]["receipt"] == "delivered"
        assert not [notice for notice in await here.notices() if notice["instead_of"]]


async def test_a_receipt_that_comes_before_our_own_commit_waits_for_it(office: Open, sms: Gateway) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        sms.open.clear()
        moving = asyncio.create_task(here.move_to(MONDAY_0730))
        await until(lambda: sms.taken)
        async with harness.caller(here.notify) as http:
            assert (await http.get(sms.taken[0]["dlr-url"].replace("%d", "1").replace("%T", ""))).status_code == 200
        await asyncio.sleep(1.5)  # it is looked at and waits
        assert (await by_channel(here))["sms"]["status"] == "stored"
        sms.open.set()
        await moving
        await until(lambda: by_channel(here), lambda found: found["sms"]["receipt"] == "delivered")


async def test_what_is_said_of_nothing_of_ours_changes_nothing(office: Open, sms: Gateway) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        both = await by_channel(here)
        await hear(
            here,
            Heard("kannel", "delivered", notice_id="0123456789"),
            Heard("kannel", "failed", reference="unknown"),
            Heard("kannel", "failed", notice_id=both["email"]["notice_id"]),  # a gateway speaks of no mail
            Heard("bounce", "failed", notice_id=both["sms"]["notice_id"]),  # nor a bounce of an SMS
        )
        assert [(n["status"], n["receipt"]) for n in (await by_channel(here)).values()] == [
            (n["status"], n["receipt"]) for n in both.values()
        ]
        assert {row.done_at for row in await rows(here, "SELECT done_at FROM notify.receipt_heard")} == {None}


async def test_a_receipt_finds_its_notice_by_the_gateways_own_reference(office: Open, sms: Gateway) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        async with here.notify.engine.begin() as connection:
            await connection.exec_driver_sql(
                "UPDATE notify.notice SET provider = 'speedsms', reference = '123456' WHERE channel = 'sms'"
            )
        async with harness.caller(here.notify) as http:
            path = f"/v1/receipts/speedsms?token={tokens.of_provider(KEY, 'speedsms')}"
            answer = await http.post(path, json={"type": "report", "tranId": 123456, "status": 0})
            assert answer.status_code == 200, answer.text
        await here.settle()
        assert (await by_channel(here))["sms"]["receipt"] == "delivered"


async def test_calls_without_a_right_token_and_calls_that_are_none_are_refused(office: Open, sms: Gateway) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        id = (await by_channel(here))["sms"]["notice_id"]
        right = tokens.of_provider(KEY, "kannel")
        async with harness.caller(here.notify) as http:
            del http.headers["X-API-Key"]
            refused = {
                f"/v1/receipts/kannel?id={id}&state=1": 403,
                f"/v1/receipts/kannel/{'0' * 32}?id={id}&state=1": 403,
                f"/v1/receipts/kannel/{tokens.of_notice(KEY, 'another')}?id={id}&state=1": 403,
                f"/v1/receipts/kannel/{tokens.of_notice(KEY, '')}?state=1": 403,
                f"/v1/receipts/esms/{right}?RequestId={id}&SendStatus=5": 403,
                f"/v1/receipts/kannel/{right}?state=1": 422,
                f"/v1/receipts/nobody/{right}?id={id}&state=1": 404,
                f"/v1/receipts/%2e%2e%2fkannel/{right}?id={id}&state=1": 404,
                "/v1/receipts": 401,
                "/v1/addresses": 401,
            }
            for path, status in refused.items():
                answer = await http.get(path)
                assert answer.status_code == status, (path, answer.text)
                assert answer.headers["Content-Type"] == "application/problem+json"
            path = f"/v1/receipts/kannel/{right}"
            assert (await http.post(path, content=b"x" * 70_000)).status_code == 413
            assert (await http.post(path, content=b"{")).status_code == 422
            form = await http.post(path, data={"id": id, "state": "1"})
            assert form.json() == {"taken": 1}
            codes = [(await http.get(f"/v1/receipts/kannel?id={id}&state=1")).status_code for _ in range(70)]
            assert set(codes) == {403, 429}


async def test_two_copies_hear_the_same_things_once(office: Open, sms: Gateway) -> None:
    given = NotifySettings(**sms.settings())  # type: ignore[arg-type]
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        notice = (await by_channel(here))["sms"]
        async with here.notify.engine.begin() as connection:
            for state in ("failed", "delivered", "failed", "pending") * 5:
                await inbox.put(connection, [Heard("kannel", state, notice_id=notice["notice_id"])])
        await asyncio.gather(*(hearing.hear_some(here.notify, rules=RULES, settings=given) for _ in range(4)))
        await here.settle()
        assert (await by_channel(here))["sms"]["receipt"] == "delivered"
        assert (await events(here)).count("notice_delivered") == 1


async def test_missing_receipts_are_counted_by_provider(office: Open, sms: Gateway) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        await here.move_to(MONDAY_0759)
        assert (await by_channel(here))["sms"]["receipt"] == "pending"
        await here.move_to(MONDAY_0801)
        notice = (await by_channel(here))["sms"]
        assert (notice["status"], notice["receipt"], notice["reason"]) == ("sent", "expired", "no_receipt")
        assert notice["fallback"] == "covered"  # the mail beside it went out
        async with here.notify.engine.connect() as connection:
            assert await store.by_provider(connection) == {"kannel": {"expired": 1}}
        assert (await events(here))[-1] == "notice_failed"


async def test_without_an_address_for_receipts_none_is_waited_for(office: Open, sms: Gateway) -> None:
    async with office(units=UNITS, **sms.settings(receipts_url="")) as here:
        await told(here)
        assert "dlr-url" not in sms.taken[0]
        await here.move_to(MONDAY_0801)
        assert (await by_channel(here))["sms"]["receipt"] == ""


@pytest.mark.parametrize("path", ["/v1/notices"])
async def test_the_list_of_notices_shows_receipts_and_no_number(office: Open, sms: Gateway, path: str) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        await tell(here, sms.taken[0], 1)
        async with harness.caller(here.notify) as http:
            shown = (await http.get(path)).text
        assert '"receipt":"delivered"' in shown
        assert "900000123" not in shown
        assert "giam.doc" not in shown
