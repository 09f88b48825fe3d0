"""Turns what a source sent into facts with deterministic ids. Pure.

A slot holds one kind of knowledge of a dossier:
    about      procedure, field, unit_name as the source writes it, agency; an empty member says nothing. Only where
               given: `channel` (counter, online, post) and `case` of the procedure, as the source codes it
    filed, accepted, due      an instant
    standing   status and, from a snapshot, its NgayKetThucXuLy; each step is a value of it too
    supplement.<n>            requested and received; only where given: `term_days`, how many days the citizen has
    slip       number of the slip that the citizen got
    returned   an instant: when the result was given to the citizen
    digital    only where given: `digitised`, `paid_online`, `portal` (national, provincial) over which it was filed
Of our own format alone (own/life.py):
    pause.<n>, apology.<n>    a span in which the clock stands; a letter of apology
    step.<n>   unit, since, until, due
    transfer.<n>              at, from, to
Of what intake itself says (correcting/): `same_as`, `retracted.<id>`, `stands.<id>`.
Instants are ISO 8601 at +07:00, so that their text order is their order in time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from services.intake.national import Message, Snapshot, Step
from shared.codes import national_procedure, short_agency
from shared.events import Fact, Why
from shared.instants import canonical

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


class Assertion(NamedTuple):
    """A fact but for who said it and when it was heard. why: a due date was announced; no part of its id."""

    slot: str
    value: Any
    at: str
    as_of: str
    rank: int
    why: Why | None = None


def key_of(code: str) -> str:
    """Return the key under which a dossier is one thing, whoever speaks of it."""
    return code.strip().upper()


def facts_of(of: Snapshot | Step, *, message: Message, source: str, mirror: bool, receipt: Receipt) -> list[Fact]:
    """Return every fact that an object asserts.

    How new a snapshot's knowledge is: its sending, else its latest happening, else its receipt; times more than a day
    after the receipt are not believed.
    receipt: when FEED received it. returns: facts of distinct ids, the same for the same object whenever received.
    """
    if isinstance(of, Step):
        return _facts_of_step(of, source=source, mirror=mirror, heard=receipt.heard)
    newest = message.sent_at or max(filter(None, _happenings(of)), default="")
    as_of = newest if newest and newest <= receipt.latest else _believed(of, receipt=receipt)
    agency = of.agency or message.agency
    said = _assertions(of, agency=agency, as_of=as_of)
    # the id says what the message itself says: heard again later it is the same fact, though more may be believed then
    named = said if newest == as_of else _assertions(of, agency=agency, as_of=newest)
    return [
        fact_of(key_of(of.code), one, name=name, heard=receipt.heard, source=source, mirror=mirror)
        for one, name in zip(said, named, strict=True)
    ]


def _facts_of_step(step: Step, *, source: str, mirror: bool, heard: str) -> list[Fact]:
    value = {"status": step.status, "step": step.at, "division": step.division, "step_due": step.step_due_at}
    said = Assertion("standing", value, step.at, step.at, RANKS.get(step.status, 0))
    return [fact_of(key_of(step.code), said, name=said, heard=heard, source=source, mirror=mirror)]


def _assertions(of: Snapshot, *, agency: str, as_of: str) -> list[Assertion]:
    rank = RANKS.get(of.status or 0, 0)
    said: list[Assertion] = []
    about = {
        "procedure": national_procedure(of.procedure),
        "field": of.field_name or of.field_code,
        "unit_name": of.unit_name,
        "agency": short_agency(agency) or "",
        # not there where empty: the ids of facts told before these were read stay as they are
        **({"channel": of.channel} if of.channel else {}),
        **({"case": of.case} if of.case else {}),
    }
    if any(about.values()):
        said.append(Assertion("about", about, as_of, as_of, rank))
    if of.filed_at:
        said.append(Assertion("filed", of.filed_at, of.filed_at, as_of, rank))
    if of.accepted_at:
        said.append(Assertion("accepted", of.accepted_at, of.accepted_at, as_of, rank))
    if of.status is not None or of.ended_at:
        value = {"status": of.status, "ended": of.ended_at, "refused": of.refused_at}
        said.append(Assertion("standing", value, of.ended_at or as_of, as_of, rank))
    said += _due_and_supplements(of, as_of=as_of, rank=rank)
    if of.slip:
        said.append(Assertion("slip", of.slip, as_of, as_of, rank))
    if of.returned_at:
        said.append(Assertion("returned", of.returned_at, of.returned_at, as_of, rank))
    if digital := _digital(of):
        said.append(Assertion("digital", digital, as_of, as_of, rank))
    return said


def _digital(of: Snapshot) -> dict[str, Any]:
    given = {"digitised": of.digitised, "paid_online": of.paid_online, "portal": of.portal}
    return {name: value for name, value in given.items() if value is not None}


def _due_and_supplements(of: Snapshot, *, as_of: str, rank: int) -> list[Assertion]:
    """A supplement's entry tells of two older announcements too: the date before it and the date given after it."""
    said: list[Assertion] = []
    for number, supplement in enumerate(of.supplements, start=1):
        requested, received = supplement.requested_at, supplement.received_at
        if requested:
            term = {"term_days": supplement.term_days} if supplement.term_days else {}
            value = {"requested": requested, "received": received, **term}
            said.append(Assertion(f"supplement.{number}", value, requested, as_of, rank))
            if supplement.due_before:
                known = min(requested, as_of)
                said.append(Assertion("due", supplement.due_before, known, known, DERIVED))
        if received and supplement.due_after and supplement.due_after != of.due_at:
            known = min(received, as_of)
            said.append(Assertion("due", supplement.due_after, known, known, DERIVED))
    if of.due_at:
        said.append(Assertion("due", of.due_at, as_of, as_of, rank))
    return said


def _happenings(of: Snapshot) -> list[str | None]:
    """Return the times in a snapshot that are no promises (the due date is one)."""
    happenings = [of.filed_at, of.accepted_at, of.refused_at, of.ended_at, of.returned_at]
    for supplement in of.supplements:
        happenings += [supplement.requested_at, supplement.received_at]
    return happenings


def _believed(of: Snapshot, *, receipt: Receipt) -> str:
    """Return how new a snapshot's knowledge is where the newest time in it is more than a day after its receipt."""
    return max((at for at in _happenings(of) if at and at <= receipt.latest), default=receipt.heard)


def fact_of(key: str, said: Assertion, *, name: Assertion, heard: str, source: str, mirror: bool) -> Fact:
    """Return an assertion about the thing `key` as a fact. name: what its id is made of."""
    identity = orjson.dumps((key, source, *name[:5]))
    fact: Fact = {
        "id": hashlib.blake2b(identity, digest_size=12).hexdigest(),
        "slot": said.slot,
        "value": said.value,
        "at": said.at,
        "as_of": said.as_of,
        "heard": heard,
        "rank": said.rank,
        "source": source,
    }
    if mirror:
        fact["mirror"] = True
    if said.why:
        fact["why"] = said.why
    return fact


def event_id(facts: Sequence[Fact], *, under: str = "") -> str:
    """Return the id of the event that says `facts`: the same facts said after a crash are the same event.

    under: the dossier they are said of, where they were heard under another code.
    """
    parts = under + "/".join(f"{fact['id']}@{fact['heard']}" for fact in facts)
    return hashlib.blake2b(parts.encode(), digest_size=16).hexdigest()
