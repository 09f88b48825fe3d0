"""The page as people read it: Vietnamese words, dates and numbers, and the templates. Pure; escapes at the exit."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.console.overview import Counts, Notice, Overview
from shared.clock import PROVINCE_ZONE
from shared.events import FeedbackState

HERE = Path(__file__).parent
STATIC = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
SENDING = {
    "record": "Chỉ ghi lại, không gửi ra ngoài",
    "allowlist": "Chỉ gửi đến địa chỉ được phép",
    "live": "Gửi thật",
    "simulated": "Gửi vào hộp thư mô phỏng",
    "paused": "Đang tạm dừng gửi",
}
ROLES = {
    "officer": "Người trực tiếp giải quyết",
    "head": "Người đứng đầu đơn vị",
    "superior": "Cơ quan cấp trên theo dõi, đôn đốc",
    "oversight": "Cơ quan theo dõi, đôn đốc chung",
    "receiving": "Đơn vị tiếp nhận, được báo để biết",
    "chairman": "Chủ tịch Ủy ban nhân dân tỉnh, trang tổng hợp tuần",
}
STATUSES = {
    "stored": "Đang chờ gửi",
    "sent": "Đã gửi",
    "failed": "Gửi không thành công",
    "withheld": "Không gửi",
    "recorded": "Chỉ ghi lại",
    "withdrawn": "Đã rút lại",
}
REASONS = {
    "recording_mode": "hệ thống đang ở chế độ chỉ ghi lại",
    "not_on_allowlist": "địa chỉ ngoài danh sách được phép",
    "no_contact": "đơn vị chưa có địa chỉ thư",
    "over_cap": "vượt số tin tối đa trong ngày",
    "nothing_left": "việc nêu trong tin không còn phải báo",
    "no_gateway": "chưa cấu hình cổng tin nhắn SMS",
}
REASONS_OF_SMS = {
    "not_on_allowlist": "số điện thoại ngoài danh sách được phép",
    "no_contact": "người đứng đầu chưa có số điện thoại",
}  # in other words than of a mail
CHANNELS = {"email": "Thư điện tử", "sms": "Tin nhắn SMS", "webhook": "Gửi sang hệ thống khác"}
SOURCES = {"complaints": "Phản ánh, kiến nghị của người dân"}
STREAMS = {
    "DEADLINE": "Dịch vụ thời hạn",
    "COMPLAINTS": "Dịch vụ phản ánh, kiến nghị",
    "NOTIFY": "Dịch vụ đôn đốc",
}
KINDS: dict[str, str] = {
    "dossier": "Hồ sơ",
    "reception": "Tiếp nhận hồ sơ nộp trực tuyến",
    "step": "Bước xử lý hồ sơ",
    "pause": "Tạm dừng chờ người nộp",
    "answer": "Trả lời phản ánh, kiến nghị",
    "answer/screening": "Tiếp nhận, phân loại phản ánh, kiến nghị",
    "answer/acceptance": "Thụ lý khiếu nại",
    "answer/settlement": "Giải quyết khiếu nại",
    "answer/publication": "Công khai kết quả trả lời",
    "remediation": "Khắc phục theo kết luận kiểm tra, thanh tra",
    "report": "Báo cáo định kỳ",
    "plan_item": "Nhiệm vụ trong kế hoạch cải cách hành chính",
    "recommendation": "Trả lời kiến nghị xử lý kỷ luật",
}
FEEDBACK: dict[FeedbackState, str] = {
    "received": "Mới tiếp nhận",
    "supplement_asked": "Chờ bổ sung thông tin",
    "accepted": "Đang giải quyết",
    "answered": "Đã trả lời",
    "published": "Đã công khai kết quả",
    "refused": "Từ chối tiếp nhận",
    "joined": "Đã ghép vào phản ánh khác",
}
BAR_UNITS = 100  # width of a bar in its own coordinates


def when(at: datetime) -> str:
    """Return an instant as read in the province: 20/11/2026 09:00."""
    return f"{at.astimezone(PROVINCE_ZONE):%d/%m/%Y %H:%M}"


def today(at: datetime) -> str:
    """Return an instant with its weekday."""
    return f"{WEEKDAYS[at.astimezone(PROVINCE_ZONE).weekday()]}, {when(at)}"


def lasting(span: timedelta) -> str:
    """Return a length of time by its largest unit, rounded down."""
    minutes = int(max(span, timedelta()).total_seconds()) // 60
    for size, word in ((24 * 60, "ngày"), (60, "giờ")):
        if minutes >= size:
            return f"{number(minutes // size)} {word}"
    return f"{minutes} phút"


def number(count: int) -> str:
    """Return a whole number with dots between thousands."""
    return f"{count:,}".replace(",", ".")


def reason(notice: Notice) -> str:
    """Return why a notice is where it is."""
    of_channel = REASONS_OF_SMS if notice.channel == "sms" else {}
    return of_channel.get(notice.reason) or REASONS.get(notice.reason, notice.reason)


def bar(line: Counts) -> list[tuple[str, float, float]]:
    """Return the parts of a unit's bar: what they show, where they begin and how wide they are."""
    whole = line.open + line.paused
    parts, at = [], 0.0
    for kind, count in (("overdue", line.overdue), ("soon", line.soon)):
        width = BAR_UNITS * count / whole if whole else 0
        parts.append((kind, round(at, 2), round(width, 2)))
        at += width
    return parts


PAGES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
PAGES.filters |= {"when": when, "today": today, "lasting": lasting, "number": number, "bar": bar, "reason": reason}
PAGES.globals |= {
    "ROLES": ROLES,
    "STATUSES": STATUSES,
    "CHANNELS": CHANNELS,
    "SOURCES": SOURCES,
    "STREAMS": STREAMS,
    "KINDS": KINDS,
    "FEEDBACK": FEEDBACK,
    "SENDING": SENDING,
}


def live(overview: Overview, **more: Any) -> str:
    """Return the part of the page that is renewed every two seconds."""
    return PAGES.get_template("live.html").render(overview=overview, **more)


def whole(overview: Overview, **more: Any) -> str:
    return PAGES.get_template("page.html").render(overview=overview, **more)


def login(*, refused: bool) -> str:
    return PAGES.get_template("login.html").render(refused=refused)


def asset(name: str) -> bytes:
    """Return a static file; `name` is one of STATIC."""
    return (HERE / "static" / name).read_bytes()
