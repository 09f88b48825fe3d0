"""Takes that a head is away and a deputy stands in, and tells that head of it: anybody may have had the link."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import cases, saying
from services.notify.addressing import absences
from services.notify.addressing.absences import Absence
from services.notify.answering import store
from services.notify.answering.shapes import Absent
from services.notify.answering.tokens import Link
from services.notify.cases import Case
from services.notify.pressing.rules import Rules
from services.notify.pressing.stays import working_days_on
from services.notify.stored import Notice
from services.notify.telling import notices, texts, why
from services.notify.telling.rendering import notice_id
from services.notify.telling.why import Why
from services.notify.telling.wording import addressee, day, instant
from shared import metrics
from shared.clock import PROVINCE_ZONE
from shared.cloudevents import Outgoing
from shared.events import Holding, UnitDescribed
from shared.worktime import WorkCalendar

LONGEST = timedelta(days=92)  # beyond, the directory has to say it


class AbsenceError(ValueError):
    """The absence cannot be as told: no_posts, stand_in (the link went to another than the head), days, deputy."""


async def tell(
    connection: AsyncConnection, link: Link, answer: Absent, *, rules: Rules, at: datetime
) -> list[Outgoing]:
    """Let a deputy stand in for who heads the unit, let the operator see to the directory, and tell the head.

    returns: what is said of the mail; nothing where the same was told before. raises: AbsenceError.
    """
    unit = await absences.find_unit(connection, link.post, lock=True)
    today = at.astimezone(PROVINCE_ZONE).date()
    head = absences.heading(unit, on=today) if unit else None
    if unit is None or head is None:
        raise AbsenceError("no_posts")
    sent = await store.get_sent(connection, link)
    if not absences.is_own_mail(unit, recipient=sent.recipient, why=sent.why, on=today):
        raise AbsenceError("stand_in")
    _, told = await absences.standing(connection)
    old = told.get(link.post)
    same = old and (old.since, old.until, old.deputy) == (answer.since, answer.until, answer.deputy)
    if old and same and old.unit_revision == unit.revision:  # else the directory has spoken since, and it holds no more
        return []
    _check(answer, unit, today=today)
    absence = Absence(unit.code, unit.revision, head.post, answer.deputy, answer.since, answer.until, today)
    await absences.put(connection, absence, at=at)
    id = await store.add_answer(
        connection, link, kind="absence", since_on=answer.since, until_on=answer.until, deputy=answer.deputy, at=at
    )
    decide_by = working_days_on(rules.calendar, at=at, days=rules.policy.promises.decide_working_days)
    await cases.open_all(connection, [Case("own_absence", unit.code, unit.code, answer_by=decide_by)], at=at)
    notice = _notice(id, absence, unit, head, recipient=sent.recipient, slot=sent.slot, rules=rules, at=at)
    await notices.add_notices(connection, [notice])
    metrics.notices.labels(notice.channel, notice.status).inc()
    return [saying.stored(notice, at=at)]


def _check(answer: Absent, unit: UnitDescribed, *, today: date) -> None:
    if answer.since < today or answer.until < answer.since or answer.until - today > LONGEST:
        raise AbsenceError("days")
    if answer.deputy not in {holding.post for holding in absences.deputies(unit, on=today)}:
        raise AbsenceError("deputy")


def _notice(
    id: int,
    absence: Absence,
    unit: UnitDescribed,
    head: Holding,
    *,
    recipient: str,
    slot: datetime,
    rules: Rules,
    at: datetime,
) -> Notice:
    """Return the mail to the head, which is not held back at night. id: of the answer. slot: of the mail answered."""
    days = f"từ ngày {day(absence.since)} đến hết ngày {day(absence.until)}"
    text, html = _told(absence, unit, head, days=days, slot=slot, calendar=rules.calendar_of(unit.code), at=at)
    return Notice(
        id=notice_id(f"absence {id} {unit.code}", at),
        post=unit.code,
        role="head",
        channel="email",
        slot=at,
        status="stored",
        reason="",
        recipient=recipient,
        subject=f"[Đôn đốc] {unit.name}: ghi nhận Ông/Bà vắng mặt {days}",
        text_body=text,
        html_body=html,
        items=0,
        stored_at=at,
        traces=[],
        kind="absence",
        why=(Why.ABSENCE,),
        template=texts.version("absence"),
    )


def _told(
    absence: Absence,
    unit: UnitDescribed,
    head: Holding,
    *,
    days: str,
    slot: datetime,
    calendar: WorkCalendar,
    at: datetime,
) -> tuple[str, str]:
    """Return the mail's text and its HTML."""
    deputy = next(one for one in absences.deputies(unit, on=absence.told_on) if one.post == absence.deputy)
    values = {
        "addressee": addressee(head.title or unit.head_title, unit.name),
        "slot": instant(slot, calendar),
        "days": days,
        "deputy": ", ".join(filter(None, (deputy.title or absence.deputy, deputy.name))),
        "at": instant(at, calendar),
        "why": why.said([Why.ABSENCE]),
    }
    return texts.filled("absence", values)
