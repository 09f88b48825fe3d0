"""Which units to check by surprise: every point has a reason, and nobody can be sure not to be drawn."""

from __future__ import annotations

from typing import Any

import pytest

from services.intake.oversight import ranking
from services.intake.oversight.ranking import Known, gather, propose, score

NOW = "2026-11-26T09:00:00+07:00"
UNITS = [f"U{n:03}" for n in range(100)]


def points(of: Known) -> dict[str, float]:
    return {reason.what: reason.points for reason in score(of, now=NOW)}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (Known(), {"never_checked": 15}),
        (Known(overdue_tasks=2, open_tasks=3), {"never_checked": 15, "overdue_tasks": 12, "open_tasks": 6}),
        (Known(overdue_tasks=99, open_tasks=99), {"never_checked": 15, "overdue_tasks": 30, "open_tasks": 10}),
        (Known(findings={"high": 1, "medium": 2, "low": 1}), {"never_checked": 15, "findings": 17}),
        (Known(findings={"high": 99}), {"never_checked": 15, "findings": 25}),
        (Known(last_check="2025-11-26T09:00:00+07:00", last_result="clean"), {"last_check": 15}),
        (Known(last_check="2026-11-26T00:00:00+07:00", last_result="serious"), {"last_check": 0.02, "last_result": 10}),
        (Known(last_check="2010-01-01T00:00:00+07:00", last_result="minor"), {"last_check": 15, "last_result": 4}),
        (Known(overdue_share=0.5, flags=50), {"never_checked": 15, "overdue_share": 15, "flags": 5}),
        (Known(overdue_share=0, flags=0), {"never_checked": 15}),
    ],
)
def test_a_score_is_the_sum_of_its_reasons(known: Known, expected: dict[str, float]) -> None:
    assert points(known) == expected
    [one] = propose({"U": known}, count=1, lots=0, seed=1, now=NOW)
    assert one.score == pytest.approx(sum(expected.values()))


def test_reasons_are_said_in_words_with_the_weightiest_first() -> None:
    known = Known(overdue_tasks=3, findings={"high": 1, "low": 1}, overdue_share=0.125)
    assert [reason.words for reason in score(known, now=NOW)] == [
        "3 nhiệm vụ khắc phục quá hạn",
        "chưa từng được kiểm tra đột xuất",
        "2 tồn tại, hạn chế trong hai năm qua, trong đó 1 ở mức nghiêm trọng",
        "12,5% hồ sơ quá hạn",
    ]


def task(**document: Any) -> tuple[str, str, dict[str, Any]]:
    return "task", "U001", document


def test_what_is_known_of_a_unit_is_gathered_from_the_records() -> None:
    known = gather(
        ["U001", "U002"],
        [
            task(due="2026-11-01T23:59:59+07:00"),
            task(due="2026-12-01T23:59:59+07:00", status="returned"),
            task(due="2026-11-01T23:59:59+07:00", status="submitted"),
            task(due="2026-11-01T23:59:59+07:00", status="withdrawn"),
            ("finding", "U001", {"severity": "high", "found_on": "2026-01-05T00:00:00+07:00"}),
            ("finding", "U001", {"severity": "high", "found_on": "2020-01-05T00:00:00+07:00"}),
            ("surprise_check", "U001", {"on": "2026-03-01T00:00:00+07:00", "result": "serious"}),
            ("surprise_check", "U001", {"on": "2025-03-01T00:00:00+07:00", "result": "clean"}),
            ("surprise_check", "U001", {"on": "2027-03-01T00:00:00+07:00", "result": "clean"}),
            ("finding", "elsewhere", {"severity": "high"}),
            ("finding", None, {"severity": "high"}),
        ],
        now=NOW,
    )
    one = known["U001"]
    assert (one.overdue_tasks, one.open_tasks, dict(one.findings)) == (1, 1, {"high": 1})
    assert (one.last_check, one.last_result) == ("2026-03-01T00:00:00+07:00", "serious")
    assert points(known["U002"]) == {"never_checked": 15}


def test_the_highest_scores_are_proposed_and_some_units_are_drawn_from_all_the_others() -> None:
    known = {unit: Known(overdue_tasks=int(unit[1:]) % 6) for unit in UNITS}
    found = propose(known, count=10, lots=0.2, seed=7, now=NOW)
    chosen, drawn = found[:8], found[8:]
    assert {int(one.unit[1:]) % 6 for one in chosen} == {5}
    assert [one.by_lot for one in found] == [False] * 8 + [True] * 2
    assert len({one.unit for one in found}) == 10
    assert all(one.reasons for one in drawn)
    assert propose(known, count=10, lots=0.2, seed=7, now=NOW) == found


@pytest.mark.parametrize(
    ("count", "lots", "drawn"), [(1, 0.2, 0), (2, 0.2, 1), (10, 0.2, 2), (10, 0, 0), (3, 1, 3), (1, 1, 1)]
)
def test_of_several_one_at_least_is_drawn_unless_nobody_wants_lots(count: int, lots: float, drawn: int) -> None:
    known = {unit: Known() for unit in UNITS}
    assert sum(one.by_lot for one in propose(known, count=count, lots=lots, seed=1, now=NOW)) == drawn


def test_between_equal_scores_the_lot_decides() -> None:
    known = {unit: Known() for unit in UNITS}
    firsts = {propose(known, count=1, lots=0, seed=seed, now=NOW)[0].unit for seed in range(50)}
    assert len(firsts) > 20


def test_over_many_seeds_every_unit_is_drawn() -> None:
    known = {unit: Known(overdue_tasks=5 * (unit < "U010")) for unit in UNITS}
    drawn = {one.unit for seed in range(1000) for one in propose(known, count=5, lots=0.2, seed=seed, now=NOW)}
    assert drawn == set(UNITS)


@pytest.mark.parametrize(("count", "lots", "number"), [(10, 1, 3), (200, 0.2, 3), (2, 0, 2), (1, 1, 1)])
def test_there_are_never_more_than_there_are_units(count: int, lots: float, number: int) -> None:
    known = {unit: Known() for unit in UNITS[:3]}
    assert len(propose(known, count=count, lots=lots, seed=1, now=NOW)) == number


def test_the_weights_are_those_that_the_module_documents() -> None:
    said = ranking.__doc__ or ""
    for weight in (ranking.OVERDUE_TASK, ranking.OVERDUE_MOST, ranking.FINDINGS_MOST, ranking.SHARE_WEIGHT):
        assert f"{weight}" in said
