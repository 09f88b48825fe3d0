"""Two copies of intake that hear of the same dossiers at once, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.intake import handlers
from services.intake.correcting import linking, marks, retracting, store
from services.intake.correcting.linking import Claim
from services.intake.facts import Assertion, fact_of
from shared import db
from shared.bus import Received
from shared.clock import machine_now
from shared.instants import canonical
from shared.service import Heard
from tests import servers as real

NOW = machine_now()
A, B, C = "000.00.12.H56-261102-0001", "ML-1", "ML-2"


@pytest_asyncio.fixture
async def engine(postgres_url: str) -> AsyncIterator[AsyncEngine]:
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    made = db.engine(database.url("intake"), name="test", pool=4)
    yield made
    await made.dispose()
    await real.drop_database(postgres_url, database)


def heard(*said: tuple[str, str, dict[str, Any]]) -> Heard:
    named = {"specversion": "1.0", "id": "1", "source": "/x"}
    bodies = [{**named, "type": f"dondoc.{type}.v1", "subject": code, "data": data} for type, code, data in said]
    return Heard(
        [
            Received("feed.motcua-1.facts", orjson.dumps(body), {}, "", "FEED", number, 1, NOW)
            for number, body in enumerate(bodies, start=1)
        ],
        NOW,
    )


def accepted(code: str, at: str = "2026-11-02T09:10:00+07:00") -> tuple[str, str, dict[str, Any]]:
    return "accepted", code, {"accepted_at": at, "due_at": "2026-11-20T09:10:00+07:00"}


async def take_in(engine: AsyncEngine, heard: Heard) -> None:
    async with db.transaction(engine) as connection:
        await handlers.take_in(connection, heard)


@pytest.mark.parametrize("known", [True, False])
async def test_a_copy_that_links_and_one_that_hears_wait_for_each_other_without_a_deadlock(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    await take_in(engine, heard(accepted("X-1"), *([accepted(A), accepted(B), accepted(C)] if known else [])))
    joined, go_on = asyncio.Event(), asyncio.Event()
    join = linking.join

    async def slow(connection: AsyncConnection, claims: Any, **more: Any) -> Any:
        done = await join(connection, claims, **more)
        joined.set()
        await go_on.wait()
        return done

    monkeypatch.setattr(linking, "join", slow)
    later = "2026-11-03T09:10:00+07:00"
    links = asyncio.create_task(take_in(engine, heard(("same_as", B, {"code": C}), accepted(A, later))))
    await joined.wait()
    hears = asyncio.create_task(take_in(engine, heard(accepted(A, later), accepted(B, later))))
    await asyncio.sleep(0.3)
    go_on.set()
    await asyncio.gather(links, hears)


async def test_a_reversal_that_is_let_stand_while_its_code_becomes_another_dossiers_is_told_of_that_dossier(
    engine: AsyncEngine,
) -> None:
    late = {"accepted_at": "2026-11-02T09:10:00+07:00", "due_at": "2026-11-25T09:10:00+07:00"}
    await take_in(engine, heard(accepted(A), accepted(B), ("accepted", B, late)))
    async with engine.connect() as connection:
        [reversal] = await store.list_reversals(connection, after=0, limit=9, open_only=True)
    at = canonical(NOW)
    said = Assertion(marks.SAME, {"code": A}, at, at, 0)
    claim = Claim(B, A, fact_of(B, said, name=said, heard=at, source="operator", mirror=False), NOW)

    async def stand() -> list[str]:
        async with db.transaction(engine) as other:
            events = await retracting.let_stand(other, reversal["id"], marks.Said("Đúng", "", at), at=NOW)
            return [orjson.loads(one.body)["subject"] for one in events]

    async with db.transaction(engine) as connection:
        await linking.join(connection, [claim])
        standing = asyncio.create_task(stand())
        await asyncio.sleep(0.3)
    assert await standing == [A]


@pytest.mark.parametrize("again", [False, True])
async def test_many_links_of_a_batch_cost_no_more_questions_than_a_few(engine: AsyncEngine, again: bool) -> None:
    asked: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    took = []
    for count in (2, 50):
        links = heard(
            *(("same_as", f"L-{count}-{n}", {"code": f"000.00.12.H56-{count:06}-{n:04}"}) for n in range(count))
        )
        if again:
            await take_in(engine, links)
        asked.clear()
        await take_in(engine, links)
        took.append(len(asked))
    assert took[1] <= took[0] + 1  # the source itself is met for the first time in the first batch
