"""Tasks are ended, also those whose driver makes another error of a cancellation."""

from __future__ import annotations

import asyncio

import pytest

from shared import stopping


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "AGAIN_S", 0.02)


async def test_who_takes_a_cancellation_for_a_passing_fault_is_cancelled_again() -> None:
    swallowed = 0

    async def for_ever() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if swallowed == 2:
                    raise
                swallowed += 1

    task = asyncio.create_task(for_ever())
    await asyncio.sleep(0)
    await asyncio.wait_for(stopping.cancel([task]), 5)
    assert task.cancelled()
    assert swallowed == 2


async def test_who_has_heard_it_may_take_its_time() -> None:
    done: list[str] = []

    async def in_order() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            stopping.heard()
            await asyncio.sleep(0.1)
            done.append("in order")

    task = asyncio.create_task(in_order())
    await asyncio.sleep(0)
    await stopping.cancel([task])
    assert done == ["in order"]
    assert task.cancelled()


async def test_nobody_and_who_failed_is_no_matter() -> None:
    async def fails() -> None:
        raise ValueError

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await stopping.cancel([])
    await stopping.cancel([task])
    assert isinstance(task.exception(), ValueError)
