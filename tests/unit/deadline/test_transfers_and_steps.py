"""Transfers between units, steps that end, and what moves no clock, in our own format."""

from __future__ import annotations

import itertools
from typing import Any

from services.deadline.changes import changed
from services.deadline.folding import courses
from shared.events import Obligation
from tests.unit.deadline import saying
from tests.unit.deadline.saying import Message, own, snapshot

LAT, CHANH = "UBND xã Mường Lát", "UBND xã Mường Chanh"


def accepted(at: str = "2026-11-02T10:00", unit: str = LAT) -> Message:
    return own("accepted", at, sent_at=at, accepted_at="2026-11-02T09:00", due_at="2026-11-20T09:00", unit=unit)


def transfer(day: int, to: str, number: int = 1) -> Message:
    at = f"2026-11-{day:02}T08:00"
    return own("transfer", at, number=number, at=at, unit_to=to)


def unit(*messages: Message, until: str | None = None) -> tuple[str | None, str | None]:
    made = saying.told(*messages, until=until)
    return made["unit"], made["unit_name"]


def test_a_transferred_dossier_is_of_the_unit_it_went_to_last() -> None:
    assert unit(accepted()) == ("H56.12", LAT)
    assert unit(accepted(), transfer(4, CHANH)) == (CHANH, CHANH)
    assert unit(accepted(), transfer(4, "000.00.13.H56")) == ("H56.13", "000.00.13.H56")
    assert unit(accepted(), transfer(5, LAT, 2), transfer(4, CHANH)) == (LAT, LAT)
    assert unit(accepted(), transfer(4, CHANH), until="2026-11-03T09:00") == ("H56.12", LAT)


def test_a_source_that_goes_on_naming_the_old_unit_undoes_no_transfer_and_one_that_names_another_does() -> None:
    later = accepted("2026-11-06T10:00")
    assert unit(accepted(), transfer(4, CHANH), later)[1] == CHANH
    assert unit(later, transfer(4, CHANH))[1] == CHANH
    third = accepted("2026-11-06T10:00", "Sở Tư pháp")
    assert unit(accepted(), transfer(4, CHANH), third) == ("H56.12", "Sở Tư pháp")
    assert unit(accepted(), third, transfer(7, CHANH))[1] == CHANH


def test_a_source_that_names_the_unit_of_a_transfer_bears_it_out() -> None:
    caught_up = accepted("2026-11-06T10:00", CHANH)
    assert unit(accepted(), transfer(4, CHANH), caught_up) == (CHANH, CHANH)


def test_the_day_of_a_units_name_is_the_one_it_was_first_said_on_in_any_order_of_arrival() -> None:
    told = [accepted(f"2026-11-{day:02}T10:00") for day in (2, 5, 9)]
    for order in itertools.permutations(told):
        for said in (saying.through_memory(order), saying.everything(order)):
            assert courses(f"dossier/{saying.CODE}", said, terms=saying.TERMS)[0].unit_said_on == "2026-11-02"
    renamed = [*told, accepted("2026-11-06T10:00", CHANH), accepted("2026-11-07T10:00", CHANH)]
    for order in itertools.permutations(renamed[-3:]):
        [dossier] = courses(f"dossier/{saying.CODE}", saying.through_memory(order), terms=saying.TERMS)
        assert (dossier.unit_name, dossier.unit_said_on) == (LAT, "2026-11-09")
    [dossier] = courses(f"dossier/{saying.CODE}", saying.through_memory(renamed[3:]), terms=saying.TERMS)
    assert (dossier.unit_name, dossier.unit_said_on) == (CHANH, "2026-11-06")


def step(number: int, day: int, **more: Any) -> Message:
    at = f"2026-11-{day:02}T08:00"
    data = {"unit": f"Phòng {number}", "due_at": "2026-11-06T17:00", **more}
    return own("step", f"2026-11-{day:02}T09:00", number=number, since=at, **data)


def steps(*messages: Message) -> list[tuple[str | None, str, str | None]]:
    made = saying.parts_told(accepted(), *messages)
    return [(one["unit_name"], one["state"], one["ended_at"]) for one in made.values() if one["kind"] == "step"]


def test_a_step_lasts_until_the_next_one_and_no_longer_than_its_own_end() -> None:
    assert steps(step(1, 3)) == [("Phòng 1", "open", None)]
    assert steps(step(1, 3), step(2, 4)) == [
        ("Phòng 1", "ended", "2026-11-04T08:00:00+07:00"),
        ("Phòng 2", "open", None),
    ]
    assert steps(step(1, 3, until="2026-11-03T16:00")) == [("Phòng 1", "ended", "2026-11-03T16:00:00+07:00")]


def test_steps_that_know_their_ends_may_run_side_by_side() -> None:
    assert steps(step(1, 3, until="2026-11-05T16:00"), step(2, 4)) == [
        ("Phòng 1", "ended", "2026-11-05T16:00:00+07:00"),
        ("Phòng 2", "open", None),
    ]


def test_of_steps_that_begin_and_are_heard_at_once_the_order_of_arrival_tells_none_before_the_other() -> None:
    def told(number: int, sent_on: int) -> Message:
        at, heard = "2026-11-03T08:00", "2026-11-05T09:00"
        data: dict[str, Any] = {"number": number, "unit": f"Phòng {number}", "since": at, "due_at": "2026-11-06T17:00"}
        return own("step", heard, sent_at=f"2026-11-0{sent_on}T09:00", **data)

    said = [told(number, sent_on) for number in (1, 2) for sent_on in (3, 4, 5)]
    assert len({tuple(steps(*order)) for order in itertools.permutations(said)}) == 1


def test_a_step_said_again_with_its_number_is_the_same_step_put_right() -> None:
    assert steps(step(1, 3), own("step", "2026-11-05T09:00", number=1, unit="Phòng B", since="2026-11-03T08:00",
                                 due_at="2026-11-06T17:00", until="2026-11-05T08:00")) == [
        ("Phòng B", "ended", "2026-11-05T08:00:00+07:00")
    ]  # fmt: skip


def test_a_step_after_the_end_opens_the_dossier_again() -> None:
    end = own("ended", "2026-11-05T10:00", ended_at="2026-11-05T09:00", end="completed")
    assert saying.told(accepted(), end)["state"] == "ended"
    made = saying.told(accepted(), end, step(3, 6))
    assert (made["state"], made["flags"]) == ("open", ["reopened"])


def test_a_correction_of_the_acceptance_opens_nothing() -> None:
    end = own("ended", "2026-11-05T10:00", ended_at="2026-11-05T09:00", end="completed")
    assert saying.told(accepted(), end, accepted("2026-11-06T10:00", CHANH))["state"] == "ended"


def test_how_it_was_handed_in_and_served_stands_in_the_obligation_and_is_unknown_where_nobody_says() -> None:
    made = saying.told(accepted(), own("digital", "2026-11-02T11:00", digitised=True, paid_online=False))
    assert (made["channel"], made["digitised"], made["paid_online"]) == (None, True, False)
    made = saying.told(snapshot("2026-11-02T10:00", NgayTiepNhan="20261102090000", KenhThucHien="2"))
    assert (made["channel"], made["digitised"], made["paid_online"]) == ("online", None, None)


def test_what_moves_no_clock_makes_no_dossier_of_a_moment_at_which_nothing_had_happened() -> None:
    digital = own("digital", "2026-11-02T11:00", digitised=True)
    assert saying.obligation(saying.through_memory([digital]), until="2026-11-01T09:00:00+07:00") is None


def test_a_state_stored_before_these_fields_were_there_is_not_changed_by_their_absence() -> None:
    new = saying.told(accepted())
    later = ("channel", "digitised", "paid_online", "unit_code")
    stored = {name: value for name, value in new.items() if name not in later}
    old: Obligation = {**stored}  # type: ignore[typeddict-item]
    assert changed(old, {**new}) is None
    assert changed(old, {**new, "digitised": True}) is not None
