"""An acknowledgement and the sweep at the same moment: one of the two orders, never both."""
# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest

from services.notify.sweeping import sweep
from shared import bus
from shared.cloudevents import outgoing
from shared.events import DeadlinePassed
from tests.component import harness
from tests.component.answering import FRIDAY, HEADED, Desk, desk
from tests.component.office import (
    FRIDAY_1600,
    FRIDAY_1601,
    MONDAY_0730,
    OVERSIGHT,
    Open,
    at,
    migrated,  # noqa: F401 - a fixture
    obligation,
    office,  # noqa: F401 - a fixture
)
from tests.component.test_answering import told_on_monday
from tests.component.test_answering_cases import ABSENCE

MATTERS, WEDNESDAY_1700 = 150, "2026-11-25T17:00:00+07:00"  # after level 2


async def hear_all(at_work: Desk) -> list[str]:
    ids = [f"dossier/{n:04}" for n in range(MATTERS)]
    data = [obligation(obligation_id=id, subject_id=id) for id in ids]
    said = [outgoing(DeadlinePassed, id=d["obligation_id"], about="x", time=at(FRIDAY_1600), data=d) for d in data]
    await bus.publish(at_work.office.client, said)
    await at_work.office.settle()
    return ids


async def orders(at_work: Desk) -> dict[str, list[tuple[str, int]]]:
    """Return events of each obligation behind the first level, in the order of their revisions, which have no gap."""
    found = defaultdict(list)
    for event in await harness.said(at_work.office.client, "NOTIFY"):
        if event["type"].startswith("notify.escalation"):
            data = event["data"]
            found[data["obligation_id"]].append((data["revision"], event["type"].split(".")[1], data["level"]))
    assert all([revision for revision, *_ in sorted(one)] == list(range(1, len(one) + 1)) for one in found.values())
    return {id: [(said, level) for _, said, level in sorted(one)[1:]] for id, one in found.items()}


FIRST_PROMISED = [("escalation_acknowledged", 1)]
FIRST_RAISED = [("escalation_raised", 2), ("escalation_acknowledged", 2)]


async def test_an_answer_that_races_the_sweep_comes_before_or_after_it(
    office: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "LEVELS_AT_ONCE", 4)  # many transactions, so that many of them meet
    async with desk(office) as at_work:
        ids = await hear_all(at_work)
        await at_work.office.move_to(FRIDAY_1601)
        await at_work.office.move_to(MONDAY_0730)
        path, notify = at_work.link(), at_work.office.notify

        async def promise_all() -> None:
            for part in (ids[n::5] for n in range(5)):
                sent = await asyncio.gather(*(at_work.promise(path, obligations=[id]) for id in part))
                assert {answer.status_code for answer in sent} == {200}

        await asyncio.gather(promise_all(), notify.sweep_up_to(at(WEDNESDAY_1700)))
        await notify.sweep_up_to(at(WEDNESDAY_1700))  # those it found locked
        await at_work.office.settle()
        found = await orders(at_work)
        assert len(found) == MATTERS
        ways = [FIRST_PROMISED, FIRST_RAISED]
        assert [one for one in found.values() if one not in ways] == []
        assert all(way in found.values() for way in ways)  # they did meet
        raised = await at_work.rows("SELECT id, raised FROM notify.obligation")
        of_events = {id: 1 if one == FIRST_PROMISED else 2 for id, one in found.items()}
        assert {row.id: row.raised for row in raised} == of_events
        assert await at_work.rows("SELECT count(*), count(DISTINCT obligation_id) FROM notify.stay") == [
            (MATTERS, MATTERS)
        ]


async def test_the_same_answer_sent_many_times_at_once_counts_once(office: Open) -> None:
    async with desk(office) as at_work:
        ids = await hear_all(at_work)
        await at_work.office.move_to(FRIDAY_1601)
        await at_work.office.move_to(MONDAY_0730)
        sent = await asyncio.gather(*(at_work.promise(at_work.link(), until=FRIDAY) for _ in range(8)))
        assert sorted(answer.json()["repeated"] for answer in sent) == [False, *[True] * 7]
        assert all(answer.json()["covered"] == ids for answer in sent)
        assert len(await at_work.answers()) == 1


async def test_different_answers_sent_at_once_leave_one_that_stands(office: Open) -> None:
    async with desk(office) as at_work:
        await hear_all(at_work)
        await at_work.office.move_to(FRIDAY_1601)
        await at_work.office.move_to(MONDAY_0730)
        path = at_work.link()
        sent = await asyncio.gather(at_work.promise(path), at_work.send(path, answer="not_ours"))
        assert sorted(answer.status_code for answer in sent) == [200, 409]
        assert len({kind for kind, _ in await at_work.states()}) == 1


async def test_absences_told_at_once_leave_one_that_stands(office: Open) -> None:
    async with desk(office, units=(OVERSIGHT, HEADED)) as at_work:
        path = await told_on_monday(at_work)
        told = [{**ABSENCE, "until": f"2026-11-{day}"} for day in (25, 26, 27, 27)]
        sent = await asyncio.gather(*(at_work.send(path, **one) for one in told))
        assert {answer.status_code for answer in sent} == {200}
        assert await at_work.rows("SELECT count(*) FROM notify.own_absence WHERE withdrawn_at IS NULL") == [(1,)]
