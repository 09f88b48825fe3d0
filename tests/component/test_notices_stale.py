"""Notices that no relay takes for half an hour are made anew from the present, or withdrawn. On real servers."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from sqlalchemy import text

from services.notify.policies import file as policy_file
from services.notify.pressing.rules import Rules
from services.notify.sending import delivery
from services.notify.sweeping import refreshing
from shared.events import DeadlinePassed, DeadlineSet, ObligationEnded
from shared.worktime import vietnam
from tests.component import harness
from tests.component.office import (
    DOSSIER,
    ENDED,
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    WARDS,
    Office,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
    smtp_server,
    text_of,
)

RULES = Rules(policy_file.load(None).several[0], vietnam())
OTHER = {"obligation_id": "dossier/OTHER", "subject_id": "OTHER"}


@pytest.fixture
def waiting(office: Open, monkeypatch: pytest.MonkeyPatch) -> Open:  # noqa: F811 - the fixture
    """An office without a relay, which tries each notice once."""

    @contextlib.asynccontextmanager
    async def opened(**how: Any) -> Any:
        async with office(relay=False, **how) as here:
            monkeypatch.setattr(delivery, "RETRY_SECONDS", (3600,))
            yield here

    return opened


async def run(here: Office, statement: str) -> None:
    async with here.notify.engine.begin() as connection:
        await connection.execute(text(statement))


async def refresh(here: Office, *, after_minutes: int = 31) -> int:
    """Look for stale notices as if they had waited so long; returns how many events were said."""
    await run(
        here,
        f"UPDATE notify.notice SET added_at = clock_timestamp() - interval '{after_minutes} min', rendered_at = NULL",
    )
    said: list[Any] = []

    async def work(connection: Any) -> list[Any]:
        said.extend(await refreshing.refresh(connection, at=here.notify.clock.now(), rules=RULES))
        return said

    await here.notify.commit(work, cause="test")
    return len(said)


async def reach_slot(here: Office) -> None:
    await here.move_to(FRIDAY_1601)
    await here.move_to(MONDAY_0730)


async def send(here: Office) -> None:
    await run(here, "UPDATE notify.notice SET next_try_at = clock_timestamp(), leased_until = NULL, lease = NULL")
    with smtp_server(here.box, here.port):
        await here.settle()


async def test_a_stale_notice_says_what_is_so_now_under_the_same_message_id(waiting: Open) -> None:
    async with waiting() as here:
        await here.hear(DeadlinePassed)
        await here.hear(DeadlinePassed, **OTHER)
        await reach_slot(here)
        [before] = await here.notices()
        await here.hear(ObligationEnded, **ENDED)
        await here.hear(DeadlineSet, **OTHER, revision=4, due_at="2026-11-19T16:00:00+07:00")
        assert await refresh(here, after_minutes=29) == 0
        assert await refresh(here) == 1
        [again] = await here.notices()
        assert (again["notice_id"], again["items"], again["status"]) == (before["notice_id"], 1, "stored")
        assert again["revision"] == before["revision"] + 1
        assert [(item["obligation_id"], item["revision"]) for item in again["covers"]] == [("dossier/OTHER", 4)]
        await send(here)
        [mail] = here.box.taken
        assert mail["Message-ID"] == f"<{before['notice_id']}@dondoc.example.vn>"
        assert ("hạn 16:00 19/11/2026" in text_of(mail), DOSSIER in text_of(mail)) == (True, False)


async def test_a_stale_notice_of_which_nothing_remains_is_withdrawn_and_nobody_hears_of_its_end(
    waiting: Open,
) -> None:
    async with waiting() as here:
        await here.hear(DeadlinePassed)
        await reach_slot(here)
        await here.hear(ObligationEnded, **ENDED)
        assert await refresh(here) == 1
        [notice] = await here.notices()
        assert (notice["status"], notice["reason"]) == ("withdrawn", "nothing_left")
        with smtp_server(here.box, here.port):
            await here.move_to(MONDAY_1400)
        assert (len(await here.notices()), here.box.taken) == (1, [])
        kinds = [event["type"] for event in await harness.said(here.client, "NOTIFY")]
        assert kinds.count("notify.notice_withheld.v1") == 1


async def test_a_notice_that_a_provider_may_have_is_left_alone(waiting: Open) -> None:
    async with waiting() as here:
        await here.hear(DeadlinePassed)
        await reach_slot(here)
        await here.hear(ObligationEnded, **ENDED)
        await run(here, "UPDATE notify.notice SET lease = 'x', leased_until = clock_timestamp() + interval '1 min'")
        assert await refresh(here) == 0
        await run(
            here, "UPDATE notify.notice SET leased_until = clock_timestamp() - interval '1 s', next_try_at = 'infinity'"
        )
        assert await refresh(here) == 0, "who was about to hand it over died"
        await run(here, "UPDATE notify.notice SET lease = NULL, leased_until = NULL, unsure = true")
        assert await refresh(here) == 0
        await run(here, "UPDATE notify.notice SET unsure = false")
        assert await refresh(here) == 1


async def test_what_went_over_to_another_unit_leaves_the_stale_notice_of_the_first(waiting: Open) -> None:
    async with waiting(units=(OVERSIGHT, LAND, *WARDS)) as here:
        await here.hear(DeadlinePassed, unit_name="Phường Hạc Thành")
        await reach_slot(here)
        await here.hear(DeadlineSet, unit_name="Phường Hàm Rồng", revision=3)
        await refresh(here)
        await here.hear(ObligationEnded, **{**ENDED, "unit_name": "Phường Hàm Rồng", "revision": 4})
        with smtp_server(here.box, here.port):
            await here.move_to(MONDAY_1400)
        assert [(notice["unit"], notice["status"]) for notice in await here.notices()] == [("14797", "withdrawn")]
