"""Whatever happens in a year, notify presses for what is late, once, at its hours, and for nothing else."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from services.notify.main import service
from services.notify.policies import file as policy_file
from services.notify.pressing.rules import Rules
from services.notify.settings import NotifySettings
from shared import db
from shared.clock import DrivenClock
from shared.service import Running
from shared.worktime import vietnam
from tests.component import harness
from tests.component.answering import KEY, PUBLIC, holding
from tests.journeys.any_year import CODES, UNITS, World
from tests.journeys.pressed import PROVINCE, local, policy
from tests.servers import drop_database, fresh_database

BEGIN = "2026-11-20 08:00"
DEEDS = ("end", "reopen", "pause", "resume", "move", "hand_over", "head", "answer", "answer", "silence")
WAITS = (1, 5, 16, 26, 50, 120, 300)  # hours

happenings = st.lists(
    st.tuples(st.sampled_from(WAITS), st.sampled_from(DEEDS), st.sampled_from(CODES)), min_size=10, max_size=20
)


class NoRelay:
    """What is said stays in the outbox."""

    async def hand_over(self, *_: Any, **__: Any) -> None:
        pass


async def live(postgres_url: str, file: Path, deeds: list[tuple[int, str, str]], seed: int) -> None:
    database = await fresh_database(postgres_url, migrated=["notify"])
    given = NotifySettings(send="live", policy=file, public_url=PUBLIC, link_keys=SecretStr(KEY))
    url = database.url("notify")
    engine = db.engine(url, name="notify", pool=4)
    policies = policy_file.load(file)
    rules = Rules(policies.several[0], vietnam(), carried=frozenset({"email"}), policies=policies)
    how = harness.settings(nats_url="", database_url=url, clock="driven")
    no: Any = None
    relay: Any = NoRelay()
    running = Running(service(given), how, engine, no, DrivenClock(local(BEGIN)), relay)
    try:
        world = World(running, rules, random.Random(seed))
        await world.hear_units(*PROVINCE[:3])
        for code in UNITS:
            await world.describe(code, f"h{code[-1]}", (holding("gd", f"h{code[-1]}"),))
        for code in CODES:
            await world.due(code)
        for hours, deed, code in deeds:
            await world.wait(hours)
            await world.check_all()
            await getattr(world, deed)(code)
            await world.check_all()
        if world.silent:
            await world.silence("")
        await world.wait(400)
        await world.check_all()
        await world.check_end()
    finally:
        await engine.dispose()
        await drop_database(postgres_url, database)


def test_whatever_happens_what_is_late_is_pressed_for(postgres_url: str, tmp_path_factory: Any) -> None:
    file = policy(tmp_path_factory.mktemp("policy"))

    @settings(max_examples=20, suppress_health_check=list(HealthCheck))
    @given(deeds=happenings, seed=st.integers(0, 999))
    def lived(deeds: list[tuple[int, str, str]], seed: int) -> None:
        asyncio.run(live(postgres_url, file, deeds, seed))

    lived()
