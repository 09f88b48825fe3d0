"""An address may call so often a minute."""

import pytest

from shared.allowance import REMEMBERED, Allowance


def test_an_address_that_used_its_minute_waits_for_the_next_call() -> None:
    allowance = Allowance()
    assert [allowance.wait_s("a", per_minute=2, at_s=0) for _ in range(2)] == [0, 0]
    assert allowance.wait_s("a", per_minute=2, at_s=0) == 30
    assert allowance.wait_s("a", per_minute=2, at_s=20) == pytest.approx(10)
    assert allowance.wait_s("a", per_minute=2, at_s=31) == 0
    assert allowance.wait_s("a", per_minute=2, at_s=31) == pytest.approx(29)


def test_addresses_do_not_share_their_allowance() -> None:
    allowance = Allowance()
    assert allowance.wait_s("a", per_minute=1, at_s=0) == 0
    assert allowance.wait_s("b", per_minute=1, at_s=0) == 0


def test_zero_is_no_limit() -> None:
    allowance = Allowance()
    assert not any(allowance.wait_s("a", per_minute=0, at_s=0) for _ in range(100))


def test_a_flood_of_addresses_does_not_fill_the_memory() -> None:
    allowance = Allowance()
    for number in range(REMEMBERED + 10):
        allowance.wait_s(str(number), per_minute=1, at_s=0)
    assert len(allowance._left) == REMEMBERED
