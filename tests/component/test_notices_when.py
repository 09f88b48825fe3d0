"""When a notice leaves: at once, after quiet hours, within caps, not while its source is silent. On real servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from services.notify.policies.file import CARRIED
from shared import bus
from shared.cloudevents import outgoing
from shared.events import DeadlinePassed, ObligationEnded, SourceHeard, SourceSilent, SourceState
from tests.component.office import (
    DOSSIER,
    ENDED,
    FRIDAY_1600,
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    WEDNESDAY_0730,
    Office,
    Open,
    at,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
    text_of,
)

MONDAY_0700 = "2026-11-23T07:00:00+07:00"
SATURDAY = "2026-11-21T09:00:00+07:00"

Write = Callable[..., Path]


@pytest.fixture
def policy(tmp_path: Path) -> Write:
    def written(*, at_once: bool = False, **changes: Any) -> Path:
        document = yaml.safe_load(CARRIED.read_text("utf-8")) | changes
        for level in document["ladders"]["dossier"]["levels"]:
            level["at_once"] = at_once
        path = tmp_path / "policy.yaml"
        path.write_text(yaml.safe_dump(document))
        return path

    return written


async def source(here: Office, event: type[SourceState], *, revision: int, **more: Any) -> None:
    data = {"source": "motcua-1", "revision": revision, "since": FRIDAY_1600, "usual_gap_s": 3600, **more}
    said = outgoing(event, id=f"motcua-1:{revision}", about="motcua-1", time=at(FRIDAY_1600), data=data)
    await bus.publish(here.client, [said])
    await here.settle()


async def held(here: Office) -> list[str]:
    async with here.notify.engine.connect() as connection:
        rows = await connection.execute(text("SELECT held FROM notify.line WHERE news IS NOT NULL ORDER BY 1"))
        return list(rows.scalars())


async def test_a_grave_level_is_told_at_once_and_what_was_told_at_once_is_ended_at_once(
    office: Open,  # noqa: F811 - the fixture
    policy: Write,
) -> None:
    async with office(policy=policy(at_once=True)) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        [mail] = here.box.taken
        assert "1 hồ sơ đang quá hạn (1 mới báo) (16:01 20/11/2026)" in str(mail["Subject"])
        await here.hear(ObligationEnded, **{**ENDED, "ended_at": FRIDAY_1601})
        await here.move_to("2026-11-20T16:15:00+07:00")
        assert "1 hồ sơ không còn quá hạn" in str(here.box.taken[1]["Subject"])
        notices = await here.notices()
        assert [(notice["kind"], notice["why"]) for notice in notices] == [
            ("at_once", ["passed"]),
            ("at_once", ["settled"]),
        ]
        assert len({notice["notice_id"] for notice in notices}) == 2
        await here.move_to(MONDAY_0730)
        assert len(here.box.taken) == 2


async def test_what_goes_at_once_leaves_the_slot_its_digest_even_at_the_same_instant(
    office: Open,  # noqa: F811 - the fixture
    policy: Write,
) -> None:
    async with office(policy=policy(at_once=True)) as here:
        report = {"obligation_id": "report/1", "kind": "report", "subject_id": "BC-1", "due_at": FRIDAY_1600}
        await here.hear(DeadlinePassed, **report)
        await here.move_to(FRIDAY_1601)
        assert here.box.taken == []
        await here.move_to(MONDAY_0730)
        await here.hear(DeadlinePassed, due_at=FRIDAY_1600)
        await here.notify.sweep_up_to(at(MONDAY_0730))
        await here.settle()
        kinds = sorted((notice["kind"], notice["items"]) for notice in await here.notices())
        assert kinds == [("at_once", 1), ("digest", 1)]
        assert DOSSIER in text_of(here.box.taken[1])
        assert "Ngoài ra" not in text_of(here.box.taken[1])
        await here.hear(ObligationEnded, **{**ENDED, **report, "revision": 3})
        await here.move_to("2026-11-23T08:00:00+07:00")
        assert len(here.box.taken) == 2
        await here.move_to(MONDAY_1400)
        assert "BC-1" in text_of(here.box.taken[2])


async def test_quiet_hours_hold_what_would_go_at_once_and_release_it_at_their_end(office: Open, policy: Write) -> None:  # noqa: F811 - the fixture
    async with office(policy=policy(at_once=True)) as here:
        await here.hear(DeadlinePassed, due_at="2026-11-20T21:00:00+07:00")
        await here.move_to("2026-11-20T21:01:00+07:00")
        assert here.notify.timers["notify"] == at(MONDAY_0700)
        await here.move_to(SATURDAY)
        assert here.box.taken == []
        await here.move_to(MONDAY_0700)
        await here.move_to(MONDAY_0730)
        assert [notice["slot"] for notice in await here.notices()] == ["2026-11-23T00:00:00Z"]


async def test_over_the_cap_of_a_person_news_waits_for_the_next_days_first_slot(office: Open, policy: Write) -> None:  # noqa: F811 - the fixture
    async with office(policy=policy(caps={"per_person": 1, "per_number": 1})) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.hear(ObligationEnded, **ENDED)
        await here.move_to(MONDAY_1400)
        assert (len(here.box.taken), await held(here)) == (1, ["over_cap"])
        assert here.notify.timers["notify"] == at(WEDNESDAY_0730)
        await here.move_to(WEDNESDAY_0730)
        assert "không còn quá hạn" in str(here.box.taken[1]["Subject"])


async def test_over_the_cap_of_a_number_the_sms_is_withheld_and_the_mail_goes(office: Open, policy: Write) -> None:  # noqa: F811 - the fixture
    land = LAND.model_copy(update={"phone": "0900 000 123"})
    how = {"policy": policy(caps={"per_number": 1}), "sms_gateway": "kannel", "send": "record"}
    async with office(units=(OVERSIGHT, land), **how) as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.hear(DeadlinePassed, obligation_id="dossier/2", subject_id="2")
        await here.move_to("2026-11-23T08:00:00+07:00")
        await here.move_to(MONDAY_1400)
        found = [(notice["channel"], notice["status"], notice["reason"]) for notice in await here.notices()]
        assert sorted(found[2:]) == [("email", "recorded", "recording_mode"), ("sms", "withheld", "over_cap")]


async def test_while_a_source_is_silent_first_news_of_it_waits_and_what_was_told_goes_on(office: Open) -> None:  # noqa: F811 - the fixture
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await source(here, SourceSilent, revision=1)
        for number in range(2):
            await here.hear(DeadlinePassed, obligation_id=f"dossier/{number}", subject_id=f"M{number}")
        await here.hear(DeadlinePassed, obligation_id="dossier/3", subject_id="M3", source="motcua-2")
        await here.move_to("2026-11-23T08:00:00+07:00")
        await here.move_to(MONDAY_1400)
        [mail] = here.box.taken[1:]
        assert ("M3" in text_of(mail), "M0" in text_of(mail)) == (True, False)
        assert "2 hồ sơ đang quá hạn (1 mới báo)" in str(mail["Subject"])
        assert await held(here) == ["feed_silent", "feed_silent"]

        await here.hear(ObligationEnded, **ENDED)
        await here.move_to(WEDNESDAY_0730)
        told = text_of(here.box.taken[2])
        assert ("Không còn quá hạn (1)" in told, "M0" in told) == (True, False)
        assert "(nguồn: motcua-1, đang không gửi dữ liệu)" in told

        await source(here, SourceHeard, revision=2, at=WEDNESDAY_0730, because="heard")
        await source(here, SourceSilent, revision=1)
        await here.move_to("2026-11-25T08:00:00+07:00")
        assert len(here.box.taken) == 3
        await here.move_to("2026-11-25T14:00:00+07:00")
        [released] = [mail for mail in here.box.taken[3:] if "Mới quá hạn (2)" in text_of(mail)]
        assert "đang không gửi" not in text_of(released)
        assert await held(here) == []
