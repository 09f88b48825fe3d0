"""The bridge between a stand-in portal and a real intake, over HTTP: nothing lost, nothing acknowledged unstored."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
import uvicorn
from nats.aio.client import Client
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.intake.main import SERVICE as INTAKE
from shared import http
from shared.service import Running
from tests import portal as stand_in
from tests import servers as real
from tests import warm
from tests.component import harness
from tests.portal import ACK, LISTING, PASSWORD, Portal, broken, doubled, expired, fine, half, serving, shapeless
from tests.waiting import until


@dataclass
class Door:
    """Intake's HTTP surface; notes what was stored, refuses as often as told."""

    app: ASGIApp
    stored: set[str] = field(default_factory=set)
    refuse: list[int] = field(default_factory=list)
    asked: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith("/national"):
            return await self.app(scope, receive, send)
        self.asked += 1
        heard = bytearray()

        async def read() -> Message:
            message = await receive()
            heard.extend(message.get("body", b""))
            return message

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 202:
                self.stored.update(element["MaHoSo"] for element in orjson.loads(heard)["data"])
            await send(message)

        if self.refuse:
            headers = [(b"retry-after", b"1"), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": self.refuse.pop(0), "headers": headers})
            return await send({"type": "http.response.body", "body": b""})
        return await self.app(scope, read, answer)


def environment(key: str, password: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return inherited | {"DONDOC_API_KEY": key, "DONDOC_PORTAL_PASSWORD": password}


@dataclass
class Scene:
    """Portal, intake and the bridge's file between them."""

    portal: Portal
    door: Door
    intake: Running
    client: Client
    config: Path

    async def bridge(self, *words: str, key: str = harness.API_KEY, password: str = PASSWORD) -> tuple[int, str, str]:
        arguments = ("bridge", *words, "--config", str(self.config))
        done = await asyncio.to_thread(warm.run, *arguments, env=environment(key, password))
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        command = [sys.executable, "-m", "dondoc.cli", "bridge", *words, "--config", str(self.config)]
        pipe, env = asyncio.subprocess.PIPE, environment(harness.API_KEY, PASSWORD)
        return await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=env)

    async def said(self) -> list[str]:
        await harness.until_idle({"intake": self.intake})
        events = await harness.said(self.client, "INTAKE")
        return sorted(one["subject"] for one in events if one["type"] == "intake.dossier_said.v1")


def config(portal: str, intake: str, **feed: Any) -> str:
    """JSON is YAML."""
    return orjson.dumps({
        "source": "cong-dvc", "every_s": 1,
        "portal": {
            "url": portal, "login_path": "/dang-nhap", "call_path": "/goi", "username": "dondoc",
            "password_env": "DONDOC_PORTAL_PASSWORD", "agency": "000.00.00.H56", "timeout_s": 5,
        },
        "intake": {"url": intake, "key_env": "DONDOC_API_KEY"},
        "feeds": [{"list": LISTING, "ack": ACK, "carries": "DongBoHoSoMC", **feed}],
    }, option=orjson.OPT_INDENT_2).decode()  # fmt: skip


@contextlib.asynccontextmanager
async def open_door(intake: Running) -> AsyncIterator[tuple[Door, str]]:
    app = http.application(name="intake", settings=intake.settings, ready=dict, asyncapi={})
    assert intake.service.router
    app.include_router(intake.service.router)
    app.state.running = intake
    door, port = Door(app), real.free_port()
    server = uvicorn.Server(uvicorn.Config(door, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.02)
    yield door, f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


@pytest_asyncio.fixture
async def scene(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    portal = Portal([dossier(number) for number in range(10)])
    with serving(portal):
        async with (
            harness.services(INTAKE, nats_url=nats_url, database=database) as running,
            harness.connected(nats_url) as client,
            open_door(running["intake"]) as (door, url),
        ):
            portal.before_ack = lambda named: assert_stored(door, named)
            file = tmp_path / "bridge.yaml"
            file.write_text(config(portal.url, url))
            yield Scene(portal, door, running["intake"], client, file)
    await real.drop_database(postgres_url, database)


def dossier(number: int, **more: Any) -> dict[str, Any]:
    code = f"000.00.12.H56-261102-{number:04}"
    times = {"NgayTiepNhan": "20261102091000", "NgayHenTra": "20261109091000"}
    return {"MaHoSo": code, "TrangThaiHoSo": "2", "ChuHoSo": "Nguyễn Thị Mẫu", **times, **more}


def assert_stored(door: Door, named: list[dict[str, Any]]) -> None:
    """Fail the portal's call where something is acknowledged that the stream has not stored."""
    assert {name["MaHoSo"] for name in named} <= door.stored


CODES = [dossier(number)["MaHoSo"] for number in range(10)]


async def test_everything_is_stored_and_then_acknowledged_page_by_page(scene: Scene) -> None:
    code, out, err = await scene.bridge("run", "--once", "--json")
    assert (code, orjson.loads(out)) == (0, {"listed": 10, "stored": 10, "acknowledged": 10, "stuck": 0}), err
    assert (scene.portal.pending, scene.portal.logins, await scene.said()) == ([], 1, CODES)
    assert scene.portal.calls == [LISTING, ACK, LISTING, ACK, LISTING, ACK, LISTING]


@pytest.mark.parametrize(
    ("service", "faults", "logins"),
    [
        (LISTING, [fine, expired], 2),
        (ACK, [expired], 2),
        (LISTING, [broken, broken], 1),
        (ACK, [broken], 1),
        (LISTING, [half, shapeless], 1),
        (LISTING, [doubled], 1),
    ],
)
async def test_a_bad_day_of_the_portal_loses_nothing(scene: Scene, service: str, faults: Any, logins: int) -> None:
    scene.portal.faults[service] = [*faults]
    code, _, err = await scene.bridge("run", "--once")
    assert code == 0, err
    assert (scene.portal.pending, scene.portal.logins, await scene.said()) == ([], logins, CODES)
    assert ("waits" in err) == (broken in faults or half in faults)  # a session that is over costs no pause
    assert not any(secret in err for secret in ("Mẫu", PASSWORD, harness.API_KEY))


async def test_what_intake_does_not_take_now_is_sent_again_and_only_then_acknowledged(scene: Scene) -> None:
    scene.door.refuse = [429, 503]
    code, _, err = await scene.bridge("run", "--once")
    assert (code, scene.portal.pending, await scene.said()) == (0, [], CODES), err
    assert scene.portal.calls[:4] == [LISTING, LISTING, LISTING, ACK]


async def test_killed_between_store_and_acknowledgement_it_loses_and_doubles_nothing(scene: Scene) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def hang(portal: Portal, asked: dict[str, Any]) -> stand_in.Answer:
        reached.set()
        go_on.wait(30)
        return 500, b""

    scene.portal.faults[ACK] = [hang]
    process = await scene.start("run")
    assert await asyncio.to_thread(reached.wait, 30)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    go_on.set()
    assert (len(scene.door.stored), len(scene.portal.pending), scene.portal.acked) == (4, 10, [])
    code, _, err = await scene.bridge("run", "--once", "--json")
    assert (code, scene.portal.pending, await scene.said()) == (0, [], CODES), err
    assert len(scene.portal.acked) == 10


async def test_a_wrong_password_is_told_at_once_and_not_tried_again(scene: Scene) -> None:
    code, _, err = await scene.bridge("run", "--once", password="falsch")
    assert (code, err.strip().splitlines()[-1]) == (1, "dondoc: the portal refuses the login (error code 01)")
    assert (scene.portal.logins, "falsch" in err, scene.door.asked) == (1, False, 0)


async def test_a_wrong_key_acknowledges_nothing(scene: Scene) -> None:
    code, _, err = await scene.bridge("run", "--once", key="wrong")
    assert (code, "intake refuses with 401" in err) == (1, True)
    assert (len(scene.portal.pending), scene.portal.acked) == (10, [])


async def test_what_is_too_large_or_nameless_is_never_acknowledged_and_holds_up_no_other(scene: Scene) -> None:
    scene.portal.pending[0] = dossier(0, GhiChu="x" * 950_000)
    scene.portal.pending[1] = {"MaHoSo": "", "TrangThaiHoSo": "2"}
    code, out, _ = await scene.bridge("run", "--once", "--json")
    assert (code, orjson.loads(out)["stuck"]) == (3, 2)
    assert [one["MaHoSo"] for one in scene.portal.pending] == [CODES[0], ""]
    assert await scene.said() == CODES[2:]


async def test_an_acknowledgement_may_name_a_version_so_that_a_change_in_between_is_not_lost(scene: Scene) -> None:
    scene.config.write_text(
        scene.config.read_text().replace('"carries"', '"ack_by": ["MaHoSo", "PhienBan"], "carries"')
    )
    scene.portal.pending = [dossier(0, PhienBan=1)]

    def changed(portal: Portal, asked: dict[str, Any]) -> None:
        portal.pending = [dossier(0, PhienBan=2, TrangThaiHoSo="9", NgayKetThucXuLy="20261105091000")]

    scene.portal.faults[ACK] = [changed]
    code, out, err = await scene.bridge("run", "--once", "--json")
    assert (code, orjson.loads(out)["acknowledged"]) == (0, 2), err
    assert (scene.portal.pending, await scene.said()) == ([], [CODES[0], CODES[0]])


async def test_a_check_says_what_would_be_fetched_and_stores_and_acknowledges_nothing(scene: Scene) -> None:
    code, out, err = await scene.bridge("check", "--json")
    assert (code, orjson.loads(out)["feeds"]) == (0, [{"list": LISTING, "elements": 4, "without_ack_members": 0}]), err
    assert (scene.portal.calls, await scene.said(), scene.door.asked) == ([LISTING], [], 0)
    code, _, err = await scene.bridge("check", key="wrong")
    assert (code, "intake refuses the key" in err) == (1, True)


async def test_asked_to_end_it_finishes_and_ends(scene: Scene) -> None:
    process = await scene.start("run")
    await until(lambda: not scene.portal.pending)
    scene.portal.pending = [dossier(77)]  # the next round takes it
    await until(lambda: not scene.portal.pending)
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0
