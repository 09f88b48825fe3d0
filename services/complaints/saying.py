"""The events of COMPLAINTS. Their members are named one by one, so that no new column can slip into one. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from services.complaints.store import Feedback
from shared import tracing
from shared.cloudevents import Outgoing, outgoing
from shared.events import ComplaintChanged


def said(
    event: type[ComplaintChanged], feedback: Feedback, *, at: datetime, headers: Mapping[str, str] | None = None
) -> Outgoing:
    """Return the event of a change. headers: of the request that made it, for its trace."""
    case, open_words = feedback.case, not feedback.case.sealed
    data = event(
        code=case.code,
        revision=feedback.revision,
        unit=case.handler,
        dossier=feedback.dossier if open_words else None,
        filed_at=case.filed_at,
        answered_at=case.answered_at,
        answer_working_days=feedback.answer_working_days,
        not_to=case.not_to,
        restricted=case.restricted,
        kind=None if case.restricted else case.kind,
        state=case.state,
        field=None if case.restricted else case.field,
        categories=() if case.restricted else case.categories,
        terms=case.terms,
        joined_to=case.joined_to,
        reopened=case.reopened,
        rating=case.rating,
    )
    trace = tracing.received(headers or {}, seed=uuid.uuid4().hex)
    return outgoing(event, id=f"{case.code}:{feedback.revision}", about=case.code, time=at, data=data, trace=trace)
