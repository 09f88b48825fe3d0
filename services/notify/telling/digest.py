"""The digest a head gets: which matters, in which order, in which words. Pure; texts are in templates/.

Never here: an applicant's name, number, address or contact. Codes, fields and dates are all a digest speaks of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import get_args

from services.notify.policies.policy import Policy, Role
from services.notify.telling import texts, why
from services.notify.telling.entries import FIRST_TOLD, OVERDUE, TITLES, Entry, Head, Section, Spoken
from services.notify.telling.wording import (
    about,
    addressee,
    held_text,
    instant,
    late_text,
    left_text,
    noun,
    settled_text,
)
from shared.events import ObligationChanged
from shared.worktime import WorkCalendar

ELSE_FIELD = "lĩnh vực khác"
LEVELS_IN_PLAIN_WORDS = 2  # new, and for long; above it the number of the level is said
NOTHING_PROMISED: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Row:
    """A matter as its line in the digest shows it. due: empty where it has none."""

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


def render(
    parts: Sequence[Section],
    *,
    head: Head,
    overdue: int,
    kinds: Set[Spoken],
    known: Mapping[str, ObligationChanged],
    names: Mapping[str, str],
    reach: Mapping[str, datetime],
    slot: datetime,
    at: datetime,
    policy: Policy,
    calendar: WorkCalendar,
    reasons: Sequence[str],
    silent: Set[str] = frozenset(),
    promised: Mapping[str, str] = NOTHING_PROMISED,
    console_url: str = "",
    answer_url: str = "",
) -> Rendered:
    """Return subject, plain text and HTML of a digest.

    overdue, kinds: all that is overdue under this head, told before or now. known: states of the entries. names: of
    units. reach: up to when each source has been heard of; silent: those that are, too long. at: up to when lateness
    is counted. reasons: why it is sent. promised: in words. console_url, answer_url: where all is shown and answered.
    """
    entries = [entry for part in parts for entry in part.entries]
    sources, spoken_of = {known[entry.obligation_id].source for entry in entries}, {e.spoken for e in entries} | kinds
    row = partial(_row, head=head, names=names, promised=promised, at=at, calendar=calendar, mixed=len(spoken_of) > 1)
    values = _counted(parts, overdue, noun(spoken_of)) | {
        "addressee": _addressee(head),
        "sections": [_shown(part, [row(e, known[e.obligation_id]) for e in part.entries]) for part in parts],
        "reach": reached(sources, reach, silent, calendar),
        "reason": _reason(entries, head, policy),
        "why": why.said(reasons),
        "at": instant(at, calendar),
        "console_url": console_url,
        "answer_url": answer_url,
    }
    name = (names.get(head.post) or head.post) + (f" và {head.others} đơn vị khác" if head.others else "")
    return _filled(f"{name}: {values['summary']} ({instant(slot, calendar)})", values)


def _filled(subject: str, values: Mapping[str, object]) -> Rendered:
    text, html = texts.filled("digest", values)
    return Rendered(" ".join(f"[Đôn đốc] {subject}".split()), text, html)


def _counted(parts: Sequence[Section], overdue: int, what: str) -> dict[str, object]:
    listed = sum(part.total for part in parts if part.part in OVERDUE)
    summary = _summary(parts, overdue, what)
    return {"summary": summary, "what": what, "listed": listed, "rest": max(overdue - listed, 0)}


def reached(sources: Set[str], reach: Mapping[str, datetime], silent: Set[str], calendar: WorkCalendar) -> list[str]:
    """Return up to when the data of each source reach; of a silent one it says so."""
    return [
        f"{instant(reach[source], calendar)} (nguồn: {source}{', đang không gửi dữ liệu' if source in silent else ''})"
        for source in sorted(sources & reach.keys())
    ]


def _shown(part: Section, rows: Sequence[Row]) -> dict[str, object]:
    fields = ", ".join(f"{name or ELSE_FIELD} {number}" for name, number in part.fields)
    return {"title": TITLES[part.part], "total": part.total, "more": part.more, "rows": rows, "fields": fields}


def _summary(parts: Sequence[Section], overdue: int, what: str) -> str:
    """Return the counts that are not zero; the first says of what."""
    totals = {part.part: part.total for part in parts}
    new = sum(totals.get(part, 0) for part in FIRST_TOLD)
    counts = [
        (overdue, f"đang quá hạn ({new} mới báo)" if new else "đang quá hạn"),
        (totals.get("changed", 0), "có thay đổi"),
        (totals.get("settled", 0), "không còn quá hạn"),
        (totals.get("eased", 0), "được dời hạn"),
        (totals.get("elsewhere", 0), "chậm ở bước xử lý của đơn vị khác"),
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
    promised: Mapping[str, str],
    at: datetime,
    calendar: WorkCalendar,
    mixed: bool,
) -> Row:
    """mixed: the digest speaks of several kinds, so that each row says of which it is."""
    promise = promised.get(entry.obligation_id) if entry.part in OVERDUE else None
    return Row(
        code=obligation.subject_id,
        about=about(obligation, says_kind=mixed),
        due=instant(obligation.due_at, calendar) if obligation.due_at else "",
        state="; ".join(word for word in (_state(entry, obligation, names, at, calendar), promise) if word),
        unit=_unit(entry, obligation, head, names),
    )


def _state(
    entry: Entry, obligation: ObligationChanged, names: Mapping[str, str], at: datetime, calendar: WorkCalendar
) -> str:
    if entry.part in ("settled", "eased"):
        return settled_text(obligation, calendar=calendar)
    if entry.part == "near":
        return left_text(obligation, at=at, calendar=calendar)
    state = late_text(obligation, at=at, calendar=calendar)
    if entry.joint and entry.resolved:
        state += "; " + held_text(obligation, names.get(entry.resolved, entry.resolved), calendar=calendar)
    if entry.level > LEVELS_IN_PLAIN_WORDS:
        state += f"; cấp đôn đốc {entry.level}"
    if entry.repeat:
        return f"{state}; nhắc lại lần {entry.repeat}"
    if entry.part == "changed":
        state += "; đã báo lên cấp trên" if entry.level > entry.told else "; có thay đổi so với lần báo trước"
    return state


def _unit(entry: Entry, obligation: ObligationChanged, head: Head, names: Mapping[str, str]) -> str:
    if entry.resolved is None:
        said = obligation.unit_name or obligation.unit
        return f"chưa rõ đơn vị: {said}" if said else "chưa rõ đơn vị"
    if entry.joint and entry.part != "settled":
        received = obligation.unit_name or names.get(obligation.unit_code or obligation.unit or "") or obligation.unit
        return f"đơn vị tiếp nhận: {received}" if received and entry.role != "receiving" else ""
    return "" if entry.resolved == head.post and not head.others else names.get(entry.resolved, entry.resolved)


def _addressee(head: Head) -> str:
    if head.unit is None:
        return f"Thủ trưởng đơn vị {head.post}"
    return addressee(head.unit.head_title, head.unit.name)


def stands_in(entries: Sequence[Entry], head: Head) -> bool:
    """Return whether a head is told of another unit's matter because nobody is reached there.

    Who heads the unit that a post's gave way to does so for no other, nor who heads several units.
    """
    own = (None, head.post, head.unit.code if head.unit else None)
    first = (e for e in entries if e.role == "head" and not e.former and not e.restricted)
    return any(e.resolved not in (*own, e.own_post) for e in first)


def _reason(entries: Sequence[Entry], head: Head, policy: Policy) -> str:
    """Return why this head gets the mail: every role that brought something in, and what stood in for another."""
    roles: tuple[Role, ...] = get_args(Role)
    reasons = [policy.roles[role] for role in roles if any(e.role == role and e.resolved for e in entries)]
    if any(entry.resolved is None for entry in entries):
        reasons.append("người tiếp nhận khi chưa xác định được đơn vị chịu trách nhiệm")
    reason = "; ".join(reasons)
    if stands_in(entries, head):
        reason += ", nhận thay cho đơn vị chưa có địa chỉ nhận thư"
    return reason
