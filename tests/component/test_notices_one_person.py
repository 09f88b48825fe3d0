"""Who heads two units has one digest of both, and two heads have two again. On real servers."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

from sqlalchemy import text

from shared.events import DeadlinePassed, Holding, ObligationEnded, UnitDescribed
from tests.component.office import (
    ENDED,
    FRIDAY_1601,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    THURSDAY_0730,
    WARDS,
    WEDNESDAY_0730,
    Office,
    Open,
    migrated,
    office,
    text_of,
)
from tests.component.test_notify_ledger import WEDNESDAY_0600, take_census
from tests.servers import free_port

__all__ = ["migrated", "office"]  # fixtures

SMALL, BIG = "14758", "14797"  # Hàm Rồng, Hạc Thành
GATEWAY = {"sms_gateway": "kannel", "sms_url": f"http://127.0.0.1:{free_port()}/"}
NEXT_MONDAY, NEXT_MONDAY_1400 = "2026-11-30T07:30:00+07:00", "2026-11-30T14:00:00+07:00"


def headed(code: str, person: str, *, revision: int = 1, **changes: Any) -> UnitDescribed:
    of = next(ward for ward in WARDS if ward.code == code)
    by = {"name": "Mẫu", "email": f"{person}@example.vn", "phone": "0900 000 123"}
    head = Holding(post=f"{code}-ct", role="head", title="Chủ tịch", person=person, **{**by, **changes})
    return of.model_copy(update={"posts": (head,), "email": None, "revision": revision})


def matter(number: int, unit: str, **changes: Any) -> dict[str, Any]:
    return {"obligation_id": f"dossier/D{number}", "subject_id": f"D{number}", "unit": unit, **changes}


def unit_of(mail: EmailMessage, code: str) -> str:
    """Return which unit the line of a matter names."""
    [line] = [line for line in text_of(mail).splitlines() if line.startswith(f"- {code} ")]
    return line.rpartition(" · ")[2]


async def told(here: Office) -> list[tuple[str, str, list[str]]]:
    """Return to whom notices went by which channel, with what they cover; without those of the level above."""
    async with here.notify.engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT split_part(recipient, '@', 1) AS recipient, channel, "
                "array_agg(i.obligation_id || ' ' || i.news) AS items "
                "FROM notify.notice n JOIN notify.notice_item i ON i.notice_id = n.id "
                "WHERE n.post <> 'TH-SNV' "
                "GROUP BY n.id ORDER BY n.slot, n.post, n.channel"
            )
        )
        return [
            (row.recipient, row.channel, [one.removeprefix("dossier/") for one in sorted(row.items)]) for row in rows
        ]


async def test_one_acting_head_of_two_communes_has_one_mail_and_one_sms_and_two_heads_have_two(office: Open) -> None:
    both = (headed(SMALL, "p"), headed(BIG, "p", kind="acting"))
    async with office(units=(OVERSIGHT, *both), **GATEWAY) as here:
        await here.hear(DeadlinePassed, **matter(1, SMALL))
        await here.hear(DeadlinePassed, **matter(2, BIG))
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert await told(here) == [("p", "email", ["D1 new", "D2 new"]), ("0900 000 123", "sms", ["D1 new", "D2 new"])]
        [mail] = here.box.taken
        summary = "[Đôn đốc] Phường Hàm Rồng và 1 đơn vị khác: 2 hồ sơ đang quá hạn (2 mới báo)"
        assert str(mail["Subject"]).startswith(summary)
        assert [unit_of(mail, code) for code in ("D1", "D2")] == ["Phường Hàm Rồng", "Phường Hạc Thành"]
        assert [notice["why"] for notice in await here.notices()] == [["passed"]] * 2
        assert "nhận thay" not in text_of(mail)
        assert "chưa có địa chỉ" not in text_of(mail)
        found = await take_census(here, WEDNESDAY_0600, ("dossier/D1", 2), ("dossier/D2", 2))
        assert (found["census"]["standings"], found["differences"]) == ({"pressed": 2}, {})

        await here.hear_units(headed(BIG, "q", revision=2, phone=None))
        await here.hear(DeadlinePassed, **matter(3, SMALL))
        await here.hear(DeadlinePassed, **matter(4, BIG))
        await here.move_to(NEXT_MONDAY)
        first = [one for one in (await told(here))[2:] if one[1] == "email"]
        assert first == [("p", "email", ["D3 new"]), ("q", "email", ["D2 new", "D4 new"])]
        subjects = {str(mail["To"]): str(mail["Subject"]) for mail in here.box.taken[1:]}
        assert "Phường Hàm Rồng: 2 hồ sơ đang quá" in subjects["p@example.vn"]
        assert "Phường Hạc Thành: 2 hồ sơ đang quá" in subjects["q@example.vn"]
        found = await take_census(here, "2026-12-01T06:00:00+07:00", *((f"dossier/D{n}", 2) for n in (1, 2, 3, 4)))
        assert (found["census"]["standings"], found["differences"]) == ({"pressed": 4}, {})

        await here.hear(ObligationEnded, **{**ENDED, **matter(2, BIG)})
        await here.move_to("2026-12-01T07:30:00+07:00")
        last = [one for one in (await told(here)) if "D2 settled" in one[2]]
        assert [(one[0], one[1]) for one in last if one[1] == "email"] == [("p", "email"), ("q", "email")]


async def test_who_comes_to_head_another_unit_reads_of_both_in_one_digest_and_counts_both(office: Open) -> None:
    async with office(units=(OVERSIGHT, headed(SMALL, "r"), headed(BIG, "p"))) as here:
        await here.hear(DeadlinePassed, **matter(1, SMALL))
        await here.hear(DeadlinePassed, **matter(2, BIG))
        await here.hear(DeadlinePassed, **matter(5, BIG))
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.hear_units(headed(SMALL, "p", revision=2))
        await here.hear(DeadlinePassed, **matter(3, BIG))
        await here.hear(ObligationEnded, **{**ENDED, **matter(2, BIG)})
        await here.move_to(MONDAY_1400)
        assert (await told(here))[2:] == [("p", "email", ["D2 settled", "D3 new"])]
        assert "3 hồ sơ đang quá hạn (1 mới báo), 1 không còn quá hạn" in str(here.box.taken[-1]["Subject"])
        census = [("dossier/D1", 2), ("dossier/D3", 2), ("dossier/D5", 2)]
        assert (await take_census(here, WEDNESDAY_0600, *census))["differences"] == {}
        await here.move_to(WEDNESDAY_0730)
        await here.hear_units(headed(SMALL, "r", revision=3))
        await here.hear(ObligationEnded, **{**ENDED, **matter(5, BIG)})
        await here.hear(DeadlinePassed, **matter(6, BIG))
        await here.move_to(THURSDAY_0730)
        census = [("dossier/D1", 2), ("dossier/D3", 2), ("dossier/D6", 2)]
        # D3 is where its head is now; who heads the other unit hears nothing of it
        assert (await told(here))[3:] == [("p", "email", ["D3 changed", "D5 settled", "D6 new"])]
        assert "2 hồ sơ đang quá hạn" in str(here.box.taken[-1]["Subject"])
        assert (await take_census(here, "2026-11-27T06:00:00+07:00", *census))["differences"] == {}
