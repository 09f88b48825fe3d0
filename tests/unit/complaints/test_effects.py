"""The figures of feedback by unit, the due times behind them, and who sees them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.complaints import life
from services.complaints.case import Case, Decision
from services.complaints.dues import dues_of
from services.complaints.effects.figures import Counts, percent, sheet, total
from services.complaints.importing.portal import MEANINGS, STATES, state_of
from services.complaints.permissions import ROLES, About, Actor, Role, is_counted, may_bring, may_count
from services.complaints.rules import policy
from shared.worktime import vietnam

AT = datetime.fromisoformat("2026-11-02T10:00:00+07:00")  # a Monday
POLICY = policy.load().on(AT.date())


def filed() -> Case:
    case = Case("PA-2222-2222-2222", AT, "reflection", handler="centre")
    return life.enter(case, POLICY, screened_by="centre")


def test_satisfaction_takes_off_what_is_disliked_late_or_repeated_and_nothing_is_no_share() -> None:
    counts = Counts("U", received=8, disliked=1, overdue=2, repeated=1, classified=3, classified_late=1)
    assert counts.satisfaction_percent == 50.0
    assert (counts.classified_percent, counts.on_time_percent) == (75.0, 0.0)
    assert Counts("U", received=1, disliked=1, overdue=1).satisfaction_percent == 0.0
    empty = Counts("U")
    assert (empty.satisfaction_percent, empty.classified_percent, empty.on_time_percent) == (None, None, None)
    assert percent(1, 3) == 33.33


def test_the_sum_is_of_all_units_and_stands_last_in_a_table() -> None:
    several = [Counts("U", received=1, categories={"late": 1}), Counts(None, received=2, categories={"late": 2})]
    summed = total(several)
    assert (summed.received, summed.categories) == (3, {"late": 3})


def test_due_times_are_those_of_the_policy_in_working_days() -> None:
    dues = dues_of(filed(), vietnam())
    assert dues.screening_due_at == AT + timedelta(days=2)
    assert dues.screened_at is None
    assert dues.answer_due_at == datetime.fromisoformat("2026-11-23T10:00:00+07:00")


def test_a_pause_moves_the_due_time_and_while_it_lasts_there_is_none() -> None:
    asked = life.ask(filed(), at=AT + timedelta(days=1))
    assert dues_of(asked, vietnam()).answer_due_at is None
    came = life.supplement(asked, at=AT + timedelta(days=3))
    before, after = dues_of(filed(), vietnam()).answer_due_at, dues_of(came, vietnam()).answer_due_at
    assert before
    assert after
    assert after > before


def test_what_was_refused_or_joined_owes_no_answer_and_only_a_refusal_is_a_screening() -> None:
    refused = dues_of(life.refuse(filed(), at=AT + timedelta(days=1)), vietnam())
    assert (refused.screened_at, refused.answer_due_at) == (AT + timedelta(days=1), None)
    joined = dues_of(life.join(filed(), replace(filed(), code="PA-3333-3333-3333"), at=AT), vietnam())
    assert joined == (None, None, None)
    decided = life.decide(filed(), Decision("complaint", "U"), POLICY, by="o", at=AT)
    assert dues_of(decided, vietnam()).answer_due_at is None


def test_a_refusal_after_the_answer_was_due_leaves_it_late() -> None:
    due = dues_of(filed(), vietnam()).answer_due_at
    assert due
    assert dues_of(life.refuse(filed(), at=due), vietnam()).answer_due_at is None
    assert dues_of(life.refuse(filed(), at=due + timedelta(minutes=1)), vietnam()).answer_due_at == due


def test_past_the_last_known_day_of_the_calendar_no_due_time_is_guessed() -> None:
    case = filed()
    far = tuple(term.model_copy(update={"since": AT.replace(year=2090)}) for term in case.terms)
    assert dues_of(replace(case, terms=far), vietnam())[::2] == (None, None)


def test_who_brings_feedback_in_and_who_sees_figures() -> None:
    for role in ROLES:
        actor = Actor("o", "U", None, frozenset((role,)))
        assert may_bring(actor) == (role in ("operator", "sorter"))
        assert may_count(actor) == (role in ("operator", "sorter", "handler"))
    assert not may_count(Actor("o", None, None, frozenset(("handler",))))


@pytest.mark.parametrize(
    ("role", "own", "decided"), list(itertools.product(ROLES, (False, True), (False, True))), ids=str
)
def test_what_is_counted_for_whom(role: Role, own: bool, decided: bool) -> None:
    actor, against = Actor("o", "U", "p", frozenset((role,))), "U" if own else "V"
    expected = role in ("operator", "sorter") or (role == "handler" and own and decided)
    assert is_counted(actor, About(False, "H", frozenset()), against=against, decided=decided) == expected
    assert not is_counted(actor, About(True, "H", frozenset()), against=against, decided=decided)
    for named in ("U", "p"):
        assert not is_counted(actor, About(False, "H", frozenset((named,))), against=against, decided=decided)


def test_a_table_of_figures_has_a_line_for_each_unit_and_a_column_for_each_category() -> None:
    from services.complaints.effects.figures import row

    units = [row(Counts("U", received=1, categories={"late": 1}), "Đơn vị U")]
    told = {"categories": {"late": "Chậm giải quyết"}, "units": units, "total": row(total([]), "Tổng cộng")}
    headings, unit, last = sheet(told)
    assert (headings[0], headings[-1]) == ("Mã đơn vị", "Chậm giải quyết")
    assert (unit[:3], unit[-1], last[1], last[-1]) == (["U", "Đơn vị U", 1], 1, "Tổng cộng", 0)


def test_every_state_of_the_definition_is_known_whatever_its_case() -> None:
    assert len({state.name for state in STATES}) == len(MEANINGS) == 14
    for state in STATES:
        assert state_of(f" {state.name.upper()} ".replace(" ", "  ")) == state
    assert state_of("PAKN đang ngủ") is None
