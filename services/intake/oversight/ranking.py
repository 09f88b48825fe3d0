"""Which units to check by surprise: a score whose every point has a reason, and a share drawn by lot. Pure.

The score, of what intake knows and of numbers that are given along:

    a task of remediation that is overdue     6 each, 30 at most; open and not yet due 2 each, 10 at most
    findings of the last two years            high 8, medium 4, low 1 each, 25 at most
    the last surprise check                   never one 15; else 15 a year since it, in parts, 15 at most
    its result                                serious 10, minor 4
    the share of dossiers that is overdue     30 × the share                                 (given along)
    open flags on the quality of its data     a tenth each, 10 at most

It says where looking may be worth while and proves nothing. Some units are drawn by lot among all the others, so that
none can be sure not to be looked at; with the same seed and the same data the draw is the same.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

OVERDUE_TASK, OVERDUE_MOST = 6, 30
OPEN_TASK, OPEN_MOST = 2, 10
FINDINGS: Mapping[str, int] = {"high": 8, "medium": 4, "low": 1}
FINDINGS_MOST, FINDINGS_OF = 25, timedelta(days=730)
NEVER_CHECKED, YEAR = 15, timedelta(days=365)
RESULTS: Mapping[str, int] = {"serious": 10, "minor": 4, "clean": 0}
SHARE_WEIGHT = 30
FLAG, FLAGS_MOST = 0.1, 10
SETTLED = frozenset({"submitted", "accepted", "withdrawn"})


class Reason(NamedTuple):
    """Some points of a score. words: why, as people read it."""

    what: str
    points: float
    words: str


@dataclass(slots=True)
class Known:
    """What is known of a unit. overdue_share: given along. flags: intake's own, or given along."""

    overdue_tasks: int = 0
    open_tasks: int = 0
    findings: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    last_check: str | None = None
    last_result: str | None = None
    overdue_share: float | None = None
    flags: int | None = None


class Ranked(NamedTuple):
    """A unit with its score. by_lot: drawn, not chosen for its score."""

    unit: str
    score: float
    reasons: Sequence[Reason]
    by_lot: bool = False


def gather(
    units: Iterable[str], records: Iterable[tuple[str, str | None, Mapping[str, Any]]], *, now: str
) -> dict[str, Known]:
    """Return what the records say of each unit in force. records: kind, the unit's code, document."""
    known = {unit: Known() for unit in units}
    since = (datetime.fromisoformat(now) - FINDINGS_OF).isoformat()
    for kind, unit, document in records:
        of = known.get(unit or "")
        if of is None:
            continue
        if kind == "task" and document.get("status") not in SETTLED:
            late = (document.get("due") or "9999") < now
            of.overdue_tasks += late
            of.open_tasks += not late
        elif kind == "finding" and (document.get("found_on") or since) >= since and document.get("severity"):
            of.findings[document["severity"]] += 1
        elif kind == "surprise_check" and (of.last_check or "") <= (document.get("on") or "") <= now:
            of.last_check, of.last_result = document.get("on"), document.get("result")
    return known


def score(of: Known, *, now: str) -> list[Reason]:
    """Return the reasons that give a unit points, the weightiest first."""
    found = sum(FINDINGS[severity] * number for severity, number in of.findings.items())
    grave = f", trong đó {of.findings['high']} ở mức nghiêm trọng" if of.findings.get("high") else ""
    number = sum(of.findings.values())
    reasons = [
        Reason(
            "overdue_tasks",
            min(OVERDUE_TASK * of.overdue_tasks, OVERDUE_MOST),
            f"{of.overdue_tasks} nhiệm vụ khắc phục quá hạn",
        ),
        Reason(
            "open_tasks",
            min(OPEN_TASK * of.open_tasks, OPEN_MOST),
            f"{of.open_tasks} nhiệm vụ khắc phục chưa xong, còn trong hạn",
        ),
        Reason("findings", min(found, FINDINGS_MOST), f"{number} tồn tại, hạn chế trong hai năm qua{grave}"),
        *_of_last_check(of, now=now),
    ]
    if of.overdue_share is not None:
        words = f"{of.overdue_share * 100:.1f}% hồ sơ quá hạn".replace(".", ",")
        reasons.append(Reason("overdue_share", SHARE_WEIGHT * of.overdue_share, words))
    if of.flags is not None:
        reasons.append(Reason("flags", min(FLAG * of.flags, FLAGS_MOST), f"{of.flags} cảnh báo chất lượng dữ liệu"))
    given = [reason._replace(points=round(reason.points, 2)) for reason in reasons if round(reason.points, 2) > 0]
    return sorted(given, key=lambda reason: (-reason.points, reason.what))


def _of_last_check(of: Known, *, now: str) -> Iterable[Reason]:
    if of.last_check is None:
        yield Reason("never_checked", NEVER_CHECKED, "chưa từng được kiểm tra đột xuất")
        return
    on = datetime.fromisoformat(of.last_check)
    since = datetime.fromisoformat(now) - on
    words = f"kiểm tra đột xuất gần nhất ngày {on:%d/%m/%Y}"
    yield Reason("last_check", min(NEVER_CHECKED * (since / YEAR), NEVER_CHECKED), words)
    result = {"serious": "có vi phạm nghiêm trọng", "minor": "có thiếu sót"}.get(of.last_result or "", "")
    yield Reason("last_result", RESULTS.get(of.last_result or "", 0), f"lần kiểm tra gần nhất {result}")


def propose(known: Mapping[str, Known], *, count: int, lots: float, seed: int, now: str) -> list[Ranked]:
    """Return `count` units: the highest scores, and behind them some drawn by lot from all the others.

    lots: the share of them that is drawn, at least one of several. Between equal scores, too, the lot decides.
    """
    lot = random.Random(seed)  # noqa: S311 - a lot that can be drawn again, no secret
    drawing = max(round(count * lots), min(1, count - 1)) if lots else 0
    ranked = [
        Ranked(unit, round(sum(reason.points for reason in reasons), 2), reasons)
        for unit, of in sorted(known.items())
        for reasons in (score(of, now=now),)
    ]
    lot.shuffle(ranked)
    ranked.sort(key=lambda one: -one.score)
    first, others = ranked[: count - drawing], ranked[count - drawing :]
    drawn = lot.sample(others, min(drawing, len(others)))
    return first + [one._replace(by_lot=True) for one in drawn]
