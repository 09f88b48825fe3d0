"""Each service is killed once in the middle of its work while a feed flows: nothing is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import nats
import orjson
import pytest
from nats.aio.client import Client

from dondoc.demo.mailbox import Mailbox, mailbox
from dondoc.drive import Driver, Timed, driving
from dondoc.simulate.province import demo_directory
from dondoc.stack import layout, running, status
from dondoc.stack import nats as nats_stack
from shared import bus
from shared.secrets import KEY_HEADER
from shared.streams import StreamName
from tests import servers as real
from tests.component import harness

DOSSIERS, A_MESSAGE, UNITS = 2400, 6, 20
START = datetime.fromisoformat("2026-11-02T00:00:00+07:00")
DUE = "20261104091000"
AGAIN_S = 4  # after which the server gives a dead service's messages again; a minute outside tests
AT_WORK_ON: dict[str, tuple[StreamName, int]] = {  # the stream whose messages it must have in hand, and how many
    "intake": ("FEED", 5),
    "deadline": ("INTAKE", 50),
    "complaints": ("FEED", 1),
    "notify": ("DEADLINE", 50),
    "console": ("DEADLINE", 50),
}

OTHERS: list[tuple[str, StreamName]] = [
    ("deadline", "COMPLAINTS"),
    ("notify", "INTAKE"),
    ("console", "INTAKE"),
    ("console", "COMPLAINTS"),
    ("console", "NOTIFY"),
]


@dataclass
class Stack:
    """A running stack, its data directory, and the ways to it."""

    data: Path
    at: running.Running
    box: Mailbox
    client: Client
    driver: Driver
    http: httpx.AsyncClient

    def logged_in(self, service: str) -> contextlib.AbstractAsyncContextManager[Client]:
        """Connect as one of the services."""
        password = layout.load_secrets(self.data).nats[service]
        return harness.connected(nats_stack.url(port=self.at.ports["nats"], user=service, password=password))

    def pid(self, service: str) -> int:
        told = running.read_down(self.data)
        assert told
        return told.programs[service].pid

    async def rows(self, service: str, query: str) -> list[Any]:
        connection = await asyncpg.connect(self.at.database_urls[service])
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    async def said(self, stream: str) -> list[tuple[str, dict[str, Any]]]:
        """Return everything in a stream but its ticks: `Nats-Msg-Id` and document."""
        jetstream = self.client.jetstream()
        last = (await jetstream.stream_info(stream)).state.last_seq
        found = []
        for start in range(1, last + 1, 100):
            numbers = range(start, min(start + 100, last + 1))
            for message in await asyncio.gather(*(jetstream.get_msg(stream, number) for number in numbers)):
                if not (message.subject or "").endswith(".tick.v1"):
                    assert message.headers
                    found.append((message.headers["Nats-Msg-Id"], orjson.loads(message.data or b"")))
        return found


def code(number: int) -> str:
    return f"000.00.{number % UNITS + 1:02}.H56-261102-{number:04}"


def ends(number: int) -> bool:
    return number % 2 == 0


def feed() -> Iterator[Timed]:
    """Yield all dossiers in eight quarters of an hour, then on the next day the end of every second."""
    for start in range(0, DOSSIERS, A_MESSAGE):
        at = START + timedelta(hours=9, minutes=15 * (start * 8 // DOSSIERS), seconds=1)
        yield message(at, [dossier(number) for number in range(start, start + A_MESSAGE)])
    for start in range(0, DOSSIERS, 2 * A_MESSAGE):
        at = START + timedelta(days=1, hours=9, minutes=15 * (start * 4 // DOSSIERS), seconds=1)
        ended = {"TrangThaiHoSo": "9", "NgayKetThucXuLy": "20261103085500"}
        yield message(at, [dossier(number) | ended for number in range(start, start + 2 * A_MESSAGE) if ends(number)])


def dossier(number: int) -> dict[str, str]:
    return {
        "MaHoSo": code(number),
        "MaTTHC": "1.004746",
        "TenLinhVuc": "Hộ tịch",
        "ChuHoSo": "Công dân 0001",
        "NgayTiepNhan": "20261102081000",
        "NgayHenTra": DUE,
        "TrangThaiHoSo": "2",
        "NgayKetThucXuLy": "",
    }


def message(at: datetime, objects: list[dict[str, str]]) -> Timed:
    body = {"session": "", "madonvi": "000.00.12.H56", "service": "DongBoHoSoMC", "data": objects}
    return Timed(at, "motcua-1", orjson.dumps(body))


@contextlib.asynccontextmanager
async def stack_of(data: Path) -> AsyncIterator[Stack]:
    (data / "mail").mkdir(parents=True)
    async with contextlib.AsyncExitStack() as parts:
        box = await parts.enter_async_context(mailbox(data / "mail"))
        env = {"DONDOC_CLOCK": "driven", "DONDOC_NOTIFY_SEND": "live", "DONDOC_NOTIFY_SMTP_PORT": str(box.port)}
        at = await asyncio.to_thread(parts.enter_context, real.running_stack(data, env=env))
        headers = {KEY_HEADER: at.api_key}
        http = await parts.enter_async_context(httpx.AsyncClient(headers=headers, timeout=10))
        (await http.post(f"{at.http_urls['intake']}/v1/directory", content=demo_directory(UNITS))).raise_for_status()
        client = await parts.enter_async_context(nats_stack.client(at))
        driver = await parts.enter_async_context(driving(client, start=START))
        yield Stack(data, at, box, client, driver, http)


async def give_again_soon(stack: Stack) -> None:
    """Let the server not wait a minute for services that are dead; those that start set it back."""
    async with contextlib.AsyncExitStack() as parts:
        clients = {service: await parts.enter_async_context(stack.logged_in(service)) for service in AT_WORK_ON}
        while True:
            for service, stream in [(service, stream) for service, (stream, _) in AT_WORK_ON.items()] + OTHERS:
                with contextlib.suppress(bus.JetStreamError, nats.errors.Error):
                    info = await bus.api(clients[service], f"CONSUMER.INFO.{stream}.{service}")
                    if info["config"]["ack_wait"] != AGAIN_S * 1_000_000_000:
                        config = info["config"] | {"ack_wait": AGAIN_S * 1_000_000_000}
                        request = ".".join(("CONSUMER.CREATE", stream, service, config.get("filter_subject", "")))
                        body = {"stream_name": stream, "config": config}
                        await bus.api(clients[service], request.rstrip("."), body)
            await asyncio.sleep(0.5)


async def kill_at_work(stack: Stack, service: str) -> None:
    """Wait until a service has messages in hand, and kill it."""
    stream, enough = AT_WORK_ON[service]
    pid = stack.pid(service)
    while (await bus.lag(stack.client, stream=stream, durable=service)).unacked < enough:
        await asyncio.sleep(0)
    os.kill(pid, signal.SIGKILL)


async def file_complaints(stack: Stack, count: int) -> set[str]:
    """File feedback; what gets no answer is filed again by its sender, so it may stand twice."""
    codes: set[str] = set()
    while len(codes) < count:
        filing = {"text": f"Phản ánh số {len(codes)}", "unit": "000.00.03.H56"}
        with contextlib.suppress(httpx.HTTPError):
            answer = await stack.http.post(f"{stack.at.http_urls['complaints']}/v1/complaints", json=filing)
            codes.add(answer.raise_for_status().json()["code"])
        await asyncio.sleep(0.2)
    return codes


@pytest.mark.long
async def test_a_kill_of_each_service_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with stack_of(tmp_path / "stack") as stack:
        soon = asyncio.create_task(give_again_soon(stack))
        killed = [asyncio.create_task(kill_at_work(stack, service)) for service in AT_WORK_ON]
        filed = asyncio.create_task(file_complaints(stack, 20))
        await stack.driver.play(feed(), until=START + timedelta(days=4))
        assert all(task.done() for task in killed)
        assert (await asyncio.gather(*killed)) == [None] * 5
        codes = await filed
        calm, answers = await status.wait_idle(stack.at, 60)
        soon.cancel()
        assert calm, status.busy(answers)
        told = running.read_down(stack.data)
        assert told
        assert {service: told.programs[service].restarts for service in AT_WORK_ON} == dict.fromkeys(AT_WORK_ON, 1)

        obligations = await check_obligations(stack, complaints=codes)
        await check_streams(stack, revisions={id: row["revision"] for id, row in obligations.items()})
        await check_console(stack, obligations)
        await check_mails(stack)


async def check_obligations(stack: Stack, *, complaints: set[str]) -> dict[str, dict[str, Any]]:
    rows = await stack.rows("deadline", "SELECT document::text AS document FROM deadline.obligation")
    found = {o["obligation_id"]: o for o in (orjson.loads(row["document"]) for row in rows)}
    dossiers = {o["subject_id"]: (o["state"], o["timing"]) for o in found.values() if o["kind"] == "dossier"}
    wanted = {code(n): ("ended", "early") if ends(n) else ("open", "overdue") for n in range(DOSSIERS)}
    assert dossiers == wanted
    assert complaints <= {o["subject_id"] for o in found.values() if o["kind"] == "answer"}
    return found


async def check_streams(stack: Stack, *, revisions: dict[str, int]) -> None:
    for stream in ("INTAKE", "DEADLINE", "COMPLAINTS", "NOTIFY"):
        ids = Counter(id for id, _ in await stack.said(stream))
        assert [id for id, times in ids.items() if times > 1] == []
    said: dict[str, list[int]] = defaultdict(list)
    for _, event in await stack.said("DEADLINE"):
        if "obligation_id" not in event["data"]:
            continue  # a census, or a count of an hour's events
        said[event["data"]["obligation_id"]].append(event["data"]["revision"])
    assert {id: sorted(numbers) for id, numbers in said.items()} == {
        id: list(range(1, revision + 1)) for id, revision in revisions.items()
    }


async def check_console(stack: Stack, obligations: dict[str, dict[str, Any]]) -> None:
    rows = await stack.rows("console", "SELECT obligation_id, revision, state, timing FROM console.obligation")
    assert {tuple(row) for row in rows} == {
        (id, o["revision"], o["state"], o["timing"]) for id, o in obligations.items()
    }


async def check_mails(stack: Stack) -> None:
    rows = await stack.rows("notify", "SELECT id, status FROM notify.notice")
    assert {row["status"] for row in rows} == {"sent"}
    mails = Counter(mail.message_id for mail in stack.box.newest)
    assert {id.strip("<>").split("@")[0] for id in mails} == {row["id"] for row in rows}
    # A kill between the relay's "accepted" and our commit may send a mail again, under the same Message-ID.
    assert sum(mails.values()) - len(mails) <= 1
    late = Counter(mail.to for mail in stack.box.newest if " mới báo)" in mail.subject)
    assert all(late[f"dv{unit:02}@example.vn"] >= 1 for unit in range(2, UNITS + 1, 2))
