"""What a policy would have said, worked out in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from services.notify.addressing.directory import directory
from services.notify.policies import file as policy_file
from services.notify.policies.file import CARRIED
from services.notify.pressing.rules import Rules
from services.notify.trying import report as trial_report
from services.notify.trying.trial import Notice, Trial
from shared.events import ObligationChanged
from tests.unit.notify.given import RULES, at, obligation, unit

UNITS = directory([unit("TH-SNV"), unit("H56.12"), unit("H56.13", email=None)], province="H56", oversight="TH-SNV")
BEGIN, END = at("2026-11-16 00:00"), at("2026-12-05 00:00")


def with_ladder(**ladder: Any) -> Rules:
    given = yaml.safe_load(CARRIED.read_text("utf-8"))
    given["ladders"]["dossier"] = ladder
    policies = policy_file.read(yaml.safe_dump(given))
    return replace(RULES, policies=policies, policy=policies.several[0])


def tried(rules: Rules, *said: tuple[str, ObligationChanged], until: str = "2026-12-05 00:00") -> list[Notice]:
    trial = Trial(rules, UNITS, since=BEGIN, until=END)
    for when, state in said:
        trial.take(state, at=at(when))
    trial.move_to(at(until))
    return trial.notices


def shown(notices: list[Notice]) -> list[tuple[str, str, dict[str, int]]]:
    return [(f"{one.at:%d %H:%M}", one.post, dict(one.said)) for one in notices]


def test_near_then_passed_then_the_superior_as_at_work() -> None:
    found = tried(RULES, ("2026-11-18 09:00", obligation()))
    assert shown(found) == [
        ("20 07:30", "H56.12", {"near": 1}),
        ("23 07:30", "H56.12", {"new": 1}),
        ("26 07:30", "TH-SNV", {"new": 1}),
    ]
    assert [(one.role, dict(one.levels), one.first) for one in found] == [
        ("head", {}, ("000.00.12.H56-261110-0007",)),
        ("head", {1: 1}, ("000.00.12.H56-261110-0007",)),
        ("superior", {2: 1}, ("000.00.12.H56-261110-0007",)),
    ]


def test_what_ends_before_its_slot_is_never_told_and_what_ends_after_it_is_told_as_settled() -> None:
    late = obligation(near_at=None)
    ended = obligation(near_at=None, revision=2, state="ended", ended_at=at("2026-11-21 08:00"), end="completed")
    assert tried(RULES, ("2026-11-18 09:00", late), ("2026-11-21 08:00", ended)) == []
    found = tried(RULES, ("2026-11-18 09:00", late), ("2026-11-23 08:00", ended))
    assert [said for _, _, said in shown(found)] == [{"new": 1}, {"settled": 1}]


def test_a_state_that_comes_after_the_end_and_is_older_opens_nothing_again() -> None:
    late = obligation(near_at=None)
    ended = obligation(near_at=None, revision=3, state="ended", ended_at=at("2026-11-19 08:00"), end="completed")
    between = obligation(near_at=None, revision=2)
    assert tried(RULES, *zip(["2026-11-18 09:00"] * 3, (late, ended, between), strict=True)) == []
    told = [("2026-11-18 09:00", late), ("2026-11-23 08:00", ended), ("2026-11-24 08:00", between)]
    assert [said for _, _, said in shown(tried(RULES, *told))] == [{"new": 1}, {"settled": 1}]


def test_a_matter_of_a_unit_nobody_is_reached_at_goes_up_and_one_of_none_is_said_to_reach_nobody() -> None:
    [found, *_] = tried(RULES, ("2026-11-18 09:00", obligation(unit="H56.13", near_at=None)))
    assert (found.post, found.reached) == ("TH-SNV", True)
    alone = replace(UNITS, units={})
    trial = Trial(RULES, alone, since=BEGIN, until=END)
    trial.take(obligation(near_at=None), at=at("2026-11-18 09:00"))
    trial.move_to(END)
    assert not trial.notices[0].reached


def test_what_goes_at_once_waits_for_the_end_of_quiet_hours_alone() -> None:
    rules = with_ladder(levels=[{"level": 1, "tell": "head", "at_once": True}])
    [found] = tried(rules, ("2026-11-18 09:00", obligation(near_at=None)))
    assert f"{found.at:%d %H:%M:%S}" == "20 16:00:01"
    night = obligation(near_at=None, due_at=at("2026-11-19 22:00"))
    [found] = tried(rules, ("2026-11-18 09:00", night))
    assert f"{found.at:%d %H:%M}" == "20 07:00"


def test_what_was_late_before_the_beginning_counts_as_told() -> None:
    trial = Trial(RULES, UNITS, since=BEGIN, until=END)
    trial.begin_with([obligation(due_at=at("2026-09-01 10:00"), near_at=None)], at=BEGIN)
    trial.take(obligation(obligation_id="dossier/2"), at=at("2026-11-18 09:00"))
    trial.move_to(at("2026-11-24 00:00"))
    assert [said for _, _, said in shown(trial.notices)] == [{"near": 1}, {"new": 1}]


def test_a_step_is_silent_while_its_dossier_is_pressed_for_at_the_same_unit() -> None:
    step = obligation(obligation_id="step/1", kind="step", parent="dossier/000.00.12.H56-261110-0007")
    found = tried(
        RULES, ("2026-11-18 09:00", obligation(near_at=None)), ("2026-11-18 09:00", step), until="2026-11-25 00:00"
    )
    assert [said for _, _, said in shown(found)] == [{"new": 1}]


def test_another_policy_that_enters_into_force_decides_from_then_on() -> None:
    given = yaml.safe_load(CARRIED.read_text("utf-8"))
    later = {**given, "valid_from": "2026-11-24", "ladders": {**given["ladders"]}}
    later["ladders"]["dossier"] = {
        "levels": [{"level": 1, "tell": "head"}, {"level": 2, "after": {"working_days": 1}, "tell": "superior"}]
    }
    policies = policy_file.read(yaml.safe_dump_all([given, later]))
    rules = replace(RULES, policies=policies, policy=policies.several[0])
    found = tried(rules, ("2026-11-18 09:00", obligation(near_at=None)))
    assert [(f"{one.at:%d %H:%M}", one.post) for one in found] == [("23 07:30", "H56.12"), ("25 07:30", "TH-SNV")]


def test_the_report_sets_both_beside_one_another() -> None:
    present = tried(RULES, ("2026-11-18 09:00", obligation()))
    other = tried(with_ladder(levels=[{"level": 1, "tell": "head"}]), ("2026-11-18 09:00", obligation()))
    assert trial_report.totals(present)["by_role"]["superior"]["notices"] == {"email": 1, "sms": 0}
    assert trial_report.totals(other)["all"]["items"]["near"] == 0
    assert trial_report.differences(other, present) == {
        "notices": -2,
        "items": -2,
        "only_tried": [],
        "only_present": ["TH-SNV"],
        "posts": [
            {"post": "H56.12", "tried": 1, "present": 2},
            {"post": "TH-SNV", "tried": 0, "present": 1},
        ],
        "more_posts": 0,
    }
    [first, *_] = trial_report.rows("tried", other)
    assert (first["post"], first["new"], first["levels"]) == ("H56.12", 1, {"1": 1})
