"""What a policy can say: offsets, recipients, ladders of fields and sources, several policies with their days."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.notify.policies import file as policy_file
from services.notify.policies.file import CARRIED, Policies
from services.notify.policies.ladder import Step
from services.notify.policies.parts import QuietHours
from services.notify.policies.policy import NEAR, Policy
from services.notify.policies.when import awake
from services.notify.pressing.rules import Rules
from shared.rule_files import RuleFileError
from shared.worktime import vietnam
from tests.unit.notify.given import at, obligation

GIVEN: dict[str, Any] = yaml.safe_load(CARRIED.read_text("utf-8"))
LEVEL: dict[str, Any] = {"level": 1, "tell": "head"}


def written(dossier: Any, **changes: Any) -> str:
    return yaml.safe_dump({**GIVEN, **changes, "ladders": {**GIVEN["ladders"], "dossier": dossier}})


def read(dossier: Any, **changes: Any) -> Policy:
    return policy_file.read(written(dossier, **changes)).several[0]


def steps(dossier: Any, **changes: Any) -> list[Step]:
    return Rules(read(dossier), vietnam()).steps(obligation(**changes))


def test_levels_lie_working_days_or_working_hours_after_the_due_time() -> None:
    levels = [
        LEVEL,
        {"level": 2, "after": {"working_hours": 4}, "tell": "superior"},
        {"level": 3, "after": {"working_days": 1}, "tell": "oversight"},
        {"level": 4, "after_working_days": 3, "tell": "oversight"},
    ]
    assert steps({"levels": levels}) == [
        Step(1, at("2026-11-20 16:00:01")),
        Step(2, at("2026-11-23 10:00")),  # an hour of Friday, three of Monday
        Step(3, at("2026-11-23 16:00")),
        Step(4, at("2026-11-26 16:00")),
    ]


def test_a_levels_hours_that_come_to_lie_behind_the_next_ones_days_hold_that_one_up() -> None:
    short = ["07:00-08:00"]
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), short)
    from shared.worktime import calendar

    days = calendar(timezone="Asia/Ho_Chi_Minh", week=week, known_from="2026-01-01", known_until="2027-12-31")
    levels = [LEVEL, {"level": 2, "after": {"working_hours": 7}, "tell": "superior"}]
    levels.append({"level": 3, "after": {"working_days": 1}, "tell": "oversight"})
    found = Rules(read({"levels": levels}), days).steps(obligation(due_at=at("2026-11-20 08:00"), near_at=None))
    assert [step.level for step in found] == [1, 2, 3]
    assert found[1].at == found[2].at


@pytest.mark.parametrize(
    ("before", "near_at"),
    [
        ({"working_hours": 8}, "2026-11-19 16:00"),
        ({"working_days": 3}, "2026-11-17 16:00"),
        (None, "2026-11-19 16:00"),  # as deadline says
    ],
)
def test_near_lies_before_the_due_time(before: dict[str, int] | None, near_at: str) -> None:
    near = {"tell": ["officer", "head"], "before": before} if before else "head"
    [first, _] = steps({"near": near, "levels": [LEVEL]})
    assert first == Step(NEAR, at(near_at))


def test_what_came_in_when_it_was_near_already_is_not_near() -> None:
    near = {"tell": "head", "before": {"working_days": 30}}
    assert [step.level for step in steps({"near": near, "levels": [LEVEL]})] == [1]


def test_who_is_told_may_be_several() -> None:
    levels = [{**LEVEL, "tell": ["officer", "head"]}, {"level": 2, "after_working_days": 1, "tell": "oversight"}]
    [ladder] = read({"near": "officer", "levels": levels}).ladders["dossier"]
    assert ladder.told(reached=NEAR) == {"officer": NEAR}
    assert ladder.told(reached=2) == {"officer": 1, "head": 1, "oversight": 2}


def test_the_first_ladder_that_is_for_a_matter_is_its_own() -> None:
    several = [
        {"where": {"field": ["Đất đai"], "source": ["motcua-2"]}, "levels": [{**LEVEL, "level": 3}]},
        {"where": {"field": ["ĐẤT  đai", "Hộ tịch"]}, "levels": [{**LEVEL, "level": 2}]},
        {"levels": [LEVEL]},
    ]
    policy = read(several)
    found = {
        (field, source): policy.ladder(kind="dossier", field=field, source=source).levels[0].level
        for field in ("đất đai", None)
        for source in ("motcua-1", "motcua-2")
    }
    assert found == {
        ("đất đai", "motcua-2"): 3,
        ("đất đai", "motcua-1"): 2,
        (None, "motcua-1"): 1,
        (None, "motcua-2"): 1,
    }


def test_a_kind_without_a_ladder_of_its_own_has_the_default_one() -> None:
    policy = policy_file.read(yaml.safe_dump({**GIVEN, "ladders": {"default": {"levels": [LEVEL]}}})).several[0]
    assert policy.ladder_of(obligation(kind="report")).levels[0].tell == ("head",)


def test_roles_without_a_text_have_the_programs_own() -> None:
    assert "trực tiếp giải quyết" in read({"levels": [LEVEL]}).roles["officer"]


WRONG: list[tuple[Any, str]] = [
    ({"levels": [{**LEVEL, "tell": "chairman"}]}, "levels.0.tell: the Chairman gets the weekly page"),
    ({"levels": [{**LEVEL, "tell": ["head", "chairman"]}]}, "levels.0.tell: the Chairman"),
    ({"levels": [{**LEVEL, "tell": ["head", "head"]}]}, "tell: name each once"),
    ({"levels": [{**LEVEL, "tell": "mayor"}]}, "levels.0.tell: Input should be 'officer', 'head'"),
    ({"levels": [{**LEVEL, "by": ["sms"]}]}, "levels.0.by: name email too"),
    ({"levels": [{**LEVEL, "before": {"working_days": 1}}]}, "levels.0: before: what comes before the due time"),
    ({"levels": [{**LEVEL, "after": {"working_days": 1, "working_hours": 2}}]}, "after: give either"),
    ({"levels": [{**LEVEL, "after": {"days": 1}}]}, "after.days: there is no such setting"),
    ({"levels": [{**LEVEL, "after": {"working_days": 1}, "after_working_days": 1}]}, "give either after or"),
    ({"levels": [LEVEL, {**LEVEL, "level": 2, "after": {"working_hours": 0}}]}, "levels.1: level 2 must be higher"),
    ({"levels": [LEVEL], "stop": {"after_working_days": 0}}, "stop.after_working_days: Input should be greater"),
    (
        {"levels": [LEVEL, {**LEVEL, "level": 2, "after_working_days": 9}], "stop": {"after_working_days": 9}},
        "stop: must be later than level 2",
    ),
    ({"levels": [LEVEL], "repeat": {"every_working_days": 1}}, "repeat.at_most: is missing"),
    ([{"where": {"field": ["Đất đai"]}, "levels": [LEVEL]}], "dossier.0: the last ladder must hold for all"),
    ([{"levels": [LEVEL]}, {"levels": [LEVEL]}], "dossier.1: what stands behind a ladder without `where`"),
    ([{"where": {}, "levels": [LEVEL]}, {"levels": [LEVEL]}], "dossier.0.where: name field or source"),
]


@pytest.mark.parametrize(("dossier", "said"), WRONG)
def test_a_wrong_ladder_is_refused_with_its_place(dossier: Any, said: str) -> None:
    with pytest.raises(RuleFileError) as refused:
        read(dossier)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"quiet_hours": {"from": "07:00", "to": "07:00"}}, "quiet_hours: from and to must differ"),
        ({"quiet_hours": {"from": "13:00", "to": "15:00"}}, "slots.1: 14:00 lies in quiet_hours"),
        ({"promises": {"limit_working_days": 0}}, "promises.limit_working_days"),
        ({"feed_silent": "hide"}, "feed_silent: write withhold or tell"),
        ({"weekly": {"role": "head"}}, "weekly.role: Input should be 'chairman'"),
        ({"caps": {"per_person_per_day": 0}}, "caps.per_person_per_day: Input should be greater"),
        ({"valid_from": "soon"}, "valid_from: Input should be a valid date"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RuleFileError) as refused:
        read({"levels": [LEVEL]}, **changes)
    assert said in str(refused.value)


def test_each_fault_stands_with_its_line() -> None:
    text = CARRIED.read_text("utf-8").splitlines()
    line = next(n for n, line in enumerate(text) if "level: 2, after: {working_days: 1}" in line)
    text[line] = text[line].replace("superior", "chairman")
    slots = next(n for n, line in enumerate(text) if line.startswith("slots:"))
    text[slots] = 'slots: ["07:30", 14:00]'
    text.append("slots: []")
    with pytest.raises(RuleFileError) as refused:
        policy_file.read("\n".join(text))
    found = [(fault.line, fault.place) for fault in refused.value.faults]
    assert found == [
        (line + 1, "ladders.reception.levels.1.tell"),
        (len(text), "slots"),
        (len(text), "slots"),  # stands twice, and is empty
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the file is empty"),
        ("version: 1\n\tslots: []", "line 2: not readable as YAML"),
        ("a: &a [1,1]\n" + "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}' if n else '*a'] * 9)}]\n" for n in range(9)),
         "entries"),
        ("[" * 40 + "]" * 40, "too many lists"),
        ("policies: {}", "line 1: policies: must be a list"),
        ("policies: [1]", "policies: each must be a mapping"),
        ("version: 2024-13-45", "not readable as YAML"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_policy_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(RuleFileError) as refused:
        policy_file.read(text)
    assert said in str(refused.value)


def dated(*days: str | None, listed: bool = False) -> Policies:
    documents = [{**GIVEN, "version": day or "first"} | ({"valid_from": day} if day else {}) for day in days]
    return policy_file.read(yaml.safe_dump({"policies": documents}) if listed else yaml.safe_dump_all(documents))


@pytest.mark.parametrize("listed", [True, False])
def test_of_several_policies_the_one_in_force_at_the_moment_decides(listed: bool) -> None:
    policies = dated("2026-12-01", None, "2026-11-25", listed=listed)
    assert policies.at(at("2026-11-24 23:59")).version == "first"
    assert policies.at(at("2026-11-25 00:00")).version == "2026-11-25"
    assert policies.at(at("2027-01-01 00:00")).version == "2026-12-01"
    assert policies.next_at(at("2026-11-24 12:00")) == at("2026-11-25 00:00")
    assert policies.next_at(at("2026-11-25 00:00")) == at("2026-12-01 00:00")
    assert policies.next_at(at("2026-12-01 00:00")) is None


def test_before_the_first_policys_day_it_is_in_force_all_the_same() -> None:
    assert dated("2026-12-01").at(at("2026-11-01 08:00")).version == "2026-12-01"


def test_two_policies_of_one_day_are_refused() -> None:
    with pytest.raises(RuleFileError, match="valid_from: another policy of this file is in force from the same day"):
        dated("2026-12-01", "2026-12-01")


def test_a_fingerprint_is_of_what_is_said_and_not_of_how_it_is_written() -> None:
    same = policy_file.read("# another comment\n" + yaml.safe_dump(GIVEN)).several[0]
    assert same.fingerprint == policy_file.carried().fingerprint
    assert read({"levels": [LEVEL]}).fingerprint != same.fingerprint


@pytest.mark.parametrize(
    ("now", "leaves"),
    [
        ("2026-11-20 19:59", "2026-11-20 19:59"),
        ("2026-11-20 20:00", "2026-11-23 07:00"),  # over the weekend
        ("2026-11-23 06:59", "2026-11-23 07:00"),
        ("2026-11-23 07:00", "2026-11-23 07:00"),
        ("2026-11-24 10:00", "2026-11-25 07:00"),  # Ngày Văn hóa Việt Nam
    ],
)
def test_what_goes_at_once_leaves_when_it_is_not_quiet(now: str, leaves: str) -> None:
    assert awake(QuietHours(), calendar=vietnam(), at=at(now)) == at(leaves)


def test_the_example_that_operators_read_is_good() -> None:
    document = (Path(__file__).parents[3] / "docs" / "policies.md").read_text("utf-8")
    [example] = re.findall(r"```yaml\n(.*?)```", document, re.DOTALL)
    [policy] = policy_file.read(example).several
    assert policy.ladder(kind="dossier", field="Đất đai", source="motcua-1").levels[1].at_once
    assert policy.ladder(kind="report", field=None, source="motcua-1").levels[0].tell == ("head",)
