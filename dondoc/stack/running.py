"""Where a running stack is: what `dondoc up` wrote down, else what the environment says (in a container)."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dondoc.stack import layout
from dondoc.stack.errors import StackError
from dondoc.stack.lock import holder


@dataclass(frozen=True)
class Program:
    """A supervised process as it is now. pid 0: not running."""

    pid: int
    restarts: int = 0
    last_exit: int | None = None


@dataclass(frozen=True)
class Running:
    """The addresses and the key that commands need, and the processes where they are ours."""

    nats_url: str  # the operator's
    database_urls: dict[str, str]  # one a service, with its role
    http_urls: dict[str, str]  # one a service
    api_key: str
    nats_ca: str = ""  # a file: whom to trust at a tls:// address; empty: the system's authorities
    supervisor: int = 0  # 0: the servers are somebody else's
    started: str = ""
    ready: bool = True
    ports: dict[str, int] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)


def write_down(data: Path, running: Running) -> None:
    """Keep what others need to find the stack on `data`."""
    layout.write_private(data / "stack.json", json.dumps(asdict(running), indent=1))


def read_down(data: Path) -> Running | None:
    """Return the stack whose supervisor runs on `data` now, or None."""
    path, supervisor = data / "stack.json", holder(data)
    if supervisor is None or not path.exists():
        return None
    told = json.loads(path.read_text())
    if told["supervisor"] != supervisor:  # left by one that was killed; the next is still starting
        return None
    return Running(**{**told, "programs": {name: Program(**kept) for name, kept in told["programs"].items()}})


def find_running(given: Path | None = None) -> Running:
    """Return the stack of a data directory (`--data`, DONDOC_DATA, ./var), else that of DONDOC_NATS_URL.

    raises: StackError - there is neither.
    """
    data = layout.data_dir(given)
    found = read_down(data)
    if found is not None:
        return found
    if given is None and os.environ.get("DONDOC_NATS_URL"):
        return from_environment()
    demo = given is None and holder(layout.DEMO_DATA.absolute()) is not None
    hint = f" (a demo runs: --data {layout.DEMO_DATA})" if demo else ""
    raise StackError(f"no stack is running on {data}: start one with `dondoc up`, or name another with --data{hint}")


def from_environment() -> Running:
    """Return the stack that DONDOC_NATS_URL, DONDOC_DATABASE_URL and DONDOC_<SERVICE>_URL describe."""
    ports = layout.ports(layout.DEFAULT_PORT_BASE)
    return Running(
        nats_url=nats_url(layout.OPERATOR) or "",
        nats_ca=os.environ.get("DONDOC_NATS_CA", ""),
        database_urls={service: database_url(service) or "" for service in layout.SERVICES},
        http_urls={
            service: os.environ.get(f"DONDOC_{service.upper()}_URL", f"http://{layout.HOST}:{ports[service]}")
            for service in layout.SERVICES
        },
        api_key=os.environ.get("DONDOC_API_KEY", ""),
    )


def nats_url(user: str) -> str | None:
    """Return the NATS address that the environment gives a service or the operator: its own, else the common one."""
    own = os.environ.get(f"DONDOC_{user.upper()}_NATS_URL")
    return own or os.environ.get("DONDOC_NATS_URL") or None


def database_url(service: str) -> str | None:
    """Return the database that the environment gives a service: its own, else the common one."""
    own = os.environ.get(f"DONDOC_{service.upper()}_DATABASE_URL")
    return own or os.environ.get("DONDOC_DATABASE_URL") or None
