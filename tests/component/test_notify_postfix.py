"""Mails through Debian's Postfix: encrypted, logged in, delivered into a mailbox that the test reads back."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notify.receipts import tokens
from services.notify.sending import delivery
from shared.clock import monotonic_s
from tests.component.certificates import signed
from tests.component.postfix import USER, Postfix, running_postfix
from tests.component.receiving import KEY
from tests.component.sending import Open, house, migrated, smtp  # noqa: F401 - fixtures
from tests.waiting import until

pytestmark = [  # needs Postfix, from Debian
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="Postfix starts as root only"),
]
MONDAY = 400  # heads with a digest
WITHIN_S = 60


@pytest.fixture(scope="module")
def postfix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postfix]:
    made = signed(tmp_path_factory.mktemp("certificates"), ends=datetime.now(UTC) + timedelta(days=30))
    with running_postfix(made) as relay:
        yield relay


def through(relay: Postfix, *, tls: str = "starttls", **how: Any) -> dict[str, Any]:
    port = relay.port if tls == "starttls" else relay.wrapped
    told = smtp(port, tls=tls, ca_file=str(relay.ca), login={"user": USER, "secret": "relay"})
    return {**told, "timeout_s": 20, **how}


async def delivered(relay: Postfix, number: int) -> None:
    await until(lambda: len(list((relay.folder / "mail" / "all" / "new").glob("*"))), lambda found: found >= number)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_mail_reaches_its_mailbox_encrypted_and_logged_in(
    house: Open,  # noqa: F811
    postfix: Postfix,
    tls: str,
) -> None:
    before = len(postfix.mails())
    async with house(through(postfix, tls=tls), bounce_address="bounce@example.vn", receipts_key=KEY) as here:
        await here.put(3)
        await here.until("status = 'sent'", number=3)
    await delivered(postfix, before + 3)
    mails = postfix.mails()[before:]
    assert {mail["Message-ID"] for mail in mails} == {f"<email-0000{n}@dondoc.example.vn>" for n in range(3)}
    mail = next(mail for mail in mails if "00000" in mail["Message-ID"])
    assert (mail["Subject"], mail["To"]) == ("Đôn đốc", "h0@example.vn")
    assert mail["Return-Path"] == f"<bounce+email-00000={tokens.of_notice(KEY, 'email-00000')}@example.vn>"
    assert " with ESMTPSA id " in str(mail["Received"])  # S: TLS, A: a log-in
    assert f"sasl_username={USER}" in postfix.log()


async def test_what_postfix_refuses_at_once_is_given_up_and_what_it_cannot_deliver_comes_back_to_its_notice(
    house: Open,  # noqa: F811
    postfix: Postfix,
) -> None:
    before = len(postfix.mails())
    async with house(through(postfix), bounce_address="bounce@example.vn", receipts_key=KEY) as here:
        await here.put(1, to="nobody@example.vn")
        await here.put(1, to="head@gone.example.vn", first=5)
        await here.until("status IN ('failed', 'sent')", number=2)
        assert [(row.status, row.reason) for row in await here.rows()] == [
            ("failed", "relay answered 550"), ("sent", ""),
        ]  # fmt: skip
    await delivered(postfix, before + 1)
    [back] = postfix.mails()[before:]
    assert back["To"] == f"bounce+email-00005={tokens.of_notice(KEY, 'email-00005')}@example.vn"
    assert back.get_content_type() == "multipart/report"


async def test_while_postfix_is_down_mails_wait_and_then_each_arrives_once(
    house: Open,  # noqa: F811
    postfix: Postfix,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "RETRY_SECONDS", (1,))
    before = len(postfix.mails())
    async with house(through(postfix)) as here:
        await here.put(100)
        await here.until("status = 'sent'", number=5)
        await asyncio.to_thread(postfix.call, "stop")
        await asyncio.sleep(1)
        await here.put(100, first=200)
        await asyncio.sleep(1)
        await asyncio.to_thread(postfix.call, "start")
        await here.until("status = 'sent'", number=200, within_s=60)
        sure = {row.id for row in await here.rows() if not row.maybe_doubled}
    await delivered(postfix, before + 200)
    arrived = Counter(str(mail["Message-ID"]).strip("<>").partition("@")[0] for mail in postfix.mails()[before:])
    assert len(arrived) == 200
    assert {id for id, number in arrived.items() if number > 1}.isdisjoint(sure)


async def test_the_digests_of_a_monday_are_handed_over_within_a_minute(house: Open, postfix: Postfix) -> None:  # noqa: F811
    async with house(through(postfix)) as here:
        began = monotonic_s()
        await here.put(MONDAY)
        await here.until("status = 'sent'", number=MONDAY, within_s=WITHIN_S)
        took = monotonic_s() - began
    assert took < WITHIN_S
