"""Whom notify presses on real servers when units change, are unknown, or hold a late step."""

from __future__ import annotations

from sqlalchemy import text

from shared import bus
from shared.cloudevents import Outgoing
from shared.events import (
    CensusTaken,
    DeadlinePassed,
    DeadlineSet,
    EventsCounted,
    ObligationChanged,
    ObligationEnded,
)
from tests.component.office import (
    DOSSIER,
    ENDED,
    FRIDAY_1600,
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    THURSDAY_0730,
    WARDS,
    WEDNESDAY_0730,
    Open,
    migrated,
    office,
    text_of,
    unit,
)
from tests.contracts.test_events import GOLDEN

__all__ = ["migrated", "office"]  # fixtures


async def test_an_unknown_unit_goes_to_the_unit_above_and_stays_listed_until_it_is_known(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed, unit="H56.77", unit_name="Phòng Lạ")
        await here.move_to(FRIDAY_1601)
        [raised] = await here.escalations()
        assert (raised["unit"], raised["flags"]) == ("H56.77", ["unit_unknown"])
        await here.move_to(MONDAY_0730)
        [mail] = here.box.taken
        assert mail["To"] == "th-snv@example.vn"
        assert "chưa rõ đơn vị: Phòng Lạ" in text_of(mail)


async def test_a_dossier_that_changes_its_unit_before_its_slot_presses_the_head_of_the_new_one(office: Open) -> None:
    async with office(units=(OVERSIGHT, LAND, *WARDS)) as here:
        await here.hear(DeadlinePassed, unit_name="Phường Hạc Thành")
        await here.move_to(FRIDAY_1601)
        await here.hear(DeadlineSet, unit_name="Phường Hàm Rồng", revision=3)
        await here.move_to("2026-11-23T07:00:00+07:00")
        await here.hear(DeadlineSet, unit_name="phường  Hàm Rồng", revision=4)
        [raised] = await here.escalations()
        assert (raised["unit"], raised["flags"]) == ("14758", [])
        await here.move_to(MONDAY_0730)
        assert [mail["To"] for mail in here.box.taken] == ["14758@example.vn"]
        assert "chưa rõ đơn vị" not in text_of(here.box.taken[0])


async def test_a_unit_that_lost_a_dossier_after_its_mail_hears_of_the_settlement_alone(office: Open) -> None:
    async with office(units=(OVERSIGHT, LAND, *WARDS)) as here:
        await here.hear(DeadlinePassed, unit_name="Phường Hạc Thành")
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.hear(DeadlineSet, unit_name="UBND phường Hạc Thành", revision=3)
        await here.hear(DeadlineSet, unit_name="Phường Hàm Rồng", revision=4)
        await here.move_to(MONDAY_1400)
        assert [mail["To"] for mail in here.box.taken] == ["14797@example.vn", "14758@example.vn"]
        assert "Mới quá hạn (1)" in text_of(here.box.taken[1])
        await here.hear(ObligationEnded, **{**ENDED, "unit_name": "Phường Hàm Rồng", "revision": 5})
        await here.move_to(WEDNESDAY_0730)
        settled = here.box.taken[2:]
        assert sorted(mail["To"] for mail in settled) == ["14758@example.vn", "14797@example.vn"]
        assert all("Không còn quá hạn (1)" in text_of(mail) for mail in settled)
        await here.move_to(THURSDAY_0730)
        assert len(here.box.taken) == 4


BRANCH = unit("CN-ML", name="Chi nhánh VPĐKĐĐ Mường Lát", kind="chi_nhanh")
HELD = {"holder": BRANCH.name, "holder_due_at": "2026-11-20T09:00:00+07:00"}
WHY = "chậm ở bước xử lý của Chi nhánh VPĐKĐĐ Mường Lát, hạn của bước này 09:00 20/11/2026"


async def test_a_late_dossier_presses_the_holder_of_its_late_step_until_the_step_is_passed_on(office: Open) -> None:
    async with office(units=(OVERSIGHT, LAND, BRANCH)) as here:
        await here.hear(DeadlinePassed, **HELD)
        await here.move_to(FRIDAY_1601)
        [raised] = await here.escalations()
        assert (raised["unit"], raised["flags"]) == ("CN-ML", ["joint_processing"])
        await here.move_to(MONDAY_0730)
        holder, receiving = sorted(here.box.taken, key=lambda mail: str(mail["To"]))
        assert (holder["To"], receiving["To"]) == ("cn-ml@example.vn", "h56.12@example.vn")
        assert "\nMới quá hạn (1)\n" in text_of(holder)
        assert f"quá hạn 1 giờ làm việc; {WHY} · đơn vị tiếp nhận: Sở Nông nghiệp" in text_of(holder)
        assert "Để biết: hồ sơ chậm ở bước xử lý của đơn vị khác (1)" in text_of(receiving)
        assert WHY in text_of(receiving)
        assert "Đề nghị" not in text_of(receiving)
        assert {notice["role"] for notice in await here.notices()} == {"head", "receiving"}

        await here.hear(ObligationChanged, revision=3)
        await here.move_to(MONDAY_1400)
        [back] = here.box.taken[2:]
        assert (back["To"], "Mới quá hạn (1)" in text_of(back)) == ("h56.12@example.vn", True)
        assert "chậm ở bước" not in text_of(back)
        await here.hear(ObligationEnded, **{**ENDED, "revision": 4})
        await here.move_to(WEDNESDAY_0730)
        assert sorted(mail["To"] for mail in here.box.taken[3:]) == ["cn-ml@example.vn", "h56.12@example.vn"]
        assert all("Không còn quá hạn (1)" in text_of(mail) for mail in here.box.taken[3:])


async def test_a_late_dossier_goes_over_to_the_holder_when_its_step_becomes_late_or_the_holder_known(
    office: Open,
) -> None:
    async with office(units=(OVERSIGHT, LAND)) as here:
        await here.hear(DeadlinePassed, holder=BRANCH.name, holder_due_at="2026-11-23T10:00:00+07:00")
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.move_to("2026-11-23T10:01:00+07:00")
        assert [raised["unit"] for raised in await here.escalations()] == ["H56.12"]
        await here.hear_units(BRANCH)
        await here.move_to("2026-11-23T10:02:00+07:00")
        assert [raised["unit"] for raised in await here.escalations()] == ["CN-ML"]
        await here.move_to(MONDAY_1400)
        assert sorted(mail["To"] for mail in here.box.taken[1:]) == ["cn-ml@example.vn", "h56.12@example.vn"]


async def test_a_step_is_pressed_for_beside_its_dossier_only_where_another_unit_has_that(office: Open) -> None:
    step = {"obligation_id": "step/1", "kind": "step", "parent": f"dossier/{DOSSIER}", "due_at": FRIDAY_1600}
    async with office(units=(OVERSIGHT, LAND, BRANCH)) as here:
        await here.hear(DeadlinePassed, **step, unit_name="Phòng chuyên môn", unit="CN-ML")
        await here.hear(DeadlinePassed, **{**step, "obligation_id": "step/2"}, unit_name=BRANCH.name)
        await here.hear(DeadlinePassed, unit_name=LAND.name)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        branch, land = sorted(here.box.taken, key=lambda mail: str(mail["To"]))
        assert "bước xử lý của Chi nhánh VPĐKĐĐ Mường Lát" in text_of(branch)
        assert ": 1 bước xử lý hồ sơ đang quá hạn (1 mới báo) (" in str(branch["Subject"])
        assert ": 1 hồ sơ đang quá hạn (1 mới báo) (" in str(land["Subject"])
        assert "Phòng chuyên môn" not in text_of(land)
        await here.move_to(MONDAY_1400)
        assert len(here.box.taken) == 2

        await here.hear(DeadlineSet, unit_name=LAND.name, revision=3, due_at="2026-12-01T16:00:00+07:00")
        await here.move_to(WEDNESDAY_0730)
        [told] = here.box.taken[2:]
        assert "Mới quá hạn (1)" in text_of(told)
        assert "bước xử lý của Phòng chuyên môn" in text_of(told)
        assert "hạn được dời đến 16:00 01/12/2026" in text_of(told)


async def test_counts_and_censuses_of_deadline_are_not_for_notify(office: Open) -> None:
    async with office() as here:
        for event in (CensusTaken, EventsCounted):
            body = (GOLDEN / f"{event.subject()}.json").read_bytes()
            await bus.publish(here.client, [Outgoing(event.subject(), event.subject(), body)])
        await here.hear(DeadlinePassed)
        assert (await here.notify.status())["quarantine"] == 0


async def test_what_was_stored_before_there_were_holders_is_pressed_for_as_it_was(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        async with here.notify.engine.begin() as connection:
            await connection.execute(
                text("UPDATE notify.obligation SET doc = doc - ARRAY['parent', 'holder', 'holder_due_at', 'because']")
            )
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert [mail["To"] for mail in here.box.taken] == ["h56.12@example.vn"]


async def test_a_unit_that_becomes_known_before_the_slot_gets_its_mail(office: Open) -> None:
    async with office(units=()) as here:
        await here.hear(DeadlinePassed, unit_name="sở nnmt")
        await here.move_to(FRIDAY_1601)
        await here.hear_units(OVERSIGHT, LAND)
        await here.move_to("2026-11-23T07:00:00+07:00")
        assert [raised["flags"] for raised in await here.escalations()] == [[]]
        await here.move_to(MONDAY_0730)
        assert [mail["To"] for mail in here.box.taken] == ["h56.12@example.vn"]


async def test_where_nobody_can_be_reached_the_notice_is_kept_with_its_reason_until_somebody_can(office: Open) -> None:
    async with office(units=()) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        [notice] = await here.notices()
        assert (notice["status"], notice["reason"], here.box.taken) == ("withheld", "no_contact", [])
        await here.hear_units(OVERSIGHT, LAND)
        await here.move_to("2026-11-23T08:00:00+07:00")
        await here.move_to(MONDAY_1400)
        [mail] = here.box.taken
        assert (
            mail["Subject"]
            == "[Đôn đốc] Sở Nông nghiệp và Môi trường: 1 hồ sơ đang quá hạn (1 mới báo) (14:00 23/11/2026)"
        )
