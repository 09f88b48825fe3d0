"""Starts notify."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import api, handlers, overview
from services.notify.answering import api as answering_api
from services.notify.answering import tokens
from services.notify.answering.asked import Answering
from services.notify.audit import anchoring
from services.notify.audit import api as audit_api
from services.notify.audit import store as audit
from services.notify.ledger import api as ledger_api
from services.notify.ledger import hearing, looking
from services.notify.modes import api as modes_api
from services.notify.modes import report_api
from services.notify.policies import file as policy_file
from services.notify.pressing import in_force
from services.notify.pressing.rules import Rules
from services.notify.receipts import api as receipts_api
from services.notify.receipts import hearing as receipts_hearing
from services.notify.receipts import maildir
from services.notify.sending import api as sending_api
from services.notify.sending import delivery, ways
from services.notify.sending.traffic import Traffic
from services.notify.settings import Mode, NotifySettings
from services.notify.sweeping import refreshing, rounds
from services.notify.trying import api as trial_api
from shared.clock import machine_now
from shared.cloudevents import EVENTS
from shared.consumer import Hearing
from shared.events import (
    AuditAnchored,
    CensusTaken,
    EscalationAcknowledged,
    EscalationChanged,
    EscalationClosed,
    EscalationRaised,
    NoticeDelivered,
    NoticeFailed,
    NoticeSent,
    NoticeStored,
    NoticeWithheld,
    ObligationChanged,
    SendingChanged,
)
from shared.program import run
from shared.service import Service
from shared.settings import Settings
from shared.worktime import vietnam

DEADLINE_SUBJECTS = tuple(
    subject for subject, event in EVENTS.items() if issubclass(event, ObligationChanged | CensusTaken)
)


def service(settings: NotifySettings) -> Service:
    """Return notify under these settings.

    raises: RuleFileError, ProviderError, LinkKeysError - they cannot be used.
    """
    traffic = ways.traffic(settings)
    answering = _answering(settings, traffic)
    rules, quiet = answering.rules, partial(in_force.quiet_at, rules=answering.rules)
    content = (settings.policy or policy_file.CARRIED).read_bytes()
    return Service(
        name="notify",
        owns="NOTIFY",
        says=[
            *(EscalationRaised, EscalationAcknowledged, EscalationChanged, EscalationClosed),
            *(NoticeStored, NoticeSent, NoticeDelivered, NoticeFailed, NoticeWithheld),
            *(SendingChanged, AuditAnchored),
        ],
        handlers=[
            (Hearing("INTAKE", handlers.REFERENCE), partial(handlers.follow_reference, rules=rules)),
            # without its ticks: those of DEADLINE come after them
            (Hearing("COMPLAINTS", handlers.PATTERNS, aside=True), partial(handlers.follow_patterns, rules=rules)),
            (Hearing("DEADLINE", DEADLINE_SUBJECTS), partial(hearing.follow_deadline, rules=rules)),
        ],
        sweep=partial(rounds.sweep, rules=rules, settings=settings),
        next_timer=rounds.next_timer,
        counts=partial(overview.counts, mode=settings.send, providers=traffic.counts),
        busy=partial(overview.busy, mode=settings.send, resting=traffic.resting, quiet=quiet),
        observe=partial(_observe, mode=settings.send),
        keep_said=audit.keep_said,
        router=_routes(answering, traffic, settings),
        reads_again=("DEADLINE",),
        background=[
            partial(delivery.deliver_for_ever, settings=settings, rules=rules, traffic=traffic, quiet=quiet),
            partial(receipts_hearing.hear_for_ever, settings=settings, rules=rules),
            partial(maildir.read_for_ever, settings=settings),
            partial(refreshing.refresh_for_ever, rules=rules),
        ],
        at_start=[partial(anchoring.keep_policy, content=content, version=policy_file.load(settings.policy).versions)],
    )


def _answering(settings: NotifySettings, traffic: Traffic) -> Answering:
    """Return the rules that decide, and the links by which heads answer. raises: RuleFileError, LinkKeysError."""
    links = tokens.links(
        public_url=settings.public_url, keys_setting=settings.link_keys.get_secret_value(), days=settings.link_days
    )
    policies = policy_file.load(settings.policy)
    rules = Rules(
        policies.several[0],
        vietnam(),
        carried=frozenset(lane.provider.channel for lane in traffic.lanes),
        answer_url=lambda notice, post: links.url(notice, post, now=machine_now()),
        console_url=settings.console_url,
        policies=policies,
    )
    return Answering(rules, links, settings.answers_per_minute)


def _routes(answering: Answering, traffic: Traffic, settings: NotifySettings) -> APIRouter:
    whole = APIRouter()
    for part in (
        api.router,
        report_api.router,
        audit_api.router,
        modes_api.routes(settings.send),
        trial_api.router(answering.rules),
        ledger_api.routes(answering.rules, settings.send),
        sending_api.router(traffic),
        receipts_api.routes(settings),
        answering_api.routes(answering),
    ):
        whole.include_router(part)
    return whole


async def _observe(connection: AsyncConnection, now: datetime, *, mode: Mode) -> None:
    await overview.observe(connection, now, mode=mode)
    await looking.observe(connection, now)


SERVICE = service(NotifySettings())


def main() -> None:
    run(SERVICE, Settings())


if __name__ == "__main__":
    main()
