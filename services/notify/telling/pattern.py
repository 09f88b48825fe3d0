"""The mail that tells a head above of many feedbacks about one unit or officer. Pure.

It names the unit where nothing confidential is counted; an officer never, and of what is confidential the number alone.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from services.notify.stored import Notice
from services.notify.telling import texts, why
from services.notify.telling.why import Why
from services.notify.telling.wording import addressee, day
from shared.events import PatternSeen, UnitDescribed
from shared.worktime import WorkCalendar


def id_of(pattern: PatternSeen) -> str:
    """Return the id of its notice: of a pattern said again with the same revision it is the same."""
    return hashlib.sha256(f"pattern {pattern.code} {pattern.revision}".encode()).hexdigest()[:24]


def notice(
    pattern: PatternSeen, contact: UnitDescribed, *, post: str, about: str, calendar: WorkCalendar, at: datetime
) -> Notice:
    """Return the mail. contact: the unit that is told, with who heads it and an address. about: name of the unit."""
    whom = _whom(pattern, about)
    since, until = (one.astimezone(calendar.zone).date() for one in (pattern.since, pattern.until))
    values = {
        "addressee": addressee(contact.head_title, contact.name),
        "code": pattern.code,
        "count": pattern.count,
        "whom": whom,
        "since": day(since),
        "until": day(until),
        "confidential": pattern.restricted,
        "why": why.said([Why.PATTERN]),
    }
    text, html = texts.filled("pattern", values)
    return Notice(
        id=id_of(pattern),
        post=post,
        role="head",
        channel="email",
        slot=at,
        status="stored",
        reason="",
        recipient=contact.email or "",
        subject=f"[Đôn đốc] {pattern.count} phản ánh về {whom}: đề nghị xem xét ({pattern.code})",
        text_body=text,
        html_body=html,
        items=0,
        stored_at=at,
        traces=[],
        kind="pattern",
        why=(Why.PATTERN,),
        template=texts.version("pattern"),
    )


def _whom(pattern: PatternSeen, about: str) -> str:
    if pattern.restricted:
        return "một đầu mối thuộc phạm vi quản lý"
    return about if pattern.about_kind == "unit" else "một cán bộ thuộc phạm vi quản lý"
