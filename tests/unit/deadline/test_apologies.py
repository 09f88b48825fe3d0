"""Letters of apology: counted, held to their time, and no cure of what was missed before."""

from __future__ import annotations

import pytest

from services.deadline.apologies import Announcement, Apology, flags, in_time, stood_before
from shared.worktime import vietnam

DUE = "2026-11-25T09:00:00+07:00"  # a Wednesday; Tuesday 24/11 is a holiday
AFTER = "2026-12-02T09:00:00+07:00"


def letter(issued: str, *, before: str | None = DUE) -> Apology:
    return Apology(f"{issued}+07:00", before, AFTER)


@pytest.mark.parametrize(
    ("issued", "timely"),
    [
        ("2026-11-20T16:59:00", True),
        ("2026-11-23T17:00:00", True),  # Monday, the working day before
        ("2026-11-24T08:00:00", False),
        ("2026-11-25T08:00:00", False),
    ],
)
def test_a_letter_is_in_time_on_the_working_day_before_the_due_date(issued: str, timely: bool) -> None:
    assert in_time(letter(issued), DUE, calendar=vietnam()) is timely


def test_beyond_the_calendar_no_letter_is_called_late() -> None:
    assert in_time(letter("2040-01-01T09:00:00"), "2040-01-01T10:00:00+07:00", calendar=vietnam())


def test_the_date_that_stood_is_the_letters_own_or_the_last_announced_before_it() -> None:
    announced = [Announcement("2026-11-02T09:00:00+07:00", DUE), Announcement("2026-11-20T09:00:00+07:00", AFTER)]
    assert stood_before(letter("2026-11-20T09:00:00"), announced) == DUE
    assert stood_before(letter("2026-11-20T09:00:00", before=None), announced) == DUE
    assert stood_before(letter("2026-11-01T09:00:00", before=None), announced) is None


def said(*letters: Apology, ended_at: str | None = None) -> set[str]:
    return set(flags(letters, (), ended_at=ended_at, calendar=vietnam()))


def test_one_letter_in_time_is_no_reason_for_a_flag() -> None:
    assert said(letter("2026-11-20T09:00:00")) == set()


def test_a_second_letter_and_a_late_one_are_flagged() -> None:
    assert said(letter("2026-11-20T09:00:00"), letter("2026-11-23T09:00:00")) == {"apology_repeated"}
    assert said(letter("2026-11-25T08:00:00")) == {"apology_late"}


def test_an_end_after_the_first_due_date_stays_known_as_late_by_it() -> None:
    assert said(letter("2026-11-20T09:00:00"), ended_at="2026-11-30T09:00:00+07:00") == {"late_by_first_due"}
    assert said(letter("2026-11-20T09:00:00"), ended_at=DUE) == set()
