"""SMS through Kannel, a real gateway, to the fake centre that comes with it; all on loopback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from dondoc.stack.processes import end, spawn
from services.notify.sending import ways
from services.notify.sending.mail import Claimed
from services.notify.sending.outcomes import Outcome, Sent, TryLater
from services.notify.settings import NotifySettings
from shared.events import DeadlinePassed
from tests.component.office import (
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    Open,
    at,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
)
from tests.servers import free_port
from tests.waiting import until, wait_listening

FAKESMSC = "/usr/lib/kannel/test/fakesmsc"
CONFIG = """\
group = core
admin-port = {admin}
admin-password = none
admin-interface = 127.0.0.1
smsbox-port = {box}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1

group = smsc
smsc = fake
smsc-id = FAKE
port = {centre}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {http}
sendsms-interface = 127.0.0.1

group = sendsms-user
username = dondoc
password = secret
max-messages = 1
"""
HEAD = LAND.model_copy(update={"phone": "0900 000 123"})


@dataclass
class Kannel:
    """A running gateway. log: what the centre behind it took."""

    url: str
    log: Path

    def settings(self, **how: object) -> dict[str, object]:
        return {"sms_gateway": "kannel", "sms_url": self.url, "sms_username": "dondoc", "sms_password": "secret", **how}

    def taken(self) -> list[str]:
        """Return sender, receiver, kind and text of each message, in order."""
        return re.findall(r"Got message \d+: <(?!y x)(.*)>", self.log.read_text())


@contextmanager
def running_kannel(folder: Path) -> Iterator[Kannel]:
    ports = {name: free_port() for name in ("admin", "box", "centre", "http")}
    config, log = folder / "kannel.conf", folder / "centre.log"
    config.write_text(CONFIG.format(**ports))
    url = f"http://127.0.0.1:{ports['http']}/cgi-bin/sendsms"
    commands = (
        ["bearerbox", str(config)],
        ["smsbox", str(config)],
        [FAKESMSC, "-H", "127.0.0.1", "-r", str(ports["centre"]), "-m", "1", "x y text nop"],
    )
    started = []
    try:
        for command, name in zip(commands, ("bearerbox", "smsbox", "centre"), strict=True):
            started.append(spawn(command, log=folder / f"{name}.log"))
            wait_listening(ports[{"bearerbox": "admin", "smsbox": "http", "centre": "centre"}[name]])
        yield Kannel(url, log)
    finally:
        for process in reversed(started):
            end(process)


@pytest.fixture(scope="module")
def kannel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    with running_kannel(tmp_path_factory.mktemp("kannel")) as gateway:
        yield gateway


async def taken(kannel: Kannel, *, number: int) -> list[str]:
    """Return what the gateway has taken once it is so many."""
    await until(kannel.taken, lambda found: len(found) >= number)
    return kannel.taken()


pytestmark = pytest.mark.long  # needs Kannel, from Debian


async def test_the_head_gets_an_sms_of_counts_beside_the_mail(office: Open, kannel: Kannel) -> None:  # noqa: F811
    before = len(kannel.taken())
    async with office(units=(OVERSIGHT, HEAD), **kannel.settings()) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        [message] = (await taken(kannel, number=before + 1))[before:]
        assert message == (
            "DonDoc 84900000123 text Don doc - So Nong nghiep va Moi truong: 1 viec qua han (1 moi)."
            " Chi tiet trong thu dien tu 07:30 23/11."
        )
        assert len(here.box.taken) == 1
        notices = {notice["channel"]: notice for notice in await here.notices()}
        assert {channel: notice["status"] for channel, notice in notices.items()} == {"email": "sent", "sms": "sent"}
        assert notices["sms"]["covers"] == notices["email"]["covers"]
        assert (await here.notify.status())["counts"]["notices"] == {"sent": 1, "sms_sent": 1}
        await here.move_to(MONDAY_1400)
        assert len(kannel.taken()) == before + 1  # nothing changed, nothing is sent


async def test_a_head_without_a_number_is_told_by_mail_and_the_sms_is_kept_with_its_reason(office: Open) -> None:  # noqa: F811
    async with office(sms_gateway="kannel", sms_url="http://127.0.0.1:9") as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert {(n["channel"], n["status"], n["reason"]) for n in await here.notices()} == {
            ("email", "sent", ""), ("sms", "withheld", "no_contact"),
        }  # fmt: skip


async def test_a_gateway_that_is_down_or_refuses_our_login_is_tried_again(kannel: Kannel) -> None:
    notice = Claimed("id-1", "sms", "0900000124", "", "Xin chao", "", at(MONDAY_0730), 1, "lease")

    async def send(**how: object) -> Outcome:
        [_, lane] = ways.traffic(NotifySettings(**kannel.settings(**how))).lanes  # type: ignore[arg-type]
        try:
            return await lane.way.send(notice)
        finally:
            await lane.way.close()

    assert await send(sms_url="http://127.0.0.1:9/") == TryLater("ConnectError")
    assert await send(sms_password="wrong") == TryLater("gateway answered HTTP 403")
    before = len(kannel.taken())
    assert await send() == Sent()
    assert (await taken(kannel, number=before + 1))[-1] == "DonDoc 84900000124 text Xin chao"


def test_kannel_answers_as_the_preset_reads_it(kannel: Kannel) -> None:
    """The words of refusal that the carried description looks for are Kannel's own."""
    login = {"username": "dondoc", "password": "secret"}
    assert httpx.get(kannel.url, params={**login, "to": "", "text": "x"}).text.startswith("Empty")
    assert httpx.get(kannel.url, params={**login, "text": "x"}).text.startswith("Missing")
