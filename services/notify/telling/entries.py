"""What a digest is made of: its entries, in which order and under which headings. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.notify.policies.policy import NEAR, Role, part_of
from services.notify.pressing.lines import News
from shared import tracing
from shared.events import Kind, UnitDescribed

Part = Literal["new", "long", "backlog", "long_backlog", "changed", "settled", "eased", "elsewhere", "near"]
TITLES: Mapping[Part, str] = {
    "new": "Mới quá hạn",
    "long": "Quá hạn kéo dài",
    "backlog": "Đã quá hạn từ trước khi được theo dõi",
    "long_backlog": "Quá hạn kéo dài từ trước khi được theo dõi",
    "changed": "Có thay đổi",
    "settled": "Không còn quá hạn",
    "eased": "Đã dời hạn, chưa đến hạn",
    "elsewhere": "Để biết: hồ sơ chậm ở bước xử lý của đơn vị khác",
    "near": "Sắp đến hạn",
}  # in the order of the digest
FIRST_TOLD: tuple[Part, ...] = ("new", "long", "backlog", "long_backlog")
OVERDUE: tuple[Part, ...] = (*FIRST_TOLD, "changed")
Spoken = Kind | Literal["other"]  # other: of what has no noun of its own, as it is secret or one of several
FIELDS_AT_MOST = 10  # of those that are only counted


@dataclass(frozen=True, slots=True)
class Entry:
    """A line with news. told: the most its post was told. resolved: the responsible unit, None where unknown.

    former: the post where it is told of the end of what another unit took over, else empty. joint: the responsible unit
    is the holder of the late step of a dossier that another unit received. repeat: it is pressed for anew, for the n-th
    time. field: of the matter, where known. restricted: somebody must not be told of it. confidential: nobody reads of
    what kind it is. own_post: of whose head it is told, where that head has another desk.
    """

    obligation_id: str
    role: Role
    level: int
    news: News
    told: int
    revision: int
    due_at: datetime | None
    resolved: str | None
    kind: Kind
    backlog: bool
    former: str = ""
    joint: bool = False
    trace: str = tracing.NONE
    field: str | None = None
    repeat: int = 0
    source: str = ""
    restricted: bool = False
    confidential: bool = False
    own_post: str | None = None

    @property
    def spoken(self) -> Spoken:
        """What to count it as: only of an answer can it be said that a feedback is late."""
        if self.confidential or part_of(self.obligation_id, kind=self.kind) not in (None, "answer"):
            return "other"
        return self.kind

    @property
    def part(self) -> Part:
        if self.news == "settled":
            return "settled" if self.told > NEAR else "eased"
        if self.role == "receiving":
            return "elsewhere"
        if self.level == NEAR:
            return "near"
        if self.told > NEAR:
            return "changed"
        if self.level > 1:
            return "long_backlog" if self.backlog else "long"
        return "backlog" if self.backlog else "new"


@dataclass(frozen=True, slots=True)
class Section:
    """One heading of a digest. entries: those with a line of their own. more: the others.

    fields: of the others, how many are of which field, the most first; "" stands for those without one.
    """

    part: Part
    entries: tuple[Entry, ...]
    more: int
    fields: tuple[tuple[str, int], ...] = ()

    @property
    def total(self) -> int:
        return len(self.entries) + self.more


@dataclass(frozen=True, slots=True)
class Head:
    """To whom a digest goes. unit: the head's own, None where the directory has no such unit.

    others: how many units more that person heads, of which the digest tells too.
    """

    post: str
    unit: UnitDescribed | None
    others: int = 0


def merged(entries: Sequence[Entry]) -> list[Entry]:
    """Return one entry for each obligation: a head told in two roles reads of it once, at the higher level."""
    found: dict[str, Entry] = {}
    for entry in entries:
        known = found.get(entry.obligation_id)
        if known is None:
            found[entry.obligation_id] = entry
        elif known.news == "settled" or (entry.news != "settled" and entry.level > known.level):
            found[entry.obligation_id] = replace(entry, told=max(entry.told, known.told))
    return list(found.values())


def sections(entries: Sequence[Entry], *, max_lines: int) -> list[Section]:
    """Return the sections that are not empty; within one the longest overdue first."""
    ordered = sorted(entries, key=lambda entry: (entry.due_at is None, entry.due_at, entry.obligation_id))
    found = []
    for part in TITLES:
        mine = tuple(entry for entry in ordered if entry.part == part)
        if mine:
            more = mine[max_lines:]
            found.append(Section(part, mine[:max_lines], len(more), _fields(more)))
    return found


def _fields(entries: Sequence[Entry]) -> tuple[tuple[str, int], ...]:
    """Return how many entries are of which field, the most first; beyond `FIELDS_AT_MOST` they are one."""
    counted = Counter(entry.field or "" for entry in entries)
    ordered = sorted(counted.items(), key=lambda item: (item[0] == "", -item[1], item[0]))
    named = [(name, number) for name, number in ordered if name][:FIELDS_AT_MOST]
    rest = len(entries) - sum(number for _, number in named)
    return (*named, ("", rest)) if named and rest else tuple(named)
