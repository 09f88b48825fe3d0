"""The events that notify says, from its own states. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.notify.pressing import Pressed
from shared import tracing
from shared.cloudevents import Outgoing, outgoing
from shared.events import EscalationChanged, NoticeChanged, NoticeFailed, NoticeSent, NoticeStored, NoticeWithheld

NOTICE_EVENTS: dict[str, type[NoticeChanged]] = {
    "stored": NoticeStored,
    "sent": NoticeSent,
    "failed": NoticeFailed,
    "withheld": NoticeWithheld,
    "recorded": NoticeWithheld,
}


def escalation(event: type[EscalationChanged], pressed: Pressed, *, at: datetime) -> Outgoing:
    about = pressed.obligation.obligation_id
    assert pressed.raised_at
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
        ),
        trace=pressed.trace,
    )


def notice(state: dict[str, Any], *, at: datetime, traces: Sequence[str]) -> Outgoing:
    """state: the fields of `NoticeChanged`. traces: of what it tells; an event can name one, the log names all."""
    event = NOTICE_EVENTS[state["status"]]
    return outgoing(
        event,
        id=f"{state['notice_id']}:{state['revision']}",
        about=state["notice_id"],
        time=at,
        data=event.model_validate(state),
        trace=traces[0] if traces else tracing.NONE,
    )
