"""Delivery through providers that fail in every way: nothing is lost, and what may be doubled is counted."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
from prometheus_client import REGISTRY

from services.notify.main import service
from services.notify.receipts import tokens
from services.notify.sending import claiming, delivery, store
from services.notify.settings import NotifySettings
from shared.program import running
from tests.component import peers
from tests.component.receiving import KEY
from tests.component.sending import Open, house, migrated, smtp  # noqa: F401 - fixtures
from tests.waiting import until

QUICK = (0, 1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "RETRY_SECONDS", QUICK)
    monkeypatch.setattr(claiming, "PROVIDER_S", 0.2)


def doubled() -> float:
    return REGISTRY.get_sample_value("dondoc_notices_maybe_doubled_total", {"channel": "email"}) or 0


async def test_a_connection_takes_many_mails_and_no_more_are_open_than_the_file_says(house: Open) -> None:  # noqa: F811
    async with peers.relay() as relay, house(smtp(relay.port, connections=3, mails=50)) as here:
        ids = await here.put(300)
        await here.until("status = 'sent'", number=300)
        assert Counter(relay.taken) == Counter(ids)
        assert relay.most <= 3
        assert 6 <= relay.lines <= 12
        assert {(row.provider, row.attempts, row.maybe_doubled) for row in await here.rows()} == {("relay", 1, False)}


async def test_failed_mails_come_back_to_an_address_that_names_the_notice(house: Open) -> None:  # noqa: F811
    async with (
        peers.relay() as relay,
        house(smtp(relay.port), bounce_address="bounce@example.vn", receipts_key=KEY) as here,
    ):
        await here.put(2)
        await here.until("status = 'sent'", number=2)
        assert sorted(relay.senders) == [
            f"bounce+email-0000{n}={tokens.of_notice(KEY, f'email-0000{n}')}@example.vn" for n in range(2)
        ]


@pytest.mark.parametrize("manner", ["4xx", "garbage", "drops"])
async def test_what_one_relay_does_not_take_another_does_and_then_gets_more(
    house: Open,  # noqa: F811
    manner: peers.Manner,
) -> None:
    async with (
        peers.relay(manner) as bad,
        peers.relay() as good,
        house(smtp(bad.port, "bad", share=3), smtp(good.port, "good")) as here,
    ):
        ids = await here.put(60)
        await here.until("status = 'sent'", number=60)
        assert Counter(good.taken) == Counter(ids)
        async with here.caller() as caller:
            told = {one["name"]: one for one in (await caller.get("/v1/providers")).json()["providers"]}
            [first] = (await caller.get("/v1/notices?limit=1")).json()["notices"]
        assert (first["provider"], first["maybe_doubled"]) == ("good", False)
        assert (told["good"]["state"], told["good"]["of_share_percent"]) == ("closed", 100)
        assert told["bad"]["of_share_percent"] < 100
        assert (await here.notify.status())["counts"]["providers"]["good"] == 100
        bad.manner = "well"
        await asyncio.sleep(2.5)  # its rest is over
        await here.put(60, first=100)
        await here.until("status = 'sent'", number=120)
        assert bad.taken


async def test_while_the_only_relay_is_down_notices_wait_and_few_tries_are_spent(house: Open) -> None:  # noqa: F811
    async with peers.relay("drops") as relay, house(smtp(relay.port, connections=2)) as here:
        ids = await here.put(50)
        await asyncio.sleep(1.5)
        assert sum(row.attempts for row in await here.rows("attempts")) <= 10
        relay.manner = "well"
        await here.until("status = 'sent'", number=50)
        assert Counter(relay.taken) == Counter(ids)


async def test_a_relay_that_hangs_holds_up_its_own_notices_alone(house: Open) -> None:  # noqa: F811
    async with (
        peers.relay("hangs") as slow,
        peers.relay() as fast,
        house(smtp(slow.port, "slow", connections=2, timeout_s=60), smtp(fast.port, "fast")) as here,
    ):
        await here.put(200)
        await here.until("status = 'sent'", number=198, within_s=40)
        assert len(fast.taken) == 198
        slow.manner = "well"


async def test_a_refusal_for_good_is_no_fault_of_the_relay(house: Open) -> None:  # noqa: F811
    async with peers.relay("5xx") as relay, house(smtp(relay.port)) as here:
        await here.put(20)
        await here.until("status = 'failed'", number=20)
        assert {row.reason for row in await here.rows()} == {"relay answered 554"}
        assert (await here.notify.status())["counts"]["providers"] == {"relay": 100}


async def test_what_a_relay_took_without_saying_so_goes_to_it_again_under_the_same_id_and_is_counted(
    house: Open,  # noqa: F811
) -> None:
    before = doubled()
    async with (
        peers.relay("takes_and_drops") as odd,
        peers.relay() as other,
        house(smtp(odd.port, "odd", connections=1), smtp(other.port, "other", connections=1)) as here,
    ):
        ids = await here.put(40)
        await here.until("status = 'sent' AND provider = 'other'", number=20)
        odd.manner = "well"
        await here.until("status = 'sent'", number=40)
        taken = Counter(odd.taken) + Counter(other.taken)
        assert set(taken) == set(ids)  # nothing is lost
        twice = {id for id, number in taken.items() if number > 1}
        counted = {row.id for row in await here.rows() if row.maybe_doubled}
        assert twice
        assert twice <= counted
        assert not twice & set(other.taken)  # who may have it is asked again
        assert doubled() - before == len(counted)


async def test_an_outcome_waits_for_the_database_and_is_noted_then(
    house: Open,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, broken = store.finish, [3]

    async def finish(*given: object) -> object:
        if broken[0]:
            broken[0] -= 1
            raise OSError("the database is away")
        return await real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "finish", finish)
    async with peers.relay() as relay, house(smtp(relay.port)) as here:
        ids = await here.put(5)
        await here.until("status = 'sent'", number=5)
        assert Counter(relay.taken) == Counter(ids)


async def test_asked_to_stop_it_waits_for_what_is_under_way_and_notes_it(
    house: Open,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peers, "SLOW_S", 1)
    async with peers.relay("slow") as relay:
        async with house(smtp(relay.port, connections=4, timeout_s=10)) as here:
            await here.put(20)
            await here.until("lease IS NOT NULL", number=4)
        assert len(relay.taken) >= 4
        async with house(smtp(relay.port)) as again:
            assert await again.count("status = 'sent'") >= len(relay.taken)
            relay.manner = "well"
            await again.until("status = 'sent'", number=20)
            assert max(Counter(relay.taken).values()) == 1


async def test_two_copies_send_each_notice_once(house: Open) -> None:  # noqa: F811
    async with peers.relay() as relay, house(smtp(relay.port)) as here:
        another = service(NotifySettings(send="live", smtp_port=relay.port))
        async with running(another, here.notify.settings):
            ids = await here.put(300)
            await here.until("status = 'sent'", number=300)
        assert Counter(relay.taken) == Counter(ids)


async def test_a_rate_holds_and_an_hours_bound_holds_for_all_who_send(house: Open) -> None:  # noqa: F811
    async with peers.relay() as relay, house(smtp(relay.port, per_second=20)) as here:
        began = time.monotonic()
        await here.put(60)
        await here.until("status = 'sent'", number=60)
        assert time.monotonic() - began > 1.8  # what a second may take leaves at once
    async with peers.relay() as relay, house(smtp(relay.port, per_hour=65)) as here:
        await here.put(30, first=100)
        await until(lambda: relay.taken)
        await asyncio.sleep(1.5)
        assert len(relay.taken) == 5  # the provider of that name was handed sixty within the hour
