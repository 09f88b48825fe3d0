"""What is said in place of a notice that did not arrive. Pure; texts are in templates/.

As in a digest: codes, fields and dates, never an applicant's name; an SMS says how many, never which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from services.notify.policies.ladder import late_from
from services.notify.receipts.road import Way
from services.notify.telling import gsm7
from services.notify.telling.wording import about, addressee, instant, late_text, left_text
from shared.events import NoticeChannel, ObligationChanged
from shared.worktime import WorkCalendar

CHANNELS = {"email": "thư điện tử", "sms": "tin nhắn SMS"}


@dataclass(frozen=True, slots=True)
class Lost:
    """The notice that did not arrive. unit: the name of the unit whose head it was for."""

    channel: NoticeChannel
    unit: str
    slot: datetime


def letter(
    way: Way,
    matters: Sequence[ObligationChanged],
    *,
    lost: Lost,
    at: datetime,
    max_lines: int,
    calendar: WorkCalendar,
    answer_url: str = "",
) -> tuple[str, str, str]:
    """Return subject, plain text and HTML of a mail. answer_url: where who gets it can answer; empty: nowhere."""
    values = {
        "addressee": addressee(way.person.charge.title, way.person.unit.name),
        "unit": lost.unit,
        "same_person": way.why == "other_channel",
        "superior": way.person.is_superior,
        "lost": CHANNELS[lost.channel],
        "slot": instant(lost.slot, calendar),
        "at": instant(at, calendar),
        "total": len(matters),
        "rows": [_row(one, at=at, calendar=calendar) for one in matters[:max_lines]],
        "more": len(matters[max_lines:]),
        "answer_url": answer_url,
    }
    subject = f"[Đôn đốc] {lost.unit}: {len(matters)} việc cần xử lý, thông báo trước chưa đến nơi nhận"
    environment = _environment()
    return (
        f"{subject} ({values['slot']})",
        environment.get_template("instead.txt.j2").render(values),
        environment.get_template("instead.html.j2").render(values),
    )


def sms(way: Way, number: int, *, lost: Lost, calendar: WorkCalendar) -> str:
    """Return an SMS of one part; the unit's name is shortened where it must be."""
    when = f"{lost.slot.astimezone(calendar.zone):%H:%M %d/%m}"
    if way.why == "other_channel":
        what = "Thu dien tu" if lost.channel == "email" else "Tin nhan"
        end = f": {number} viec can xu ly. {what} {when} chua den noi nhan, de nghi kiem tra."
    else:
        end = f": {number} viec can xu ly. Chua bao duoc nguoi dung dau ({when}). De nghi chi dao."
    begin = "Don doc - "
    return begin + gsm7.shortened(gsm7.plain(lost.unit), room=gsm7.PART - gsm7.septets(begin + end)) + end


def _row(obligation: ObligationChanged, *, at: datetime, calendar: WorkCalendar) -> dict[str, str]:
    due_at = obligation.due_at
    if due_at is None:
        state = "không còn hạn"
    elif at < late_from(due_at):
        state = left_text(obligation, at=at, calendar=calendar)
    else:
        state = late_text(obligation, at=at, calendar=calendar)
    return {
        "code": obligation.subject_id,
        "about": about(obligation),
        "due": instant(due_at, calendar) if due_at else "",
        "state": state,
    }


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("services.notify.receipts", "templates"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
