"""What an answer does to repeats, to a ladder under another policy, and by whose calendar it counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from services.notify.answering.deciding import Item, Taken, answered
from services.notify.answering.shapes import Promise
from services.notify.pressing import pressing, stays
from services.notify.pressing.lines import Line
from services.notify.pressing.pressing import Change, Pressed
from services.notify.pressing.rules import Rules
from services.notify.pressing.stays import Stay
from shared.events import EscalationChanged
from shared.worktime import calendar
from tests.unit.notify.given import RULES, at, obligation
from tests.unit.notify.test_repeats_and_rest import ABOVE, AGAIN, LAND, LEVEL, with_ladder

ID = obligation().obligation_id
PASSED, MONDAY, FRIDAY_OVER = at("2026-11-20 16:00:01"), at("2026-11-23 08:00"), at("2026-11-28 00:00")
HEAD = Line(ID, "head", 1, told=1, post="H56.12")
SUPERIOR = Line(ID, "superior", 2, told=2, post="TH-SNV")


def promised(level: int = 1, post: str = "H56.12") -> Stay:
    return Stay(ID, post, "promise", revision=1, level=level, made_at=MONDAY, until=FRIDAY_OVER, id=1)


def pressed(**changes: Any) -> Pressed:
    return replace(Pressed(obligation(), LAND, raised=1, raised_at=PASSED, stays=(promised(),)), **changes)


def advance(of: Pressed, *held: Line, rules: Rules, now: datetime) -> Change:
    return pressing.advance(of, held=held, rules=rules, at=now, meant=LAND)


def test_nothing_is_told_again_while_who_was_told_last_has_answered() -> None:
    rules = with_ladder(levels=[LEVEL], repeat=AGAIN)
    waiting = pressing.reckoned(pressed(), rules=rules, at=MONDAY)
    assert waiting.timer_at == FRIDAY_OVER
    change = advance(waiting, HEAD, rules=rules, now=at("2026-11-24 08:00"))
    assert (change.lines, change.pressed.repeated, change.pressed.timer_at) == ([], 0, FRIDAY_OVER)


def test_a_promise_missed_at_the_top_is_told_once_and_repeats_go_on() -> None:
    rules = with_ladder(levels=[LEVEL], repeat={"every_working_days": 2, "at_most": 9})
    change = advance(pressed(), HEAD, rules=rules, now=FRIDAY_OVER)
    assert [line.news for line in change.lines] == ["changed"]
    assert change.pressed.timer_at == at("2026-12-01 16:00:01")
    told = replace(HEAD, news=None)
    later = advance(change.pressed, told, rules=rules, now=at("2026-12-01 16:00:01"))
    assert [line.news for line in later.lines] == ["repeated"]


def test_a_case_that_was_decided_lets_repeats_go_on_at_once() -> None:
    rules = with_ladder(levels=[LEVEL], repeat=AGAIN)
    said = replace(promised(), kind="not_ours")
    now = at("2026-11-25 17:00")
    none = stays.decided((said,), kind="not_ours", at=now)
    change = pressing.answered_by(pressed(stays=(said,)), none, event=EscalationChanged, rules=rules, at=now)
    assert change.pressed.timer_at == now
    assert [line.news for line in advance(change.pressed, HEAD, rules=rules, now=now).lines] == ["repeated"]


def test_a_post_that_has_answered_is_not_told_again_what_others_are() -> None:
    levels = [LEVEL, {**ABOVE, "tell": ["head", "superior"]}]
    rules = with_ladder(levels=levels, repeat={"every_working_days": 1, "at_most": 9})
    both = replace(HEAD, level=2, told=2), SUPERIOR
    of = pressed(raised=2, stays=(promised(),))
    change = advance(of, *both, rules=rules, now=at("2026-11-23 16:00:01"))
    assert [(line.role, line.news) for line in change.lines] == [("superior", "repeated")]


def test_a_missed_promise_is_nothing_to_who_was_told_that_it_is_near_alone() -> None:
    rules = with_ladder(near="officer", levels=[LEVEL])
    officer = Line(ID, "officer", 0, told=0, post="H56.12/officer")
    change = advance(pressed(), HEAD, officer, rules=rules, now=FRIDAY_OVER)
    assert [(line.role, line.news) for line in change.lines] == [("head", "changed")]


@pytest.mark.parametrize("days", [1, 2, 5])
def test_another_policy_keeps_what_was_promised(days: int) -> None:
    rules = with_ladder(levels=[LEVEL, {**ABOVE, "after": {"working_days": days}}])
    anew = pressing.reckoned(pressed(), rules=rules, at=at("2026-11-26 00:00"))
    assert (anew.timer_at, anew.stays) == (FRIDAY_OVER, (promised(),))


def test_a_promise_counts_the_working_days_of_its_unit() -> None:
    week = {day: ["07:00-11:30", "13:30-17:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    every_day = calendar(timezone="Asia/Ho_Chi_Minh", week=week, known_from="2026-01-01", known_until="2027-12-31")

    def said(until: str, rules: Rules) -> object:
        promise = Promise.model_validate({"answer": "promise", "until": until, "reason": "x"})
        return answered(
            pressed(stays=()), promise, post="H56.12", item=Item(ID, 1), held=[HEAD], rules=rules, at=MONDAY
        )

    own = replace(RULES, own_calendars={"H56.12": every_day})
    assert isinstance(said("2026-12-01", RULES), Taken)
    assert said("2026-12-01", own) == "too_far"
    assert isinstance(said("2026-11-28", own), Taken)
