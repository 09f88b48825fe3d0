"""Starts intake."""

from __future__ import annotations

from services.intake import api, backfill, directory_api, handlers, store, sweep, understanding
from services.intake.oversight import making
from services.intake.sources import hearing
from shared.consumer import Hearing
from shared.events import (
    CalendarDescribed,
    DossierSaid,
    DutySaid,
    OversightRecorded,
    ProcedureDescribed,
    QualityCounted,
    SourceCensusSaid,
    SourceHeard,
    SourceSilent,
    UnitDescribed,
)
from shared.program import run
from shared.service import Service
from shared.settings import Settings

SERVICE = Service(
    name="intake",
    owns="INTAKE",
    receives=("FEED", "BACKFILL"),
    says=[
        DossierSaid,
        DutySaid,
        SourceCensusSaid,
        OversightRecorded,
        UnitDescribed,
        ProcedureDescribed,
        CalendarDescribed,
        SourceSilent,
        SourceHeard,
        QualityCounted,
    ],
    # a message may hold 50 objects, so fewer are fetched ahead than elsewhere
    handlers=[
        (Hearing("FEED", ("feed.>",), weigh=understanding.weigh, window=1000), handlers.take_in),
        (Hearing("BACKFILL", ("backfill.feed.>",), weigh=understanding.weigh, window=500), handlers.take_in_backfill),
    ],
    counts=store.counts,
    observe=sweep.observe,
    note_parked=handlers.note_parked,
    sweep=sweep.sweep,
    next_timer=sweep.next_timer,
    router=api.router,
    background=[backfill.let_go_for_ever],
    at_start=[hearing.REACH.start, directory_api.load_carried, making.load_carried],
)


def main() -> None:
    run(SERVICE, Settings())


if __name__ == "__main__":
    main()
