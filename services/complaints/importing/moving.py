"""What a newer state at the portal makes of a feedback here: the act that it stands for, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.complaints import life, sorting
from services.complaints.acting import Act
from services.complaints.case import ActError, Case
from services.complaints.importing.portal import Meaning, Record
from services.complaints.office import Office
from services.complaints.rules.units import Units
from services.complaints.store import Feedback
from shared.clock import PROVINCE_ZONE
from shared.events import ComplaintAnswered, ComplaintChanged, ComplaintRouted

CLOSED = ("answered", "published", "refused", "joined")
NAMES = {
    "received": "receive", "supplement_asked": "ask", "supplemented": "supplement", "refused": "refuse",
    "returned": "not_ours", "transferred": "transfer", "answered": "answer", "published": "publish",
}  # fmt: skip
UNDECIDED = "no officer has decided yet what it is: decide first, then send the state again"


def act_of(meaning: Meaning, record: Record, feedback: Feedback, office: Office, units: Units) -> Act | None:
    """Return what to do with a feedback that the caller has locked; None where nothing is to be done.

    raises: ActError - the move is not possible, or what it needs is missing.
    """
    if meaning == "none":
        return None
    if meaning in ("answered", "published"):
        return _answered(meaning, record, feedback, office)
    note = record.asked if meaning == "supplement_asked" else record.reason
    said = ComplaintRouted if meaning in ("returned", "transferred") else ComplaintChanged
    return Act(NAMES[meaning], _change(meaning, record, office, units), note=note, said=said)


def _change(meaning: Meaning, record: Record, office: Office, units: Units) -> Callable[[Feedback, datetime], Case]:
    def change(feedback: Feedback, at: datetime) -> Case:
        case, policy = feedback.case, office.policy(at)
        if meaning == "refused":
            return case if case.state == "refused" else life.refuse(case, at=at)
        if meaning == "supplement_asked":
            return case if case.state == "supplement_asked" else life.ask(case, at=at)
        if meaning == "supplemented":
            return life.supplement(case, at=at)
        if meaning == "received":
            return _received(case, at=at)
        to = _receiver(record, feedback, office, units, at=at) if meaning == "transferred" else policy.screener
        return case if to == case.handler else life.move(case, to, policy, at=at)

    return change


def _received(case: Case, *, at: datetime) -> Case:
    if case.state in CLOSED:
        raise ActError(f"it is {case.state} here: it does not go back to the beginning")
    return life.supplement(case, at=at) if case.state == "supplement_asked" else case


def _receiver(record: Record, feedback: Feedback, office: Office, units: Units, *, at: datetime) -> str:
    to = units.resolve(record.unit, on=at.astimezone(PROVINCE_ZONE).date()) if record.unit else None
    if to is None:
        raise ActError("unit: say which unit gets it, by a code or a name of the directory")
    if sorting.is_barred(office, units, feedback, to, None, at=at):
        raise ActError("it is about that unit, who heads it or who is above it: give it to another")
    sorting.must_stand(to, units, at=at)
    return to


def _answered(meaning: Meaning, record: Record, feedback: Feedback, office: Office) -> Act:
    had = office.answer(feedback) if feedback.case.answered_at else None
    if had is not None and record.answer not in (None, had):
        raise ActError("it has another answer already")
    if had is None and record.answer is None:
        raise ActError("answer: the words of the answer are missing")

    def change(feedback: Feedback, at: datetime) -> Case:
        case, policy = feedback.case, office.policy(at)
        if case.answered_at is None:
            if case.kind_by is None:
                raise ActError(UNDECIDED)
            case = life.answer(case, policy, at=at)
        if meaning == "answered" or case.state == "published":
            return case
        return life.publish(case, at=at, answer=had or record.answer or "")

    return Act(NAMES[meaning], change, answer=None if had is not None else record.answer, said=ComplaintAnswered)
