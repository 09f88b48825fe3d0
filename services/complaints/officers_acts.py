"""The acts of officers, as their HTTP calls ask for them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from services.complaints import life, sorting
from services.complaints.acting import Act, Joining
from services.complaints.case import ActError, Case, Decision
from services.complaints.dues import due_at
from services.complaints.filing import read_code
from services.complaints.office import Office
from services.complaints.permissions import Action, Actor
from services.complaints.reference import Dossier
from services.complaints.rules.policy import NoTermError
from services.complaints.rules.units import Units
from services.complaints.shapes import Decided, Extended, Joined, Moved, Published, Said
from services.complaints.store import Feedback
from shared.clock import PROVINCE_ZONE
from shared.events import ComplaintAnswered, ComplaintRouted, FeedbackKind
from shared.worktime import CalendarEndsError, vietnam, working_days_after


class Surroundings(NamedTuple):
    """What an act is decided by beside the feedback. dossier: where the dossier of the feedback is now."""

    office: Office
    units: Units
    dossier: Dossier | None
    actor: Actor


class Asked(NamedTuple):
    """action: what the actor must be allowed to do."""

    action: Action
    act: Act | Joining


def decide(body: Decided, of: Surroundings) -> Asked:
    def change(feedback: Feedback, at: datetime) -> Case:
        _must_be_known(body, of.office, at=at)
        if feedback.anonymous:
            _may_be_unsigned(of.office, body.kind, "refused", at=at)
        going = sorting.of_decision(of.office, of.units, feedback, body, of.dossier, at=at)
        about = sorting.about_decided(of.office, of.units, feedback, body, of.dossier, at=at)
        decision = Decision(
            body.kind, going.unit, body.field, body.categories, going.not_to, about, body.remote, body.instance
        )
        return life.decide(feedback.case, decision, of.office.policy(at), by=of.actor.id, at=at)

    return Asked("decide", Act("decide", change, note=body.text, said=ComplaintRouted))


def _must_be_known(body: Decided, office: Office, *, at: datetime) -> None:
    """Refuse words that the policy does not have: they would count nowhere. raises: ActError."""
    policy = office.policy(at)
    if body.field is not None and body.field not in policy.fields:
        raise ActError(f"no field {body.field!r}: give one of {', '.join(policy.fields)}")
    if unknown := [one for one in body.categories if one not in policy.categories]:
        raise ActError(f"no category {unknown[0]!r}: give some of {', '.join(policy.categories)}")


def _may_be_unsigned(office: Office, kind: FeedbackKind, rule: str, *, at: datetime) -> None:
    """Refuse what the law does not let be without a sender's name. raises: ActError."""
    anonymous = office.policy(at).kinds[kind].anonymous
    if anonymous.rule == rule:
        raise ActError(f"its sender gave no name, without which it is not taken as a {kind} ({anonymous.basis})")


def refuse(body: Said, of: Surroundings) -> Asked:
    def change(feedback: Feedback, at: datetime) -> Case:
        if of.actor.roles.isdisjoint(("operator", "sorter")):
            _may_still_refuse(feedback.case, of.office, at=at)
        return life.refuse(feedback.case, at=at)

    return Asked("refuse", Act("refuse", change, note=body.text))


def _may_still_refuse(case: Case, office: Office, *, at: datetime) -> None:
    """Refuse a refusal by who has to answer when the time for it is over. raises: ActError.

    law: as long as the screening may take; counted from when the unit got it.
    """
    term = case.open_term("answer")
    if term is None:
        return
    length = office.policy(at).term(case.kind, "screening")
    last = due_at(term.model_copy(update={"value": length.value, "measure": length.measure}), vietnam())
    if last is not None and at > last:
        raise ActError(
            f"it could be refused until {last.astimezone(PROVINCE_ZONE):%d/%m/%Y %H:%M} ({length.basis}): "
            "answer it, or give it back if it is not yours"
        )


def accept(body: Said, of: Surroundings) -> Asked:
    def change(feedback: Feedback, at: datetime) -> Case:
        if feedback.anonymous:  # it may serve an inspection, and is refused as what it is
            _may_be_unsigned(of.office, feedback.case.kind, "kept", at=at)
        return life.accept(feedback.case, of.office.policy(at), at=at)

    return Asked("accept", Act("accept", change, note=body.text))


def ask(body: Said, of: Surroundings) -> Asked:
    def change(feedback: Feedback, at: datetime) -> Case:
        _must_be_in_time(feedback.case, of.office, at=at)
        return life.ask(feedback.case, at=at)

    return Asked("ask", Act("ask", change, note=body.text))


def _must_be_in_time(case: Case, office: Office, *, at: datetime) -> None:
    """Refuse to ask when the time for it is over: it would stop a clock that should run. raises: ActError."""
    term = case.open_term("answer", "screening")
    if term is None:
        return
    try:
        limit = office.policy(at).term(case.kind, "supplement")
        last = working_days_after(vietnam(), start=term.since, days=limit.value)
    except (NoTermError, CalendarEndsError):
        return
    if at > last:
        raise ActError(
            f"the sender could be asked within {limit.value} working days, until "
            f"{last.astimezone(PROVINCE_ZONE):%d/%m/%Y %H:%M} ({limit.basis}): go on with what there is"
        )


def transfer(body: Moved, of: Surroundings) -> Asked:
    def change(feedback: Feedback, at: datetime) -> Case:
        if sorting.is_barred(of.office, of.units, feedback, body.unit, of.dossier, at=at):
            raise ActError("it is about that unit, who heads it or who is above it: give it to another")
        sorting.must_stand(body.unit, of.units, at=at)
        return life.move(feedback.case, body.unit, of.office.policy(at), at=at)

    return Asked("transfer", Act("transfer", change, note=body.text, said=ComplaintRouted))


def not_ours(body: Said, of: Surroundings) -> Asked:
    def change(feedback: Feedback, at: datetime) -> Case:
        to = sorting.after_not_ours(of.office, of.units, feedback, of.dossier, at=at)
        return life.move(feedback.case, to, of.office.policy(at), at=at, returned=True)

    return Asked("not_ours", Act("not_ours", change, note=body.text, said=ComplaintRouted))


def extend(body: Extended, of: Surroundings) -> Asked:
    """The same extension again changes nothing; the second one is asked for by its `number`."""
    decided_at = body.decided_at

    def change(feedback: Feedback, at: datetime) -> Case:
        _must_be_running(feedback.case, decided_at or at, now=at)
        return life.extend(feedback.case, of.office.policy(at), number=body.number)

    on = f" (quyết định ngày {decided_at.astimezone(PROVINCE_ZONE):%d/%m/%Y})" if decided_at else ""
    return Asked("extend", Act("extend", change, note=body.text + on))


def _must_be_running(case: Case, decided_at: datetime, *, now: datetime) -> None:
    """Refuse an extension that was not decided while what it extends ran. raises: ActError."""
    term = case.open_term("acceptance", "settlement")
    if term is None:
        return
    if not term.since <= decided_at <= now:
        raise ActError("decided_at: an extension is decided after what it extends began, and not in the future")
    due = due_at(term, vietnam())
    if due is not None and decided_at > due:
        raise ActError(
            f"its time ran out on {due.astimezone(PROVINCE_ZONE):%d/%m/%Y %H:%M}: what is late is not extended; "
            "where that was decided before, give `decided_at`"
        )


def answer(body: Said, of: Surroundings) -> Asked:
    """The same answer again changes nothing; another one is refused, the first was sent."""

    def change(feedback: Feedback, at: datetime) -> Case:
        if feedback.case.answered_at is not None and of.office.answer(feedback) == body.text:
            return feedback.case
        return life.answer(feedback.case, of.office.policy(at), at=at)

    return Asked("answer", Act("answer", change, answer=body.text, said=ComplaintAnswered))


def publish(body: Published, of: Surroundings) -> Asked:
    """Let all read question and answer. Again with other words: these stand in place of the first."""

    def change(feedback: Feedback, at: datetime) -> Case:
        answer = of.office.answer(feedback) or "" if body.answer is None else body.answer
        return life.publish(feedback.case, at=at, answer=answer, question=body.question)

    words = (body.text, body.question, body.answer)
    return Asked("publish", Act("publish", change, note="\n\n".join(word for word in words if word)))


def withdraw(body: Said, _: Surroundings) -> Asked:
    """Let nobody read any more what was published; the words for all are deleted."""
    return Asked("publish", Act("withdraw", lambda feedback, _: life.withdraw(feedback.case), note=body.text))


def join(body: Joined, _: Surroundings) -> Asked:
    to = read_code(body.to) or body.to
    return Asked("join", Joining(to))


def separate(body: Said, of: Surroundings) -> Asked:
    def change(feedback: Feedback, at: datetime) -> Case:
        policy = of.office.policy(at)
        return life.separate(feedback.case, policy, screened_by=policy.screener, at=at)

    return Asked("join", Act("separate", change, note=body.text))
