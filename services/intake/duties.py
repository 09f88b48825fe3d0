"""Turns statements of our own format into facts with deterministic ids, as facts.py does with the portal's. Pure.

The slots of a duty, whose thing is `<kind>/<id>` (a dossier's key is in upper case and cannot be one):
    about      unit as the source writes it, title, field, basis; an empty member says nothing
    given, due   an instant
    standing   {"status", "at"}
A letter of apology is said of its dossier:
    apology.<n>   {"issued", "before", "after"}
    due        the date before the letter and the one after it
So is a pause:
    pause.<n>  {"kind", "since", "until", "term_days", "effect"}
"""

from __future__ import annotations

from services.intake.facts import DERIVED, Assertion, Receipt, fact_of, key_of
from services.intake.statements import Apology, ApologyStatement, Duty, DutyStatement, PauseStatement, Statement
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
    happenings = _happenings(stated)
    newest = stated.time or max(happenings, default="")
    believed = [at for at in (stated.time, *happenings) if at and at <= receipt.latest]
    as_of = newest if newest in believed else max(believed, default=receipt.heard)
    said = _assertions(stated, as_of=as_of)
    # the id says what the statement itself says: heard again later it is the same fact, though more is believed then
    named = said if newest == as_of else _assertions(stated, as_of=newest)
    return [
        fact_of(thing_of(stated), one, name=name, heard=receipt.heard, source=source, mirror=mirror)
        for one, name in zip(said, named, strict=True)
    ]


def _happenings(stated: Statement) -> list[str]:
    """Return the times in a statement that are no promises."""
    if isinstance(stated, ApologyStatement):
        return [stated.data.issued_at]
    if isinstance(stated, PauseStatement):
        return [at for at in (stated.data.since, stated.data.until) if at]
    return [at for at in (stated.data.given_at, stated.data.status_at) if at]


def _assertions(stated: Statement, *, as_of: str) -> list[Assertion]:
    if isinstance(stated, ApologyStatement):
        return _of_apology(stated.data, as_of=as_of)
    if isinstance(stated, PauseStatement):
        number, value = stated.data.number, stated.data.model_dump(exclude={"number"})
        return [Assertion(f"pause.{number}", value, stated.data.since, as_of, 0)]
    return _of_duty(stated.data, as_of=as_of)


def _of_duty(duty: Duty, *, as_of: str) -> list[Assertion]:
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


def _of_apology(letter: Apology, *, as_of: str) -> list[Assertion]:
    """Where a snapshot says at that very moment what is due, it goes before the letter, as before a supplement."""
    value = {"issued": letter.issued_at, "before": letter.due_before, "after": letter.due_after}
    said = [Assertion(f"apology.{letter.number}", value, letter.issued_at, as_of, 0)]
    known = min(letter.issued_at, as_of)
    if letter.due_before:
        said.append(Assertion("due", letter.due_before, known, known, DERIVED - 1))
    said.append(Assertion("due", letter.due_after, known, known, DERIVED))
    return said
