"""What notify asks its database while nothing happens, and that what comes up does not wait for the next look."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import event

from services.notify.sending import delivery
from shared.events import DeadlinePassed
from tests.component.office import FRIDAY_1601, MONDAY_0730, Open, migrated, office

__all__ = ["migrated", "office"]  # fixtures

SECONDS = 4
A_SECOND = 6  # the delivery, receipts and the outbox look once each; the rest is reserve


async def test_idle_it_looks_once_a_second_for_each_thing_that_may_wait(office: Open) -> None:
    async with office() as here:
        await asyncio.sleep(1)
        asked: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            asked.append(statement)

        event.listen(here.notify.engine.sync_engine, "before_cursor_execute", note)
        await asyncio.sleep(SECONDS)
        event.remove(here.notify.engine.sync_engine, "before_cursor_execute", note)
        assert 2 * SECONDS < len(asked) <= A_SECOND * SECONDS, asked


async def test_what_a_sweep_made_leaves_without_waiting_for_the_next_look(
    office: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "LOOK_S", 3600)
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert len(here.box.taken) == 1
