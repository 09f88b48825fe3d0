"""The local one-stop software's own due dates: worked examples, and a second way that walks minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, get_args

import orjson
import pytest

from services.deadline import limits
from services.deadline.due import answer
from services.deadline.local_software import Counts, after_supplement, local_due, local_due_of, steps
from shared.worktime import CalendarEndsError, vietnam

VIETNAM = vietnam()
DAY = timedelta(days=1)
OFF = {day for day, hours in VIETNAM.content.dates.items() if hours == ()}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM.zone)


def due(start: str, hours: float, counts: Counts = "working_days") -> str:
    told = local_due(at(start), hours=hours, counts=counts, calendar=VIETNAM)
    assert told.tzinfo is VIETNAM.zone
    return f"{told:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("start", "hours", "counts", "expected"),
    [
        # 24/11/2026 is a holiday; the clock time of receipt is kept
        ("2026-11-20 09:10", 24, "working_days", "2026-11-26 09:10"),
        ("2026-11-23 12:00", 8, "working_days", "2026-11-25 13:30"),  # in the lunch gap
        ("2026-11-23 11:30", 8, "working_days", "2026-11-25 11:30"),  # at its begin, not in it
        ("2026-11-20 18:00", 24, "working_days", "2026-11-27 07:00"),  # after 17:00: 07:00, a day more
        ("2026-11-20 17:00", 24, "working_days", "2026-11-26 17:00"),  # at 17:00, not after it
        ("2026-11-20 05:00", 24, "working_days", "2026-11-26 07:00"),  # before 07:00
        ("2026-11-16 10:00", 3, "working_days", "2026-11-16 15:00"),  # lunch is skipped
        ("2026-11-16 10:30", 1, "working_days", "2026-11-16 11:30"),  # and is not begun
        ("2026-11-16 16:00", 2, "working_days", "2026-11-17 08:00"),  # the rest runs over: next morning, a day more
        ("2026-11-16 16:30", 7, "working_days", "2026-11-17 15:30"),
        ("2026-11-20 16:00", 10, "working_days", "2026-11-25 08:00"),
        ("2026-11-21 10:00", 1, "working_days", "2026-11-21 11:00"),  # hours run on a Saturday too
        ("2026-08-20 09:00", 16, "working_days", "2026-08-24 09:00"),  # Saturday 22/08 is worked: it does not know
        ("2026-08-28 09:00", 8, "working_days", "2026-09-03 09:00"),  # swapped day off 31/08, National Day 01-02/09
        ("2026-02-12 09:00", 16, "working_days", "2026-02-23 09:00"),  # Tết
        ("2026-02-12 09:00", 16, "calendar_days", "2026-02-23 09:00"),  # 14/02 is a Saturday, then Tết
        ("2026-11-20 09:10", 24, "calendar_days", "2026-11-23 09:10"),
        ("2026-11-20 09:10", 32, "calendar_days", "2026-11-25 09:10"),  # ends on the holiday: the next day
        ("2026-11-20 18:00", 8, "calendar_days", "2026-11-23 07:00"),
        ("2026-11-20 16:00", 18, "calendar_days", "2026-11-23 08:00"),
    ],
)
def test_a_date_on_a_receipt_is_the_one_the_software_prints(
    start: str, hours: float, counts: Counts, expected: str
) -> None:
    assert due(start, hours, counts) == expected


def test_seconds_are_kept_and_a_second_after_closing_is_late() -> None:
    assert local_due(at("2026-11-16 09:10:42"), hours=8, counts="working_days", calendar=VIETNAM).second == 42
    assert due("2026-11-16 17:00:01", 8) == "2026-11-18 07:00"


def slowly(wall: datetime, hours: int, counts: Counts) -> datetime:
    """Walk on minute by minute, then date by date."""
    minute, extra = wall.hour * 60 + wall.minute, 0
    if minute > 17 * 60:
        minute, extra = 7 * 60, 1
    if minute < 7 * 60:
        minute = 7 * 60
    if 11 * 60 + 30 < minute < 13 * 60 + 30:
        minute = 13 * 60 + 30
    for _ in range(hours % 8 * 60):
        if minute == 11 * 60 + 30:
            minute = 13 * 60 + 30
        if minute == 17 * 60:
            minute, extra = 7 * 60, extra + 1
        minute += 1
    on, left = wall.date(), hours // 8 + extra
    while left:
        on += DAY
        if counts == "calendar_days" or not off(on):
            left -= 1
    while counts == "calendar_days" and off(on):
        on += DAY
    return datetime(on.year, on.month, on.day, minute // 60, minute % 60, tzinfo=VIETNAM.zone)


def off(on: date) -> bool:
    return f"{on:%a}" in ("Sat", "Sun") or on in OFF


def test_thousands_of_random_limits_agree_with_walking_minute_by_minute() -> None:
    chance = Random(20261125)
    begin = datetime(2018, 1, 1, tzinfo=VIETNAM.zone)
    for _ in range(6000):
        start = begin + timedelta(minutes=chance.randrange(9 * 365 * 1440))
        if chance.random() < 0.3:
            start = start.replace(
                hour=chance.choice((6, 7, 11, 12, 13, 16, 17)), minute=chance.choice((0, 1, 29, 30, 31))
            )
        hours, counts = chance.randint(1, 400), chance.choice(get_args(Counts))
        expected = slowly(start.replace(tzinfo=None), hours, counts)
        assert local_due(start, hours=hours, counts=counts, calendar=VIETNAM) == expected, (start, hours, counts)
        assert local_due(start.astimezone(UTC), hours=hours, counts=counts, calendar=VIETNAM) == expected
        if hours % 8 == 0:  # each listed date that counts is one of its days
            told = steps(start, hours=hours, counts=counts, calendar=VIETNAM)
            assert told[-1]["on"] == f"{expected:%Y-%m-%d}"
            assert sum(step["counts"] for step in told) - hours // 8 == (start.strftime("%H:%M") > "17:00")


def test_a_supplement_moves_the_date_by_the_days_it_took_less_one_and_then_a_working_day() -> None:
    def moved(due: str, requested: str, resumed: str) -> datetime:
        return after_supplement(at(due), requested=at(requested), resumed=at(resumed), calendar=VIETNAM)

    assert moved("2026-11-18 09:10", "2026-11-16 10:00", "2026-11-18 15:00") == at("2026-11-20 09:10")
    assert moved("2026-11-19 09:10", "2026-11-16 10:00", "2026-11-18 15:00") == at("2026-11-23 09:10")
    assert moved("2026-11-20 09:10", "2026-11-16 10:00", "2026-11-20 08:00") == at("2026-11-25 09:10")
    assert moved("2026-11-18 09:10", "2026-11-16 10:00", "2026-11-16 15:00") == at("2026-11-18 09:10")
    with pytest.raises(ValueError, match=r"resumed: .* is before the request"):
        moved("2026-11-18 09:10", "2026-11-16 10:00", "2026-11-16 09:00")


def test_only_limits_that_the_software_can_keep_have_a_date_of_its_own() -> None:
    def of(value: float, unit: Any) -> datetime | None:
        return local_due_of(limits.Limit(value, unit, ""), at("2026-11-20 09:10"), VIETNAM)

    assert of(3, "working_days") == at("2026-11-26 09:10")
    assert of(3, "calendar_days") == at("2026-11-23 09:10")
    assert of(10, "working_hours") == at("2026-11-23 11:10")
    assert [of(1, unit) for unit in ("weeks", "months", "working_minutes")] == [None, None, None]
    assert of(0, "same_day") is None


def test_a_date_beyond_the_calendar_is_refused() -> None:
    for start, hours, counts in (
        ("2027-12-30 09:00", 80, "working_days"),
        ("2027-12-30 09:00", 80, "calendar_days"),
        ("2027-12-30 09:00", 80_000_000, "calendar_days"),
        ("2028-01-03 09:00", 1, "working_days"),
        ("2017-12-30 09:00", 80, "calendar_days"),
    ):
        with pytest.raises(CalendarEndsError, match="2018-01-01 until 2027-12-31"):
            due(start, hours, counts)  # type: ignore[arg-type]


def test_a_naive_start_and_no_hours_are_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        local_due(datetime(2026, 11, 20, 9), hours=8, counts="working_days", calendar=VIETNAM)  # noqa: DTZ001 - meant
    for hours in (0, -8, float("nan")):
        with pytest.raises(ValueError, match=r"hours: .* is not above 0"):
            due("2026-11-20 09:10", hours)


def asked(**more: Any) -> dict[str, Any]:
    question = {"id": 1, "calendar": "thanh-hoa", "start": "2026-11-20T09:10:00+07:00", "rule": "local_software"}
    return answer(orjson.dumps(question | {"limit": {"value": 3, "unit": "working_days"}} | more))


def test_a_question_may_ask_for_the_softwares_date_and_is_told_so_in_words() -> None:
    told = asked()
    assert (told["due_at"], told["rule"]) == ("2026-11-26T09:10:00+07:00", "local_software")
    assert told["sentence"] == (
        "Theo cách tính của phần mềm một cửa tại địa phương: từ 09:10 ngày 20/11/2026, thời hạn 3 ngày làm việc, "
        "không tính thứ Bảy (kể cả thứ Bảy làm bù), Chủ nhật và ngày nghỉ trong danh mục; hạn là 09:10 ngày 26/11/2026."
    )
    assert {"on": "2026-11-24", "counts": 0, "why": "holiday: Ngày Văn hóa Việt Nam"} in told["explanation"]
    in_days = asked(limit={"value": 9, "unit": "calendar_days"})
    assert in_days["due_at"] == "2026-11-30T09:10:00+07:00"
    assert in_days["explanation"][-1]["why"] == "last day was off: next working day"


def test_the_law_is_asked_unless_another_rule_is_and_named_only_when_asked_for() -> None:
    swap = {"start": "2026-08-20T09:00:00+07:00", "limit": {"value": 2, "unit": "working_days"}}
    assert asked(**swap)["due_at"] == "2026-08-24T09:00:00+07:00"
    assert asked(**swap, rule="law") == asked(**swap, rule=None) | {"rule": "law"}
    assert "rule" not in asked(**swap, rule=None)
    assert asked(**swap, rule=None)["due_at"] == "2026-08-22T09:00:00+07:00"  # a Saturday that is worked


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"rule": "theirs"}, "rule: 'theirs' is not one of law, local_software"),
        ({"limit": {"value": 1, "unit": "months"}}, "rule: local_software has no limits in months, only in working_h"),
        ({"pauses": [{"from": "2026-11-23T08:00:00+07:00", "to": "2026-11-24T08:00:00+07:00"}]}, "`pauses`"),
        ({"levels": [{"value": 1, "unit": "working_days"}]}, "`levels`"),
        ({"ends": "end_of_day"}, "`ends`"),
        ({"roll": "none"}, "`roll`"),
        ({"first_day": "same", "ends": "end_of_day"}, "rule: local_software knows no `"),
        ({"measure": {"from": "2026-11-23T08:00:00+07:00", "to": "2026-11-24T08:00:00+07:00"}}, "measures nothing"),
        ({"start": "2027-12-30T09:10:00+07:00"}, "calendar: the calendar is known from 2018-01-01 until 2027-12-31"),
    ],
)
def test_what_the_software_cannot_say_is_an_error_that_names_the_rule(more: dict[str, Any], error: str) -> None:
    told = asked(**more)
    assert error in told["error"]
    assert told["error"].startswith(("rule: ", "calendar: "))
