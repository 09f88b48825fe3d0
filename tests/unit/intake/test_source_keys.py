"""Who a key lets in, and what a signature must be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.intake.sources import keys
from services.intake.sources.hearing import first_heard
from services.intake.sources.register import Key, Register, Source

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
BODY = b'{"service": "DongBoHoSoMC"}'


def source(name: str, *, enabled: bool = True) -> Source:
    made = first_heard(name, mirror=False, at=NOW)
    return Source(**{field: getattr(made, field) for field in Source.__slots__} | {"enabled": enabled})


def a_key(of: str, *, valid_until: datetime | None = None) -> tuple[Key, str]:
    id, key = keys.new_key()
    return Key(id, of, keys.digest(key), NOW, valid_until), key


def register(*known: Key) -> Register:
    sources = [source("motcua-1"), source("motcua-2"), source("off", enabled=False)]
    return Register({one.name: one for one in sources}, {one.id: one for one in known})


def test_no_two_keys_are_alike_and_nothing_of_one_is_stored() -> None:
    made, key = a_key("motcua-1")
    assert keys.new_key() != keys.new_key()
    assert keys.id_of(key) == made.id
    assert key.encode() not in repr(made).encode()
    assert len(made.digest) == 32


@pytest.mark.parametrize(
    "given", ["", "dk_", "dk_0123456789ab_short", "x" * 5000, "khóa", "dk_0123456789ab_" + "a" * 43]
)
def test_what_is_no_key_lets_nobody_in(given: str) -> None:
    made, _ = a_key("motcua-1")
    assert register(made).key_fault("motcua-1", given, now=NOW) == "wrong_key"


def test_a_key_lets_in_its_own_source_alone() -> None:
    made, key = a_key("motcua-1")
    known = register(made)
    assert known.key_fault("motcua-1", key, now=NOW) is None
    assert known.key_fault("motcua-2", key, now=NOW) == "key_of_another_source"
    assert known.key_fault("nobody", key, now=NOW) == "unknown_source"
    changed = key[:-1] + ("a" if key[-1] != "a" else "b")
    assert known.key_fault("motcua-1", changed, now=NOW) == "wrong_key"


def test_a_disabled_source_is_refused_with_its_right_key() -> None:
    made, key = a_key("off")
    assert register(made).key_fault("off", key, now=NOW) == "source_disabled"


def test_keys_rotate_without_a_gap_and_the_old_one_ends_at_its_moment() -> None:
    ends = NOW + timedelta(hours=1)
    old, old_key = a_key("motcua-1", valid_until=ends)
    new, new_key = a_key("motcua-1")
    known = register(old, new)
    just_before = ends - timedelta(microseconds=1)
    assert [known.key_fault("motcua-1", key, now=just_before) for key in (old_key, new_key)] == [None, None]
    assert [known.key_fault("motcua-1", key, now=ends) for key in (old_key, new_key)] == ["expired_key", None]


@pytest.mark.parametrize(("late_s", "fault"), [(0, None), (300, None), (-300, None), (301, "signature_expired")])
def test_a_signature_holds_for_five_minutes_either_way(late_s: int, fault: str | None) -> None:
    secret = keys.signing_secret("master", "0123456789ab")
    header = keys.signature(secret, BODY, at_s=1_000_000)
    assert keys.signature_fault(header, secret, BODY, now_s=1_000_000 + late_s) == fault


@pytest.mark.parametrize(
    "header", ["", "t=1", "v1=00", "t=1000000,v1=" + "0" * 63, "t=-1,v1=" + "0" * 64, "t=1000000, v1=x"]
)
def test_what_is_no_signature_counts_as_none(header: str) -> None:
    assert keys.signature_fault(header, "secret", BODY, now_s=1_000_000) == "unsigned"


def test_a_signature_is_of_this_body_this_moment_and_this_key() -> None:
    secret, other = (keys.signing_secret("master", id) for id in ("0123456789ab", "ba9876543210"))
    header = keys.signature(secret, BODY, at_s=1_000_000)
    for wrong_secret, body, wrong_header in (
        (other, BODY, header),
        (secret, BODY + b" ", header),
        (secret, BODY, header.replace("t=1000000", "t=1000001")),
        (keys.signing_secret("another master", "0123456789ab"), BODY, header),
    ):
        assert keys.signature_fault(wrong_header, wrong_secret, body, now_s=1_000_000) == "wrong_signature"
