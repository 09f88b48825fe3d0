"""`dondoc notify bounce`, `addresses`, `receipts`."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
import typer
from typer.testing import CliRunner

from services.notify import cli as notify
from services.notify.receipts import cli
from tests.unit.notify import mails_that_report as mails

Call = Callable[..., tuple[int, str]]
DEAD = {"id": 7, "channel": "email", "unit": "H56.12", "role": "head", "dead_at": "2026-11-23", "reason": "5.1.1"}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the command against a service that answers as `answer` says."""

    def call(
        *arguments: str, answer: Callable[[httpx.Request], httpx.Response], given: bytes = b"", known: bool = True
    ) -> tuple[int, str]:
        transport = httpx.MockTransport(answer)
        monkeypatch.setattr(cli, "client", lambda *_: httpx.Client(transport=transport, base_url="http://notify"))
        monkeypatch.setattr(cli, "has_address", lambda *_: known)
        app = typer.Typer()
        notify.register(app)
        result = CliRunner().invoke(app, ["notify", *arguments], input=given)
        return result.exit_code, result.output

    return call


def test_a_bounce_is_handed_on_as_it_came(called: Call) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"taken": 1})

    assert called("bounce", answer=answer, given=mails.postfix()) == (0, "")
    assert (asked[0].method, asked[0].url.path, asked[0].content) == ("POST", "/v1/bounces", mails.postfix())


def test_the_relay_is_asked_to_try_again_where_nothing_is_taken(called: Call) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503)

    def fall_silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody")

    assert called("bounce", answer=refuse, given=b"x")[0] == 75
    assert called("bounce", answer=fall_silent, given=b"x")[0] == 75
    assert called("bounce", answer=refuse, given=b"x", known=False)[0] == 75
    assert called("bounce", answer=refuse)[0] == 2


def test_dead_addresses_are_listed_page_by_page_and_one_is_revived(called: Call) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200 if request.url.path == "/v1/addresses/7/revive" else 404, json={"detail": "none"})
        first = request.url.params["after"] == "0"
        return httpx.Response(200, json={"addresses": [DEAD], "next": 7 if first else None})

    code, said = called("addresses", "list", "--json", answer=answer)
    assert (code, len(json.loads(said)["addresses"])) == (0, 2)
    assert "H56.12" in called("addresses", "list", answer=answer)[1]
    assert called("addresses", "revive", "7", answer=answer) == (0, "7: notices go there again\n")
    assert called("addresses", "revive", "8", answer=answer)[0] == 1


def test_where_no_address_is_dead_it_is_said(called: Call) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"addresses": [], "next": None})

    assert called("addresses", "list", answer=answer) == (0, "dondoc: nothing: no address is dead\n")
    assert json.loads(called("addresses", "list", "--json", answer=answer)[1]) == {"addresses": []}


def test_the_addresses_for_gateways_are_printed(called: Call) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"urls": {"esms": "https://dondoc.example.vn/v1/receipts/esms/abc"}})

    assert called("receipts", "urls", answer=answer)[1] == "esms\thttps://dondoc.example.vn/v1/receipts/esms/abc\n"
