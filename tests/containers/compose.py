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
from typing import Any

import orjson

from dondoc.stack.layout import SERVICES
from tests.servers import ROOT, clean_environment, free_port

HEALTHY_S = 180  # usual is under 30; a machine that builds at the same time is slow
IMAGE = os.environ.get("DONDOC_TEST_IMAGE", "dondoc:test")  # checkouts that share an engine build one each


def command() -> list[str]:
    """Return the Compose of this machine: docker-compose 1.29 or newer, else the engine's own."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return ["docker", "compose"]
    raise AssertionError("no Compose is installed: apt-get install docker-compose, or see deploy/install-debian.sh")


@dataclass(frozen=True)
class Stack:
    """A stack that is up. environment: what docker-compose.yml asks for. env_file: empty, in place of .env."""

    environment: Mapping[str, str]
    env_file: Path
    intake_url: str
    api_key: str

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Compose on this stack, whatever the checkout's .env says."""
        done = subprocess.run(
            [*command(), "--env-file", str(self.env_file), *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"{' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done

    def dondoc(self, *arguments: str) -> str:
        """Run `dondoc` inside deadline's container and return what it prints."""
        return self.run("exec", "-T", "deadline", "dondoc", *arguments).stdout

    def obligations(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.dondoc("export", "obligations").splitlines()]

    def container(self, service: str) -> str:
        return self.run("ps", "-q", service).stdout.strip()

    def send(self, body: Mapping[str, Any]) -> None:
        """Post one portal message to intake's published port, again until the stream has taken it."""
        request = urllib.request.Request(
            f"{self.intake_url}/v1/feeds/motcua-1/national",
            data=orjson.dumps(body),
            headers={"X-API-Key": self.api_key, "Content-Type": "application/json"},
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

    def wait_healthy(self) -> None:
        until = time.monotonic() + HEALTHY_S
        while sick := [name for name in ("nats", "postgres", *SERVICES) if inspect(self, name)["Health"] != "healthy"]:
            logs = "" if time.monotonic() < until else self.run("logs", "--tail", "20", check=False).stdout
            assert time.monotonic() < until, f"not healthy within {HEALTHY_S} s: {', '.join(sick)}\n{logs}"
            time.sleep(0.5)


def inspect(stack: Stack, service: str) -> dict[str, Any]:
    """Return what the engine says of a service's container: Health, User, ReadOnly, Ports, Env."""
    told = subprocess.run(["docker", "inspect", stack.container(service)], capture_output=True, text=True, check=True)
    [container] = json.loads(told.stdout)
    ports = container["HostConfig"]["PortBindings"] or {}
    return {
        "Health": container["State"].get("Health", {}).get("Status"),
        "User": container["Config"]["User"],
        "ReadOnly": container["HostConfig"]["ReadonlyRootfs"],
        "Ports": {port: [binding["HostIp"] for binding in bindings] for port, bindings in ports.items()},
        "Everything": told.stdout,
    }


@contextmanager
def stack_of_its_own(folder: Path) -> Iterator[Stack]:
    """Build the image, bring the stack up on free ports, and take it down with its volumes."""
    secrets = folder / "secrets"
    subprocess.run([ROOT / "deploy" / "make-secrets.sh", secrets], check=True)
    intake, console = free_port(), free_port()
    environment = {
        **clean_environment(),
        "COMPOSE_PROJECT_NAME": f"dondoc-test-{intake}",
        "DONDOC_IMAGE": IMAGE,
        "DONDOC_SECRETS": str(secrets),
        "DONDOC_INTAKE_PORT": str(intake),
        "DONDOC_CONSOLE_PORT": str(console),
    }
    env_file = folder / "empty.env"
    env_file.touch()
    stack = Stack(environment, env_file, f"http://127.0.0.1:{intake}", (secrets / "api_key").read_text())
    try:
        stack.run("up", "--detach", "--build")
        stack.wait_healthy()
        yield stack
    finally:
        stack.run("down", "--volumes", "--timeout", "10", check=False)
