"""notify on real servers: NATS, PostgreSQL and an SMTP server. The clock is driven by the test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller
from nats.aio.client import Client
from sqlalchemy import text

from services.notify import api, channel, delivery
from services.notify.channel import GiveUp, Outcome, Sent, TryLater
from services.notify.mail import Claimed
from services.notify.main import service
from services.notify.settings import NotifySettings
from shared import bus, http
from shared.cloudevents import Outgoing, outgoing
from shared.events import (
    CensusTaken,
    DeadlinePassed,
    DeadlinePaused,
    DeadlineSet,
    EventsCounted,
    ObligationChanged,
    ObligationEnded,
    UnitDescribed,
)
from shared.service import Running
from tests.component import harness
from tests.contracts.test_events import GOLDEN
from tests.servers import Database, drop_database, free_port, fresh_database

DOSSIER = "000.00.12.H56-261120-0007"
FRIDAY_1600 = "2026-11-20T16:00:00+07:00"
FRIDAY_1601 = "2026-11-20T16:01:00+07:00"
MONDAY_0730 = "2026-11-23T07:30:00+07:00"  # the 24th is a day off
MONDAY_1400 = "2026-11-23T14:00:00+07:00"
WEDNESDAY_0730 = "2026-11-25T07:30:00+07:00"
WEDNESDAY_1400 = "2026-11-25T14:00:00+07:00"
THURSDAY_0730 = "2026-11-26T07:30:00+07:00"


@dataclass
class Mailbox:
    """The handler of a real SMTP server: what it took, in order."""

    taken: list[EmailMessage] = field(default_factory=list)
    refuse: str = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.taken.append(mail)
        return "250 taken"


@contextlib.contextmanager
def smtp_server(box: Mailbox, port: int) -> Iterator[None]:
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


@pytest_asyncio.fixture
async def migrated(postgres_url: str) -> AsyncIterator[Database]:
    made = await fresh_database(postgres_url, migrated=["notify"])
    yield made
    await drop_database(postgres_url, made)


@dataclass
class Office:
    """notify at work, with the streams it hears and the mailbox that its mail reaches."""

    client: Client
    notify: Running
    box: Mailbox
    port: int
    said: int = 0

    async def hear_units(self, *units: UnitDescribed) -> None:
        await bus.publish(
            self.client,
            [
                outgoing(UnitDescribed, id=f"{u.code}:{u.revision}", about=u.code, time=at(FRIDAY_1600), data=u)
                for u in units
            ],
        )
        await self.settle()

    async def hear(self, event: type[ObligationChanged], **changes: Any) -> None:
        """Say a state of an obligation, under an event id of its own."""
        self.said += 1
        data = obligation(**changes)
        await bus.publish(
            self.client,
            [outgoing(event, id=f"event-{self.said}", about=data["obligation_id"], time=at(FRIDAY_1600), data=data)],
        )
        await self.settle()

    async def move_to(self, instant: str) -> None:
        await harness.tick(self.client, instant, streams=("INTAKE", "DEADLINE"))
        async with asyncio.timeout(20):
            while self.notify.clock.now() < at(instant):
                await asyncio.sleep(0.02)
        await self.settle()

    async def settle(self) -> None:
        await harness.until_idle({"notify": self.notify})

    async def notices(self) -> list[dict[str, Any]]:
        return await self.get("/v1/notices", "notices")

    async def escalations(self) -> list[dict[str, Any]]:
        return await self.get("/v1/escalations", "escalations")

    async def get(self, path: str, key: str) -> list[dict[str, Any]]:
        app = http.application(name="notify", settings=self.notify.settings, ready=dict, asyncapi={})
        app.include_router(api.router)
        app.state.running = self.notify
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://notify") as caller:
            answer = await caller.get(path, headers={"X-API-Key": harness.API_KEY})
            assert answer.status_code == 200, answer.text
            found: list[dict[str, Any]] = answer.json()[key]
            return found


def at(instant: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(instant)


def obligation(**changes: Any) -> dict[str, Any]:
    """Return a dossier of H56.12 due on Friday 16:00, open, heard of in good time."""
    return {
        "obligation_id": f"dossier/{DOSSIER}",
        "kind": "dossier",
        "subject_id": DOSSIER,
        "source": "motcua-1",
        "unit": "H56.12",
        "unit_name": None,
        "procedure": "1.012753",
        "field": "Đất đai",
        "accepted_at": "2026-11-10T09:00:00+07:00",
        "due_at": FRIDAY_1600,
        "due_from": "source",
        "first_due_at": FRIDAY_1600,
        "computed_due_at": None,
        "near_at": None,
        "paused_seconds": 0,
        "state": "open",
        "timing": "overdue",
        "ended_at": None,
        "end": None,
        "late_working_seconds": 0,
        "late_days": 0,
        "heard_at": "2026-11-10T09:01:00+07:00",
        "backlog": False,
        "flags": [],
        "revision": 2,
        **changes,
    }


def unit(code: str, **changes: Any) -> UnitDescribed:
    given = {
        "code": code,
        "revision": 1,
        "name": f"Đơn vị {code}",
        "kind": "so",
        "parent_code": "H56",
        "head_title": "Giám đốc Sở",
        "head_name": None,
        "email": f"{code.lower()}@example.vn",
        "phone": None,
        "aliases": (),
        "active": True,
    }
    return UnitDescribed.model_validate({**given, **changes})


OVERSIGHT = unit("TH-SNV", head_title="Giám đốc Sở", name="Sở Nội vụ")
LAND = unit("H56.12", name="Sở Nông nghiệp và Môi trường", aliases=("000.00.12.H56", "Sở NNMT"))
WARDS = (
    unit("14797", name="Phường Hạc Thành", kind="phuong", aliases=("UBND phường Hạc Thành",)),
    unit("14758", name="Phường Hàm Rồng", kind="phuong"),
)

ENDED = {"revision": 3, "state": "ended", "timing": "late", "ended_at": MONDAY_0730, "end": "completed"}

Open = Callable[..., contextlib.AbstractAsyncContextManager[Office]]


@pytest.fixture
def office(nats_url: str, migrated: Database, monkeypatch: pytest.MonkeyPatch) -> Open:
    @contextlib.asynccontextmanager
    async def opened(*, units: tuple[UnitDescribed, ...] = (OVERSIGHT, LAND), relay: bool = True, **how: Any) -> Any:
        monkeypatch.setattr(delivery, "RETRY_SECONDS", (0,))
        box, port = Mailbox(), free_port()
        given = NotifySettings(**{"send": "live", "smtp_port": port, "smtp_timeout_s": 5, **how})
        async with (
            harness.connected(nats_url) as client,
            harness.services(service(given), nats_url=nats_url, database=migrated, clock="driven") as started,
        ):
            made = Office(client, started["notify"], box, port)
            with smtp_server(box, port) if relay else contextlib.nullcontext():
                if units:
                    await made.hear_units(*units)
                yield made

    return opened


async def test_one_passed_deadline_becomes_one_mail_to_the_head_of_the_unit(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        assert here.box.taken == []
        [raised] = await here.escalations()
        assert (raised["unit"], raised["level"], raised["flags"]) == ("H56.12", 1, [])

        await here.move_to(MONDAY_0730)
        [mail] = here.box.taken
        [notice] = await here.notices()
        assert mail["To"] == "h56.12@example.vn"
        assert (
            mail["Subject"]
            == "[Đôn đốc] Sở Nông nghiệp và Môi trường: 1 hồ sơ đang quá hạn (1 mới báo) (07:30 23/11/2026)"
        )
        assert mail["Message-ID"] == f"<{notice['notice_id']}@dondoc.example.vn>"
        assert f"- {DOSSIER} · Đất đai · 1.012753 · hạn 16:00 20/11/2026 · quá hạn 1 giờ làm việc" in text_of(mail)
        assert (notice["status"], notice["items"], notice["unit"]) == ("sent", 1, "H56.12")
        assert notice["covers"] == [{"obligation_id": f"dossier/{DOSSIER}", "revision": 2, "level": 1, "news": "new"}]
        kinds = [event["type"] for event in await harness.said(here.client, "NOTIFY")]
        assert kinds == ["notify.escalation_raised.v1", "notify.notice_stored.v1", "notify.notice_sent.v1"]


async def test_repeats_duplicates_and_older_states_bring_no_second_mail(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.hear(DeadlinePassed)
        await here.hear(DeadlineSet, revision=1, due_at=WEDNESDAY_0730, timing="on_time")
        await here.move_to(MONDAY_0730)
        await here.hear(DeadlinePassed)
        await here.hear(ObligationEnded, revision=1, state="ended", ended_at=FRIDAY_1600, end="completed")
        await here.move_to(MONDAY_1400)
        await here.move_to(WEDNESDAY_0730)
        assert len(here.box.taken) == 1
        assert len(await here.escalations()) == 1


async def test_settled_before_its_slot_a_matter_brings_no_mail(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.hear(ObligationEnded, **ENDED)
        await here.move_to(MONDAY_0730)
        assert (here.box.taken, await here.notices(), await here.escalations()) == ([], [], [])
        kinds = [event["type"] for event in await harness.said(here.client, "NOTIFY")]
        assert kinds == ["notify.escalation_raised.v1", "notify.escalation_closed.v1"]


async def test_settled_after_its_mail_a_matter_is_announced_once_and_then_never_again(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.hear(ObligationEnded, **ENDED)
        for instant in (MONDAY_1400, WEDNESDAY_0730, WEDNESDAY_1400, THURSDAY_0730):
            await here.move_to(instant)
        assert [mail["Subject"] for mail in here.box.taken] == [
            "[Đôn đốc] Sở Nông nghiệp và Môi trường: 1 hồ sơ đang quá hạn (1 mới báo) (07:30 23/11/2026)",
            "[Đôn đốc] Sở Nông nghiệp và Môi trường: 1 hồ sơ không còn quá hạn (14:00 23/11/2026)",
        ]
        assert f"{DOSSIER} · Đất đai · 1.012753 · hạn 16:00 20/11/2026 · đã có kết quả lúc" in text_of(
            here.box.taken[1]
        )
        assert await here.escalations() == []


async def test_two_working_days_later_the_superior_is_told_and_the_head_is_left_in_peace(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        for instant in (FRIDAY_1601, MONDAY_0730, WEDNESDAY_1400, "2026-11-25T16:00:00+07:00", THURSDAY_0730):
            await here.move_to(instant)
        assert [mail["To"] for mail in here.box.taken] == ["h56.12@example.vn", "th-snv@example.vn"]
        assert "\nQuá hạn kéo dài (1)\n" in text_of(here.box.taken[1])
        assert "làm việc · Sở Nông nghiệp và Môi trường" in text_of(here.box.taken[1])
        [raised] = await here.escalations()
        assert raised["level"] == 2


async def test_backlog_of_a_source_is_one_opening_digest_at_level_one(office: Open) -> None:
    async with office() as here:
        for number in range(3):
            await here.hear(
                DeadlineSet,
                obligation_id=f"dossier/B{number}",
                subject_id=f"B{number}",
                due_at="2026-03-02T16:00:00+07:00",
                heard_at="2026-11-23T06:00:00+07:00",
                backlog=True,
            )
        await here.move_to("2026-11-23T07:00:00+07:00")
        await here.move_to(MONDAY_0730)
        await here.move_to(MONDAY_1400)
        [mail] = here.box.taken
        assert mail["To"] == "h56.12@example.vn"
        assert "Đã quá hạn từ trước khi được theo dõi (3)" in text_of(mail)
        assert {(raised["level"], *raised["flags"]) for raised in await here.escalations()} == {(1, "backlog")}


async def test_while_paused_nothing_fires(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlineSet, revision=1, timing="on_time", near_at="2026-11-19T16:00:00+07:00")
        await here.hear(DeadlinePaused, revision=2, state="paused", timing="on_time")
        for instant in (FRIDAY_1601, MONDAY_0730, THURSDAY_0730):
            await here.move_to(instant)
        assert (here.box.taken, await here.escalations()) == ([], [])
        assert (await here.notify.status())["busy"] == 0


async def test_while_the_relay_is_down_a_notice_waits_and_then_goes_out_once(office: Open) -> None:
    async with office(relay=False) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await harness.tick(here.client, MONDAY_0730, streams=("INTAKE", "DEADLINE"))
        async with asyncio.timeout(20):
            while not (waiting := await here.notices()) or waiting[0]["attempts"] < 2:
                await asyncio.sleep(0.05)
        assert (waiting[0]["status"], waiting[0]["reason"]) == ("stored", "SMTPConnectError")
        with smtp_server(here.box, here.port):
            await here.settle()
            await here.move_to(MONDAY_1400)
        [notice] = await here.notices()
        assert (notice["status"], len(here.box.taken)) == ("sent", 1)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("", Sent()),
        ("451 come back later", TryLater("relay answered 451")),
        ("554 never", GiveUp("relay answered 554")),
    ],
)
async def test_the_relays_answer_decides_whether_trying_again_can_help(answer: str, outcome: Outcome) -> None:
    box, port = Mailbox(refuse=answer), free_port()
    notice = Claimed("id", "h56@example.vn", "x", "x", "x", at(MONDAY_0730), 1, "lease")
    settings = NotifySettings(smtp_port=port)
    with smtp_server(box, port):
        assert await channel.send(notice, settings) == outcome
    assert await channel.send(notice, settings) == TryLater("SMTPConnectError")
    bare = NotifySettings(smtp_port=port, smtp_starttls=True)
    with smtp_server(box, port):
        assert isinstance(await channel.send(notice, bare), TryLater)


async def test_a_mail_that_the_relay_refuses_for_good_is_not_tried_again(office: Open) -> None:
    async with office() as here:
        here.box.refuse = "554 never"
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        [notice] = await here.notices()
        assert (notice["status"], notice["reason"], notice["attempts"]) == ("failed", "relay answered 554", 1)


@pytest.mark.parametrize(
    ("how", "status", "reason"),
    [
        ({"send": "record"}, "recorded", "recording_mode"),
        ({"send": "allowlist", "allowlist": "test.example.vn, someone@example.vn"}, "withheld", "not_on_allowlist"),
        ({"send": "allowlist", "allowlist": "example.vn"}, "sent", ""),
    ],
)
async def test_the_mode_decides_what_leaves_the_house(
    office: Open, how: dict[str, Any], status: str, reason: str
) -> None:
    async with office(**how) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        [notice] = await here.notices()
        assert (notice["status"], notice["reason"]) == (status, reason)
        assert len(here.box.taken) == (status == "sent")
        counts = (await here.notify.status())["counts"]
        assert (counts["mode"], counts["notices"]) == ({how["send"]: 1}, {status: 1})
        assert counts["escalations"] == {"level_1": 1, "unit_unknown": 0}


async def test_an_unknown_unit_goes_to_the_unit_above_and_stays_listed_until_it_is_known(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed, unit="H56.77", unit_name="Phòng Lạ")
        await here.move_to(FRIDAY_1601)
        [raised] = await here.escalations()
        assert (raised["unit"], raised["flags"]) == ("H56.77", ["unit_unknown"])
        await here.move_to(MONDAY_0730)
        [mail] = here.box.taken
        assert mail["To"] == "th-snv@example.vn"
        assert "chưa rõ đơn vị: Phòng Lạ" in text_of(mail)


async def test_a_dossier_that_changes_its_unit_before_its_slot_presses_the_head_of_the_new_one(office: Open) -> None:
    async with office(units=(OVERSIGHT, LAND, *WARDS)) as here:
        await here.hear(DeadlinePassed, unit_name="Phường Hạc Thành")
        await here.move_to(FRIDAY_1601)
        await here.hear(DeadlineSet, unit_name="Phường Hàm Rồng", revision=3)
        await here.move_to("2026-11-23T07:00:00+07:00")
        await here.hear(DeadlineSet, unit_name="phường  Hàm Rồng", revision=4)
        [raised] = await here.escalations()
        assert (raised["unit"], raised["flags"]) == ("14758", [])
        await here.move_to(MONDAY_0730)
        assert [mail["To"] for mail in here.box.taken] == ["14758@example.vn"]
        assert "chưa rõ đơn vị" not in text_of(here.box.taken[0])


async def test_a_unit_that_lost_a_dossier_after_its_mail_hears_of_the_settlement_alone(office: Open) -> None:
    async with office(units=(OVERSIGHT, LAND, *WARDS)) as here:
        await here.hear(DeadlinePassed, unit_name="Phường Hạc Thành")
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.hear(DeadlineSet, unit_name="UBND phường Hạc Thành", revision=3)
        await here.hear(DeadlineSet, unit_name="Phường Hàm Rồng", revision=4)
        await here.move_to(MONDAY_1400)
        assert [mail["To"] for mail in here.box.taken] == ["14797@example.vn", "14758@example.vn"]
        assert "Mới quá hạn (1)" in text_of(here.box.taken[1])
        await here.hear(ObligationEnded, **{**ENDED, "unit_name": "Phường Hàm Rồng", "revision": 5})
        await here.move_to(WEDNESDAY_0730)
        settled = here.box.taken[2:]
        assert sorted(mail["To"] for mail in settled) == ["14758@example.vn", "14797@example.vn"]
        assert all("Không còn quá hạn (1)" in text_of(mail) for mail in settled)
        await here.move_to(THURSDAY_0730)
        assert len(here.box.taken) == 4


BRANCH = unit("CN-ML", name="Chi nhánh VPĐKĐĐ Mường Lát", kind="chi_nhanh")
HELD = {"holder": BRANCH.name, "holder_due_at": "2026-11-20T09:00:00+07:00"}
WHY = "chậm ở bước của Chi nhánh VPĐKĐĐ Mường Lát, hạn bước 09:00 20/11/2026"


async def test_a_late_dossier_presses_the_holder_of_its_late_step_until_the_step_is_passed_on(office: Open) -> None:
    async with office(units=(OVERSIGHT, LAND, BRANCH)) as here:
        await here.hear(DeadlinePassed, **HELD)
        await here.move_to(FRIDAY_1601)
        [raised] = await here.escalations()
        assert (raised["unit"], raised["flags"]) == ("CN-ML", ["joint_processing"])
        await here.move_to(MONDAY_0730)
        holder, receiving = sorted(here.box.taken, key=lambda mail: str(mail["To"]))
        assert (holder["To"], receiving["To"]) == ("cn-ml@example.vn", "h56.12@example.vn")
        assert "\nMới quá hạn (1)\n" in text_of(holder)
        assert f"quá hạn 1 giờ làm việc; {WHY} · đơn vị tiếp nhận: Sở Nông nghiệp" in text_of(holder)
        assert "Để biết: hồ sơ chậm ở khâu của đơn vị khác (1)" in text_of(receiving)
        assert WHY in text_of(receiving)
        assert "Đề nghị" not in text_of(receiving)
        assert {notice["role"] for notice in await here.notices()} == {"head", "receiving"}

        await here.hear(ObligationChanged, revision=3)
        await here.move_to(MONDAY_1400)
        [back] = here.box.taken[2:]
        assert (back["To"], "Mới quá hạn (1)" in text_of(back)) == ("h56.12@example.vn", True)
        assert "chậm ở bước" not in text_of(back)
        await here.hear(ObligationEnded, **{**ENDED, "revision": 4})
        await here.move_to(WEDNESDAY_0730)
        assert sorted(mail["To"] for mail in here.box.taken[3:]) == ["cn-ml@example.vn", "h56.12@example.vn"]
        assert all("Không còn quá hạn (1)" in text_of(mail) for mail in here.box.taken[3:])


async def test_a_late_dossier_goes_over_to_the_holder_when_its_step_becomes_late_or_the_holder_known(
    office: Open,
) -> None:
    async with office(units=(OVERSIGHT, LAND)) as here:
        await here.hear(DeadlinePassed, holder=BRANCH.name, holder_due_at="2026-11-23T10:00:00+07:00")
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.move_to("2026-11-23T10:01:00+07:00")
        assert [raised["unit"] for raised in await here.escalations()] == ["H56.12"]
        await here.hear_units(BRANCH)
        await here.move_to("2026-11-23T10:02:00+07:00")
        assert [raised["unit"] for raised in await here.escalations()] == ["CN-ML"]
        await here.move_to(MONDAY_1400)
        assert sorted(mail["To"] for mail in here.box.taken[1:]) == ["cn-ml@example.vn", "h56.12@example.vn"]


async def test_a_step_is_pressed_for_beside_its_dossier_only_where_another_unit_has_that(office: Open) -> None:
    step = {"obligation_id": "step/1", "kind": "step", "parent": f"dossier/{DOSSIER}", "due_at": FRIDAY_1600}
    async with office(units=(OVERSIGHT, LAND, BRANCH)) as here:
        await here.hear(DeadlinePassed, **step, unit_name="Phòng chuyên môn", unit="CN-ML")
        await here.hear(DeadlinePassed, **{**step, "obligation_id": "step/2"}, unit_name=BRANCH.name)
        await here.hear(DeadlinePassed, unit_name=LAND.name)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        branch, land = sorted(here.box.taken, key=lambda mail: str(mail["To"]))
        assert "bước xử lý của Chi nhánh VPĐKĐĐ Mường Lát" in text_of(branch)
        assert ": 1 bước xử lý hồ sơ đang quá hạn (1 mới báo) (" in str(branch["Subject"])
        assert ": 1 hồ sơ đang quá hạn (1 mới báo) (" in str(land["Subject"])
        assert "Phòng chuyên môn" not in text_of(land)
        await here.move_to(MONDAY_1400)
        assert len(here.box.taken) == 2

        await here.hear(DeadlineSet, unit_name=LAND.name, revision=3, due_at="2026-12-01T16:00:00+07:00")
        await here.move_to(WEDNESDAY_0730)
        [told] = here.box.taken[2:]
        assert "Mới quá hạn (1)" in text_of(told)
        assert "bước xử lý của Phòng chuyên môn" in text_of(told)
        assert "hạn được dời đến 16:00 01/12/2026" in text_of(told)


async def test_counts_and_censuses_of_deadline_are_not_for_notify(office: Open) -> None:
    async with office() as here:
        for event in (CensusTaken, EventsCounted):
            body = (GOLDEN / f"{event.subject()}.json").read_bytes()
            await bus.publish(here.client, [Outgoing(event.subject(), event.subject(), body)])
        await here.hear(DeadlinePassed)
        assert (await here.notify.status())["quarantine"] == 0


async def test_what_was_stored_before_there_were_holders_is_pressed_for_as_it_was(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        async with here.notify.engine.begin() as connection:
            await connection.execute(
                text("UPDATE notify.obligation SET doc = doc - ARRAY['parent', 'holder', 'holder_due_at', 'because']")
            )
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert [mail["To"] for mail in here.box.taken] == ["h56.12@example.vn"]


async def test_a_unit_that_becomes_known_before_the_slot_gets_its_mail(office: Open) -> None:
    async with office(units=()) as here:
        await here.hear(DeadlinePassed, unit_name="sở nnmt")
        await here.move_to(FRIDAY_1601)
        await here.hear_units(OVERSIGHT, LAND)
        await here.move_to("2026-11-23T07:00:00+07:00")
        assert [raised["flags"] for raised in await here.escalations()] == [[]]
        await here.move_to(MONDAY_0730)
        assert [mail["To"] for mail in here.box.taken] == ["h56.12@example.vn"]


async def test_where_nobody_can_be_reached_the_notice_is_kept_with_its_reason_until_somebody_can(office: Open) -> None:
    async with office(units=()) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        [notice] = await here.notices()
        assert (notice["status"], notice["reason"], here.box.taken) == ("withheld", "no_contact", [])
        await here.hear_units(OVERSIGHT, LAND)
        await here.move_to("2026-11-23T08:00:00+07:00")
        await here.move_to(MONDAY_1400)
        [mail] = here.box.taken
        assert (
            mail["Subject"]
            == "[Đôn đốc] Sở Nông nghiệp và Môi trường: 1 hồ sơ đang quá hạn (1 mới báo) (14:00 23/11/2026)"
        )


async def test_news_that_comes_after_the_digest_of_its_slot_was_made_waits_for_the_next_slot(office: Open) -> None:
    """A digest of a post and slot is one row, whatever becomes known after it was made."""
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.hear(DeadlinePassed, obligation_id="dossier/LATER", subject_id="LATER")
        await here.notify.sweep_up_to(at(MONDAY_0730))
        assert len(here.box.taken) == 1
        await here.move_to(MONDAY_1400)
        assert [notice["slot"] for notice in await here.notices()] == ["2026-11-23T00:30:00Z", "2026-11-23T07:00:00Z"]
        assert "Ngoài ra còn 1 hồ sơ đang quá hạn" in text_of(here.box.taken[1])


async def test_what_cannot_be_decoded_is_parked_and_its_neighbours_are_heard(office: Open) -> None:
    async with office() as here:
        await bus.publish(here.client, [Outgoing("broken", DeadlinePassed.subject(), b'{"specversion": "1.0"}')])
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        assert len(await here.escalations()) == 1
        assert (await here.notify.status())["quarantine"] == 1


async def test_the_next_timer_is_the_level_and_then_the_slot(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to("2026-11-20T09:00:00+07:00")
        assert here.notify.timers["notify"] == at("2026-11-20T16:00:01+07:00")
        await here.move_to(FRIDAY_1601)
        assert here.notify.timers["notify"] == at(MONDAY_0730)
        await here.move_to(MONDAY_0730)
        assert here.notify.timers["notify"] == at("2026-11-25T16:00:00+07:00")


async def test_lists_come_a_page_at_a_time_and_only_with_the_key(office: Open) -> None:
    async with office() as here:
        for number in range(3):
            await here.hear(DeadlinePassed, obligation_id=f"dossier/P{number}", subject_id=f"P{number}")
        await here.move_to(FRIDAY_1601)
        app = http.application(name="notify", settings=here.notify.settings, ready=dict, asyncapi={})
        app.include_router(api.router)
        app.state.running = here.notify
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://notify") as caller:
            assert (await caller.get("/v1/escalations")).status_code == 401
            key = {"X-API-Key": harness.API_KEY}
            first = (await caller.get("/v1/escalations?limit=2", headers=key)).json()
            second = (await caller.get(f"/v1/escalations?limit=2&after={first['next']}", headers=key)).json()
            assert [len(first["escalations"]), len(second["escalations"]), second["next"]] == [2, 1, None]
            assert (await caller.get("/v1/notices?after=nonsense", headers=key)).status_code == 422


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body
    return str(body.get_content())
