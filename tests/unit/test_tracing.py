"""A trace id is taken from who names one, else it begins with the message and is the same at each delivery."""

from __future__ import annotations

import pytest

from shared import tracing

GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"  # the example of the W3C recommendation


def test_a_source_that_names_a_trace_is_followed() -> None:
    assert tracing.received({"traceparent": GIVEN}, seed="x") == GIVEN
    assert tracing.id_of(GIVEN) == "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    "named",
    ["", "x", GIVEN[:-1], GIVEN.upper(), GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32), f"{GIVEN}\n"],
)
def test_what_is_no_trace_is_replaced_by_one_that_each_delivery_gets_alike(named: str) -> None:
    begun = tracing.received({"traceparent": named}, seed="FEED/1")
    assert begun == tracing.received({}, seed="FEED/1")
    assert len(tracing.id_of(begun)) == 32
    assert begun != tracing.received({}, seed="FEED/2")


def test_without_a_collector_a_trace_is_passed_on_as_it_came() -> None:
    with tracing.spans():
        assert tracing.child(GIVEN, name="x") == GIVEN
    assert tracing.child("", name="x") == ""


def test_a_log_line_names_each_trace_once_and_no_empty_one() -> None:
    other = tracing.begun("y")
    assert tracing.ids([GIVEN, "", other, GIVEN]) == [tracing.id_of(GIVEN), tracing.id_of(other)]


def test_the_share_of_traces_asked_for_is_sampled_by_their_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_sampled_below", round(0.25 * 2**64))
    sampled = sum(tracing.begun(str(number)).endswith("-01") for number in range(2000))
    assert 400 < sampled < 600
