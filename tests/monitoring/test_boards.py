"""Every query of every board and every recording rule has data, asked of a real Prometheus beside a stack at work."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import yaml

from dondoc.stack import status
from tests.monitoring.scene import Scene, scene
from tests.monitoring.watch import DEPLOY, Prometheus, prometheus

pytestmark = pytest.mark.skipif(not os.environ.get("DONDOC_TESTS_FULL"), reason="part of `./dev test --full`")
SEEN_S = 120  # within which everything must have data; usual is under 10


def queries() -> Iterator[tuple[str, str]]:
    """Yield what is asked, each with the board and panel, or the rule, that asks it."""
    for file in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{file.stem}: {panel['title']}", target["expr"]
    for file in sorted((DEPLOY / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from ((rule["record"], rule["record"]) for rule in group["rules"] if "record" in rule)


@pytest_asyncio.fixture(scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Prometheus]:
    folder = tmp_path_factory.mktemp("boards")
    async with scene(tmp_path_factory.mktemp("stack")) as at_work:
        with prometheus(folder / "prometheus", services=at_work.at.http_urls, faster=True) as running:
            work = asyncio.create_task(keep_at_work(at_work))
            await asyncio.to_thread(until_seen, running)
            assert not work.done(), work.exception()
            work.cancel()
            yield running


async def keep_at_work(at: Scene) -> None:
    """Let everything happen that boards show: new, known and bad dossiers, some ended, feedback, notices."""
    late = [at.dossier(unit=unit, due="20261103101000") for unit in range(1, 6)]
    paused = at.dossier(unit=1, due="20261130101000") | {"TrangThaiHoSo": "5"}
    await at.feed(*late, paused, late[0] | {"NgayHenTra": "rubbish"})
    await at.move_to("2026-11-03T15:00:00+07:00")
    while True:
        new = [at.dossier(unit=7, due="20261120101000") for _ in range(20)]
        ended = new[0] | {"TrangThaiHoSo": "9", "NgayKetThucXuLy": "20261102090000"}
        await at.feed(*new, new[1], ended)
        await at.complain("Chờ quá lâu")
        await at.move_to((at.driver.at.replace(minute=0)).isoformat())
        await status.wait_idle(at.at, 10)
        await asyncio.sleep(0.5)


def until_seen(running: Prometheus) -> None:
    until = time.monotonic() + SEEN_S
    while time.monotonic() < until and any(not running.query(asked) for _, asked in queries()):
        time.sleep(1)


@pytest.mark.parametrize(("where", "asked"), list(queries()), ids=str)
async def test_it_has_data(watched: Prometheus, where: str, asked: str) -> None:
    found = watched.query(asked)
    assert found, where
    assert any(sample["value"][1] != "NaN" for sample in found), where


async def test_at_work_nothing_is_wrong_but_what_sources_send(watched: Prometheus) -> None:
    assert watched.firing() == set()
