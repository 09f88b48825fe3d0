"""Real servers for tests: NATS and PostgreSQL from the wheels or from containers, and whole stacks."""

import asyncio
import itertools
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import nats

from dondoc.stack import layout, postgres, running
from dondoc.stack import nats as nats_stack
from dondoc.stack.processes import end, spawn

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "test"
PASSWORDS = dict.fromkeys(layout.SERVICES, PASSWORD)
NATS_PASSWORDS = {**PASSWORDS, layout.OPERATOR: PASSWORD}
ANYTHING = nats_stack.Login("test", PASSWORD)  # stands in for whoever does not run in a test
SOURCE = "motcua-1"
NATS_IMAGE = "nats:2.15-alpine"
POSTGRES_IMAGE = "postgres:18"
_GIVEN: set[int] = set()


def free_port() -> int:
    """Return a port that nothing listens on now and that this process has not been given before.

    Below 20,000: from 32,768 on the system gives ports to whoever calls another, so that one may go between this look
    and its use, or while the server that a test stops is down. Above are the stacks of free_port_base.
    """
    while True:
        port = 10_000 + secrets.randbelow(10_000)
        with socket.socket() as probe:
            try:
                probe.bind((layout.HOST, port))
            except OSError:
                continue
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port


def free_port_base() -> int:
    """Return a port base all of whose ports of a stack are free now. Why not higher: free_port."""
    for base in itertools.count(20_000 + os.getpid() % 250 * 50, 20):
        try:
            for port in layout.ports(base).values():
                with socket.socket() as probe:
                    probe.bind((layout.HOST, port))
        except OSError:
            continue
        return base
    raise AssertionError("unreachable")


@dataclass
class NatsServer:
    """A NATS server of its own that a test may kill and start again on the same data and port."""

    data: Path
    port: int = field(default_factory=free_port)
    monitoring_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return nats_stack.url(port=self.port, user=ANYTHING.user, password=PASSWORD)

    def start(self) -> None:
        users = [*nats_stack.logins(NATS_PASSWORDS, {SOURCE: PASSWORD}), ANYTHING]
        command = nats_stack.command(self.data, port=self.port, monitoring_port=self.monitoring_port, users=users)
        log = self.data / "nats.log"
        self.process = spawn(command, log=log)
        nats_stack.wait_ready(self.process, monitoring_port=self.monitoring_port, log=log)

    def stop(self) -> None:
        if self.process is not None:
            end(self.process)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass
class PostgresServer:
    """A PostgreSQL server of its own that a test may kill and start again on the same data and port.

    durable: what is committed survives the machine too; else the processes alone, and a database is dropped at once
    instead of after some hundred waits for the disk.
    """

    data: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    durable: bool = True

    @property
    def url(self) -> str:
        return postgres.url(port=self.port, password=PASSWORD, database="postgres")

    def start(self) -> None:
        postgres.initialise(self.data, password=PASSWORD)
        log = self.data / "postgres.log"
        command = postgres.command(self.data, port=self.port)
        if not self.durable:
            with (self.data / "postgres" / "postgresql.conf").open("a") as settings:
                settings.write("fsync = off\n")
        self.process = spawn(command, log=log, when_orphaned=signal.SIGINT)
        asyncio.run(postgres.wait_ready(self.process, self.url, log=log))

    def stop(self) -> None:
        if self.process is not None:
            end(self.process, by=signal.SIGINT)


@dataclass(frozen=True)
class Servers:
    """Where the session's servers are: a superuser's PostgreSQL address, and one of NATS with the right to all."""

    nats_url: str
    postgres_url: str

    def nats_url_of(self, user: str) -> str:
        """Return the address with the login of a service, of the operator or of the source."""
        return logged_in(self.nats_url, user)


def logged_in(nats_url: str, user: str) -> str:
    """Return an address of a test server with another login: all of them have one password."""
    at = urlsplit(nats_url)
    return urlunsplit(at._replace(netloc=f"{user}:{PASSWORD}@{at.hostname}:{at.port}"))


@contextmanager
def wheel_servers(data: Path) -> Iterator[Servers]:
    """Run both servers from the wheels; of the machine's end, which none of the tests that share them brings about,
    only NATS is safe.
    """
    broker, database = NatsServer(data), PostgresServer(data, durable=False)
    try:
        broker.start()
        database.start()
        yield Servers(nats_url=broker.url, postgres_url=database.url)
    finally:
        broker.stop()
        database.stop()


@contextmanager
def container_servers(data: Path) -> Iterator[Servers]:
    """Run both servers from their public images, with the settings and the log-in of docker-compose.yml."""
    with warnings.catch_warnings():  # the module is built on what it says not to use any more
        warnings.simplefilter("ignore", DeprecationWarning)
        from testcontainers.community.postgres import PostgresContainer
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    make_secrets(data)
    broker = DockerContainer(NATS_IMAGE).with_command("--config /etc/dondoc/nats.conf").with_exposed_ports(4222)
    broker.with_volume_mapping(ROOT / "deploy" / "nats" / "nats.conf", "/etc/dondoc/nats.conf")
    broker.with_volume_mapping(nats_stack.PERMISSIONS, "/etc/dondoc/permissions.conf")
    broker.with_volume_mapping(data / "nats_login.conf", "/run/secrets/nats_login.conf")
    broker.waiting_for(LogMessageWaitStrategy("Server is ready"))
    database = PostgresContainer(POSTGRES_IMAGE, username="postgres", password=PASSWORD, driver=None)
    database.with_volume_mapping(ROOT / "deploy" / "postgres" / "postgresql.conf", "/etc/dondoc/postgresql.conf")
    database.with_command("postgres -c config_file=/etc/dondoc/postgresql.conf")
    with broker, database:
        at = f"{broker.get_container_host_ip()}:{broker.get_exposed_port(4222)}"
        yield Servers(
            f"nats://{ANYTHING.user}:{PASSWORD}@{at}", with_database(database.get_connection_url(), "postgres")
        )


def make_secrets(folder: Path) -> None:
    """Make the secrets of containers, with one password for every login of NATS, and let the tests in."""
    folder.mkdir(exist_ok=True)
    for name in (*NATS_PASSWORDS, f"source_{SOURCE}"):
        (folder / f"{name}_nats_password").write_text(PASSWORD)
    subprocess.run([ROOT / "deploy" / "make-secrets.sh", folder], check=True)
    login = folder / "nats_login.conf"
    login.write_text(login.read_text().replace("users: [", f"users: [\n{ANYTHING}"))


def with_database(url: str, database: str) -> str:
    """Return a PostgreSQL address with another database's name."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@dataclass(frozen=True)
class Database:
    """A fresh database: each service's address of it, and a superuser's."""

    name: str
    admin_url: str

    def url(self, service: str) -> str:
        """Return the address with the role of one service."""
        at = urlsplit(self.admin_url)
        return f"postgresql://{postgres.role(service)}:{PASSWORD}@{at.hostname}:{at.port}/{self.name}"


_numbers = itertools.count(1)
_templates: set[tuple[str, str]] = set()  # a server's address and a database there


async def fresh_database(postgres_url: str, *, migrated: Sequence[str] = ()) -> Database:
    """Make a database with every service's role and empty schema, those of `migrated` with their tables.

    Each combination is migrated once a session into a template, then copied in some 50 ms.
    """
    template = "_".join(("template", *sorted(migrated)))
    if (postgres_url, template) not in _templates:
        await _make_template(postgres_url, template, migrated)
        _templates.add((postgres_url, template))
    name = f"test_{next(_numbers)}"
    admin = await asyncpg.connect(postgres_url)
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        await postgres.grant_connect(admin, name, layout.SERVICES)
    finally:
        await admin.close()
    return Database(name, with_database(postgres_url, name))


async def _make_template(postgres_url: str, template: str, migrated: Sequence[str]) -> None:
    await postgres.provision(postgres_url, PASSWORDS, database=template)
    if migrated:
        from shared.db import migrate

        made = Database(template, with_database(postgres_url, template))
        for service in migrated:
            await asyncio.to_thread(migrate, service, made.url(service))


async def drop_database(postgres_url: str, database: Database) -> None:
    """Remove a test's database, whoever is still connected to it."""
    admin = await asyncpg.connect(postgres_url)
    try:
        await admin.execute(f'DROP DATABASE "{database.name}" WITH (FORCE)')
    finally:
        await admin.close()


async def empty_jetstream(nats_url: str) -> None:
    """Remove every stream with its consumers, so that a test begins on a clean server."""
    connection = await nats.connect(nats_url)
    try:
        jetstream = connection.jetstream()
        for stream in await jetstream.streams_info():
            if stream.config.name is not None:
                await jetstream.delete_stream(stream.config.name)
    finally:
        await connection.close()


@contextmanager
def running_stack(data: Path, *, env: Mapping[str, str] | None = None) -> Iterator[running.Running]:
    """Run `dondoc up` on free ports until the block ends; all five services are ready inside it.

    env: settings of this stack. Of the caller's environment the DONDOC_ variables are left out.
    """
    base = free_port_base()
    command = [sys.executable, "-m", "dondoc.cli", "up", "--data", str(data), "--port-base", str(base)]
    with (data / "up.log").open("w+") as said:
        process = subprocess.Popen(
            command, env={**clean_environment(), **(env or {})}, stdout=said, stderr=said, cwd=ROOT
        )
        try:
            yield _wait_ready(data, process)
        finally:
            end(process, within_s=120)


def clean_environment() -> dict[str, str]:
    """Return the caller's environment without its DONDOC_ settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DONDOC_")}


def _wait_ready(data: Path, process: "subprocess.Popen[bytes]") -> running.Running:
    until = time.monotonic() + 90
    while time.monotonic() < until and process.poll() is None:
        found = running.read_down(data)
        if found is not None and found.ready:
            return found
        time.sleep(0.1)
    raise AssertionError(f"the stack is not ready: {(data / 'up.log').read_text()}")
