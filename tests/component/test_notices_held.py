"""What is held back, at the door as well as before it, and that the ledger finds its reason. On real servers."""

from __future__ import annotations

from shared.events import DeadlinePassed, SourceHeard, SourceSilent
from tests.component import harness
from tests.component.office import (
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    WEDNESDAY_0730,
    WEDNESDAY_1400,
    Office,
    Open,
    migrated,
    office,
)
from tests.component.test_notices_when import MONDAY_0700, Write, policy, source
from tests.component.test_notify_ledger import ID, MONDAY_0600, WEDNESDAY_0600, alarm, take_census
from tests.servers import free_port
from tests.waiting import until

__all__ = ["migrated", "office", "policy"]  # fixtures

FRIDAY_2100, MONDAY_2100 = "2026-11-20T21:00:00+07:00", "2026-11-23T21:00:00+07:00"
WEDNESDAY_0700 = "2026-11-25T07:00:00+07:00"  # Tuesday is a day off


async def pause(here: Office, paused: bool) -> None:
    async with harness.caller(here.notify) as notify:
        assert (await notify.put("/v1/sending", json={"paused": paused})).status_code == 200
    await here.settle()


async def stands(here: Office, *expected: tuple[str, str, str]) -> None:
    """Wait until the notices are so: that one is held is noted by the next look, and nobody waits for it."""
    await until(
        here.notices,
        lambda found: sorted((n["channel"], n["status"], n["reason"]) for n in found) == list(expected),
    )


async def attempts(here: Office) -> dict[str, int]:
    return {notice["channel"]: notice["attempts"] for notice in await here.notices()}


async def test_an_sms_that_waited_into_the_night_leaves_in_the_morning_and_the_mail_at_once(office: Open) -> None:
    land = LAND.model_copy(update={"phone": "0900 000 123"})
    gateway = {"sms_gateway": "kannel", "sms_url": f"http://127.0.0.1:{free_port()}/"}
    async with office(units=(OVERSIGHT, land), **gateway) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await pause(here, True)
        await here.move_to(MONDAY_0730)
        await here.move_to(MONDAY_2100)
        await pause(here, False)
        await stands(here, ("email", "sent", ""), ("sms", "stored", "quiet_hours"))
        status = await here.notify.status()
        assert (status["busy"], status["idle"]) == (0, True)
        await here.move_to(WEDNESDAY_0600)
        assert await attempts(here) == {"email": 1, "sms": 0}
        await here.move_to(WEDNESDAY_0700)
        assert await attempts(here) == {"email": 1, "sms": 1}, "by a gateway that is not there"


async def test_a_mail_of_what_goes_at_once_is_not_handed_over_at_night_and_has_its_reason(
    office: Open, policy: Write
) -> None:
    async with office(policy=policy(at_once=True)) as here:
        await here.hear(DeadlinePassed)
        await pause(here, True)
        await here.move_to(FRIDAY_1601)
        await here.move_to(FRIDAY_2100)
        await pause(here, False)
        await stands(here, ("email", "stored", "quiet_hours"))
        found = await take_census(here, MONDAY_0600, (ID, 2))
        assert (found["census"]["standings"], found["differences"]) == ({"quiet_hours": 1}, {})
        assert here.box.taken == []
        await here.move_to(MONDAY_0700)
        assert len(here.box.taken) == 1


async def test_news_that_goes_at_once_after_quiet_hours_has_its_reason(office: Open, policy: Write) -> None:
    async with office(policy=policy(at_once=True)) as here:
        await here.hear(DeadlinePassed, due_at="2026-11-20T21:00:00+07:00")
        await here.move_to("2026-11-20T21:01:00+07:00")
        found = await take_census(here, MONDAY_0600, (ID, 2))
        assert found["census"]["standings"] == {"quiet_hours": 1}


async def test_what_a_silent_source_holds_back_has_its_reason_and_is_no_alarm(office: Open) -> None:
    async with office() as here:
        await source(here, SourceSilent, revision=1)
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        found = await take_census(here, WEDNESDAY_0600, (ID, 2))
        assert (found["census"]["standings"], found["differences"]) == ({"feed_silent": 1}, {})
        await here.move_to("2026-11-25T06:15:00+07:00")
        assert (await alarm(here, "never_pressed"), await alarm(here, "missing_in_census")) == (0, 0)
        await source(here, SourceHeard, revision=2, at=WEDNESDAY_0730, because="heard")
        await here.move_to(WEDNESDAY_0730)
        assert (await take_census(here, WEDNESDAY_1400, (ID, 2)))["census"]["standings"] == {"pressed": 1}


async def test_what_is_over_a_cap_has_its_reason(office: Open, policy: Write) -> None:
    async with office(policy=policy(caps={"per_person": 1})) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.hear(DeadlinePassed, obligation_id="dossier/2", subject_id="2")
        await here.move_to("2026-11-23T08:00:00+07:00")
        await here.move_to(MONDAY_1400)
        found = await take_census(here, WEDNESDAY_0600, (ID, 2), ("dossier/2", 2))
        assert (found["census"]["standings"], found["differences"]) == ({"pressed": 1, "over_cap": 1}, {})


async def test_what_all_who_could_be_told_must_not_hear_has_its_reason(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed, restricted=("H56.12", "TH-SNV", "H56"))
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert [(notice["unit"], notice["reason"]) for notice in await here.notices()] == [("-", "no_contact")]
        found = await take_census(here, WEDNESDAY_0600, (ID, 2))
        assert (found["census"]["standings"], found["differences"]) == ({"no_contact": 1}, {})
