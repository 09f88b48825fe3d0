"""Turns what a source sent into facts with deterministic ids. Pure.

A slot holds one kind of knowledge of a dossier:
    about      procedure, field, unit as the source writes it, agency; an empty member says nothing
    filed, accepted, due      an instant
    standing   status and, from a snapshot, its NgayKetThucXuLy; each step is a value of it too
    supplement.<n>            requested and received
Instants are ISO 8601 at +07:00, so that their text order is their order in time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from services.intake.national import Message, Snapshot, Step, canonical
from shared.codes import national_procedure, short_agency
from shared.events import Fact

FUTURE = timedelta(days=1)  # a happening later than this after its receipt is not believed as time of knowledge
DERIVED = -1  # rank of a due date known from a supplement's entry only: the snapshot's own goes before it
# the order of statuses in a dossier's life, for assertions whose times cannot order them; unknown ones come first
RANKS = {1: 1, 2: 2, 4: 3, 5: 4, 6: 4, 3: 5, 7: 5, 8: 5, 9: 6, 10: 7}


class Receipt(NamedTuple):
    """When a message was received, and up to when its happenings are believed."""

    heard: str
    latest: str

    @classmethod
    def of(cls, received_at: datetime) -> Receipt:
        return cls(canonical(received_at), canonical(received_at + FUTURE))


def key_of(code: str) -> str:
    """Return the key under which a dossier is one thing, whoever speaks of it."""
    return code.strip().upper()


def facts_of(of: Snapshot | Step, *, message: Message, source: str, mirror: bool, receipt: Receipt) -> list[Fact]:
    """Return every fact that an object asserts.

    receipt: when FEED received it. returns: facts of distinct ids, the same for the same input.
    """
    if isinstance(of, Step):
        return _facts_of_step(of, source=source, mirror=mirror, heard=receipt.heard)
    as_of = _as_of(of, sent_at=message.sent_at, receipt=receipt)
    heard, rank, key = receipt.heard, RANKS.get(of.status or 0, 0), key_of(of.code)
    said: list[tuple[str, Any, str, str, int]] = []  # slot, value, at, as_of, rank
    agency = short_agency(message.agency)
    about = {
        "procedure": national_procedure(of.procedure),
        "field": of.field_name or of.field_code,
        "unit_name": of.unit_name,
        "agency": agency or "",
    }
    if any(about.values()):
        said.append(("about", about, as_of, as_of, rank))
    if of.filed_at:
        said.append(("filed", of.filed_at, of.filed_at, as_of, rank))
    if of.accepted_at:
        said.append(("accepted", of.accepted_at, of.accepted_at, as_of, rank))
    if of.status is not None or of.ended_at:
        value = {"status": of.status, "ended": of.ended_at, "refused": of.refused_at}
        said.append(("standing", value, of.ended_at or as_of, as_of, rank))
    said += _due_and_supplements(of, as_of=as_of, rank=rank)
    return [
        _fact(key, slot, value, at=at, as_of=known, rank=order, heard=heard, source=source, mirror=mirror)
        for slot, value, at, known, order in said
    ]


def _facts_of_step(step: Step, *, source: str, mirror: bool, heard: str) -> list[Fact]:
    value = {"status": step.status, "step": step.at, "division": step.division, "step_due": step.step_due_at}
    rank = RANKS.get(step.status, 0)
    return [
        _fact(
            key_of(step.code), "standing", value,
            at=step.at, as_of=step.at, rank=rank, heard=heard, source=source, mirror=mirror,
        )
    ]  # fmt: skip


def _due_and_supplements(of: Snapshot, *, as_of: str, rank: int) -> list[tuple[str, Any, str, str, int]]:
    """A supplement's entry tells of two older announcements too: the date before it and the date given after it."""
    said: list[tuple[str, Any, str, str, int]] = []
    for number, supplement in enumerate(of.supplements, start=1):
        requested, received = supplement.requested_at, supplement.received_at
        if requested:
            said.append(
                (f"supplement.{number}", {"requested": requested, "received": received}, requested, as_of, rank)
            )
            if supplement.due_before:
                said.append(("due", supplement.due_before, requested, min(requested, as_of), DERIVED))
        if received and supplement.due_after and supplement.due_after != of.due_at:
            said.append(("due", supplement.due_after, received, min(received, as_of), DERIVED))
    if of.due_at:
        said.append(("due", of.due_at, as_of, as_of, rank))
    return said


def _as_of(of: Snapshot, *, sent_at: str | None, receipt: Receipt) -> str:
    """Return how new a snapshot's knowledge is: its sending, else its latest happening, else its receipt.

    Promises (the due date) are not happenings. Times more than a day after the receipt are not believed.
    """
    latest = receipt.latest
    if sent_at and sent_at <= latest:
        return sent_at
    happenings = [of.filed_at, of.accepted_at, of.refused_at, of.ended_at, of.returned_at]
    for supplement in of.supplements:
        happenings += [supplement.requested_at, supplement.received_at]
    return max((at for at in happenings if at and at <= latest), default=receipt.heard)


def _fact(
    key: str, slot: str, value: Any, *, at: str, as_of: str, rank: int, heard: str, source: str, mirror: bool
) -> Fact:
    identity = orjson.dumps((key, source, slot, value, at, as_of, rank))
    fact: Fact = {
        "id": hashlib.blake2b(identity, digest_size=12).hexdigest(),
        "slot": slot,
        "value": value,
        "at": at,
        "as_of": as_of,
        "heard": heard,
        "rank": rank,
        "source": source,
    }
    if mirror:
        fact["mirror"] = True
    return fact


def heard_earlier(fact: Fact, *, heard: str) -> Fact:
    """Return a fact said before, now known to have been heard earlier; the fold takes the least of its `heard`."""
    return {**fact, "heard": heard}


def event_id(facts: Sequence[Fact]) -> str:
    """Return the id of the event that says `facts`: the same facts said after a crash are the same event."""
    parts = "/".join(f"{fact['id']}@{fact['heard']}" for fact in facts)
    return hashlib.blake2b(parts.encode(), digest_size=16).hexdigest()
