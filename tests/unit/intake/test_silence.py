"""When a source is silent beyond what is usual for it at that hour."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from types import SimpleNamespace

from services.intake.sources.hearing import Reach, hours_of
from services.intake.sources.silence import Days, Hour, Policy, silent_at, usual
from shared.clock import PROVINCE_ZONE, DrivenClock, WallClock, machine_now

POLICY = Policy(after_days=3, new_min=480, floor_min=30, factor=2)
HOLIDAY = date(2026, 11, 24)
TODAY = date(2026, 11, 23)  # a Monday
OFFICE = (7, 8, 9, 10, 13, 14, 15, 16)
DAYS = Days(
    works=lambda day: day.weekday() < 5 and day != HOLIDAY,
    opens=lambda day, hour: day.weekday() < 5 and day != HOLIDAY and hour in OFFICE,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+07:00").astimezone(PROVINCE_ZONE)


def spoke(*, days: int, hours: Iterable[int], every_min: int, before: date = TODAY) -> list[Hour]:
    """A source that speaks on working days, in some hours, every so many minutes."""
    minutes = [
        datetime(day.year, day.month, day.day, hour, minute, tzinfo=PROVINCE_ZONE)
        for day in (before - timedelta(days=n) for n in range(days, 0, -1))
        if DAYS.works(day)
        for hour in hours
        for minute in range(0, 60, every_min)
    ]
    return hours_of(minutes)


def silent(hours: list[Hour], heard_at: str, *, today: date = TODAY, by_hand: int | None = None) -> str | None:
    held_to = usual(hours, DAYS, POLICY, today=today, silent_after_minutes=by_hand)
    if held_to is None:
        return "too new"
    found = silent_at(at(heard_at), held_to, DAYS)
    return found[0].strftime("%m-%d %H:%M") if found else None


def test_minutes_become_hours_with_the_longest_gap_in_each() -> None:
    heard = [at("2026-11-20T09:05:00"), at("2026-11-20T09:50:00"), at("2026-11-20T09:07:00"), at("2026-11-20T10:00:00")]
    day = date(2026, 11, 20)
    assert hours_of(heard) == [Hour(day, 9, 5, 50, 43), Hour(day, 10, 0, 0, 0)]


def test_a_source_of_few_days_is_never_called_silent() -> None:
    assert silent(spoke(days=4, hours=OFFICE, every_min=1), "2026-11-20T16:59:00") == "too new"


def test_a_source_with_little_history_is_allowed_the_settings_open_hours() -> None:
    hours = spoke(days=7, hours=OFFICE, every_min=1)  # five working days
    assert silent(hours, "2026-11-20T16:30:00") == "11-23 16:30"  # half an hour on Friday, seven and a half on Monday


def test_a_steady_source_is_missed_after_the_floor() -> None:
    assert silent(spoke(days=40, hours=OFFICE, every_min=5), "2026-11-23T09:00:00") == "11-23 09:30"


def test_a_source_that_speaks_seldom_is_given_twice_its_usual_gap() -> None:
    hours = spoke(days=40, hours=(8, 10, 13, 15), every_min=60)  # once in each of these hours
    assert silent(hours, "2026-11-23T10:00:00") == "11-23 14:00"  # the clock stands from 11 to 13


def test_nights_weekends_and_holidays_pass_without_an_alarm() -> None:
    hours = spoke(days=40, hours=OFFICE, every_min=5)
    assert silent(hours, "2026-11-20T16:55:00") == "11-23 07:25"  # Friday evening to Monday
    assert silent(hours, "2026-11-23T16:55:00") == "11-25 07:25"  # over the holiday


def test_a_source_that_speaks_all_night_is_missed_at_night() -> None:
    assert silent(spoke(days=40, hours=range(24), every_min=5), "2026-11-23T02:00:00") == "11-23 02:30"


def test_one_outage_does_not_make_the_next_one_usual() -> None:
    hours = [hour for hour in spoke(days=40, hours=OFFICE, every_min=5) if hour.day != date(2026, 11, 12)]
    assert silent(hours, "2026-11-23T09:00:00") == "11-23 09:30"


def test_a_gap_that_is_there_every_week_is_usual() -> None:
    hours = [h for h in spoke(days=40, hours=OFFICE, every_min=5) if not (h.day.weekday() in (0, 2) and h.hour == 9)]
    assert silent(hours, "2026-11-23T08:55:00") == "11-23 13:00"  # twice an hour and five minutes, at ten and after
    assert silent(hours, "2026-11-23T14:00:00") == "11-23 14:30"  # which changes nothing in the afternoon


def test_what_an_operator_set_goes_before_what_was_learned() -> None:
    assert silent(spoke(days=40, hours=OFFICE, every_min=5), "2026-11-23T10:30:00", by_hand=90) == "11-23 14:00"


def test_a_source_that_speaks_at_no_fixed_hour_is_held_to_office_hours() -> None:
    once = [
        Hour(day, 7 + number % 9, 0, 0, 0)
        for number, day in enumerate(date(2026, 10, 12) + timedelta(days=n) for n in range(42))
        if DAYS.works(day)
    ]
    held_to = usual(once, DAYS, POLICY, today=TODAY, silent_after_minutes=None)
    assert held_to is not None
    assert held_to.spoken(TODAY, 9)
    assert not held_to.spoken(TODAY, 12)
    found = silent_at(at("2026-11-20T09:00:00"), held_to, DAYS)
    assert found is not None
    assert found[0] >= at("2026-11-24T00:00:00")  # longer than its usual day and a half


def test_who_never_speaks_again_in_its_hours_is_not_searched_for_ever() -> None:
    never = Days(works=lambda _: False, opens=lambda *_: False)
    held_to = usual(spoke(days=40, hours=OFFICE, every_min=5), never, POLICY, today=TODAY, silent_after_minutes=None)
    assert held_to is not None
    nothing = type(held_to)(lambda *_: False, held_to.allowed)
    assert silent_at(at("2026-11-23T09:00:00"), nothing, never) is None


async def test_who_may_be_behind_the_stream_knows_it() -> None:
    reach = Reach()
    assert not reach.is_behind()
    await reach.start(SimpleNamespace(clock=WallClock()))  # type: ignore[arg-type]
    assert reach.is_behind()
    reach.note(machine_now(), driven=False)
    assert not reach.is_behind()
    reach.note(machine_now() - timedelta(minutes=2), driven=False)
    assert reach.is_behind()
    reach.note(machine_now() - timedelta(days=2), driven=True)  # ticks come behind all data
    assert not reach.is_behind()
    await reach.start(SimpleNamespace(clock=DrivenClock(at("2026-11-23T09:00:00"))))  # type: ignore[arg-type]
    assert not reach.is_behind()
