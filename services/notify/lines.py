"""What a head is to be told of one obligation: a line, and how it changes. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from services.notify.policy import NEAR, NOTHING, Role

News = Literal["new", "changed", "settled"]


@dataclass(frozen=True, slots=True)
class Line:
    """One obligation for one role.

    level: that concerns the role. told: the level its last digest spoke of. news: what the next digest has to say.
    post: whose head is told, None until looked up. former: the post that was told while another unit answered for it,
    and hears of the settlement alone; empty for the line of the unit that answers now.
    """

    obligation_id: str
    role: Role
    level: int
    told: int = NOTHING
    news: News | None = None
    post: str | None = None
    former: str = ""

    @property
    def key(self) -> tuple[str, Role, str]:
        return self.obligation_id, self.role, self.former


def raised(line: Line | None, *, obligation_id: str, role: Role, level: int) -> Line:
    """Return the line after `level` was reached. Overdue after near is new: nobody was told of anything late before."""
    if line is None:
        return Line(obligation_id, role, level, news="new")
    if line.news != "settled" and line.level >= level:
        return line
    return replace(line, level=level, news="new" if line.told <= NEAR else "changed")


def moved(line: Line) -> Line:
    """Return the line after the due time changed and is still past."""
    if line.told <= NEAR or line.news is not None or line.former:
        return line
    return replace(line, news="changed")


def closed(line: Line) -> Line | None:
    """Return the line after the matter was settled; None where its head was never told of anything late."""
    return replace(line, news="settled") if line.told > NEAR else None


def handed_over(line: Line) -> list[Line]:
    """Return what becomes of a line once another unit answers: who was told keeps one, the new head hears anew."""
    if line.former:
        return [line]
    if line.role == "receiving":
        return []
    if line.told <= NEAR or line.post is None:
        return [replace(line, told=NOTHING, news="new", post=None)]
    kept = replace(line, level=line.told, news="settled" if line.news == "settled" else None, former=line.post)
    return [kept] if kept.news else [kept, replace(line, told=NOTHING, news="new", post=None)]


def informed(obligation_id: str) -> Line:
    """Return the line that tells the unit that received a dossier who holds its late step; information, as near is."""
    return Line(obligation_id, "receiving", NEAR, news="new")


def reopened(line: Line) -> Line:
    """Return the line of a former unit's head after the matter was late again before its settlement was told."""
    return replace(line, news=None) if line.former and line.news == "settled" else line
