"""What the demo shows while it plays: a live picture in a terminal, plain lines elsewhere. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dondoc.demo.citizens import Filed
from dondoc.demo.mailbox import Mailbox
from shared.clock import PROVINCE_ZONE, monotonic_s

UNITS_SHOWN, MAILS_SHOWN = 12, 8  # where the terminal is high enough
OTHER_LINES = 13  # headings, totals, blanks
LINE_EVERY_S = 3  # where no terminal is


@dataclass
class Scene:
    """Everything that is shown. units, total: as the console counts them.

    address: the console's; pages: the citizens'. feedback: how many there are; followed: one of them.
    """

    address: str
    pages: str
    start: datetime
    until: datetime
    box: Mailbox
    at: datetime
    messages: int = 0
    ticks: int = 0
    feedback: int = 0
    followed: Filed | None = None
    began_s: float = field(default_factory=monotonic_s)
    played_s: float | None = None
    total: Mapping[str, Any] = field(default_factory=dict)
    units: Iterable[Mapping[str, Any]] = ()
    quarantine: int = 0

    @property
    def seconds(self) -> float:
        """How long it has played."""
        return self.played_s if self.played_s is not None else monotonic_s() - self.began_s

    @property
    def share(self) -> float:
        return (self.at - self.start) / (self.until - self.start)


class Screen:
    """Shows a scene: `show` as often as one likes."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._console = Console()
        self._live: Live | None = None
        self._said_s = 0.0

    def __enter__(self) -> Screen:
        if self._console.is_terminal:
            self._live = Live(
                console=self._console,
                get_renderable=lambda: picture(self._scene, height=self._console.height),
                refresh_per_second=4,
            )
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self) -> None:
        """Say a line now and then; the live picture renews itself."""
        if self._live is None and monotonic_s() - self._said_s >= LINE_EVERY_S:
            self._said_s = monotonic_s()
            typer.echo(line(self._scene))


def line(scene: Scene) -> str:
    """Return how it stands, in one line."""
    rate = scene.messages / max(scene.seconds, 0.1)
    return (
        f"{when(scene.at)}  {scene.share:4.0%}  {scene.messages} messages ({rate:.0f}/s)  "
        f"{scene.total.get('open', 0)} open, {scene.total.get('overdue', 0)} overdue  "
        f"{scene.feedback} feedback, {scene.box.count} mails"
    )


def picture(scene: Scene, *, height: int) -> Group:
    """Return the live picture. height: lines of the terminal."""
    rows = max(4, height - OTHER_LINES)
    mails = min(MAILS_SHOWN, rows * 2 // 5)
    rate = scene.messages / max(scene.seconds, 0.1)
    head = Table.grid(padding=(0, 2))
    head.add_row(
        Text(when(scene.at), style="bold"),
        ProgressBar(total=1.0, completed=scene.share, width=30),
        f"{scene.messages} messages, {rate:.0f}/s",
        f"{scene.feedback} feedback",
        f"{scene.box.count} mails",
        f"{scene.quarantine} in quarantine",
    )
    return Group(
        head,
        Text(),
        _units(scene, rows - mails),
        Text(),
        _mails(scene, mails),
        Text(),
        Text(f"Console: {scene.address}"),
        Text(f"Citizens' pages: {scene.pages}"),
        Text(to_follow(scene)),
    )


def to_follow(scene: Scene) -> str:
    """Return how one of the filed feedback is followed as its sender would."""
    if scene.followed is None:
        return "none of it can be followed yet"
    code, secret = scene.followed
    return f"follow one at {scene.pages}theo-doi: number {code}, secret {secret}"


def _units(scene: Scene, rows: int) -> Table:
    table = Table(
        box=None, pad_edge=False, header_style="bold", title="Units with the most overdue", title_justify="left"
    )
    table.add_column("unit", min_width=38, no_wrap=True)
    for name in ("open", "soon", "overdue"):
        table.add_column(name, justify="right", min_width=7)
    for unit in list(scene.units)[: min(UNITS_SHOWN, rows)]:
        overdue = Text(str(unit["overdue"]), style="bold red" if unit["overdue"] else "")
        table.add_row(str(unit["name"]), str(unit["open"]), str(unit["soon"]), overdue)
    if scene.total:
        total = scene.total
        table.add_row("all units", str(total["open"]), str(total["soon"]), str(total["overdue"]), style="bold")
    return table


def _mails(scene: Scene, rows: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title="Newest mails", title_justify="left")
    table.add_column("to", min_width=18, no_wrap=True)
    table.add_column("subject", no_wrap=True, overflow="ellipsis")
    for mail in list(scene.box.newest)[-rows:][::-1]:
        table.add_row(mail.to, mail.subject)
    return table


def when(at: datetime) -> str:
    """Return a business time as it is read."""
    return f"{at.astimezone(PROVINCE_ZONE):%a %d %b %Y %H:%M}"
