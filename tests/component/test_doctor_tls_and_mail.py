"""Certificates that end or that nobody believes, and mail relays that take no mail."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from pydantic import SecretStr

from dondoc.doctor import certificates, mail
from dondoc.doctor.findings import Finding
from services.notify.sending import ways
from services.notify.sending.providers import Smtp
from services.notify.settings import NotifySettings
from tests import servers as real
from tests.component.certificates import authority, signed
from tests.component.doctoring import HERE, nats_server, states


@pytest.mark.parametrize(("days", "state"), [(90, "ok"), (20, "warning"), (3, "wrong"), (-1, "wrong")])
async def test_the_certificate_of_nats_is_seen(tmp_path: Path, days: int, state: str) -> None:
    made = signed(tmp_path, ends=datetime.now(UTC) + timedelta(days=days, hours=1))
    with nats_server(tmp_path, f'tls {{ cert_file: "{made.certificate}", key_file: "{made.key}" }}') as (port, _):
        here = replace(HERE, nats_url=f"tls://127.0.0.1:{port}", nats_ca=str(made.authority))
        found = await certificates.examine(here)
    assert states(found, "certificates") == [state]


async def test_a_certificate_of_nobody_we_trust_is_wrong(tmp_path: Path) -> None:
    made = signed(tmp_path, ends=datetime.now(UTC) + timedelta(days=90))
    another = str(authority(tmp_path / "another").file)
    with nats_server(tmp_path, f'tls {{ cert_file: "{made.certificate}", key_file: "{made.key}" }}') as (port, _):
        here = replace(HERE, nats_url=f"tls://127.0.0.1:{port}", nats_ca=another)
        [finding] = await certificates.examine(here)
    assert finding.state == "wrong"
    assert "NATS: " in finding.said


async def test_a_nats_without_tls_behind_an_address_with_it_is_wrong(tmp_path: Path) -> None:
    with nats_server(tmp_path) as (port, _):
        [finding] = await certificates.examine(replace(HERE, nats_url=f"tls://127.0.0.1:{port}"))
    assert (finding.state, finding.said.partition(" (")[0]) == ("wrong", "NATS: no TLS")


@pytest.mark.parametrize(("mode", "expected"), [("verify-full", "ok"), ("require", "warning"), ("prefer", "left_out")])
async def test_the_certificate_of_postgresql_is_asked_for_where_it_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, expected: str
) -> None:
    made = signed(tmp_path, ends=datetime.now(UTC) + timedelta(days=90))
    monkeypatch.setenv("PGSSLROOTCERT", str(made.authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        answering = threading.Thread(target=answer_as_postgres, args=(listening, context), daemon=True)
        answering.start()
        url = f"postgresql://a:b@127.0.0.1:{listening.getsockname()[1]}/dondoc?ssl={mode}"
        found = await certificates.examine(replace(HERE, database_urls={"intake": url}))
        socket.create_connection(listening.getsockname()).close()  # so that the thread ends if it was not asked
        answering.join(5)
    assert states(found, "certificates") == [expected]


def answer_as_postgres(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Take one connection's wish for TLS as PostgreSQL does."""
    plain, _ = listening.accept()
    with plain:
        if plain.recv(8):
            plain.sendall(b"S")
            with context.wrap_socket(plain, server_side=True) as secure:
                secure.recv(1)


@contextmanager
def relay(**options: Any) -> Iterator[NotifySettings]:
    """Run a mail relay; gives notify's settings for it."""
    port = real.free_port()
    controller = Controller(object(), hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield NotifySettings(
            send="live",
            sender="dd@thanhhoa.gov.vn",
            smtp_host="127.0.0.1",
            smtp_port=port,
            smtp_username="",
        )
    finally:
        controller.stop()


async def asked(settings: NotifySettings) -> list[Finding]:
    [to] = ways.named(settings)
    assert isinstance(to, Smtp)
    return await mail.ask_relay(to, settings)


def believed(_server: SMTP, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    return AuthResult(success=given.password == b"right", handled=False)


async def test_a_relay_that_answers_is_well() -> None:
    with relay() as settings:
        assert [finding.state for finding in await asked(settings)] == ["ok"]


async def test_a_relay_without_starttls_is_wrong_where_that_is_asked_for() -> None:
    with relay() as settings:
        [finding] = await asked(settings.model_copy(update={"smtp_starttls": True}))
    assert finding.state == "wrong"
    assert "does not offer STARTTLS" in finding.said


@pytest.mark.parametrize(
    ("password", "state", "words"),
    [("right", "ok", "answers; log-in work"), ("wrong", "wrong", "refuses the log-in (535)")],
)
async def test_the_log_in_is_tried(password: str, state: str, words: str) -> None:
    with relay(authenticator=believed, auth_require_tls=False) as settings:
        given = {"smtp_username": "dondoc", "smtp_password": SecretStr(password)}
        [finding] = await asked(settings.model_copy(update=given))
    assert (finding.state, finding.said.partition(" ")[2]) == (state, words)


async def test_a_relay_with_an_expiring_certificate_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = signed(tmp_path, ends=datetime.now(UTC) + timedelta(days=20))
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with relay(tls_context=context) as settings:
        found = await asked(settings.model_copy(update={"smtp_starttls": True}))
    assert [(finding.check, finding.state) for finding in found] == [("mail relay", "ok"), ("certificates", "warning")]


async def test_a_relay_of_nobody_we_trust_is_told_by_what_is_wrong(tmp_path: Path) -> None:
    made = signed(tmp_path, ends=datetime.now(UTC) + timedelta(days=20))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with relay(tls_context=context) as settings:
        [finding] = await asked(settings.model_copy(update={"smtp_starttls": True}))
    assert finding.state == "wrong"
    assert "certificate" in finding.said


async def test_while_nothing_is_to_leave_a_silent_relay_is_only_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DONDOC_NOTIFY_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("DONDOC_NOTIFY_SMTP_PORT", str(real.free_port()))
    assert states(await mail.examine(HERE), "mail relay") == ["warning"]
    monkeypatch.setenv("DONDOC_NOTIFY_SEND", "live")
    assert states(await mail.examine(HERE), "mail relay") == ["wrong"]
    assert states(await mail.examine(replace(HERE, contained=True)), "mail") == ["left_out"]
