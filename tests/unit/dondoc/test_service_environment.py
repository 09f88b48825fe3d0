"""What a service of a stack is given of the caller's environment: no secret of another service."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dondoc.stack import layout
from dondoc.stack.environment import service_environment

IDENTITY_KEYS = "DONDOC_COMPLAINTS_IDENTITY_KEYS"
OF_NOTIFY = {
    "DONDOC_NOTIFY_SECRET_POSTFIX_2",
    "DONDOC_NOTIFY_SMTP_PASSWORD",
    "DONDOC_NOTIFY_SMS_PASSWORD",
    "DONDOC_NOTIFY_RECEIPTS_KEY",
    "DONDOC_NOTIFY_LINK_KEYS",
}


def test_what_notify_logs_in_and_signs_with_is_given_to_notify_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OF_NOTIFY:
        monkeypatch.setenv(name, "a-secret")
    stack: Any = SimpleNamespace(
        nats_url=str,
        database_url=str,
        ports=layout.ports(8000),
        plan=SimpleNamespace(data=Path("var")),
        secrets=SimpleNamespace(
            api_key="k", seal="s", signing_key="g", link_key="l", receipts_key="r", identity_key="i"
        ),
    )
    given = {name: service_environment(stack, name) for name in layout.SERVICES}
    assert given.pop("notify").keys() >= OF_NOTIFY
    assert all(env.keys().isdisjoint(OF_NOTIFY) for env in given.values())


def test_the_keys_that_a_stack_made_are_given_where_none_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DONDOC_NOTIFY_RECEIPTS_KEY", "DONDOC_NOTIFY_LINK_KEYS", "DONDOC_API_KEY", IDENTITY_KEYS):
        monkeypatch.delenv(name, raising=False)
    made = layout.load_secrets(tmp_path)
    assert layout.load_secrets(tmp_path) == made
    assert len({made.receipts_key, made.link_key, made.signing_key, made.api_key, made.seal, made.identity_key}) == 6
    stack: Any = SimpleNamespace(
        nats_url=str, database_url=str, ports=layout.ports(8000), plan=SimpleNamespace(data=tmp_path), secrets=made
    )
    assert service_environment(stack, "notify")["DONDOC_NOTIFY_RECEIPTS_KEY"] == made.receipts_key
    assert service_environment(stack, "complaints")[IDENTITY_KEYS] == made.identity_key


@pytest.mark.parametrize("set_by_the_caller", [True, False])
def test_the_keys_of_identities_are_given_to_complaints_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_by_the_caller: bool
) -> None:
    monkeypatch.delenv(IDENTITY_KEYS, raising=False)
    if set_by_the_caller:
        monkeypatch.setenv(IDENTITY_KEYS, "a-secret")
    made = layout.load_secrets(tmp_path)
    stack: Any = SimpleNamespace(
        nats_url=str, database_url=str, ports=layout.ports(8000), plan=SimpleNamespace(data=tmp_path), secrets=made
    )
    given = {name: service_environment(stack, name) for name in layout.SERVICES}
    key = given.pop("complaints")[IDENTITY_KEYS]
    assert key == ("a-secret" if set_by_the_caller else made.identity_key)
    assert not any(key in env.values() or IDENTITY_KEYS in env for env in given.values())
