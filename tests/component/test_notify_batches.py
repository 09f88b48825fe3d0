"""A slot with more to say than one transaction holds: levels, lines and digests go in batches, and none is left."""

from __future__ import annotations

from collections import Counter

import pytest

from services.notify.sweeping import sweep
from shared.events import DeadlinePassed
from tests.component.office import (
    FRIDAY_1601,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    Office,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
    unit,
)

UNITS = tuple(unit(f"H56.{number}", name=f"Sở số {number}") for number in (21, 22, 23))
OF_EACH = 3


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "LEVELS_AT_ONCE", 2)
    monkeypatch.setattr(sweep, "LINES_AT_ONCE", 3)
    monkeypatch.setattr(sweep, "POSTS_AT_ONCE", 2)


async def hear_of_each(here: Office) -> None:
    for of in UNITS:
        for number in range(OF_EACH):
            await here.hear(DeadlinePassed, obligation_id=f"dossier/{of.code}-{number}", unit=of.code)


async def covered(here: Office) -> Counter[str]:
    return Counter(item["obligation_id"] for notice in await here.notices() for item in notice["covers"])


async def test_what_fills_several_batches_is_told_in_one_digest_a_head(
    office: Open,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep, "POSTS_AT_ONCE", 1)
    async with office(units=(OVERSIGHT, *UNITS)) as here:
        await hear_of_each(here)
        await here.move_to(MONDAY_0730)
        assert sorted(mail["To"] for mail in here.box.taken) == [f"h56.{number}@example.vn" for number in (21, 22, 23)]
        assert [notice["items"] for notice in await here.notices()] == [OF_EACH] * len(UNITS)
        assert set((await covered(here)).values()) == {1}
        assert len(await covered(here)) == OF_EACH * len(UNITS)


async def test_after_a_change_of_the_directory_all_waiting_lines_are_addressed_anew(office: Open) -> None:  # noqa: F811
    async with office(units=(OVERSIGHT, *UNITS)) as here:
        await hear_of_each(here)
        await here.move_to(FRIDAY_1601)
        gone = [of.model_copy(update={"revision": 2, "email": None}) for of in UNITS]
        await here.hear_units(*gone)
        await here.move_to(MONDAY_0730)
        [mail] = here.box.taken
        assert mail["To"] == "th-snv@example.vn"
        assert len(await covered(here)) == OF_EACH * len(UNITS)


async def test_of_heads_in_one_batch_only_those_whom_mail_reaches_count_as_told(office: Open) -> None:  # noqa: F811
    silent = [of.model_copy(update={"email": None}) for of in (OVERSIGHT, UNITS[0])]
    async with office(units=(*silent, *UNITS[1:])) as here:
        await hear_of_each(here)
        await here.move_to(MONDAY_0730)
        assert sorted(notice["status"] for notice in await here.notices()) == ["sent", "sent", "withheld"]
        await here.hear_units(UNITS[0].model_copy(update={"revision": 2}))
        await here.move_to(MONDAY_1400)
        assert sorted(mail["To"] for mail in here.box.taken) == [f"h56.{number}@example.vn" for number in (21, 22, 23)]
        assert Counter((await covered(here)).values()) == {1: 2 * OF_EACH, 2: OF_EACH}
