"""What can wait gives way to what came just now, and leaves it room."""

from __future__ import annotations

import asyncio

import pytest

from shared import precedence
from shared.precedence import OBJECTS, OBJECTS_ALONE, Precedence


async def test_what_can_wait_begins_when_nothing_else_is_in_hand() -> None:
    of = Precedence()
    with of.first():
        waiting = asyncio.create_task(of.give_way())
        with of.first():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 1)


async def test_while_others_come_it_takes_less_and_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    rested: list[float] = []

    async def sleep(seconds: float) -> None:
        rested.append(seconds)

    monkeypatch.setattr(precedence, "monotonic_s", lambda: now_s)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    of = Precedence()
    of._last_s = now_s - precedence.ALONE_AFTER_S
    await of.rest(worked_s=0.1)
    assert (of.objects, rested) == (OBJECTS_ALONE, [])
    with of.first():
        assert of.objects == OBJECTS
    await of.rest(worked_s=0.1)
    assert (of.objects, rested) == (OBJECTS, [0.1 * precedence.REST])
    await of.rest(worked_s=600)  # the database was away meanwhile
    assert rested[-1] == precedence.REST_AT_MOST_S
    now_s += precedence.ALONE_AFTER_S
    assert of.objects == OBJECTS_ALONE
