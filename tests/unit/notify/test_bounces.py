"""Reports on deliveries are read whoever wrote them, and nothing else is taken for one."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.receipts import bounces, tokens
from services.notify.receipts.bounces import Bounce
from tests.unit.notify import mails_that_report as mails
from tests.unit.notify.mails_that_report import DOMAIN, ID, KEY


def read(raw: bytes) -> list[Bounce]:
    return bounces.read(raw, domain=DOMAIN)


@pytest.mark.parametrize(
    ("raw", "status", "no_such_address", "proved"),
    [
        (mails.postfix(), "5.1.1", True, True),
        (mails.postfix(returned_as="message/rfc822"), "5.1.1", True, True),
        (mails.exim(), "5.0.0", False, True),
        (mails.exchange(), "5.1.10", True, False),
        (mails.gmail(), "5.2.2", False, True),
    ],
    ids=["postfix, headers", "postfix, whole", "exim", "exchange", "gmail"],
)
def test_a_refusal_names_the_notice_its_status_and_whether_the_address_exists(
    raw: bytes, status: str, no_such_address: bool, proved: bool
) -> None:
    [bounce] = read(raw)
    assert (bounce.notice_id, bounce.state, bounce.status) == (ID, "failed", status)
    assert bounce.no_such_address is no_such_address
    assert tokens.is_right(bounce.proof, tokens.of_notice(KEY, ID)) is proved
    assert set(bounce.recipients) == {"h56.12@example.vn"}


def test_a_report_is_dated_by_its_last_attempt_else_by_itself() -> None:
    assert read(mails.gmail())[0].said_at == datetime.fromisoformat("2026-11-22T16:34:00-08:00")
    assert read(mails.postfix())[0].said_at == datetime.fromisoformat("2026-11-23T07:31:00+07:00")


@pytest.mark.parametrize(
    ("action", "status", "state"),
    [
        ("failed", "4.4.1", "failed"),  # the relay's patience ran out
        ("delayed", "4.4.1", "pending"),
        ("delivered", "2.0.0", "delivered"),
        ("relayed", "2.0.0", "unknown"),
        ("expanded", "2.0.0", "unknown"),
        ("FAILED", "5.1.1", "failed"),
        ("", "5.1.1", "failed"),
        ("failed (no such user)", "", "failed"),
        ("odd", "4.2.2", "pending"),
        ("odd", "", "unknown"),
    ],
)
def test_what_is_reported_decides_the_state(action: str, status: str, state: str) -> None:
    [bounce] = read(mails.postfix(action=action, status=status))
    assert bounce.state == state
    assert not bounce.no_such_address or state == "failed"


def test_a_delay_of_an_address_that_does_not_exist_does_not_make_it_dead() -> None:
    assert not read(mails.postfix(action="delayed", status="5.1.1"))[0].no_such_address


def test_the_return_path_names_the_notice_where_nothing_was_brought_back() -> None:
    path = f"bounces+{ID}={tokens.of_notice(KEY, ID)}@example.vn"
    [bounce] = read(mails.postfix(returned="Subject: x", came_to=path))
    assert (bounce.notice_id, bounce.proof) == (ID, tokens.of_notice(KEY, ID))
    [bounce] = read(mails.postfix(returned="Subject: x", came_to=f"bounces+{ID}@example.vn"))
    assert (bounce.notice_id, bounce.proof) == (ID, "")


def test_a_report_on_anothers_mail_is_none_of_ours() -> None:
    assert read(mails.postfix(returned="Message-ID: <x@elsewhere.example>")) == []
    assert read(mails.postfix(returned=f"Message-ID: <{ID}@{DOMAIN}.elsewhere.example>")) == []


@pytest.mark.parametrize("raw", [mails.ABSENCE, mails.READ_RECEIPT, b"", b"\r\n\r\n", b"no mail at all", b"\xff" * 999])
def test_an_absence_note_a_read_receipt_and_junk_are_no_reports(raw: bytes) -> None:
    assert read(raw) == []


def test_a_huge_mail_is_read_as_far_as_the_report_goes() -> None:
    raw = mails.exim().replace(b"the body", b"x" * (4 * bounces.LARGEST))
    assert [bounce.notice_id for bounce in read(raw)] == [ID]


def test_parts_without_end_are_given_up() -> None:
    nested = b"Content-Type: multipart/report; report-type=delivery-status; boundary=a\r\n\r\n--a\r\n"
    assert read(nested * 3000) == []
    assert read(b"Content-Type: message/rfc822\r\n\r\n" * 3000) == []


@given(at=st.integers(0, 1200), junk=st.binary(max_size=60), cut=st.integers(0, 1500))
def test_whatever_comes_is_read_or_refused_and_never_fails(at: int, junk: bytes, cut: int) -> None:
    raw = mails.postfix()
    for bounce in read((raw[:at] + junk + raw[at:])[:cut]):
        assert bounce.state in ("failed", "pending", "delivered", "unknown")
        assert len(bounce.notice_id) <= 100
