"""Starts deadline."""

from __future__ import annotations

from services.deadline import acts, api, census, comparing, counting, handlers, recalculating
from shared.consumer import Hearing
from shared.events import (
    CensusTaken,
    DeadlineMoved,
    DeadlineNear,
    DeadlinePassed,
    DeadlinePaused,
    DeadlineResumed,
    DeadlineSet,
    EventsCounted,
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
        CensusTaken,
        EventsCounted,
    ],
    handlers=[
        (
            Hearing("INTAKE", (*handlers.MATTERS, *handlers.REFERENCE, comparing.CENSUSES)),
            census.tallied(handlers.follow_intake),
        ),
        (Hearing("BACKFILL", ("backfill.intake.>",), window=500), census.tallied(handlers.follow_intake)),
        (
            Hearing("COMPLAINTS", handlers.FEEDBACK),
            census.tallied(handlers.follow_complaints),
        ),
    ],
    sweep=census.sweep,
    next_timer=census.next_timer,
    counts=counting.counts,
    busy=lambda connection, _: acts.count_unfinished(connection),
    background=[recalculating.walk_for_ever, comparing.compare_for_ever],
    observe=handlers.observe,
    router=api.router,
)


def main() -> None:
    run(SERVICE, Settings())


if __name__ == "__main__":
    main()
