"""A stored notice as a mail: what goes in comes out at the other end."""

from email import message_from_bytes, policy

import pytest

from services.notify.sending.mail import Claimed, compose
from services.notify.settings import NotifySettings
from tests.unit.notify.given import at

SUBJECT = "[Đôn đốc] Phường Sầm Sơn: 12 hồ sơ đang quá hạn (3 mới báo), 1 không còn quá hạn (14:00 12/11/2026)"


def claimed(subject: str, recipient: str = "h56@example.vn") -> Claimed:
    stored_at = at("2026-11-12 14:00")
    return Claimed("0a1b", "email", recipient, subject, "Kính gửi\n", "<p>Kính gửi</p>\n", stored_at, 1, "lease")


@pytest.mark.parametrize("length", range(1, len(SUBJECT) + 1))
def test_a_heading_arrives_as_it_was_written_wherever_it_is_folded(length: int) -> None:
    subject = f"{SUBJECT[:length].strip()}."
    sent = compose(claimed(subject), sender="Đôn đốc <dondoc@example.vn>", domain="dondoc.example.vn").as_bytes()
    mail = message_from_bytes(sent, policy=policy.default)
    assert mail["Subject"] == subject
    assert max(len(line) for line in sent.splitlines()) <= 78


def test_a_mail_has_both_forms_and_the_notices_id() -> None:
    mail = message_from_bytes(
        compose(claimed(SUBJECT), sender="Đôn đốc <dondoc@example.vn>", domain="dondoc.example.vn").as_bytes(),
        policy=policy.default,
    )
    assert mail["Message-ID"] == "<0a1b@dondoc.example.vn>"
    assert mail["From"] == "Đôn đốc <dondoc@example.vn>"
    assert mail["Date"] == "Thu, 12 Nov 2026 14:00:00 +0700"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    body = mail.get_body(("plain",))
    assert body
    assert body.get_content() == "Kính gửi\n"


def test_an_address_that_would_add_a_heading_is_refused() -> None:
    with pytest.raises(ValueError, match="control characters"):
        compose(claimed("x", "h56@example.vn\nBcc: other@example.vn"), sender="a@example.vn", domain="example.vn")


@pytest.mark.parametrize(
    ("allowlist", "allowed"),
    [("", False), ("example.vn", True), ("@Example.VN", True), ("h56@example.vn", True), ("ample.vn, other.vn", False)],
)
def test_the_allow_list_names_addresses_and_domains(allowlist: str, allowed: bool) -> None:
    assert NotifySettings(allowlist=allowlist).allows("H56@example.vn") is allowed
