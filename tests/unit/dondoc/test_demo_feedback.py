"""What citizens of the demo are planned to write, and what becomes of it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import httpx
import pytest

from dondoc.demo.citizens import Citizens
from dondoc.demo.feedback import ANSWER_DAYS, Act, Feedback, Plan, plan
from dondoc.drive import on_grid
from dondoc.stack.errors import StackError
from services.complaints.filing import Filing
from services.complaints.rules import policy
from services.complaints.suggesting import model
from services.complaints.suggesting.suggest import suggest
from shared.worktime import vietnam, working_days_after

START = datetime.fromisoformat("2026-11-02T00:00:00+07:00")
USUAL = plan(units=20, days=21, seed=7, start=START)


def at_of(given: Plan, do: str) -> dict[int, datetime]:
    return {act.number: act.at for act in given.acts if act.do == do}


def test_the_same_seed_gives_the_same_plan_and_another_one_does_not() -> None:
    assert plan(units=20, days=21, seed=7, start=START) == USUAL
    assert plan(units=20, days=21, seed=8, start=START) != USUAL


@pytest.mark.parametrize("seed", range(5))
def test_three_weeks_of_twenty_units_hold_some_of_everything(seed: int) -> None:
    given = plan(units=20, days=21, seed=seed, start=START)
    done = Counter(act.do for act in given.acts)
    assert 20 <= done["file"] + done["bring"] <= 40
    assert sum(one.denounced for one in given.feedback) == 2
    assert (done["ask"], done["supplement"]) == (1, 1)
    assert done["answer"] > done["decide"] / 2
    answered, brought = at_of(given, "answer"), [one for one in given.feedback if one.given_at]
    due = {one.number: due_at(one) for one in brought}
    late = [number for number in due if number in answered and answered[number] > due[number]]
    never = [number for number in due if number not in answered and due[number] < START + timedelta(days=21)]
    assert late
    assert never
    assert len(late) + len(never) < len(brought)


def due_at(one: Feedback) -> datetime:
    assert one.given_at
    return working_days_after(vietnam(), start=one.given_at, days=ANSWER_DAYS)


@pytest.mark.parametrize(("units", "days"), [(1, 1), (2, 1), (20, 21), (40, 60)])
def test_acts_stand_on_the_grid_in_order_within_the_days(units: int, days: int) -> None:
    given = plan(units=units, days=days, seed=7, start=START)
    assert list(given.acts) == sorted(given.acts)
    assert all(act.at == on_grid(act.at) and START <= act.at < START + timedelta(days=days) for act in given.acts)
    begun = {act.number for act in given.acts if act.do in ("bring", "file")}
    assert all(act.number in begun for act in given.acts)


def test_the_first_answer_is_overdue_when_even_the_smallest_demo_begins() -> None:
    assert due_at(plan(units=1, days=1, seed=7, start=START).feedback[0]) < START


@pytest.mark.parametrize("seed", range(5))
def test_only_denunciations_leave_the_normal_queue_and_nobody_acts_on_them(seed: int) -> None:
    given = plan(units=40, days=60, seed=seed, start=START)
    judging = model.load()
    for one in given.feedback:
        assert suggest(one.text, judging, why=False).is_suspected == one.denounced, one.text
    denounced = {one.number for one in given.feedback if one.denounced}
    assert {act.do for act in given.acts if act.number in denounced} == {"file"}


def test_what_is_written_and_decided_fits_complaints() -> None:
    carried = policy.load().on(START.date())
    for one in USUAL.feedback:
        Filing(text=one.text, unit=one.unit.name)
        assert "{" not in one.text + one.answer
        assert one.denounced or one.answer
        assert one.field is None or one.field in carried.fields
        assert set(one.categories) <= set(carried.categories)


def of(*acts: Act, answers: list[httpx.Response]) -> tuple[Citizens, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answers.pop(0)

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return Citizens(Plan(USUAL.feedback, acts), url="http://x", citizens=client, officers=client), asked


async def test_what_complaints_refuses_ends_the_demo_with_its_words() -> None:
    first = next(act for act in USUAL.acts if act.do == "file")
    citizens, _ = of(first, answers=[httpx.Response(422, json={"detail": "unit: too long"})])
    with pytest.raises(StackError, match=r"422.*unit: too long"):
        await citizens.act(first.at)


async def test_nothing_is_done_before_its_time() -> None:
    first = next(act for act in USUAL.acts if act.do == "file")
    citizens, asked = of(first, answers=[])
    await citizens.act(first.at - timedelta(minutes=15))
    assert not asked
    assert citizens.next_at == first.at
