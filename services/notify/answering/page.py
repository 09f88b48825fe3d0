"""The page of a link: plain HTML that needs no script and loads nothing. Pure; everything is escaped at the exit."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from services.notify.answering.deciding import Refusal
from services.notify.answering.shapes import REASON_LETTERS
from services.notify.pressing import stays
from services.notify.pressing.rules import Rules
from services.notify.pressing.stays import Stays
from services.notify.telling.wording import about, day, instant, late_text, promise_text
from shared.events import AnswerKind, Holding, ObligationChanged
from shared.worktime import WorkCalendar

SHOWN = 200  # matters that have a line of their own; a phone has to load them
STYLE = (
    "body{font-family:sans-serif;max-width:46em;margin:0 auto;padding:1em;line-height:1.5;color:#222}"
    "h1{font-size:1.3em}h2{font-size:1.1em}input[type=date],select,textarea,button{font:inherit;padding:.3em}"
    "textarea{width:100%;box-sizing:border-box}button{padding:.6em 1.2em}fieldset{margin:1em 0;border:1px solid #aaa}"
    ".matters{list-style:none;padding:0}.matters li{border-top:1px solid #ddd;padding:.5em 0;overflow-wrap:anywhere}"
    ".hint{color:#555}.problem{border-left:.3em solid #a00;padding:.3em .8em;background:#fee}"
    ".reason{white-space:pre-line;overflow-wrap:anywhere}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address is the capability
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
REFUSED: Mapping[Refusal, str] = {
    "closed": "đã giải quyết xong hoặc không còn quá hạn",
    "not_yours": "không có trong thông báo này hoặc đã chuyển đơn vị khác",
    "paused": "đang tạm dừng, trong thời gian này không bị đôn đốc",
    "standing": "đang có một trả lời khác còn hiệu lực",
    "used_up": "đã hết số lần được hẹn lại",
    "too_far": "ngày hẹn quá xa",
    "past": "ngày hẹn đã qua",
    "not_later": "ngày hẹn lại phải sau ngày đã hẹn",
    "said_before": "đã báo một lần, đơn vị vận hành đã hoặc đang xem xét; xin liên hệ trực tiếp",
}
SAID: Mapping[AnswerKind, str] = {
    "settled": "đã báo giải quyết xong",
    "not_ours": "đã báo không thuộc trách nhiệm của đơn vị",
}
PROBLEMS: Mapping[int, tuple[str, str]] = {
    404: ("Liên kết không đúng", "Xin mở lại liên kết trong thư, hoặc sao chép đầy đủ địa chỉ của liên kết."),
    410: ("Liên kết đã hết hiệu lực", "Xin dùng liên kết trong thông báo mới nhất."),
    413: ("Nội dung quá dài", "Xin rút gọn nội dung rồi gửi lại."),
    429: ("Quá nhiều lần truy cập", "Xin chờ một phút rồi thử lại."),
    503: ("Hệ thống tạm thời chưa phục vụ được", "Chưa có gì được ghi nhận. Xin thử lại sau ít phút."),
}


@dataclass(frozen=True, slots=True)
class View:
    """What a link shows. open: matters, up to SHOWN of `total`, with what this post answered about each."""

    post: str
    unit: str
    slot: datetime
    items: int
    open: Sequence[tuple[ObligationChanged, Stays]]
    total: int
    given: Sequence[Mapping[str, Any]]
    deputies: Sequence[Holding]
    expires_at: datetime
    at: datetime
    rules: Rules

    @property
    def calendar(self) -> WorkCalendar:
        """That of the unit, which promises are counted by."""
        return self.rules.calendar_of(self.post)

    @property
    def today(self) -> date:
        return self.at.astimezone(self.calendar.zone).date()

    @property
    def last_day(self) -> date:
        return stays.last_day(self.rules.policy.promises, calendar=self.calendar, at=self.at)


def render(view: View, *, problems: Sequence[str] = ()) -> str:
    """Return the page. problems: why what was sent is not taken, in words for the head."""
    calendar = view.calendar
    return _template().render(
        style=STYLE,
        title="",
        unit=view.unit,
        slot=instant(view.slot, calendar),
        items=view.items,
        problems=problems,
        given=[_given(one, view) for one in view.given],
        rows=[_row(obligation, answers, view) for obligation, answers in view.open],
        total=view.total,
        more=view.total - len(view.open),
        today=view.today.isoformat(),
        last_day=view.last_day.isoformat(),
        last_day_text=day(view.last_day),
        letters=REASON_LETTERS,
        renewals=view.rules.policy.promises.renewals,
        deputies=view.deputies,
        expires=instant(view.expires_at, calendar),
    )


def problem(status: int) -> str:
    """Return the page that says why a link or what was sent with it cannot be used."""
    title, said = PROBLEMS.get(status, ("Chưa gửi được", "Xin mở lại liên kết trong thư rồi thử lại."))
    return _template().render(style=STYLE, title=title, text=said)


def refused(refusals: Mapping[str, Refusal], view: View) -> list[str]:
    """Return each reason of refusals once, with the number of matters and up to five of them."""
    codes = {obligation.obligation_id: obligation.subject_id for obligation, _ in view.open}
    found = []
    for why in sorted(set(refusals.values())):
        ids = [codes.get(id, id) for id, reason in sorted(refusals.items()) if reason == why]
        named = ", ".join(ids[:5]) + (", …" if len(ids) > 5 else "")
        latest = f" (muộn nhất {day(view.last_day)})" if why == "too_far" else ""
        found.append(f"Không ghi nhận cho {len(ids)} việc: {REFUSED[why]}{latest}. {named}")
    return found


def _row(obligation: ObligationChanged, answers: Stays, view: View) -> dict[str, str]:
    assert obligation.due_at
    return {
        "id": obligation.obligation_id,
        "code": obligation.subject_id,
        "about": about(obligation),
        "due": instant(obligation.due_at, view.calendar),
        "state": late_text(obligation, at=view.at, calendar=view.calendar),
        "answered": _answered(answers, view),
    }


def _answered(answers: Stays, view: View) -> str:
    """Return what this post answered about a matter, the last of each kind that counts."""
    said = [SAID[one.kind] + (", chờ xác nhận" if one.runs else "") for one in answers if one.kind != "promise"]
    if promise := stays.promised(answers):
        said.append(promise_text(missed=promise.state == "missed", until=promise.until, calendar=view.calendar))
    return "; ".join(said)


def _given(one: Mapping[str, Any], view: View) -> dict[str, str]:
    covers = f" ({one['covers']} việc)"
    match one["kind"]:
        case "promise":
            said = f"hẹn giải quyết xong trong ngày {day(one['until_on'])}{covers}"
        case "absence":
            deputy = next((d.title for d in view.deputies if d.post == one["deputy"]), one["deputy"])
            said = f"vắng mặt từ {day(one['since_on'])} đến hết {day(one['until_on'])}, người thay: {deputy}"
        case kind:
            said = f"{SAID[kind]}{covers}"
    return {"at": instant(one["answered_at"], view.calendar), "text": said, "reason": one["reason"]}


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("services.notify.answering", "templates"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("answer.html.j2")
