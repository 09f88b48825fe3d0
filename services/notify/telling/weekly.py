"""The weekly page of the province's head: counts, never a single matter. Pure; its texts are in templates/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.notify.telling import texts, why
from services.notify.telling.digest import Rendered
from services.notify.telling.why import Why
from services.notify.telling.wording import addressee, instant
from shared.events import UnitDescribed
from shared.worktime import WorkCalendar

ROWS = 10  # of a table; the page is read in a minute
UNKNOWN_UNIT, NO_FIELD = "Chưa rõ đơn vị", "Chưa rõ lĩnh vực"
ROLE = "Chủ tịch Ủy ban nhân dân tỉnh"


@dataclass(frozen=True, slots=True)
class Counted:
    """What is overdue, by field and by unit; "" stands for an unknown one. settled: what no longer is, since the last.

    A matter is counted once. Restricted feedback is in none of these.
    """

    fields: Mapping[str, int]
    units: Mapping[str, int]
    settled: int = 0

    @property
    def overdue(self) -> int:
        return sum(self.units.values())

    def stored(self) -> dict[str, Any]:
        return {"fields": dict(self.fields), "units": dict(self.units), "settled": self.settled}


def rendered(
    now: Counted,
    before: Counted | None,
    *,
    head: UnitDescribed,
    names: Mapping[str, str],
    since: datetime,
    at: datetime,
    slot: datetime,
    reach: Sequence[str],
    calendar: WorkCalendar,
    console_url: str = "",
) -> Rendered:
    """Return the page. before: what the last one counted; None: there was none. since: of the last, or a week ago."""
    values = _head(now, before, head=head, since=since, at=at, calendar=calendar) | {
        "tables": _tables(now, before, names),
        "reach": reach,
        "reason": ROLE,
        "why": why.said([Why.WEEKLY]),
        "console_url": console_url,
    }
    text, html = texts.filled("weekly", values)
    subject = f"[Đôn đốc] Tổng hợp tuần: {now.overdue} việc đang quá hạn ({instant(slot, calendar)})"
    return Rendered(subject, text, html)


def _head(
    now: Counted,
    before: Counted | None,
    *,
    head: UnitDescribed,
    since: datetime,
    at: datetime,
    calendar: WorkCalendar,
) -> dict[str, Any]:
    return {
        "addressee": addressee(head.head_title, head.name),
        "at": instant(at, calendar),
        "since": instant(since, calendar),
        "overdue": now.overdue,
        "change": f" ({_change(now.overdue, before.overdue)} so với tuần trước)" if before else "",
        "settled": now.settled,
    }


def _tables(now: Counted, before: Counted | None, names: Mapping[str, str]) -> list[dict[str, Any]]:
    fields = {name: name or NO_FIELD for name in now.fields}
    units = {code: names.get(code, code) or UNKNOWN_UNIT for code in now.units}
    return [
        _table("Theo lĩnh vực", "Lĩnh vực", fields, now.fields, before.fields if before else None),
        _table("Theo đơn vị", "Đơn vị", units, now.units, before.units if before else None),
    ]


def _table(
    title: str, head: str, names: Mapping[str, str], now: Mapping[str, int], before: Mapping[str, int] | None
) -> dict[str, Any]:
    """Return the rows of the most overdue. names: of its keys, as shown."""
    ordered = sorted(names.items(), key=lambda item: (-now[item[0]], item[1]))
    rows = [
        {
            "name": name,
            "overdue": now[key],
            "change": _change(now[key], before.get(key, 0)) if before is not None else "",
        }
        for key, name in ordered[:ROWS]
    ]
    others = ordered[ROWS:]
    rest = f"{len(others)} mục khác: {sum(now[key] for key, _ in others)}" if others else ""
    return {"title": title, "head": head, "rows": rows, "rest": rest}


def _change(now: int, before: int) -> str:
    if now == before:
        return "không đổi"
    return f"{'tăng' if now > before else 'giảm'} {abs(now - before)}"
