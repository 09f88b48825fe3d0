"""What the page shows: counts by unit and their totals, put together from what the tables say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, get_args

from shared.clock import PROVINCE_ZONE
from shared.directory import Directory, Unit, directory, resolve
from shared.events import FeedbackState, Kind, TermName

DOSSIER: Kind = "dossier"
WAITING: tuple[FeedbackState, ...] = ("received", "supplement_asked", "accepted")
# kinds in the order in which the contract names them, those of what is owed in a feedback behind the answer
THINGS = tuple(
    thing
    for kind in get_args(Kind)
    for thing in (kind, *(f"answer/{name}" for name in get_args(TermName) if kind == "answer" and name != "answer"))
)


class Group(NamedTuple):
    """Obligations of one kind that name their unit in the same words. kind: one of `THINGS`."""

    unit: str | None
    unit_name: str | None
    kind: str
    open: int
    paused: int
    soon: int
    overdue: int
    overdue_since: datetime | None
    in_time: int
    late: int


class Notice(NamedTuple):
    """One notice; `unit` is a code, or the unit's name where the directory has it."""

    slot: datetime
    unit: str
    role: str
    channel: str
    items: int
    status: str
    reason: str
    sent_at: datetime | None


class Fresh(NamedTuple):
    """Up to when a stream or a source has been heard."""

    kind: str
    name: str
    at: datetime


@dataclass(slots=True)
class Counts:
    """A line of a table: of the dossiers of a unit, or of one other kind in all units.

    overdue_for: how long its longest overdue matter is overdue. feedback: open answers to citizens of the unit.
    others_overdue: what is overdue of the unit beside its dossiers.
    """

    code: str | None
    name: str
    open: int = 0
    paused: int = 0
    soon: int = 0
    overdue: int = 0
    overdue_for: timedelta | None = None
    feedback: int = 0
    in_time: int = 0
    late: int = 0
    others_overdue: int = 0

    def add_of_unit(self, group: Group, *, now: datetime) -> None:
        """Count what a unit has: its dossiers, and beside them, never among them, what else falls due."""
        if group.kind == DOSSIER:
            self.add(group, now=now)
            return
        self.others_overdue += group.overdue
        if group.kind == "answer":
            self.feedback += group.open + group.paused

    def add(self, group: Group, *, now: datetime) -> None:
        for field in ("open", "paused", "soon", "overdue", "in_time", "late"):
            setattr(self, field, getattr(self, field) + getattr(group, field))
        if group.overdue_since:
            self.overdue_for = max(self.overdue_for or timedelta(), now - group.overdue_since)


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the page at one business time. feedback: of citizens, by its state."""

    now: datetime
    total: Counts
    units: Sequence[Counts]
    others: Sequence[Counts]
    notices: Sequence[Notice]
    notice_counts: Mapping[str, int]
    escalations: Mapping[int, int]
    feedback: Mapping[str, int]
    fresh: Sequence[Fresh]

    @property
    def waiting(self) -> int:
        """Feedback that no answer was given to yet."""
        return sum(self.feedback.get(state, 0) for state in WAITING)


def by_unit(groups: Iterable[Group], units: Sequence[Unit], *, now: datetime) -> tuple[Counts, list[Counts]]:
    """Return the totals and a line for each unit, those with the most overdue dossiers first.

    A unit that the directory does not know keeps the source's word for it and has no code.
    """
    known = _index(tuple(units))
    names = {unit.code: unit.name for unit in units}
    today = now.astimezone(PROVINCE_ZONE).date().isoformat()
    total, lines = Counts(None, ""), dict[tuple[str | None, str], Counts]()
    for group in groups:
        code = resolve(known, group.unit_name, group.unit, on=today)
        word = group.unit_name or group.unit or ""
        name = names.get(code or word, word)  # of a unit that several stand for now no other name than its own
        line = lines.setdefault((code, name), Counts(code, name))
        line.add_of_unit(group, now=now)
        total.add_of_unit(group, now=now)
    return total, sorted(lines.values(), key=_worst_first)


def _worst_first(line: Counts) -> tuple[int, int, int, int, str]:
    return -line.overdue, -line.soon, -line.open, -line.others_overdue, line.name


def by_kind(groups: Iterable[Group], *, now: datetime) -> list[Counts]:
    """Return a line for each kind there is beside dossiers, in the order of `THINGS`."""
    lines: dict[str, Counts] = {}
    for group in groups:
        if group.kind != DOSSIER:
            lines.setdefault(group.kind, Counts(group.kind, "")).add(group, now=now)
    return [lines[thing] for thing in THINGS if thing in lines]


def named(notices: Iterable[Notice], units: Sequence[Unit]) -> list[Notice]:
    """Return the notices with their units' present names."""
    names = {unit.code: unit.name for unit in units}
    return [notice._replace(unit=names.get(notice.unit, notice.unit)) for notice in notices]


@lru_cache(maxsize=1)
def _index(units: tuple[Unit, ...]) -> Directory:
    return directory(units)
