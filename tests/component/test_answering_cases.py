"""Answers that are no promise: settled already, not ours, an absence with a deputy; and the operator's queue."""
# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

from shared.events import DeadlinePassed, ObligationEnded
from tests.component.answering import HEADED, HTML, desk, holding, read
from tests.component.office import (
    DOSSIER,
    ENDED,
    OVERSIGHT,
    WEDNESDAY_0730,
    WEDNESDAY_1400,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
)
from tests.component.test_answering import WEDNESDAY_1700, told_on_monday

ID = f"dossier/{DOSSIER}"
NEXT_WORKING_DAY = "2026-11-25T07:30:00+07:00"  # after Monday 07:30; the 24th is a day off
UNITS = (OVERSIGHT, HEADED)
ABSENCE = {"answer": "absence", "since": "2026-11-23", "until": "2026-11-27", "deputy": "pgd1"}


async def test_not_ours_is_a_case_and_holds_the_ladder_for_one_working_day(office: Open) -> None:
    async with desk(office) as at_work:
        path = await told_on_monday(at_work)
        sent = await at_work.send(path, answer="not_ours", reason="Thuộc Sở Xây dựng")
        assert sent.json()["covered"] == [ID]
        [case] = await at_work.cases()
        assert (case["kind"], case["subject"], case["unit"], case["overdue"]) == ("not_ours", ID, "H56.12", False)
        assert "Sở Xây dựng" not in str(case)
        assert [one["flags"] for one in await at_work.office.escalations()] == [["disputed"]]
        assert (await at_work.events())[-1] == ("escalation_acknowledged", 1, None, "not_ours")
        await at_work.office.move_to(NEXT_WORKING_DAY)
        [case] = await at_work.cases()
        assert (case["overdue"], await at_work.states()) == (True, [("not_ours", "over")])
        assert (await at_work.office.notify.status())["counts"]["cases"] == {"open": 1, "overdue": 1}
        await at_work.office.move_to(WEDNESDAY_1700)
        assert await at_work.levels() == [2]  # as if nothing had been said
        again = await at_work.send(path, answer="not_ours")
        assert (again.status_code, "once" in again.text) == (409, True)


async def test_a_decision_of_the_operator_lets_the_ladder_go_on_and_a_promise_be_made(office: Open) -> None:
    async with desk(office) as at_work:
        path = await told_on_monday(at_work)
        await at_work.send(path, answer="not_ours")
        assert (await at_work.promise(path)).status_code == 409  # another answer stands
        [case] = await at_work.cases()
        wrong = await at_work.close(case["id"], "corrected")
        assert (wrong.status_code, "stays or handed_over" in wrong.text) == (422, True)
        assert (await at_work.close(case["id"], "stays")).json() == {
            "id": case["id"], "kind": "not_ours", "subject": ID, "outcome": "stays",
        }  # fmt: skip
        assert (await at_work.close(case["id"], "stays")).status_code == 404
        assert (await at_work.cases(), (await at_work.events())[-1]) == ([], ("escalation_changed", 1, None, None))
        assert (await at_work.promise(path)).status_code == 200


async def test_said_to_be_settled_and_heard_of_the_case_closes_itself(office: Open) -> None:
    async with desk(office) as at_work:
        await at_work.send(await told_on_monday(at_work), answer="settled", reason="Đã trả ngày 20/11")
        assert [case["kind"] for case in await at_work.cases()] == ["said_settled"]
        await at_work.office.move_to(WEDNESDAY_0730)
        assert await at_work.states() == [("settled", "over")]
        await at_work.office.hear(ObligationEnded, **ENDED)
        assert await at_work.cases() == []
        assert await at_work.rows("SELECT outcome FROM notify.operator_case") == [("settled",)]


async def test_who_promised_may_say_that_it_is_settled_by_now(office: Open) -> None:
    async with desk(office) as at_work:
        path = await told_on_monday(at_work)
        await at_work.promise(path, until="2026-11-23")
        assert (await at_work.send(path, answer="settled")).status_code == 200
        assert (await at_work.send(path, answer="not_ours")).status_code == 409
        await at_work.office.move_to("2026-11-24T08:00:00+07:00")  # missed, and the operator has not decided yet
        assert (await at_work.states(), await at_work.levels()) == (
            [("promise", "missed"), ("settled", "running")],
            [1],
        )
        await at_work.office.move_to(NEXT_WORKING_DAY)
        assert await at_work.levels() == [2]  # what the missed promise is owed


async def test_during_an_absence_the_deputy_gets_the_mails_and_the_operator_a_case(office: Open) -> None:
    async with desk(office, units=UNITS) as at_work:
        path = await told_on_monday(at_work)
        assert at_work.office.box.taken[0]["To"] == "p1@example.vn"
        page = read(await at_work.http.get(path, headers=HTML))
        options = [attributes["value"] for tag, attributes in page.tags if tag == "option"]
        assert options == ["", "pgd1", "cvp"]
        assert (await at_work.send(path, **ABSENCE)).json() == {"covered": [], "repeated": False, "refused": {}}
        assert (await at_work.send(path, **ABSENCE)).json()["repeated"] is True
        assert [(case["kind"], case["subject"]) for case in await at_work.cases()] == [("own_absence", "H56.12")]
        await at_work.office.hear(DeadlinePassed, obligation_id="dossier/2", subject_id="2")
        await at_work.office.move_to("2026-11-23T14:00:00+07:00")
        assert at_work.office.box.taken[-1]["To"] == "p2@example.vn"
        await at_work.office.hear(DeadlinePassed, obligation_id="dossier/3", subject_id="3")
        await at_work.office.move_to("2026-11-30T07:30:00+07:00")  # the absence is over
        assert "p1@example.vn" in [mail["To"] for mail in at_work.office.box.taken[2:]]


async def test_once_the_directory_speaks_of_the_unit_the_absence_told_counts_no_more(office: Open) -> None:
    async with desk(office, units=UNITS) as at_work:
        await at_work.send(await told_on_monday(at_work), **ABSENCE)
        posts = tuple(post for post in HEADED.posts if post.post != "pgd1")
        await at_work.office.hear_units(HEADED.model_copy(update={"revision": 2, "posts": posts}))
        await at_work.office.hear(DeadlinePassed, obligation_id="dossier/2", subject_id="2")
        await at_work.office.move_to("2026-11-23T14:00:00+07:00")
        assert at_work.office.box.taken[-1]["To"] == "p1@example.vn"


async def test_an_absence_that_the_operator_dismisses_ends(office: Open) -> None:
    async with desk(office, units=UNITS) as at_work:
        await at_work.send(await told_on_monday(at_work), **ABSENCE)
        [case] = await at_work.cases()
        await at_work.close(case["id"], "dismissed")
        await at_work.office.hear(DeadlinePassed, obligation_id="dossier/2", subject_id="2")
        await at_work.office.move_to("2026-11-23T14:00:00+07:00")
        assert at_work.office.box.taken[-1]["To"] == "p1@example.vn"


async def test_an_absence_needs_days_ahead_and_a_deputy_who_is_there(office: Open) -> None:
    away = holding("cvp", "p3", role="officer", kind="absent")
    headed = HEADED.model_copy(update={"posts": (*HEADED.posts, away)})
    async with desk(office, units=(OVERSIGHT, headed)) as at_work:
        path = await told_on_monday(at_work)
        for wrong in (
            {"since": "2026-11-22"},
            {"until": "2026-11-22"},
            {"until": "2027-11-22"},
            {"deputy": "gd"},
            {"deputy": "cvp"},
            {"deputy": "nobody"},
        ):
            assert (await at_work.send(path, **{**ABSENCE, **wrong})).status_code == 409
        assert await at_work.cases() == []


async def test_a_unit_without_posts_is_not_offered_a_deputy(office: Open) -> None:
    async with desk(office) as at_work:
        path = await told_on_monday(at_work)
        assert "absence" not in read(await at_work.http.get(path, headers=HTML)).named("answer")
        assert (await at_work.send(path, **ABSENCE)).status_code == 409


async def test_of_several_matters_some_may_be_answered_in_another_way(office: Open) -> None:
    async with desk(office) as at_work:
        await at_work.office.hear(DeadlinePassed, obligation_id="dossier/2", subject_id="2")
        path = await told_on_monday(at_work)
        await at_work.promise(path, obligations=["dossier/2"])
        both = await at_work.send(path, answer="not_ours")
        assert (both.json()["covered"], both.json()["refused"]) == ([ID], {"dossier/2": "standing"})
        form = {"answer": "not_ours", "about": "ticked", "o": "dossier/2"}
        page = read(sent := await at_work.http.post(path, data=form, headers=HTML))
        assert (sent.status_code, "đang có một trả lời khác còn hiệu lực" in page.said) == (409, True)
        await at_work.office.move_to(WEDNESDAY_1400)
        assert await at_work.states() == [("promise", "running"), ("not_ours", "over")]
