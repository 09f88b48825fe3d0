"""The stack on one machine comes up, mends itself, refuses what cannot work, and goes down without a trace."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from dondoc.stack import layout, lock, running
from tests.servers import ROOT, Servers, clean_environment, free_port_base
from tests.waiting import wait_until

T = TypeVar("T")
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def base() -> int:
    return free_port_base()


@pytest.fixture
def start(tmp_path: Path, base: int) -> Iterator[Start]:
    """Start a supervisor on this test's data directory and ports."""
    started: list[subprocess.Popen[str]] = []

    def begin(**settings: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.component.fake_services", str(tmp_path), str(base)]
        process = subprocess.Popen(
            command, cwd=ROOT, env={**clean_environment(), **settings}, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)


def outside(servers: Servers) -> dict[str, str]:
    """Settings of a stack that starts no servers of its own, which is quicker."""
    return {"DONDOC_NATS_URL": servers.nats_url, "DONDOC_DATABASE_URL": servers.postgres_url}


def ready_stack(data: Path) -> running.Running:
    def ready() -> running.Running | None:
        found = running.read_down(data)
        return found if found is not None and found.ready else None

    return wait_until(ready)


def alive(pid: int) -> bool:
    """Return whether a process runs; one that ended and waits for its parent's notice does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_service_is_started_again_and_nothing_stays_after_the_end(
    start: Start, tmp_path: Path, base: int
) -> None:
    supervisor = start()
    first = ready_stack(tmp_path)
    killed = first.programs["deadline"].pid
    os.kill(killed, signal.SIGKILL)

    def mended() -> running.Running | None:
        found = running.read_down(tmp_path)
        program = found.programs["deadline"] if found else None
        return found if program and program.restarts == 1 and program.pid not in (0, killed) else None

    second = wait_until(mended)
    assert second.programs["deadline"].last_exit == -signal.SIGKILL
    assert second.programs["intake"] == first.programs["intake"]
    wait_until(lambda: answers(second.http_urls["deadline"]))
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(60) == 0
    assert [name for name, program in second.programs.items() if alive(program.pid)] == []
    assert running.read_down(tmp_path) is None
    lock.check_ports(layout.ports(base))
    assert "finished what was in flight" in (tmp_path / "logs" / "notify.log").read_text()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_second_stack_on_the_same_data_is_refused(start: Start, tmp_path: Path, servers: Servers) -> None:
    first = start(**outside(servers))
    ready_stack(tmp_path)
    _, said = start().communicate(timeout=120)
    assert f"already running on {tmp_path} (process {first.pid})" in said
    assert "dondoc down" in said
    assert len(said.strip().splitlines()) == 1


def test_an_occupied_port_is_named(start: Start, base: int) -> None:
    with socket.socket() as occupant:
        occupant.bind((layout.HOST, base + layout.PORT_OFFSETS["postgres"]))
        occupant.listen()
        process = start()
        _, said = process.communicate(timeout=120)
    assert said.strip() == (
        f"port in use: {base + 12} (postgres): stop what listens there or choose another --port-base"
    )
    assert process.returncode == 1


def test_what_a_killed_supervisor_left_is_no_obstacle(start: Start, tmp_path: Path) -> None:
    supervisor = start()
    first = ready_stack(tmp_path)
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not any(alive(first.programs[service].pid) for service in layout.SERVICES))
    again = start()
    second = ready_stack(tmp_path)
    assert second.supervisor == again.pid
    assert not any(alive(program.pid) for program in first.programs.values())


def test_data_of_another_postgresql_is_left_alone(start: Start, tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("15\n")
    _, said = start().communicate(timeout=120)
    assert "was made by PostgreSQL 15, this is 18" in said
    assert (tmp_path / "postgres" / "PG_VERSION").read_text() == "15\n"


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    made = layout.load_secrets(tmp_path)
    assert layout.load_secrets(tmp_path) == made
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_servers_of_the_operators_own_are_used_as_they_are(start: Start, tmp_path: Path, servers: Servers) -> None:
    start(**outside(servers))
    stack = ready_stack(tmp_path)
    assert list(stack.programs) == list(layout.SERVICES)
    assert stack.nats_url == servers.nats_url
    assert set(stack.database_urls.values()) == {servers.postgres_url}


def test_a_service_that_ends_at_once_stops_the_start_and_is_named(
    start: Start, tmp_path: Path, servers: Servers
) -> None:
    process = start(FAKE_BROKEN="no policy file", **outside(servers))
    _, said = process.communicate(timeout=120)
    assert " ends at once: no policy file; see " in said
    assert running.read_down(tmp_path) is None


@pytest.mark.long  # an import in the short test brings the same stack up
def test_the_real_services_come_up_are_idle_and_go_down_without_a_trace(tmp_path: Path, base: int) -> None:
    def dondoc(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dondoc.cli", *arguments, "--data", str(tmp_path)]
        return subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True)

    try:
        up = dondoc("up", "--port-base", str(base), "--detach")
        key = f"{tmp_path}/secrets.json (api_key)"
        console, pages = f"http://127.0.0.1:{base}/", f"http://127.0.0.1:{base + 3}/"
        assert up.stdout == f"Đôn đốc is ready. Console: {console} – key: {key}\nCitizens' pages: {pages}\n", up.stderr
        stack = ready_stack(tmp_path)
        idle = dondoc("status", "--wait-idle", "20", "--json")
        assert idle.returncode == 0, idle.stderr
        assert json.loads(idle.stdout)["ready"]
    finally:
        down = dondoc("down")
    assert (down.returncode, down.stdout) == (0, "stopped\n")
    assert [name for name, program in stack.programs.items() if alive(program.pid)] == []
    wait_until(lambda: not alive(stack.supervisor))
    assert dondoc("status").returncode == 1
