"""What is examined: the running stack of a data directory, the servers that the environment names, or neither yet."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from dondoc.stack import layout, postgres, running
from dondoc.stack.running import Running
from shared.secrets import SECRETS_DIR

NOT_RUNNING = "no stack is running here and the environment names no server"


@dataclass(frozen=True)
class Place:
    """Where to look.

    stack: what `dondoc up` wrote down, None where none runs on `data`. nats_url, nats_ca, database_urls: of the servers
    that can be asked now, and whom to trust; only services whose role's address is here have one. contained: this is a
    service's container, which has the secrets of that service alone and none of the servers' disks.
    """

    data: Path
    port_base: int = layout.DEFAULT_PORT_BASE
    stack: Running | None = None
    nats_url: str | None = None
    nats_ca: str = ""
    database_urls: dict[str, str] = field(default_factory=dict)
    contained: bool = False

    def whole(self) -> Running | None:
        """Return the stack to ask for its services' states: the one that runs here, else that of the environment."""
        if self.stack or not self.nats_url:
            return self.stack
        return Running(self.nats_url, self.database_urls, http_urls={}, api_key="", nats_ca=self.nats_ca)

    def without(self, server: str) -> str:
        """Say why a server is not asked: its address is not here."""
        return f"the address of {server} is not among the secrets of this container" if self.contained else NOT_RUNNING

    def knows(self, service: str) -> bool:
        """Return whether the settings of a service are those of this environment."""
        return not self.contained or service in self.database_urls


def find(given: Path | None, *, port_base: int) -> Place:
    """Return what is examined: the stack of `--data`, DONDOC_DATA or ./var, else the servers of the environment."""
    data, contained = layout.data_dir(given), SECRETS_DIR is not None
    stack = running.read_down(data)
    if stack is not None:
        return Place(data, port_base, stack, stack.nats_url, stack.nats_ca, own_urls(stack.database_urls), contained)
    urls = {service: running.database_url(service) or "" for service in layout.SERVICES}
    nats_url, nats_ca = running.nats_url(layout.OPERATOR), os.environ.get("DONDOC_NATS_CA", "")
    return Place(data, port_base, None, nats_url, nats_ca, own_urls(urls), contained)


def own_urls(urls: dict[str, str]) -> dict[str, str]:
    """Leave out the services whose address is missing, or carries the role of another service."""
    by_role = {postgres.role(service): service for service in layout.SERVICES}
    return {service: url for service, url in urls.items() if url and by_role.get(user(url) or "", service) == service}


def user(url: str) -> str | None:
    """Return the user of a server's address."""
    return urlsplit(url).username


def at(url: str) -> str:
    """Return host and port of a server's address, for people: never its password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
