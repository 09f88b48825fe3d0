"""However a feed arrives, the same is known in the end: killed, doubled, in another order, regrouped, decomposed."""

from __future__ import annotations

import asyncio
import random
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import text

from dondoc.simulate.feed import simulate
from services.intake.main import SERVICE as INTAKE
from tests import servers as real
from tests.component import harness
from tests.component.test_import import answering

Message = dict[str, Any]
Known = dict[str, set[tuple[str, bytes]]]
ENVELOPE = ("service", "madonvi", "sent_at", "isUpdating")


@pytest.fixture(scope="module")
def feed() -> list[Message]:
    return list(simulate(units=3, days=3, seed=11, start=date(2026, 11, 2), per_day=6, broken=0))


def doubled(feed: Sequence[Message]) -> list[Message]:
    return [message for message in feed for _ in range(2)]


def shuffled(feed: Sequence[Message]) -> list[Message]:
    return random.Random(5).sample(feed, len(feed))


def regrouped(feed: Sequence[Message], *, size: int) -> list[Message]:
    """Return the same objects in messages of `size`, each still under the envelope that it came in."""
    groups: dict[bytes, list[Any]] = defaultdict(list)
    for message in feed:
        envelope = orjson.dumps({name: message[name] for name in ENVELOPE if name in message})
        groups[envelope] += message["data"]
    return [
        {**orjson.loads(envelope), "data": objects[start : start + size]}
        for envelope, objects in groups.items()
        for start in range(0, len(objects), size)
    ]


def decomposed(feed: Sequence[Message]) -> list[Message]:
    told: list[Message] = orjson.loads(unicodedata.normalize("NFD", orjson.dumps(list(feed)).decode()))
    return told


VARIANTS: dict[str, Callable[[Sequence[Message]], list[Message]]] = {
    "doubled": doubled,
    "in another order": shuffled,
    "an object a message": lambda feed: regrouped(feed, size=1),
    "fifty objects a message": lambda feed: regrouped(feed, size=50),
    "in decomposed Unicode": decomposed,
    "all at once": lambda feed: decomposed(shuffled(doubled(regrouped(feed, size=3)))),
}


KEPT: list[Known] = []


@pytest_asyncio.fixture
async def plain(feed: list[Message], nats_url: str, postgres_url: str) -> Known:
    """What is known after the feed came as it is; found out once."""
    if not KEPT:
        KEPT.append(await known_after(feed, nats_url=nats_url, postgres_url=postgres_url))
    return KEPT[0]


async def known_after(messages: Sequence[Message], *, nats_url: str, postgres_url: str) -> Known:
    await real.empty_jetstream(nats_url)
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    async with harness.services(INTAKE, nats_url=nats_url, database=database) as started:
        await send(messages, nats_url=nats_url)
        await harness.until_idle(started)
        known = await what_is_known(started["intake"].engine)
    await real.drop_database(postgres_url, database)
    return known


async def send(messages: Sequence[Message], *, nats_url: str) -> None:
    async with harness.connected(nats_url) as client:
        for start in range(0, len(messages), 200):
            await harness.feed(client, [orjson.dumps(one) for one in messages[start : start + 200]])


async def what_is_known(engine: Any) -> Known:
    """Return each dossier's facts but for when they were heard; nothing may stand in quarantine."""
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM intake.quarantine"))).scalar_one() == 0
        rows = (await connection.execute(text("SELECT key, document::text FROM intake.thing"))).all()
    return {key: {(fact["slot"], told(fact)) for fact in orjson.loads(document)["facts"]} for key, document in rows}


def told(fact: dict[str, Any]) -> bytes:
    return orjson.dumps({name: value for name, value in fact.items() if name != "heard"}, option=orjson.OPT_SORT_KEYS)


@pytest.mark.parametrize("variant", VARIANTS)
async def test_a_feed_that_comes_otherwise_gives_the_same_facts(
    variant: str, feed: list[Message], plain: Known, nats_url: str, postgres_url: str
) -> None:
    messages = VARIANTS[variant](feed)
    assert messages != feed
    assert await known_after(messages, nats_url=nats_url, postgres_url=postgres_url) == plain
    assert len(plain) > 50


@pytest.mark.long  # what a killed process had in hand comes again after half a minute
async def test_a_feed_during_which_intake_is_killed_again_and_again_gives_the_same_facts(
    feed: list[Message], plain: Known, nats_url: str, postgres_url: str, tmp_path: Path
) -> None:
    """Each process lives for some moments of a feed of some hundred objects; SIGKILL gives it no time to end well."""
    await real.empty_jetstream(nats_url)
    await harness.make_streams(nats_url)
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    sending = asyncio.create_task(send(feed, nats_url=nats_url))
    for life_s in (0.0, 0.15, 0.4):
        with answering("intake", nats_url=nats_url, database=database, folder=tmp_path, killed=True):
            await asyncio.sleep(life_s)
    await sending
    async with harness.services(INTAKE, nats_url=nats_url, database=database) as started:
        await harness.until_idle(started)
        assert await what_is_known(started["intake"].engine) == plain
    await real.drop_database(postgres_url, database)
