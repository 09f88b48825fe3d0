"""While a matter is paused nothing is said of it but its settlement, and the rest waits. On real servers."""

from __future__ import annotations

import pytest

from shared.events import DeadlinePassed, DeadlinePaused, DeadlineResumed, ObligationEnded
from tests.component.office import (
    ENDED,
    FRIDAY_1601,
    MONDAY_0730,
    MONDAY_1400,
    WEDNESDAY_0730,
    WEDNESDAY_1400,
    Office,
    Open,
    migrated,
    office,
)
from tests.component.test_notices_when import Write, policy
from tests.component.test_notify_ledger import ID, WEDNESDAY_0600, take_census

__all__ = ["migrated", "office", "policy"]  # fixtures

FRIDAY_2101 = "2026-11-20T21:01:00+07:00"
PAUSED, RESUMED = {"revision": 3, "state": "paused"}, {"revision": 4, "state": "open"}
MONDAY_0930 = "2026-11-23T09:30:00+07:00"


def told(here: Office) -> list[str]:
    return [str(mail["Subject"]).partition(": ")[2] for mail in here.box.taken]


async def test_news_raised_before_a_pause_waits_for_the_resumption(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.hear(DeadlinePaused, **PAUSED)
        other = {"obligation_id": "dossier/2", "subject_id": "2"}
        await here.hear(DeadlinePassed, **other)
        await here.move_to(MONDAY_0730)
        assert told(here) == ["1 hồ sơ đang quá hạn (1 mới báo) (07:30 23/11/2026)"]
        await here.move_to(MONDAY_1400)
        assert len(here.box.taken) == 1
        await here.hear(DeadlineResumed, **RESUMED)
        found = await take_census(here, WEDNESDAY_0600, (ID, 4), ("dossier/2", 2))
        assert (found["census"]["standings"], found["differences"]) == ({"pressed": 1, "waits_for_slot": 1}, {})
        await here.move_to(WEDNESDAY_0730)
        assert told(here)[1:] == ["2 hồ sơ đang quá hạn (1 mới báo) (07:30 25/11/2026)"]


async def test_what_goes_at_once_leaves_at_the_resumption(office: Open, policy: Write) -> None:
    async with office(policy=policy(at_once=True)) as here:
        await here.hear(DeadlinePassed, due_at="2026-11-20T21:00:00+07:00")
        await here.move_to(FRIDAY_2101)
        await here.hear(DeadlinePaused, **PAUSED, due_at="2026-11-20T21:00:00+07:00")
        await here.move_to(MONDAY_0730)
        assert here.box.taken == []
        await here.hear(DeadlineResumed, **RESUMED, due_at="2026-11-20T21:00:00+07:00")
        await here.move_to(MONDAY_0930)
        assert [notice["kind"] for notice in await here.notices()] == ["at_once"]


@pytest.mark.parametrize("late", [True, False])
async def test_a_settlement_is_told_and_what_nobody_was_told_of_is_not(office: Open, late: bool) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        if late:
            await here.move_to(MONDAY_0730)
        await here.hear(DeadlinePaused, **PAUSED)
        await here.move_to(MONDAY_1400)
        await here.hear(ObligationEnded, **{**ENDED, "revision": 4})
        await here.move_to(WEDNESDAY_0730)
        await here.move_to(WEDNESDAY_1400)
        assert [notice["why"] for notice in await here.notices()] == ([["passed"], ["settled"]] if late else [])
