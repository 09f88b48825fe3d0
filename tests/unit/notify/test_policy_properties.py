"""What holds of every policy that checks as good: it can be run, and its ladders rise."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, get_args

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.addressing.directory import directory
from services.notify.policies import file as policy_file
from services.notify.policies.file import CARRIED, Policies
from services.notify.policies.odd import odd
from services.notify.policies.policy import NEAR
from services.notify.pressing.rules import Rules
from services.notify.trying.trial import Trial
from shared.events import Kind
from shared.rule_files import Fault, RuleFileError
from shared.worktime import vietnam
from tests.unit.notify.given import at, obligation, unit

GIVEN: dict[str, Any] = yaml.safe_load(CARRIED.read_text("utf-8"))
UNITS = directory([unit("TH-SNV"), unit("H56.12")], province="H56", oversight="TH-SNV")

offsets = st.one_of(
    st.builds(lambda days: {"working_days": days}, st.integers(0, 40)),
    st.builds(lambda hours: {"working_hours": hours}, st.integers(0, 200)),
)
roles = st.lists(st.sampled_from(["officer", "head", "superior", "oversight"]), min_size=1, max_size=2, unique=True)
repeats = st.builds(lambda n, m: {"every_working_days": n, "at_most": m}, st.integers(1, 9), st.integers(1, 4))
levels = st.builds(
    lambda after, tell, at_once, repeat: {"after": after, "tell": tell, "at_once": at_once, "repeat": repeat},
    offsets, roles, st.booleans(), st.none() | repeats,
)  # fmt: skip
ladders = st.builds(
    lambda rungs, near, repeat, stop, where: {
        "levels": [{"level": n, **rung} for n, rung in enumerate(sorted(rungs, key=nominal), start=1)],
        **({"near": {"tell": near[0], "before": near[1]}} if near else {}),
        **({"repeat": repeat} if repeat else {}),
        **({"stop": {"after_working_days": stop}} if stop else {}),
        **({"where": {"field": [where]}} if where else {}),
    },
    st.lists(levels, min_size=1, max_size=5, unique_by=lambda rung: nominal(rung)),
    st.none() | st.tuples(roles, offsets),
    st.none() | repeats,
    st.none() | st.integers(1, 60),
    st.none() | st.sampled_from(["Đất đai", "Hộ tịch"]),
)
policies = st.builds(
    lambda several: {**GIVEN, "ladders": {**GIVEN["ladders"], "dossier": placed(several)}},
    st.lists(ladders, min_size=1, max_size=3),
)
instants = st.builds(lambda minutes: at("2026-10-01 00:00") + timedelta(minutes=minutes), st.integers(0, 90 * 24 * 60))


def placed(several: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return ladders of which the last one alone is for all."""
    last = {key: value for key, value in several[-1].items() if key != "where"}
    return [*({"where": {"source": ["motcua-9"]}, **ladder} for ladder in several[:-1]), last]


def nominal(rung: dict[str, Any]) -> int:
    after: dict[str, int] = rung["after"]
    return after.get("working_hours", after.get("working_days", 0) * 8)


def tried(text: str) -> tuple[Policies | None, tuple[Fault, ...]]:
    try:
        return policy_file.read(text), ()
    except RuleFileError as error:
        return None, error.faults


@settings(max_examples=150)
@given(document=policies, due_at=instants, backlog=st.booleans(), heard=st.integers(0, 2000))
def test_every_policy_that_checks_as_good_can_be_run_and_its_ladders_rise(
    document: dict[str, Any], due_at: datetime, backlog: bool, heard: int
) -> None:
    read, faults = tried(yaml.safe_dump(document))
    if read is None:
        assert all(fault.line >= 1 and fault.why for fault in faults)
        return
    odd(read)
    rules = Rules(read.several[0], vietnam(), policies=read)
    state = obligation(
        due_at=due_at, near_at=due_at - timedelta(days=1), backlog=backlog, heard_at=due_at + timedelta(hours=heard)
    )
    steps = rules.steps(state)
    assert all(lower.at <= upper.at and lower.level < upper.level for lower, upper in pairwise(steps))
    assert all(step.at > due_at for step in steps if step.level > NEAR)

    trial = Trial(rules, UNITS, since=due_at - timedelta(days=400), until=due_at + timedelta(days=400))
    trial.take(state, at=min(state.heard_at, due_at - timedelta(days=2)))
    trial.move_to(due_at + timedelta(days=300))
    slots = [(notice.post, notice.at) for notice in trial.notices]
    assert len(set(slots)) == len(slots)  # one a post and moment
    raised = trial.pressed[state.obligation_id].raised
    assert raised == max(step.level for step in steps)
    ladder = rules.policy.ladder_of(state)
    repeats = sum(repeat.at_most for level in ladder.levels if (repeat := ladder.repeat_of(level.level)))
    assert len(slots) <= 2 * (len(steps) + repeats)


@given(kind=st.sampled_from(get_args(Kind)), field=st.none() | st.text(max_size=9), source=st.text(max_size=9))
def test_every_matter_has_a_ladder(kind: Kind, field: str | None, source: str) -> None:
    assert policy_file.carried().ladder(kind=kind, field=field, source=source).levels


@settings(max_examples=200)
@given(text=st.text(alphabet="abs:-[]{}&*!|>%@<?,.~'\"\n \t#120é", max_size=80))
def test_no_text_is_too_odd_to_be_refused(text: str) -> None:
    read, faults = tried(text)
    assert read or faults
