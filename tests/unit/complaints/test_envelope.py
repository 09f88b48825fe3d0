"""What is sealed opens as it was, under its own words and keys alone."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.complaints.secrecy.envelope import BODY_AT, OVERHEAD, Envelope, KeysError, SealError, key_id

OLD, NEW, OTHER = (base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"o", b"n", b"x"))
ABOUT = "PA-2222-3333-4444/text"
before, between, after = Envelope.of(OLD), Envelope.of(f"{NEW}, {OLD}"), Envelope.of(NEW)


@given(plain=st.binary(max_size=5000), about=st.text(max_size=50))
def test_what_is_sealed_opens_as_it_was(plain: bytes, about: str) -> None:
    blob = before.seal(plain, about=about)
    assert before.open(blob, about=about) == plain
    assert len(blob) == len(plain) + OVERHEAD


def test_the_same_thing_is_never_sealed_twice_alike() -> None:
    assert len({before.seal(b"", about=ABOUT) for _ in range(50)}) == 50


@given(plain=st.binary(min_size=8, max_size=200))
def test_nothing_of_it_shows(plain: bytes) -> None:
    assert plain not in before.seal(plain, about=ABOUT)


@given(data=st.data())
def test_any_change_of_any_byte_is_noticed(data: st.DataObject) -> None:
    blob = bytearray(before.seal("Nguyễn Văn A".encode(), about=ABOUT))
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealError):
        before.open(bytes(blob), about=ABOUT)


@given(length=st.integers(0, 150))
def test_what_was_cut_off_does_not_open(length: int) -> None:
    blob = before.seal(bytes(60), about=ABOUT)
    with pytest.raises(SealError):
        before.open(blob[: min(length, len(blob) - 1)], about=ABOUT)


def test_rows_cannot_be_swapped_nor_put_together_from_two() -> None:
    mine, other = before.seal(b"mine", about=ABOUT), before.seal(b"other", about="PA-5555-5555-5555/text")
    for blob in (other, mine[:BODY_AT] + other[BODY_AT:], other[:BODY_AT] + mine[BODY_AT:]):
        with pytest.raises(SealError, match="another row"):
            before.open(blob, about=ABOUT)


def test_a_key_that_is_not_there_is_named_by_its_id_alone() -> None:
    blob = before.seal(b"mine", about=ABOUT)
    with pytest.raises(SealError, match=key_id(blob).hex()) as wrong:
        after.open(blob, about=ABOUT)
    assert OLD[:8] not in str(wrong.value)


@given(plain=st.binary(max_size=500))
def test_a_change_of_keys_leaves_the_ciphertext_and_needs_no_words(plain: bytes) -> None:
    old = before.seal(plain, about=ABOUT)
    new = between.rewrap(old)
    assert new is not None
    assert new[BODY_AT:] == old[BODY_AT:]
    assert after.open(new, about=ABOUT) == plain == between.open(old, about=ABOUT)
    assert key_id(new) == after.newest != key_id(old) == before.newest
    assert between.rewrap(new) is None
    with pytest.raises(SealError):
        before.open(new, about=ABOUT)


def test_it_is_sealed_under_the_newest_and_what_no_key_opens_is_not_rewrapped() -> None:
    assert key_id(between.seal(b"", about=ABOUT)) == after.newest
    with pytest.raises(SealError):
        after.rewrap(before.seal(b"", about=ABOUT))


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("", "is not set.*make-secrets"),
        (" , ", "is not set"),
        ("abc", "32 bytes in URL-safe base64"),
        (f"{NEW},{'A' * 42}==", "32 bytes"),
        (f"{NEW},not a key", "32 bytes"),
    ],
)
def test_keys_that_cannot_be_used_are_told_without_showing_them(setting: str, said: str) -> None:
    with pytest.raises(KeysError, match=f"DONDOC_COMPLAINTS_IDENTITY_KEYS.*{said}") as wrong:
        Envelope.of(setting)
    assert NEW not in str(wrong.value)


def test_an_envelope_does_not_show_its_keys() -> None:
    assert OLD not in repr(before)
    assert "oooo" not in repr(before)
