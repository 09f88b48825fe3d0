"""When many feedbacks are a pattern, when it is said again, and who is told."""

from __future__ import annotations

from datetime import datetime

import pytest

from services.complaints.finding.growing import Act, Seen, Standing, decide

AT = datetime.fromisoformat("2026-11-20T09:00:00+07:00")


def seen(
    count: int = 4, *, enough: bool = True, restricted: bool = False, aboves: tuple[str, ...] = ("H56",),
    not_to: tuple[str, ...] = (),
) -> Seen:  # fmt: skip
    return Seen("unit", "H56.12", restricted, count, AT, AT, AT if enough else None, (), aboves, not_to)


def standing(told: int) -> Standing:
    return Standing(1, "unit", "H56.12", False, told)


@pytest.mark.parametrize(
    ("now", "before", "act"),
    [
        (None, None, "none"),
        (seen(3, enough=False), None, "none"),
        (seen(4), None, "open"),
        (seen(4), standing(4), "keep"),
        (seen(5), standing(4), "keep"),
        (seen(6), standing(4), "again"),
        (seen(7), standing(5), "keep"),  # half of five is two and a half
        (seen(8), standing(5), "again"),
        (seen(4), standing(9), "keep"),
        (seen(3, enough=False), standing(4), "end"),
        (None, standing(4), "end"),
    ],
)
def test_a_pattern_is_said_once_and_again_as_it_grows_by_half(
    now: Seen | None, before: Standing | None, act: Act
) -> None:
    assert decide(now, before) == act


def test_whom_its_feedback_is_kept_from_is_never_told() -> None:
    assert seen(aboves=("H56.12", "H56"), not_to=("H56.12",)).to == "H56"
    assert seen(aboves=("H56.12",), not_to=("H56.12",)).to is None
    assert seen(aboves=()).to is None


def test_a_restricted_pattern_is_kept_from_whom_it_is_about() -> None:
    assert seen(restricted=True, not_to=("p-7",)).kept_from == ("H56.12", "p-7")
    assert seen(restricted=True, aboves=("H56.12", "H56")).to == "H56"
    assert seen(not_to=("p-7",)).kept_from == ("p-7",)
