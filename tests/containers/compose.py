"""A compose stack of a test's own: its name, its ports, its secrets, and the commands it understands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from dondoc.stack.layout import SERVICES
from tests.servers import ANYTHING, ROOT, Servers, clean_environment, free_port, make_secrets

HEALTHY_S = 180  # usual is under 30; a machine that builds at the same time is slow
SOURCE = "motcua-1"  # of what tests send by hand
ALL = ("nats", "postgres", *SERVICES)
IMAGE = os.environ.get("DONDOC_TEST_IMAGE", "dondoc:test")  # checkouts that share an engine build one each


def command() -> list[str]:
    """Return the Compose of this machine: what DONDOC_COMPOSE names, docker-compose, or the engine's own."""
    if named := os.environ.get("DONDOC_COMPOSE"):
        return named.split()
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return ["docker", "compose"]
    raise AssertionError("no Compose is installed: apt-get install docker-compose, or see deploy/install-debian.sh")


@dataclass(frozen=True)
class Stack:
    """A stack. environment: what docker-compose.yml asks for. env_file: the same as a file, in place of .env."""

    environment: Mapping[str, str]
    env_file: Path

    @property
    def intake_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['DONDOC_INTAKE_PORT']}"

    def secret(self, name: str) -> str:
        return (Path(self.environment["DONDOC_SECRETS"]) / name).read_text()

    def run(
        self, *arguments: str, check: bool = True, given: IO[bytes] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run Compose on this stack, whatever the checkout's .env says. given: the standard input."""
        done = subprocess.run(
            [*command(), "--env-file", str(self.env_file), *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=given or subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"{' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done

    def dondoc(self, *arguments: str) -> str:
        """Run `dondoc` in a container of its own and return what it prints."""
        return self.run("run", "--rm", "-T", "dondoc", *arguments).stdout

    def obligations(self, *, source: str = SOURCE) -> list[dict[str, Any]]:
        """Return what is known of the dossiers of one source, once nothing is in flight."""
        self.dondoc("status", "--wait-idle", "120")
        told = [json.loads(line) for line in self.dondoc("export", "obligations").splitlines()]
        return [obligation for obligation in told if obligation["source"] == source]

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's containers: one, or as many as it was scaled to."""
        return self.run("ps", "-q", service).stdout.split()

    def send(self, body: Mapping[str, Any]) -> None:
        """Post one portal message to intake's published port, again until the stream has taken it."""
        request = urllib.request.Request(
            f"{self.intake_url}/v1/feeds/{SOURCE}/national",
            data=orjson.dumps(body),
            headers={"X-API-Key": self.secret("api_key"), "Content-Type": "application/json"},
        )
        until = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    assert answer.status == 202
                    return
            except OSError:  # being restarted, or NATS is
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def kill(self, service: str) -> None:
        """Let a service's container die without a warning, and start it again as it was."""
        [container] = self.containers(service)
        for deed in ("kill", "start"):
            subprocess.run(["docker", deed, container], capture_output=True, check=True)

    def wait_healthy(self, *services: str) -> None:
        """Return once every container of `services` is healthy; of all where none is named."""
        until = time.monotonic() + HEALTHY_S
        while sick := [name for name in services or ALL if not healthy(self, name)]:
            logs = "" if time.monotonic() < until else self.run("logs", "--tail", "20", check=False).stdout
            assert time.monotonic() < until, f"not healthy within {HEALTHY_S} s: {', '.join(sick)}\n{logs}"
            time.sleep(0.5)


def healthy(stack: Stack, service: str) -> bool:
    told = inspected(stack, service)
    return bool(told) and all(of["State"].get("Health", {}).get("Status") == "healthy" for of in told)


def inspected(stack: Stack, service: str) -> list[dict[str, Any]]:
    """Return what the engine says of a service's containers."""
    ids = stack.containers(service)
    told = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=True) if ids else None
    return json.loads(told.stdout) if told else []


def published(stack: Stack, service: str) -> dict[str, list[str]]:
    """Return the ports that a service publishes, each with the addresses of this machine it is reached at."""
    [told] = inspected(stack, service)
    ports = told["HostConfig"]["PortBindings"] or {}
    return {port: [binding["HostIp"] for binding in bindings] for port, bindings in ports.items()}


@contextmanager
def prepared(folder: Path, settings: Mapping[str, str] | None = None, *, keep: bool = False) -> Iterator[Stack]:
    """Make secrets where none are, choose free ports, and at the end take down what was started, or keep it."""
    secrets = folder / "secrets"
    if not secrets.exists():
        subprocess.run([ROOT / "deploy" / "make-secrets.sh", secrets], check=True)
    intake = free_port()
    own = {
        "COMPOSE_PROJECT_NAME": f"dondoc-test-{intake}",
        "DONDOC_IMAGE": IMAGE,
        "DONDOC_SECRETS": str(secrets),
        "DONDOC_INTAKE_PORT": str(intake),
        "DONDOC_CONSOLE_PORT": str(free_port()),
        "DONDOC_MAILBOX_PORT": str(free_port()),
        **(settings or {}),
    }
    env_file = folder / "compose.env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in own.items()))
    stack = Stack({**clean_environment(), **own}, env_file)
    try:
        yield stack
    finally:
        if not keep:
            stack.run("down", "--volumes", "--timeout", "10", check=False)


@contextmanager
def stack_of_its_own(folder: Path) -> Iterator[Stack]:
    """Build the image and bring the whole stack up, with the mailbox as notify's relay."""
    mails = {"SEND": "live", "SMTP_HOST": "mailbox", "SMTP_PORT": "1025"}
    settings = {f"DONDOC_NOTIFY_{name}": value for name, value in mails.items()}
    with prepared(folder, {"COMPOSE_PROFILES": "dev", **settings}) as stack:
        stack.run("up", "--detach", "--build")
        stack.wait_healthy(*ALL, "mailbox")
        yield stack


@contextmanager
def compose_servers(folder: Path) -> Iterator[Servers]:
    """Run the two servers of docker-compose.yml, which publish no port, and reach them where the engine put them."""
    make_secrets(folder / "secrets")
    with prepared(folder) as stack:
        stack.run("up", "--detach", "nats", "postgres")
        stack.wait_healthy("nats", "postgres")
        yield Servers(
            nats_url=f"nats://{ANYTHING.user}:{ANYTHING.password}@{address(stack, 'nats')}:4222",
            postgres_url=stack.secret("admin_database_url").replace("@postgres:", f"@{address(stack, 'postgres')}:"),
        )


def address(stack: Stack, service: str) -> str:
    [told] = inspected(stack, service)
    [network] = told["NetworkSettings"]["Networks"].values()
    return str(network["IPAddress"])
