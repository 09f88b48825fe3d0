"""Why somebody is told: an enum, and its words in a notice. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from enum import StrEnum

from services.notify.policies.policy import NEAR
from services.notify.telling.entries import OVERDUE, Entry


class Why(StrEnum):
    """Each reason for which a notice is made. They are kept and said: added to, never renamed."""

    NEAR = "near"
    PASSED = "passed"
    LEVEL = "level"  # a higher level of the ladder was reached
    MOVED = "moved"  # the due time changed and is still past
    SETTLED = "settled"
    JOINT = "joint"  # the step that another unit holds is late
    UNIT_UNKNOWN = "unit_unknown"
    STAND_IN = "stand_in"  # for a head who is absent, not there or not reached
    REPEATED = "repeated"
    PROMISE_MISSED = "promise_missed"
    WEEKLY = "weekly"
    OTHER_CHANNEL = "other_channel"  # the first way did not arrive
    NEXT_PERSON = "next_person"  # nor did the first person
    OPERATOR = "operator"
    ABSENCE = "absence"  # somebody told by the link that this person is away
    PATTERN = "pattern"  # many feedbacks about one unit or officer below


WORDS: Mapping[Why, str] = {
    Why.NEAR: "có việc sắp đến hạn",
    Why.PASSED: "có việc mới quá hạn",
    Why.LEVEL: "có việc quá hạn kéo dài",
    Why.MOVED: "việc đã báo có thay đổi về thời hạn",
    Why.SETTLED: "việc đã báo không còn quá hạn",
    Why.JOINT: "có hồ sơ chậm ở bước xử lý do đơn vị khác thực hiện",
    Why.UNIT_UNKNOWN: "có việc chưa xác định được đơn vị chịu trách nhiệm",
    Why.STAND_IN: "nhận thay người đứng đầu vắng mặt hoặc chưa có địa chỉ nhận tin",
    Why.REPEATED: "nhắc lại việc đã báo mà chưa được giải quyết",
    Why.PROMISE_MISSED: "việc đã hẹn ngày giải quyết mà quá ngày hẹn vẫn chưa xong",
    Why.WEEKLY: "tổng hợp hằng tuần gửi Chủ tịch Ủy ban nhân dân tỉnh",
    Why.OTHER_CHANNEL: "tin gửi bằng cách khác chưa được xác nhận là đã đến",
    Why.NEXT_PERSON: "tin gửi người nhận trước chưa được xác nhận là đã đến",
    Why.OPERATOR: "người vận hành hệ thống yêu cầu gửi",
    Why.ABSENCE: "có người báo Ông/Bà vắng mặt",
    Why.PATTERN: "có nhiều phản ánh về cùng một đơn vị hoặc cán bộ trong thời gian ngắn",
}


def of_entry(entry: Entry) -> list[Why]:
    """Return why an entry is told: what happened, then what is special about whose it is."""
    found = [_happened(entry)]
    if entry.joint and entry.news != "settled":
        found.append(Why.JOINT)
    if entry.resolved is None:
        found.append(Why.UNIT_UNKNOWN)
    return found


def _happened(entry: Entry) -> Why:
    if entry.news == "settled":
        return Why.SETTLED
    if entry.repeat:
        return Why.REPEATED
    if entry.role == "receiving":
        return Why.JOINT
    if entry.level == NEAR:
        return Why.NEAR
    if entry.level > max(entry.told, 1):
        return Why.LEVEL
    return Why.MOVED if entry.told > NEAR else Why.PASSED


def of(entries: Iterable[Entry], *, stands_in: bool, missed: Set[str] = frozenset()) -> tuple[Why, ...]:
    """Return why a notice is made, in the order of the enum.

    stands_in: who gets it does so for the unit's own head. missed: obligations of which a promise was missed.
    """
    told = list(entries)
    found = {reason for entry in told for reason in of_entry(entry)}
    if any(entry.obligation_id in missed and entry.part in OVERDUE for entry in told):
        found.add(Why.PROMISE_MISSED)
    if stands_in:
        found.add(Why.STAND_IN)
    return tuple(reason for reason in Why if reason in found)


def said(reasons: Sequence[str]) -> str:
    """Return the words of reasons, as they end the line "Lý do gửi: …"; what a later release knows is passed over."""
    known = {reason.value: reason for reason in Why}
    return "; ".join(WORDS[known[reason]] for reason in reasons if reason in known)
