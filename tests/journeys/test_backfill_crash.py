"""Intake, the command and NATS are killed in the middle of an import: it goes on, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import asyncpg
import httpx
import nats
import orjson
import pytest

from dondoc.stack import layout, running, status
from dondoc.stack import nats as nats_stack
from services.intake import importing as intake_importing
from shared import bus
from shared.secrets import KEY_HEADER
from tests import servers as real
from tests.component import harness

LINES = 6000
AGAIN_S = 2  # after which the server gives a dead service's messages again; a minute outside tests


def line(number: int) -> bytes:
    dossier = {
        "MaHoSo": f"000.00.12.H56-261102-{number:05}", "MaTTHC": "1.004746", "NgayTiepNhan": "20261102081000",
        "NgayHenTra": "20261204091000", "TrangThaiHoSo": "2",
    }  # fmt: skip
    return orjson.dumps({"madonvi": "000.00.12.H56", "service": "DongBoHoSoMC", "data": [dossier]})


def importing(at: Path, file: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dondoc.cli", "import", "--source", "motcua-1", "--import-id", "history"]
    return subprocess.Popen(
        [*command, "--json", str(file)],
        cwd=real.ROOT, env={**real.clean_environment(), "DONDOC_DATA": str(at)}, stdout=subprocess.PIPE,
    )  # fmt: skip


def import_id(file: Path) -> str:
    with intake_importing.opened([str(file)], source="motcua-1", import_id="history") as [one]:
        return one.id


async def lines_done(at: running.Running, file: Path, *, at_least: int) -> int:
    """Wait until so many lines are done; intake may be away meanwhile."""
    id = import_id(file)
    async with httpx.AsyncClient(headers={KEY_HEADER: at.api_key}, base_url=at.http_urls["intake"]) as intake:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                told = (await intake.get(f"/v1/imports/{id}")).raise_for_status().json()
                if (lines := int(told["lines"])) >= at_least:
                    return lines
            await asyncio.sleep(0.02)


async def give_again_soon(at: running.Running, data: Path) -> None:
    """Let the server not wait a minute for the dead; services that start set it back."""
    passwords = layout.load_secrets(data).nats
    while True:
        for service in ("intake", "deadline"):
            with contextlib.suppress(bus.JetStreamError, nats.errors.Error, OSError, TimeoutError):
                url = nats_stack.url(port=at.ports["nats"], user=service, password=passwords[service])
                async with harness.connected(url, allow_reconnect=False, connect_timeout=1) as client:
                    config = (await bus.api(client, f"CONSUMER.INFO.BACKFILL.{service}"))["config"]
                    config |= {"ack_wait": AGAIN_S * 1_000_000_000}
                    request = f"CONSUMER.CREATE.BACKFILL.{service}.{config['filter_subject']}"
                    await bus.api(client, request, {"stream_name": "BACKFILL", "config": config})
        await asyncio.sleep(1)


def kill(data: Path, program: str) -> None:
    told = running.read_down(data)
    assert told
    os.kill(told.programs[program].pid, signal.SIGKILL)


@pytest.mark.long
async def test_an_import_survives_the_death_of_intake_of_the_command_and_of_nats(tmp_path: Path) -> None:
    (data := tmp_path / "stack").mkdir()
    (file := tmp_path / "history.ndjson").write_bytes(b"".join(line(number) + b"\n" for number in range(LINES)))
    with real.running_stack(data) as at:
        soon = asyncio.create_task(give_again_soon(at, data))
        async with asyncio.timeout(200):
            first = importing(data, file)
            await lines_done(at, file, at_least=500)
            kill(data, "intake")
            done = await lines_done(at, file, at_least=1500)
            first.kill()
            await asyncio.to_thread(first.communicate)
            assert first.returncode == -signal.SIGKILL
            assert done < LINES
            second = importing(data, file)
            await lines_done(at, file, at_least=2500)
            kill(data, "nats")
            said, _ = await asyncio.to_thread(second.communicate)
            assert second.returncode == 0
            [told] = json.loads(said)["imports"]
            assert told["done_before"] > 0
            assert (told["lines"], told["accepted"], told["repeated"], told["refused"]) == (LINES, LINES, 0, 0)
        soon.cancel()
        calm, answers = await status.wait_idle(at, 60)
        assert calm, status.busy(answers)
        await check(at)


async def check(at: running.Running) -> None:
    connection = await asyncpg.connect(at.database_urls["deadline"])
    try:
        rows = await connection.fetch("SELECT id, document->>'revision' AS revision FROM deadline.obligation")
        stored = await connection.fetchval("SELECT count(*) FROM deadline.said")
    finally:
        await connection.close()
    assert (len(rows), stored) == (LINES, LINES)
    assert Counter(row["revision"] for row in rows) == {"1": LINES}
