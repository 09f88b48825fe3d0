"""The events that notify says, from its own states. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.notify.pressing import stays
from services.notify.pressing.pressing import Pressed
from services.notify.stored import Notice
from shared import tracing
from shared.cloudevents import Outgoing, outgoing
from shared.events import (
    EscalationChanged,
    NoticeChanged,
    NoticeDelivered,
    NoticeFailed,
    NoticeSent,
    NoticeStored,
    NoticeWithheld,
)

NOTICE_EVENTS: dict[str, type[NoticeChanged]] = {
    "stored": NoticeStored,
    "sent": NoticeSent,
    "failed": NoticeFailed,
    "withheld": NoticeWithheld,
    "recorded": NoticeWithheld,
    "withdrawn": NoticeWithheld,
}
RECEIPT_EVENTS: dict[str, type[NoticeChanged]] = {
    "delivered": NoticeDelivered,
    "failed": NoticeFailed,
    "expired": NoticeFailed,
}


def escalation(event: type[EscalationChanged], pressed: Pressed, *, at: datetime) -> Outgoing:
    about = pressed.obligation.obligation_id
    assert pressed.raised_at
    promise, disputed = stays.promised(pressed.stays), stays.disputed(pressed.stays)
    return outgoing(
        event,
        id=f"{about}:escalation:{pressed.escalation_revision}",
        about=about,
        time=at,
        data=event(
            obligation_id=about,
            revision=pressed.escalation_revision,
            unit=pressed.unit,
            level=pressed.raised,
            raised_at=pressed.raised_at,
            closed_at=pressed.closed_at,
            promise=promise.state if promise else None,
            promised_until=promise.until if promise else None,
            disputed=disputed,
        ),
        trace=pressed.trace,
    )


def stored(made: Notice, *, at: datetime) -> Outgoing:
    """Return what is said of a notice when it is made."""
    state = {
        "notice_id": made.id,
        "revision": 1,
        "unit": made.post,
        "role": made.role,
        "channel": made.channel,
        "slot": made.slot,
        "status": made.status,
        "reason": made.reason,
        "items": made.items,
        "sent_at": None,
        "why": made.why,
    }
    return notice(state, at=at, traces=made.traces)


def notice(state: dict[str, Any], *, at: datetime, traces: Sequence[str]) -> Outgoing:
    """state: the fields of `NoticeChanged`. traces: of what it tells; an event can name one, the log names all."""
    event = RECEIPT_EVENTS.get(state.get("receipt", "")) or NOTICE_EVENTS[state["status"]]
    return outgoing(
        event,
        id=f"{state['notice_id']}:{state['revision']}",
        about=state["notice_id"],
        time=at,
        data=event.model_validate(state),
        trace=traces[0] if traces else tracing.NONE,
    )
