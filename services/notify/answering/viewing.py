"""Reads what a link shows; changes nothing."""

from __future__ import annotations

from typing import Any

from services.notify.addressing import absences
from services.notify.addressing.desks import OFFICER
from services.notify.answering import page, store, taking
from services.notify.answering.page import View
from services.notify.answering.tokens import Link
from services.notify.pressing import in_force
from services.notify.pressing.rules import Rules
from shared.clock import PROVINCE_ZONE
from shared.service import Running


async def view(running: Running, link: Link, *, rules: Rules) -> View:
    """Return what a link shows now. raises: NoNoticeError - its notice is not there."""
    at = running.clock.now()
    async with running.engine.connect() as connection:
        rules = await in_force.rules_at(connection, rules, at=at)
        slot = await store.find_notice(connection, link)
        if slot is None:
            raise taking.NoNoticeError
        items = await store.list_items(connection, link, of=None)
        late, total = await store.list_open(connection, link, limit=page.SHOWN)
        answers = await store.list_stays(connection, [obligation.obligation_id for obligation in late])
        given = await store.list_given(connection, link)
        unit = await absences.find_unit(connection, link.post)
        named = unit or await absences.find_unit(connection, link.post.removesuffix(OFFICER))
        sent = await store.get_sent(connection, link)
    today = at.astimezone(PROVINCE_ZONE).date()
    is_own = unit is not None and absences.is_own_mail(unit, recipient=sent.recipient, why=sent.why, on=today)
    mine = {id: tuple(stay for stay in stays if stay.post == link.post) for id, stays in answers.items()}
    return View(
        post=link.post,
        unit=named.name if named else link.post,
        slot=slot,
        items=len(items),
        open=[(obligation, mine.get(obligation.obligation_id, ())) for obligation in late],
        total=total,
        given=given,
        deputies=absences.deputies(unit, on=today) if unit and is_own else (),
        expires_at=link.expires_at,
        at=at,
        rules=rules,
    )


def as_json(view: View) -> dict[str, Any]:
    """Return for a machine what the page shows; of deputies their posts, never a name."""
    return {
        "unit": view.unit,
        "slot": view.slot.isoformat(),
        "items": view.items,
        "open": [
            {
                "obligation_id": obligation.obligation_id,
                "code": obligation.subject_id,
                "kind": obligation.kind,
                "field": obligation.field,
                "due_at": obligation.due_at.isoformat() if obligation.due_at else None,
                "answers": [
                    {"answer": stay.kind, "until": stay.until.isoformat(), "state": stay.state} for stay in stays
                ],
            }
            for obligation, stays in view.open
        ],
        "open_total": view.total,
        "last_day": view.last_day.isoformat(),
        "deputies": [{"post": deputy.post, "title": deputy.title} for deputy in view.deputies],
        "given": [
            {"answer": one["kind"], "answered_at": one["answered_at"].isoformat(), "covers": one["covers"]}
            for one in view.given
        ],
        "expires_at": view.expires_at.isoformat(),
    }
