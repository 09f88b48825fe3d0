"""A citizen's feedback folded into the courses of what is owed in it: its answer, and each other term. Pure.

Complaints says which terms there are, with their lengths and the acts they rest on; here they are counted, like those
of anything else that falls due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

from services.deadline.course import Course, Pause
from services.deadline.dossier import joined
from services.deadline.limits import Limit, Unit
from services.deadline.parts import RECEPTION_NEAR
from shared.events import FeedbackKind, TermMeasure, TermName
from shared.instants import canonical

State = Mapping[str, Any]  # the `data` of a COMPLAINTS event
Term = Mapping[str, Any]  # one of its `terms`

SOURCE = "complaints"
ANSWER: TermName = "answer"
NAMES: tuple[TermName, ...] = get_args(TermName)
MEASURES: Mapping[TermMeasure, Unit] = {
    "working_hours": "working_hours",
    "working_days": "working_days",
    "days": "calendar_days",
}
BASIS = "NĐ 20/2008/NĐ-CP (sửa đổi 92/2017/NĐ-CP)"
LATER = "~"  # after every instant
THINGS: Mapping[FeedbackKind | None, str] = {
    "reflection": "phản ánh",
    "recommendation": "kiến nghị",
    "complaint": "khiếu nại",
    "denunciation": "tố cáo",
    None: "phản ánh, kiến nghị",
}
TITLES: Mapping[TermName, str] = {
    "screening": "tiếp nhận, phân loại {}",
    "acceptance": "thụ lý {}",
    "answer": "trả lời {}",
    "settlement": "giải quyết {}",
    "publication": "công khai kết quả trả lời {}",
}
FIELDS: Mapping[str, str] = {  # as the directories of procedures call them, so that a field is one thing everywhere
    "business": "Đăng ký kinh doanh",
    "certification": "Chứng thực",
    "civil_status": "Hộ tịch",
    "construction": "Xây dựng",
    "education": "Giáo dục",
    "environment": "Môi trường",
    "health": "Y tế",
    "land": "Đất đai",
    "online_service": "Dịch vụ công trực tuyến",
    "residence": "Cư trú, căn cước",
    "social": "Bảo trợ xã hội, người có công",
    "transport": "Giao thông, hạ tầng",
}


def fold(code: str, states: Iterable[State], *, until: str | None = None) -> list[Course]:
    """Return the courses of a feedback, that of its answer first; nothing where it was not filed by `until`.

    states: the data of COMPLAINTS events, in any order, repeats welcome. Of one said before terms were, an answer is
    owed by the days that it names. Where no answer is owed its course is void, or has no due time while it is looked at
    whether one will be.
    """
    known = sorted({state["revision"]: state for state in states}.values(), key=lambda state: state["revision"])
    if until is not None:
        if _instant(known[-1]["filed_at"]) > until:
            return []
        known = [state for state in known if _moment(state) <= until] or known[:1]
    newest = known[-1]
    if not newest.get("terms"):
        return [_without_terms(code, newest, until=until)]
    terms = _present(newest, until=until)
    courses = [_course(code, name, terms[name], known) for name in NAMES if name in terms and name != ANSWER]
    own = _course(code, ANSWER, terms[ANSWER], known) if ANSWER in terms else _no_answer(code, newest, terms)
    return [own, *courses]


def _without_terms(code: str, newest: State, *, until: str | None) -> Course:
    course = _begun(code, newest, since=_instant(newest["filed_at"]), unit=newest["unit"])
    course.limit = Limit(newest["answer_working_days"], "working_days", BASIS)
    answered_at = newest["answered_at"] and _instant(newest["answered_at"])
    if answered_at and answered_at <= (until or LATER):
        course.ended_at, course.end = answered_at, "answered"
    return course


def _no_answer(code: str, newest: State, terms: Mapping[str, Term]) -> Course:
    """Return the course of a feedback that no answer is owed to, or not yet."""
    course = _begun(code, newest, since=_instant(newest["filed_at"]), unit=newest["unit"])
    if "screening" not in terms or terms["screening"].get("ended_at"):
        course.ended_at, course.end = _moment(newest), "void"
    return course


def _course(code: str, name: TermName, term: Term, known: Sequence[State]) -> Course:
    """Return the course of a term of the newest of the states known. Of an earlier one of its name the end is kept."""
    newest, since = known[-1], _instant(term["since"])
    course = _begun(code, newest, since=since, unit=term["unit"])
    if name != ANSWER:
        course.part, course.parent = name, f"answer/{code}"
    if not course.confidential:
        course.title = TITLES[name].format(THINGS[newest.get("kind")])
    if term.get("ended_at"):
        course.ended_at, course.end = _instant(term["ended_at"]), term.get("end") or "answered"
    if course.end != "void":
        _count(course, name, term, known)
    ends = [end for end in _ends(known, name, term) if end < (course.ended_at or LATER)]
    if ends:
        course.first_ended_at = min(ends)
        course.flags.add("reopened")
    return course


def _count(course: Course, name: TermName, term: Term, known: Sequence[State]) -> None:
    """Set the limit of a course, what it was before it was extended, and the pauses."""
    course.limit = _limit(term)
    if course.limit and (course.limit.unit == "working_hours" or course.limit.value <= 1):
        course.near = RECEPTION_NEAR
    if term.get("extended"):
        course.flags.add("extended")
        course.first_limit = next(
            (
                _limit(one)
                for state in known
                for one in _of(state, name)
                if _instant(one["since"]) == course.accepted_at and not one.get("extended")
            ),
            None,
        )
    spans = (Pause(_instant(since), until and _instant(until)) for since, until in term.get("pauses", ()))
    course.pauses = joined(spans, ended_at=course.ended_at)


def _begun(code: str, newest: State, *, since: str, unit: str | None) -> Course:
    course = Course("answer", code, SOURCE, since, unit=unit, accepted_at=since)
    course.unit_said_on = since[:10]
    course.restricted = sorted(newest.get("not_to", ()))
    course.confidential = newest.get("restricted", False)
    if not course.confidential:
        field: str | None = newest.get("field")
        course.field_name = FIELDS.get(field, field) if field else None
    return course


def _limit(term: Term) -> Limit | None:
    return Limit(term["value"], MEASURES[term["measure"]], term["basis"]) if term["value"] else None


def _ends(known: Sequence[State], name: TermName, term: Term) -> Iterator[str]:
    """Yield when earlier terms of a name ended, and when this one did before it was taken up again."""
    since, is_open = _instant(term["since"]), not term.get("ended_at")
    for state in known:
        for one in _of(state, name):
            if one.get("ended_at") and one.get("end") != "void" and (is_open or _instant(one["since"]) < since):
                yield _instant(one["ended_at"])


def _of(state: State, name: str) -> Iterator[Term]:
    return (term for term in state.get("terms", ()) if term["name"] == name)


def _present(state: State, *, until: str | None) -> dict[str, Term]:
    """Return the terms of a state by name, of several of one name the one that began last, as they were by `until`."""
    present: dict[str, Term] = {}
    for term in sorted(state["terms"], key=lambda term: _instant(term["since"])):
        if until is None:
            present[term["name"]] = term
        elif _instant(term["since"]) <= until:
            present[term["name"]] = _cut(term, until)
    return present


def _cut(term: Term, until: str) -> Term:
    begun = [pause for pause in term.get("pauses", ()) if _instant(pause[0]) <= until]
    cut = {**term, "pauses": [(since, end if end and _instant(end) <= until else None) for since, end in begun]}
    if term.get("ended_at") and _instant(term["ended_at"]) > until:
        cut |= {"ended_at": None, "end": None}
    return cut


def _moment(state: State) -> str:
    """Return the latest instant that a state tells of: it was not yet so before."""
    told = [state["filed_at"], state["answered_at"]]
    for term in state.get("terms", ()):
        told += [term["since"], term.get("ended_at")]
        told += [at for pause in term.get("pauses", ()) for at in pause]
    return max(_instant(at) for at in told if at)


def _instant(text: str) -> str:
    return canonical(datetime.fromisoformat(text))
