"""A wrong setting is told in one line before anything starts, and no secret with it."""

import pytest

from dondoc.stack import settings
from dondoc.stack.errors import StackError


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DONDOC_NOTIFY_SMTP_PORT", "abc", "must be a whole number, is 'abc'"),
        ("DONDOC_NOTIFY_SMTP_PORT", "0", "must be greater than or equal to 1, is '0'"),
        ("DONDOC_NOTIFY_SMTP_STARTTLS", "maybe", "must be true or false, is 'maybe'"),
        ("DONDOC_NOTIFY_SEND", "foo", "must be 'record', 'allowlist' or 'live', is 'foo'"),
        ("DONDOC_COMPLAINTS_FILINGS_PER_MINUTE", "", "must be a whole number, is ''"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_must_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StackError) as wrong:
        settings.check()
    assert str(wrong.value) == f"{name} {said}"


def test_all_that_is_wrong_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DONDOC_NOTIFY_SMTP_PORT", "abc")
    monkeypatch.setenv("DONDOC_CLOCK", "stopped")
    with pytest.raises(StackError) as wrong:
        settings.check()
    assert str(wrong.value).splitlines() == [
        "DONDOC_CLOCK must be 'live' or 'driven', is 'stopped'; "
        "DONDOC_NOTIFY_SMTP_PORT must be a whole number, is 'abc'"
    ]


def test_good_settings_pass_and_no_value_of_a_secret_is_ever_shown() -> None:
    settings.check()
    fields = [(kind, field) for kind in settings.classes() for field in kind.model_fields]
    secret = {settings.variable(kind, field) for kind, field in fields if settings._is_secret(kind, field)}
    assert secret == {
        "DONDOC_NATS_URL",
        "DONDOC_DATABASE_URL",
        "DONDOC_API_KEY",
        "DONDOC_INTAKE_SIGNING_KEY",
        "DONDOC_SEAL_KEYS",
        "DONDOC_COMPLAINTS_IDENTITY_KEYS",
        "DONDOC_NOTIFY_SMTP_PASSWORD",
        "DONDOC_NOTIFY_SMS_PASSWORD",
        "DONDOC_NOTIFY_SMS_URL",
        "DONDOC_NOTIFY_RECEIPTS_KEY",
        "DONDOC_NOTIFY_RECEIPTS_URL",
        "DONDOC_NOTIFY_PUBLIC_URL",
        "DONDOC_NOTIFY_CONSOLE_URL",
        "DONDOC_NOTIFY_LINK_KEYS",
    }
