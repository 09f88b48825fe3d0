"""A weekend's load for notify: the directory, obligations as deadline says them, and that they passed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nats.aio.client import Client

from shared import bus
from shared.clock import PROVINCE_ZONE
from shared.cloudevents import Outgoing, outgoing
from shared.events import DeadlinePassed, DeadlineSet, UnitDescribed
from shared.instants import canonical

FRIDAY = datetime(2026, 11, 20, 17, 0, tzinfo=PROVINCE_ZONE)
SLOT = datetime(2026, 11, 23, 7, 30, tzinfo=PROVINCE_ZONE)  # a Monday


@dataclass(frozen=True)
class Load:
    """obligations: spread evenly over the heads. after_a_stop: all of the weekend is heard and raised in the slot."""

    obligations: int
    heads: int
    after_a_stop: bool = False


def code(number: int, load: Load) -> str:
    return f"000.00.{number % load.heads:03}.H56-261110-{number:06}"


def due_at(number: int, load: Load) -> datetime:
    """Spread over the weekend evenly, neighbours far apart."""
    seconds = int((SLOT - FRIDAY).total_seconds()) - 60
    return FRIDAY + timedelta(seconds=number * 7919 % load.obligations * seconds // load.obligations)


def state(number: int, load: Load, *, revision: int) -> dict[str, Any]:
    """Return an obligation as deadline says it."""
    due, unit = canonical(due_at(number, load)), number % load.heads
    accepted = canonical(FRIDAY - timedelta(days=10))
    return {
        "obligation_id": f"dossier/{code(number, load)}", "kind": "dossier", "subject_id": code(number, load),
        "parent": None, "source": "motcua-1", "unit": f"H56.{unit:03}", "unit_name": f"UBND xã số {unit}",
        "unit_code": f"H56.{unit:03}", "holder": None, "holder_due_at": None, "procedure": "1.012753",
        "field": "Đất đai", "title": None, "accepted_at": accepted, "due_at": due, "due_from": "source",
        "first_due_at": due, "computed_due_at": due, "near_at": None, "apologies": 0, "paused_seconds": 0,
        "state": "open", "timing": "on_time" if revision == 1 else "overdue", "ended_at": None,
        "first_ended_at": None, "end": None, "late_working_seconds": 0, "late_days": 0, "heard_at": accepted,
        "backlog": False, "flags": [], "revision": revision, "because": None, "channel": None, "digitised": None,
        "paid_online": None,
    }  # fmt: skip


def said(number: int, load: Load, *, passed: bool) -> Outgoing:
    event, revision = (DeadlinePassed, 2) if passed else (DeadlineSet, 1)
    time = due_at(number, load) + timedelta(seconds=1) if passed else FRIDAY - timedelta(days=10)
    about = f"dossier/{code(number, load)}"
    return outgoing(event, id=f"{number}:{revision}", about=about, time=time,
                    data=state(number, load, revision=revision))  # fmt: skip


def units(load: Load) -> Iterator[Outgoing]:
    """Yield the directory: the province, Sở Nội vụ, and the heads' units right below the province."""
    own = [(f"H56.{number:03}", f"UBND xã số {number}", f"unit{number:03}") for number in range(load.heads)]
    for unit, name, mailbox in (("H56", "UBND tỉnh", "tinh"), ("TH-SNV", "Sở Nội vụ", "snv"), *own):
        data = {
            "code": unit, "revision": 1, "name": name, "kind": "commune",
            "parent_code": None if unit == "H56" else "H56", "head_title": "Chủ tịch UBND xã",
            "head_name": None, "email": f"{mailbox}@example.vn", "phone": None,
            "aliases": [], "active": True,
        }  # fmt: skip
        yield outgoing(UnitDescribed, id=f"{unit}:1", about=unit, time=FRIDAY, data=data)


async def say(connection: Client, events: Iterator[Outgoing]) -> None:
    batch: list[Outgoing] = []
    for event in events:
        batch.append(event)
        if len(batch) == bus.BATCH_LIMIT:
            await bus.publish(connection, batch)
            batch = []
    await bus.publish(connection, batch)
