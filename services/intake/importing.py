"""What `dondoc import` does: files in, lines to intake in chunks, and what became of them."""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
import sys
import tempfile
import time
import zlib
from bisect import bisect_right
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import typer

from services.intake.progress import How, Show, shown
from shared.cli import call, fail
from shared.clock import monotonic_s

if TYPE_CHECKING:
    import httpx

SOURCE = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}$")
IMPORT_ID = re.compile(r"^[A-Za-z0-9_-]{1,60}$")  # as given; intake knows it with the content behind it
COUNTED = ("lines", "accepted", "repeated", "refused")
CHUNK_LINES = 500
CHUNK_BYTES = 8 << 20
LONGEST_LINE = 2 << 20  # bytes sent of one line; intake refuses and keeps the beginning of what is over its limit
LOOK_EVERY_S = 0.3
BUSY_S = (
    6 * 3600
)  # of being told to wait, while what was sent is done: live feeds go first, and a line may be long work
STILL_S = 300  # without one more line done: somebody must look
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Import:
    """One file under its import id. format: of each line. lines: those that are not blank."""

    id: str
    source: str
    format: str
    name: str
    path: Path
    lines: int


@contextmanager
def opened(
    files: Sequence[str],
    *,
    source: str,
    import_id: str | None,
    format: str = "national",
    lines_of: Callable[[Path, str, Path], Path] | None = None,
) -> Iterator[list[Import]]:
    """Read every file once to its end, so that nothing is sent where one of them cannot be read.

    lines_of: makes a file of lines, in a folder, of one that is given in another form under a name.
    """
    with tempfile.TemporaryDirectory(prefix="dondoc-import-") as spool:
        yield [
            _import(name, source=source, format=format, import_id=import_id, spool=Path(spool), lines_of=lines_of)
            for name in files
        ]


def _import(
    name: str,
    *,
    source: str,
    format: str,
    import_id: str | None,
    spool: Path,
    lines_of: Callable[[Path, str, Path], Path] | None,
) -> Import:
    path = Path(name)
    # given by mistake in one format, a file can be given again in the other; ids of national ones are as they were
    given_as = source if format == "national" else f"{source}.{format}"
    try:
        if name == "-" or path.is_fifo():  # what can be read once only is kept first
            path = _kept(sys.stdin.buffer if name == "-" else path.open("rb"), spool=spool)
        if lines_of:
            path = lines_of(path, name, spool)
        digest, lines = hashlib.sha256(given_as.encode() + b"\0"), 0
        with _reading(path) as file:
            while part := file.read(1 << 20):
                digest.update(part)
        with _reading(path) as file:
            lines = sum(1 for _ in _numbered(file))
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise typer.BadParameter(f"cannot read {name}: {reason}", param_hint="FILE") from None
    content = digest.hexdigest()[:40]
    # a name given again for another file begins anew: else its lines would be taken for those done under that name
    id = f"{import_id}-{content[:16]}" if import_id else content
    return Import(id, source, format, name, path, lines)


def _kept(once: IO[bytes], *, spool: Path) -> Path:
    with once, tempfile.NamedTemporaryFile(dir=spool, delete=False) as file:
        shutil.copyfileobj(once, file)
    return Path(file.name)


def _reading(path: Path) -> IO[bytes]:
    """Open a file, unpacked where it is gzip, whatever its name."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


def _numbered(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield lines that are not blank with their numbers; of an over-long one only the beginning."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        rest = line
        while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE)
        content = line.removeprefix(BOM if number == 1 else b"").strip(b" \t\r\n")
        if content:
            yield number, content


class Runs:
    """Numbers of lines as runs from a first to a last: a million of them take no room."""

    def __init__(self, runs: Sequence[tuple[int, int]]) -> None:
        self._firsts, self._lasts = [first for first, _ in runs], [last for _, last in runs]

    def __contains__(self, number: object) -> bool:
        assert isinstance(number, int)
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    def __len__(self) -> int:
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)


def chunks(lines: Iterator[tuple[int, bytes]], *, done: Container[int]) -> Iterator[tuple[int, list[bytes]]]:
    """Yield runs of consecutive lines that are not done yet, each with the number of its first."""
    first, run, size = 0, list[bytes](), 0
    for number, line in lines:
        if number in done:
            continue
        if run and (number != first + len(run) or len(run) == CHUNK_LINES or size + len(line) > CHUNK_BYTES):
            yield first, run
            run, size = [], 0
        if not run:
            first = number
        run.append(line)
        size += len(line) + 1
    if run:
        yield first, run


def send(intake: httpx.Client, one: Import, *, progress: How) -> dict[str, Any]:
    """Send what is not done, wait for every line's outcome, return the counts.

    Of an import that was complete before, nothing is sent and everything counts as repeated.
    """
    done = Runs(call(lambda: intake.get(f"/v1/imports/{one.id}/done")).json())
    with shown(one.name, lines=one.lines, how=progress) as show:
        if len(done) < one.lines:
            _send_rest(intake, one, done, show)
        outcome = _outcome(intake, one, show=show)
    if len(done) >= one.lines:
        outcome |= {"accepted": 0, "repeated": outcome["accepted"] + outcome["repeated"]}
    return {"import_id": one.id, "source": one.source, "file": one.name, "done_before": len(done), **outcome}


def _send_rest(intake: httpx.Client, one: Import, done: Runs, show: Show) -> None:
    sent, looked_s, lines_done = len(done), monotonic_s(), len(done)
    show(sent=sent, done=lines_done)
    with _reading(one.path) as file:
        for first, lines in chunks(_numbered(file), done=done):
            _post(intake, one, first, lines)
            sent += len(lines)
            if monotonic_s() - looked_s > LOOK_EVERY_S:
                lines_done, looked_s = _told(intake, one)["lines"], monotonic_s()
            show(sent=sent, done=lines_done)


def _told(intake: httpx.Client, one: Import) -> dict[str, int]:
    told: dict[str, int] = call(lambda: intake.get(f"/v1/imports/{one.id}")).json()
    return told


def _post(intake: httpx.Client, one: Import, first: int, lines: list[bytes]) -> None:
    query: dict[str, str | int] = {"source": one.source, "format": one.format, "first": first}
    content = b"\n".join(lines)
    call(lambda: intake.post(f"/v1/imports/{one.id}/lines", params=query, content=content), busy_s=BUSY_S)


def _outcome(intake: httpx.Client, one: Import, *, show: Show) -> dict[str, int]:
    lines_before, still_since = -1, monotonic_s()
    while True:
        told = _told(intake, one)
        show(sent=one.lines, done=told["lines"])
        if told["lines"] >= one.lines:
            return told
        if told["lines"] != lines_before:
            lines_before, still_since = told["lines"], monotonic_s()
        if monotonic_s() - still_since > STILL_S:
            left = one.lines - told["lines"]
            fail(f"{left} lines of {one.name} wait for {STILL_S} s; see `dondoc status`, then give this command again")
        time.sleep(LOOK_EVERY_S)


def in_words(outcome: dict[str, Any]) -> str:
    """Return one line for people. What is counted are objects; a line may hold several."""
    names = ("accepted", "repeated", "refused")
    counts = ", ".join(f"{outcome[name]:,} {name}" for name in names)
    objects = sum(outcome[name] for name in names)
    before = f" ({outcome['done_before']:,} were done before)" if outcome["done_before"] else ""
    see = "; see `dondoc quarantine list`" if outcome["refused"] else ""
    return f"{outcome['file']}: {objects:,} objects in {outcome['lines']:,} lines{before}: {counts}{see}"
