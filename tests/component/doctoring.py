"""What the tests of the doctor share: a place to look at, how findings are read, a NATS server with any settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dondoc.doctor.findings import Finding
from dondoc.doctor.place import Place
from dondoc.stack import nats as nats_stack
from dondoc.stack.processes import end, spawn
from tests import servers as real
from tests.waiting import wait_listening

HERE = Place(Path("/srv/dondoc"))


def said(findings: Sequence[Finding], check: str) -> list[tuple[str, str]]:
    """Return state and words of one check's findings."""
    return [(finding.state, finding.said) for finding in findings if finding.check == check]


def states(findings: Sequence[Finding], check: str) -> list[str]:
    return [state for state, _ in said(findings, check)]


@contextmanager
def nats_server(folder: Path, *lines: str) -> Iterator[tuple[int, int]]:
    """Run a NATS server with these lines of configuration; gives its port and that of its monitoring."""
    port, monitoring = real.free_port(), real.free_port()
    config = folder / "nats.conf"
    config.write_text("\n".join([f'listen: "127.0.0.1:{port}"', f'http: "127.0.0.1:{monitoring}"', *lines]))
    process = spawn([str(nats_stack.binary()), "--config", str(config)], log=folder / "nats.log")
    try:
        wait_listening(port)
        yield port, monitoring
    finally:
        end(process)
