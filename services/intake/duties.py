"""Turns statements of our own format into facts with deterministic ids, as facts.py does with the portal's. Pure.

The slots of a duty, whose thing is `<kind>/<id>` (a dossier's key is in upper case and cannot be one):
    about      unit as the source writes it, title, field, basis; an empty member says nothing
    given, due   an instant
    standing   {"status", "at"}
What is said of a dossier, own/life.py tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from services.intake.facts import Assertion, Receipt, fact_of, key_of
from services.intake.statements import Duty, DutyStatement, Statement
from shared.events import DutyKind, Fact

# the order of statuses in a duty's life, for assertions whose times cannot order them
RANKS = {"open": 1, "submitted": 2, "returned": 3, "accepted": 4, "withdrawn": 5}


def duty_key(kind: DutyKind, id: str) -> str:
    """Return the key under which a duty is one thing."""
    return f"{kind}/{id}"


def thing_of(stated: Statement) -> str:
    """Return the key of what is spoken of."""
    if isinstance(stated, DutyStatement):
        return duty_key(stated.data.kind, stated.subject)
    return key_of(stated.subject)


def facts_of(stated: Statement, *, source: str, mirror: bool, receipt: Receipt) -> list[Fact]:
    """Return every fact that a statement asserts.

    How new its knowledge is: its sending, else its latest happening, else its receipt; times more than a day after the
    receipt are not believed.
    receipt: when FEED received it. returns: facts of distinct ids, the same for the same statement whenever received.
    """
    known = Known(stated.time, _happenings(stated), receipt)
    return facts_as_of(thing_of(stated), partial(_assertions, stated), known=known, source=source, mirror=mirror)


class Known(NamedTuple):
    """What tells how new a statement's knowledge is. happenings: the times in it that are no promises."""

    sent: str | None
    happenings: Sequence[str]
    receipt: Receipt


def facts_as_of(
    key: str, assertions: Callable[..., list[Assertion]], *, known: Known, source: str, mirror: bool
) -> list[Fact]:
    """Return as facts what a statement about the thing `key` asserts. assertions: what it does, `as_of` a time."""
    receipt = known.receipt
    newest = known.sent or max(known.happenings, default="")
    believed = [at for at in (known.sent, *known.happenings) if at and at <= receipt.latest]
    as_of = newest if newest in believed else max(believed, default=receipt.heard)
    said = assertions(as_of=as_of)
    # the id says what the statement itself says: heard again later it is the same fact, though more is believed then
    named = said if newest == as_of else assertions(as_of=newest)
    return [
        fact_of(key, one, name=name, heard=receipt.heard, source=source, mirror=mirror)
        for one, name in zip(said, named, strict=True)
    ]


def _happenings(stated: Statement) -> list[str]:
    """Return the times in a statement that are no promises."""
    if isinstance(stated, DutyStatement):
        return [at for at in (stated.data.given_at, stated.data.status_at) if at]
    return [at for at in stated.data.happened() if at]


def _assertions(stated: Statement, *, as_of: str) -> list[Assertion]:
    if isinstance(stated, DutyStatement):
        return of_duty(stated.data, as_of=as_of)
    return list(stated.data.tells(as_of))


def of_duty(duty: Duty, *, as_of: str) -> list[Assertion]:
    rank = RANKS.get(duty.status or "", 0)
    said: list[Assertion] = []
    about = {"unit_name": duty.unit, "title": duty.title, "field": duty.field, "basis": duty.basis}
    if any(about.values()):
        said.append(Assertion("about", about, as_of, as_of, rank))
    if duty.given_at:
        said.append(Assertion("given", duty.given_at, duty.given_at, as_of, rank))
    if duty.due:
        said.append(Assertion("due", duty.due, as_of, as_of, rank))
    if duty.status and duty.status_at:
        value = {"status": duty.status, "at": duty.status_at}
        said.append(Assertion("standing", value, duty.status_at, as_of, rank))
    return said
