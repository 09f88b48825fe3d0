"""The compose stack as operators run it: healthy, a message in, an obligation out, restarts that lose nothing."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dondoc.stack.layout import SERVICES
from tests.containers.compose import Stack, command, inspect, stack_of_its_own
from tests.servers import ROOT, clean_environment

pytestmark = [
    pytest.mark.skipif(not os.environ.get("DONDOC_TESTS_FULL"), reason="part of `./dev test --full`"),
    pytest.mark.timeout(900),  # the first build fetches every package
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack_of_its_own(tmp_path_factory.mktemp("compose")) as running:
        yield running


def dossier(number: int) -> dict[str, Any]:
    return {
        "MaHoSo": f"000.00.12.H56-261102-{number:04d}",
        "MaTTHC": "1.004746",
        "TenLinhVuc": "Hộ tịch",
        "NgayTiepNhan": "20261102091000",
        "NgayHenTra": "20261109091000",
        "TrangThaiHoSo": "2",
        "NgayKetThucXuLy": "",
        "DonViXuLy": "UBND xã Mường Lát",
    }


def message(*dossiers: dict[str, Any]) -> dict[str, Any]:
    return {"session": "", "madonvi": "000.00.12.H56", "service": "DongBoHoSoMC", "data": list(dossiers)}


def test_a_portal_message_becomes_an_obligation(stack: Stack) -> None:
    stack.send(message(dossier(1)))
    stack.dondoc("status", "--wait-idle", "60")
    [obligation] = stack.obligations()
    assert obligation["subject_id"] == "000.00.12.H56-261102-0001"
    assert obligation["unit"] == "H56.12"
    assert obligation["due_at"] == "2026-11-09T09:10:00+07:00"


@pytest.mark.parametrize("restarted", ["intake", "deadline", "nats", "postgres"])
def test_a_restart_in_the_midst_of_work_loses_and_doubles_nothing(stack: Stack, restarted: str) -> None:
    before = {obligation["subject_id"] for obligation in stack.obligations()}
    sent = [dossier(number) for number in range(len(before) + 1, len(before) + 101)]
    restart = threading.Thread(target=stack.run, args=("restart", restarted))
    for at, one in enumerate(sent):
        if at == len(sent) // 4:
            restart.start()
        stack.send(message(one))
    restart.join()
    stack.wait_healthy()
    stack.dondoc("status", "--wait-idle", "120")
    after = [obligation["subject_id"] for obligation in stack.obligations()]
    assert sorted(after) == sorted(before | {one["MaHoSo"] for one in sent})


def test_only_the_console_and_intake_are_published_and_on_loopback_alone(stack: Stack) -> None:
    published = {name: inspect(stack, name)["Ports"] for name in ("nats", "postgres", *SERVICES)}
    assert {name: ports for name, ports in published.items() if ports} == {
        "intake": {"8001/tcp": ["127.0.0.1"]},
        "console": {"8000/tcp": ["127.0.0.1"]},
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_as_nobody_special_on_a_read_only_root(stack: Stack, service: str) -> None:
    told = inspect(stack, service)
    assert told["User"] == "10001:10001"
    assert told["ReadOnly"]


def test_no_secret_is_shown_by_the_engine(stack: Stack) -> None:
    secrets = Path(stack.environment["DONDOC_SECRETS"])
    kept = {file.name: text for file in secrets.iterdir() if (text := file.read_text())}
    for name in ("nats", "postgres", *SERVICES):
        told = inspect(stack, name)["Everything"]
        assert [secret for secret, text in kept.items() if text in told] == []


def test_a_role_sees_only_its_own_schema(stack: Stack) -> None:
    look = (
        "import asyncio, asyncpg\n"
        "async def look():\n"
        "    connection = await asyncpg.connect(open('/run/secrets/dondoc_database_url').read())\n"
        "    await connection.execute('SELECT count(*) FROM deadline.obligation')\n"
        "    await connection.execute('SELECT count(*) FROM intake.thing')\n"
        "asyncio.run(look())"
    )
    said = stack.run("exec", "-T", "deadline", "python", "-c", look, check=False).stderr
    assert "permission denied for schema intake" in said


def test_without_secrets_compose_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "empty.env").touch()
    arguments = ["--env-file", str(tmp_path / "empty.env"), "config", "--quiet"]
    done = subprocess.run(
        [*command(), *arguments], cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "run deploy/make-secrets.sh first" in done.stderr
