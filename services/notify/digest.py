"""The digest a head gets: which matters, in which order, in which words. Pure; texts are in templates/.

Never here: an applicant's name, number, address or contact. Codes, fields and dates are all a digest speaks of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from typing import Literal, get_args

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from services.notify.lines import News
from services.notify.policy import NEAR, Policy, Role
from services.notify.wording import addressee, held_text, instant, late_text, left_text, matter, noun, settled_text
from shared import tracing
from shared.events import Kind, ObligationChanged, UnitDescribed
from shared.worktime import WorkCalendar

Part = Literal["new", "long", "backlog", "long_backlog", "changed", "settled", "elsewhere", "near"]
TITLES: Mapping[Part, str] = {
    "new": "Mới quá hạn",
    "long": "Quá hạn kéo dài",
    "backlog": "Đã quá hạn từ trước khi được theo dõi",
    "long_backlog": "Quá hạn kéo dài từ trước khi được theo dõi",
    "changed": "Có thay đổi",
    "settled": "Không còn quá hạn",
    "elsewhere": "Để biết: hồ sơ chậm ở khâu của đơn vị khác",
    "near": "Sắp đến hạn",
}  # in the order of the digest
FIRST_TOLD: tuple[Part, ...] = ("new", "long", "backlog", "long_backlog")
OVERDUE: tuple[Part, ...] = (*FIRST_TOLD, "changed")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line with news. told: the most its post was told. resolved: the responsible unit, None where unknown.

    former: the post where it is told of the end of what another unit took over, else empty. joint: the responsible unit
    is the holder of the late step of a dossier that another unit received.
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

    @property
    def part(self) -> Part:
        if self.news == "settled":
            return "settled"
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
    """One heading of a digest. entries: those with a line of their own. more: the others."""

    part: Part
    entries: tuple[Entry, ...]
    more: int

    @property
    def total(self) -> int:
        return len(self.entries) + self.more


@dataclass(frozen=True, slots=True)
class Head:
    """To whom a digest goes. unit: the head's own, None where the directory has no such unit."""

    post: str
    unit: UnitDescribed | None


@dataclass(frozen=True, slots=True)
class Row:
    """A matter as its line in the digest shows it."""

    code: str
    about: str
    due: str
    state: str
    unit: str


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


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
            found.append(Section(part, mine[:max_lines], len(mine[max_lines:])))
    return found


def render(
    parts: Sequence[Section],
    *,
    head: Head,
    overdue: int,
    kinds: Set[Kind],
    known: Mapping[str, ObligationChanged],
    names: Mapping[str, str],
    reach: Mapping[str, datetime],
    slot: datetime,
    at: datetime,
    policy: Policy,
    calendar: WorkCalendar,
) -> Rendered:
    """Return subject, plain text and HTML of a digest.

    overdue, kinds: all that is overdue under this head, told before or now. known: states of the entries. names: of
    units. reach: up to when each source has been heard of. at: up to when lateness is counted.
    """
    entries = [entry for part in parts for entry in part.entries]
    what = noun(spoken_of := {entry.kind for entry in entries} | kinds)
    listed = sum(part.total for part in parts if part.part in OVERDUE)
    row = partial(_row, head=head, names=names, at=at, calendar=calendar, mixed=len(spoken_of) > 1)
    values = {
        "addressee": _addressee(head),
        "summary": _summary(parts, overdue, what),
        "sections": [_shown(part, [row(e, known[e.obligation_id]) for e in part.entries]) for part in parts],
        "what": what,
        "listed": listed,
        "rest": max(overdue - listed, 0),
        "reach": _reach({known[entry.obligation_id].source for entry in entries}, reach, calendar),
        "reason": _reason(entries, head, policy),
        "at": instant(at, calendar),
    }
    said = f"{values['summary']} ({instant(slot, calendar)})"
    return Rendered(
        subject=" ".join(f"[Đôn đốc] {names.get(head.post) or head.post}: {said}".split()),
        text=_environment().get_template("digest.txt.j2").render(values),
        html=_environment().get_template("digest.html.j2").render(values),
    )


def _reach(sources: set[str], reach: Mapping[str, datetime], calendar: WorkCalendar) -> list[str]:
    return [f"{instant(reach[source], calendar)} (nguồn: {source})" for source in sorted(sources & reach.keys())]


def _shown(part: Section, rows: Sequence[Row]) -> dict[str, object]:
    return {"title": TITLES[part.part], "total": part.total, "more": part.more, "rows": rows}


def _summary(parts: Sequence[Section], overdue: int, what: str) -> str:
    """Return the counts that are not zero; the first says of what."""
    totals = {part.part: part.total for part in parts}
    new = sum(totals.get(part, 0) for part in FIRST_TOLD)
    counts = [
        (overdue, f"đang quá hạn ({new} mới báo)" if new else "đang quá hạn"),
        (totals.get("changed", 0), "có thay đổi"),
        (totals.get("settled", 0), "không còn quá hạn"),
        (totals.get("elsewhere", 0), "chậm ở khâu của đơn vị khác"),
        (totals.get("near", 0), "sắp đến hạn"),
    ]
    (first, text), *others = [(count, text) for count, text in counts if count]
    return ", ".join([f"{first} {what} {text}", *(f"{count} {text}" for count, text in others)])


def _row(
    entry: Entry,
    obligation: ObligationChanged,
    *,
    head: Head,
    names: Mapping[str, str],
    at: datetime,
    calendar: WorkCalendar,
    mixed: bool,
) -> Row:
    """mixed: the digest speaks of several kinds, so that each row says of which it is."""
    kind = matter(obligation) if mixed or obligation.kind == "step" else None
    return Row(
        code=obligation.subject_id,
        about=" · ".join(word for word in (kind, obligation.title, obligation.field, obligation.procedure) if word),
        due=instant(obligation.due_at, calendar) if obligation.due_at else "không có hạn",
        state=_state(entry, obligation, names, at, calendar),
        unit=_unit(entry, obligation, head, names),
    )


def _state(
    entry: Entry, obligation: ObligationChanged, names: Mapping[str, str], at: datetime, calendar: WorkCalendar
) -> str:
    if entry.part == "settled":
        return settled_text(obligation, calendar=calendar)
    if entry.part == "near":
        return left_text(obligation, at=at, calendar=calendar)
    state = late_text(obligation, at=at, calendar=calendar)
    if entry.joint and entry.resolved:
        state += "; " + held_text(obligation, names.get(entry.resolved, entry.resolved), calendar=calendar)
    if entry.part == "changed":
        state += "; đã báo cáo cấp trên" if entry.level > entry.told else "; có thay đổi so với lần báo trước"
    return state


def _unit(entry: Entry, obligation: ObligationChanged, head: Head, names: Mapping[str, str]) -> str:
    if entry.resolved is None:
        said = obligation.unit_name or obligation.unit
        return f"chưa rõ đơn vị: {said}" if said else "chưa rõ đơn vị"
    if entry.joint and entry.part != "settled":
        received = obligation.unit_name or names.get(obligation.unit or "") or obligation.unit
        return f"đơn vị tiếp nhận: {received}" if received and entry.role != "receiving" else ""
    return "" if entry.resolved == head.post else names.get(entry.resolved, entry.resolved)


def _addressee(head: Head) -> str:
    if head.unit is None:
        return f"Thủ trưởng đơn vị {head.post}"
    return addressee(head.unit.head_title, head.unit.name)


def _reason(entries: Sequence[Entry], head: Head, policy: Policy) -> str:
    """Return why this head gets the mail: every role that brought something in, and what stood in for another."""
    roles: tuple[Role, ...] = get_args(Role)
    reasons = [policy.roles[role] for role in roles if any(e.role == role and e.resolved for e in entries)]
    if any(entry.resolved is None for entry in entries):
        reasons.append("người tiếp nhận khi chưa xác định được đơn vị chịu trách nhiệm")
    reason = "; ".join(reasons)
    if any(e.role == "head" and not e.former and e.resolved not in (None, head.post) for e in entries):
        reason += ", nơi chưa có địa chỉ nhận thư"
    return reason


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("services.notify", "templates"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
