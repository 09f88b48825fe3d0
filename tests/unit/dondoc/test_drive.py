"""How far the driver of business time jumps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from dondoc.drive import Driver, Timed, _Ahead, on_grid

NOBODY: Any = None
START = datetime.fromisoformat("2026-11-02T00:00:00+07:00")


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-02T{clock}+07:00")


def driver(**timers: datetime | None) -> Driver:
    return Driver(NOBODY, NOBODY, at("08:00:00"), timers=timers)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("09:00:00", "09:00:00"),
        ("09:00:01", "09:15:00"),
        ("09:14:59.999999", "09:15:00"),
        ("00:00:00", "00:00:00"),
    ],
)
def test_an_instant_is_rounded_up_to_the_grid(given: str, wanted: str) -> None:
    assert on_grid(at(given)) == at(wanted)


def test_the_grid_is_that_of_the_province_whatever_the_zone_given() -> None:
    assert on_grid(datetime.fromisoformat("2026-11-01T23:59:00+00:00")) == at("07:00:00")


def test_without_anything_due_it_jumps_to_the_end() -> None:
    assert driver()._next(None, until=at("20:00:00")) == at("20:00:00")
    assert driver(intake=None)._next(None, until=at("20:00:00")) == at("20:00:00")


def test_it_never_jumps_past_the_earliest_timer() -> None:
    timers = driver(deadline=at("09:10:00"), notify=at("14:00:00"))
    assert timers._next(at("10:00:00"), until=at("20:00:00")) == at("09:15:00")


def test_it_never_jumps_past_the_next_message() -> None:
    assert driver(notify=at("14:00:00"))._next(at("10:00:01"), until=at("20:00:00")) == at("10:15:00")


def test_a_timer_that_stands_where_it_was_is_tried_again_a_grid_later() -> None:
    assert driver(deadline=at("08:00:00"))._next(None, until=at("20:00:00")) == at("08:15:00")


def test_it_never_passes_the_end() -> None:
    assert driver(notify=at("14:00:00"))._next(None, until=at("13:50:00")) == at("13:50:00")


def test_messages_up_to_an_instant_are_taken_with_it() -> None:
    messages = [Timed(START + timedelta(minutes=minute), "a", b"") for minute in (0, 15, 16)]
    ahead = _Ahead(iter(messages))
    assert list(ahead.take(up_to=at("00:15:00"))) == messages[:2]
    assert ahead.next_at == at("00:16:00")
