"""Times, spans and outcomes in the words of a digest. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from shared.events import End, Kind, ObligationChanged
from shared.worktime import CalendarEndsError, WorkCalendar, open_seconds

WORKING_DAY_S = 8 * 3600  # Bộ luật Lao động 2019 Đ.105(1): a normal working day has eight hours
HOUR_S, MINUTE_S, DAY_S = 3600, 60, 86_400

ENDS: Mapping[End, str] = {
    "completed": "đã có kết quả",
    "refused": "đã từ chối giải quyết",
    "withdrawn": "đã được rút",
    "stopped": "đã dừng giải quyết",
    "answered": "đã trả lời",
}


def noun(kinds: set[Kind]) -> str:
    """Return what to call matters of these kinds."""
    if kinds == {"dossier"}:
        return "hồ sơ"
    return "phản ánh, kiến nghị" if kinds == {"answer"} else "việc"


def instant(at: datetime, calendar: WorkCalendar) -> str:
    return f"{at.astimezone(calendar.zone):%H:%M %d/%m/%Y}"


def span(seconds: int) -> str:
    """Return working time as days of eight hours and hours; minutes only below an hour."""
    days, rest = divmod(seconds, WORKING_DAY_S)
    hours = rest // HOUR_S
    if days or hours:
        return " ".join([f"{days} ngày"] * bool(days) + [f"{hours} giờ"] * bool(hours)) + " làm việc"
    return f"{max(rest // MINUTE_S, 1)} phút làm việc"


def between(start: datetime, end: datetime, calendar: WorkCalendar) -> str:
    """Return the working time between two instants, or calendar days where the calendar does not reach."""
    try:
        return span(open_seconds(calendar, start=start, end=end))
    except CalendarEndsError:
        return f"{max((end - start).days, 1)} ngày theo lịch"


def late_text(obligation: ObligationChanged, *, at: datetime, calendar: WorkCalendar) -> str:
    assert obligation.due_at
    if obligation.state == "paused":
        return "quá hạn, đang tạm dừng"
    return f"quá hạn {between(obligation.due_at, at, calendar)}"


def left_text(obligation: ObligationChanged, *, at: datetime, calendar: WorkCalendar) -> str:
    assert obligation.due_at
    return f"còn {between(at, obligation.due_at, calendar)}"


def settled_text(obligation: ObligationChanged, *, calendar: WorkCalendar) -> str:
    """Return how a matter stopped being late: it ended, or its due time moved."""
    if obligation.state != "ended":
        if obligation.due_at is None:
            return "không còn hạn"
        return f"hạn được dời đến {instant(obligation.due_at, calendar)}"
    said = ENDS[obligation.end] if obligation.end else "đã kết thúc"
    if obligation.ended_at is None:
        return said
    said += f" lúc {instant(obligation.ended_at, calendar)}"
    if obligation.due_at and obligation.ended_at > obligation.due_at:
        said += f", trễ hạn {between(obligation.due_at, obligation.ended_at, calendar)}"
    return said


def addressee(head_title: str, name: str) -> str:
    """Return how a unit's head is addressed; words that end the title and begin the unit's name are said once."""
    title, words = head_title.split(), name.split()
    for shared in range(min(len(title), len(words)), 0, -1):
        if [word.casefold() for word in title[-shared:]] == [word.casefold() for word in words[:shared]]:
            return " ".join([*title, *words[shared:]])
    return " ".join([*title, "–", *words])
