"""How far the pressing has come, and when it goes on."""

from datetime import datetime

import pytest

from services.notify.policies import ladder
from services.notify.policies.ladder import Step
from services.notify.policies.policy import NEAR, NOTHING
from shared.events import ObligationChanged
from tests.unit.notify.given import RULES, at, obligation


def steps(of: ObligationChanged) -> list[Step]:
    return RULES.steps(of)


def test_the_levels_are_near_then_the_second_after_the_due_time_then_two_working_days_later() -> None:
    # the 21st and 22nd are a weekend, the 24th is Ngày Văn hóa Việt Nam
    assert steps(obligation()) == [
        Step(NEAR, at("2026-11-19 16:00")),
        Step(1, at("2026-11-20 16:00:01")),
        Step(2, at("2026-11-25 16:00")),
    ]


def test_at_the_due_time_itself_nothing_is_late() -> None:
    found = steps(obligation())
    assert ladder.reached(found, at=at("2026-11-20 16:00:00")) == Step(NEAR, at("2026-11-19 16:00"))
    assert ladder.reached(found, at=at("2026-11-20 16:00:01")) == Step(1, at("2026-11-20 16:00:01"))


def test_backlog_is_not_near_and_its_ladder_counts_from_when_it_was_heard_of() -> None:
    late = obligation(backlog=True, due_at=at("2026-03-02 16:00"), heard_at=at("2026-11-20 09:00"))
    assert steps(late) == [Step(1, at("2026-11-20 09:00")), Step(2, at("2026-11-25 09:00"))]


def test_where_several_levels_went_by_only_the_highest_is_reached() -> None:
    assert ladder.reached(steps(obligation()), at=at("2026-12-15 08:00")) == Step(2, at("2026-11-25 16:00"))


@pytest.mark.parametrize("state", ["paused", "ended"])
def test_while_paused_and_once_ended_there_is_no_step(state: str) -> None:
    assert steps(obligation(state=state)) == []
    assert ladder.timer([], raised=NOTHING) is None


def test_without_a_due_time_there_is_no_step() -> None:
    assert steps(obligation(due_at=None, near_at=None)) == []


def test_past_the_calendars_end_calendar_days_are_counted_and_flagged() -> None:
    found = steps(obligation(due_at=at("2027-12-31 16:00"), near_at=None))
    assert found[-1] == Step(2, at("2028-01-02 16:00"), calendar_days=True)
    assert not found[0].calendar_days


@pytest.mark.parametrize(
    ("raised", "expected"),
    [(NOTHING, "2026-11-19 16:00"), (NEAR, "2026-11-20 16:00:01"), (1, "2026-11-25 16:00"), (2, None)],
)
def test_the_timer_is_the_next_level_above_the_one_raised(raised: int, expected: str | None) -> None:
    assert ladder.timer(steps(obligation()), raised=raised) == (at(expected) if expected else None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": "ended"}, True),
        ({"due_at": at("2026-12-01 16:00")}, True),
        ({"due_at": None}, True),
        ({}, False),
        ({"state": "paused"}, False),
        ({"state": "paused", "due_at": at("2026-12-01 16:00")}, False),
    ],
)
def test_a_matter_is_settled_by_its_end_or_a_due_time_that_lies_ahead(
    changes: dict[str, str | datetime | None], expected: bool
) -> None:
    assert ladder.settled(obligation(**changes), at=at("2026-11-23 08:00")) is expected


HELD = {"holder": "Chi nhánh VPĐKĐĐ Mường Lát", "holder_due_at": at("2026-11-20 09:00")}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "2026-11-20 16:00:01"),
        ({"holder_due_at": at("2026-11-24 09:00")}, "2026-11-24 09:00:01"),
        ({"holder": None}, None),
        ({"holder_due_at": None}, None),
        ({"due_at": None}, None),
        ({"state": "paused"}, None),
        ({"state": "ended"}, None),
        ({"kind": "step"}, None),
    ],
)
def test_a_dossier_turns_to_the_holder_of_its_step_once_both_are_late(
    changes: dict[str, object], expected: str | None
) -> None:
    assert ladder.turns_at(obligation(**{**HELD, **changes})) == (at(expected) if expected else None)


@pytest.mark.parametrize(
    ("kind", "near", "superior_at"),
    [
        ("reception", False, "2026-11-23 16:00"),
        ("step", False, "2026-11-25 16:00"),
        ("pause", False, "2026-11-30 16:00"),
        ("remediation", True, "2026-11-25 16:00"),
        ("report", True, "2026-11-25 16:00"),
        ("plan_item", True, "2026-11-30 16:00"),
        ("recommendation", True, "2026-11-25 16:00"),
    ],
)
def test_each_kind_has_a_ladder_of_its_own(kind: str, near: bool, superior_at: str) -> None:
    expected = [Step(1, at("2026-11-20 16:00:01")), Step(2, at(superior_at))]
    assert steps(obligation(kind=kind)) == [Step(NEAR, at("2026-11-19 16:00"))] * near + expected
