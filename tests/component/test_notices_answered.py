"""Notices and what is answered to them: a link that goes at once too, and a missed promise is why. On real servers."""

from __future__ import annotations

from shared.events import DeadlinePassed, ObligationEnded
from tests.component.answering import PUBLIC, desk
from tests.component.office import (
    ENDED,
    FRIDAY_1601,
    MONDAY_0730,
    WEDNESDAY_0730,
    Open,
    migrated,
    office,
    text_of,
)
from tests.component.test_notices_when import Write, policy

__all__ = ["migrated", "office", "policy"]  # fixtures


async def test_what_goes_at_once_can_be_answered_and_its_end_has_nothing_to_answer(office: Open, policy: Write) -> None:
    async with desk(office, policy=policy(at_once=True)) as here:
        await here.office.hear(DeadlinePassed)
        await here.office.move_to(FRIDAY_1601)
        assert (await here.http.get(here.link())).status_code == 200
        await here.office.hear(ObligationEnded, **{**ENDED, "ended_at": FRIDAY_1601})
        await here.office.move_to("2026-11-20T16:15:00+07:00")
        assert len(here.office.box.taken) == 2
        assert PUBLIC not in text_of(here.office.box.taken[1])


async def test_a_missed_promise_is_why_the_next_notice_is_made(office: Open) -> None:
    async with desk(office) as here:
        await here.office.hear(DeadlinePassed)
        await here.office.move_to(FRIDAY_1601)
        await here.office.move_to(MONDAY_0730)
        assert (await here.promise(here.link(), until="2026-11-23")).status_code == 200
        await here.office.move_to(WEDNESDAY_0730)
        [_, again] = [notice for notice in await here.office.notices() if notice["unit"] == "H56.12"]
        assert "promise_missed" in again["why"]
        assert "quá ngày hẹn vẫn chưa xong" in text_of(here.office.box.taken[-1])
