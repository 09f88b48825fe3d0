"""What no caller of intake may do over real sockets: hold connections, fill the memory, or lose what was accepted."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import httpx
import orjson
import pytest_asyncio

from shared import bus
from shared.secrets import KEY_HEADER
from tests import servers as real
from tests import warm
from tests.component import harness
from tests.component.test_intake_to_deadline import message, snapshot
from tests.waiting import until

PATIENCE_S = 1.0
BODIES_BYTES = 16 << 20
PROGRAM = f"""
from services.intake.main import main
from shared import bodies, connections
bodies.PATIENCE_S = connections.HEADERS_S = {PATIENCE_S}
main()
"""
LINES = {"Content-Type": "application/x-ndjson"}


class Intake(NamedTuple):
    """The service as a process of its own."""

    port: int
    pid: int
    nats_url: str

    def caller(self) -> httpx.AsyncClient:
        key = {KEY_HEADER: harness.API_KEY}
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers=key, timeout=60)

    async def open(self, head: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(head)
        await writer.drain()
        return reader, writer

    def peak_bytes(self) -> int:
        """Return the most memory that the process ever had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024

    def peak_from_now(self) -> int:
        """Forget the peak so far; returns what the process has now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return self.peak_bytes()


@pytest_asyncio.fixture
async def intake(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Intake]:
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    port = real.free_port()
    env = {
        **real.clean_environment(),
        "DONDOC_NATS_URL": real.logged_in(nats_url, "intake"),
        "DONDOC_DATABASE_URL": database.url("intake"),
        "DONDOC_HTTP_PORT": str(port),
        "DONDOC_API_KEY": harness.API_KEY,
        "DONDOC_STREAM_MAX_BYTES": str(256 << 20),
        "DONDOC_HTTP_BODIES_BYTES": str(BODIES_BYTES),
        "DONDOC_LOG_LEVEL": "warning",
    }
    process = warm.serve(PROGRAM, log=tmp_path / "intake.log", env=env)
    try:
        await _until_ready(port, tmp_path / "intake.log")
        yield Intake(port, process.pid, nats_url)
    finally:
        warm.end(process)
    await real.drop_database(postgres_url, database)


async def _until_ready(port: int, log: Path) -> None:
    async with httpx.AsyncClient() as client:

        async def ready() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return (await client.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200
            return False

        await until(ready, what=f"intake is not ready; see {log}")


def head(*, length: int, path: str = "/v1/feeds/motcua-1/national", more: str = "") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\n{KEY_HEADER}: {harness.API_KEY}\r\nContent-Length: {length}\r\n{more}\r\n"
    ).encode()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Return all that is said until the connection is closed."""
    async with asyncio.timeout(10):
        return await reader.read()


async def test_clients_that_stop_half_way_are_given_up_and_cost_the_others_nothing(intake: Intake) -> None:
    began = time.monotonic()
    headless = [await intake.open(b"") for _ in range(20)]
    half_a_head = [await intake.open(head(length=10)[:-2] + b"X-Slow: ") for _ in range(20)]
    half_a_body = [await intake.open(head(length=100) + b'{"service"') for _ in range(20)]
    async with intake.caller() as caller:
        assert (await caller.post("/v1/feeds/motcua-1/national", content=message(snapshot()))).status_code == 202
    for reader, _ in (*headless, *half_a_head):
        assert await rest(reader) == b""
    for reader, _ in half_a_body:
        said = await rest(reader)
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in said.lower()
    assert time.monotonic() - began < 15 * PATIENCE_S
    for _, writer in (*headless, *half_a_head, *half_a_body):
        writer.close()


async def test_a_body_that_trickles_is_given_up_though_it_never_stops(intake: Intake) -> None:
    reader, writer = await intake.open(head(length=100_000))
    began = time.monotonic()
    # Taken as it comes: what is still on its way when the other side closes resets the connection.
    answer = asyncio.create_task(reader.readuntil(b"\r\n"))
    async with asyncio.timeout(10):
        while not answer.done():
            writer.write(b" ")
            await asyncio.sleep(0.05)
    assert (await answer).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 10 * PATIENCE_S
    writer.close()


async def test_who_hangs_up_in_the_middle_of_a_body_is_no_failure_of_ours(intake: Intake) -> None:
    _, writer = await intake.open(head(length=100) + b'{"service"')
    await asyncio.sleep(0.2)
    writer.close()
    async with intake.caller() as caller:
        told = await until(
            lambda: caller.get("/metrics"), lambda told: 'route="/v1/feeds/{source}/national"' in told.text
        )
    assert 'status="500"' not in told.text


async def test_a_packed_body_is_taken_like_any_other(intake: Intake) -> None:
    async with intake.caller() as caller:
        packed, as_gzip = gzip.compress(message(snapshot())), {"Content-Encoding": "gzip"}
        answer = await caller.post("/v1/feeds/motcua-1/national", content=packed, headers=as_gzip)
        assert answer.status_code == 202
        for wrong, headers, status in (
            (packed[:-9], as_gzip, 400),
            (packed + packed, as_gzip, 400),
            (b"not packed", as_gzip, 400),
            (packed, {"Content-Encoding": "br"}, 415),
        ):
            answer = await caller.post("/v1/feeds/motcua-1/national", content=wrong, headers=headers)
            assert answer.status_code == status, answer.text
    async with harness.connected(intake.nats_url) as client:
        stored = await client.jetstream().get_msg("FEED", 1)
        assert stored.data == message(snapshot())


def bomb(size: int) -> bytes:
    """Return a gzip of so many zero bytes, made a piece at a time."""
    packing = zlib.compressobj(9, wbits=31)
    piece = bytes(1 << 20)
    return b"".join(packing.compress(piece) for _ in range(size >> 20)) + packing.flush()


async def test_a_decompression_bomb_is_refused_without_growing(intake: Intake) -> None:
    packed = bomb(512 << 20)
    assert len(packed) < 600_000
    before = intake.peak_from_now()
    async with intake.caller() as caller:
        for _ in range(5):
            answer = await caller.post(
                "/v1/feeds/motcua-1/national", content=packed, headers={"Content-Encoding": "gzip"}
            )
            assert answer.status_code == 413
    assert intake.peak_bytes() - before < 16 << 20


async def test_many_large_bodies_at_once_are_put_off_instead_of_filling_the_memory(intake: Intake) -> None:
    line = orjson.dumps({"x": "y" * 700_000})
    body = b"\n".join([line] * 10)  # 7 MB: two fit at once
    before = intake.peak_from_now()

    async def send(caller: httpx.AsyncClient) -> tuple[int, str]:
        try:
            answer = await caller.post("/v1/feeds/motcua-1/facts", content=body, headers=LINES)
        except httpx.TransportError:  # put off, and hung up on, while it was still sending
            return 503, "2"
        return answer.status_code, answer.headers.get("Retry-After", "")

    async with intake.caller() as caller:
        answers = await asyncio.gather(*(send(caller) for _ in range(24)))
    grown = intake.peak_bytes() - before
    assert {answer for answer in answers if answer[0] != 202} == {(503, "2")}
    # the bodies, their lines beside them while they are cut, and what the client of NATS has still to send of them
    assert grown < 5 * BODIES_BYTES, f"{grown >> 20} MB"
    async with intake.caller() as caller:
        assert (await send(caller))[0] == 202  # all was given back
    async with harness.connected(intake.nats_url) as client:
        taken = sum(answer[0] == 202 for answer in answers) + 1
        assert (await bus.api(client, "STREAM.INFO.FEED"))["state"]["messages"] == taken * 10


async def test_while_the_stream_is_full_callers_are_asked_to_come_again(intake: Intake) -> None:
    async with intake.caller() as caller, harness.connected(intake.nats_url) as client:
        assert (await caller.post("/v1/feeds/motcua-1/national", content=message(snapshot()))).status_code == 202
        configs = {name: (await bus.api(client, f"STREAM.INFO.{name}"))["config"] for name in ("FEED", "BACKFILL")}
        for name, config in configs.items():
            await bus.api(client, f"STREAM.UPDATE.{name}", config | {"max_bytes": 1})
        for path, content, headers in (
            ("/v1/feeds/motcua-1/national", message(snapshot()), {}),
            ("/v1/feeds/motcua-1/facts", b"{}\n{}", LINES),
            ("/v1/imports/x/lines?source=motcua-1&first=1", b"{}\n{}", {}),
        ):
            answer = await caller.post(path, content=content, headers=headers)
            assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "5")
        await bus.api(client, "STREAM.UPDATE.FEED", configs["FEED"])
        assert (await caller.post("/v1/feeds/motcua-1/national", content=message(snapshot()))).status_code == 202


def test_the_process_can_be_measured_here() -> None:
    assert os.path.exists("/proc/self/clear_refs")
