"""Why our list of overdue dossiers and a source's own differ, dossier by dossier. Pure.

Ours is reckoned for the moment of the source's census, from everything heard since; what only news heard after the
census explains says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, get_args

from services.deadline.corrections import corrected
from services.deadline.course import at_moment
from services.deadline.dossier import RETURNED
from services.deadline.folding import Data, Folded, fold
from services.deadline.parts import ENDS, PAUSING, Terms
from services.deadline.reference import Reference
from services.deadline.slots import happened, last_run, slots_of
from shared.events import Fact

Reason = Literal[
    "unknown_to_us",
    "not_there_yet",
    "ended_by_us",
    "paused_by_us",
    "due_later_by_us",
    "not_yet_due",
    "no_due_by_us",
    "other_source_says",
    "mirror_only",
    "reopened",
    "due_by_us_alone",
    "not_in_their_list",
    "late_news",
    "not_reckoned",
]
REASONS: Sequence[Reason] = get_args(Reason)
WORDS: Mapping[Reason, str] = {
    "unknown_to_us": "Đôn đốc chưa từng nhận được tin về hồ sơ này",
    "not_there_yet": "Theo tin đã nhận, hồ sơ được nộp hoặc tiếp nhận sau thời điểm thống kê",
    "ended_by_us": "Đôn đốc đã nhận được tin hồ sơ kết thúc",
    "paused_by_us": "Đôn đốc đang tạm dừng tính thời hạn của hồ sơ",
    "due_later_by_us": "Đôn đốc đã nhận được ngày hẹn trả mới, muộn hơn",
    "not_yet_due": "Theo ngày hẹn trả mà Đôn đốc có, hồ sơ chưa đến hạn",
    "no_due_by_us": "Đôn đốc không có ngày hẹn trả của hồ sơ",
    "other_source_says": "Ngày hẹn trả mà Đôn đốc dùng là do nguồn khác báo",
    "mirror_only": "Chỉ nguồn lặp lại (ví dụ Cổng Dịch vụ công quốc gia) báo về hồ sơ này",
    "reopened": "Hồ sơ đã kết thúc rồi được mở lại",
    "due_by_us_alone": "Nguồn không báo ngày hẹn trả, thời hạn do Đôn đốc tính",
    "not_in_their_list": "Nguồn không liệt kê; có thể hồ sơ đã kết thúc mà chưa gửi tin",
    "late_news": "Khác nhau vì tin nhận được sau thời điểm thống kê",
    "not_reckoned": "Không tính được, cần người vận hành xem",
}


class Difference(TypedDict):
    """A dossier that one side holds to be overdue and the other does not.

    theirs, ours: whether overdue. state, due_at, ended_at, unit: ours at that moment. said_by: the source of the fact
    that decides for us (the end, else the due date); said_at: when it says that happened or was known; said_heard_at:
    when we heard that. last_heard_at: of the newest fact of any kind.
    """

    dossier: str
    reason: Reason
    theirs: bool
    ours: bool
    unit: str | None
    unit_name: str | None
    state: str | None
    due_at: str | None
    first_due_at: str | None
    ended_at: str | None
    said_by: str | None
    said_at: str | None
    said_heard_at: str | None
    last_heard_at: str | None


class Compared(TypedDict):
    """What came of one dossier. overdue: by us. difference: None where both sides agree."""

    overdue: bool
    unit: str | None
    unit_name: str | None
    difference: Difference | None


def compared(
    dossier: str,
    said: Sequence[Data],
    *,
    listed: bool,
    source: str,
    moment: str,
    known: Reference,
    terms: Terms,
) -> Compared:
    """Compare one dossier.

    said: everything ever said of it. listed: the source holds it to be overdue. moment: of the census.
    """
    ours = _at(dossier, said, moment=moment, known=known, terms=terms)
    overdue = _is_overdue(ours, moment)
    result: Compared = {
        "overdue": overdue,
        "unit": ours.obligation["unit"] if ours else None,
        "unit_name": ours.obligation["unit_name"] if ours else None,
        "difference": None,
    }
    if overdue != listed:
        facts = _counting(dossier, said)
        by_then = _heard_by(said, moment)
        then = _at(dossier, by_then, moment=moment, known=known, terms=terms) if by_then else None
        late = _is_overdue(then, moment) == listed
        slots = happened(slots_of(facts), until=moment) if facts else {}
        reason = "late_news" if late else _reason(ours, facts, slots, listed=listed, source=source, moment=moment)
        result["difference"] = _difference(dossier, reason, ours, facts, slots, listed=listed)
    return result


def dossier_of(code: str, said: Sequence[Data]) -> str:
    """Return the code by which the dossier goes that a source calls `code`. said: everything ever said under that."""
    part_of = corrected(code, [fact for data in said for fact in data["facts"]]).part_of
    return str(part_of["value"]["dossier"]) if part_of else code


def _counting(dossier: str, said: Sequence[Data]) -> Sequence[Fact]:
    """Return the facts that count: what people say of facts is none, and what they retracted is none any more."""
    return corrected(dossier, [fact for data in said for fact in data["facts"]]).facts


def unreckoned(dossier: str, *, listed: bool) -> Compared:
    """Return what is told of a dossier whose facts cannot be folded: it must not hold up the others."""
    difference = _difference(dossier, "not_reckoned", None, (), {}, listed=listed)
    return {"overdue": False, "unit": None, "unit_name": None, "difference": difference}


def _at(dossier: str, said: Sequence[Data], *, moment: str, known: Reference, terms: Terms) -> Folded | None:
    """Return the dossier at that moment, None where nothing of it had happened."""
    if not said:
        return None
    folded = fold(f"dossier/{dossier}", said, known=known, terms=terms, until=moment)
    return folded[0] if folded else None


def _is_overdue(folded: Folded | None, moment: str) -> bool:
    if folded is None or folded.obligation["state"] == "ended":
        return False
    return at_moment(folded.obligation, now=moment, calendar=folded.calendar)["timing"] == "overdue"


def _heard_by(said: Sequence[Data], moment: str) -> list[Data]:
    """Return what was said with the facts that had been heard by then."""
    heard = [{**data, "facts": [fact for fact in data["facts"] if fact["heard"] <= moment]} for data in said]
    return [data for data in heard if data["facts"]]


def _reason(
    ours: Folded | None,
    facts: Sequence[Fact],
    slots: Mapping[str, Sequence[Fact]],
    *,
    listed: bool,
    source: str,
    moment: str,
) -> Reason:
    if ours is None:
        return "not_there_yet" if facts else "unknown_to_us"
    one = ours.obligation
    said_by = {fact["source"] for fact in last_run(slots.get("due", ()))}
    others_due = bool(said_by) and one["due_from"] != "computed" and source not in said_by
    if not listed:
        return _reason_for_ours(ours, facts, others_due=others_due)
    if one["state"] == "ended":
        return "ended_by_us"
    if one["state"] == "paused":
        return "paused_by_us"
    if one["due_at"] is None:
        return "no_due_by_us"
    if all(fact.get("mirror") for fact in facts):
        return "mirror_only"
    if others_due:
        return "other_source_says"
    moved = one["first_due_at"] is not None and one["first_due_at"] <= moment
    return "due_later_by_us" if moved else "not_yet_due"


def _reason_for_ours(ours: Folded, facts: Sequence[Fact], *, others_due: bool) -> Reason:
    """Why we hold a dossier to be overdue that they do not list."""
    one = ours.obligation
    if all(fact.get("mirror") for fact in facts):
        return "mirror_only"
    if one["state"] == "paused":
        return "paused_by_us"
    if "reopened" in one["flags"]:
        return "reopened"
    if one["due_from"] == "computed":
        return "due_by_us_alone"
    return "other_source_says" if others_due else "not_in_their_list"


def _difference(
    dossier: str,
    reason: Reason,
    ours: Folded | None,
    facts: Sequence[Fact],
    slots: Mapping[str, Sequence[Fact]],
    *,
    listed: bool,
) -> Difference:
    one: Mapping[str, Any] = ours.obligation if ours else {}
    deciding = last_run(slots.get("standing" if one.get("state") == "ended" else "due", ()))
    return {
        "dossier": dossier,
        "reason": reason,
        "theirs": listed,
        "ours": not listed,
        "unit": one.get("unit"),
        "unit_name": one.get("unit_name"),
        "state": one.get("state"),
        "due_at": one.get("due_at"),
        "first_due_at": one.get("first_due_at"),
        "ended_at": one.get("ended_at"),
        "said_by": deciding[0]["source"] if deciding else None,
        "said_at": deciding[0]["at"] if deciding else None,
        "said_heard_at": deciding[0]["heard"] if deciding else None,
        "last_heard_at": max((fact["heard"] for fact in facts), default=None),
    }


def slots_that_differ(dossier: str, said: Sequence[Data]) -> list[dict[str, Any]]:
    """Return the slots about which a mirror and a primary source both spoke, and say different things now."""
    if dossier_of(dossier, said) != dossier:
        return []
    facts = _counting(dossier, said)
    primary = slots_of(fact for fact in facts if not fact.get("mirror"))
    mirrored = slots_of(fact for fact in facts if fact.get("mirror"))
    told = []
    for slot in sorted(primary.keys() & mirrored.keys() - {"about"}):
        one, other = last_run(primary[slot])[0], last_run(mirrored[slot])[0]
        if _differ(one, other):
            told.append({"slot": slot, "primary": _told(one), "mirror": _told(other)})
    return told


def _differ(one: Fact, other: Fact) -> bool:
    """Say whether two facts of a slot contradict: of a standing, whether it runs, stands or has ended, and when."""
    if one["slot"] != "standing":
        return bool(one["value"] != other["value"])
    ends = {fact["value"].get("ended") for fact in (one, other)} - {None}
    return _stage(one) != _stage(other) or len(ends) > 1


def _stage(fact: Fact) -> str:
    status = fact["value"].get("status")
    if fact["value"].get("ended") or status in ENDS or status == RETURNED:
        return "ended"
    return "paused" if status in PAUSING else "open"


def _told(fact: Fact) -> dict[str, Any]:
    return {"source": fact["source"], "value": fact["value"], "as_of": fact["as_of"]}
