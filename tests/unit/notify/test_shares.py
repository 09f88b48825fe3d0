"""How far a provider is trusted, who gets the next notice, and how many go at once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.sending import delivery, rates, shares, store, traffic
from services.notify.sending.channels import email, smpp, sms, webhook
from services.notify.sending.mail import Claimed
from services.notify.sending.outcomes import GiveUp, Outcome, Sent, TryLater
from services.notify.sending.providers import Smtp
from services.notify.sending.rates import Bucket
from services.notify.sending.shares import Standing
from services.notify.sending.traffic import Lane, Traffic

DOWN = TryLater("SMTPConnectError")


class Nothing:
    async def send(self, notice: Claimed) -> Outcome:
        return Sent()

    async def close(self) -> None: ...


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give a clock that the test moves."""
    at = [1000.0]
    monkeypatch.setattr(traffic, "monotonic_s", lambda: at[0])
    return at


def lane(name: str, **how: object) -> Lane:
    told = {"name": name, "channel": "email", "kind": "smtp", "host": "x", **how}
    return Lane(Smtp.model_validate(told), Nothing())


def notice(**how: object) -> Claimed:
    given = {"attempts": 1, "provider": "", "unsure": False, "waited_s": 0.0, **how}
    return Claimed("n", "email", "a@example.vn", "", "", "", datetime(2026, 11, 23), lease="l", **given)  # type: ignore[arg-type]  # noqa: DTZ001


def test_a_share_falls_by_quarters_and_at_none_the_provider_rests() -> None:
    seen, steps = Standing(), []
    for _ in range(4):
        seen = shares.failed(seen, now=100)
        steps.append((seen.step, shares.state(seen, now=100)))
    assert steps == [(3, "closed"), (2, "closed"), (1, "closed"), (0, "open")]
    assert shares.state(seen, now=101.9) == "open"
    assert shares.state(seen, now=102) == "half_open"


def test_a_trial_that_fails_doubles_the_rest_up_to_a_bound() -> None:
    seen, at, rests = Standing(), 0.0, []
    for _ in range(3):
        seen = shares.failed(seen, now=at)
    for _ in range(10):
        seen = shares.failed(seen, now=at)
        assert seen.open_until is not None
        rests.append(seen.open_until - at)
        at = seen.open_until
    assert rests[:4] == [2, 4, 8, 16]
    assert rests[-1] == shares.LONGEST_REST_S


def test_what_fails_late_of_those_begun_together_makes_the_rest_no_longer() -> None:
    seen = Standing()
    for _ in range(20):
        seen = shares.failed(seen, now=100)
    assert (seen.open_until, seen.failed) == (102, 20)


def test_a_share_comes_back_by_steps() -> None:
    seen = Standing(step=0, open_until=1.0, rest_s=8.0)
    steps = []
    for _ in range(1 + 3 * shares.RAISE_AFTER):
        seen = shares.succeeded(seen)
        steps.append(seen.step)
    assert steps == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4]
    assert (seen.open_until, seen.rest_s) == (None, 0.0)


def test_more_than_one_failure_in_four_ends_in_a_rest_and_few_do_not() -> None:
    often, seldom = Standing(), Standing()
    for _ in range(30):
        often = shares.failed(shares.succeeded(shares.succeeded(often)), now=0)
        seldom = shares.failed(seldom, now=0)
        for _ in range(2 * shares.RAISE_AFTER):
            seldom = shares.succeeded(seldom)
    assert shares.state(often, now=0) == "open"
    assert seldom.step == shares.STEPS


def test_notices_go_by_share_and_one_that_fails_gets_less(now: list[float]) -> None:
    a, b = lane("a", share=3), lane("b", share=1)
    roads = Traffic([a, b])

    def of(number: int) -> Counter[str]:
        return Counter(chosen.provider.name for _ in range(number) if (chosen := roads.choose(notice())))

    assert of(400) == {"a": 300, "b": 100}
    for _ in range(2):
        a.flying += 1
        a.came_back(DOWN)
    assert of(500) == {"a": 300, "b": 200}
    for _ in range(2):
        a.flying += 1
        a.came_back(DOWN)
    assert of(10) == {"b": 10}
    assert roads.counts() == {"a": 0, "b": 100}
    now[0] += shares.FIRST_REST_S
    trial = roads.choose(notice())
    assert trial is a
    a.take()
    assert of(10) == {"b": 10}  # one at a time
    a.came_back(Sent())
    assert of(700) == {"a": 300, "b": 400}


def test_a_notice_that_failed_goes_to_another_and_one_that_may_have_arrived_to_the_same(now: list[float]) -> None:
    a, b = lane("a", share=100), lane("b", share=1)
    roads = Traffic([a, b])
    assert roads.choose(notice(attempts=2, provider="a")) is b
    assert roads.choose(notice(attempts=2, provider="b", unsure=True)) is b
    b.standing = Standing(step=0, open_until=now[0] + 60)
    assert roads.choose(notice(attempts=2, provider="b", unsure=True)) is None
    late = notice(attempts=2, provider="b", unsure=True, waited_s=traffic.PATIENCE_S)
    assert roads.choose(late) is a
    assert roads.choose(notice(attempts=2, provider="a")) is a  # there is no other
    assert roads.choose(notice(attempts=2, provider="gone", unsure=True)) is a


def test_a_refusal_says_that_a_provider_works_and_a_wish_to_wait_is_no_failure(now: list[float]) -> None:
    one = lane("a")
    for outcome in (GiveUp("554"), TryLater("450", of_notice=True), TryLater("429", 30)):
        one.take()
        one.came_back(outcome)
    assert (one.standing.step, one.flying, one.state(), one.room()) == (4, 0, "open", 0)
    now[0] += 30
    assert (one.state(), one.room()) == ("closed", 8)


def test_what_waits_for_a_provider_that_rests_for_long_is_not_under_way(now: list[float]) -> None:
    one = lane("a")
    roads = Traffic([one])
    assert roads.resting() == []
    one.standing = Standing(step=0, open_until=now[0] + 4, rest_s=4)
    assert roads.resting() == []
    one.standing = Standing(step=0, open_until=now[0] + 16, rest_s=16)
    assert roads.resting() == ["email"]
    now[0] += 16
    assert roads.resting() == []


def test_room_is_the_least_of_connections_rate_and_hour(now: list[float]) -> None:
    one = lane("a", connections=5, per_second=3)
    assert one.room() == 1
    now[0] += 10
    assert one.room() == 3
    for _ in range(3):
        one.take()
    assert one.room() == 0
    now[0] += 1
    assert one.room() == 2  # three are under way
    one.hour = 1
    assert one.room() == 1


def test_a_lease_outlives_every_sending() -> None:
    for channel in (email, sms, smpp, webhook):
        assert channel.WHOLE_S + delivery.STOP_S < store.LEASE_S


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0.1, 50))
def test_no_more_leave_in_any_time_than_the_rate_allows(pauses: list[float], per_second: float) -> None:
    bucket, at, taken = Bucket(per_second), 5.0, 0
    for pause in pauses:
        at += pause
        there = bucket.there(now=at)
        assert there is not None
        for _ in range(there):
            bucket.take()
            taken += 1
    assert taken <= per_second * (at - 5.0) + max(per_second, 1) + 1e-6


@pytest.mark.parametrize(
    ("attempts", "asked", "jitter", "wait"), [(1, None, 0, 10), (2, None, 1, 75), (9, None, 0, 300), (1, 90, 0, 90)]
)
def test_the_wait_grows_and_is_spread(attempts: int, asked: int | None, jitter: float, wait: float) -> None:
    assert rates.after_s(attempts, seconds=(10, 60, 300), asked_s=asked, jitter=jitter) == wait
