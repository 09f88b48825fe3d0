"""A source's own census: what is taken of it, and when a part is a repeat and when a correction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.intake import source_census
from services.intake.facts import Receipt
from services.intake.memory import Memory
from services.intake.source_census import CENSUS, TYPES
from services.intake.statements import read
from shared.events import Fact

TAKEN_AT = "2026-11-20T06:00:00+07:00"


def body(data: Any, **more: Any) -> bytes:
    return orjson.dumps({"specversion": "1.0", "id": "1", "source": "/x", "type": CENSUS, **more, "data": data})


def census(*, heard: str = "2026-11-20T06:05:00+07:00", **data: Any) -> tuple[dict[str, Any], Fact]:
    """Return the event that says a part, and what intake remembers of it."""
    at = {"time": data.pop("time")} if "time" in data else {}
    [stated] = read(body({"taken_at": TAKEN_AT, **data}, **at), types=TYPES).objects
    event = source_census.event_of(stated, source="motcua-1", mirror=False)
    receipt = Receipt.of(datetime.fromisoformat(heard))
    return event, source_census.fact_of_part(stated, event, receipt=receipt)


def test_codes_are_told_as_keys_each_once_and_empty_members_say_nothing() -> None:
    event, _ = census(overdue=["x-2", " X-2 ", "X-1"], counts={"open": 3, "overdue": None}, units=None)
    assert (event["overdue"], event["counts"], event["units"]) == (["X-1", "X-2"], {"open": 3}, {})
    assert census(taken_at="2026-11-19T23:00:00Z")[0]["taken_at"] == TAKEN_AT


def test_a_part_again_is_a_repeat_whenever_it_is_heard_and_whatever_order_its_codes_have() -> None:
    memory = Memory("x")
    first, again = (
        census(overdue=["X-1", "X-2"])[1],
        census(overdue=["X-2", "X-1"], heard="2026-11-20T09:00:00+07:00")[1],
    )
    assert (memory.hear(first), memory.hear(again)) == ([first], [])


def test_a_correction_is_news_and_so_is_taking_it_back_where_statements_have_their_times() -> None:
    memory = Memory("x")
    one, other, back = (
        census(overdue=codes, time=f"2026-11-20T06:0{minute}:00+07:00")[1]
        for minute, codes in enumerate((["X-1"], [], ["X-1"]))
    )
    assert [memory.hear(fact) for fact in (one, other, back)] == [[one], [other], [back]]


@pytest.mark.parametrize("at", [None, "", "2026-11-20", "2026-11-20T06:00:00", 20261120])
def test_a_census_says_when_it_was_taken(at: object) -> None:
    [refused] = read(body({"taken_at": at}), types=TYPES).refused
    assert refused.detail.startswith("data.taken_at: ")


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers(-5, 10**10) | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = ("part", "parts", "counts", "ended_from", "units", "overdue")


@given(data=some.dictionaries(some.sampled_from(MEMBERS), ANYTHING))
def test_whatever_a_census_holds_it_is_taken_or_refused(data: dict[str, Any]) -> None:
    taken = read(body({"taken_at": TAKEN_AT, **data}), types=TYPES)
    assert len(taken.objects) + len(taken.refused) == 1
    for stated in taken.objects:
        assert source_census.event_of(stated, source="motcua-1", mirror=False)["part"] >= 1
