"""When the weekly page comes after the rules have changed that say when it does. On real servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import text

from services.notify.policies.file import CARRIED
from shared.events import DeadlinePassed
from tests.component.office import LAND, OVERSIGHT, Office, Open, at, migrated, office
from tests.component.test_notify_policy import OFFICE, hear_calendar
from tests.component.test_weekly_page import MONDAY_0800, PROVINCE

__all__ = ["migrated", "office"]  # fixtures

FRIDAY_1630, FRIDAY_1700 = "2026-11-20T16:30:00+07:00", "2026-11-20T17:00:00+07:00"
MONDAY_0000 = "2026-11-23T00:00:00+07:00"
THURSDAY_0800, THURSDAY_0900 = "2026-11-26T08:00:00+07:00", "2026-11-26T09:00:00+07:00"


async def foreseen(here: Office) -> list[object]:
    async with here.notify.engine.connect() as connection:
        rows = await connection.execute(text("SELECT slot FROM notify.act WHERE done_at IS NULL"))
        return list(rows.scalars())


async def test_a_day_that_became_free_puts_the_page_off(office: Open) -> None:
    async with office(units=(PROVINCE, OVERSIGHT, LAND)) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1630)
        assert await foreseen(here) == [at(MONDAY_0800)]
        given: dict[str, Any] = {
            "inherits": None,
            "timezone": "Asia/Ho_Chi_Minh",
            "week": dict.fromkeys(("thu", "fri"), OFFICE),
        }
        given |= {"known_from": "2026-01-01", "known_until": "2027-12-31"}
        await hear_calendar(here, "thanh-hoa", given, units=(), revision=1)
        await here.move_to(FRIDAY_1700)
        assert await foreseen(here) == [at(THURSDAY_0800)]


async def test_another_policy_says_when_the_next_page_comes_and_each_comes_once(office: Open, tmp_path: Path) -> None:
    first = yaml.safe_load(CARRIED.read_text("utf-8"))
    weekly = {"role": "chairman", "weekday": "thu", "at": "09:00"}
    second = {**first, "version": "later", "valid_from": "2026-11-23", "weekly": weekly}
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump_all([first, second], allow_unicode=True), "utf-8")
    async with office(units=(PROVINCE, OVERSIGHT, LAND), policy=file) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1630)
        assert await foreseen(here) == [at(MONDAY_0800)]
        await here.move_to(MONDAY_0000)
        assert await foreseen(here) == [at(THURSDAY_0900)]
        await here.move_to(MONDAY_0800)
        await here.move_to(THURSDAY_0900)
        pages = [notice["slot"] for notice in await here.notices() if notice["kind"] == "weekly"]
        assert [at(slot) for slot in pages] == [at(THURSDAY_0900)]
