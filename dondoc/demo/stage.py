"""The demo's own stack: its data directory, and `dondoc up` as a child process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from dondoc.stack import layout, lock, running
from dondoc.stack.errors import StackError
from dondoc.stack.processes import end, last_lines, spawn

MARKER = ".dondoc-demo"
MAIL = "mail"
READY_S = 120
STOP_S = 150  # five services one after another, then the servers
LOOK_S = 0.1


def clear(data: Path) -> None:
    """Make an empty data directory, wiping an old demo; nothing else is ever wiped.

    raises: StackError - something else is there, or a demo runs on it.
    """
    if data.exists() and any(data.iterdir()):
        if not (data / MARKER).exists():
            raise StackError(f"{data} holds something that is no demo: choose another --data directory")
        if (holder := lock.holder(data)) is not None:
            raise StackError(f"a demo is running on {data} (process {holder}): end it first, or choose another --data")
        shutil.rmtree(data)
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (data / MAIL).mkdir()
        (data / MARKER).write_text("Made by `dondoc demo`, which may wipe this directory.\n")
    except OSError as error:
        raise StackError(f"cannot write to {data}: {error.strerror}; choose another --data directory") from None


def environment(*, smtp_port: int, notify_port: int) -> dict[str, str]:
    """Return the stack's environment: no setting of the caller's, so a demo never touches servers of others.

    notify_port: where the links in its mails lead, on this machine alone.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DONDOC_")}
    return {
        **inherited,
        "DONDOC_CLOCK": "driven",
        "DONDOC_LOG_LEVEL": os.environ.get("DONDOC_LOG_LEVEL", "info"),
        "DONDOC_NOTIFY_SEND": "live",
        "DONDOC_NOTIFY_SMTP_HOST": "127.0.0.1",
        "DONDOC_NOTIFY_SMTP_PORT": str(smtp_port),
        "DONDOC_COMPLAINTS_FILINGS_PER_MINUTE": "0",  # weeks of filings come from one address in a minute
        "DONDOC_COMPLAINTS_LOOKUPS_PER_MINUTE": "0",
        "DONDOC_COMPLAINTS_FILINGS_PER_MINUTE_AT_MOST": "0",
        "DONDOC_NOTIFY_PUBLIC_URL": f"http://{layout.HOST}:{notify_port}",
    }


@contextlib.asynccontextmanager
async def stack(data: Path, *, port_base: int, smtp_port: int) -> AsyncIterator[running.Running]:
    """Run a stack on `data` until the block ends.

    raises: StackError - it does not start; in its own words.
    """
    log = data / "logs" / "supervisor.log"
    command = [sys.executable, "-m", "dondoc.cli", "up", "--data", str(data), "--port-base", str(port_base)]
    env = environment(smtp_port=smtp_port, notify_port=layout.ports(port_base)["notify"])
    process = spawn(command, log=log, env=env, when_orphaned=signal.SIGTERM)
    try:
        yield await _ready(data, process, log=log)
    finally:
        # Off the loop: the mailbox still takes what notify is sending, and a second Ctrl-C changes nothing.
        stopping = asyncio.create_task(asyncio.to_thread(end, process, within_s=STOP_S))
        while not stopping.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(stopping)


async def _ready(data: Path, process: subprocess.Popen[bytes], *, log: Path) -> running.Running:
    try:
        async with asyncio.timeout(READY_S):
            while True:
                found = running.read_down(data)
                if found is not None and found.supervisor == process.pid and found.ready:
                    return found
                if process.poll() is not None:
                    raise StackError(last_lines(log, 1).removeprefix("dondoc: "))
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise StackError(f"the stack was not ready within {READY_S} s; see {log.parent}") from None
