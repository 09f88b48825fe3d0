"""Relays over TLS and with a login, webhooks that are signed, and gateways that are asked for a receipt."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from services.notify.sending.channels import webhook
from services.notify.sending.channels.email import Relay
from services.notify.sending.channels.sms import HttpGateway
from services.notify.sending.channels.webhook import Hook, signature
from services.notify.sending.mail import Claimed, Identity, compose, deliverable
from services.notify.sending.outcomes import GiveUp, Outcome, Sent, TryLater
from services.notify.sending.providers import Http, Smtp, Webhook
from tests.component import peers
from tests.component.certificates import authority, signed
from tests.component.sending import Open, house, migrated, smtp  # noqa: F401 - fixtures
from tests.servers import free_port

NOTICE = Claimed("id-1", "email", "h56@example.vn", "Đôn đốc", "Nội dung", "<p>x</p>", datetime.now(UTC), 1, "lease")
IDENTITY = Identity(
    "Đôn đốc <dondoc@example.vn>", "dondoc.example.vn", "bounce@example.vn", "https://x.example.vn", "key"
)


@dataclass
class Box:
    """What a relay took: the envelope and the login of each."""

    taken: list[Any] = field(default_factory=list)
    recipient: str = "250 yes"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.recipient.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(envelope)
        return "250 taken"


def believed(_server: SMTP, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    return AuthResult(success=given.password == b"right", handled=False)


@contextmanager
def relay(**options: Any) -> Iterator[tuple[Box, int]]:
    box, port = Box(), free_port()
    ends = {"ssl_context": options.pop("ssl_context")} if "ssl_context" in options else {}
    controller = Controller(box, hostname="127.0.0.1", port=port, **ends, **options)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def presented(folder: Path) -> tuple[ssl.SSLContext, str]:
    """Return what a relay shows, and the file of who signed it."""
    made = signed(folder, ends=datetime.now(UTC) + timedelta(days=20))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    return context, str(made.authority)


async def send(port: int, *, password: str = "", notice: Claimed = NOTICE, **how: Any) -> Outcome:
    ours = Relay(Smtp.model_validate(smtp(port, **how)), IDENTITY, password)
    try:
        return await ours.send(notice)
    finally:
        await ours.close()


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_mail_goes_encrypted_with_a_login_to_a_relay_whose_certificate_we_trust(
    tmp_path: Path, tls: str
) -> None:
    context, ca = presented(tmp_path)
    how = {"tls_context": context, "require_starttls": True} if tls == "starttls" else {"ssl_context": context}
    login = {"user": "dondoc", "secret": "relay"}
    with relay(**how, authenticator=believed, auth_required=tls == "starttls", auth_require_tls=tls == "starttls") as (
        box,
        port,
    ):
        given: dict[str, Any] = {"tls": tls, "ca_file": ca, "login": login}
        assert await send(port, password="right", **given) == Sent()
        assert box.taken[0].mail_from == IDENTITY.comes_back_to("id-1")
        assert await send(port, password="wrong", **given) == TryLater("relay answered 535")
        if tls == "starttls":
            assert await send(port, tls=tls, ca_file=ca) == TryLater("relay answered 530")
        assert isinstance(await send(port, tls="none"), TryLater)
        other = str(authority(tmp_path / "other").file)
        refused = await send(port, tls=tls, ca_file=other, login=login, password="right")
        assert isinstance(refused, TryLater)
        assert not refused.unsure
        assert len(box.taken) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("550 5.1.1 nobody here", GiveUp("relay answered 550", no_such_address=True)),
        ("450 4.2.0 later", TryLater("relay answered 450", of_notice=True)),
        ("554 5.7.1 relay access denied", TryLater("relay answered 554")),  # it is us that it does not know
        ("452 no room", TryLater("relay answered 452")),
    ],
)
async def test_what_a_relay_says_of_a_recipient_is_not_said_of_the_relay(answer: str, outcome: Outcome) -> None:
    with relay() as (box, port):
        box.recipient = answer
        assert await send(port) == outcome


async def test_a_relay_that_hung_up_meanwhile_is_called_again() -> None:
    async with peers.relay() as peer:
        ours = Relay(Smtp.model_validate(smtp(peer.port)), IDENTITY)
        assert await ours.send(NOTICE) == Sent()
        assert await ours.send(NOTICE) == Sent()
        assert peer.lines == 1
        for line in ours._idle:
            line.client.protocol.pause_writing()  # type: ignore[union-attr]
            line.client.transport.abort()  # type: ignore[union-attr]
        await asyncio.sleep(0)
        assert await ours.send(NOTICE) == Sent()
        assert peer.lines == 2
        await ours.close()


async def test_addresses_in_other_letters_go_where_the_relay_can_take_them() -> None:
    assert deliverable("hộp@thư.example.vn") == "hộp@xn--th-e0a.example.vn"
    with relay(enable_SMTPUTF8=True) as (box, port):
        assert await send(port, notice=replace(NOTICE, recipient="hộp@example.vn")) == Sent()
        assert box.taken[0].rcpt_tos == ["hộp@example.vn"]
        assert await send(port, notice=replace(NOTICE, recipient="a@tỉnh.example.vn")) == Sent()
        assert box.taken[1].rcpt_tos[0].startswith("a@xn--")
    with relay(enable_SMTPUTF8=False) as (box, port):
        said = await send(port, notice=replace(NOTICE, recipient="hộp@example.vn"))
        assert said == GiveUp("The relay takes no address in other than ASCII letters.")


@pytest.mark.parametrize("address", ["", "nobody", "@example.vn", "a@", "a b@example.vn", "a\r\nb@example.vn"])
def test_what_is_no_address_is_no_mail(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        compose(replace(NOTICE, recipient=address), sender=IDENTITY.sender, domain=IDENTITY.domain)


def hook(port: int) -> Hook:
    told = {"name": "hook", "channel": "webhook", "kind": "webhook", "url": f"http://127.0.0.1:{port}/in"}
    return Hook(Webhook.model_validate({**told, "secret": "hook", "timeout_s": 1}), "secret")


async def test_a_webhook_is_told_with_a_signature_that_its_hearer_can_check() -> None:
    async with peers.http_server() as peer:
        ours = hook(peer.port)
        notice = replace(NOTICE, channel="webhook", text_body='{"notice_id": "id-1"}')
        assert await ours.send(notice) == Sent()
        await ours.close()
    [(head, body)] = peer.asked
    fields = dict(line.split(": ", 1) for line in head.lower().split("\r\n")[1:] if line)
    assert orjson.loads(body) == {"notice_id": "id-1"}
    assert fields[webhook.ID.lower()] == "id-1"
    at, said = (part.partition("=")[2] for part in fields[webhook.SIGNATURE.lower()].split(","))
    assert said == signature("secret", at=int(at), body=body)
    assert abs(int(at) - datetime.now(UTC).timestamp()) < 60


@pytest.mark.parametrize(
    ("status", "more", "outcome"),
    [
        ("204 No Content", "", Sent()),
        ("302 Found", "Location: http://127.0.0.1:9/\r\n", TryLater("webhook answered HTTP 302")),
        ("429 Busy", "Retry-After: 17\r\n", TryLater("webhook answered HTTP 429", 17)),
        ("503 Busy", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", TryLater("webhook answered HTTP 503")),
        ("404 Not Found", "", TryLater("webhook answered HTTP 404")),
        ("422 No", "", GiveUp("webhook answered HTTP 422")),
        ("502 Bad Gateway", "", TryLater("webhook answered HTTP 502", unsure=True)),
        ("", "", TryLater("RemoteProtocolError", unsure=True)),
    ],
)
async def test_the_answer_of_a_webhook_decides_whether_trying_again_can_help(
    status: str, more: str, outcome: Outcome
) -> None:
    async with peers.http_server() as peer:
        peer.answer = f"HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\n\r\n".encode() if status else b""
        ours = hook(peer.port)
        assert await ours.send(NOTICE) == outcome
        await ours.close()
    assert await hook(free_port()).send(NOTICE) == TryLater("ConnectError")


async def test_a_gateway_that_can_is_asked_for_a_receipt_and_its_id_is_kept(tmp_path: Path) -> None:
    described = tmp_path / "gateway.yaml"
    described.write_text(
        "url: http://127.0.0.1:1/\nmethod: POST\n"
        'json: {to: "{to}", id: "{id}"}\n'
        'answers: {code: body, sent: ["OK"], reference: "^OK (\\\\S+)"}\n'
        'receipts: {id: id, json: {callback: "{callback}?id={id}"}, says: [{is: delivered, when: {state: ["1"]}}]}\n'
    )
    told = {"name": "gw", "channel": "sms", "kind": "http", "gateway": str(described)}
    async with peers.http_server() as peer:
        peer.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nOK 4711"
        provider = Http.model_validate({**told, "url": f"http://127.0.0.1:{peer.port}/"})
        notice = replace(NOTICE, channel="sms", recipient="0900000124")
        for identity in (IDENTITY, replace(IDENTITY, receipts_url="")):
            ours = HttpGateway(provider, identity)
            assert await ours.send(notice) == Sent("4711")
            await ours.close()
    asked = [orjson.loads(body) for _, body in peer.asked]
    assert asked[0] == {"to": "84900000124", "id": "id-1", "callback": f"{IDENTITY.callback('gw', 'id-1')}?id=id-1"}
    assert asked[1] == {"to": "84900000124", "id": "id-1"}


async def test_one_number_is_told_no_more_often_in_an_hour_than_the_file_says(house: Open) -> None:  # noqa: F811
    async with peers.http_server() as peer:
        peer.answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 11\r\n\r\n0: Accepted"
        told = {"name": "k", "channel": "sms", "kind": "http", "gateway": "kannel", "per_number_hour": 2}
        async with house({**told, "url": f"http://127.0.0.1:{peer.port}/"}) as here:
            await here.put(5, channel="sms", to="0900000124")
            await here.put(3, channel="sms", first=10)
            await here.until("status = 'sent'", number=5)
            await here.until("reason = 'number_cap'", number=3)
            waiting = [row for row in await here.rows() if row.status == "stored"]
            assert {(row.attempts, row.recipient) for row in waiting} == {(0, "0900000124")}
