"""Where the parts of notify meet: what one leaves behind must not be another's news. On real servers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.addressing import store as addressing
from services.notify.answering import viewing
from services.notify.answering.tokens import Link
from services.notify.policies.file import load
from services.notify.pressing.rules import Rules
from services.notify.stored import Notice
from services.notify.telling import notices
from shared import db
from shared.events import DeadlineMoved, DeadlinePassed, ObligationEnded
from shared.worktime import vietnam
from tests.component.office import (
    ENDED,
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
    migrated,
    office,
    unit,
)
from tests.component.receiving import cases as cases_of
from tests.component.receiving import refuse
from tests.component.test_notices_when import policy
from tests.component.test_notices_who import ANSWER, led
from tests.component.test_notify_policy import hear_calendar
from tests.component.test_weekly_page import MONDAY_0800, PROVINCE
from tests.waiting import until

OFFICERS = Notice(
    "n1", "H56.12/officer", "officer", "email", at(MONDAY_0730), "withheld", "", "", "", "", "", 1, at(MONDAY_0730), []
)

__all__ = ["migrated", "office", "policy"]  # fixtures


async def lines(here: Office) -> list[tuple[Any, ...]]:
    async with here.notify.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT obligation_id, role, news, post, slot_at FROM notify.line ORDER BY 1, 2")
        )
        return [tuple(row) for row in rows]


async def test_a_settlement_that_the_new_head_must_not_read_is_never_told_as_overdue(office: Open) -> None:
    land = led("H56.12", "p1")
    async with office(units=(OVERSIGHT, land)) as here:
        await here.hear(DeadlinePassed, **ANSWER, restricted=["p2"])
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert [mail["To"] for mail in here.box.taken] == ["p1@example.vn"]
        await here.hear(ObligationEnded, **{**ENDED, **ANSWER, "restricted": ["p2"]})
        [holder, deputy] = land.posts
        accused = holder.model_copy(update={"person": "p2", "email": "p2@example.vn"})
        await here.hear_units(land.model_copy(update={"revision": 2, "posts": (accused, deputy)}))
        await here.move_to(MONDAY_1400)
        assert await lines(here) == []
        await here.hear_units(OVERSIGHT.model_copy(update={"revision": 2, "phone": "0900 000 001"}))
        await here.move_to("2026-11-23T14:15:00+07:00")
        await here.move_to(WEDNESDAY_0730)
        assert len(here.box.taken) == 1


async def test_news_after_a_settlement_nobody_was_told_of_waits_for_a_slot_of_its_own(office: Open) -> None:
    later = "2026-11-25T16:00:00+07:00"
    async with office() as here:
        await here.hear(DeadlinePassed)
        for instant in (FRIDAY_1601, MONDAY_0730, WEDNESDAY_1400, later, THURSDAY_0730):
            await here.move_to(instant)
        assert [mail["To"] for mail in here.box.taken] == ["h56.12@example.vn", "th-snv@example.vn"]
        moved = {"due_at": "2026-11-26T09:00:00+07:00"}
        await here.hear(DeadlineMoved, revision=3, timing="on_time", **moved)
        await here.move_to("2026-11-26T08:00:00+07:00")  # the settlement waits for 14:00
        await here.move_to("2026-11-26T09:15:00+07:00")  # and is late again before it
        await here.move_to("2026-11-26T14:00:00+07:00")
        before = len(here.box.taken)
        await here.move_to("2026-11-27T08:00:00+07:00")
        await here.hear(DeadlineMoved, revision=4, due_at="2026-11-26T10:00:00+07:00")
        await here.move_to("2026-11-27T08:15:00+07:00")
        slot = at("2026-11-27T14:00:00+07:00")
        assert [line[1:] for line in await lines(here)] == [
            ("head", "changed", "H56.12", slot),
            ("superior", "changed", "TH-SNV", slot),
        ]
        assert len(here.box.taken) == before


async def test_a_weekly_page_that_is_refused_is_the_operators_matter(
    office: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "h56@example.vn")
    async with office(units=(PROVINCE, OVERSIGHT, LAND)) as here:
        await here.hear(DeadlinePassed)
        for instant in (FRIDAY_1601, MONDAY_0730, MONDAY_0800, "2026-11-23T08:15:00+07:00"):
            await here.move_to(instant)
        [page] = [notice for notice in await here.notices() if notice["kind"] == "weekly"]
        assert (page["status"], page["fallback"]) == ("failed", "operator")
        assert ("undelivered", "H56", "") in await cases_of(here)


async def test_units_said_again_do_not_tell_again_what_was_refused(
    office: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "h56.12@example.vn")
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        before = len(await digests(here))
        said = LAND.model_copy(update={"email": "h56.12@example.vn"})
        await here.notify.client.flush()
        await publish_again(here, said)
        await here.move_to("2026-11-23T13:00:00+07:00")
        assert [line[2] for line in await lines(here)] == [None]
        await here.move_to(MONDAY_1400)
        assert len(await digests(here)) == before


async def digests(here: Office) -> list[Any]:
    """Return the digests, without what was sent in place of one."""
    return [one for one in await here.notices() if one["kind"] == "digest" and not one["instead_of"]]


async def publish_again(here: Office, said: Any) -> None:
    """Say a unit again, as `dondoc republish intake` does: another event of the same revision."""
    from shared import bus
    from shared.cloudevents import outgoing
    from shared.events import UnitDescribed

    event = outgoing(UnitDescribed, id=f"{said.code}:again", about=said.code, time=at(FRIDAY_1601), data=said)
    await bus.publish(here.client, [event])
    await here.settle()


async def test_an_sms_of_a_saturday_that_a_calendar_makes_a_working_day_leaves_on_it(office: Open) -> None:
    land = LAND.model_copy(update={"phone": "0900 000 123"})
    gateway = {"sms_gateway": "kannel", "sms_url": "http://127.0.0.1:9/"}
    given = {"inherits": "thanh-hoa", "dates": {"2026-11-21": ["07:00-11:30", "13:30-17:00"]}}
    async with office(units=(OVERSIGHT, land), **gateway) as here:
        await hear_calendar(here, "thanh-hoa-2", given, units=("H56.12",), revision=1)
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to("2026-11-21T07:30:00+07:00")
        await until(here.notices, lambda found: {n["channel"]: n["attempts"] for n in found} == {"email": 1, "sms": 1})


async def test_who_takes_office_on_a_day_hears_what_reached_nobody_before(office: Open) -> None:
    nobody = led("H56.12", "p1", email=None)
    [holder, deputy] = nobody.posts
    coming = holder.model_copy(update={"valid_from": at("2026-11-25T00:00:00+07:00").date()})
    other = unit("H56.13", name="Sở khác")
    absent = deputy.model_copy(update={"valid_from": coming.valid_from})
    land = nobody.model_copy(update={"posts": (coming, absent)})
    async with office(units=(land, other)) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert [(n["status"], n["reason"]) for n in await here.notices()] == [("withheld", "no_contact")]
        await here.hear(DeadlinePassed, obligation_id="dossier/2", subject_id="2", unit="H56.13")
        await here.move_to("2026-11-23T16:00:00+07:00")
        await here.move_to(WEDNESDAY_0730)
        await here.move_to(WEDNESDAY_1400)
        assert {"p1@example.vn": 1, "h56.13@example.vn": 1}.items() <= counted(here).items()


def counted(here: Office) -> dict[str, int]:
    found: dict[str, int] = {}
    for mail in here.box.taken:
        found[str(mail["To"])] = found.get(str(mail["To"]), 0) + 1
    return found


async def test_the_page_of_an_officers_link_names_the_unit(office: Open) -> None:
    async with office() as here:
        async with db.transaction(here.notify.engine) as connection:
            await notices.add_notices(connection, [OFFICERS])
        found = await viewing.view(
            here.notify, Link("n1", "H56.12/officer", at(MONDAY_0730)), rules=Rules(load(None).several[0], vietnam())
        )
        assert found.unit == "Sở Nông nghiệp và Môi trường"


async def test_news_placed_by_another_copy_while_a_digest_is_made_is_not_taken_for_told(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        async with here.notify.engine.connect() as one:
            found = await notices.lock_news(one, ["H56.12"], at=at(MONDAY_0730))
            async with db.transaction(here.notify.engine) as other:
                await other.execute(
                    text(
                        "INSERT INTO notify.line (obligation_id, role, level, told, news, post, slot_at) "
                        "VALUES ('dossier/2', 'head', 1, -1, 'new', 'H56.12', :slot)"
                    ),
                    {"slot": at(MONDAY_0730)},
                )
            await notices.take_up(one, {"H56.12": ([], found["H56.12"])}, at=at(MONDAY_0730))
            await one.commit()
        assert [line[2] for line in await lines(here)] == [None, "new"]


async def test_a_line_that_goes_over_while_it_is_placed_does_not_get_the_old_post(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        async with db.transaction(here.notify.engine) as connection:
            await connection.execute(text("UPDATE notify.line SET slot_at = NULL"))
        async with here.notify.engine.connect() as handler:
            await handler.execute(text("SELECT FROM notify.obligation FOR UPDATE"))
            placing = asyncio.create_task(place(here))
            await asyncio.sleep(0.5)
            await handler.execute(text("UPDATE notify.line SET post = NULL, told = -1"))
            await handler.commit()
        await placing
        assert [line[3] for line in await lines(here)] == [None]


async def place(here: Office) -> None:
    async with db.transaction(here.notify.engine) as connection:
        await _place(connection, load(None).several[0])


async def _place(connection: AsyncConnection, of: Any) -> None:
    units = await addressing.get_directory(connection, policy=of, at=at(FRIDAY_1601))
    soon = at(MONDAY_0730)
    await addressing.address(
        connection, units, slot_of=lambda _: soon, soonest_of=lambda _: soon, at=at(FRIDAY_1601), limit=10
    )
