"""Answers under policies that change, and how the ledger names what rests, on real servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.notify.policies.file import CARRIED
from shared.events import DeadlinePassed
from tests.component.answering import desk
from tests.component.office import FRIDAY_1601, MONDAY_0730, Open, at
from tests.component.office import migrated as migrated
from tests.component.office import office as office
from tests.component.test_answering import FRIDAY_2400, told_on_monday
from tests.component.test_notify_ledger import ID, WEDNESDAY_0600, sql, take_census

LEVEL_1: dict[str, Any] = {"level": 1, "tell": "head"}
LEVEL_2: dict[str, Any] = {"level": 2, "tell": "superior"}


def write(folder: Path, *ladders: tuple[str | None, dict[str, Any]]) -> Path:
    """Write the carried policy with other ladders of dossiers, each from its day on."""
    given = yaml.safe_load(CARRIED.read_text("utf-8"))
    documents = [
        {**given, "ladders": {**given["ladders"], "dossier": ladder}} | ({"valid_from": day} if day else {})
        for day, ladder in ladders
    ]
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump_all(documents, allow_unicode=True), "utf-8")
    return file


async def test_a_promise_holds_under_the_next_policy_too_and_is_missed_in_time(office: Open, tmp_path: Path) -> None:
    slow = {"levels": [LEVEL_1, {**LEVEL_2, "after": {"working_days": 9}}]}
    quick = {"levels": [LEVEL_1, {**LEVEL_2, "after": {"working_days": 1}}], "repeat": REPEAT}
    async with desk(office, policy=write(tmp_path, (None, slow), ("2026-11-25", quick))) as at_work:
        await at_work.promise(await told_on_monday(at_work))
        for instant in ("2026-11-25T00:00:00+07:00", "2026-11-25T17:00:00+07:00", "2026-11-26T17:00:00+07:00"):
            await at_work.office.move_to(instant)
        [escalation] = await at_work.office.escalations()
        assert (escalation["level"], escalation["flags"]) == (1, ["promised"])
        assert at(escalation["next_level_at"]) == at(FRIDAY_2400)
        assert len(at_work.office.box.taken) == 1
        await at_work.office.move_to(FRIDAY_2400)
        assert (await at_work.states(), await at_work.levels()) == ([("promise", "missed")], [2])


REPEAT = {"every_working_days": 1, "at_most": 9}


@pytest.mark.parametrize(("promise", "reason"), [(True, "promised"), (False, "stopped")])
async def test_the_ledger_names_why_a_ladder_rests(office: Open, tmp_path: Path, *, promise: bool, reason: str) -> None:
    policy = write(tmp_path, (None, {"levels": [LEVEL_1], "stop": {"after_working_days": 1}}))
    async with desk(office, policy=policy) as at_work:
        here = at_work.office
        path = await told_on_monday(at_work)
        if promise:
            await at_work.promise(path)
        await here.move_to("2026-11-23T16:01:00+07:00")
        found = await take_census(here, "2026-11-23T17:00:00+07:00", (ID, 2))
        assert found["census"]["standings"] == {"pressed": 1}
        await sql(here, "UPDATE notify.notice SET status = 'recorded'")
        found = await take_census(here, WEDNESDAY_0600, (ID, 2))
        assert found["census"]["standings"] == {reason: 1}


async def test_an_answer_from_below_is_no_reason_for_what_was_raised_above_it(office: Open, tmp_path: Path) -> None:
    levels = [LEVEL_1, {**LEVEL_2, "after": {"working_days": 1}}]
    async with desk(office, policy=write(tmp_path, (None, {"levels": levels}))) as at_work:
        here = at_work.office
        await here.hear(DeadlinePassed)
        for instant in (FRIDAY_1601, MONDAY_0730, "2026-11-23T16:01:00+07:00"):
            await here.move_to(instant)
        assert (await at_work.promise(at_work.link(0))).status_code == 200
        await here.move_to("2026-11-25T07:30:00+07:00")
        await sql(here, "UPDATE notify.notice SET status = 'recorded'")
        found = await take_census(here, "2026-11-25T08:00:00+07:00", (ID, 2))
        assert found["census"]["standings"] == {"recorded": 1}
