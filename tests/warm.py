"""Processes of our programs that start at once: forked from one that has imported all of them already.

Each is a process of its own, with the environment, folder, standard streams, signals and exit code that it would have
from a shell; only the seconds of importing are left out. That a fresh one starts is shown where whole stacks run.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn, cast

from dondoc.cli import COMMAND_MODULES
from dondoc.stack import processes
from dondoc.stack.processes import follow_the_parent

ROOT = Path(__file__).resolve().parents[1]
IMPORTED = ("httpx", "openpyxl", *(f"services.{name}.main" for name in ("intake", "deadline")))
COMMAND = "from dondoc.cli import main; main()"
REQUEST_BYTES = 1 << 17


class Forked:
    """A running process, with as much of `subprocess.Popen` as tests use."""

    def __init__(self, keeper: socket.socket) -> None:
        self._keeper = keeper
        self.pid = int(keeper.recv(32))
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, negative for the signal it died of. raises: subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._keeper.settimeout(timeout)
            try:
                told = self._keeper.recv(32)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0) from None
            self._keeper.close()
            self.returncode = int(told or -signal.SIGKILL)
        return self.returncode

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, by: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, by)


def start(
    code: str,
    *arguments: str,
    env: Mapping[str, str],
    streams: tuple[int, int, int],
    cwd: Path = ROOT,
) -> Forked:
    """Start Python code in a process and session of its own. streams: descriptors for stdin, stdout and stderr."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        request = json.dumps([code, arguments, dict(env), str(cwd)]).encode()
        assert len(request) < REQUEST_BYTES
        socket.send_fds(_warm(), [request], [*streams, its.fileno()])
    return Forked(ours)


def serve(code: str, *, env: Mapping[str, str], log: Path) -> Forked:
    """Start a program that logs to a file until it is ended."""
    with log.open("ab") as output, open(os.devnull, "rb") as nothing:
        return start(code, env=env, streams=(nothing.fileno(), output.fileno(), output.fileno()))


def end(process: Forked, *, by: signal.Signals = signal.SIGTERM) -> bool:
    """Ask a process to end and wait, as `processes.end` does with one that was not forked."""
    return processes.end(cast("subprocess.Popen[bytes]", process), by=by)


def run(
    *arguments: str, env: Mapping[str, str], cwd: Path = ROOT, stdin: bytes = b"", timeout: float = 60
) -> subprocess.CompletedProcess[bytes]:
    """Run `dondoc` with these arguments to its end."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        streams = (given.fileno(), out.fileno(), err.fileno())
        code = start(COMMAND, *arguments, env=env, streams=streams, cwd=cwd).wait(timeout)
        return subprocess.CompletedProcess(arguments, code, _content(out), _content(err))


def _content(of: IO[bytes]) -> bytes:
    of.seek(0)
    return of.read()


@functools.cache
def _warm() -> socket.socket:
    """Start the process that the others are forked from, once; it ends with this one."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DONDOC_", "COV_"))}
    with its:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm", str(its.fileno())],
            pass_fds=[its.fileno()], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


def _fork_on_request(asked: socket.socket) -> tuple[str, Sequence[str]]:
    """Fork for each request a keeper, and from that the process; returns in the process, with code and arguments."""
    while True:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        request, descriptors, _, _ = socket.recv_fds(asked, REQUEST_BYTES, 4)
        if not request:
            sys.exit()
        if os.fork() == 0:
            break
        for descriptor in descriptors:
            os.close(descriptor)
    asked.close()
    follow_the_parent()
    *streams, keeper = descriptors
    if child := os.fork():
        _keep(child, keeper)
    os.setsid()
    follow_the_parent()
    os.close(keeper)
    code, arguments, env, cwd = json.loads(request)
    _become(streams, env, cwd)
    return code, arguments


def _keep(child: int, told: int) -> NoReturn:
    """Tell the number of the process, and once it ended how."""
    os.write(told, str(child).encode())
    os.write(told, str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
    os._exit(0)


def _become(streams: Sequence[int], env: Mapping[str, str], cwd: str) -> None:
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    for descriptor in {*streams} - {0, 1, 2}:
        os.close(descriptor)
    sys.stdin, sys.stdout = os.fdopen(0, encoding="utf-8"), os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)


def _end_with(code: str) -> NoReturn:
    """Run the code and end as Python does, without taking apart one by one the modules that were shared."""
    status: object = 0
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit as error:
        status = error.code or 0
    except BaseException:
        traceback.print_exc()
        status = 1
    if not isinstance(status, int):
        sys.stderr.write(f"{status}\n")
        status = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    for name in (*IMPORTED, *COMMAND_MODULES):
        with contextlib.suppress(ModuleNotFoundError):  # not every service has commands
            importlib.import_module(name)
    gc.freeze()
    code, arguments = _fork_on_request(socket.socket(fileno=int(sys.argv[1])))
    sys.argv = ["dondoc", *arguments]
    _end_with(code)
