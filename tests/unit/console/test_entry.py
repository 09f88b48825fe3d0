"""Who has shown the key is let in until the token runs out."""

from datetime import UTC, datetime, timedelta

import pytest

from services.console.entry import is_good, is_key, token

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
KEY = "key of the test"
GOOD = token(key=KEY, until=NOW + timedelta(hours=1))


def test_a_token_lets_in_until_it_runs_out() -> None:
    assert is_good(GOOD, key=KEY, at=NOW)
    assert not is_good(GOOD, key=KEY, at=NOW + timedelta(hours=1))


def test_a_new_key_ends_all_tokens_of_the_old_one() -> None:
    assert not is_good(GOOD, key="another key", at=NOW)


@pytest.mark.parametrize("forged", ["", ".", "x.y", "4102444800.", "4102444800." + "0" * 64, "1é.ệ", "a" * 10_000])
def test_what_we_did_not_sign_lets_nobody_in(forged: str) -> None:
    assert not is_good(forged, key=KEY, at=NOW)
    assert not is_good(forged, key="", at=NOW)


def test_a_later_end_does_not_fit_the_signature() -> None:
    expires, signature = GOOD.split(".")
    assert not is_good(f"{int(expires) + 60}.{signature}", key=KEY, at=NOW)


def test_an_installation_without_a_key_lets_nobody_in() -> None:
    assert not is_good(token(key="", until=NOW + timedelta(hours=1)), key="", at=NOW)
    assert not is_key("", key="")
    assert is_key("khóa", key="khóa")
