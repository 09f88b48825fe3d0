"""One stack a data directory: the lock, and what a supervisor that died left behind."""

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from dondoc.stack.errors import StackError
from dondoc.stack.layout import HOST, make_private

_LEFTOVER_S = 15  # what a killed supervisor leaves ends by itself within seconds


@contextlib.contextmanager
def locked(data: Path) -> Iterator[None]:
    """Hold the data directory. The kernel lets go of the lock however its holder ends, so none is ever stale.

    raises: StackError - another supervisor holds it, or the directory cannot be written.
    """
    try:
        make_private(data)
        file = (data / "lock").open("a+")
    except OSError as error:
        raise StackError(f"cannot write to {data}: {error.strerror}; choose another --data directory") from None
    with file:
        if not _take(file.fileno(), patience_s=0.3):  # `holder` takes it for an instant
            raise StackError(
                f"a stack is already running on {data} (process {holder(data)}): "
                "`dondoc down` stops it, or choose another --data directory"
            )
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def holder(data: Path) -> int | None:
    """Return the process that runs a stack on `data`, or None."""
    path = data / "lock"
    try:
        with path.open("r+") as file:
            if _take(file.fileno()):
                return None
            return int(file.read().strip() or 0) or None
    except (FileNotFoundError, ValueError):
        return None


def _take(descriptor: int, *, patience_s: float = 0) -> bool:
    end = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)
        else:
            return True


def wait_for_leftovers(data: Path) -> None:
    """Wait for servers that outlived a killed supervisor, then remove PostgreSQL's own stale lock file.

    raises: StackError - one of them does not end.
    """
    end = time.monotonic() + _LEFTOVER_S
    while left := _processes_of(data):
        if time.monotonic() > end:
            raise StackError(
                f"process {left[0]} of an earlier stack still works on {data}: stop it with `kill {left[0]}`"
            )
        time.sleep(0.1)
    (data / "postgres" / "postmaster.pid").unlink(missing_ok=True)


def _processes_of(data: Path) -> list[int]:
    """Return the servers that were started on `data`: their command line names a path below it."""
    ours = {f"{data}/postgres".encode(), f"{data}/nats/nats.conf".encode()}
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if ours & set((entry / "cmdline").read_bytes().split(b"\0")):
                    found.append(int(entry.name))
    return found


def check_ports(wanted: Mapping[str, int]) -> None:
    """Make sure that every port is free.

    raises: StackError - naming all that are not.
    """
    taken = [f"{port} ({name})" for name, port in wanted.items() if not is_free(port)]
    if taken:
        raise StackError(f"port in use: {', '.join(taken)}: stop what listens there or choose another --port-base")


def is_free(port: int) -> bool:
    """Return whether a server could listen on a port of this machine now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
