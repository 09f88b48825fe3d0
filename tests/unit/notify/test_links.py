"""The signed part of a link."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.answering import tokens
from services.notify.answering.tokens import Link, LinkKeysError, TokenError, TokenExpiredError

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
OLD, NEW = b"the key that was used before, forty letters", b"the key that is used from now on, quite long"
LINK = Link("a" * 24, "H56.12", NOW + timedelta(days=14))


def test_a_link_tells_what_was_signed() -> None:
    token = tokens.sign(LINK, key=NEW)
    assert tokens.read(token, keys=(NEW, OLD), now=NOW) == LINK
    assert tokens.read(tokens.sign(LINK, key=OLD), keys=(NEW, OLD), now=NOW) == LINK


@given(st.text(min_size=1, max_size=40), st.text(alphabet="0123456789abcdef", min_size=24, max_size=24))
def test_any_post_comes_back_as_it_was_and_the_token_is_safe_in_an_address(post: str, notice: str) -> None:
    try:
        token = tokens.sign(link := Link(notice, post, LINK.expires_at), key=NEW)
    except UnicodeEncodeError:
        return
    assert tokens.read(token, keys=(NEW,), now=NOW) == link
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@given(st.data())
def test_whatever_is_changed_in_a_token_it_is_none_of_ours(data: st.DataObject) -> None:
    token = tokens.sign(LINK, key=NEW)
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters().filter(lambda one: one != token[at]))
    for wrong in (token[:at] + letter + token[at + 1 :], token[:at], token[at:] if at else "", token + letter):
        with pytest.raises(TokenError):
            tokens.read(wrong, keys=(NEW, OLD), now=NOW)


@given(st.text(max_size=700))
def test_no_text_is_more_than_no_link(text: str) -> None:
    with pytest.raises(TokenError):
        tokens.read(text, keys=(NEW,), now=NOW)


def test_a_link_of_another_purpose_or_key_or_without_any_key_is_none() -> None:
    for token, keys in (
        (tokens.sign(LINK, key=NEW, purpose="receipt"), (NEW,)),
        (tokens.sign(LINK, key=OLD), (NEW,)),
        (tokens.sign(LINK, key=NEW), ()),
        (tokens.sign(LINK, key=b""), ()),
    ):
        with pytest.raises(TokenError):
            tokens.read(token, keys=keys, now=NOW)


def test_a_link_is_good_until_its_time_and_not_at_it() -> None:
    token = tokens.sign(LINK, key=NEW)
    tokens.read(token, keys=(NEW,), now=LINK.expires_at - timedelta(seconds=1))
    with pytest.raises(TokenExpiredError):
        tokens.read(token, keys=(NEW,), now=LINK.expires_at)


def test_keys_are_listed_newest_first_and_none_is_short() -> None:
    assert tokens.keys(f" {NEW.decode().replace(',', '')} , {OLD.decode().replace(',', '')},") == (
        NEW.replace(b",", b""),
        OLD.replace(b",", b""),
    )
    with pytest.raises(LinkKeysError, match="32 characters"):
        tokens.keys("short")
    with pytest.raises(LinkKeysError, match="is not set"):
        tokens.links(public_url="https://dondoc.example.vn", keys_setting="", days=14)


def test_without_a_public_address_there_is_no_link() -> None:
    assert tokens.links(public_url="", keys_setting="", days=14).url("n", "p", now=NOW) == ""
    made = tokens.links(public_url="https://dondoc.example.vn/", keys_setting="k" * 32, days=14).url("n", "p", now=NOW)
    start = "https://dondoc.example.vn/v1/acknowledge/"
    assert made.startswith(start)
    assert tokens.read(made.removeprefix(start), keys=(b"k" * 32,), now=NOW) == Link("n", "p", NOW + timedelta(days=14))
