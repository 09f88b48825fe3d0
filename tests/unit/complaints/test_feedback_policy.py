"""The policy of feedback: what is owed by kind and day, what is marked as a setting, what is refused with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.complaints.rules import policy as policies
from services.complaints.rules.policy import CARRIED, KINDS, FeedbackPolicy, NoTermError
from services.complaints.suggesting import suggest
from shared.rule_files import RuleFileError

BEFORE, AFTER = date(2026, 6, 30), date(2026, 7, 1)
CARRIED_POLICIES = policies.load()
NOW = CARRIED_POLICIES.on(date(2026, 11, 26))
TEXT = CARRIED.read_text("utf-8")


def owed(kind: Any, name: Any, **more: Any) -> tuple[int, str]:
    term = NOW.term(kind, name, **more)
    return term.value, term.measure


@pytest.mark.parametrize("kind", ["reflection", "recommendation"])
def test_a_reflection_has_the_national_clock(kind: Any) -> None:
    names: list[Any] = ["screening", "supplement", "answer", "publication"]
    assert [owed(kind, name) for name in names] == [(days, "working_days") for days in (2, 5, 15, 2)]
    assert owed(kind, "answer", remote=True, complex=2) == (15, "working_days")
    assert NOW.owes(kind) == ("screening", "answer", "publication")


@pytest.mark.parametrize(
    ("instance", "remote", "complex", "days"),
    [
        (1, False, 0, 30), (1, True, 0, 45), (1, False, 1, 45), (1, True, 1, 60), (1, True, 2, 60),
        (2, False, 0, 45), (2, True, 0, 60), (2, False, 1, 60), (2, True, 1, 70),
    ],
)  # fmt: skip
def test_a_complaint_is_settled_in_the_days_of_the_law(instance: int, remote: bool, complex: int, days: int) -> None:
    found = owed("complaint", "settlement", instance=instance, remote=remote, complex=complex)
    assert found == (days, "days")
    assert owed("complaint", "acceptance", instance=instance) == (10, "days")


def test_a_denunciation_is_handled_and_settled_in_the_days_of_the_law() -> None:
    assert [owed("denunciation", "acceptance", complex=step)[0] for step in range(3)] == [7, 10, 10]
    assert [owed("denunciation", "settlement", complex=step)[0] for step in range(4)] == [30, 60, 90, 90]
    assert NOW.term("denunciation", "acceptance").measure == "working_days"
    assert NOW.extensions("denunciation", "settlement") == 2
    assert NOW.extensions("reflection", "answer") == 0


def test_what_is_not_owed_is_an_error() -> None:
    with pytest.raises(NoTermError, match="no settlement is owed for a reflection"):
        NOW.term("reflection", "settlement")


def test_each_term_names_its_act_and_article() -> None:
    assert "Luật Khiếu nại 2011 Đ.28" in NOW.term("complaint", "settlement").basis
    assert "Luật Tố cáo 2018 Đ.30" in NOW.term("denunciation", "settlement").basis
    assert "NĐ 20/2008" in NOW.term("reflection", "answer").basis


def test_from_july_2026_what_was_not_verified_is_marked_with_the_same_values() -> None:
    before, after = CARRIED_POLICIES.on(BEFORE), CARRIED_POLICIES.on(AFTER)
    assert (before.version, after.version) == ("1", "2")
    for kind in ("complaint", "denunciation"):
        old, new = before.term(kind, "settlement"), after.term(kind, "settlement")
        assert (old.value, old.confidence) == (new.value, "high")
        assert new.confidence == "low"
        assert "136/2025/QH15" in new.basis
    assert before.kinds["reflection"] == after.kinds["reflection"]


def test_who_sorts_is_the_provincial_centre_unless_another_is_named() -> None:
    assert NOW.screener == NOW.centre == "TH-TTPVHCC"
    assert NOW.model_copy(update={"screened_by": "TH-VPUBND"}).screener == "TH-VPUBND"


def test_what_becomes_of_the_nameless_and_whose_identity_is_hidden() -> None:
    assert {kind: NOW.kinds[kind].anonymous.rule for kind in KINDS} == {
        "reflection": "accepted", "recommendation": "accepted", "complaint": "refused", "denunciation": "kept",
    }  # fmt: skip
    assert "Đ.25" in NOW.kinds["denunciation"].anonymous.basis
    assert {kind: NOW.kinds[kind].identity.hidden for kind in KINDS} == {
        "reflection": "on_request", "recommendation": "on_request", "complaint": "on_request", "denunciation": "always",
    }  # fmt: skip


def test_the_policy_knows_the_kinds_that_are_suggested() -> None:
    assert set(NOW.kinds) == set(suggest.KINDS)
    labelled = {"harassment", "extra_papers", "pushed_work", "late", "attitude", "overcharge", "not_recorded"}
    assert set(NOW.categories) == labelled
    assert all(name and name == name.strip() for name in (*NOW.categories.values(), *NOW.fields.values()))


def spoilt(*steps: str, to: Any) -> str:
    """Return the first policy with one value changed, None: left out."""
    at = one = _apart(yaml.safe_load(TEXT)["policies"][0])
    for step in steps[:-1]:
        at = at[step]
    if to is None:
        del at[steps[-1]]
    else:
        at[steps[-1]] = to
    return yaml.safe_dump(one, sort_keys=False, allow_unicode=True)


def _apart(value: Any) -> Any:
    """Return a value whose parts are its own: what YAML refers to twice is one object."""
    if isinstance(value, dict):
        return {key: _apart(one) for key, one in value.items()}
    return [_apart(one) for one in value] if isinstance(value, list) else value


SETTLEMENT = ("kinds", "complaint", "terms", "settlement")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the file is empty"),
        ("a: [", "not readable as YAML"),
        (spoilt("centre", to=None), "centre: is missing"),
        (spoilt("center", to="X"), "center: there is no such setting"),
        (spoilt("kinds", "reflection", "terms", "answer", to=None), "reflection.terms: there is no period for answer"),
        (spoilt("kinds", "denunciation", to=None), "kinds: there is none for denunciation"),
        (spoilt("kinds", "denunciation", "identity", "hidden", to="on_request"), "always hidden"),
        (spoilt(*SETTLEMENT, "remote", to=20), "remote: must not be shorter"),
        (spoilt(*SETTLEMENT, "complex", to=[30]), "complex: each must be longer"),
        (spoilt(*SETTLEMENT, "complex_remote", to=[60, 70]), "complex_remote: goes with remote"),
        (spoilt(*SETTLEMENT, "basis", to=""), r"settlement.basis"),
        (spoilt(*SETTLEMENT, "confidence", to="sure"), r"settlement.confidence"),
        (spoilt(*SETTLEMENT, "value", to="30"), r"settlement.value: .*integer"),
        (spoilt("rating", "disliked", to=5), "disliked: must lie below 5"),
        (spoilt("fields", "Đất đai", to="Đất đai"), "fields"),
        (spoilt("patterns", "unit", "reports", to=1), "patterns.unit.reports"),
    ],
)  # fmt: skip
def test_a_wrong_policy_is_refused_with_line_place_and_reason(text: str, said: str) -> None:
    with pytest.raises(RuleFileError, match=rf"line \d+: .*{said}" if not said.startswith("line") else said):
        policies.read(text)


def test_a_fault_in_a_later_policy_has_its_line_in_the_file() -> None:
    lines = TEXT.splitlines()
    at = max(number for number, line in enumerate(lines) if line.strip() == "moves: 2")
    lines[at] = "  moves: many"
    with pytest.raises(RuleFileError) as error:
        policies.read("\n".join(lines))
    [fault] = error.value.faults
    assert (fault.line, fault.place) == (at + 1, "moves")


def test_two_policies_of_one_day_are_refused() -> None:
    with pytest.raises(RuleFileError, match="from the same day"):
        policies.read(f"{spoilt('version', to='a')}---\n{spoilt('version', to='b')}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match=r"none\.yaml"):
        policies.load(tmp_path / "none.yaml")


def test_a_policy_never_changes() -> None:
    with pytest.raises(ValueError, match="frozen"):
        FeedbackPolicy.model_validate(NOW.model_dump()).moves = 3  # type: ignore[misc]
