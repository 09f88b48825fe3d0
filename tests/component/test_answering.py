"""Answers by the link in a mail, on real servers and a clock that the test moves: promises and what becomes of them."""
# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

from shared.events import DeadlineMoved, DeadlinePassed, DeadlinePaused, DeadlineResumed, ObligationEnded
from tests.component.answering import FORM, HTML, LINKS, Desk, desk, read
from tests.component.office import (
    DOSSIER,
    ENDED,
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    OVERSIGHT,
    WEDNESDAY_0730,
    Open,
    at,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
    unit,
)

WEDNESDAY_1700 = "2026-11-25T17:00:00+07:00"  # level 2 would be reached at 16:00
THURSDAY = "2026-11-26"
FRIDAY_2400, MONDAY_NEXT = "2026-11-28T00:00:00+07:00", "2026-11-30T07:30:00+07:00"


async def told_on_monday(at_work: Desk) -> str:
    """A dossier is late since Friday; its head is told on Monday. Returns the path of the link."""
    await at_work.office.hear(DeadlinePassed)
    await at_work.office.move_to(FRIDAY_1601)
    await at_work.office.move_to(MONDAY_0730)
    return at_work.link()


async def test_a_promise_holds_the_next_level_until_its_day_is_over(office: Open) -> None:
    async with desk(office) as at_work:
        path = await told_on_monday(at_work)
        answer = await at_work.promise(path)
        assert (answer.status_code, answer.json()["covered"]) == (200, [f"dossier/{DOSSIER}"])
        await at_work.office.move_to(WEDNESDAY_1700)
        [escalation] = await at_work.office.escalations()
        assert (escalation["flags"], at(escalation["next_level_at"])) == (["promised"], at(FRIDAY_2400))
        assert (await at_work.levels(), len(at_work.office.box.taken)) == ([1], 1)
        await at_work.office.hear(ObligationEnded, **{**ENDED, "ended_at": WEDNESDAY_1700})
        await at_work.office.move_to(MONDAY_NEXT)
        assert await at_work.states() == [("promise", "kept")]
        assert await at_work.events() == [
            ("escalation_raised", 1, None, None),
            ("escalation_acknowledged", 1, "running", None),
            ("escalation_closed", 1, "kept", None),
        ]


async def test_a_missed_promise_raises_the_next_level_and_both_hear_of_it(office: Open) -> None:
    async with desk(office) as at_work:
        await at_work.promise(await told_on_monday(at_work))
        await at_work.office.move_to("2026-11-27T23:59:59+07:00")
        assert await at_work.levels() == [1]
        await at_work.office.move_to(FRIDAY_2400)
        assert (await at_work.levels(), await at_work.states()) == ([2], [("promise", "missed")])
        await at_work.office.move_to(MONDAY_NEXT)
        bodies = [mail.get_body(("plain",)).get_content() for mail in at_work.office.box.taken[1:]]  # type: ignore[union-attr]
        assert sorted(str(mail["To"]) for mail in at_work.office.box.taken[1:]) == [
            "h56.12@example.vn",
            "th-snv@example.vn",
        ]
        assert all("đã hẹn giải quyết xong trong ngày 27/11/2026 nhưng chưa thực hiện" in body for body in bodies)
        assert (await at_work.events())[-1] == ("escalation_raised", 2, "missed", None)


async def test_a_missed_promise_raises_the_next_level_before_its_own_time(office: Open) -> None:
    async with desk(office) as at_work:
        await at_work.promise(await told_on_monday(at_work), until="2026-11-24")
        await at_work.office.move_to("2026-11-25T00:00:00+07:00")
        assert await at_work.levels() == [2]  # without a promise on Wednesday at 16:00


async def test_a_promise_is_renewed_once_and_then_no_more(office: Open) -> None:
    async with desk(office) as at_work:
        path = await told_on_monday(at_work)
        await at_work.promise(path, until=THURSDAY)
        repeated = await at_work.promise(path, until=THURSDAY)
        assert repeated.json()["repeated"] is True
        earlier = await at_work.promise(path, until="2026-11-25")
        assert (earlier.status_code, "later one" in earlier.text) == (409, True)
        assert (await at_work.promise(path, until="2026-11-27")).status_code == 200
        again = await at_work.promise(path, until="2026-11-30")
        assert (again.status_code, "no promise is left" in again.text) == (409, True)
        assert await at_work.states() == [("promise", "renewed"), ("promise", "running")]
        await at_work.office.move_to("2026-11-27T10:00:00+07:00")  # the first day is over
        assert await at_work.levels() == [1]
        await at_work.office.move_to(FRIDAY_2400)
        assert await at_work.levels() == [2]


async def test_a_day_beyond_the_limit_or_gone_is_not_taken(office: Open) -> None:
    async with desk(office) as at_work:
        path = await told_on_monday(at_work)
        for day in ("2026-12-02", "2026-11-22"):  # the 24th is a day off: five working days end on 1 December
            assert (await at_work.promise(path, until=day)).status_code == 409
        assert (await at_work.promise(path, until="2026-12-01")).status_code == 200


async def test_a_promise_from_below_does_not_silence_the_level_above_nor_the_other_way_round(office: Open) -> None:
    async with desk(office) as at_work:
        path = await told_on_monday(at_work)
        await at_work.office.move_to(WEDNESDAY_1700)
        assert await at_work.levels() == [2]
        answer = await at_work.promise(path)  # of the unit, after the superior was raised
        assert answer.status_code == 200
        await at_work.office.move_to("2026-11-26T07:30:00+07:00")
        superior = next(n for n, m in enumerate(at_work.office.box.taken) if m["To"] == "th-snv@example.vn")
        assert "đã hẹn giải quyết xong" in at_work.office.box.taken[superior].get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert (await at_work.promise(at_work.link(superior), until="2026-12-01")).status_code == 200
        assert await at_work.rows("SELECT post, level, state FROM notify.stay ORDER BY post") == [
            ("H56.12", 1, "running"),
            ("TH-SNV", 2, "running"),
        ]


async def test_the_next_head_inherits_the_promise_of_the_unit(office: Open) -> None:
    async with desk(office) as at_work:
        await at_work.promise(await told_on_monday(at_work))
        await at_work.office.hear_units(LAND.model_copy(update={"revision": 2, "email": "moi@example.vn"}))
        await at_work.office.move_to(WEDNESDAY_1700)
        assert (await at_work.levels(), await at_work.states()) == ([1], [("promise", "running")])


async def test_a_moved_due_date_ends_the_promise(office: Open) -> None:
    async with desk(office) as at_work:
        await at_work.promise(await told_on_monday(at_work))
        await at_work.office.hear(DeadlineMoved, revision=3, due_at="2026-11-20T10:00:00+07:00")
        assert [(c["state"], c["why"]) for a in await at_work.answers() for c in a["covers"]] == [("ended", "moved")]
        assert (await at_work.events())[-1] == ("escalation_changed", 1, None, None)
        await at_work.office.move_to(WEDNESDAY_1700)
        assert await at_work.levels() == [2]  # the ladder goes on as if nobody had promised


async def test_a_handover_ends_the_promise_and_the_new_unit_may_promise_itself(office: Open) -> None:
    other = unit("H56.13", name="Sở Xây dựng")
    async with desk(office, units=(OVERSIGHT, LAND, other)) as at_work:
        old = await told_on_monday(at_work)
        await at_work.promise(old)
        await at_work.office.hear(DeadlinePassed, revision=3, unit="H56.13")
        assert [(c["state"], c["why"]) for a in await at_work.answers() for c in a["covers"]] == [
            ("ended", "handed_over")
        ]
        assert (await at_work.promise(old)).json().get("covered", []) == []
        await at_work.office.move_to("2026-11-23T14:00:00+07:00")
        new = next(n for n, m in enumerate(at_work.office.box.taken) if m["To"] == "h56.13@example.vn")
        assert (await at_work.promise(at_work.link(new))).json()["covered"]


async def test_a_pause_ends_the_promise_without_a_word_of_missed(office: Open) -> None:
    async with desk(office) as at_work:
        await at_work.promise(await told_on_monday(at_work))
        await at_work.office.hear(DeadlinePaused, revision=3, state="paused")
        await at_work.office.move_to(MONDAY_NEXT)
        assert (await at_work.states(), await at_work.levels()) == ([("promise", "ended")], [1])
        await at_work.office.hear(DeadlineResumed, revision=4)
        await at_work.office.move_to("2026-11-30T08:00:00+07:00")
        assert await at_work.levels() == [2]


async def test_a_reopened_matter_begins_without_the_old_promise(office: Open) -> None:
    async with desk(office) as at_work:
        await at_work.promise(await told_on_monday(at_work))
        await at_work.office.hear(ObligationEnded, **ENDED)
        await at_work.office.hear(DeadlinePassed, revision=4)
        await at_work.office.move_to(WEDNESDAY_0730)
        assert (await at_work.events())[-1][2] is None
        assert (await at_work.promise(at_work.link(), until=THURSDAY)).status_code == 200


async def test_settled_in_time_and_heard_of_late_is_kept_all_the_same(office: Open) -> None:
    async with desk(office) as at_work:
        await at_work.promise(await told_on_monday(at_work), until="2026-11-25")
        await at_work.office.move_to("2026-11-26T08:00:00+07:00")
        assert await at_work.states() == [("promise", "missed")]
        await at_work.office.hear(ObligationEnded, **{**ENDED, "ended_at": WEDNESDAY_1700})
        assert await at_work.states() == [("promise", "kept")]


async def test_the_page_shows_and_only_its_form_acts(office: Open) -> None:
    async with desk(office) as at_work:
        path = await told_on_monday(at_work)
        before = await at_work.rows("SELECT * FROM notify.obligation")
        for _ in range(3):
            shown = await at_work.http.get(path, headers=HTML)
            assert (await at_work.http.head(path)).status_code == 200
        assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert await at_work.rows("SELECT * FROM notify.obligation") == before
        assert await at_work.answers() == []
        page = read(shown)
        assert DOSSIER in page.said
        assert "Đất đai" in page.said
        assert page.named("o") == [f"dossier/{DOSSIER}"]
        assert page.named("answer") == ["promise", "settled", "not_ours"]
        assert not [t for t, a in page.tags if t in ("script", "img", "link", "iframe") or "src" in a or "href" in a]
        assert not [a for _, a in page.tags if a.get("name") == "answer" and "checked" in a]  # nothing is chosen
        sent = await at_work.http.post(path, data=FORM, headers=HTML)
        assert (sent.status_code, sent.headers["location"]) == (303, path.rpartition("/")[2])
        after = read(await at_work.http.get(path, headers=HTML)).said
        assert "hẹn giải quyết xong trong ngày 27/11/2026 (1 việc)" in after
        assert "Đang chờ thẩm định" in after
        again = await at_work.http.post(path, data=FORM, headers=HTML)
        assert (again.status_code, len(await at_work.answers())) == (303, 1)


async def test_a_used_link_of_a_settled_matter_says_that_nothing_is_left(office: Open) -> None:
    async with desk(office) as at_work:
        path = await told_on_monday(at_work)
        await at_work.office.hear(ObligationEnded, **ENDED)
        page = read(await at_work.http.get(path, headers=HTML))
        assert "không còn quá hạn" in page.said
        assert page.named("answer") == []
        assert (await at_work.promise(path)).json() == {"covered": [], "repeated": False, "refused": {}}


async def test_without_a_public_address_no_mail_has_a_link(office: Open) -> None:
    async with office() as opened:
        await opened.hear(DeadlinePassed)
        await opened.move_to(FRIDAY_1601)
        await opened.move_to(MONDAY_0730)
        assert "/v1/acknowledge/" not in str(opened.box.taken[0])
        assert LINKS["public_url"] not in opened.box.taken[0].get_body(("html",)).get_content()  # type: ignore[union-attr]
