"""The life of a feedback: what each act makes of its state and of what is owed. Pure.

Every act takes a case and returns the case after it, or refuses with what is in the way. What is owed stands in
`terms`: at most one of each name, a newer one in place of the older.
law: NĐ 20/2008/NĐ-CP (reflection, recommendation), Luật Khiếu nại 2011 (complaint), Luật Tố cáo 2018 (denunciation);
the lengths come from the dated policy.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from services.complaints.case import ActError, Case, Decision, Policy
from shared.events import FeedbackKind, FeedbackTerm, TermName

ANSWERED_IN_THE_OPEN: tuple[FeedbackKind, ...] = ("reflection", "recommendation")
End = Literal["answered", "refused", "void"]


def enter(case: Case, policy: Policy, *, screened_by: str | None) -> Case:
    """Return a case as it was filed: it is to be screened, and what is no denunciation answered."""
    case = replace(case, hides_identity=case.hides_identity or policy.hides(case.kind))
    case = _begin(case, "screening", policy, unit=screened_by, since=case.filed_at)
    if case.kind in ANSWERED_IN_THE_OPEN:
        case = _begin(case, "answer", policy, unit=case.handler, since=case.filed_at)
    return case


def decide(case: Case, decision: Decision, policy: Policy, *, by: str, at: datetime) -> Case:
    """Let an officer decide what it is and who must act; an earlier decision may be put right until it is answered.

    What the sender was asked for is waited for no more.
    """
    _must_be_open(case)
    if decision.instance > 1 and decision.kind != "complaint":
        raise ActError("only a complaint has a second instance")
    if case.state == "supplement_asked":
        case = supplement(case, at=at)
    moved, was = decision.handler != case.handler, case
    case = replace(
        _end(case, ("screening",), at=at, end="answered"),
        kind=decision.kind,
        suspected=False,
        kind_by=by,
        field=decision.field,
        categories=decision.categories,
        handler=decision.handler,
        not_to=decision.not_to,
        about_unit=decision.about_unit,
        remote=decision.remote,
        instance=decision.instance,
        hides_identity=case.hides_identity or policy.hides(decision.kind),
    )
    if case.kind in ANSWERED_IN_THE_OPEN:
        case = replace(_end(case, ("acceptance", "settlement"), at=at, end="void"), state="accepted")
        if was.open_term("answer") is None or moved:
            return _begin(case, "answer", policy, unit=case.handler, since=at)
        return case
    case = replace(_end(case, ("answer",), at=at, end="void"), state="received")
    same = (was.kind, was.remote, was.instance) == (case.kind, case.remote, case.instance)
    if same and not moved and was.open_term("acceptance", "settlement"):
        return replace(case, state=was.state)
    return _begin(_end(case, ("settlement",), at=at, end="void"), "acceptance", policy, unit=case.handler, since=at)


def refuse(case: Case, *, at: datetime) -> Case:
    """Let it be refused, or given back to the sender, with a reason."""
    _must_be_open(case)
    return replace(_end(case, (), at=at, end="refused"), state="refused")


def accept(case: Case, policy: Policy, *, at: datetime) -> Case:
    """Let the unit take on a complaint or a denunciation: its settlement begins."""
    if case.open_term("acceptance") is None:
        raise ActError("nothing waits to be accepted: only complaints and denunciations are, once, after the decision")
    case = replace(_end(case, ("acceptance",), at=at, end="answered"), state="accepted")
    return _begin(case, "settlement", policy, unit=case.handler, since=at)


def ask(case: Case, *, at: datetime) -> Case:
    """Ask the sender for what is missing: what is owed stands until it comes."""
    _must_be_open(case)
    if case.state == "supplement_asked":
        raise ActError("the sender was asked already and has not answered yet")
    paused = tuple(_paused(term, at=at) if term.ended_at is None else term for term in case.terms)
    return replace(case, terms=paused, state="supplement_asked")


def supplement(case: Case, *, at: datetime) -> Case:
    """Take what the sender was asked for."""
    if case.state != "supplement_asked":
        raise ActError("nothing was asked for")
    running = tuple(_resumed(term, at=at) if term.ended_at is None else term for term in case.terms)
    accepted = case.kind_by is not None and not any(term.name == "acceptance" and not term.ended_at for term in running)
    return replace(case, terms=running, state="accepted" if accepted else "received")


def move(case: Case, to: str | None, policy: Policy, *, at: datetime, returned: bool = False) -> Case:
    """Give it to another unit: what is owed begins anew there. returned: the unit that had it says it is not its own.

    What the sender was asked for is waited for no more.
    law: the national clock counts from sending, or from the last transfer.
    """
    _must_be_open(case)
    if case.state == "supplement_asked":
        case = supplement(case, at=at)
    if to == case.handler:
        raise ActError("that unit has it already")
    if returned and case.kind_by is None:
        raise ActError("no officer has decided yet what it is: decide, and name the unit")
    been = (*case.been, case.handler) if returned and case.handler else case.been
    screened = _end(case, ("screening",), at=at, end="answered") if case.kind_by else case
    names = [term.name for term in screened.terms if term.ended_at is None and term.name != "screening"]
    moved = replace(screened, handler=to, been=been, moves=case.moves + returned)
    for name in names:
        moved = _begin(moved, name, policy, unit=to, since=at)
    return moved


def extend(case: Case, policy: Policy, *, number: int) -> Case:
    """Use the law's extension of the acceptance or the settlement; one that was used already changes nothing.

    number: which one, from 1. raises: ActError - there is none, no more, or the one before was not used.
    """
    term = case.open_term("acceptance", "settlement")
    if term is None:
        raise ActError("only acceptance and settlement of a complaint or a denunciation are extended, while they run")
    if number <= term.extended:
        return case
    if number > term.extended + 1:
        raise ActError(f"it was extended {term.extended} times: give `number` {term.extended + 1}")
    if term.extended >= policy.extensions(case.kind, term.name, instance=case.instance):
        raise ActError(
            "the law allows no extension of it" if not term.extended else "it was extended as often as the law allows"
        )
    longer = policy.term(case.kind, term.name, remote=case.remote, complex=term.extended + 1, instance=case.instance)
    changed = term.model_copy(
        update={"value": longer.value, "measure": longer.measure, "basis": longer.basis, "extended": term.extended + 1}
    )
    return replace(case, terms=tuple(changed if one is term else one for one in case.terms))


def answer(case: Case, policy: Policy, *, at: datetime) -> Case:
    """Let it be answered or settled. What is answered in the open is to be published then."""
    _must_be_open(case)
    if case.open_term("acceptance"):
        raise ActError("accept it first: its settlement has not begun")
    if case.kind_by is None:
        raise ActError("no officer has decided yet what it is: decide first")
    case = replace(_end(case, (), at=at, end="answered"), state="answered", answered_at=at)
    if case.kind in ANSWERED_IN_THE_OPEN and not case.sealed:
        return _begin(case, "publication", policy, unit=case.handler, since=at)
    return case


def publish(case: Case, *, at: datetime, answer: str, question: str | None = None) -> Case:
    """Let question and answer be read by all, in these words; what is read already may be put into others."""
    worded = replace(case, published_question=question, published_answer=answer)
    if case.state == "published":
        return worded
    withdrawn = answers_others(case) and any(t.name == "publication" and t.end == "answered" for t in case.terms)
    if case.open_term("publication") is None and not (case.state == "answered" and withdrawn):
        raise ActError("there is no answer to publish: only answered reflections and recommendations in the open are")
    return replace(_end(worded, ("publication",), at=at, end="answered"), state="published", published_at=at)


def withdraw(case: Case) -> Case:
    """Let nobody read any more what was published; it stays answered, and may be published again in other words."""
    if case.state != "published":
        raise ActError("it is not published")
    return replace(case, state="answered", published_at=None, published_question=None, published_answer=None)


def reopen(case: Case, policy: Policy, *, at: datetime) -> Case:
    """Let the sender ask again, within the time and as often as the policy allows."""
    if why := why_not_reopened(case, policy, at=at):
        raise ActError(why)
    case = replace(_end(case, ("publication",), at=at, end="void"), state="accepted", answered_at=None, rating=None)
    case = replace(case, reopened=case.reopened + 1, published_at=None)
    case = replace(case, published_question=None, published_answer=None)
    name: TermName = "answer" if case.kind in ANSWERED_IN_THE_OPEN else "settlement"
    return _begin(case, name, policy, unit=case.handler, since=at)


def why_not_reopened(case: Case, policy: Policy, *, at: datetime) -> str | None:
    """Return what is in the way of reopening, None where nothing is."""
    if case.answered_at is None or case.state not in ("answered", "published"):
        return "it has no answer yet"
    if case.kind not in ANSWERED_IN_THE_OPEN:
        return "against a settlement the law gives other remedies, which it names"
    if case.reopened >= policy.reopening.times:
        return "it was reopened as often as it can be"
    if at > case.answered_at + timedelta(days=policy.reopening.within_days):
        return "the time for this is over; file a new one"
    return None


def rate(case: Case, rating: int) -> Case:
    """Take the sender's rating of the answer, 1 to 5; the last one counts."""
    if case.state not in ("answered", "published"):
        raise ActError("there is no answer to rate")
    return replace(case, rating=rating)


def join(case: Case, to: Case, *, at: datetime) -> Case:
    """Let it be dealt with in another one, whose answer is its answer; so that one must be to have one for all."""
    _must_be_open(case)
    if to.code == case.code:
        raise ActError("a feedback is not joined to itself")
    if case.kind not in ANSWERED_IN_THE_OPEN:
        raise ActError("who complains or denounces is owed a settlement of their own: it is not joined to another")
    if to.joined_to is not None:
        raise ActError(f"that one is dealt with in {to.joined_to} itself: join it to that")
    if not answers_others(to):
        raise ActError("that one will have no answer that all may read: only what is answered in the open has others")
    return replace(_end(case, (), at=at, end="void"), state="joined", joined_to=to.code)


def answers_others(case: Case) -> bool:
    """Return whether its answer is, or is to be, one for all: what is joined to it waits for that."""
    return case.kind in ANSWERED_IN_THE_OPEN and not case.sealed and case.state not in ("refused", "joined")


def separate(case: Case, policy: Policy, *, screened_by: str | None, at: datetime) -> Case:
    """Undo a joining: it is to be screened again, and counted from now."""
    if case.joined_to is None:
        raise ActError("it is not joined to another")
    case = replace(case, joined_to=None, state="received", kind_by=None)
    case = _begin(case, "screening", policy, unit=screened_by, since=at)
    return _begin(case, "answer", policy, unit=case.handler, since=at) if case.kind in ANSWERED_IN_THE_OPEN else case


def _must_be_open(case: Case) -> None:
    if case.state in ("answered", "published"):
        raise ActError("it is answered already")
    if case.state == "refused":
        raise ActError("it was refused already")
    if case.state == "joined":
        raise ActError(f"it is dealt with in {case.joined_to}: separate it first")


def _begin(case: Case, name: TermName, policy: Policy, *, unit: str | None, since: datetime) -> Case:
    length = policy.term(case.kind, name, remote=case.remote, instance=case.instance)
    term = FeedbackTerm(
        name=name, unit=unit, since=since, value=length.value, measure=length.measure, basis=length.basis
    )
    return replace(case, terms=(*(one for one in case.terms if one.name != name), term))


def _end(case: Case, names: tuple[TermName, ...], *, at: datetime, end: End) -> Case:
    """End the open terms of these names, all where there are none; a pause ends with them."""
    return replace(
        case,
        terms=tuple(
            _resumed(term, at=at).model_copy(update={"ended_at": at, "end": end})
            if term.ended_at is None and (term.name in names or not names)
            else term
            for term in case.terms
        ),
    )


def _paused(term: FeedbackTerm, *, at: datetime) -> FeedbackTerm:
    return term.model_copy(update={"pauses": (*term.pauses, (at, None))})


def _resumed(term: FeedbackTerm, *, at: datetime) -> FeedbackTerm:
    if not term.pauses or term.pauses[-1][1] is not None:
        return term
    return term.model_copy(update={"pauses": (*term.pauses[:-1], (term.pauses[-1][0], at))})
