"""Quiet hours, the next day's slot, the weekly slot."""

import re
from datetime import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.notify.policies.file import CARRIED, read
from services.notify.policies.parts import QuietHours, Weekly
from services.notify.policies.policy import Policy
from services.notify.policies.when import awake, next_day, next_weekly
from shared.rule_files import RuleFileError
from shared.worktime import vietnam
from tests.unit.notify.given import RULES, at

NIGHT = QuietHours()
NOON = QuietHours(since=time(11, 30), until=time(13, 30), days_off=False)


def with_setting(added: str) -> Policy:
    """Return the carried policy with settings in YAML put in place of its own."""
    given = yaml.safe_load(CARRIED.read_text("utf-8")) | yaml.safe_load(added)
    return read(yaml.safe_dump(given, allow_unicode=True)).several[0]


@pytest.mark.parametrize(
    ("quiet", "now", "free"),
    [
        (NIGHT, "2026-11-20 16:00", "2026-11-20 16:00"),
        (NIGHT, "2026-11-19 20:00", "2026-11-20 07:00"),
        (NIGHT, "2026-11-20 06:59", "2026-11-20 07:00"),
        (NIGHT, "2026-11-20 07:00", "2026-11-20 07:00"),
        (NIGHT, "2026-11-20 20:00", "2026-11-23 07:00"),  # a Friday
        (NIGHT, "2026-11-21 10:00", "2026-11-23 07:00"),
        (NIGHT, "2026-11-24 10:00", "2026-11-25 07:00"),  # the 24th is a day off
        (NOON, "2026-11-21 12:00", "2026-11-21 13:30"),
        (NOON, "2026-11-21 13:30", "2026-11-21 13:30"),
        (None, "2026-11-21 03:00", "2026-11-21 03:00"),
    ],
)
def test_quiet_hours_hold_and_then_release(quiet: QuietHours | None, now: str, free: str) -> None:
    assert awake(quiet, calendar=vietnam(), at=at(now)) == at(free)


@given(st.datetimes(at("2026-01-01 00:00").replace(tzinfo=None), at("2026-12-01 00:00").replace(tzinfo=None)))
def test_what_is_released_is_never_released_into_quiet_hours(now: object) -> None:
    instant = at(str(now)[:16])
    free = awake(NIGHT, calendar=vietnam(), at=instant)
    assert free >= instant
    assert awake(NIGHT, calendar=vietnam(), at=free) == free


def test_over_a_cap_is_the_first_slot_of_the_next_working_day() -> None:
    slots = RULES.policy.slots
    assert next_day(slots, calendar=vietnam(), at=at("2026-11-19 06:00")) == at("2026-11-20 07:30")
    assert next_day(slots, calendar=vietnam(), at=at("2026-11-23 14:00")) == at("2026-11-25 07:30")


@pytest.mark.parametrize(
    ("weekly", "now", "slot"),
    [
        (Weekly(), "2026-11-20 09:00", "2026-11-23 08:00"),
        (Weekly(), "2026-11-23 07:59", "2026-11-23 08:00"),
        (Weekly(), "2026-11-23 08:00", "2026-11-30 08:00"),
        (Weekly(weekday="tue"), "2026-11-23 09:00", "2026-11-25 08:00"),  # the 24th is a day off
        (Weekly(weekday="tue"), "2026-11-24 09:00", "2026-11-25 08:00"),
        (Weekly(weekday="sun"), "2026-11-20 09:00", "2026-11-23 08:00"),
        (Weekly(weekday="sun"), "2026-11-23 07:00", "2026-11-23 08:00"),  # of the Sunday before
    ],
)
def test_the_weekly_page_comes_on_its_day_or_the_next_working_day(weekly: Weekly, now: str, slot: str) -> None:
    assert next_weekly(weekly, calendar=vietnam(), at=at(now)) == at(slot)


@pytest.mark.parametrize(
    ("added", "words"),
    [
        ('quiet_hours: {since: "07:00", until: "08:00"}', "07:30 lies in quiet_hours"),
        ('quiet_hours: {since: "07:00", until: "07:00"}', "from and to must differ"),
        ("quiet_hours: {since: 20:00}", "write clock times in quotes"),
        ("caps: {per_person: 0}", "greater than or equal to 1"),
        ("weekly: {weekday: monday}", "'mon', 'tue'"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_reason(added: str, words: str) -> None:
    with pytest.raises(RuleFileError, match=re.escape(words)):
        with_setting(added)


def test_each_may_be_turned_off() -> None:
    off = with_setting("quiet_hours: null\nweekly: null\ncaps: {per_person: null}")
    assert (off.quiet_hours, off.weekly, off.caps.per_person) == (None, None, None)
