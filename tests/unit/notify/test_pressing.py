"""What a change, or the passing of time, does to the pressing for one obligation."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.notify import handlers
from services.notify.addressing.directory import NOT_LOOKED_UP, Meant
from services.notify.policies.policy import NEAR, NOTHING
from services.notify.pressing import pressing
from services.notify.pressing.lines import Line
from services.notify.pressing.pressing import Change, Pressed
from services.notify.pressing.stays import Stay
from shared.events import EscalationChanged, EscalationClosed, EscalationRaised, ObligationChanged
from tests.unit.notify.given import RULES, at, obligation

ID = obligation().obligation_id
MONDAY = at("2026-11-23 08:00")


def followed(
    old: Pressed | None, new: ObligationChanged, held: Sequence[Line] = (), meant: Meant | None = None
) -> Change:
    return pressing.follow(old, new, held=held, meant=meant, rules=RULES, at=MONDAY)


def advanced(
    pressed: Pressed, held: Sequence[Line] = (), now: str = "2026-11-23 08:00", meant: Meant = NOT_LOOKED_UP
) -> Change:
    return pressing.advance(pressed, held=held, rules=RULES, at=at(now), meant=meant)


def test_hearing_of_an_obligation_raises_nothing_and_sets_a_timer() -> None:
    change = followed(None, obligation())
    assert (change.lines, change.said) == ([], [])
    assert change.pressed.timer_at == MONDAY  # near and the due time went by: due at once
    early = pressing.follow(None, obligation(), held=(), meant=None, rules=RULES, at=at("2026-11-10 09:01"))
    assert early.pressed.timer_at == at("2026-11-19 16:00")


def test_the_passing_of_the_due_time_is_news_for_the_head_of_the_unit() -> None:
    change = advanced(Pressed(obligation()), meant=Meant("TH-SNV"))
    assert change.lines == [Line(ID, "head", 1, news="new")]
    [(event, state)] = change.said
    assert (event, state.raised, state.unit, state.escalation_revision) == (EscalationRaised, 1, "TH-SNV", 1)
    assert change.pressed.timer_at == at("2026-11-25 16:00")


def test_near_is_told_without_an_escalation() -> None:
    change = advanced(Pressed(obligation()), now="2026-11-20 08:00")
    assert (change.lines, change.said) == ([Line(ID, "head", NEAR, news="new")], [])


def test_overdue_after_near_is_new_to_a_head_who_was_told_that_it_was_near() -> None:
    change = advanced(Pressed(obligation(), raised=NEAR), [Line(ID, "head", NEAR, told=NEAR)])
    assert change.lines == [Line(ID, "head", 1, told=NEAR, news="new")]


def test_level_two_is_news_for_the_superior_alone() -> None:
    told = Line(ID, "head", 1, told=1)
    change = advanced(Pressed(obligation(), raised=1), [told], now="2026-11-25 16:00")
    assert change.lines == [Line(ID, "superior", 2, news="new")]
    assert change.pressed.timer_at is None


def test_of_levels_that_went_by_unnoticed_one_is_raised_and_the_head_is_not_passed_over() -> None:
    change = advanced(Pressed(obligation()), now="2026-12-15 08:00")
    assert [(event, state.raised) for event, state in change.said] == [(EscalationRaised, 2)]
    assert change.lines == [Line(ID, "head", 1, news="new"), Line(ID, "superior", 2, news="new")]


def test_backlog_opens_at_level_one_however_late_it_is() -> None:
    late = obligation(backlog=True, due_at=at("2026-03-02 16:00"), heard_at=at("2026-11-23 07:59"))
    change = advanced(Pressed(late))
    assert [state.raised for _, state in change.said] == [1]
    assert change.pressed.timer_at == at("2026-11-26 07:59")


def test_settled_before_any_digest_the_head_hears_nothing_of_it() -> None:
    held = [Line(ID, "head", 1, news="new")]
    change = followed(Pressed(obligation(), raised=1, raised_at=MONDAY), obligation(state="ended"), held)
    assert (change.lines, change.gone) == ([], held)
    [(event, state)] = change.said
    assert (event, state.raised, state.closed_at) == (EscalationClosed, 1, MONDAY)
    assert (change.pressed.raised, change.pressed.timer_at) == (NOTHING, None)


def test_settled_after_a_digest_the_settlement_is_news_for_whoever_was_told() -> None:
    held = [Line(ID, "head", 1, told=1), Line(ID, "superior", 2, news="new")]
    change = followed(Pressed(obligation(), raised=2, raised_at=MONDAY), obligation(state="ended"), held)
    assert change.lines == [Line(ID, "head", 1, told=1, news="settled")]
    assert change.gone == [held[1]]


def test_a_due_time_moved_ahead_closes_and_may_raise_again() -> None:
    held = [Line(ID, "head", 1, told=1)]
    moved = obligation(due_at=at("2026-12-01 16:00"), near_at=at("2026-11-30 16:00"))
    change = followed(Pressed(obligation(), raised=1, raised_at=MONDAY), moved, held)
    assert [event for event, _ in change.said] == [EscalationClosed]
    assert change.lines[0].news == "settled"
    again = advanced(change.pressed, [change.lines[0]], now="2026-12-01 16:01")
    assert [(state.raised, state.escalation_revision) for _, state in again.said] == [(1, 2)]
    assert again.lines == [Line(ID, "head", 1, told=1, news="changed")]


def test_a_due_time_moved_and_still_past_is_a_change_for_whoever_was_told() -> None:
    held = [Line(ID, "head", 1, told=1)]
    change = followed(Pressed(obligation(), raised=1), obligation(due_at=at("2026-11-23 07:00")), held)
    assert (change.lines, change.said) == ([Line(ID, "head", 1, told=1, news="changed")], [])


def test_a_pause_closes_nothing_and_fires_nothing() -> None:
    held = [Line(ID, "head", 1, told=1)]
    change = followed(Pressed(obligation(), raised=1, raised_at=MONDAY), obligation(state="paused"), held)
    assert (change.lines, change.gone, change.said, change.pressed.timer_at) == ([], [], [], None)
    assert change.pressed.raised == 1
    assert advanced(change.pressed, held, now="2026-12-15 08:00").said == []


def test_what_was_near_and_ended_in_time_is_not_announced_as_settled() -> None:
    held = [Line(ID, "head", NEAR, told=NEAR)]
    change = followed(Pressed(obligation(), raised=NEAR, raised_at=MONDAY), obligation(state="ended"), held)
    assert (change.said, change.lines, change.gone) == ([], [], held)


def test_of_several_states_in_a_batch_the_highest_revision_counts() -> None:
    states = [obligation(revision=3, state="ended"), obligation(revision=2), obligation(revision=3, state="ended")]
    assert handlers.latest(states) == {ID: states[0]}


HAC_THANH, HAM_RONG = Meant("14797", None, "Phường Hạc Thành"), Meant("14758", None, "Phường Hàm Rồng")
THERE = obligation(unit="H56.12", unit_name="Phường Hàm Rồng")
HERE = Pressed(obligation(unit="H56.12", unit_name="Phường Hạc Thành"), HAC_THANH, raised=1, raised_at=MONDAY)


def test_another_unit_before_any_digest_is_looked_up_anew_and_the_first_hears_nothing() -> None:
    waiting = Line(ID, "head", 1, news="new", post="14797")
    change = followed(HERE, THERE, [waiting], HAM_RONG)
    assert change.pressed.meant == HAM_RONG
    assert (change.lines, change.gone) == ([Line(ID, "head", 1, news="new")], [])


def test_another_spelling_of_the_same_unit_changes_nothing() -> None:
    for held in (Line(ID, "head", 1, news="new", post="14797"), Line(ID, "head", 1, told=1, post="14797")):
        change = followed(HERE, obligation(unit_name="UBND phường Hạc Thành"), [held], HAC_THANH)
        assert (change.pressed.meant, change.lines, change.gone) == (HAC_THANH, [], [])


def test_another_unit_after_a_digest_is_told_anew_and_the_first_hears_of_the_settlement_alone() -> None:
    told = Line(ID, "head", 1, told=1, post="14797")
    change = followed(HERE, THERE, [told], HAM_RONG)
    first, second = change.lines
    assert first == Line(ID, "head", 1, told=1, post="14797", former="14797")
    assert (second, change.gone) == (Line(ID, "head", 1, news="new"), [])

    moved = followed(change.pressed, THERE.model_copy(update={"due_at": at("2026-11-23 07:00")}), change.lines)
    assert (moved.lines, moved.gone) == ([], [])
    ended = followed(change.pressed, THERE.model_copy(update={"state": "ended"}), change.lines)
    assert [(line.post, line.news) for line in ended.lines] == [("14797", "settled")]
    assert ended.gone == [second]
    again = advanced(replace(ended.pressed, obligation=THERE), ended.lines)
    assert [(line.former, line.news) for line in again.lines] == [("", "new"), ("14797", None)]


def test_another_unit_and_the_end_at_once_is_a_settlement_for_whoever_was_told() -> None:
    told = Line(ID, "head", 1, told=1, post="14797")
    change = followed(HERE, THERE.model_copy(update={"state": "ended"}), [told], HAM_RONG)
    assert change.lines == [Line(ID, "head", 1, told=1, news="settled", post="14797", former="14797")]
    assert change.gone == [told]


def test_a_settlement_not_told_yet_stays_with_its_head_when_another_unit_answers() -> None:
    settled = Line(ID, "head", 1, told=1, news="settled", post="14797")
    change = followed(Pressed(HERE.obligation, HAC_THANH), THERE, [settled], HAM_RONG)
    assert change.lines == [Line(ID, "head", 1, told=1, news="settled", post="14797", former="14797")]
    assert change.gone == [settled]


def test_what_is_near_is_news_for_the_head_of_another_unit() -> None:
    near = Line(ID, "head", NEAR, told=NEAR, post="14797")
    due_at, near_at = at("2026-11-23 16:00"), at("2026-11-20 16:00")
    there = THERE.model_copy(update={"due_at": due_at, "near_at": near_at})
    change = followed(Pressed(HERE.obligation, HAC_THANH, raised=NEAR, raised_at=MONDAY), there, [near], HAM_RONG)
    assert change.lines == [Line(ID, "head", NEAR, news="new")]


HELD = obligation(holder="Phường Hàm Rồng", holder_due_at=at("2026-11-20 15:00"))
OWN, HOLDER = Meant("14797", "H56.12"), Meant("14758", None, "Phường Hàm Rồng", joint=True)


def test_of_a_dossier_late_at_the_step_of_another_unit_the_receiving_unit_is_told_for_information() -> None:
    near = Line(ID, "head", NEAR, told=NEAR, post="14797")
    change = advanced(Pressed(HELD, OWN, raised=NEAR), [near], meant=HOLDER)
    assert change.lines == [Line(ID, "head", 1, news="new"), Line(ID, "receiving", NEAR, news="new")]
    [(event, state)] = change.said
    assert (event, state.unit) == (EscalationRaised, "14758")
    first = advanced(Pressed(HELD), meant=HOLDER)
    assert first.lines == change.lines


def test_a_late_dossier_goes_over_when_the_step_becomes_late_and_no_level_is_raised_for_that() -> None:
    later = HELD.model_copy(update={"holder_due_at": at("2026-11-24 09:00")})
    told = Line(ID, "head", 1, told=1, post="14797")
    before = advanced(Pressed(later), meant=OWN)
    assert before.pressed.timer_at == at("2026-11-24 09:00:01")
    change = advanced(replace(before.pressed, meant=OWN), [told], now="2026-11-24 09:00:01", meant=HOLDER)
    assert (change.said, change.gone) == ([], [])
    assert change.lines == [
        Line(ID, "head", 1, told=1, post="14797", former="14797"),
        Line(ID, "head", 1, news="new"),
        Line(ID, "receiving", NEAR, news="new"),
    ]
    assert change.pressed.timer_at == at("2026-11-25 16:00")
    assert advanced(change.pressed, change.lines, now="2026-11-24 10:00", meant=HOLDER).lines == []


def test_a_step_passed_on_gives_a_late_dossier_back_and_its_former_holder_hears_of_the_end_alone() -> None:
    held = [
        Line(ID, "head", 1, told=1, post="14758"),
        Line(ID, "head", 1, told=1, post="14797", former="14797"),
        Line(ID, "receiving", NEAR, told=NEAR, post="14797"),
    ]
    joint = Pressed(HELD, HOLDER, raised=1, raised_at=MONDAY)
    own = obligation(revision=2)
    assert pressing.may_change_hands(joint, own)
    change = followed(joint, own, held, OWN)
    former = Line(ID, "head", 1, told=1, post="14758", former="14758")
    assert change.lines == [former, Line(ID, "head", 1, news="new")]
    assert (change.gone, change.said, change.pressed.meant) == ([held[2]], [], OWN)

    back = [change.lines[1], held[1], former]
    again = followed(change.pressed, HELD.model_copy(update={"revision": 3}), back, HOLDER)
    assert again.lines == [Line(ID, "receiving", NEAR, news="new")]
    ended = followed(change.pressed, own.model_copy(update={"state": "ended"}), back)
    assert [(line.former, line.news) for line in ended.lines] == [("14797", "settled"), ("14758", "settled")]
    assert ended.gone == [change.lines[1]]


@pytest.mark.parametrize("deadline_first", [True, False])
def test_the_successor_of_a_unit_is_told_anew_whoever_says_first_that_it_is_one(deadline_first: bool) -> None:
    of = obligation(unit_code="14797")
    promise = Stay(ID, "14797", "promise", revision=1, level=1, made_at=MONDAY, until=at("2026-11-27 00:00"), id=1)
    pressed = Pressed(of, Meant("14797", "14797"), raised=1, raised_at=MONDAY, stays=(promise,))
    heir, moved = Meant("14758", "14758"), of.model_copy(update={"unit_code": "14758", "revision": 2})
    held: list[Line] = [Line(ID, "head", 1, told=1, post="14797")]
    if deadline_first:
        change = followed(pressed, moved, held, heir)
    else:
        change = advanced(pressed, held, meant=heir)
        after = followed(change.pressed, moved, change.lines, heir)
        assert (after.lines, after.said) == ([], [])
    [(event, said)] = change.said
    assert (event, said.unit, said.stays[0].why) == (EscalationChanged, "14758", "handed_over")
    assert change.lines == [
        Line(ID, "head", 1, told=1, post="14797", former="14797"), Line(ID, "head", 1, news="new"),
    ]  # fmt: skip
    assert [(stay.why, change.pressed.meant.code) for stay in change.stays] == [("handed_over", "14758")]


def test_a_unit_that_has_a_dossier_for_the_second_time_keeps_one_line() -> None:
    held = [Line(ID, "head", 1, told=1, post="14797"), Line(ID, "head", 1, told=1, post="14797", former="14797")]
    change = followed(Pressed(obligation(), OWN, raised=1, raised_at=MONDAY), HELD, held, HOLDER)
    assert change.lines == [Line(ID, "head", 1, news="new"), Line(ID, "receiving", NEAR, news="new")]
    assert change.gone == []
    higher = [Line(ID, "superior", 3, told=3, post="TH-SNV"), replace(held[1], role="superior", former="TH-SNV")]
    twice = followed(Pressed(obligation(), OWN, raised=3, raised_at=MONDAY), HELD, higher, HOLDER)
    assert [(line.former, line.told) for line in twice.lines if line.former] == [("TH-SNV", 3)]


def test_while_paused_a_dossier_stays_with_the_holder_of_its_late_step() -> None:
    joint = Pressed(HELD, HOLDER, raised=1, raised_at=MONDAY)
    paused = obligation(state="paused", revision=2)
    assert not pressing.may_change_hands(joint, paused)
    held = [Line(ID, "head", 1, told=1, post="14758"), Line(ID, "receiving", NEAR, told=NEAR, post="14797")]
    change = followed(joint, paused, held)
    assert (change.lines, change.gone, change.pressed.meant) == ([], [], HOLDER)
    assert pressing.may_change_hands(change.pressed, obligation(revision=3))


def test_the_end_of_a_dossier_in_joint_processing_is_news_for_its_holder_alone() -> None:
    held = [Line(ID, "head", 1, told=1, post="14758"), Line(ID, "receiving", NEAR, told=NEAR, post="14797")]
    change = followed(Pressed(HELD, HOLDER, raised=1, raised_at=MONDAY), obligation(state="ended"), held)
    assert change.lines == [Line(ID, "head", 1, told=1, news="settled", post="14758")]
    assert change.gone == [held[1]]


def test_the_reason_of_a_moved_due_time_outlives_the_event_that_gave_it_but_not_the_next_move() -> None:
    moved = obligation(due_at=at("2026-12-01 16:00"), because="calendar")
    first = followed(Pressed(obligation(), raised=1, raised_at=MONDAY), moved).pressed
    heard = followed(first, obligation(due_at=at("2026-12-01 16:00"), flags=("x",))).pressed
    assert heard.obligation.because == "calendar"
    assert followed(heard, obligation(due_at=at("2026-12-02 16:00"))).pressed.obligation.because is None
