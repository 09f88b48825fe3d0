"""Times, spans and outcomes in the words of a digest. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import date, datetime, timedelta

from services.notify.policies.policy import part_of
from services.notify.telling.entries import Spoken
from shared.events import DueChange, End, Kind, ObligationChanged, TermName
from shared.worktime import CalendarEndsError, WorkCalendar, open_seconds

WORKING_DAY_S = 8 * 3600  # Bộ luật Lao động 2019 Đ.105(1): a normal working day has eight hours
HOUR_S, MINUTE_S, DAY_S = 3600, 60, 86_400
SECOND = timedelta(seconds=1)

ENDS: Mapping[End, str] = {
    "completed": "đã có kết quả",
    "refused": "đã từ chối giải quyết",
    "withdrawn": "đã được rút",
    "stopped": "đã dừng giải quyết",
    "answered": "đã trả lời",
    "accepted": "đã tiếp nhận",
    "supplement_asked": "đã yêu cầu bổ sung hồ sơ",
    "passed_on": "đã chuyển sang bước tiếp theo",
    "resumed": "đã tiếp tục giải quyết",
    "submitted": "đã nộp báo cáo, minh chứng",
    "void": "không còn là việc phải theo dõi",
}
ENDS_OF: Mapping[tuple[Kind, End], str] = {  # other words for one kind
    ("reception", "refused"): "đã từ chối tiếp nhận",
    ("plan_item", "submitted"): "đã báo cáo hoàn thành",
    ("recommendation", "submitted"): "đã trả lời",
}
ENDS_OF_PARTS: Mapping[tuple[TermName, End], str] = {  # of what is owed in a feedback beside its answer
    ("screening", "answered"): "đã phân loại",
    ("screening", "refused"): "đã từ chối tiếp nhận",
    ("acceptance", "answered"): "đã thụ lý",
    ("acceptance", "refused"): "đã thông báo không thụ lý",
    ("settlement", "answered"): "đã giải quyết",
    ("publication", "answered"): "đã công khai",
}
CONFIDENTIAL = "vụ việc thuộc diện bảo mật"
NOUNS: Mapping[Spoken, str] = {
    "dossier": "hồ sơ",
    "reception": "việc tiếp nhận hồ sơ nộp trực tuyến",
    "step": "bước xử lý hồ sơ",
    "pause": "hồ sơ tạm dừng chờ người nộp",
    "answer": "phản ánh, kiến nghị",
    "remediation": "nhiệm vụ khắc phục theo kết luận kiểm tra, thanh tra",
    "report": "báo cáo định kỳ",
    "plan_item": "nhiệm vụ trong kế hoạch cải cách hành chính",
    "recommendation": "việc trả lời kiến nghị xử lý kỷ luật",
    "other": "việc",
}
REASONS: Mapping[DueChange, str] = {
    "calendar": "lịch làm việc thay đổi",
    "procedure": "thời hạn của thủ tục thay đổi",
    "directory": "danh mục đơn vị thay đổi",
}


def noun(kinds: Set[Spoken]) -> str:
    """Return what to call matters of these kinds, behind a number."""
    return NOUNS[next(iter(kinds)) if len(kinds) == 1 else "other"]


def matter(obligation: ObligationChanged) -> str:
    """Return what one matter is; steps of a dossier have its code, only who holds them tells one from another.

    What is owed in a feedback is told by its title; of what is confidential nothing is.
    """
    if obligation.confidential:
        return CONFIDENTIAL
    if obligation.kind == "answer" and obligation.title:
        return obligation.title
    if obligation.kind == "step" and obligation.unit_name:
        return f"bước xử lý của {obligation.unit_name}"
    return NOUNS[obligation.kind]


def about(obligation: ObligationChanged, *, says_kind: bool = True) -> str:
    """Return what a matter is about, as its line says it. says_kind: matters of several kinds stand together."""
    if obligation.confidential:
        return CONFIDENTIAL
    kind = matter(obligation) if says_kind or obligation.kind == "step" else None
    title = obligation.title if obligation.title != kind else None
    return " · ".join(word for word in (kind, title, obligation.field, obligation.procedure) if word)


def instant(at: datetime, calendar: WorkCalendar) -> str:
    return f"{at.astimezone(calendar.zone):%H:%M %d/%m/%Y}"


def day(on: date) -> str:
    return f"{on:%d/%m/%Y}"


def promise_text(*, missed: bool, until: datetime, calendar: WorkCalendar) -> str:
    """Return what was promised. until: the 24:00 of the day promised."""
    said = f"đã hẹn giải quyết xong trong ngày {day((until - SECOND).astimezone(calendar.zone).date())}"
    return f"{said} nhưng chưa thực hiện" if missed else said


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
    late = between(obligation.due_at, at, calendar)
    if obligation.kind == "pause":
        return f"quá thời hạn chờ người nộp {late}; cần quyết định dừng hoặc tiếp tục giải quyết"
    return f"quá hạn {late}"


def left_text(obligation: ObligationChanged, *, at: datetime, calendar: WorkCalendar) -> str:
    assert obligation.due_at
    return f"còn {between(at, obligation.due_at, calendar)}"


def settled_text(obligation: ObligationChanged, *, calendar: WorkCalendar) -> str:
    """Return how a matter stopped being late: it ended, or its due time moved."""
    if obligation.state != "ended":
        because = f" ({REASONS[obligation.because]})" if obligation.because else ""
        if obligation.due_at is None:
            return f"không còn hạn{because}"
        moved = "được gia hạn đến" if "extended" in obligation.flags else "hạn được dời đến"
        how = "hạn được tính lại là" if because else moved
        return f"{how} {instant(obligation.due_at, calendar)}{because}"
    said = _end(obligation)
    if obligation.ended_at is None or obligation.end == "void":
        return said
    said += f" lúc {instant(obligation.ended_at, calendar)}"
    if obligation.due_at and obligation.ended_at > obligation.due_at:
        said += f", trễ hạn {between(obligation.due_at, obligation.ended_at, calendar)}"
    return said


def _end(obligation: ObligationChanged) -> str:
    if obligation.end is None:
        return "đã kết thúc"
    if obligation.confidential and obligation.end != "void":
        return "đã kết thúc"
    part = part_of(obligation.obligation_id, kind=obligation.kind)
    if part and (said := ENDS_OF_PARTS.get((part, obligation.end))):
        return said
    return ENDS_OF.get((obligation.kind, obligation.end), ENDS[obligation.end])


def held_text(obligation: ObligationChanged, holder: str, *, calendar: WorkCalendar) -> str:
    """Return why another unit than the one that received a late dossier is pressed for it."""
    said = f"chậm ở bước xử lý của {holder}"
    if obligation.holder_due_at is None:
        return said
    return f"{said}, hạn của bước này {instant(obligation.holder_due_at, calendar)}"


def addressee(head_title: str, name: str) -> str:
    """Return how a unit's head is addressed; words that end the title and begin the unit's name are said once."""
    title, words = head_title.split(), name.split()
    for shared in range(min(len(title), len(words)), 0, -1):
        if [word.casefold() for word in title[-shared:]] == [word.casefold() for word in words[:shared]]:
            return " ".join([*title, *words[shared:]])
    return " ".join([*title, "–", *words])
