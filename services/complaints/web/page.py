"""The pages as people read them: words, dates, templates. Pure; everything is escaped at the exit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.complaints.publishing.wording import Choices, PublishedPage
from services.complaints.web import forms
from services.complaints.web.desk import Filed, Followed
from services.complaints.web.forms import Draft
from shared.clock import PROVINCE_ZONE
from shared.events import FeedbackState

HERE = Path(__file__).parent
STATIC = {"pages.css": "text/css", "work.js": "text/javascript", "mark.svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
WITH_SCRIPT = {**HEADERS, "Content-Security-Policy": f"{POLICY}; script-src 'self'"}
PRIVATE = {**HEADERS, "X-Robots-Tag": "noindex, nofollow"}
STATES: Mapping[FeedbackState, tuple[str, str]] = {
    "received": ("Đã nhận, đang xem xét", "Cơ quan tiếp nhận đang xem xét nội dung và xác định đơn vị giải quyết."),
    "supplement_asked": (
        "Chờ Ông/Bà bổ sung thông tin",
        "Cơ quan giải quyết cần thêm thông tin. Thời hạn giải quyết tạm dừng cho đến khi Ông/Bà bổ sung.",
    ),
    "accepted": ("Đã tiếp nhận, đang giải quyết", "Đơn vị có trách nhiệm đang giải quyết."),
    "refused": ("Không được tiếp nhận giải quyết", "Lý do được nêu dưới đây."),
    "answered": ("Đã trả lời", "Nội dung trả lời được nêu dưới đây."),
    "published": ("Đã trả lời và công khai kết quả", "Nội dung trả lời được nêu dưới đây."),
    "joined": (
        "Được giải quyết chung với phản ánh cùng nội dung",
        "Kết quả giải quyết sẽ được trả lời chung cho các phản ánh cùng nội dung.",
    ),
}
PROBLEMS: Mapping[int, tuple[str, str]] = {
    400: ("Chưa nhận được đầy đủ", "Việc gửi bị gián đoạn hoặc biểu mẫu không đúng. Xin mở lại trang và gửi lại."),
    404: ("Không tìm thấy trang này", "Xin kiểm tra lại địa chỉ, hoặc chọn một mục ở đầu trang."),
    405: ("Không tìm thấy trang này", "Xin chọn một mục ở đầu trang."),
    408: ("Đường truyền quá chậm", "Chưa có gì được ghi nhận. Xin gửi lại, nếu cần thì bớt tệp đính kèm."),
    409: ("Chưa thực hiện được", "Tình trạng của phản ánh đã thay đổi. Xin tra cứu lại."),
    413: ("Dung lượng quá lớn", "Chưa có gì được ghi nhận. Xin bớt hoặc giảm dung lượng tệp đính kèm rồi gửi lại."),
    415: ("Chưa nhận được biểu mẫu", "Xin mở lại trang và gửi bằng biểu mẫu trên trang."),
    429: ("Gửi quá nhiều lần", "Xin chờ khoảng một phút rồi thử lại. Chưa có gì được ghi nhận ở lần gửi này."),
    503: ("Hệ thống tạm thời chưa phục vụ được", "Chưa có gì được ghi nhận. Xin thử lại sau ít phút."),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The work asked of who files. question: in words. token, bits: what a script finds a number for."""

    question: str
    token: str
    bits: int


@dataclass(frozen=True, slots=True)
class Takes:
    """The attachments taken. accepts: for the browser's chooser: endings, separated by commas."""

    files: int
    file_bytes: int
    accepts: str


def file_form(draft: Draft, *, token: str, units: Sequence[str], asked: Asked | None, takes: Takes, sent: bool) -> str:
    """Return the form for a feedback. sent: it was sent and is shown again, so that files must be chosen again."""
    return _render("file.html", draft=draft, token=token, units=units, asked=asked, takes=takes, sent=sent)


def filed(filed: Filed, *, unsigned_denunciation: bool) -> str:
    """Return the page with code and secret."""
    return _render("filed.html", filed=filed, unsigned_denunciation=unsigned_denunciation)


def follow_form(draft: Draft) -> str:
    return _render("follow.html", draft=draft)


def followed(found: Followed, *, secret: str, draft: Draft, done: str, takes: Takes) -> str:
    """Return how a feedback stands, with what its sender can do. done: what was just done, in words."""
    state, said = STATES[found.state]
    return _render(
        "followed.html",
        found=found,
        state=state,
        state_said=said,
        secret=secret,
        draft=draft,
        done=done,
        takes=takes,
        sent=bool(draft.problems),
    )


def published(found: PublishedPage, choices: Choices, *, unit: str, field: str, older: str, begins: bool) -> str:
    """Return what all may read. older: the address of the next page; empty: none. begins: it is the first page."""
    return _render(
        "published.html", found=found.found, choices=choices, unit=unit, field=field, older=older, begins=begins
    )


def problem(status: int, *, title: str = "", text: str = "") -> str:
    """Return the page that says why a call came to nothing."""
    known = PROBLEMS.get(status, ("Chưa thực hiện được", "Xin thử lại sau ít phút."))
    return _render("problem.html", title=title or known[0], text=text or known[1])


def asset(name: str) -> bytes:
    """Return a static file; `name` is one of STATIC."""
    return (HERE / "static" / name).read_bytes()


def in_words(bytes: int) -> str:
    """Return a size as people read it."""
    return f"{bytes / (1 << 20):g} MB" if bytes >= 1 << 20 else f"{bytes / (1 << 10):g} kB"


def when(at: datetime) -> str:
    """Return an instant as read in the province: 09 giờ 05 phút, ngày 20/11/2026."""
    return f"{at.astimezone(PROVINCE_ZONE):%H giờ %M phút, ngày %d/%m/%Y}"


def day(on: date) -> str:
    return f"{on:%d/%m/%Y}"


@cache
def _pages() -> Environment:
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"when": when, "day": day, "size": in_words}
    pages.globals |= {
        "LABELS": forms.LABELS,
        "KINDS": forms.KINDS,
        "RATINGS": forms.RATINGS,
        "TEXT_LETTERS": forms.TEXT_LETTERS,
        "LINE_LETTERS": forms.LINE_LETTERS,
        "TRAP": forms.TRAP,
    }
    return pages


def _render(name: str, **more: Any) -> str:
    return _pages().get_template(name).render(**more)
