"""A relay on loopback, in a process of its own: takes every mail, and writes down when, for whom, which and how long.

`python -m bench.relay PORT FILE`
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import orjson
from aiosmtpd.smtp import SMTP

from dondoc.stack import layout
from dondoc.stack.processes import end, spawn
from shared.clock import machine_now, monotonic_s

READY_S = 20


@dataclass(frozen=True)
class Mail:
    """at: seconds since 1970 when it was accepted. id: its Message-ID. size: in bytes."""

    at: float
    id: str
    to: str
    size: int


@dataclass(frozen=True)
class Relay:
    """A running relay."""

    port: int
    taken: Path

    def mails(self) -> list[Mail]:
        """Return what it took so far, in order."""
        if not self.taken.exists():
            return []
        whole = self.taken.read_bytes().rpartition(b"\n")[0]
        return [Mail(**orjson.loads(line)) for line in whole.splitlines()]


@contextlib.contextmanager
def relay(data: Path, *, name: str, port: int) -> Iterator[Relay]:
    """Run a relay; `name` tells it from others of the same run."""
    taken = data / f"{name}.ndjson"
    process = spawn([sys.executable, "-m", "bench.relay", str(port), str(taken)], log=data / f"{name}.log")
    try:
        until = monotonic_s() + READY_S
        while not _answers(port):
            if process.poll() is not None or monotonic_s() > until:
                raise SystemExit(f"the relay on port {port} does not start; set DONDOC_BENCH_PORT_BASE to other ports")
        yield Relay(port, taken)
    finally:
        end(process)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((layout.HOST, port)) == 0


class _Taking:
    def __init__(self, file: TextIO) -> None:
        self._file = file

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        headers = message_from_bytes(envelope.content.partition(b"\r\n\r\n")[0])
        mail = {
            "at": machine_now().timestamp(),
            "id": headers.get("Message-ID", ""),
            "to": ",".join(envelope.rcpt_tos),
            "size": len(envelope.content),
        }
        self._file.write(orjson.dumps(mail).decode() + "\n")
        return "250 taken"


async def _serve(port: int, taken: Path) -> None:
    with taken.open("a", buffering=1) as file:
        serving = partial(SMTP, _Taking(file), data_size_limit=256 << 20)
        server = await asyncio.get_running_loop().create_server(serving, layout.HOST, port, backlog=1000)
        async with server:
            await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
