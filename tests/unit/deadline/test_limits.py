"""The limits of procedures: each unit as what it is, the cut-off hour, which rule holds, and what is never guessed."""

from __future__ import annotations

import csv
from datetime import date, datetime
from importlib.resources import files
from itertools import permutations
from typing import Any

import pytest

from services.deadline.limits import Limit, Rule, carried, choose, due_after
from shared.worktime import Pause, vietnam


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+07:00")


def due(start: str, value: int, unit: Any, *pauses: Pause) -> str:
    found = due_after(at(start), Limit(value, unit, "-"), calendar=vietnam(), pauses=pauses)
    return found.isoformat()[5:16]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("11-20T09:10", "11-20T17:00"),
        ("11-20T15:00", "11-20T17:00"),  # at the hour is not after it
        ("11-20T15:00:01", "11-23T17:00"),
        ("11-20T18:00", "11-23T17:00"),  # closed: as if at Monday's opening
        ("11-21T09:00", "11-23T17:00"),
        ("11-23T15:30", "11-25T17:00"),  # the next day is a holiday
    ],
)
def test_what_is_due_the_same_day_and_comes_after_15_00_is_due_the_next_working_day(start: str, expected: str) -> None:
    assert due(start, 0, "same_day") == expected


def test_a_pause_moves_a_same_day_limit_by_its_open_time() -> None:
    assert due("11-20T09:00", 0, "same_day", Pause(at("11-20T10:00"), at("11-20T11:00"))) == "11-23T08:00"


def test_calendar_days_count_all_days_and_roll_to_the_end_of_a_working_day() -> None:
    assert due("11-02T09:10", 20, "calendar_days") == "11-23T17:00"  # 22/11 is a Sunday
    assert due("11-02T09:10", 15, "calendar_days") == "11-17T09:10"


def rule(value: int, **given: Any) -> Rule:
    return Rule(value=value, **{"unit": "working_days", **given})


def chosen(*rules: Rule, on: str = "2026-11-02", difficult: bool = False, **of: Any) -> float | None:
    """Return the figure chosen, whatever the order of the rules."""
    asked: dict[str, Any] = {"case": None, "channel": None, **of}
    found = {
        limit.value if limit else None
        for order in permutations(rules)
        for limit in [choose(order, on=date.fromisoformat(on), difficult=difficult, **asked)]
    }
    assert len(found) == 1, found
    return found.pop()


BY_ALL = rule(1, case="01", channel="online")
BY_CASE, BY_CHANNEL, FOR_ANY = rule(2, case="01"), rule(3, channel="online"), rule(4)
EVERY = (BY_ALL, BY_CASE, BY_CHANNEL, FOR_ANY)


@pytest.mark.parametrize(
    ("case", "channel", "expected"),
    [
        ("01", "online", 1),
        ("01", "post", 2),
        ("01", None, 2),
        ("02", "online", 3),
        (None, "online", 3),
        ("02", "post", 4),
        (None, None, 4),
    ],
)
def test_a_rule_for_case_and_channel_goes_before_one_for_the_case_before_one_for_the_channel_before_one_for_all(
    case: str | None, channel: str | None, expected: int
) -> None:
    assert chosen(*EVERY, case=case, channel=channel) == expected
    assert chosen(BY_CASE, BY_CHANNEL, FOR_ANY, case="01", channel="online") == 2


@pytest.mark.parametrize("of", [{}, {"case": "02"}, {"channel": "post"}, {"case": "02", "channel": "post"}])
def test_a_rule_for_another_case_or_channel_never_applies(of: dict[str, Any]) -> None:
    assert chosen(BY_ALL, BY_CASE, BY_CHANNEL, **of) is None


@pytest.mark.parametrize(
    ("on", "expected"),
    [("2026-06-30", None), ("2026-07-01", 5), ("2027-02-28", 5), ("2027-03-01", 3), ("2031-01-01", 3)],
)
def test_a_dossier_keeps_the_rule_of_its_date_of_reception_both_ends_included(on: str, expected: int | None) -> None:
    old = rule(5, valid_from=date(2026, 7, 1), valid_until=date(2027, 2, 28))
    assert chosen(old, rule(3, valid_from=date(2027, 3, 1)), on=on) == expected


def test_a_rule_that_is_no_longer_valid_does_not_hide_a_less_particular_one() -> None:
    assert chosen(rule(2, case="01", valid_until=date(2026, 11, 1)), FOR_ANY, case="01") == 4


def test_among_equals_the_one_valid_from_latest_counts() -> None:
    rules = rule(5), rule(4, valid_from=date(2026, 1, 1)), rule(3, valid_from=date(2026, 11, 2))
    assert (chosen(*rules), chosen(*rules, on="2026-11-01"), chosen(*rules, on="2025-12-31")) == (3, 4, 5)


def test_cases_that_cannot_be_told_apart_give_no_limit_and_rules_that_say_the_same_do() -> None:
    assert chosen(rule(3), rule(5)) is None
    assert chosen(rule(3), rule(3, unit="calendar_days")) is None
    assert chosen(rule(3), rule(3, difficult_days=10)) is None
    assert chosen(rule(3), rule(3, basis="another act")) == 3
    assert chosen(BY_CASE, rule(9, case="01"), FOR_ANY, case="01") is None


def test_a_difficult_commune_has_more_days_where_the_rule_says_so() -> None:
    assert chosen(rule(8, difficult_days=10), difficult=True) == 18
    assert chosen(rule(8, difficult_days=10)) == 8
    assert chosen(rule(8), difficult=True) == 8


def test_a_limit_tells_the_rule_it_comes_from() -> None:
    limit = choose([BY_CHANNEL], case=None, channel="online", on=date(2026, 11, 2), difficult=False)
    assert limit is not None
    assert limit.rule == BY_CHANNEL


def limit_of(code: str, *, difficult: bool = False) -> tuple[float, str]:
    limit = choose(carried()[code], case=None, channel=None, on=date(2026, 11, 2), difficult=difficult)
    assert limit is not None
    return limit.value, limit.unit


def test_the_carried_catalogue_knows_each_unit_and_nothing_of_low_confidence() -> None:
    assert limit_of("2.000815") == (0, "same_day")
    assert limit_of("1.013225") == (20, "calendar_days")
    assert limit_of("1.004746") == (5, "working_days")
    assert "1.001699" not in carried()  # of low confidence


def test_every_sound_row_of_the_carried_catalogue_is_the_limit_of_its_procedure() -> None:
    text = files("services.deadline").joinpath("data/procedures.csv").read_text("utf-8")
    rows = {row["code"]: row for row in csv.DictReader(text.splitlines())}
    sound = {code for code, row in rows.items() if row["confidence"] != "low" and row["limit_value"]}
    assert (sound, len(sound)) == (set(carried()), 54)
    assert all(limit_of(code) == (int(rows[code]["limit_value"]), rows[code]["limit_unit"]) for code in sound)


def test_land_dossiers_of_difficult_communes_have_the_days_that_the_portal_s_figures_show() -> None:
    assert (limit_of("1.012784"), limit_of("1.012784", difficult=True)) == ((12, "working_days"), (22, "working_days"))
    assert limit_of("1.013967", difficult=True) == (60, "calendar_days")
    assert limit_of("1.004746", difficult=True) == limit_of("1.004746")
    assert limit_of("1.013833", difficult=True) == limit_of("1.013833")  # no pair among its figures
    assert sum(rules[0].difficult_days == 10 for rules in carried().values()) == 15
