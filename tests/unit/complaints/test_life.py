"""The life of a feedback: what each act makes of its state and of what is owed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.complaints import life
from services.complaints.case import ActError, Case, Decision
from services.complaints.rules import policy
from shared.events import FeedbackKind

AT = datetime.fromisoformat("2026-11-02T10:00:00+07:00")


POLICY = policy.load().several[0]


def day(number: int) -> datetime:
    return AT + timedelta(days=number)


def filed(kind: FeedbackKind = "reflection") -> Case:
    case = Case("PA-2222-2222-2222", AT, kind, suspected=kind == "denunciation", handler="centre")
    return life.enter(case, POLICY, screened_by="centre")


def decided(kind: FeedbackKind = "reflection", handler: str = "U", case: Case | None = None) -> Case:
    return life.decide(case or filed(), Decision(kind, handler), POLICY, by="o1", at=day(1))


OTHER = replace(decided(), code="PA-3333-3333-3333")


def owed(case: Case) -> dict[str, str | None]:
    return {term.name: term.unit for term in case.terms if term.ended_at is None}


def ends(case: Case) -> dict[str, str | None]:
    return {term.name: term.end for term in case.terms if term.ended_at is not None}


def test_what_is_filed_is_screened_and_answered_but_for_what_may_be_a_denunciation() -> None:
    assert owed(filed()) == {"screening": "centre", "answer": "centre"}
    assert owed(filed("denunciation")) == {"screening": "centre"}
    assert filed("denunciation").sealed


def test_a_decision_ends_the_screening_and_the_answer_counts_anew_where_another_unit_has_it() -> None:
    case = decided()
    assert owed(case) == {"answer": "U"}
    assert ends(case) == {"screening": "answered"}
    assert [term.since for term in case.terms if term.name == "answer"] == [day(1)]
    same = decided(handler="centre")
    assert [term.since for term in same.terms if term.name == "answer"] == [AT]


@pytest.mark.parametrize(("kind", "longer"), [("complaint", [45]), ("denunciation", [60, 90])])
def test_a_complaint_is_accepted_and_settled_and_its_answer_is_not_owed(kind: FeedbackKind, longer: list[int]) -> None:
    case = decided(kind)
    assert owed(case) == {"acceptance": "U"}
    assert ends(case)["answer"] == "void"
    with pytest.raises(ActError, match="accept it first"):
        life.answer(case, POLICY, at=day(2))
    case = life.accept(case, POLICY, at=day(3))
    assert owed(case) == {"settlement": "U"}
    for extended, value in enumerate(longer, 1):
        case = life.extend(case, POLICY, number=extended)
        assert life.extend(case, POLICY, number=extended) == case, "said again it is the same extension"
        assert [(t.extended, t.value) for t in case.terms if t.name == "settlement"] == [(extended, value)]
    with pytest.raises(ActError, match="as often as the law allows"):
        life.extend(case, POLICY, number=len(longer) + 1)
    with pytest.raises(ActError, match=f"give `number` {len(longer) + 1}"):
        life.extend(case, POLICY, number=len(longer) + 2)
    case = life.answer(case, POLICY, at=day(5))
    assert owed(case) == {}, "a settlement is not published"
    with pytest.raises(ActError, match="other remedies"):
        life.reopen(case, POLICY, at=day(6))


def test_the_first_handling_of_a_denunciation_is_extended_once_and_that_of_a_complaint_never() -> None:
    case = life.extend(decided("denunciation"), POLICY, number=1)
    assert [(t.name, t.extended, t.value) for t in case.terms if t.ended_at is None] == [("acceptance", 1, 10)]
    with pytest.raises(ActError, match="as often as the law allows"):
        life.extend(case, POLICY, number=2)
    with pytest.raises(ActError, match="no extension"):
        life.extend(decided("complaint"), POLICY, number=1)


def test_a_policy_may_hide_the_senders_of_a_kind_whatever_they_ask() -> None:
    hidden = POLICY.kinds["complaint"].identity.model_copy(update={"hidden": "always"})
    kinds = {**POLICY.kinds, "complaint": POLICY.kinds["complaint"].model_copy(update={"identity": hidden})}
    hiding = POLICY.model_copy(update={"kinds": kinds})
    case = life.enter(Case("PA-1", AT, "reflection", handler="U"), hiding, screened_by="centre")
    assert not case.sealed
    assert life.decide(case, Decision("complaint", "U"), hiding, by="o1", at=day(1)).sealed
    assert not life.decide(case, Decision("complaint", "U"), POLICY, by="o1", at=day(1)).sealed
    suspected = life.enter(Case("PA-2", AT, "denunciation", handler="U"), hiding, screened_by="centre")
    assert not life.decide(suspected, Decision("reflection", "U"), hiding, by="o1", at=day(1)).sealed


def test_a_decision_is_put_right_in_both_directions() -> None:
    case = life.accept(decided("denunciation"), POLICY, at=day(2))
    back = decided("reflection", case=case)
    assert owed(back) == {"answer": "U"}
    assert not back.restricted
    again = decided("denunciation", case=back)
    assert owed(again) == {"acceptance": "U"}
    assert again.sealed


def test_a_refusal_ends_all_that_is_owed() -> None:
    case = life.refuse(filed(), at=day(1))
    assert (case.state, owed(case)) == ("refused", {})
    assert set(ends(case).values()) == {"refused"}
    with pytest.raises(ActError, match="refused already"):
        decided(case=case)


def test_while_the_sender_is_asked_what_is_owed_stands() -> None:
    case = life.ask(decided(), at=day(2))
    assert [t.pauses for t in case.terms if t.ended_at is None] == [((day(2), None),)]
    with pytest.raises(ActError, match="asked already"):
        life.ask(case, at=day(3))
    case = life.supplement(case, at=day(9))
    assert case.state == "accepted"
    assert [t.pauses for t in case.terms if t.ended_at is None] == [((day(2), day(9)),)]
    with pytest.raises(ActError, match="nothing was asked"):
        life.supplement(case, at=day(10))
    put_right = decided(case=life.ask(decided(), at=day(2)))
    assert (put_right.state, [t.pauses[-1][1] for t in put_right.terms if t.pauses]) == ("accepted", [day(1)])
    waiting = life.ask(filed(), at=day(1))
    assert life.supplement(waiting, at=day(2)).state == "received"


def test_what_is_given_back_begins_anew_elsewhere_and_is_remembered() -> None:
    case = life.move(life.ask(decided(), at=day(2)), "V", POLICY, at=day(3), returned=True)
    assert (case.handler, case.been, case.moves) == ("V", ("U",), 1)
    assert [(t.unit, t.since, t.pauses) for t in case.terms if t.ended_at is None] == [("V", day(3), ())]
    assert life.move(case, "W", POLICY, at=day(4)).moves == 1
    with pytest.raises(ActError, match="decide, and name the unit"):
        life.move(filed(), "V", POLICY, at=day(1), returned=True)
    with pytest.raises(ActError, match="has it already"):
        life.move(case, "V", POLICY, at=day(4))


def test_an_answer_is_published_rated_and_reopened_within_its_time() -> None:
    case = life.answer(decided(), POLICY, at=day(5))
    assert owed(case) == {"publication": "U"}
    case = life.publish(case, at=day(6), question="Hỏi.", answer="Đáp.")
    assert (case.state, owed(case), case.published_question) == ("published", {}, "Hỏi.")
    again = life.publish(case, at=day(9), answer="Đáp lại.")
    assert (again.published_at, again.published_question, again.published_answer) == (day(6), None, "Đáp lại.")
    case = life.rate(case, 2)
    with pytest.raises(ActError, match="time for this is over"):
        life.reopen(case, POLICY, at=day(36))
    again = life.reopen(case, POLICY, at=day(10))
    assert (again.state, again.answered_at, again.rating, owed(again)) == ("accepted", None, None, {"answer": "U"})
    assert (again.published_at, again.published_question, again.published_answer) == (None, None, None)
    answered = life.answer(again, POLICY, at=day(11))
    with pytest.raises(ActError, match="as often as it can"):
        life.reopen(answered, POLICY, at=day(12))


def test_what_hides_its_sender_is_answered_and_not_published() -> None:
    case = life.answer(replace(decided(), hides_identity=True), POLICY, at=day(5))
    assert owed(case) == {}
    with pytest.raises(ActError, match="no answer to publish"):
        life.publish(case, at=day(6), answer="Đáp.")


def test_an_answer_needs_an_officers_decision_before() -> None:
    with pytest.raises(ActError, match="decide first"):
        life.answer(filed(), POLICY, at=day(1))


def test_what_is_joined_owes_nothing_until_it_is_separated() -> None:
    case = life.join(decided(), OTHER, at=day(2))
    assert (case.state, owed(case)) == ("joined", {})
    with pytest.raises(ActError, match="separate it first"):
        life.answer(case, POLICY, at=day(3))
    apart = life.separate(case, POLICY, screened_by="centre", at=day(4))
    assert (apart.state, apart.joined_to) == ("received", None)
    assert owed(apart) == {"screening": "centre", "answer": "U"}


@pytest.mark.parametrize(
    ("to", "why"),
    [
        (decided(), "not joined to itself"),
        (decided("complaint", case=OTHER), "no answer that all may read"),
        (decided("denunciation", case=OTHER), "no answer that all may read"),
        (replace(OTHER, hides_identity=True), "no answer that all may read"),
        (life.refuse(OTHER, at=day(1)), "no answer that all may read"),
        (life.join(OTHER, decided(), at=day(1)), "dealt with in PA-2222-2222-2222 itself"),
    ],
)
def test_a_feedback_is_joined_to_what_will_have_an_answer_for_all(to: Case, why: str) -> None:
    with pytest.raises(ActError, match=why):
        life.join(decided(), to, at=day(2))
    assert not life.answers_others(to) or to == decided()


@pytest.mark.parametrize("kind", ["complaint", "denunciation"])
def test_who_is_owed_a_settlement_is_not_answered_with_another(kind: FeedbackKind) -> None:
    with pytest.raises(ActError, match="settlement of their own"):
        life.join(decided(kind), OTHER, at=day(2))


@pytest.mark.parametrize("kind", ["reflection", "complaint"])
def test_given_to_another_unit_it_waits_for_its_sender_no_more(kind: FeedbackKind) -> None:
    undecided = life.move(life.ask(filed(kind), at=day(1)), "V", POLICY, at=day(3))
    assert (undecided.state, undecided.handler) == ("received", "V")
    screening = undecided.open_term("screening")
    assert screening
    assert screening.pauses == ((day(1), day(3)),)
    asked = life.move(life.ask(decided(kind), at=day(2)), "V", POLICY, at=day(3))
    assert asked.state == ("received" if kind == "complaint" else "accepted")
    assert [(term.since, term.pauses) for term in asked.terms if term.ended_at is None] == [(day(3), ())]


ACTS = (
    "decide", "complaint", "denounce", "refuse", "accept", "ask", "supplement", "move", "extend", "answer", "publish",
    "reopen", "join", "separate", "withdraw",
)  # fmt: skip


@given(st.lists(st.sampled_from(ACTS), max_size=15))
def test_whatever_is_done_at_most_one_term_of_a_name_is_there_and_none_of_an_ended_feedback(acts: list[str]) -> None:
    case = filed()
    for number, act in enumerate(acts, 1):
        at = day(number)
        try:
            match act:
                case "decide" | "complaint" | "denounce":
                    kinds: dict[str, FeedbackKind] = {"decide": "reflection", "complaint": "complaint"}
                    decision = Decision(kinds.get(act, "denunciation"), "U")
                    case = life.decide(case, decision, POLICY, by="o1", at=at)
                case "move":
                    case = life.move(case, f"V{number}", POLICY, at=at, returned=True)
                case "accept" | "answer" | "reopen":
                    case = getattr(life, act)(case, POLICY, at=at)
                case "publish":
                    case = life.publish(case, at=at, question="Hỏi.", answer="Đáp.")
                case "withdraw":
                    case = life.withdraw(case)
                case "join":
                    case = life.join(case, OTHER, at=at)
                case "extend":
                    case = life.extend(case, POLICY, number=1 + number % 2)
                case "separate":
                    case = life.separate(case, POLICY, screened_by="centre", at=at)
                case _:
                    case = getattr(life, act)(case, at=at)
        except ActError:
            continue
        assert (
            (case.published_answer is not None) == (case.published_question is not None) == (case.state == "published")
        )
        names = [term.name for term in case.terms]
        assert len(names) == len(set(names))
        running = owed(case)
        if case.state in ("refused", "joined", "published"):
            assert not running
        elif case.state == "answered":
            assert set(running) <= {"publication"}
        else:
            assert running, "what is not ended is owed by somebody"
        paused = [t for t in case.terms if t.ended_at is None and t.pauses and t.pauses[-1][1] is None]
        assert bool(paused) == (case.state == "supplement_asked")
