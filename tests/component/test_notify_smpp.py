"""SMS over SMPP, against a message centre that is not ours; all on loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
import smpp34
from smpp34._smpp34 import ESME_RINVDSTADR, ESME_RMSGQFUL, ESME_ROK, ESME_RSYSERR, ESME_RTHROTTLED
from sqlalchemy import text

from services.notify.sending import binding, delivery
from services.notify.sending.channels import smpp
from services.notify.sending.channels.smpp import Centre, receipt
from services.notify.sending.mail import Claimed
from services.notify.sending.outcomes import GiveUp, Sent, TryLater
from services.notify.sending.providers import Smpp
from tests.component import harness
from tests.component.sending import House, Open, house, migrated  # noqa: F401 - fixtures
from tests.servers import free_port
from tests.waiting import until

NOTICE = Claimed("id-1", "sms", "0900 000 124", "", "Xin chao", "", datetime(2026, 11, 23), 1, "lease")  # noqa: DTZ001
RECEIPT = "id:{id} sub:001 dlvrd:001 submit date:2611230730 done date:2611230731 stat:{stat} err:000 text:Xin"
Judge = Callable[[int], int]


@dataclass
class MessageCentre:
    """The centre's side. judge: status for the n-th message. silent: it takes and says nothing."""

    port: int
    judge: Judge = lambda _: ESME_ROK
    silent: bool = False
    taken: list[Any] = field(default_factory=list)
    bound: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = smpp34.Server("127.0.0.1", self.port, system_id="centre")

    async def serve(self) -> None:
        while True:
            match await self.server.next():
                case smpp34.Esme() as who:
                    self.bound.append(who)
                case smpp34.SubmitSmEvent() as said:
                    self.taken.append(said)
                    status = self.judge(len(self.taken))
                    if status:
                        said.reject(status)
                    elif not self.silent:
                        said.accept(f"m-{len(self.taken)}")

    async def say(self, words: str, *, esm_class: int = 0x04) -> int:
        """Say something to who bound last; returns how it was answered."""
        answer = await self.bound[-1].deliver_sm(
            "DonDoc", words.encode(), source_addr="84900000124", esm_class=esm_class
        )
        return int(answer.command_status)


@contextlib.asynccontextmanager
async def message_centre(port: int = 0, **how: Any) -> AsyncIterator[MessageCentre]:
    made = MessageCentre(port or free_port(), **how)
    await made.server.start()
    serving = asyncio.create_task(made.serve())
    try:
        yield made
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        for who in made.bound:
            with contextlib.suppress(smpp34.SmppError, OSError, RuntimeError):
                await who.unbind()
        await made.server.stop()


def described(port: int, **how: Any) -> dict[str, Any]:
    told = {"name": "centre", "channel": "sms", "kind": "smpp", "host": "127.0.0.1", "port": port, "timeout_s": 2}
    return {**told, "login": {"user": "dondoc", "secret": "centre"}, **how}


@contextlib.asynccontextmanager
async def centre(port: int, **how: Any) -> AsyncIterator[Centre]:
    made = Centre(Smpp.model_validate(described(port, **how)), "secret")
    try:
        yield made
    finally:
        await made.close()


async def test_a_message_is_handed_over_and_its_id_is_kept() -> None:
    async with message_centre() as peer, centre(peer.port) as ours:
        assert [await ours.send(NOTICE) for _ in range(3)] == [Sent("m-1"), Sent("m-2"), Sent("m-3")]
        said = peer.taken[0]
        assert (said.destination_addr, said.dest_addr_ton, said.dest_addr_npi) == ("84900000124", 1, 1)
        assert (said.source_addr, said.source_addr_ton) == ("DonDoc", 5)
        assert (said.short_message, said.data_coding, said.registered_delivery) == (b"Xin chao", 0, 1)
        assert len(peer.bound) == 1  # one line takes them all


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (ESME_RTHROTTLED, TryLater("centre answered 0x58", smpp.THROTTLED_S)),
        (ESME_RMSGQFUL, TryLater("centre answered 0x14", smpp.THROTTLED_S)),
        (ESME_RSYSERR, TryLater("centre answered 0x08")),
        (ESME_RINVDSTADR, GiveUp("centre answered 0x0B", no_such_address=True)),
    ],
)
async def test_the_answer_of_a_centre_decides_whether_trying_again_can_help(status: int, outcome: object) -> None:
    async with message_centre(judge=lambda _: status) as peer, centre(peer.port) as ours:
        assert await ours.send(NOTICE) == outcome


async def test_a_centre_that_is_silent_or_gone_may_have_the_message_and_one_that_was_never_there_has_not() -> None:
    async with centre(free_port()) as ours:
        assert await ours.send(NOTICE) == TryLater("ConnectionRefusedError")
    async with message_centre(silent=True) as peer, centre(peer.port, timeout_s=0.5) as ours:
        assert await ours.send(NOTICE) == TryLater("TimeoutError", unsure=True)
        sending = asyncio.create_task(ours.send(NOTICE))
        await asyncio.sleep(0.1)
        await peer.bound[-1].unbind()
        assert (await sending) in (TryLater("LineLostError", unsure=True), TryLater("TimeoutError", unsure=True))


async def test_many_messages_share_the_line() -> None:
    async with message_centre() as peer, centre(peer.port) as ours:
        outcomes = await asyncio.gather(*(ours.send(NOTICE) for _ in range(100)))
        assert {outcome.reference for outcome in outcomes if isinstance(outcome, Sent)} == {
            f"m-{number}" for number in range(1, 101)
        }
        assert len(peer.bound) == 1


async def test_a_receipt_is_answered_once_it_is_kept_and_refused_while_it_cannot_be() -> None:
    heard: list[tuple[Any, ...]] = []
    away = True

    async def keep(*said: Any) -> None:
        if away:
            raise OSError("the database is away")
        heard.append(said)

    async with message_centre() as peer, centre(peer.port) as ours:
        ours.on_receipt = keep
        await ours.send(NOTICE)
        assert await peer.say(RECEIPT.format(id="m-1", stat="DELIVRD")) == 0x64
        away = False
        assert await peer.say(RECEIPT.format(id="m-1", stat="DELIVRD")) == 0
        assert await peer.say("what is this?", esm_class=0) == 0  # somebody writes back
        assert await peer.say("\xff\x00", esm_class=0x04) == 0
    assert heard == [("m-1", "delivered", datetime.fromisoformat("2026-11-23T07:31:00+07:00"), "DELIVRD")]


@pytest.mark.parametrize(
    ("words", "tags", "expected"),
    [
        (RECEIPT.format(id="7f", stat="UNDELIV"), {}, ("7f", "UNDELIV")),
        ("", {0x1E: "m-9\0", 0x427: 5}, ("m-9", "UNDELIV")),
        (RECEIPT.format(id="7f", stat="DELIVRD"), {0x1E: "m-9", 0x427: 99}, ("m-9", "DELIVRD")),
        ("id:1 stat:odd", {}, ("1", "ODD")),
        ("nothing", {}, ("", "UNKNOWN")),
    ],
)
def test_receipts_are_read_however_they_are_written(
    words: str, tags: dict[int, int | str | bool], expected: tuple[str, str]
) -> None:
    assert receipt(words, tags)[:2] == expected


async def test_notify_stays_bound_and_keeps_receipts_across_a_centre_that_comes_and_goes(
    house: Open,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smpp, "REBIND_S", (0.1,))
    monkeypatch.setattr(delivery, "RETRY_SECONDS", (0, 1))
    port = free_port()
    async with house(described(port)) as here:
        async with message_centre(port) as peer:
            await here.put(5, channel="sms")
            await here.until("status = 'sent' AND reference <> ''", number=5)
        await here.put(5, channel="sms", first=10)
        async with message_centre(port) as peer:
            await here.until("status = 'sent'", number=10)
            for stat in ("DELIVRD", "EXPIRED"):
                assert await peer.say(RECEIPT.format(id="m-1", stat=stat)) == 0
        assert await heard(here) == [("centre", "m-1", "delivered", "DELIVRD"), ("centre", "m-1", "failed", "EXPIRED")]


async def heard(here: House) -> list[tuple[str, ...]]:
    async with here.notify.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT provider, reference, state, code FROM notify.receipt_heard ORDER BY id")
        )
        return [tuple(row) for row in rows]


async def test_in_mode_record_nobody_binds(house: Open) -> None:  # noqa: F811
    async with message_centre() as peer, house(described(peer.port), send="record") as here:
        await here.put(3, channel="sms")
        await here.until("status = 'recorded'", number=3)
        assert (peer.bound, peer.taken) == ([], [])


async def test_a_line_is_bound_once_an_operator_lets_notices_leave(
    house: Open,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(binding, "LOOK_S", 0.1)
    async with message_centre() as peer, house(described(peer.port), send="record") as here:
        await asyncio.sleep(0.5)
        assert peer.bound == []
        async with harness.caller(here.notify) as http:
            assert (await http.put("/v1/sending", json={"mode": "live"})).status_code == 200
        await until(lambda: peer.bound)


async def test_a_login_that_the_centre_refuses_is_waited_out() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(16)
        await reader.readexactly(int.from_bytes(head[:4], "big") - 16)
        answer = bytes.fromhex("80000009 0000000E") + head[12:]  # bind_transceiver_resp, ESME_RINVPASWD
        writer.write((17).to_bytes(4, "big") + answer[:8] + head[12:16] + b"\0")
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with centre(server.sockets[0].getsockname()[1]) as ours:
        assert await ours.send(NOTICE) == TryLater("NotBoundError")
    server.close()
