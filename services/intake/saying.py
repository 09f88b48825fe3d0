"""The events in which intake says facts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.intake.facts import event_id
from shared import tracing
from shared.cloudevents import Event, Outgoing, outgoing
from shared.events import DossierSaid, DutyKind, DutySaid, Fact

FACTS_AT_ONCE = 100  # of one event: it stays below the 1 MB that NATS takes, however long the texts in them


def dossier_said(
    key: str,
    raw_code: str,
    facts: Sequence[Fact],
    *,
    at: datetime,
    trace: str = tracing.NONE,
    said_of: str | None = None,
) -> list[Outgoing]:
    """Say facts of a dossier. said_of: the key they were heard under, where that is another code of it."""
    data = {"dossier": key, "raw_code": raw_code}
    if said_of in (None, key):
        return _said(DossierSaid, facts, about=key, data=data, at=at, trace=trace)
    moved: list[Fact] = [{**fact, "said_of": said_of} for fact in facts]
    return _said(DossierSaid, moved, about=key, data=data, at=at, trace=trace, under=f"{key}/")


def duty_said(
    id: str, kind: DutyKind | None, facts: Sequence[Fact], *, at: datetime, trace: str = tracing.NONE
) -> list[Outgoing]:
    """Say facts of a duty."""
    return _said(DutySaid, facts, about=id, data={"duty": id, "kind": kind}, at=at, trace=trace)


def _said(
    event: type[Event],
    said: Sequence[Fact],
    *,
    about: str,
    data: Mapping[str, Any],
    at: datetime,
    trace: str,
    under: str = "",
) -> list[Outgoing]:
    """Return one event for what is new; several where much that was kept back is to be said with it."""
    return [
        outgoing(
            event,
            id=event_id(facts, under=under),
            about=about,
            time=at,
            trace=trace,
            data={**data, "facts": facts},
        )
        for start in range(0, len(said), FACTS_AT_ONCE)
        if (facts := said[start : start + FACTS_AT_ONCE])
    ]
