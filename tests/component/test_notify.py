"""notify on real servers: which mails leave, and when. The clock is driven by the test."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from services.notify import api
from services.notify.sending.channels.email import Relay
from services.notify.sending.mail import Claimed, Identity
from services.notify.sending.outcomes import GiveUp, Outcome, Sent, TryLater
from services.notify.sending.providers import Smtp
from shared import bus, http
from shared.cloudevents import Outgoing
from shared.events import (
    DeadlinePassed,
    DeadlinePaused,
    DeadlineSet,
    ObligationEnded,
)
from tests.component import harness
from tests.component.office import (
    DOSSIER,
    ENDED,
    FRIDAY_1600,
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    MONDAY_1400,
    THURSDAY_0730,
    WEDNESDAY_0730,
    WEDNESDAY_1400,
    Mailbox,
    Open,
    at,
    migrated,
    office,
    smtp_server,
    text_of,
)
from tests.servers import free_port
from tests.waiting import until

__all__ = ["migrated", "office"]  # fixtures


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
        waiting = await until(here.notices, lambda found: found and found[0]["attempts"] >= 2)
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
    notice = Claimed("id", "email", "h56@example.vn", "x", "x", "x", at(MONDAY_0730), 1, "lease")
    told = {"name": "relay", "channel": "email", "kind": "smtp", "host": "127.0.0.1", "port": port}
    identity = Identity("dondoc@example.vn", "dondoc.example.vn")
    relay = Relay(Smtp.model_validate({**told, "tls": "none"}), identity)
    with smtp_server(box, port):
        assert await relay.send(notice) == outcome
    assert await relay.send(notice) == TryLater("SMTPConnectError")
    with smtp_server(box, port):
        assert isinstance(await Relay(Smtp.model_validate(told), identity).send(notice), TryLater)


async def test_a_mail_that_the_relay_refuses_for_good_is_not_tried_again(office: Open) -> None:
    async with office() as here:
        here.box.refuse = "554 never"
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        [notice] = [one for one in await here.notices() if not one["instead_of"]]
        assert (notice["status"], notice["reason"], notice["attempts"]) == ("failed", "relay answered 554", 1)


async def test_a_head_whose_mail_was_refused_for_good_is_told_once_the_directory_is_mended(office: Open) -> None:
    async with office() as here:
        here.box.refuse = "554 never"
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        here.box.refuse = ""
        await here.hear_units(LAND.model_copy(update={"revision": 2, "email": "moi@example.vn"}))
        await here.move_to("2026-11-23T08:00:00+07:00")
        await here.move_to(MONDAY_1400)
        [mail] = [one for one in here.box.taken if one["To"] == "moi@example.vn"]  # another may be told in its place
        assert "1 mới báo" in mail["Subject"]
        await here.hear_units(LAND.model_copy(update={"revision": 3, "phone": "1"}))
        await here.move_to("2026-11-24T07:30:00+07:00")
        assert len([one for one in here.box.taken if one["To"] == "moi@example.vn"]) == 1


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
