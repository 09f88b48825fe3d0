"""A level told again, a ladder at rest, and what moves or changes under way."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import yaml

from services.notify.addressing.directory import Meant
from services.notify.policies import file as policy_file
from services.notify.policies.file import CARRIED
from services.notify.policies.policy import NEAR, NOTHING
from services.notify.pressing import pressing
from services.notify.pressing.lines import Line
from services.notify.pressing.pressing import Change, Pressed
from services.notify.pressing.rules import Rules
from shared.events import ObligationChanged
from shared.worktime import calendar, vietnam
from tests.unit.notify.given import RULES, at, obligation

LAND = Meant("H56.12", "H56.12")
LEVEL: dict[str, Any] = {"level": 1, "tell": "head"}
ABOVE: dict[str, Any] = {"level": 2, "after": {"working_days": 3}, "tell": "superior"}
AGAIN = {"every_working_days": 1, "at_most": 2}


def with_ladder(**ladder: Any) -> Rules:
    given = yaml.safe_load(CARRIED.read_text("utf-8"))
    given["ladders"]["dossier"] = ladder
    return Rules(policy_file.read(yaml.safe_dump(given)).several[0], vietnam())


class Office:
    """One matter at work: what happens to it, its timer followed, each line told when asked."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.pressed: Pressed | None = None
        self.lines: list[Line] = []

    def hear(self, now: str, **changes: Any) -> None:
        state = obligation(**{"near_at": None, **changes})
        held = self.lines
        self._take(pressing.follow(self.pressed, state, held=held, meant=None, rules=self.rules, at=at(now)))

    def sweep(self, now: str) -> None:
        assert self.pressed
        held = self.lines
        self._take(pressing.advance(self.pressed, held=held, rules=self.rules, at=at(now), meant=LAND))

    def tell(self) -> list[tuple[str, str | None]]:
        """Tell what is news, and return it."""
        said: list[tuple[str, str | None]] = [(line.role, line.news) for line in self.lines if line.news]
        self.lines = [
            replace(line, news=None, told=line.level, post="H56.12") for line in self.lines if line.news != "settled"
        ]
        return said

    def _take(self, change: Change) -> None:
        self.pressed = change.pressed
        found = {line.key: line for line in self.lines}
        for line in change.gone:
            found.pop(line.key)
        self.lines = list((found | {line.key: line for line in change.lines}).values())

    @property
    def timer(self) -> datetime | None:
        assert self.pressed
        return self.pressed.timer_at


def late(rules: Rules, **changes: Any) -> Office:
    here = Office(rules)
    here.hear("2026-11-18 09:00", **changes)
    here.sweep("2026-11-20 16:00:01")
    assert here.tell() == [("head", "new")]
    return here


def test_what_stands_is_told_again_each_so_many_working_days_until_at_most() -> None:
    here = late(with_ladder(levels=[LEVEL], repeat=AGAIN))
    assert here.timer == at("2026-11-23 16:00:01")
    here.sweep("2026-11-23 16:00:01")
    assert here.tell() == [("head", "repeated")]
    assert here.timer == at("2026-11-25 16:00:01")  # the 24th is a day off
    here.sweep("2026-11-25 16:00:01")
    assert here.tell() == [("head", "repeated")]
    assert here.timer is None


def test_repeats_that_were_missed_are_one() -> None:
    here = late(with_ladder(levels=[LEVEL], repeat=AGAIN))
    here.sweep("2026-12-15 08:00")
    assert here.tell() == [("head", "repeated")]
    assert (here.timer, here.pressed and here.pressed.repeated) == (None, 2)


def test_a_level_above_begins_to_count_anew_and_repeats_to_those_it_tells() -> None:
    levels = [LEVEL, {**ABOVE, "repeat": {"every_working_days": 2, "at_most": 1}}]
    here = late(with_ladder(levels=levels, repeat=AGAIN))
    for now in ("2026-11-23 16:00:01", "2026-11-25 16:00:01"):
        here.sweep(now)
        assert here.tell() == [("head", "repeated")]
    assert here.timer == at("2026-11-26 16:00")
    here.sweep("2026-11-26 16:00")
    assert here.tell() == [("superior", "new")]
    here.sweep("2026-11-30 16:00")
    assert here.tell() == [("superior", "repeated")]
    assert here.timer is None


def test_who_was_never_told_is_not_told_again() -> None:
    here = late(with_ladder(levels=[LEVEL], repeat=AGAIN))
    here.lines = [replace(line, told=NEAR) for line in here.lines]  # withheld: nobody was reached
    here.sweep("2026-11-23 16:00:01")
    assert here.tell() == []


def test_while_paused_nothing_is_told_again() -> None:
    here = late(with_ladder(levels=[LEVEL], repeat=AGAIN))
    here.hear("2026-11-20 17:00", revision=2, state="paused")
    assert here.timer is None


def test_a_ladder_that_stops_rests_and_what_was_raised_stands() -> None:
    here = late(
        with_ladder(levels=[LEVEL], repeat={"every_working_days": 1, "at_most": 9}, stop={"after_working_days": 2})
    )
    here.sweep("2026-11-23 16:00:01")
    assert here.tell() == [("head", "repeated")]
    assert here.timer == at("2026-11-25 16:00")
    here.sweep("2026-11-25 16:00")
    assert here.tell() == []
    assert here.pressed
    assert (here.pressed.raised, here.pressed.rested_at) == (1, at("2026-11-25 16:00"))
    assert here.timer is None


def test_what_is_first_heard_of_after_its_ladder_stopped_is_told_once() -> None:
    here = Office(with_ladder(levels=[LEVEL, ABOVE], stop={"after_working_days": 5}))
    here.hear("2027-01-18 09:00")
    here.sweep("2027-01-18 09:00")
    assert here.tell() == [("head", "new"), ("superior", "new")]
    assert here.pressed
    assert (here.timer, here.pressed.rested_at) == (None, at("2027-01-18 09:00"))


def test_a_resting_ladder_goes_on_where_the_due_time_was_moved_and_is_past_again() -> None:
    here = late(with_ladder(levels=[LEVEL], stop={"after_working_days": 2}))
    here.sweep("2026-11-25 16:00")
    here.hear("2026-11-26 08:00", revision=2, due_at=at("2026-11-25 09:00"))
    assert here.tell() == [("head", "changed")]
    assert here.pressed
    assert (here.pressed.rested_at, here.timer) == (None, at("2026-11-27 09:00"))


def test_settled_and_late_again_it_is_counted_from_the_beginning() -> None:
    here = late(with_ladder(levels=[LEVEL], repeat=AGAIN))
    here.sweep("2026-11-23 16:00:01")
    here.tell()
    here.hear("2026-11-24 08:00", revision=2, due_at=at("2026-12-01 16:00"))
    assert here.tell() == [("head", "settled")]
    here.sweep("2026-12-01 16:00:01")
    assert here.tell() == [("head", "new")]
    assert here.timer == at("2026-12-02 16:00:01")


def near_told() -> Office:
    here = Office(with_ladder(near={"tell": ["officer", "head"]}, levels=[LEVEL]))
    here.hear("2026-11-18 09:00", near_at=at("2026-11-19 16:00"))
    here.sweep("2026-11-19 16:00")
    assert here.tell() == [("officer", "new"), ("head", "new")]
    return here


def test_who_was_told_that_it_is_near_hears_that_the_due_time_lies_further_ahead() -> None:
    here = near_told()
    here.hear("2026-11-19 17:00", revision=2, due_at=at("2026-12-04 16:00"), near_at=at("2026-12-03 16:00"))
    assert here.tell() == [("officer", "settled"), ("head", "settled")]
    assert here.lines == []


def test_who_was_told_that_it_is_near_hears_that_the_due_time_moved_and_is_still_near() -> None:
    here = near_told()
    here.hear("2026-11-19 17:00", revision=2, due_at=at("2026-11-20 17:00"), near_at=at("2026-11-19 17:00"))
    assert here.tell() == [("officer", "changed"), ("head", "changed")]


def test_who_was_told_that_it_is_near_hears_nothing_of_an_end_in_time() -> None:
    here = near_told()
    here.hear("2026-11-19 17:00", revision=2, state="ended", ended_at=at("2026-11-19 17:00"), end="completed")
    assert (here.tell(), here.lines) == ([], [])


def test_late_again_before_its_easing_was_told_nobody_reads_of_an_easing() -> None:
    here = near_told()
    here.hear("2026-11-19 17:00", revision=2, due_at=at("2026-12-04 16:00"), near_at=at("2026-12-03 16:00"))
    here.hear("2026-11-19 17:05", revision=3, due_at=at("2026-11-19 17:00"), near_at=at("2026-11-18 17:00"))
    here.sweep("2026-11-19 17:05")
    assert here.tell() == [("head", "new")]


def test_another_policy_keeps_what_was_raised_and_reckons_the_timer_anew() -> None:
    here = late(with_ladder(levels=[LEVEL, ABOVE]))
    assert here.timer == at("2026-11-26 16:00")
    assert here.pressed
    now = at("2026-11-23 08:00")
    quick = with_ladder(levels=[LEVEL, {**ABOVE, "after": {"working_hours": 1}}])
    anew = pressing.reckoned(here.pressed, rules=quick, at=now)
    assert (anew.raised, anew.timer_at) == (1, now)  # reached already: due at once
    none = pressing.reckoned(here.pressed, rules=with_ladder(levels=[LEVEL]), at=now)
    assert (none.raised, none.timer_at) == (1, None)


ENDED: dict[str, Any] = {"state": "ended", "ended_at": at("2026-11-23 08:00")}


@pytest.mark.parametrize(
    "changes",
    [
        {**ENDED, "end": "completed"},
        {**ENDED, "end": "withdrawn"},
        {**ENDED, "end": "void"},
        {"due_at": at("2026-12-04 16:00"), "apologies": 1},  # a lawful extension
        {"due_at": None},
    ],
)
def test_whatever_ends_a_ladder_all_who_were_warned_are_told_and_no_timer_runs_for_it(changes: dict[str, Any]) -> None:
    here = late(with_ladder(levels=[LEVEL, ABOVE], repeat=AGAIN))
    here.sweep("2026-11-26 16:00")
    assert here.tell() == [("superior", "new")]
    here.sweep("2026-11-27 16:00")
    assert here.tell() == [("superior", "repeated")]
    here.hear("2026-11-27 17:00", revision=2, **changes)
    assert sorted(here.tell()) == [("head", "settled"), ("superior", "settled")]
    assert here.pressed
    assert (here.pressed.raised, here.pressed.repeated, here.pressed.rested_at) == (NOTHING, 0, None)
    ahead = changes.get("due_at")
    assert here.timer == (at("2026-12-04 16:00:01") if ahead else None)


def test_backlog_is_one_opening_line_at_level_one_and_its_ladder_counts_from_then() -> None:
    here = Office(with_ladder(near="head", levels=[LEVEL, ABOVE], stop={"after_working_days": 5}))
    here.hear("2026-11-23 06:00", due_at=at("2026-03-02 16:00"), heard_at=at("2026-11-23 06:00"), backlog=True)
    here.sweep("2026-11-23 06:00")
    assert here.tell() == [("head", "new")]
    assert here.timer == at("2026-11-27 07:00")  # three working days on, the 24th off, at the next opening
    here.sweep("2026-11-27 07:00")
    assert here.tell() == [("superior", "new")]
    assert here.timer == at("2026-12-01 07:00")  # it rests five working days on


def test_a_ladder_runs_in_the_calendar_of_the_unit_that_must_act() -> None:
    week = {day: ["07:00-11:30", "13:30-17:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    every_day = calendar(timezone="Asia/Ho_Chi_Minh", week=week, known_from="2026-01-01", known_until="2027-12-31")
    rules = replace(RULES, own_calendars={"H56.12": every_day, "phường x": every_day})
    of: ObligationChanged = obligation(unit_code="H56.12")
    assert rules.steps(of)[-1].at == at("2026-11-22 16:00")
    assert rules.steps(obligation(unit_code="H56.13"))[-1].at == at("2026-11-25 16:00")
    assert rules.steps(obligation(unit=None), Meant(None, None, "Phường  X"))[-1].at == at("2026-11-22 16:00")
    joint = Meant("H56.13", None, "Phòng", joint=True)
    assert rules.steps(of, joint)[-1].at == at("2026-11-25 16:00")
    assert rules.next_slot(at=at("2026-11-21 06:00"), post="H56.12") == at("2026-11-21 07:30")
    assert rules.next_slot(at=at("2026-11-21 06:00"), post="H56.13") == at("2026-11-23 07:30")
