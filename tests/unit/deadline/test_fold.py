"""What a feed message means for the obligation, rule by rule, and the histories that once went wrong."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

import pytest

from services.deadline.course import at_moment
from shared.worktime import vietnam
from tests.unit.deadline import saying
from tests.unit.deadline.saying import MIRROR, Message, snapshot, step, told

UNKNOWN = "9.999999"  # a procedure of no catalogue
FIVE_DAYS = "1.004746"  # five working days by the catalogue
ACCEPTED = {"NgayTiepNhan": "2026-11-02T09:00:00", "NgayHenTra": "2026-11-09T09:00:00", "TrangThaiHoSo": "2"}


def accepted(at: str = "2026-11-02T09:05:00", **fields: Any) -> Message:
    return snapshot(at, **{**ACCEPTED, "MaTTHC": UNKNOWN, **fields})


def ended(at: str, **fields: Any) -> Message:
    return accepted(at, TrangThaiHoSo="9", NgayKetThucXuLy=at, **fields)


def hour(iso: str | None) -> str | None:
    """Return an instant without its seconds and offset."""
    return iso and iso[:16]


# --- the end ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step_at", ["2026-11-05T10:00:00", "2026-11-06T10:00:00", "2026-11-07T10:00:00"])
def test_the_end_is_the_snapshots_whenever_the_step_of_status_9_was(step_at: str) -> None:
    said = (accepted(), ended("2026-11-06T10:00:00"), step(step_at, 9))
    for order in itertools.permutations(said):
        assert hour(told(*order)["ended_at"]) == "2026-11-06T10:00"


def test_a_step_of_status_9_stands_in_where_no_snapshot_has_the_end() -> None:
    made = told(accepted(), step("2026-11-06T10:00:00", 9))
    assert (made["state"], made["end"], hour(made["ended_at"])) == ("ended", "completed", "2026-11-06T10:00")


def test_status_10_and_the_return_never_move_the_end() -> None:
    returned = ended("2026-11-06T10:00:00", NgayTra="2026-11-20T08:00:00")
    handed_out = {**returned.fields, "TrangThaiHoSo": "10"}
    made = told(accepted(), returned, snapshot("2026-11-20T08:00:00", **handed_out), step("2026-11-20T08:01:00", 10))
    assert (hour(made["ended_at"]), made["timing"]) == ("2026-11-06T10:00", "early")


def test_a_return_without_an_end_ends_nothing_and_is_flagged() -> None:
    made = told(accepted(), step("2026-11-06T10:00:00", 10))
    assert (made["state"], made["flags"]) == ("open", ["returned_not_ended"])


def test_refused_and_withdrawn_and_stopped_are_ends_of_their_own() -> None:
    assert [told(accepted(), step("2026-11-06T10:00:00", status))["end"] for status in (3, 7, 8)] == [
        "refused",
        "withdrawn",
        "stopped",
    ]


def test_an_end_that_comes_again_with_another_time_is_corrected_and_not_reopened() -> None:
    corrected = ended("2026-11-06T11:00:00")
    made = told(accepted(), ended("2026-11-06T10:00:00"), corrected)
    assert (hour(made["ended_at"]), made["flags"]) == ("2026-11-06T11:00", [])


# --- what an empty field says -----------------------------------------------------------------------------------


def test_an_empty_field_says_nothing() -> None:
    empty = dict.fromkeys(("NgayTiepNhan", "NgayHenTra", "MaTTHC", "TenLinhVuc", "DonViXuLy"), "")
    full = accepted(TenLinhVuc="Đất đai", DonViXuLy="UBND xã Mường Lát")
    once = told(full)
    assert told(full, snapshot("2026-11-03T09:00:00", sent_at="2026-11-03T09:00:00", **empty)) == once


def test_an_end_is_not_undone_by_a_later_snapshot_without_it() -> None:
    later = accepted("2026-11-08T09:00:00", sent_at="2026-11-08T09:00:00", TrangThaiHoSo="9")
    assert hour(told(ended("2026-11-06T10:00:00"), later)["ended_at"]) == "2026-11-06T10:00"


def test_a_supplements_receipt_is_not_undone_by_a_later_snapshot_without_it() -> None:
    received = {"NgayBoSung": "2026-11-03T09:00:00", "NgayTiepNhanBoSung": "2026-11-04T09:00:00"}
    emptied = {**received, "NgayTiepNhanBoSung": ""}
    first = accepted("2026-11-04T09:05:00", DanhSachHoSoBoSung=[received])
    later = accepted("2026-11-05T09:00:00", sent_at="2026-11-05T09:00:00", DanhSachHoSoBoSung=[emptied])
    made = told(first, later)
    assert (made["state"], made["paused_seconds"]) == ("open", 24 * 3600)


# --- reopening --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [2, 4, 5, 6])
def test_a_later_step_reopens_and_the_first_end_is_kept(status: int) -> None:
    made = told(accepted(), ended("2026-11-05T10:00:00"), step("2026-11-06T10:00:00", status))
    assert made["state"] == ("paused" if status in (5, 6) else "open")
    assert (made["ended_at"], hour(made["first_ended_at"])) == (None, "2026-11-05T10:00")
    assert "reopened" in made["flags"]


def test_a_second_end_leaves_the_first_in_place() -> None:
    again = ended("2026-11-10T10:00:00")
    made = told(accepted(), ended("2026-11-05T10:00:00"), step("2026-11-06T10:00:00", 4), again)
    assert (hour(made["ended_at"]), hour(made["first_ended_at"])) == ("2026-11-10T10:00", "2026-11-05T10:00")
    assert made["timing"] == "late"


def test_a_snapshot_that_runs_again_reopens_though_it_still_carries_the_old_end() -> None:
    end = "2026-11-05T10:00:00"
    ended = snapshot("2026-11-05T10:05:00", TrangThaiHoSo="9", NgayTiepNhan="2026-11-02T09:10:00", NgayKetThucXuLy=end)
    again = snapshot(
        "2026-11-06T08:00:00", sent_at="2026-11-06T08:00:00",
        TrangThaiHoSo="4", NgayTiepNhan="2026-11-02T09:10:00", NgayKetThucXuLy=end,
    )  # fmt: skip
    made = told(ended, again)
    assert (made["state"], made["ended_at"], made["first_ended_at"]) == ("open", None, "2026-11-05T10:00:00+07:00")
    assert "reopened" in made["flags"]


def test_a_step_of_before_the_end_does_not_reopen_though_it_is_heard_later() -> None:
    made = told(accepted(), ended("2026-11-05T10:00:00"), step("2026-11-05T09:00:00", 4, heard="2026-11-07T09:00:00"))
    assert (made["state"], made["flags"]) == ("ended", [])


def test_a_step_of_the_very_second_of_the_end_does_not_reopen() -> None:
    made = told(accepted(), ended("2026-11-05T10:00:00"), step("2026-11-05T10:00:00", 4, heard="2026-11-07T09:00:00"))
    assert made["state"] == "ended"


# --- pauses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pausing", "resuming"), [(5, 2), (5, 4), (6, 2), (6, 4)])
def test_a_pause_ends_at_the_next_step_that_runs_and_moves_the_due_date(pausing: int, resuming: int) -> None:
    made = told(accepted(), step("2026-11-03T09:00:00", pausing), step("2026-11-04T09:00:00", resuming))
    assert (made["state"], made["paused_seconds"]) == ("open", 24 * 3600)
    assert (hour(made["due_at"]), made["due_from"]) == ("2026-11-10T09:00", "source_shifted")
    assert (hour(made["first_due_at"]), made["flags"]) == ("2026-11-09T09:00", ["due_date_not_moved"])


def test_a_pause_ends_at_the_supplements_receipt() -> None:
    supplement = {"NgayBoSung": "2026-11-03T09:00:00", "NgayTiepNhanBoSung": "2026-11-04T09:00:00"}
    received = accepted("2026-11-04T09:05:00", NgayHenTra="", TrangThaiHoSo="", DanhSachHoSoBoSung=[supplement])
    made = told(accepted(), step("2026-11-03T09:00:00", 5), received)
    assert (made["state"], made["paused_seconds"]) == ("open", 24 * 3600)


def test_a_pause_ends_at_the_end() -> None:
    made = told(accepted(), step("2026-11-03T09:00:00", 5), ended("2026-11-04T09:00:00"))
    assert (made["state"], made["paused_seconds"], made["timing"]) == ("ended", 24 * 3600, "early")


def test_a_pause_that_holds_until_after_the_due_date_makes_nothing_late() -> None:
    made = told(accepted(), step("2026-11-06T09:00:00", 5))
    shown = at_moment(made, now="2026-11-20T09:00:00+07:00", calendar=vietnam())
    assert (shown["state"], shown["timing"]) == ("paused", "on_time")


def test_what_was_overdue_when_the_pause_began_stays_overdue() -> None:
    assert told(accepted(), step("2026-11-10T09:00:00", 5))["timing"] == "overdue"


def test_a_newer_announcement_takes_the_place_of_the_shifted_date() -> None:
    moved = accepted("2026-11-04T10:00:00", sent_at="2026-11-04T10:00:00", NgayHenTra="2026-11-12T09:00:00")
    made = told(accepted(), step("2026-11-03T09:00:00", 5), step("2026-11-04T09:00:00", 4), moved)
    assert (hour(made["due_at"]), made["due_from"], made["flags"]) == ("2026-11-12T09:00", "source", [])


def test_an_open_and_an_ended_pause_that_begin_together_are_one() -> None:
    asked = accepted("2026-11-03T09:05:00", DanhSachHoSoBoSung=[{"NgayBoSung": "2026-11-03T09:00:00"}])
    withdrawn = step("2026-11-05T09:00:00", 7)
    made = told(accepted(), step("2026-11-03T09:00:00", 5), asked, withdrawn)
    assert (made["state"], made["paused_seconds"]) == ("ended", 2 * 24 * 3600)


# --- due dates --------------------------------------------------------------------------------------------------


def test_the_first_announced_date_is_kept_beside_the_moved_one() -> None:
    moved = accepted("2026-11-05T09:00:00", NgayHenTra="2026-11-12T09:00:00")
    made = told(accepted(), moved)
    assert (hour(made["first_due_at"]), hour(made["due_at"])) == ("2026-11-09T09:00", "2026-11-12T09:00")


def test_a_date_that_goes_there_and_back_ends_where_it_began_in_any_order() -> None:
    there = accepted("2026-11-04T09:00:00", sent_at="2026-11-04T09:00:00", NgayHenTra="2026-11-12T09:00:00")
    back = accepted("2026-11-05T09:00:00", sent_at="2026-11-05T09:00:00")
    for order in itertools.permutations((accepted(), there, back)):
        assert hour(told(*order)["due_at"]) == "2026-11-09T09:00"


def test_where_their_own_times_cannot_order_two_dates_the_receipt_does_and_it_is_flagged() -> None:
    moved = accepted("2026-11-05T09:00:00", NgayHenTra="2026-11-12T09:00:00")
    for order in itertools.permutations((accepted(), moved)):
        made = told(*order)
        assert (hour(made["due_at"]), made["flags"]) == ("2026-11-12T09:00", ["possible_reversal"])


def test_where_the_source_gives_no_date_ours_counts() -> None:
    made = told(accepted(NgayHenTra="", MaTTHC=FIVE_DAYS))
    assert (hour(made["due_at"]), made["due_from"]) == ("2026-11-09T09:00", "computed")


def test_where_the_dates_differ_the_sources_counts_and_it_is_flagged() -> None:
    made = told(accepted(NgayHenTra="2026-11-10T09:00:00", MaTTHC=FIVE_DAYS))
    assert (hour(made["due_at"]), hour(made["computed_due_at"])) == ("2026-11-10T09:00", "2026-11-09T09:00")
    assert made["flags"] == ["due_dates_differ"]


def test_a_date_that_differs_as_the_local_software_reckons_is_told_apart_from_a_slip() -> None:
    """Of five working days from 19/8/2026 the worked Saturday 22/8 is one by law, and none to the software."""
    received = {"NgayTiepNhan": "2026-08-19T09:00:00", "MaTTHC": "1.004746"}
    as_printed = told(snapshot("2026-08-19T09:05:00", **received, NgayHenTra="2026-08-26T09:00:00"))
    assert as_printed["computed_due_at"] == "2026-08-25T09:00:00+07:00"
    assert as_printed["flags"] == ["due_as_local_software", "due_dates_differ"]
    slip = told(snapshot("2026-08-19T09:05:00", **received, NgayHenTra="2026-08-27T09:00:00"))
    assert slip["flags"] == ["due_dates_differ"]


def test_an_unknown_procedure_without_a_date_has_no_deadline_also_once_ended() -> None:
    assert told(accepted(NgayHenTra=""))["timing"] == "no_deadline"
    assert told(accepted(NgayHenTra=""), ended("2026-11-20T09:00:00", NgayHenTra=""))["timing"] == "no_deadline"


# --- late, on time, early ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "timing"),
    [
        ("2026-11-09T09:00:01", "late"),
        ("2026-11-09T09:00:00", "on_time"),
        ("2026-11-09T00:00:00", "on_time"),
        ("2026-11-08T23:59:59", "early"),
    ],
)
def test_late_is_to_the_second_and_early_by_the_date(end: str, timing: str) -> None:
    assert told(accepted(), ended(end))["timing"] == timing


@pytest.mark.parametrize(
    ("now", "timing"),
    [
        ("2026-11-08T08:59:59+07:00", "on_time"),
        ("2026-11-08T09:00:00+07:00", "due_soon"),
        ("2026-11-09T09:00:00+07:00", "due_soon"),
        ("2026-11-09T09:00:01+07:00", "overdue"),
    ],
)
def test_an_open_dossier_is_due_soon_for_a_day_and_then_overdue(now: str, timing: str) -> None:
    assert at_moment(told(accepted()), now=now, calendar=vietnam())["timing"] == timing


def test_where_the_calendar_does_not_reach_the_sources_date_still_decides() -> None:
    old = {"NgayTiepNhan": "2011-03-01T09:00:00", "NgayHenTra": "2011-03-08T09:00:00"}
    made = told(snapshot("2011-03-10T09:00:00", **old, TrangThaiHoSo="9", NgayKetThucXuLy="2011-03-10T09:00:00"))
    assert (made["timing"], made["late_working_seconds"], made["late_days"]) == ("late", None, 2)
    assert made["flags"] == ["calendar_unknown"]


# --- the world at a moment --------------------------------------------------------------------------------------


def test_the_world_at_a_moment_knows_nothing_of_later() -> None:
    moved = accepted("2026-11-05T09:00:00", sent_at="2026-11-05T09:00:00", NgayHenTra="2026-11-12T09:00:00")
    said = (accepted(), moved, ended("2026-11-10T09:00:00", sent_at="2026-11-10T09:00:00", NgayHenTra=""))
    then = told(*said, until="2026-11-04T09:00:00")
    assert (then["state"], hour(then["due_at"]), then["ended_at"]) == ("open", "2026-11-09T09:00", None)
    assert (told(*said)["state"], hour(told(*said)["due_at"])) == ("ended", "2026-11-12T09:00")


def test_what_was_received_after_the_moment_is_absent() -> None:
    events = saying.through_memory([accepted()])
    assert saying.obligation(events, until="2026-11-02T08:59:59+07:00") is None
    assert saying.obligation(events, until="2026-11-02T09:00:00+07:00") is not None


def test_a_supplement_received_after_the_moment_is_not_received_yet() -> None:
    supplement = {"NgayBoSung": "2026-11-03T09:00:00", "NgayTiepNhanBoSung": "2026-11-05T09:00:00"}
    said = (accepted(), accepted("2026-11-05T09:05:00", DanhSachHoSoBoSung=[supplement]))
    assert told(*said, until="2026-11-04T09:00:00")["state"] == "paused"
    assert told(*said, until="2026-11-05T09:00:00")["state"] == "open"


# --- who, and from whom -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "unit"),
    [
        ({}, "H56.12"),
        ({"MaHoSo": "H56.13-20261102-0001"}, "H56.13"),
        ({"MaHoSo": "HS-0001"}, "H56.12"),
        ({"DonViXuLy": "UBND xã Mường Lát"}, "H56.12"),
        ({"DonViXuLy": "000.00.14.H56"}, "H56.14"),
    ],
)
def test_the_unit_comes_from_the_head_of_the_code_or_the_agency_unless_it_is_named(
    fields: dict[str, str], unit: str
) -> None:
    assert told(accepted(**fields))["unit"] == unit


def test_an_unknown_status_changes_no_clock_and_the_dates_beside_it_count() -> None:
    made = told(accepted(), snapshot("2026-11-03T09:00:00", TrangThaiHoSo="42", NgayHenTra="2026-11-12T09:00:00"))
    assert (made["state"], hour(made["due_at"])) == ("open", "2026-11-12T09:00")
    assert told(accepted(), step("2026-11-03T09:00:00", 42)) == told(accepted())


def test_a_paused_dossier_stays_paused_through_an_unknown_status() -> None:
    assert told(accepted(), step("2026-11-03T09:00:00", 5), step("2026-11-04T09:00:00", 42))["state"] == "paused"


def test_where_a_one_stop_system_has_spoken_the_mirror_only_reconciles() -> None:
    mirrored = accepted(
        "2026-11-05T09:00:00", source=MIRROR, sent_at="2026-11-05T09:00:00", NgayHenTra="20261201090000"
    )
    for order in itertools.permutations((accepted(), mirrored)):
        assert hour(told(*order)["due_at"]) == "2026-11-09T09:00"


def test_a_dossier_that_only_the_mirror_knows_counts_and_is_flagged() -> None:
    made = told(accepted(source=MIRROR))
    assert (hour(made["due_at"]), made["flags"]) == ("2026-11-09T09:00", ["not_in_one_stop"])


def test_odd_dates_are_flags() -> None:
    made = told(accepted(NgayHenTra="2026-10-30T09:00:00"), ended("2026-11-01T09:00:00", NgayHenTra=""))
    assert {"due_before_accepted", "ended_before_accepted"} <= set(made["flags"])


def test_a_happening_more_than_a_day_after_its_receipt_is_flagged() -> None:
    assert told(accepted(), step("2026-11-05T09:00:00", 4, heard="2026-11-03T09:00:00"))["flags"] == [
        "happening_in_future"
    ]


# --- repeats ----------------------------------------------------------------------------------------------------


def test_the_earliest_hearing_counts_in_whatever_order_messages_are_worked_on() -> None:
    first = accepted("2026-11-09T08:59:00", sent_at="2026-11-09T08:58:00")
    second = accepted("2026-11-09T09:01:00", sent_at="2026-11-02T09:00:00")
    for order in itertools.permutations((first, second)):
        assert (told(*order)["heard_at"][:16], told(*order)["backlog"]) == ("2026-11-09T08:59", False)


def test_a_snapshot_without_any_time_of_its_own_is_a_repeat_whenever_it_comes_again() -> None:
    timeless = {"NgayTiepNhan": "", "TrangThaiHoSo": "", "MaTTHC": UNKNOWN}
    one = snapshot("2026-11-03T09:00:00", **timeless, NgayHenTra="2026-11-09T09:00:00")
    other = snapshot("2026-11-04T09:00:00", **timeless, NgayHenTra="2026-11-12T09:00:00")
    again = snapshot("2026-11-05T09:00:00", **one.fields)
    for order in itertools.permutations((one, other, again)):
        assert hour(told(*order)["due_at"]) == "2026-11-12T09:00"


def test_a_message_is_a_repeat_also_when_more_of_its_dates_can_be_believed() -> None:
    far = accepted("2026-11-02T10:00:00", NgayKetThucXuLy="2026-11-20T09:00:00", TrangThaiHoSo="9")
    moved = accepted("2026-11-05T09:00:00", sent_at="2026-11-05T09:00:00", NgayHenTra="2026-11-12T09:00:00")
    again = snapshot("2026-11-21T09:00:00", **far.fields)
    for order in itertools.permutations((far, moved, again)):
        assert told(*order) == told(far, moved)


def test_of_two_sources_heard_in_the_same_instant_the_same_one_is_named() -> None:
    both = (accepted(), accepted(source="motcua-2"))
    assert told(*both)["source"] == told(*both[::-1])["source"]


def test_paused_seconds_are_counted_once_where_pauses_overlap() -> None:
    supplement = {"NgayBoSung": "2026-11-03T10:00:00", "NgayTiepNhanBoSung": "2026-11-04T09:00:00"}
    made = told(
        accepted(),
        step("2026-11-03T09:00:00", 5),
        accepted("2026-11-04T09:05:00", NgayHenTra="", DanhSachHoSoBoSung=[supplement]),
        step("2026-11-04T09:00:00", 4),
    )
    until = datetime.fromisoformat("2026-11-04T09:00:00") - datetime.fromisoformat("2026-11-03T09:00:00")
    assert made["paused_seconds"] == until.total_seconds()


def test_a_second_request_for_a_supplement_is_a_flag_and_one_told_twice_is_not() -> None:
    first = {"NgayBoSung": "2026-11-03T09:00:00", "NgayTiepNhanBoSung": "2026-11-04T09:00:00"}
    second = {"NgayBoSung": "2026-11-05T09:00:00"}
    once = told(step("2026-11-03T09:00:00", 5), accepted("2026-11-04T09:05:00", DanhSachHoSoBoSung=[first]))
    assert "supplement_repeated" not in once["flags"]
    twice = told(accepted("2026-11-05T09:05:00", DanhSachHoSoBoSung=[first, second]))
    assert "supplement_repeated" in twice["flags"]
    steps = [step(f"2026-11-0{day}T09:00:00", status) for day, status in ((3, 5), (4, 2), (5, 5))]
    assert "supplement_repeated" in told(accepted(), *steps)["flags"]
