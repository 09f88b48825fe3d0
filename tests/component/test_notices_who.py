"""Who is told where heads are missing, unreached, in a ring, unknown, or accused. On real servers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from shared.events import DeadlinePassed, Holding, ObligationChanged, ObligationEnded, UnitDescribed
from tests.component.office import (
    ENDED,
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    WEDNESDAY_0730,
    Office,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
    text_of,
    unit,
)

ANSWER = {"obligation_id": "answer/PA-1", "kind": "answer", "subject_id": "PA-1", "field": None, "procedure": None}
NOBODY_HEADS = (Holding(post="gd", role="head", title="Giám đốc Sở"),)


def led(code: str, person: str, **changes: Any) -> UnitDescribed:
    """Return a unit with a head of its own and a deputy."""
    post = {"email": f"{person}@example.vn", "phone": "0900 000 001", "name": "Mẫu"}
    holder = Holding(post=f"{code}-1", role="head", title="Giám đốc", person=person, **post)
    deputy = Holding(post=f"{code}-2", role="deputy", title="Phó Giám đốc", person=f"{person}-2", name="Mẫu 2")
    return unit(code, posts=(holder, deputy), **changes)


async def cases(here: Office) -> list[tuple[str, str, bool]]:
    """Return the operator's cases: kind, subject, whether they are open."""
    async with here.notify.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT kind, subject, closed_at IS NULL AS open FROM notify.operator_case ORDER BY id")
        )
        return [(row.kind, row.subject, row.open) for row in rows]


async def test_a_unit_without_a_head_goes_up_and_to_the_operator_until_it_has_one(
    office: Open,  # noqa: F811 - the fixture
) -> None:
    async with office(units=(OVERSIGHT, LAND.model_copy(update={"posts": NOBODY_HEADS}))) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        assert await cases(here) == [("no_head", "H56.12", True)]
        await here.move_to(MONDAY_0730)
        [mail] = here.box.taken
        assert mail["To"] == "th-snv@example.vn"
        assert "nhận thay người đứng đầu" in text_of(mail)
        [notice] = await here.notices()
        assert (notice["why"], notice["template"][:7]) == (["passed", "stand_in"], "digest ")
        assert notice["why_text"].startswith("có việc mới quá hạn; nhận thay")
        await here.hear_units(LAND.model_copy(update={"revision": 2}))
        assert await cases(here) == [("no_head", "H56.12", False)]


async def test_a_ring_and_a_unit_nobody_knows_go_to_the_oversight_and_to_the_operator(
    office: Open,  # noqa: F811 - the fixture
) -> None:
    one = unit("A", email=None, parent_code="B")
    other = unit("B", email=None, parent_code="A")
    async with office(units=(OVERSIGHT, one, other)) as here:
        await here.hear(DeadlinePassed, unit="A")
        await here.hear(DeadlinePassed, obligation_id="dossier/2", subject_id="2", unit="H56.77", unit_name="Phòng Lạ")
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert [mail["To"] for mail in here.box.taken] == ["th-snv@example.vn"]
        found = await cases(here)
        assert sorted(found) == [
            ("loop", "A", True),
            ("no_contact", "A", True),
            ("no_contact", "B", True),
            ("unit_unknown", "H56.77", True),
        ]
        await here.hear_units(
            one.model_copy(update={"revision": 2, "parent_code": "H56", "email": "a@example.vn"}),
            unit("X", name="Phòng Lạ"),
        )
        await here.move_to(MONDAY_1400)
        assert {case for case in await cases(here) if case[2]} == {("no_contact", "B", True)}


async def test_where_nobody_is_reached_up_to_the_oversight_the_notice_is_withheld_and_the_operator_knows(
    office: Open,  # noqa: F811 - the fixture
) -> None:
    async with office(units=(LAND.model_copy(update={"email": None}),)) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        [notice] = await here.notices()
        assert (notice["status"], notice["reason"]) == ("withheld", "no_contact")
        assert await cases(here) == [("no_contact", "H56.12", True), ("no_contact", "TH-SNV", True)]


async def test_a_complaint_about_a_units_head_goes_to_the_superior_and_leaves_no_trace_with_that_head(
    office: Open,  # noqa: F811 - the fixture
) -> None:
    async with office(units=(OVERSIGHT, led("H56.12", "p1"))) as here:
        await here.hear(DeadlinePassed)
        await here.hear(DeadlinePassed, **ANSWER, restricted=["p1"])
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        told = {mail["To"]: mail for mail in here.box.taken}
        assert set(told) == {"p1@example.vn", "th-snv@example.vn"}
        own = told["p1@example.vn"]
        assert "1 hồ sơ đang quá hạn (1 mới báo)" in str(own["Subject"])
        assert ("PA-1" in own.as_string(), "phản ánh" in text_of(own)) == (False, False)
        assert "PA-1" in text_of(told["th-snv@example.vn"])
        assert "đơn vị chưa có địa chỉ" not in text_of(told["th-snv@example.vn"])
        assert await cases(here) == []

        await here.hear(ObligationEnded, **{**ENDED, **ANSWER, "restricted": ["p1"]})
        await here.move_to(MONDAY_1400)
        assert [mail["To"] for mail in here.box.taken[2:]] == ["th-snv@example.vn"]


async def test_the_sms_counts_of_the_accused_have_no_trace_either(office: Open) -> None:  # noqa: F811 - the fixture
    async with office(units=(OVERSIGHT, led("H56.12", "p1")), sms_gateway="kannel", send="record") as here:
        await here.hear(DeadlinePassed)
        await here.hear(DeadlinePassed, **ANSWER, restricted=["p1"])
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        async with here.notify.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT text_body FROM notify.notice WHERE channel = 'sms' AND post = 'H56.12'")
            )
            assert ": 1 viec qua han (1 moi)" in rows.scalar_one()


async def test_who_is_accused_only_later_or_heads_the_superior_later_hears_no_more(
    office: Open,  # noqa: F811 - the fixture
) -> None:
    superior = led("S", "p2", parent_code="H56")
    async with office(units=(OVERSIGHT, superior, led("H56.12", "p1", parent_code="S"))) as here:
        await here.hear(DeadlinePassed, **ANSWER)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert [mail["To"] for mail in here.box.taken] == ["p1@example.vn"]
        await here.hear(ObligationChanged, **ANSWER, revision=3, restricted=["p1"])
        await here.move_to("2026-11-23T08:00:00+07:00")
        await here.move_to(MONDAY_1400)
        assert [mail["To"] for mail in here.box.taken[1:]] == ["p2@example.vn"]
        [holder, deputy] = superior.posts
        acting = holder.model_copy(update={"person": "p1", "kind": "acting", "email": "p1@example.vn"})
        await here.hear_units(superior.model_copy(update={"revision": 2, "posts": (acting, deputy)}))
        await here.hear(DeadlinePassed, unit="S", revision=2)
        await here.move_to("2026-11-23T15:00:00+07:00")
        await here.move_to(WEDNESDAY_0730)
        told = {mail["To"]: text_of(mail) for mail in here.box.taken[2:]}
        assert ("PA-1" in told["p1@example.vn"], "Ngoài ra" in told["p1@example.vn"]) == (False, False)
        assert "PA-1" in told["th-snv@example.vn"]


async def test_where_everybody_up_to_the_oversight_is_accused_the_notice_is_withheld_from_all(
    office: Open,  # noqa: F811 - the fixture
) -> None:
    async with office(units=(OVERSIGHT, LAND)) as here:
        await here.hear(DeadlinePassed, **ANSWER, restricted=["TH-SNV", "H56.12"])
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        [notice] = await here.notices()
        assert (notice["unit"], notice["status"], notice["reason"]) == ("-", "withheld", "no_contact")
        assert await cases(here) == [("undelivered", notice["notice_id"], True)]
