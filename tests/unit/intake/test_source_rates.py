"""A source's minute: what it may send, what it owes, when it may go on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.intake.sources import rates
from services.intake.sources.audit import LINES_IN_ALL, LINES_PER_ADDRESS, Quota, word
from services.intake.sources.rates import Buckets


def test_a_minute_of_objects_may_come_at_once_and_then_they_come_evenly() -> None:
    buckets = Buckets()
    assert buckets.wait_s("a", per_minute=60, at_s=0) == 0
    buckets.pay("a", 60, per_minute=60, at_s=0)
    assert buckets.wait_s("a", per_minute=60, at_s=0) == 1
    assert buckets.wait_s("a", per_minute=60, at_s=1) == 0
    assert buckets.wait_s("b", per_minute=60, at_s=0) == 0


def test_a_call_larger_than_a_minute_is_let_in_and_paid_for_afterwards() -> None:
    buckets = Buckets()
    buckets.pay("a", 180, per_minute=60, at_s=0)
    assert buckets.wait_s("a", per_minute=60, at_s=0) == 121
    assert buckets.wait_s("a", per_minute=60, at_s=121) == 0


def test_without_a_limit_nobody_waits() -> None:
    buckets = Buckets()
    buckets.pay("a", 10**9, per_minute=0, at_s=0)
    assert buckets.wait_s("a", per_minute=0, at_s=0) == 0


def test_what_was_sent_without_a_limit_is_no_debt_once_there_is_one() -> None:
    buckets = Buckets()
    buckets.pay("a", 1000, per_minute=0, at_s=0)
    assert buckets.wait_s("a", per_minute=10, at_s=0) == 0


def test_no_more_names_are_remembered_than_are_bounded() -> None:
    buckets = Buckets()
    for number in range(rates.REMEMBERED + 5):
        buckets.pay(str(number), 1, per_minute=60, at_s=0)
    assert len(buckets._left) == rates.REMEMBERED


@given(st.lists(st.tuples(st.integers(1, 500), st.floats(0, 30)), max_size=60))
def test_whoever_waits_as_told_never_sends_more_than_the_rate_and_one_call_more(calls: list[tuple[int, float]]) -> None:
    buckets, at_s, sent, largest = Buckets(), 0.0, 0, 0
    for amount, pause_s in calls:
        at_s += pause_s
        at_s += buckets.wait_s("a", per_minute=600, at_s=at_s)
        buckets.pay("a", amount, per_minute=600, at_s=at_s)
        sent, largest = sent + amount, max(largest, amount)
    assert sent <= 600 + at_s * 10 + largest


def test_one_address_and_all_together_write_a_bounded_number_of_lines_an_hour() -> None:
    quota = Quota()
    assert sum(quota.take("192.0.2.1", hour="10") for _ in range(1000)) == LINES_PER_ADDRESS
    assert sum(quota.take(f"192.0.2.{n % 250}", hour="10") for n in range(100_000)) == LINES_IN_ALL - LINES_PER_ADDRESS
    assert quota.take("192.0.2.1", hour="11")


def test_what_a_caller_wrote_is_stored_printable_and_short() -> None:
    assert word("motcua-1") == "motcua-1"
    assert word("a\0b\x1b[31m\n") == "a\ufffdb\ufffd[31m\ufffd"
    assert len(word("x" * 10_000)) == 80
