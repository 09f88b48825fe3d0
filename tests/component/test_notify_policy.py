"""Policies and calendars at work in notify, on real servers: what is in force, what is told again, what rests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from services.notify.policies.file import CARRIED
from shared import bus
from shared.cloudevents import outgoing
from shared.events import CalendarDescribed, DeadlineMoved, DeadlineNear, DeadlinePassed, DeadlineSet
from tests.component import harness
from tests.component.office import (
    DOSSIER,
    FRIDAY_1600,
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    THURSDAY_0730,
    WEDNESDAY_0730,
    WEDNESDAY_1400,
    Office,
    Open,
    at,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
    text_of,
)

HEAD, SUPERIOR = "h56.12@example.vn", "th-snv@example.vn"


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Write a policy file: the carried one with another ladder of dossiers, and other changes."""

    def write(*ladders: dict[str, Any], name: str = "policy.yaml") -> Path:
        given = yaml.safe_load(CARRIED.read_text("utf-8"))
        documents = []
        for changes in ladders:
            own = {key: changes[key] for key in ("valid_from", "version") if key in changes}
            ladder = {key: value for key, value in changes.items() if key not in own}
            documents.append({**given, **own, "ladders": {**given["ladders"], "dossier": ladder}})
        file = tmp_path / name
        file.write_text(yaml.safe_dump_all(documents, allow_unicode=True), "utf-8")
        return file

    return write


LEVEL_1 = {"level": 1, "tell": "head"}


async def timer(here: Office) -> str | None:
    async with here.notify.engine.connect() as connection:
        found = (await connection.execute(text("SELECT timer_at FROM notify.obligation"))).scalar_one()
    return found.astimezone(at(FRIDAY_1600).tzinfo).isoformat() if found else None


async def hear_calendar(
    here: Office, name: str, given: dict[str, Any], *, units: tuple[str, ...], revision: int
) -> None:
    said = CalendarDescribed(name=name, revision=revision, given=given, units=units)
    event = outgoing(CalendarDescribed, id=f"{name}:{revision}", about=name, time=at(FRIDAY_1600), data=said)
    await bus.publish(here.client, [event])
    await here.settle()


async def test_what_stands_is_told_again_so_often_and_no_more(office: Open, written: Any) -> None:  # noqa: F811
    repeat = {"every_working_days": 1, "at_most": 2}
    async with office(policy=written({"levels": [LEVEL_1], "repeat": repeat})) as here:
        await here.hear(DeadlinePassed)
        for instant in (
            FRIDAY_1601, MONDAY_0730, "2026-11-23T16:01:00+07:00", WEDNESDAY_0730, "2026-11-25T16:01:00+07:00",
            THURSDAY_0730, "2026-11-26T16:01:00+07:00", "2026-11-27T07:30:00+07:00", "2026-11-30T07:30:00+07:00",
        ):  # fmt: skip
            await here.move_to(instant)
        assert [mail["To"] for mail in here.box.taken] == [HEAD] * 3
        assert "nhắc lại" not in text_of(here.box.taken[0])
        assert "; nhắc lại lần 1" in text_of(here.box.taken[1])
        assert "; nhắc lại lần 2" in text_of(here.box.taken[2])
        assert [n["covers"][0]["news"] for n in await here.notices()] == ["new", "repeated", "repeated"]


async def test_a_ladder_that_stops_says_nothing_more_and_its_matter_stays_in_the_counts(
    office: Open,  # noqa: F811
    written: Any,
) -> None:
    ladder = {"levels": [LEVEL_1], "repeat": {"every_working_days": 1, "at_most": 9}, "stop": {"after_working_days": 2}}
    async with office(policy=written(ladder)) as here:
        await here.hear(DeadlinePassed)
        for instant in (
            FRIDAY_1601, MONDAY_0730, "2026-11-23T16:01:00+07:00", WEDNESDAY_0730, "2026-11-25T16:01:00+07:00",
            THURSDAY_0730, "2026-12-01T07:30:00+07:00", "2026-12-08T07:30:00+07:00",
        ):  # fmt: skip
            await here.move_to(instant)
        assert len(here.box.taken) == 2
        [raised] = await here.escalations()
        assert (raised["level"], raised["flags"], raised["next_level_at"]) == (1, ["at_rest"], None)


async def test_who_was_told_that_it_is_near_hears_that_the_due_time_was_moved(office: Open) -> None:  # noqa: F811
    async with office() as here:
        await here.hear(DeadlineNear, timing="on_time", near_at="2026-11-19T16:00:00+07:00")
        for instant in ("2026-11-19T16:01:00+07:00", "2026-11-20T07:30:00+07:00"):
            await here.move_to(instant)
        assert "\nSắp đến hạn (1)\n" in text_of(here.box.taken[0])
        due = "2026-12-04T16:00:00+07:00"
        await here.hear(DeadlineMoved, revision=3, timing="on_time", due_at=due, near_at="2026-12-03T16:00:00+07:00")
        for instant in ("2026-11-20T14:00:00+07:00", MONDAY_0730):
            await here.move_to(instant)
        assert len(here.box.taken) == 2
        assert here.box.taken[1]["Subject"].endswith("1 hồ sơ được dời hạn (14:00 20/11/2026)")
        assert f"{DOSSIER} · Đất đai · 1.012753 · hạn 16:00 04/12/2026 · hạn được dời đến 16:00 04/12/2026" in text_of(
            here.box.taken[1]
        )


async def test_a_changed_file_takes_effect_on_what_is_open_and_what_was_raised_stays_raised(
    office: Open,  # noqa: F811
    written: Any,
) -> None:
    slow = {"levels": [LEVEL_1, {"level": 2, "after": {"working_days": 20}, "tell": "superior"}]}
    quick = {"levels": [LEVEL_1, {"level": 2, "after": {"working_hours": 12}, "tell": "superior"}]}
    async with office(policy=written(slow)) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert await timer(here) == "2026-12-21T16:00:00+07:00"
    async with office(policy=written(quick), units=()) as here:
        await here.move_to(MONDAY_1400)
        # an hour of Friday, eight of Monday, and three of Wednesday: the 24th is a day off
        assert await timer(here) == "2026-11-25T10:00:00+07:00"
        for instant in (WEDNESDAY_0730, "2026-11-25T10:00:00+07:00", WEDNESDAY_1400, THURSDAY_0730):
            await here.move_to(instant)
        assert [mail["To"] for mail in here.box.taken] == [SUPERIOR]
        kinds = [event["type"] for event in await harness.said(here.client, "NOTIFY")]
        assert kinds.count("notify.escalation_raised.v1") == 2


async def test_a_policy_that_enters_into_force_reckons_what_is_open_anew(office: Open, written: Any) -> None:  # noqa: F811
    slow = {"levels": [LEVEL_1, {"level": 2, "after": {"working_days": 20}, "tell": "superior"}]}
    quick = {"levels": [LEVEL_1, {"level": 2, "after": {"working_days": 1}, "tell": "superior"}]}
    from_wednesday = {**quick, "valid_from": "2026-11-25", "version": "5"}
    async with office(policy=written(slow, from_wednesday)) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        async with here.notify.engine.connect() as connection:
            assert here.notify.service.next_timer
            coming = await here.notify.service.next_timer(connection)
        assert coming == at("2026-11-25T00:00:00+07:00")
        await here.move_to("2026-11-25T00:00:00+07:00")
        [raised] = await here.escalations()
        assert raised["level"] == 2
        await here.move_to(WEDNESDAY_0730)
        assert [mail["To"] for mail in here.box.taken] == [HEAD, SUPERIOR]


async def test_a_units_own_calendar_sets_its_levels_and_its_slots(office: Open) -> None:  # noqa: F811
    saturday = {"inherits": "thanh-hoa", "week": {**dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), OFFICE)}}
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        assert await timer(here) == "2026-11-25T16:00:00+07:00"
        await hear_calendar(here, "sat", saturday, units=("H56.12",), revision=1)
        await here.move_to("2026-11-20T17:00:00+07:00")
        assert await timer(here) == "2026-11-23T16:00:00+07:00"

        await here.hear(DeadlinePassed, obligation_id="dossier/X", subject_id="X", unit="H56.12")
        await here.move_to("2026-11-21T07:30:00+07:00")  # a Saturday
        assert [mail["To"] for mail in here.box.taken] == [HEAD]
        await hear_calendar(here, "sat", {"inherits": "thanh-hoa"}, units=(), revision=2)
        await here.move_to("2026-11-21T07:31:00+07:00")
        assert await timers(here) == {"2026-11-25T16:00:00+07:00"}


OFFICE = ["07:00-11:30", "13:30-17:00"]


async def timers(here: Office) -> set[str]:
    async with here.notify.engine.connect() as connection:
        found = (await connection.execute(text("SELECT timer_at FROM notify.obligation"))).scalars()
        return {one.astimezone(at(FRIDAY_1600).tzinfo).isoformat() for one in found}


async def test_a_provinces_new_calendar_moves_every_ladder(office: Open) -> None:  # noqa: F811
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        given = {"inherits": None, "timezone": "Asia/Ho_Chi_Minh", "week": dict.fromkeys(("thu", "fri"), OFFICE)}
        given |= {"known_from": "2026-01-01", "known_until": "2027-12-31"}
        await hear_calendar(here, "thanh-hoa", given, units=(), revision=1)
        await here.move_to("2026-11-20T17:00:00+07:00")
        assert await timer(here) == "2026-11-27T16:00:00+07:00"
        await here.move_to(MONDAY_0730)
        assert here.box.taken == []
        await here.move_to(THURSDAY_0730)
        assert [mail["To"] for mail in here.box.taken] == [HEAD]


async def test_a_ladder_of_more_than_two_levels_goes_up_to_the_oversight(office: Open, written: Any) -> None:  # noqa: F811
    room = LAND.model_copy(
        update={"code": "H56.12.1", "name": "Phòng Một", "parent_code": "H56.12", "email": "room@example.vn"}
    )
    levels = [
        {"level": 1, "tell": "head"},
        {"level": 2, "after": {"working_hours": 4}, "tell": "superior"},
        {"level": 3, "after": {"working_days": 2}, "tell": "oversight"},
    ]
    async with office(policy=written({"levels": levels}), units=(OVERSIGHT, LAND, room)) as here:
        await here.hear(DeadlineSet, unit="H56.12.1")
        for instant in (
            FRIDAY_1601,
            MONDAY_0730,
            "2026-11-23T10:00:00+07:00",
            MONDAY_1400,
            "2026-11-25T16:00:00+07:00",
            THURSDAY_0730,
        ):
            await here.move_to(instant)
        assert [mail["To"] for mail in here.box.taken] == ["room@example.vn", HEAD, SUPERIOR]
        [raised] = await here.escalations()
        assert raised["level"] == 3
