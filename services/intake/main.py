"""Starts intake."""

from __future__ import annotations

from services.intake import api, handlers, store
from shared.consumer import Hearing
from shared.events import CalendarDescribed, DossierSaid, DutySaid, ProcedureDescribed, UnitDescribed
from shared.program import run
from shared.service import Service
from shared.settings import Settings

SERVICE = Service(
    name="intake",
    owns="INTAKE",
    receives="FEED",
    says=[DossierSaid, DutySaid, UnitDescribed, ProcedureDescribed, CalendarDescribed],
    # a message may hold 50 objects, so fewer are fetched ahead than elsewhere
    handlers=[(Hearing("FEED", ("feed.>",), weigh=handlers.weigh, window=1000), handlers.take_in)],
    counts=store.counts,
    router=api.router,
    at_start=[api.load_carried_directory],
)


def main() -> None:
    run(SERVICE, Settings())


if __name__ == "__main__":
    main()
