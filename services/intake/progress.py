"""How an import shows its way: a bar on a terminal, else a line now and then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

import typer

from shared.clock import monotonic_s

How = Literal["bar", "lines", "none"]
A_LINE_EVERY_S = 30


class Show(Protocol):
    """Called often. sent, done: lines so far, those of an earlier call of the command included."""

    def __call__(self, *, sent: int, done: int) -> None: ...


@contextmanager
def shown(name: str, *, lines: int, how: How) -> Iterator[Show]:
    """Give what shows the way of one file. lines: of the file."""
    if how == "bar":
        with _bar(name, lines) as show:
            yield show
    elif how == "lines":
        yield _Lines(name, lines)
    else:
        yield _nothing


def _nothing(*, sent: int, done: int) -> None:
    """Show nothing."""


@dataclass
class _Lines:
    """Says how far it is each half minute, for logs of a night's work."""

    name: str
    lines: int
    began: tuple[float, int] | None = None
    said_s: float = 0

    def __call__(self, *, sent: int, done: int) -> None:
        now_s = monotonic_s()
        if self.began is None:
            self.began, self.said_s = (now_s, done), now_s
        if now_s - self.said_s >= A_LINE_EVERY_S:
            self.said_s = now_s
            typer.echo(self._words(now_s, sent=sent, done=done), err=True)

    def _words(self, now_s: float, *, sent: int, done: int) -> str:
        assert self.began
        rate = (done - self.began[1]) / (now_s - self.began[0])
        left = f", {(self.lines - done) / rate / 60:,.0f} min left" if rate else ""
        return f"{self.name}: {done:,} of {self.lines:,} lines done, {sent:,} sent, {rate:,.0f}/s{left}"


@contextmanager
def _bar(name: str, lines: int) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,} done, {task.fields[sent]:,} sent of {task.total:,}"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(name, total=lines, sent=0, rate=0.0)

        def show(*, sent: int, done: int) -> None:
            bars.update(task, completed=done, sent=sent, rate=bars.tasks[0].speed or 0.0)

        yield show
