"""The figures of a unit, made of its counts. Pure.

source: QĐ 766/QĐ-TTg of 23/6/2022, group of satisfaction: 5.1 feedback classified, 5.2 answered on time, 5.3
satisfaction = (total - disliked - overdue - repeated) / total, 5.4 the rate of dossiers with feedback. Of 5.4 only the
number of these dossiers is known here; how many a unit has, and how many of them are overdue, deadline knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COUNTS = (
    "received", "complaints", "classified", "classified_late", "answered", "answered_on_time", "overdue", "disliked",
    "repeated", "dossiers",
)  # fmt: skip
TITLES: Mapping[str, str] = {
    "unit": "Mã đơn vị",
    "name": "Đơn vị",
    "received": "Phản ánh, kiến nghị tiếp nhận",
    "complaints": "Khiếu nại",
    "classified": "Phân loại đúng hạn",
    "classified_late": "Phân loại quá hạn",
    "classified_percent": "Tỷ lệ phân loại đúng hạn (%)",
    "answered": "Đã trả lời",
    "answered_on_time": "Trả lời đúng hạn",
    "overdue": "Trả lời quá hạn",
    "on_time_percent": "Tỷ lệ trả lời đúng hạn (%)",
    "disliked": "Không hài lòng",
    "repeated": "Phản ánh lại",
    "satisfaction_percent": "Mức độ hài lòng (%)",
    "dossiers": "Hồ sơ bị phản ánh",
}
UNKNOWN = "Chưa rõ đơn vị"
TOTAL = "Tổng cộng"


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted against a unit. unit: its code, None: not known which.

    received: reflections and recommendations filed in the period, of which all that follow are. complaints: filed in
    it, beside these. classified, answered_on_time: within the term; classified_late, overdue: after it, or not yet
    though it is over. disliked: rated so badly. repeated: reopened. dossiers: different ones that they are about, one
    under seal counted for itself. categories: of reflections, recommendations and complaints.
    """

    unit: str | None
    received: int = 0
    complaints: int = 0
    classified: int = 0
    classified_late: int = 0
    answered: int = 0
    answered_on_time: int = 0
    overdue: int = 0
    disliked: int = 0
    repeated: int = 0
    dossiers: int = 0
    categories: Mapping[str, int] | None = None

    @property
    def classified_percent(self) -> float | None:
        """5.1, of those that were classified or should have been."""
        return percent(self.classified, self.classified + self.classified_late)

    @property
    def on_time_percent(self) -> float | None:
        """5.2, of those that were answered or should have been."""
        return percent(self.answered_on_time, self.answered_on_time + self.overdue)

    @property
    def satisfaction_percent(self) -> float | None:
        """5.3; what is disliked and overdue is taken off for both, as the formula says, but nothing falls below 0."""
        return percent(max(self.received - self.disliked - self.overdue - self.repeated, 0), self.received)


def percent(part: int, whole: int) -> float | None:
    """Return a share in percent with two decimals, None of nothing."""
    return round(100 * part / whole, 2) if whole else None


def row(counts: Counts, name: str) -> dict[str, Any]:
    """Return the figures of a unit, in the order of `TITLES`, and what was counted in each category."""
    own = {title: getattr(counts, title) for title in TITLES if title not in ("unit", "name")}
    return {"unit": counts.unit, "name": name, **own, "categories": dict(counts.categories or {})}


def total(several: Sequence[Counts]) -> Counts:
    """Return the sum. A dossier that feedback about two units names is in it twice."""
    categories: dict[str, int] = {}
    for one in several:
        for key, number in (one.categories or {}).items():
            categories[key] = categories.get(key, 0) + number
    sums = {name: sum(getattr(one, name) for one in several) for name in COUNTS}
    return Counts(None, **sums, categories=categories)


def sheet(told: Mapping[str, Any]) -> Iterable[list[Any]]:
    """Yield the lines of a table of figures, its headings first, the total last. told: what the service answers."""
    categories: Mapping[str, str] = told["categories"]
    yield [*TITLES.values(), *categories.values()]
    for one in (*told["units"], told["total"]):
        yield [*(one[name] for name in TITLES), *(one["categories"].get(key, 0) for key in categories)]
