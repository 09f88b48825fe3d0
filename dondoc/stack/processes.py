"""Start and end child processes that never outlive their parent. Linux only."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

LOG_BYTES = 50 << 20  # a log larger than this at a start is set aside, in place of the one before
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)  # loaded before any fork: the child may only call it


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    when_orphaned: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start `command` in its own process group, its output appended to `log`.

    when_orphaned: what the kernel sends it when the thread that called this dies, however it dies.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name(log.name + ".old"))
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the stack's own commands
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops them in order
            preexec_fn=partial(follow_the_parent, by=when_orphaned),  # safe: the supervisor has one thread
        )


def follow_the_parent(*, by: signal.Signals = signal.SIGKILL) -> None:
    """Let the kernel send this process a signal when the thread that started it dies."""
    _libc.prctl(_PR_SET_PDEATHSIG, by, 0, 0, 0)


def end(process: subprocess.Popen[bytes], *, by: signal.Signals = signal.SIGTERM, within_s: float = 20) -> bool:
    """Ask a process to end and wait; after `within_s` kill its whole group.

    returns: whether it ended by itself in time.
    """
    if process.poll() is not None:
        return True
    process.send_signal(by)
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False
    return True


def last_lines(log: Path, count: int = 3) -> str:
    """Return the end of a log in one line, for an error message."""
    if not log.exists():
        return "(no log)"
    return " | ".join(line.strip() for line in log.read_text(errors="replace").splitlines()[-count:] if line.strip())
