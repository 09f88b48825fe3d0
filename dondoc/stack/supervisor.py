"""Start the servers and the services in order, keep them running, and stop them in reverse.

One thread and no event loop: a child must die with the thread that started it (`processes.spawn`).
"""

import asyncio
import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dondoc.stack import layout, lock, nats, postgres, running
from dondoc.stack.environment import api_key, service_environment
from dondoc.stack.errors import StackError
from dondoc.stack.processes import end, last_lines, spawn
from shared.clock import machine_now

RESTART_SECONDS = (0.2, 1, 2, 5, 10, 30)  # the last repeats for ever
STEADY_S = 60  # a child that lived this long starts again from the first of RESTART_SECONDS
READY_S = 60  # for all services together; usual is under 15
STOP_S = 20  # what a service may take to finish what is in flight


@dataclass(frozen=True)
class Plan:
    """What `dondoc up` was asked for.

    commands, migrate: tests put small programs in their place. sources: those to give a login on NATS.
    """

    data: Path
    port_base: int = layout.DEFAULT_PORT_BASE
    commands: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {name: (sys.executable, "-m", f"services.{name}.main") for name in layout.SERVICES}
    )
    migrate: Sequence[str] = (sys.executable, "-m", "dondoc.cli", "migrate")
    sources: Sequence[str] = ()


@dataclass
class Child:
    """A program and the process that runs it now."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes]
    started_s: float
    when_orphaned: signal.Signals = signal.SIGKILL
    restarts: int = 0
    last_exit: int | None = None
    restart_at_s: float | None = None
    soon_died: int = 0  # times in a row


class Stack:
    """The children of one supervisor, in the order they were started."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.ports = layout.ports(plan.port_base)
        self.secrets = layout.load_secrets(plan.data, sources=plan.sources)
        self.children: list[Child] = []
        self.started = machine_now().isoformat()
        self.ready = False

    def database_url(self, service: str) -> str:
        """Return the address a service connects to: the operator's own server, else its role on ours."""
        return running.database_url(service) or postgres.url(
            port=self.ports["postgres"], password=self.secrets.roles[service], user=postgres.role(service)
        )

    def nats_url(self, user: str) -> str:
        """Return the address a service or the operator connects to: an outside server, else its login on ours."""
        password = self.secrets.nats[user]
        return running.nats_url(user) or nats.url(port=self.ports["nats"], user=user, password=password)

    @property
    def own_nats(self) -> bool:
        return any(running.nats_url(user) is None for user in (*self.plan.commands, layout.OPERATOR))

    @property
    def own_database(self) -> bool:
        return any(running.database_url(service) is None for service in self.plan.commands)

    def wanted_ports(self) -> dict[str, int]:
        """Return the ports that this stack will listen on."""
        absent: set[str] = set()
        if not self.own_nats:
            absent |= {"nats", "nats_monitoring"}
        if not self.own_database:
            absent.add("postgres")
        return {name: port for name, port in self.ports.items() if name not in absent}

    def start_child(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        when_orphaned: signal.Signals = signal.SIGKILL,
    ) -> Child:
        log = self.plan.data / "logs" / f"{name}.log"
        process = spawn(command, log=log, env=env, when_orphaned=when_orphaned)
        child = Child(name, command, env, log, process, time.monotonic(), when_orphaned)
        self.children.append(child)
        return child

    def describe(self) -> running.Running:
        """Return what others may know of this stack."""
        return running.Running(
            nats_url=self.nats_url(layout.OPERATOR),
            nats_ca=os.environ.get("DONDOC_NATS_CA", ""),
            database_urls={service: self.database_url(service) for service in layout.SERVICES},
            http_urls={service: f"http://{layout.HOST}:{self.ports[service]}" for service in layout.SERVICES},
            api_key=api_key(self.secrets),
            supervisor=os.getpid(),
            started=self.started,
            ready=self.ready,
            ports=self.wanted_ports(),
            programs={
                child.name: running.Program(
                    pid=child.process.pid if child.process.poll() is None else 0,
                    restarts=child.restarts,
                    last_exit=child.last_exit,
                )
                for child in self.children
            },
        )


def run(plan: Plan, *, announce: Callable[[running.Running], None] = lambda _: None) -> None:
    """Start everything, say so once it is ready, and keep it running until SIGINT or SIGTERM.

    raises: StackError - something cannot start; whatever did start has been stopped again.
    """
    with lock.locked(plan.data):
        lock.wait_for_leftovers(plan.data)
        stack = Stack(plan)
        lock.check_ports(stack.wanted_ports())
        asked_to_stop = _on_signals()
        try:
            start(stack, asked_to_stop)
            if not asked_to_stop:
                announce(stack.describe())
            keep_running(stack, asked_to_stop)
        finally:
            stop(stack)


def _on_signals() -> list[int]:
    """Return a list to which every request to stop is added from now on."""
    heard: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: heard.append(got))
    return heard


def start(stack: Stack, asked_to_stop: Sequence[int]) -> None:
    """Bring up the servers, the schemas and the services, and wait until all are ready."""
    start_servers(stack)
    running.write_down(stack.plan.data, stack.describe())
    migrate(stack)
    for name, command in stack.plan.commands.items():
        stack.start_child(name, command, service_environment(stack, name))
    running.write_down(stack.plan.data, stack.describe())
    wait_ready(stack, asked_to_stop)
    stack.ready = True
    running.write_down(stack.plan.data, stack.describe())


def start_servers(stack: Stack) -> None:
    """Start those of NATS and PostgreSQL that the environment does not name, and wait for them."""
    data, ports, secrets = stack.plan.data, stack.ports, stack.secrets
    broker = database = None
    if stack.own_nats:
        users = nats.logins(secrets.nats, secrets.open_sources)
        command = nats.command(data, port=ports["nats"], monitoring_port=ports["nats_monitoring"], users=users)
        broker = stack.start_child("nats", command, os.environ, signal.SIGTERM)
    if stack.own_database:
        postgres.initialise(data, password=secrets.postgres)
        command = postgres.command(data, port=ports["postgres"])
        database = stack.start_child("postgres", command, os.environ, signal.SIGINT)
    if broker is not None:
        nats.wait_ready(broker.process, monitoring_port=ports["nats_monitoring"], log=broker.log)
    if database is not None:
        admin = postgres.url(port=ports["postgres"], password=secrets.postgres, database="postgres")
        asyncio.run(postgres.wait_ready(database.process, admin, log=database.log))
        asyncio.run(postgres.provision(admin, secrets.roles))


def migrate(stack: Stack) -> None:
    """Bring every schema to its newest version, in a process of its own.

    raises: StackError - it failed.
    """
    env = dict(os.environ)
    for service in layout.SERVICES:
        env[f"DONDOC_{service.upper()}_DATABASE_URL"] = stack.database_url(service)
    log = stack.plan.data / "logs" / "migrate.log"
    if spawn(stack.plan.migrate, log=log, env=env).wait() != 0:
        raise StackError(f"the schemas could not be brought up to date: {last_lines(log, 1)}; see {log}")


def wait_ready(stack: Stack, asked_to_stop: Sequence[int]) -> None:
    """Wait until every service says that it is ready.

    raises: StackError - one died three times, or was not ready in time.
    """
    until = time.monotonic() + READY_S
    missing = list(stack.plan.commands)
    while missing and not asked_to_stop:
        tend(stack)
        missing = [name for name in missing if not answers_ready(stack.ports[name])]
        for child in stack.children:
            if child.name in missing and (child.soon_died >= 3 or time.monotonic() > until):
                why = "ends at once" if child.soon_died >= 3 else f"was not ready within {READY_S} s"
                raise StackError(f"{child.name} {why}: {last_lines(child.log, 1)}; see {child.log}")
        time.sleep(0.1)


def answers_ready(port: int) -> bool:
    """Return whether the service on `port` answers 200 to /health/ready."""
    try:
        with urllib.request.urlopen(f"http://{layout.HOST}:{port}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, http.client.HTTPException):
        return False  # the last: while nobody listens, a call on loopback may come to be connected with itself


def keep_running(stack: Stack, asked_to_stop: Sequence[int]) -> None:
    """Restart what dies, until asked to stop."""
    while not asked_to_stop:
        if tend(stack):
            running.write_down(stack.plan.data, stack.describe())
        time.sleep(0.1)


def tend(stack: Stack) -> bool:
    """Notice each child that died, and start it again when its time has come. returns: whether anything changed."""
    changed = False
    now = time.monotonic()
    for child in stack.children:
        if child.process.poll() is None:
            continue
        if child.restart_at_s is None:
            child.last_exit = child.process.returncode
            child.soon_died = 1 if now - child.started_s > STEADY_S else child.soon_died + 1
            child.restart_at_s = now + RESTART_SECONDS[min(child.soon_died, len(RESTART_SECONDS)) - 1]
            changed = True
        elif now >= child.restart_at_s:
            child.process = spawn(child.command, log=child.log, env=child.env, when_orphaned=child.when_orphaned)
            child.started_s, child.restart_at_s = now, None
            child.restarts += 1
            changed = True
    return changed


def stop(stack: Stack) -> None:
    """Stop in reverse order, each finishing what is in flight."""
    for child in reversed(stack.children):
        by = signal.SIGINT if child.name == "postgres" else signal.SIGTERM  # on SIGTERM it waits for its clients
        end(child.process, by=by, within_s=STOP_S)
    (stack.plan.data / "stack.json").unlink(missing_ok=True)
