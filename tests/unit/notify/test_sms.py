"""The text of an SMS, and what the answers of gateways mean."""

import asyncio
from datetime import datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.addressing import numbers
from services.notify.sending import claiming, gateways, ways
from services.notify.sending.gateways import GatewayError
from services.notify.sending.mail import Claimed
from services.notify.sending.outcomes import GiveUp, Sent, TryLater
from services.notify.settings import NotifySettings
from services.notify.telling import gsm7, sms_text
from services.notify.telling.entries import Entry, Section
from shared.worktime import vietnam

SLOT = datetime.fromisoformat("2026-11-23T07:30:00+07:00")


def entry(number: int) -> Entry:
    return Entry(f"dossier/{number}", "head", 1, "new", -1, 1, None, "14758", "dossier", False)


def text(*, name: str, overdue: int = 3, slot: datetime | None = SLOT, others: int = 0) -> str:
    parts = [Section("new", (entry(1), entry(2)), 0), Section("near", (entry(3),), 4)]
    return sms_text.counts(parts, name=name, overdue=overdue, slot=slot, calendar=vietnam(), others=others)


def test_an_sms_says_how_many_and_where_the_rest_stands() -> None:
    said = text(name="Phường Hàm Rồng")
    assert said == (
        "Don doc - Phuong Ham Rong: 3 viec qua han (2 moi), 5 sap den han. Chi tiet trong thu dien tu 07:30 23/11."
    )
    assert text(name="Phường Hàm Rồng", others=1).startswith(
        "Don doc - Phuong Ham Rong va 1 don vi khac: 3 viec qua han"
    )
    assert text(name="Sở Y tế", slot=None) == "Don doc - So Y te: 3 viec qua han (2 moi), 5 sap den han."


@given(st.text(min_size=1, max_size=300), st.integers(0, 10**9))
def test_whatever_a_unit_is_called_its_sms_is_one_part_of_the_default_alphabet(name: str, overdue: int) -> None:
    assert gsm7.septets(text(name=name, overdue=overdue)) <= gsm7.PART


@given(st.text(max_size=400), st.integers(0, 200))
def test_plain_text_is_of_the_default_alphabet_and_shortened_text_fits(raw: str, room: int) -> None:
    assert gsm7.septets(gsm7.shortened(gsm7.plain(raw), room=room)) <= room


def test_brackets_and_the_euro_count_twice() -> None:
    assert gsm7.septets("a{€}") == 1 + 2 + 2 + 2
    assert gsm7.plain("Đường số 5 – “Hàm Rồng”…") == 'Duong so 5 - "Ham Rong"...'
    with pytest.raises(ValueError, match="default alphabet"):
        gsm7.septets("ằ")


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("0900 000 123", "84900000123"), ("+84 900-000-123", "84900000123"), ("84900000123", "84900000123"),
        ("02373 852 246", "842373852246"), ("12345", None), ("+1 202 555 0100", None), ("0900000123; 0900000124", None),
        ("", None), ("900000123", "84900000123"), ("841234567", "84841234567"), ("+900000123", None),
        ("237385224", None),
    ],
)  # fmt: skip
def test_numbers_are_written_as_gateways_want_them(raw: str, number: str | None) -> None:
    assert numbers.number(raw) == number


ESMS = gateways.load("esms").answers
KANNEL = gateways.load("kannel").answers
SPEEDSMS = gateways.load("speedsms").answers


@pytest.mark.parametrize(
    ("answers", "status", "body", "outcome"),
    [
        (KANNEL, 202, b"0: Accepted for delivery", Sent()),
        (KANNEL, 202, b"3: Queued for later delivery", Sent()),
        (KANNEL, 403, b"Authorization failed for sendsms", TryLater("gateway answered HTTP 403")),
        (KANNEL, 503, b"Temporal failure, try again later.", TryLater("gateway answered HTTP 503")),
        (KANNEL, 400, b"Empty receiver number not allowed", GiveUp("gateway refused with HTTP 400")),
        (ESMS, 200, orjson.dumps({"CodeResult": "100", "SMSID": "x"}), Sent("x")),
        (ESMS, 200, orjson.dumps({"CodeResult": "124"}), Sent()),  # taken before: the same RequestId
        (ESMS, 200, orjson.dumps({"CodeResult": "103"}), TryLater("gateway answered '103'")),  # no money left
        (ESMS, 200, orjson.dumps({"CodeResult": "99"}), GiveUp("gateway answered '99'")),
        (ESMS, 200, b"<html>", TryLater("gateway answered ''")),
        (SPEEDSMS, 200, orjson.dumps({"status": "success", "code": "00"}), Sent()),
        (SPEEDSMS, 200, orjson.dumps({"code": "00", "data": {"tranId": 4711}}), Sent("4711")),
        (SPEEDSMS, 200, orjson.dumps({"code": "00", "data": [1]}), Sent()),
        (SPEEDSMS, 502, b"", TryLater("gateway answered HTTP 502", unsure=True)),
        (
            SPEEDSMS,
            200,
            orjson.dumps({"status": "error", "code": "105"}),
            GiveUp("gateway answered '105'", no_such_address=True),
        ),
        (SPEEDSMS, 500, b"", TryLater("gateway answered HTTP 500")),
    ],
)
def test_an_answer_means_sent_later_or_never(
    answers: gateways.Answers, status: int, body: bytes, outcome: object
) -> None:
    assert gateways.judged(answers, status=status, body=body) == outcome


def test_a_busy_gateway_says_when_to_come_again() -> None:
    assert gateways.judged(ESMS, status=429, body=b"", retry_after_s=90) == TryLater("gateway answered HTTP 429", 90)


def test_a_gateway_that_is_not_there_or_wrong_is_named() -> None:
    with pytest.raises(GatewayError, match="esms, kannel, speedsms"):
        gateways.load("nobody")
    with pytest.raises(GatewayError, match="answers: Field required"):
        gateways.read("url: http://127.0.0.1\nmethod: GET\n")
    with pytest.raises(GatewayError, match="YAML"):
        gateways.read("a: [")


def test_the_allow_list_knows_a_number_however_it_is_written() -> None:
    settings = NotifySettings(allowlist="0900 000 123, example.vn")
    assert settings.allows("+84900000123")
    assert settings.allows("a@example.vn")
    assert not settings.allows("0900000124")
    assert not settings.allows("")


WAITING = Claimed("id-1", "sms", "0900000124", "", "Xin chao", "", SLOT, 1, "lease")


@pytest.mark.parametrize(
    "how", [{"sms_gateway": "gone.yaml"}, {"sms_gateway": "kannel", "sms_url": "http://127.0.0.1:port/"}]
)
def test_a_gateway_that_cannot_be_used_is_seen_at_the_start(how: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"gone|port"):
        ways.traffic(NotifySettings(**how))  # type: ignore[arg-type]


def test_the_mode_decides_what_leaves_the_house() -> None:
    def withheld(carried: bool = True, to_dead: bool = False, **how: str) -> tuple[str, str] | None:
        given = NotifySettings(**how)  # type: ignore[arg-type]
        return claiming._withheld(WAITING, given, carried=carried, to_dead=to_dead)

    assert withheld(send="live") is None
    assert withheld(send="record", to_dead=True) == ("recorded", "recording_mode")
    assert withheld(send="allowlist", allowlist="webhook, 0900 000 124") is None
    assert withheld(send="allowlist", allowlist="webhook") == ("withheld", "not_on_allowlist")
    assert withheld(send="live", carried=False) == ("withheld", "no_gateway")
    assert withheld(send="live", to_dead=True) == ("withheld", "dead_address")


async def test_a_gateway_keeps_what_its_address_says_and_of_a_long_answer_only_the_beginning_is_read() -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 99999999\r\n\r\n0: Accepted for delivery")
        writer.write(b" " * gateways.LONGEST_ANSWER)  # and then nothing more: who waits for all of it waits in vain
        await writer.drain()
        await reader.read()
        writer.close()
        left.set()

    left = asyncio.Event()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/cgi-bin/sendsms?smsc=one"
    [_, lane] = ways.traffic(NotifySettings(sms_gateway="kannel", sms_url=url, sms_timeout_s=2)).lanes
    assert await lane.way.send(WAITING) == Sent()
    await lane.way.close()
    await left.wait()
    server.close()
    assert b"?smsc=one&" in asked[0]
    assert b"to=84900000124" in asked[0]
