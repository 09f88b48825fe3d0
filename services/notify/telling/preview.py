"""A notice made from samples, to see what a template looks like: no stack, and nothing in it is anybody's. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from services.notify.policies.policy import Policy
from services.notify.policies.when import next_slot
from services.notify.telling import digest, sms_text, weekly, why
from services.notify.telling.digest import Rendered
from services.notify.telling.entries import Entry, Head, merged, sections
from services.notify.telling.weekly import Counted
from shared.events import ObligationChanged, UnitDescribed
from shared.worktime import WorkCalendar

What = Literal["digest", "sms", "weekly"]

CODE, NAME = "MAU-01", "Đơn vị mẫu"
FIELDS = ("Lĩnh vực mẫu A", "Lĩnh vực mẫu B")
SOURCE = "nguon-mau"
MANY = 6  # of the newly overdue, so that a section overflows where max_lines is set low


def preview(what: What, *, unit: str, policy: Policy, calendar: WorkCalendar, at: datetime) -> Rendered:
    """Return a sample as it would leave at the first slot from `at`; an SMS has a text alone."""
    slot = next_slot(policy.slots, calendar=calendar, at=at)
    head = _unit(unit)
    if what == "weekly":
        return weekly.rendered(
            Counted({FIELDS[0]: 12, FIELDS[1]: 5}, {unit: 9, "MAU-02": 8}, settled=21),
            Counted({FIELDS[0]: 15, FIELDS[1]: 5}, {unit: 14, "MAU-02": 6}),
            head=head,
            names={unit: head.name, "MAU-02": "Đơn vị mẫu thứ hai"},
            since=slot - timedelta(days=7),
            at=slot,
            slot=slot,
            reach=digest.reached({SOURCE}, {SOURCE: slot}, set(), calendar),
            calendar=calendar,
            console_url="https://dondoc.example.vn",
        )
    found = _samples(unit, slot)
    entries = merged([entry for _, entry in found])
    parts = sections(entries, max_lines=policy.max_lines)
    if what == "sms":
        return Rendered("", sms_text.counts(parts, name=head.name, overdue=12, slot=slot, calendar=calendar), "")
    return digest.render(
        parts,
        head=Head(unit, head),
        overdue=12,
        kinds={"dossier", "answer", "other"},
        known={of.obligation_id: of for of, _ in found},
        names={unit: head.name},
        reach={SOURCE: slot},
        slot=slot,
        at=slot,
        policy=policy,
        calendar=calendar,
        reasons=why.of(entries, stands_in=False),
        console_url="https://dondoc.example.vn",
    )


def _unit(code: str) -> UnitDescribed:
    given: dict[str, Any] = dict.fromkeys(("head_name", "email", "phone", "parent_code"))
    return UnitDescribed(
        code=code, revision=1, name=NAME, kind="mau", head_title="Thủ trưởng", aliases=(), active=True, **given
    )


def _samples(unit: str, slot: datetime) -> Sequence[tuple[ObligationChanged, Entry]]:
    """Return matters of every heading, with codes that no one-stop system gives."""
    late = [_matter(n, due_at=slot - timedelta(days=n)) for n in range(1, MANY + 1)]
    told = _matter(7, due_at=slot - timedelta(days=9))
    again = _matter(8, due_at=slot - timedelta(days=12))
    ended = _matter(9, due_at=slot - timedelta(days=2), state="ended", end="completed", ended_at=slot)
    near = _matter(10, due_at=slot + timedelta(hours=8))
    return [
        *((of, _entry(of, unit)) for of in late),
        (told, _entry(told, unit, news="changed", told=1, level=2)),
        (again, _entry(again, unit, news="repeated", told=1, repeat=2)),
        (ended, _entry(ended, unit, news="settled", told=1)),
        (near, _entry(near, unit, level=0)),
        *((of, _entry(of, unit, confidential=of.confidential)) for of in _feedback(slot)),
    ]


def _feedback(slot: datetime) -> Sequence[ObligationChanged]:
    """Return what is owed in feedback: an answer, a complaint's settlement, and what nobody reads the kind of."""
    due_at = slot - timedelta(days=1)
    given: dict[str, Any] = {"kind": "answer", "source": "complaints"}
    answer = _matter(11, due_at=due_at, **given, obligation_id="answer/MAU-0011", title="trả lời phản ánh")
    given |= {"obligation_id": "answer/MAU-0012/settlement", "parent": "answer/MAU-0012"}
    settlement = _matter(12, due_at=due_at, **given, title="giải quyết khiếu nại")
    given |= {"obligation_id": "answer/MAU-0013/settlement", "parent": "answer/MAU-0013", "field": None}
    return [answer, settlement, _matter(13, due_at=due_at, **given, confidential=True)]


def _matter(number: int, *, due_at: datetime, **changes: Any) -> ObligationChanged:
    code = f"MAU-{number:04}"
    given: dict[str, Any] = dict.fromkeys(ObligationChanged.model_fields)
    given |= {
        "obligation_id": f"dossier/{code}",
        "kind": "dossier",
        "subject_id": code,
        "source": SOURCE,
        "field": FIELDS[number % len(FIELDS)],
        "due_at": due_at,
        "heard_at": due_at - timedelta(days=10),
        "apologies": 0,
        "paused_seconds": 0,
        "late_days": 0,
        "state": "open",
        "timing": "overdue",
        "backlog": False,
        "flags": (),
        "restricted": (),
        "confidential": False,
        "revision": 1,
    }
    return ObligationChanged.model_validate(given | changes)


def _entry(of: ObligationChanged, unit: str, **changes: Any) -> Entry:
    given: dict[str, Any] = {
        "obligation_id": of.obligation_id,
        "role": "head",
        "level": 1,
        "news": "new",
        "told": -1,
        "revision": 1,
        "due_at": of.due_at,
        "resolved": unit,
        "kind": of.kind,
        "backlog": False,
        "field": of.field,
    }
    return Entry(**(given | changes))
