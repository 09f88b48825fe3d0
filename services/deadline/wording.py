"""Due dates in Vietnamese sentences, for people who ask why a date is what it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from services.deadline.limits import Limit

UNITS: Mapping[str, str] = {
    "working_minutes": "phút làm việc",
    "working_hours": "giờ làm việc",
    "working_days": "ngày làm việc",
    "calendar_days": "ngày",
    "weeks": "tuần",
    "months": "tháng",
}
BECAUSE: Mapping[str, str] = {
    "calendar": "lịch làm việc thay đổi",
    "procedure": "thời hạn của thủ tục thay đổi",
    "directory": "danh mục đơn vị thay đổi",
}
SLOTS: Mapping[str, str] = {
    "about": "thông tin chung",
    "filed": "thời điểm nộp",
    "accepted": "thời điểm tiếp nhận",
    "given": "ngày giao",
    "due": "hạn trả kết quả",
    "standing": "tình trạng xử lý",
    "supplement": "yêu cầu bổ sung",
    "pause": "lần tạm dừng",
    "apology": "văn bản xin lỗi",
    "step": "bước xử lý",
    "transfer": "lần chuyển đơn vị",
    "slip": "số biên nhận",
    "returned": "thời điểm trả kết quả",
    "digital": "thông tin về dịch vụ trực tuyến",
}
OPERATOR = "người vận hành"
HOLIDAY = "holiday: "
UNTOLD = frozenset(("working day", "calendar day", "day off", "day of the start", "open hours"))  # most of all steps
NAMED = 3  # holidays and pauses told one by one; of more the number


def sentence(*, start: datetime, due_at: datetime, limit: Limit, steps: Sequence[Mapping[str, Any]]) -> str:
    """Return one sentence that says how a due time of ours comes about. steps: as `worktime.explain` gives them."""
    steps = [step for step in steps if step["why"] not in UNTOLD]
    parts = [part for part in (_holidays(steps), _pauses(steps), _rolled(steps)) if part]
    told = f"; {'; '.join(parts)}" if parts else ""
    return f"Tính từ {instant(start)}, thời hạn {length(limit)}{told}; hạn là {instant(due_at)}."


def of_local_software(*, start: datetime, due_at: datetime, limit: Limit, by_working_days: bool) -> str:
    """Return one sentence that says how the local one-stop software comes to its due time."""
    counted = (
        "không tính thứ Bảy (kể cả thứ Bảy làm bù), Chủ nhật và ngày nghỉ trong danh mục"
        if by_working_days
        else "tính mọi ngày, ngày cuối là thứ Bảy, Chủ nhật hoặc ngày nghỉ trong danh mục thì chuyển sang ngày kế tiếp"
    )
    told = f"từ {instant(start)}, thời hạn {length(limit)}, {counted}; hạn là {instant(due_at)}."
    return f"Theo cách tính của phần mềm một cửa tại địa phương: {told}"


def of_source(*, source: str, due_at: datetime, moved: bool) -> str:
    """Return the sentence on a due time that a source announced, or that pauses moved from there."""
    if moved:
        return f"Hạn do {source} báo được lùi theo thời gian tạm dừng, thành {instant(due_at)}."
    return f"Hạn {instant(due_at)} do {source} báo; hạn này là căn cứ xác định đúng hạn hay trễ hạn."


def of_letters(letters: Sequence[Mapping[str, Any]]) -> str:
    """Return the sentence on letters of apology. letters: `issued`, `due_before`, `due_after`, `in_time`."""
    last = letters[-1]
    told = f"Đã có {len(letters)} văn bản xin lỗi và đề nghị gia hạn, gần nhất lúc {_short(last['issued'])}"
    told += f", hẹn lại {_short(last['due_after'])}"
    if last["in_time"] is False:
        told += "; gửi chậm, không trước hạn ít nhất một ngày làm việc"
    return f"{told}."


def of_extension(*, limit: Limit, due_at: datetime) -> str:
    """Return the sentence on a limit that was extended as the law allows. limit, due_at: what they were before."""
    return f"Thời hạn đã được gia hạn theo quy định; thời hạn ban đầu là {length(limit)}, hạn {instant(due_at)}."


def of_pause(*, projected: datetime) -> str:
    """Return the sentence on a clock that stands. projected: the due time if it went on now."""
    return f"Đang tạm dừng tính thời hạn; nếu tiếp tục ngay thì hạn là {instant(projected)}."


def of_ambiguous(said: str, names: Sequence[str]) -> str:
    """Return the sentence on a unit that may be any of several: which they are, and what is missing."""
    several = ", ".join(names)
    return f"Chưa xác định được đơn vị chịu trách nhiệm: “{said}” có thể là một trong {len(names)} đơn vị: {several}."


def of_move(*, before: datetime | None, after: datetime | None, because: str) -> str:
    """Return the sentence on the last time that news of a calendar, a limit or a unit moved a due time of ours."""
    was = f"trước là {instant(before)}" if before else "trước chưa có"
    now = f"nay là {instant(after)}" if after else "nay không còn"
    return f"Hạn tính theo quy định được tính lại do {BECAUSE[because]}: {was}, {now}."


def of_corrections(corrected: Mapping[str, Any], *, left: bool) -> Iterator[str]:
    """Yield the sentences on what people put right. corrected: as `corrections.told`. left: something still counts."""
    if dossier := corrected["part_of"]:
        yield f"Mã này và mã {dossier} là của cùng một hồ sơ; hồ sơ được theo dõi theo mã {dossier}."
    if corrected["joined"]:
        yield f"Hồ sơ này còn có mã khác: {', '.join(corrected['joined'])}."
    retracted = corrected["retracted"]
    for one in retracted[-NAMED:]:
        slot = SLOTS.get(one["slot"].split(".")[0], one["slot"])
        value = f" {_short(one['value'])}" if one["slot"] in ("due", "accepted", "filed", "given", "returned") else ""
        by = OPERATOR if one["retracted_by"] == "operator" else one["retracted_by"]
        yield (
            f"Không tính {slot}{value} do {one['said_by']} báo: {by} đã rút lại lúc {_short(one['retracted_at'])}, "
            f"lý do: {one['reason'].rstrip('.')}."
        )
    if len(retracted) > NAMED:
        yield f"Tổng cộng {len(retracted)} thông tin đã được rút lại."
    if not left and not corrected["part_of"]:
        yield "Không còn thông tin nào được tính, nên không theo dõi hạn."


def length(limit: Limit) -> str:
    basis = f" (căn cứ {limit.basis})" if limit.basis else ""
    if limit.unit == "same_day":
        return f"trong ngày, nhận sau 15:00 thì sang ngày làm việc kế tiếp{basis}"
    value = f"{limit.value:g}".replace(".", ",")
    return f"{value} {UNITS[limit.unit]}{basis}"


def instant(at: datetime) -> str:
    """Return a time as it is written in letters; seconds only where there are some."""
    clock = f"{at.hour:02}:{at.minute:02}"
    return f"{clock}:{at.second:02} ngày {_day(at)}" if at.second else f"{clock} ngày {_day(at)}"


def _day(on: date) -> str:
    return f"{on.day:02}/{on.month:02}/{on.year}"


def _holidays(steps: Sequence[Mapping[str, Any]]) -> str:
    named = [(step["on"], step["why"].removeprefix(HOLIDAY)) for step in steps if step["why"].startswith(HOLIDAY)]
    if len(named) > NAMED:
        return f"không tính {len(named)} ngày nghỉ lễ, tết"
    days = ", ".join(f"{_day(date.fromisoformat(on))} ({name})" for on, name in named)
    return f"không tính ngày {days}" if named else ""


def _pauses(steps: Sequence[Mapping[str, Any]]) -> str:
    spans = [step for step in steps if step["why"].startswith("paused") and "from" in step]
    if not spans:
        days = sum(step["why"] == "paused" for step in steps)
        return f"không tính {days} ngày tạm dừng" if days else ""
    if len(spans) > NAMED:
        return f"cộng thời gian {len(spans)} lần tạm dừng"
    told = ", ".join(f"từ {_short(step['from'])} đến {_short(step['to'])}" for step in spans)
    return f"cộng thời gian tạm dừng {told}"


def _rolled(steps: Sequence[Mapping[str, Any]]) -> str:
    rolled = any(step["why"].startswith("last day was off") for step in steps)
    return "ngày cuối là ngày nghỉ nên hạn chuyển sang ngày làm việc kế tiếp" if rolled else ""


def _short(iso: str) -> str:
    return instant(datetime.fromisoformat(iso))
