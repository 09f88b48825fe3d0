"""What answers do to the ladder, whatever happens in whatever order."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.addressing.directory import Meant
from services.notify.answering.deciding import Item, Taken, answered
from services.notify.answering.shapes import NotOurs, OfMatters, Promise, Settled
from services.notify.policies.parts import Promises
from services.notify.policies.policy import NEAR, NOTHING
from services.notify.pressing import pressing, stays
from services.notify.pressing.lines import Line
from services.notify.pressing.pressing import Change, Pressed
from services.notify.pressing.stays import Stay, Stays
from shared.events import EscalationChanged
from tests.unit.notify.given import RULES, at, obligation

ID = obligation().obligation_id
MONDAY = at("2026-11-23 08:00")
UNIT, ABOVE = "H56.12", "TH-SNV"
POSTS = {"head": UNIT, "superior": ABOVE}
CALENDAR = RULES.calendar


def promise(day: str | date = "2026-11-27") -> Promise:
    return Promise.model_validate({"answer": "promise", "until": day, "reason": "x"})


def stay(**more: object) -> Stay:
    given = {"kind": "promise", "until": at("2026-11-28 00:00"), "level": 1, "id": 1, **more}
    return Stay(ID, UNIT, revision=1, made_at=MONDAY, **given)  # type: ignore[arg-type]


def test_a_promise_is_good_to_the_end_of_its_day_and_five_working_days_ahead_at_most() -> None:
    assert stays.end_of_day(date(2026, 11, 27), calendar=CALENDAR) == at("2026-11-28 00:00")
    limits = Promises()
    # law: Tuesday 24 November is a day off (Ngày Văn hóa Việt Nam), so five working days from Monday end on 1 December
    assert stays.last_day(limits, calendar=CALENDAR, at=MONDAY) == date(2026, 12, 1)
    assert stays.last_day(limits, calendar=CALENDAR, at=at("2026-11-28 10:00")) == date(2026, 12, 4)


def test_where_the_calendar_does_not_reach_any_days_are_counted() -> None:
    assert stays.last_day(Promises(), calendar=CALENDAR, at=at("2099-01-05 08:00")) == date(2099, 1, 10)


def test_only_who_was_told_last_holds_the_next_level() -> None:
    below, above = (stay(level=1),), (stay(level=2),)
    assert (stays.rests(below, raised=1), stays.rests(below, raised=2)) == (True, False)
    assert (stays.rests(above, raised=2), stays.silences(below, post=UNIT)) == (True, True)
    assert stays.silences(below, post=ABOVE) is False


def test_an_answer_is_refused_of_what_is_settled_or_told_to_another_post() -> None:
    late = Pressed(obligation(), raised=1, raised_at=MONDAY)
    lines = [Line(ID, "head", 1, told=1, post=UNIT)]

    def said(pressed: Pressed, held: list[Line]) -> object:
        return answered(pressed, promise(), post=UNIT, item=Item(ID, 1), held=held, rules=RULES, at=MONDAY)

    assert isinstance(said(late, lines), Taken)
    assert said(replace(late, raised=NOTHING), lines) == "closed"
    assert said(replace(late, raised=NEAR), lines) == "closed"
    assert said(replace(late, obligation=obligation(state="paused")), lines) == "paused"
    assert said(late, []) == "not_yours"
    assert said(late, [replace(lines[0], post=ABOVE)]) == "not_yours"
    assert said(late, [replace(lines[0], former=UNIT)]) == "not_yours"
    assert said(late, [replace(lines[0], role="receiving", level=2)]) == "not_yours"


class Walk:
    """One obligation, its lines and answers, as they would be stored."""

    def __init__(self) -> None:
        self.now = MONDAY
        self.pressed = Pressed(obligation(), timer_at=MONDAY, meant=Meant("A"))
        self.held: list[Line] = []
        self.ids = 0

    def take(self, change: Change) -> None:
        self.ids += 1
        numbered = tuple(one if one.id else replace(one, id=self.ids) for one in change.pressed.stays if not one.spent)
        self.pressed = replace(change.pressed, stays=numbered)
        gone = {line.key for line in change.gone}
        kept = {line.key: line for line in self.held if line.key not in gone}
        kept |= {line.key: line for line in change.lines}
        self.held = [
            replace(line, post=line.post or POSTS[line.role], told=line.level, news=None)
            for line in kept.values()
            if line.news != "settled" and line.role in POSTS
        ]  # a digest was made

    def sweep(self) -> None:
        for _ in range(5):
            if self.pressed.timer_at is None or self.pressed.timer_at > self.now:
                return
            self.take(
                pressing.advance(self.pressed, held=self.held, rules=RULES, at=self.now, meant=self.pressed.meant)
            )
        raise AssertionError("the sweep does not come to an end")

    def answer(self, post: str, said: OfMatters) -> None:
        taken = answered(self.pressed, said, post=post, item=Item(ID, 1), held=self.held, rules=RULES, at=self.now)
        if isinstance(taken, Taken) and taken.change:
            self.take(taken.change)

    def hear(self, **changes: object) -> None:
        old = self.pressed.obligation
        new = old.model_copy(update={"revision": old.revision + 1, **changes})
        handed = Meant("A" if self.pressed.meant.code != "A" else "B") if "unit" in changes else None
        self.take(pressing.follow(self.pressed, new, held=self.held, meant=handed, rules=RULES, at=self.now))


STEPS = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 60)),
    st.tuples(st.just("promise"), st.sampled_from([UNIT, ABOVE]), st.integers(-1, 9)),
    st.tuples(st.sampled_from(["settled", "not_ours"]), st.sampled_from([UNIT, ABOVE])),
    st.tuples(st.sampled_from(["end", "reopen", "pause", "resume", "move", "hand_over", "decide"])),
)


def go(walk: Walk, step: tuple[object, ...]) -> None:
    match step:
        case ("wait", int(hours)):
            walk.now += timedelta(hours=hours)
        case ("promise", str(post), int(days)):
            walk.answer(post, promise((walk.now + timedelta(days=days)).date()))
        case ("settled", str(post)):
            walk.answer(post, Settled(answer="settled"))
        case ("not_ours", str(post)):
            walk.answer(post, NotOurs(answer="not_ours"))
        case ("end",):
            walk.hear(state="ended", ended_at=walk.now)
        case ("reopen" | "resume",):
            walk.hear(state="open", ended_at=None)
        case ("pause",) if walk.pressed.obligation.state == "open":
            walk.hear(state="paused")
        case ("move",):
            walk.hear(due_at=walk.now - timedelta(hours=30))
        case ("hand_over",):
            walk.hear(unit=f"H56.{walk.ids}")
        case ("decide",):
            now = stays.decided(walk.pressed.stays, kind="not_ours", at=walk.now)
            walk.take(pressing.answered_by(walk.pressed, now, event=EscalationChanged, rules=RULES, at=walk.now))


def counted(found: Stays, post: str) -> list[Stay]:
    return [one for one in found if one.post == post and one.kind == "promise"]


@settings(max_examples=400)
@given(st.lists(STEPS, max_size=25))
def test_whatever_happens_answers_hold_only_what_they_may(steps: list[tuple[object, ...]]) -> None:
    walk = Walk()
    walk.sweep()
    for step in steps:
        before, revision = walk.pressed, walk.pressed.escalation_revision
        go(walk, step)
        rested = stays.rests(stays.run_out(walk.pressed.stays, at=walk.now), raised=walk.pressed.raised)
        walk.sweep()
        now = walk.pressed
        running = [one for one in now.stays if one.runs]
        if now.obligation.state == "paused":
            assert not [one for one in running if one.kind == "promise"]
        assert len({(one.post, one.kind) for one in running}) == len(running)
        assert all(len(counted(now.stays, post)) <= 2 for post in (UNIT, ABOVE))  # one, and one renewal
        if now.obligation.state == "open":
            assert all(one.until > walk.now for one in running)
        assert not (now.obligation.state == "ended" and running)
        if rested and before.raised > NEAR and now.raised > NEAR:
            assert now.raised == before.raised  # nothing is raised while an answer holds it
        assert now.escalation_revision >= revision
        owed = any(one.state == "missed" and one.level >= now.raised for one in now.stays)
        if owed and now.obligation.state == "open" and not running and now.raised > NEAR:
            assert now.raised == 2  # there is nothing above that could be raised


def test_a_walk_reaches_what_it_is_meant_to_reach() -> None:
    walk = Walk()
    walk.sweep()
    assert walk.pressed.raised == 1
    go(walk, ("promise", UNIT, 1))
    go(walk, ("wait", 60))
    walk.sweep()
    assert [(one.state, walk.pressed.raised) for one in walk.pressed.stays] == [("missed", 2)]
    go(walk, ("promise", UNIT, 3))
    go(walk, ("promise", UNIT, 4))
    assert [one.state for one in walk.pressed.stays] == ["missed", "running"]


def test_two_answers_missed_at_once_raise_one_level() -> None:
    both = (stay(id=1), stay(id=2, kind="settled", until=at("2026-11-26 00:00")))
    held = [Line(ID, "head", 1, told=1, post=UNIT)]
    pressed = Pressed(obligation(), raised=1, raised_at=MONDAY, stays=both)
    change = pressing.advance(pressed, held=held, rules=RULES, at=at("2026-11-28 00:00"), meant=pressed.meant)
    assert [(event.__name__, state.raised) for event, state in change.said] == [("EscalationRaised", 2)]
    assert {one.id: one.state for one in change.stays} == {1: "missed", 2: "over"}
