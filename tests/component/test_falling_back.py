"""Who is told when a notice does not arrive: the other channel, the deputy, the head above, the operator; each once."""

# ruff: noqa: F811 - fixtures are taken by name

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.notify.receipts import falling_back
from services.notify.settings import NotifySettings
from shared import db
from shared.events import DeadlinePassed, ObligationEnded
from tests.component import harness
from tests.component.office import (
    DOSSIER,
    ENDED,
    FRIDAY_1601,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    Office,
    Open,
    at,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
    text_of,
    unit,
)
from tests.component.receiving import (
    DEPUTY,
    HEAD,
    RULES,
    STAFFED,
    UNITS,
    Gateway,
    by_channel,
    cases,
    gateway,
    instead,
    refuse,
    rows,
    tell,
)

OVERSEER = "th-snv@example.vn"


@pytest_asyncio.fixture
async def sms() -> AsyncIterator[Gateway]:
    async with gateway() as made:
        yield made


def monday(clock: str) -> str:
    return f"2026-11-23T{clock}:00+07:00"


async def told(here: Office) -> None:
    await here.hear(DeadlinePassed)
    await here.move_to(FRIDAY_1601)
    await here.move_to(MONDAY_0730)


async def test_the_whole_road_from_the_heads_mail_to_the_operator(
    office: Open, sms: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, HEAD, DEPUTY, OVERSEER)
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        both = await by_channel(here)
        assert (both["email"]["status"], both["sms"]["receipt"]) == ("failed", "pending")
        await here.move_to(monday("07:31"))
        assert (await by_channel(here))["email"]["fallback"] == "covered"  # the SMS is on its way
        assert await instead(here) == []

        await tell(here, sms.taken[0], 2)
        await here.move_to(monday("07:32"))
        assert (await by_channel(here))["sms"]["fallback"] == "next_person"
        [deputys] = await instead(here)
        assert (deputys["unit"], deputys["channel"], deputys["why"], deputys["status"]) == (
            "H56.12", "email", ["next_person"], "failed",
        )  # fmt: skip
        assert deputys["instead_of"] == both["sms"]["notice_id"]
        await here.move_to(monday("07:33"))
        _, overseers = await instead(here)
        assert (overseers["unit"], overseers["role"], overseers["status"]) == ("TH-SNV", "superior", "failed")
        assert await cases_of(here, "undelivered") == []
        await here.move_to(monday("07:34"))
        assert await cases_of(here, "undelivered") == [("H56.12", "")]
        await here.move_to(MONDAY_1400)
        assert len(await instead(here)) == 2
        assert here.box.taken == []
        assert [notice["fallback"] for notice in await instead(here)] == ["next_person", "operator"]


async def cases_of(here: Office, kind: str) -> list[tuple[str, str]]:
    return [(unit, outcome) for of, unit, outcome in await cases(here) if of == kind]


async def test_the_deputy_reads_why_and_which_matters(
    office: Open, sms: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, HEAD)
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        await here.move_to(monday("08:01"))  # nothing is heard of the SMS
        await here.move_to(monday("08:02"))
        [mail] = here.box.taken
        assert mail["To"] == DEPUTY
        assert mail["Subject"] == (
            "[Đôn đốc] Sở Nông nghiệp và Môi trường: 1 việc cần xử lý, thông báo trước chưa đến nơi nhận "
            "(07:30 23/11/2026)"
        )
        text = text_of(mail)
        assert "Thông báo gửi người đứng đầu Sở Nông nghiệp và Môi trường" in text
        assert f"- {DOSSIER} · hồ sơ · Đất đai · 1.012753 · hạn 16:00 20/11/2026 · quá hạn 2 giờ làm việc" in text
        assert "là người thay mặt người đứng đầu đơn vị khi hệ thống chưa báo được" in text
        [notice] = await instead(here)
        assert notice["covers"] == [{"obligation_id": f"dossier/{DOSSIER}", "revision": 2, "level": 1, "news": "new"}]


async def test_a_refused_mail_of_a_head_without_sms_beside_it_becomes_an_sms(
    office: Open, sms: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, HEAD)
    async with office(units=UNITS, **sms.settings()) as here:
        await here.hear(DeadlinePassed, near_at=monday("07:00"), due_at=monday("16:00"), timing="due_soon")
        await here.move_to(monday("07:00"))
        await here.move_to(MONDAY_0730)  # near: a mail alone
        await here.move_to(monday("07:31"))
        [notice] = await instead(here)
        assert (notice["channel"], notice["why"], notice["status"]) == ("sms", ["other_channel"], "sent")
        assert sms.taken[0]["text"] == (
            "Don doc - So Nong nghiep va Moi truong: 1 viec can xu ly. "
            "Thu dien tu 07:30 23/11 chua den noi nhan, de nghi kiem tra."
        )


async def test_a_late_receipt_after_all_ends_what_it_began(
    office: Open, sms: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, HEAD, DEPUTY, OVERSEER)
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        for clock in ("08:01", "08:02", "08:03", "08:04"):
            await here.move_to(monday(clock))
        assert await cases_of(here, "undelivered") == [("H56.12", "")]
        await tell(here, sms.taken[0], 1)
        assert (await by_channel(here))["sms"]["receipt"] == "delivered"
        assert await cases_of(here, "undelivered") == [("H56.12", "delivered")]
        outcomes = await rows(here, "SELECT outcome FROM notify.receipt_heard")
        assert [row.outcome for row in outcomes] == ["late"]
        await tell(here, sms.taken[0], 2)
        await here.move_to(MONDAY_1400)
        assert (await by_channel(here))["sms"]["receipt"] == "delivered"
        assert len(await instead(here)) == 2


async def test_a_receipt_that_comes_while_the_substitute_waits_withdraws_it(
    office: Open, sms: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, HEAD)
    given = NotifySettings(**sms.settings())  # type: ignore[arg-type]
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        await here.move_to(monday("07:59"))
        async with db.transaction(here.notify.engine) as connection:
            await falling_back.sweep(connection, at(monday("08:01")), rules=RULES, settings=given)
            await connection.exec_driver_sql(
                "UPDATE notify.notice SET next_try_at = next_try_at + interval '1 hour' WHERE instead_of <> ''"
            )
        await tell(here, sms.taken[0], 1)
        [notice] = await instead(here)
        assert (notice["status"], notice["reason"]) == ("withheld", "arrived")
        assert here.box.taken == []


async def test_what_was_settled_meanwhile_is_told_to_nobody(
    office: Open, sms: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, HEAD)
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        await here.hear(ObligationEnded, **ENDED)
        await tell(here, sms.taken[0], 2)
        await here.move_to(monday("07:45"))
        assert (await by_channel(here))["sms"]["fallback"] == "settled"
        assert await instead(here) == []


async def test_several_copies_decide_once(office: Open, sms: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, HEAD)
    given = NotifySettings(**sms.settings())  # type: ignore[arg-type]
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        await tell(here, sms.taken[0], 2)

        async def copy() -> int:
            async with db.transaction(here.notify.engine) as connection:
                said, _ = await falling_back.sweep(connection, at(monday("07:40")), rules=RULES, settings=given)
                return sum(event.subject == "notify.notice_stored.v1" for event in said)

        assert sum(await asyncio.gather(*(copy() for _ in range(5)))) == 1
        await here.settle()
        assert len(await instead(here)) == 1
        assert len(here.box.taken) == 1


async def test_at_noon_and_at_night_it_waits_until_offices_open(
    office: Open, sms: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, HEAD)
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        await here.move_to(monday("07:59"))
        async with db.transaction(here.notify.engine) as connection:
            await connection.exec_driver_sql(
                f"UPDATE notify.notice SET fallback_at = '{monday('12:00')}' WHERE channel = 'sms'"
            )
        await here.move_to(monday("12:15"))
        assert await instead(here) == []
        found = await rows(here, "SELECT fallback_at FROM notify.notice WHERE fallback_at IS NOT NULL")
        assert [row.fallback_at for row in found] == [at(monday("13:30"))]
        await here.move_to(monday("13:30"))
        assert len(await instead(here)) == 1


async def test_many_heads_not_reached_at_once_are_an_outage_and_not_as_many_letters_to_the_head_above(
    office: Open, sms: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = [unit(f"H56.{number}") for number in range(30, 37)]
    refuse(monkeypatch, *(one.email or "" for one in units))
    async with office(units=(OVERSIGHT, *units), **sms.settings()) as here:
        for one in units:
            about = f"dossier/{one.code}"
            await here.hear(DeadlinePassed, obligation_id=about, subject_id=one.code, unit=one.code)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.move_to(monday("07:31"))
        assert [mail["To"] for mail in here.box.taken] == [OVERSEER] * 5
        assert len(await cases_of(here, "undelivered")) == 2


async def test_a_substitute_is_no_digest_of_its_slot(
    office: Open, sms: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head above gets its own digest of the same slot all the same."""
    refuse(monkeypatch, HEAD, DEPUTY)
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        await tell(here, sms.taken[0], 2)
        await here.move_to(monday("07:32"))
        await here.move_to(monday("07:33"))
        assert [mail["To"] for mail in here.box.taken] == [OVERSEER]
        await here.move_to("2026-11-25T16:00:00+07:00")
        await here.move_to("2026-11-26T07:30:00+07:00")
        assert [mail["To"] for mail in here.box.taken] == [OVERSEER, OVERSEER]
        kinds = [event["type"] for event in await harness.said(here.client, "NOTIFY")]
        assert kinds.count("notify.notice_failed.v1") == 3  # the head's mail and SMS, the deputy's mail
        assert STAFFED.email is None
