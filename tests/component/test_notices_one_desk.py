"""What is at the desk of who heads two units: the answer link, who must not be told, who comes. On real servers."""

from __future__ import annotations

from shared.events import DeadlinePassed, ObligationChanged, ObligationEnded
from tests.component.answering import desk
from tests.component.office import (
    ENDED,
    FRIDAY_1601,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    WEDNESDAY_0730,
    Open,
    migrated,
    office,
    text_of,
)
from tests.component.test_notices_one_person import BIG, SMALL, headed, matter, told, unit_of
from tests.component.test_notify_ledger import WEDNESDAY_0600, take_census

__all__ = ["migrated", "office"]  # fixtures

BOTH = (OVERSIGHT, headed(SMALL, "p"), headed(BIG, "p"))
ACCUSED = "answer/PA-1"
OF_ANSWER = {"kind": "answer", "subject_id": "PA-1", "obligation_id": ACCUSED, "field": None, "procedure": None}


async def test_one_link_answers_for_all_units_of_the_person_and_holds_each_ladder(office: Open) -> None:
    async with desk(office, units=BOTH) as at_work:
        await at_work.office.hear(DeadlinePassed, **matter(1, SMALL))
        await at_work.office.hear(DeadlinePassed, **matter(2, BIG))
        await at_work.office.move_to(FRIDAY_1601)
        await at_work.office.move_to(MONDAY_0730)
        [mail] = at_work.office.box.taken
        assert (unit_of(mail, "D1"), unit_of(mail, "D2")) == ("Phường Hàm Rồng", "Phường Hạc Thành")
        answer = await at_work.promise(at_work.link())
        assert (answer.status_code, answer.json()["covered"]) == (200, ["dossier/D1", "dossier/D2"])
        await at_work.office.move_to("2026-11-25T17:00:00+07:00")  # level 2 would be reached at 16:00
        assert (await at_work.levels(), len(at_work.office.box.taken)) == ([1, 1], 1)


async def test_who_comes_is_told_though_nothing_else_is_due_and_who_was_told_hears_the_end(office: Open) -> None:
    async with office(units=BOTH) as here:
        await here.hear(DeadlinePassed, **matter(1, SMALL))
        await here.hear(DeadlinePassed, **matter(2, BIG))
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.hear_units(headed(BIG, "q", revision=2))
        await here.move_to(MONDAY_1400)
        assert (await told(here))[1:] == [("q", "email", ["D2 new"])]
        assert "Phường Hạc Thành: 1 hồ sơ đang quá hạn (1 mới báo)" in str(here.box.taken[-1]["Subject"])
        found = await take_census(here, WEDNESDAY_0600, ("dossier/D1", 2), ("dossier/D2", 2))
        assert (found["census"]["standings"], found["differences"]) == ({"pressed": 2}, {})
        await here.hear(ObligationEnded, **{**ENDED, **matter(2, BIG)})
        await here.move_to(WEDNESDAY_0730)
        assert (await told(here))[2:] == [("p", "email", ["D2 settled"]), ("q", "email", ["D2 settled"])]


async def test_who_takes_over_the_desks_unit_alone_hears_nothing_of_the_other(office: Open) -> None:
    async with office(units=BOTH) as here:
        await here.hear(DeadlinePassed, **matter(2, BIG))
        await here.hear(DeadlinePassed, **matter(3, BIG))
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.hear(ObligationEnded, **{**ENDED, **matter(3, BIG)})
        await here.hear_units(headed(SMALL, "r", revision=2), headed(BIG, "q", revision=2))
        await here.move_to(MONDAY_1400)
        assert (await told(here))[1:] == [("q", "email", ["D2 new", "D3 settled"])]
        await here.hear(ObligationEnded, **{**ENDED, **matter(2, BIG)})
        await here.move_to(WEDNESDAY_0730)
        assert (await told(here))[2:] == [("q", "email", ["D2 settled"])]


async def test_the_other_desk_of_an_accused_head_never_sees_the_matter(office: Open) -> None:
    async with office(units=BOTH) as here:
        await here.hear(DeadlinePassed, **matter(1, SMALL))
        await here.hear(DeadlinePassed, **{**OF_ANSWER, "unit": BIG, "restricted": [SMALL]})
        later = {**OF_ANSWER, "obligation_id": "answer/PA-2", "subject_id": "PA-2", "unit": BIG}
        await here.hear(DeadlinePassed, **later)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        mails = {str(mail["To"]): mail for mail in here.box.taken}
        assert set(mails) == {"p@example.vn", "th-snv@example.vn"}
        own = mails["p@example.vn"]
        assert "PA-1" not in own.as_string()
        assert "2 việc đang quá hạn (2 mới báo)" in str(own["Subject"])
        assert "PA-1" in text_of(mails["th-snv@example.vn"])

        await here.hear(ObligationChanged, **later, revision=3, restricted=[BIG])
        await here.move_to("2026-11-23T08:00:00+07:00")
        await here.move_to(MONDAY_1400)
        assert [str(mail["To"]) for mail in here.box.taken[2:]] == ["th-snv@example.vn"]
        await here.hear(DeadlinePassed, **matter(4, BIG))
        await here.hear(ObligationEnded, **{**ENDED, **later, "revision": 4, "restricted": [BIG]})
        await here.move_to(WEDNESDAY_0730)
        last = next(mail for mail in here.box.taken[3:] if mail["To"] == "p@example.vn")
        assert ("PA-2" in last.as_string(), "2 hồ sơ đang quá hạn (1 mới báo)" in str(last["Subject"])) == (False, True)
