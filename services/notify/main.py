"""Starts notify."""

from __future__ import annotations

from functools import partial

from services.notify import api, delivery, handlers, overview, store
from services.notify import policy as policies
from services.notify.pressing import Rules
from services.notify.settings import NotifySettings
from services.notify.sweep import sweep
from shared.cloudevents import EVENTS
from shared.consumer import Hearing
from shared.events import (
    EscalationClosed,
    EscalationRaised,
    NoticeFailed,
    NoticeSent,
    NoticeStored,
    NoticeWithheld,
    ObligationChanged,
    UnitDescribed,
)
from shared.program import run
from shared.service import Service
from shared.settings import Settings
from shared.worktime import vietnam

DEADLINE_SUBJECTS = tuple(subject for subject, event in EVENTS.items() if issubclass(event, ObligationChanged))


def service(settings: NotifySettings) -> Service:
    """Return notify under these settings. raises: PolicyError - the policy file cannot be used."""
    rules = Rules(policies.load(settings.policy), vietnam())
    return Service(
        name="notify",
        owns="NOTIFY",
        says=[EscalationRaised, EscalationClosed, NoticeStored, NoticeSent, NoticeFailed, NoticeWithheld],
        handlers=[
            (Hearing("INTAKE", (UnitDescribed.subject(),)), handlers.follow_directory),
            (Hearing("DEADLINE", DEADLINE_SUBJECTS), partial(handlers.follow_obligations, rules=rules)),
        ],
        sweep=partial(sweep, rules=rules),
        next_timer=store.next_timer,
        counts=partial(overview.counts, mode=settings.send),
        busy=overview.busy,
        observe=overview.observe,
        router=api.router,
        background=[partial(delivery.deliver_for_ever, settings=settings)],
    )


SERVICE = service(NotifySettings())


def main() -> None:
    run(SERVICE, Settings())


if __name__ == "__main__":
    main()
