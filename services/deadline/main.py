"""Starts deadline."""

from __future__ import annotations

from services.deadline import api, handlers, store
from shared.consumer import Hearing
from shared.events import (
    ComplaintAnswered,
    ComplaintFiled,
    DeadlineMoved,
    DeadlineNear,
    DeadlinePassed,
    DeadlinePaused,
    DeadlineResumed,
    DeadlineSet,
    DossierSaid,
    ObligationChanged,
    ObligationEnded,
    ObligationReopened,
)
from shared.program import run
from shared.service import Service
from shared.settings import Settings

SERVICE = Service(
    name="deadline",
    owns="DEADLINE",
    says=[
        DeadlineSet,
        DeadlineMoved,
        DeadlinePaused,
        DeadlineResumed,
        DeadlineNear,
        DeadlinePassed,
        ObligationChanged,
        ObligationEnded,
        ObligationReopened,
    ],
    handlers=[
        (Hearing("INTAKE", (DossierSaid.subject(),)), handlers.follow_dossiers),
        (Hearing("COMPLAINTS", (ComplaintFiled.subject(), ComplaintAnswered.subject())), handlers.follow_complaints),
    ],
    sweep=handlers.sweep,
    next_timer=store.next_timer,
    counts=store.counts,
    observe=handlers.observe,
    router=api.router,
)


def main() -> None:
    run(SERVICE, Settings())


if __name__ == "__main__":
    main()
