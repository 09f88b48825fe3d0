"""What the rules say of a feedback: from its words and the copies of others to who must act, and who must not know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from services.complaints.case import ActError
from services.complaints.office import Office
from services.complaints.reference import Dossier
from services.complaints.rules import routing
from services.complaints.rules.accused import Matter, accused_of
from services.complaints.rules.routing import Route
from services.complaints.rules.units import Units
from services.complaints.shapes import Decided
from services.complaints.store import Feedback
from shared.clock import PROVINCE_ZONE
from shared.codes import agency_of
from shared.events import FeedbackKind

Words = Mapping[str, str | None]


class Going(NamedTuple):
    """unit: who must act; None: nobody may, an inspector sees to it. not_to: who must not be told of it."""

    unit: str | None
    not_to: tuple[str, ...]


def matter(
    kind: FeedbackKind,
    words: Words,
    units: Units,
    dossier: Dossier | None,
    *,
    at: datetime,
    field: str | None = None,
    categories: tuple[str, ...] = (),
    accused: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
    instance: int = 1,
) -> Matter:
    """Return a feedback as routing sees it. accused: units, persons."""
    on = at.astimezone(PROVINCE_ZONE).date()
    accused_units, accused_persons = accused
    return Matter(
        kind=kind,
        on=on,
        field=field,
        categories=categories,
        unit=_code(words["unit"], units, on),
        accused_units=accused_units,
        accused_persons=accused_persons,
        dossier_unit=_holder(dossier, units, on),
        procedure=dossier.procedure if dossier else None,
        place_unit=_code(words["place"], units, on),
        instance=instance,
    )


def _code(word: str | None, units: Units, on: date) -> str | None:
    return units.resolve(word, on=on) if word else None


def _holder(dossier: Dossier | None, units: Units, on: date) -> str | None:
    """Return who has a dossier now: the holder of its late step, else its unit."""
    if dossier is None:
        return None
    return _code(dossier.holder, units, on) or dossier.unit


def about_unit(words: Words, units: Units, dossier: Dossier | None, *, at: datetime) -> str | None:
    """Return the code of the unit that a feedback counts against: the one named, else the one that has its dossier."""
    on = at.astimezone(PROVINCE_ZONE).date()
    named, named_by_dossier = words["unit"], agency_of(words["dossier"] or "")
    own = _code(named, units, on) if named != named_by_dossier else None
    return own or _holder(dossier, units, on) or _code(named, units, on)


def about_decided(
    office: Office, units: Units, feedback: Feedback, body: Decided, dossier: Dossier | None, *, at: datetime
) -> str | None:
    """Return the same once an officer has decided whom it is about; nothing of a denunciation."""
    if body.kind == "denunciation":
        return None
    if body.accused_units:
        return units.resolve(body.accused_units[0], on=at.astimezone(PROVINCE_ZONE).date()) or body.accused_units[0]
    return about_unit(office.words(feedback), units, dossier, at=at)


def suggested(
    office: Office, units: Units, feedback: Feedback, dossier: Dossier | None, *, kind: FeedbackKind, at: datetime
) -> Route:
    """Return where the rules would send a feedback of a kind, and why."""
    words, case = office.words(feedback), feedback.case
    of = matter(kind, words, units, dossier, at=at, field=case.field, categories=case.categories)
    return routing.route(of, office.policy(at), routes=office.routes, units=units)


def of_suspected(office: Office, words: Words, units: Units, dossier: Dossier | None, *, at: datetime) -> Going:
    """Return who gets what may be a denunciation, as long as no officer has decided; the unit named is the accused."""
    of = matter("denunciation", words, units, dossier, at=at)
    route = routing.route(of, office.policy(at), routes=office.routes, units=units)
    return Going(route.unit, route.not_to)


def of_decision(
    office: Office, units: Units, feedback: Feedback, body: Decided, dossier: Dossier | None, *, at: datetime
) -> Going:
    """Return who must act by an officer's decision: the unit it names, which must not be the accused's, or the route's.

    raises: ActError - the unit is not known, or is the accused's.
    """
    of = matter(
        body.kind,
        office.words(feedback),
        units,
        dossier,
        at=at,
        field=body.field,
        categories=body.categories,
        accused=(body.accused_units, body.accused_persons),
        instance=body.instance,
    )
    policy = office.policy(at)
    route = routing.route(of, policy, routes=office.routes, units=units)
    if body.unit is None:
        return Going(route.unit, route.not_to)
    if of.accuses and accused_of(of, policy, units).bars(body.unit, units, on=of.on):
        raise ActError("it is about that unit or who heads it: give it to another, or leave the unit out")
    must_stand(body.unit, units, at=at)
    return Going(body.unit, route.not_to)


def must_stand(code: str, units: Units, *, at: datetime) -> None:
    """Refuse a unit that is not there on the day. raises: ActError."""
    if code not in units.stand(code, on=at.astimezone(PROVINCE_ZONE).date()):
        raise ActError(
            f"no unit {code} is in force: give a code of the directory (`dondoc directory show NAME` tells it)"
        )


def is_barred(
    office: Office, units: Units, feedback: Feedback, code: str, dossier: Dossier | None, *, at: datetime
) -> bool:
    """Return whether a unit must not have a feedback: it is about it, about who heads it, or about who is above it."""
    of = _known(office, units, feedback, dossier, at=at)
    heads = units.heads(code, on=of.on)
    if code in feedback.case.not_to or not heads.isdisjoint(feedback.case.not_to):
        return True
    return of.accuses and accused_of(of, office.policy(at), units).bars(code, units, on=of.on)


def _known(office: Office, units: Units, feedback: Feedback, dossier: Dossier | None, *, at: datetime) -> Matter:
    """Return a feedback as routing sees it, with whom it is known to be about."""
    case = feedback.case
    accused_units = tuple(one for one in case.not_to if units.kind(one))
    return matter(
        case.kind,
        office.words(feedback),
        units,
        dossier,
        at=at,
        field=case.field,
        categories=case.categories,
        accused=(accused_units, tuple(one for one in case.not_to if one not in accused_units)),
        instance=case.instance,
    )


def after_not_ours(
    office: Office, units: Units, feedback: Feedback, dossier: Dossier | None, *, at: datetime
) -> str | None:
    """Return who gets what a unit says is not its own."""
    case = feedback.case
    of = _known(office, units, feedback, dossier, at=at)
    policy = office.policy(at)
    refused = [unit for unit in (*case.been, case.handler) if unit]
    route = routing.next_after_not_ours(refused, of, policy, routes=office.routes, units=units)
    return route.unit
