"""A dry run of a policy against what happened, over HTTP on real servers."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import yaml
from sqlalchemy import text

from services.notify.policies.file import CARRIED
from shared.events import DeadlineNear, DeadlinePassed, ObligationEnded
from tests.component import harness
from tests.component.office import (
    ENDED,
    FRIDAY_1601,
    MONDAY_0730,
    MONDAY_1400,
    THURSDAY_0730,
    WEDNESDAY_0730,
    WEDNESDAY_1400,
    Office,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
)

FROM, TO = "2026-11-19T00:00:00+07:00", "2026-11-27T00:00:00+07:00"
PRESENT = CARRIED.read_text("utf-8")


def caller(here: Office) -> httpx.AsyncClient:
    return harness.caller(here.notify)


async def run(here: Office, policy: str, **changes: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    async with caller(here) as http:
        asked = {"policy": policy, "from": FROM, "to": TO, **changes}
        answer = await http.post("/v1/policy/dry-runs", json=asked)
        assert answer.status_code == 200, answer.text
    lines = [orjson.loads(line) for line in answer.text.splitlines()]
    return [line["row"] for line in lines if "row" in line], lines[-1]["report"]


async def happens(here: Office) -> None:
    """Let three dossiers go their ways: near and late, late and settled, settled before its slot."""
    ids = [{"obligation_id": f"dossier/{n}", "subject_id": f"{n}"} for n in "ABC"]
    await here.hear(DeadlineNear, **ids[0], timing="on_time", near_at="2026-11-20T16:00:00+07:00")
    for one in ids[1:]:
        await here.hear(DeadlinePassed, **one)
    await here.move_to(FRIDAY_1601)
    await here.hear(ObligationEnded, **ids[2], **ENDED)
    await here.move_to(MONDAY_0730)
    await here.hear(ObligationEnded, **ids[1], **{**ENDED, "revision": 4})
    for instant in (MONDAY_1400, WEDNESDAY_0730, WEDNESDAY_1400, "2026-11-25T16:00:00+07:00", THURSDAY_0730):
        await here.move_to(instant)


async def test_the_present_policy_tried_tells_what_was_really_told(office: Open) -> None:  # noqa: F811
    async with office() as here:
        ids = [{"obligation_id": f"dossier/{n}", "subject_id": f"{n}"} for n in "AB"]
        for one in ids:
            await here.hear(DeadlinePassed, **one)
        for instant in (FRIDAY_1601, MONDAY_0730, WEDNESDAY_0730, "2026-11-25T16:00:00+07:00", THURSDAY_0730):
            await here.move_to(instant)
        before = await state(here)
        rows, report = await run(here, PRESENT)
        really = [(n["unit"], n["slot"], n["items"], n["role"]) for n in await here.notices()]
        for which in ("tried", "present"):
            said = [(r["post"], utc(r["at"]), r["items"], r["role"]) for r in rows if r["policy"] == which]
            assert said == [(unit, utc(slot), items, role) for unit, slot, items, role in really]
        assert report["differences"]["notices"] == 0
        assert [(one["role"], one["status"], one["notices"]) for one in report["really"]] == [
            ("head", "sent", 1),
            ("superior", "sent", 1),
        ]
        assert await state(here) == before


def utc(instant: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(instant)


async def state(here: Office) -> list[Any]:
    """Return what notify holds, to see that a dry run changes nothing."""
    async with here.notify.engine.connect() as connection:
        found = []
        for table in ("obligation", "line", "notice", "in_force"):
            rows = await connection.execute(text(f"SELECT * FROM notify.{table}"))
            found.append(sorted(map(str, rows.all())))
        return found


async def test_another_policy_is_told_beside_the_present_one_with_what_it_cannot_know(office: Open) -> None:  # noqa: F811
    async with office() as here:
        await happens(here)
        given = yaml.safe_load(PRESENT)
        given["version"] = "tried"
        given["ladders"]["dossier"] = {"levels": [{"level": 1, "tell": "head", "at_once": True}]}
        rows, report = await run(here, yaml.safe_dump(given))
        assert report["versions"] == {"tried": "tried", "present": "5"}
        assert report["totals"]["tried"]["by_role"].keys() == {"head"}
        assert report["differences"]["only_present"] == ["TH-SNV"]
        assert next(row["at"] for row in rows if row["policy"] == "tried") == "2026-11-20T16:00:01+07:00"
        assert any("directory" in limit for limit in report["limits"])


async def test_what_was_open_before_the_stream_begins_is_not_told_as_new(office: Open) -> None:  # noqa: F811
    async with office() as here:
        await here.hear(DeadlinePassed, obligation_id="dossier/OLD", subject_id="OLD")
        await here.move_to(FRIDAY_1601)
        url = here.client.connected_url
        assert url
        async with harness.connected(url.geturl()) as client:
            await client.jetstream().purge_stream("DEADLINE")
        rows, report = await run(here, PRESENT, **{"from": MONDAY_0730})
        assert [(row["post"], row["levels"]) for row in rows if row["policy"] == "tried"] == [("TH-SNV", {"2": 1})]
        assert report["read"] == 0


async def test_a_wrong_policy_and_a_wrong_time_are_refused_with_a_sentence(office: Open) -> None:  # noqa: F811
    async with office() as here, caller(here) as http:
        wrong = {"policy": PRESENT.replace("tell: superior", "tell: chairman"), "from": FROM, "to": TO}
        answer = await http.post("/v1/policy/dry-runs", json=wrong)
        assert (answer.status_code, "line 27: ladders.dossier.levels.1.tell: the Chairman" in answer.text) == (
            422,
            True,
        )
        answer = await http.post("/v1/policy/dry-runs", json={"policy": PRESENT, "from": TO, "to": FROM})
        assert (answer.status_code, "up to 92 days" in answer.text) == (422, True)


async def test_two_runs_at_a_time_do_not_get_in_each_others_way(office: Open) -> None:  # noqa: F811
    async with office() as here:
        await happens(here)
        async with caller(here) as http:
            asked = {"policy": PRESENT, "from": FROM, "to": TO}
            answers = await asyncio.gather(*(http.post("/v1/policy/dry-runs", json=asked) for _ in range(2)))
        assert sorted(answer.status_code for answer in answers) in ([200, 200], [200, 409])
        again = await run(here, PRESENT)
        assert again[1]["read"] > 0
