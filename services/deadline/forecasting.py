"""What reference data would change if they were announced: every open obligation reckoned anew, nothing stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.deadline import said_store, store
from services.deadline.folding import fold
from services.deadline.moves import is_move
from services.deadline.reference import Reference
from services.deadline.refolding import TERMS
from shared.events import Obligation

PAGE = 500
EXAMPLES, UNITS = 20, 20  # that a report names


@dataclass
class Report:
    """What would change. withdrawn: overdue now, and not then. overdue: the reverse. moved: due times, ours too."""

    open: int
    checked: int = 0
    moved: int = 0
    later: int = 0
    earlier: int = 0
    withdrawn: int = 0
    overdue: int = 0
    by_unit: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def take(self, old: Obligation, new: Obligation, *, now: str) -> None:
        if not is_move(old, new):
            return
        self.moved += 1
        self.by_unit[new["unit_name"] or new["unit"] or "?"] += 1
        before, after = old["due_at"] or "", new["due_at"] or ""
        self.later += after > before
        self.earlier += after < before
        was, will = "" < before < now, "" < after < now
        self.withdrawn += was and not will
        self.overdue += will and not was
        if len(self.examples) < EXAMPLES:
            self.examples.append(
                {
                    "obligation_id": new["obligation_id"],
                    "unit": new["unit_name"] or new["unit"],
                    "due_at_now": old["due_at"],
                    "due_at_then": new["due_at"],
                    "computed_due_at_now": old["computed_due_at"],
                    "computed_due_at_then": new["computed_due_at"],
                }
            )

    def document(self) -> dict[str, Any]:
        counts = ("open", "checked", "moved", "later", "earlier", "withdrawn", "overdue")
        return {name: getattr(self, name) for name in counts} | {
            "by_unit": dict(self.by_unit.most_common(UNITS)),
            "examples": self.examples,
        }


async def forecast(connection: AsyncConnection, would: Reference, *, now: str) -> AsyncIterator[Report]:
    """Yield the report as it grows, a page at a time; the last is the whole. connection: one that sees one snapshot."""
    would = would.on(now)
    report, after = Report(open=await store.count_matters(connection)), ""
    yield report
    while page := await store.list_matters(connection, after=after, limit=PAGE, open_only=True):
        said = await said_store.list_said(connection, list(page))
        made = {new["obligation_id"]: new for id in page for new in _open(id, said[id], would)}
        old = {id: put.obligation for id, put in page.items()}
        parts = [id for id in made if id not in old]
        old |= await store.get_obligations(connection, parts) if parts else {}
        for id in old.keys() & made.keys():
            report.take(old[id], made[id], now=now)
        report.checked += len(page)
        after = max(page)
        yield report


def _open(id: str, said: Any, would: Reference) -> Iterator[Obligation]:
    for folded in fold(id, said, known=would, terms=TERMS):
        if folded.obligation["state"] != "ended" and not folded.course.confidential:
            yield folded.obligation
