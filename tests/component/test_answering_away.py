"""A head who is said to be away is told of it; who stands in neither makes an absence nor prolongs one."""
# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

from datetime import date

import pytest

from shared.events import DeadlinePassed
from tests.component.answering import HEADED, HTML, Desk, desk, read
from tests.component.office import (
    OVERSIGHT,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
    text_of,
)
from tests.component.test_answering import told_on_monday
from tests.component.test_answering_cases import ABSENCE

NIGHT = "2026-11-23T21:30:00+07:00"
SHARED = HEADED.model_copy(
    update={
        "email": "so@example.vn",
        "posts": tuple(post.model_copy(update={"email": None}) for post in HEADED.posts),
    }
)


async def told_of_another(at_work: Desk) -> str:
    """Another dossier is told at the next slot; returns the path of the link."""
    await at_work.office.hear(DeadlinePassed, obligation_id="dossier/2", subject_id="2")
    await at_work.office.move_to("2026-11-23T14:00:00+07:00")
    return at_work.link()


async def test_a_head_who_is_said_to_be_away_is_told_by_mail_at_once_even_at_night(office: Open) -> None:
    async with desk(office, units=(OVERSIGHT, HEADED)) as at_work:
        path = await told_on_monday(at_work)
        await at_work.office.move_to(NIGHT)
        for _ in range(2):  # said twice, told once
            assert (await at_work.send(path, **ABSENCE)).status_code == 200
        await at_work.office.settle()
        _, mail = at_work.office.box.taken
        assert mail["To"] == "p1@example.vn"
        assert mail["Subject"].endswith("ghi nhận Ông/Bà vắng mặt từ ngày 23/11/2026 đến hết ngày 27/11/2026")
        text = text_of(mail)
        assert "người thay: Phó Giám đốc" in text
        assert "qua liên kết trong thông báo gửi Ông/Bà lúc 07:30 23/11/2026" in text
        assert "Nếu Ông/Bà không báo nội dung này" in text
        [notice] = [one for one in await at_work.office.notices() if one["kind"] == "absence"]
        assert (notice["status"], notice["why"], notice["role"]) == ("sent", ["absence"], "head")
        assert [case["kind"] for case in await at_work.cases()] == ["own_absence"]


@pytest.mark.parametrize("headed", [HEADED, SHARED])
async def test_a_link_that_went_to_who_stands_in_makes_and_prolongs_no_absence(office: Open, headed: object) -> None:
    async with desk(office, units=(OVERSIGHT, headed)) as at_work:  # type: ignore[arg-type]
        own = await told_on_monday(at_work)
        assert (await at_work.send(own, **ABSENCE)).status_code == 200
        theirs = await told_of_another(at_work)
        assert "absence" not in read(await at_work.http.get(theirs, headers=HTML)).named("answer")
        longer = await at_work.send(theirs, **{**ABSENCE, "until": "2026-12-31"})
        assert (longer.status_code, "head's own address" in longer.text) == (409, True)
        assert (await at_work.promise(theirs)).status_code == 200  # for matters it is good
        rows = "SELECT CAST(until_on AS text) FROM notify.own_absence WHERE withdrawn_at IS NULL"
        assert await at_work.rows(rows) == [("2026-11-27",)]
        assert (await at_work.send(own, **{**ABSENCE, "until": "2026-11-26"})).status_code == 200
        assert await at_work.rows(rows) == [("2026-11-26",)]


async def test_of_a_post_that_several_held_who_holds_it_now_stands_in(office: Open) -> None:
    former = HEADED.posts[1].model_copy(
        update={"person": "p9", "name": "Người trước", "email": "p9@example.vn", "valid_until": date(2026, 6, 30)}
    )
    now = HEADED.posts[1].model_copy(update={"valid_from": date(2026, 7, 1)})
    headed = HEADED.model_copy(update={"posts": (HEADED.posts[0], former, now, HEADED.posts[2])})
    async with desk(office, units=(OVERSIGHT, headed)) as at_work:
        path = await told_on_monday(at_work)
        assert (await at_work.send(path, **ABSENCE)).status_code == 200
        await at_work.office.settle()
        assert "Người trước" not in text_of(at_work.office.box.taken[-1])
        await told_of_another(at_work)
        assert at_work.office.box.taken[-1]["To"] == "p2@example.vn"


async def test_an_absence_told_again_after_the_directory_spoke_holds_again(office: Open) -> None:
    async with desk(office, units=(OVERSIGHT, HEADED)) as at_work:
        path = await told_on_monday(at_work)
        assert (await at_work.send(path, **ABSENCE)).status_code == 200
        await at_work.office.hear_units(HEADED.model_copy(update={"revision": 2, "phone": "0900 000 999"}))
        assert (await at_work.send(path, **ABSENCE)).status_code == 200
        await told_of_another(at_work)
        assert at_work.office.box.taken[-1]["To"] == "p2@example.vn"


async def test_of_a_head_whom_the_directory_has_away_nobody_tells_an_absence_by_link(office: Open) -> None:
    away = HEADED.posts[0].model_copy(update={"kind": "absent"})
    headed = HEADED.model_copy(update={"posts": (*HEADED.posts, away)})
    async with desk(office, units=(OVERSIGHT, headed)) as at_work:
        path = await told_on_monday(at_work)
        assert at_work.office.box.taken[0]["To"] == "p2@example.vn"
        assert (await at_work.send(path, **{**ABSENCE, "deputy": "cvp"})).status_code == 409
        assert await at_work.cases() == []
