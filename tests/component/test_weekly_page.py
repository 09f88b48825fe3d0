"""The weekly page of the province's head: counts, once a week, never a single matter. On real servers."""

from __future__ import annotations

from sqlalchemy import text

from shared.events import DeadlinePassed, DeadlineSet, ObligationEnded
from tests.component.office import (
    DOSSIER,
    ENDED,
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    OVERSIGHT,
    Open,
    at,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
    text_of,
    unit,
)

PROVINCE = unit("H56", name="Tỉnh mẫu", parent_code=None, head_title="Chủ tịch Ủy ban nhân dân tỉnh")
MONDAY_0800 = "2026-11-23T08:00:00+07:00"
NEXT_MONDAY = "2026-11-30T08:00:00+07:00"


async def test_the_page_comes_once_a_week_with_counts_and_the_change_and_names_no_matter(office: Open) -> None:  # noqa: F811 - the fixture
    async with office(units=(PROVINCE, OVERSIGHT, LAND)) as here:
        for number in range(3):
            await here.hear(DeadlinePassed, obligation_id=f"dossier/D{number}", subject_id=f"{DOSSIER}{number}")
        in_time = {"obligation_id": "dossier/D9", "subject_id": f"{DOSSIER}9"}
        later = {"near_at": MONDAY_0730, "due_at": "2026-11-27T16:00:00+07:00", "timing": "due_soon"}
        hidden = {"obligation_id": "answer/1", "kind": "answer", "subject_id": "PA-1", "field": None}
        await here.hear(DeadlinePassed, **hidden, restricted=["H56.12"])
        await here.move_to(FRIDAY_1601)
        assert here.notify.timers["notify"] == at(MONDAY_0730)
        await here.move_to(MONDAY_0730)
        assert here.notify.timers["notify"] == at(MONDAY_0800)
        for _ in range(2):
            await here.move_to(MONDAY_0800)
            await here.notify.sweep_up_to(at(MONDAY_0800))
        [page] = [mail for mail in here.box.taken if mail["To"] == "h56@example.vn"]
        assert "Tổng hợp tuần: 3 việc đang quá hạn (08:00 23/11/2026)" in str(page["Subject"])
        assert "- Đất đai: 3\n" in text_of(page)
        assert "- Sở Nông nghiệp và Môi trường: 3\n" in text_of(page)
        assert "tuần trước" not in text_of(page)

        await here.hear(DeadlineSet, **in_time, **later)  # warned of, and ended in time: it was never late
        await here.move_to("2026-11-23T08:01:00+07:00")
        await here.hear(ObligationEnded, **{**ENDED, **later, **in_time, "ended_at": "2026-11-24T10:00:00+07:00"})
        await here.hear(ObligationEnded, **{**ENDED, "obligation_id": "dossier/D0", "subject_id": f"{DOSSIER}0"})
        for instant in ("2026-11-23T14:00:00+07:00", "2026-11-25T17:00:00+07:00", NEXT_MONDAY):
            await here.move_to(instant)
        second = [mail for mail in here.box.taken if mail["To"] == "h56@example.vn"][1]
        assert "2 việc đang quá hạn (giảm 1 so với tuần trước); 1 việc không còn quá hạn" in text_of(second)
        html = second.get_body(("html",))
        assert html
        for body in (text_of(page), text_of(second), str(html.get_content()), str(second["Subject"])):
            assert DOSSIER not in body
            assert "PA-1" not in body
        weekly = [notice for notice in await here.notices() if notice["kind"] == "weekly"]
        assert [(notice["role"], notice["why"], notice["covers"]) for notice in weekly] == [
            ("chairman", ["weekly"], [])
        ] * 2


async def test_without_anything_to_count_there_is_no_page_and_without_an_address_a_case(office: Open) -> None:  # noqa: F811 - the fixture
    mute = PROVINCE.model_copy(update={"email": None})
    async with office(units=(mute, OVERSIGHT, LAND)) as here:
        await here.move_to(MONDAY_0800)
        assert await here.notices() == []
        await here.hear(DeadlinePassed, due_at="2026-11-25T16:00:00+07:00")
        await here.move_to("2026-11-25T16:01:00+07:00")
        await here.move_to("2026-11-26T07:30:00+07:00")
        await here.move_to(NEXT_MONDAY)
        [page] = [notice for notice in await here.notices() if notice["kind"] == "weekly"]
        assert (page["status"], page["reason"]) == ("withheld", "no_contact")
        async with here.notify.engine.connect() as connection:
            cases = await connection.execute(text("SELECT kind, subject FROM notify.operator_case"))
            assert [tuple(case) for case in cases] == [("no_contact", "H56")]
