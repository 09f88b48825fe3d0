"""What in a policy is told as odd, with its line."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from services.notify.policies import file as policy_file
from services.notify.policies.file import CARRIED
from services.notify.policies.odd import odd

GIVEN: dict[str, Any] = yaml.safe_load(CARRIED.read_text("utf-8"))
LEVEL: dict[str, Any] = {"level": 1, "tell": "head"}
ABOVE: dict[str, Any] = {"level": 2, "after": {"working_days": 2}, "tell": "superior"}


def found(dossier: Any = None, **changes: Any) -> list[str]:
    ladders = {**GIVEN["ladders"], "dossier": dossier or {"levels": [LEVEL, ABOVE]}}
    policies = policy_file.read(yaml.safe_dump({**GIVEN, "ladders": ladders, **changes}, sort_keys=False))
    return [str(one).partition(": ")[2] for one in odd(policies)]


def test_nothing_is_odd_in_the_carried_policy() -> None:
    assert odd(policy_file.load(None)) == []


@pytest.mark.parametrize(
    ("dossier", "said"),
    [
        ({"levels": [LEVEL]}, "ladders.dossier.levels: nobody above the unit is ever told"),
        ({"levels": [{**LEVEL, "tell": "officer"}]}, "ladders.dossier.levels: no level reaches the head of the unit"),
        (
            {"levels": [{**LEVEL, "tell": "superior"}, {**ABOVE, "tell": "head"}]},
            "ladders.dossier.levels.1.tell: level 2 tells nobody above those of level 1",
        ),
        (
            {"levels": [LEVEL, ABOVE], "repeat": {"every_working_days": 1, "at_most": 5}},
            "ladders.dossier.repeat: level 1 is told again 1 times at most before level 2 comes",
        ),
        (
            {
                "levels": [LEVEL, {**ABOVE, "repeat": {"every_working_days": 2, "at_most": 5}}],
                "stop": {"after_working_days": 6},
            },
            "ladders.dossier.levels.1.repeat: level 2 is told again 1 times at most before the ladder stops",
        ),
        (
            [
                {"where": {"field": ["Đất đai", "Hộ tịch"]}, "levels": [LEVEL, ABOVE]},
                {"where": {"field": ["Hộ tịch"], "source": ["motcua-1"]}, "levels": [LEVEL, ABOVE]},
                {"levels": [LEVEL, ABOVE]},
            ],
            "ladders.dossier.1.where: never reached: an earlier ladder takes all of this",
        ),
    ],
)
def test_an_odd_ladder_is_told_with_its_place(dossier: Any, said: str) -> None:
    assert said in found(dossier)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weekly": {"at": "05:00"}}, "weekly.at: lies in the quiet hours"),
        (
            {"quiet_hours": None, "ladders": {"default": {"levels": [LEVEL, {**ABOVE, "at_once": True}]}}},
            "ladders.default: something goes at once and there are no quiet_hours",
        ),
        (
            {"ladders": {**GIVEN["ladders"], "default": {"levels": [LEVEL, ABOVE]}}},
            "ladders.default: never used",
        ),
        ({"valid_from": "2026-12-01"}, "valid_from: no other policy is in force before 2026-12-01"),
    ],
)
def test_an_odd_setting_is_told_with_its_place(changes: dict[str, Any], said: str) -> None:
    assert any(one.startswith(said) for one in found(**changes))


def test_a_kind_that_falls_back_is_named() -> None:
    ladders = {kind: ladder for kind, ladder in GIVEN["ladders"].items() if kind not in ("report", "plan_item")}
    [said] = found(ladders={**ladders, "default": {"levels": [LEVEL, ABOVE]}})
    assert said == "ladders.default: also for report, plan_item, which have no ladder of their own"


def test_what_is_odd_stands_with_its_line() -> None:
    text = CARRIED.read_text("utf-8").replace('weekday: mon, at: "08:00"', 'weekday: mon, at: "05:00"')
    line = next(n for n, one in enumerate(text.splitlines(), start=1) if one.startswith("weekly:"))
    assert [one.line for one in odd(policy_file.read(text))] == [line]
