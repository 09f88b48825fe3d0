"""What a head is to be told of one obligation: a line, and how it changes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.notify.policies.policy import NEAR, NOTHING, Role

News = Literal["new", "changed", "repeated", "settled"]


@dataclass(frozen=True, slots=True)
class Line:
    """One obligation for one role.

    level: that concerns the role. told: the level its last digest spoke of. news: what the next digest has to say.
    post: whose head is told, None until looked up. former: the post that was told while another unit answered for it,
    and hears of the settlement alone; empty for the line of the unit that answers now. at_once: its news does not wait
    for a digest. told_at_once: nor did what its post was last told.
    """

    obligation_id: str
    role: Role
    level: int
    told: int = NOTHING
    news: News | None = None
    post: str | None = None
    former: str = ""
    at_once: bool = False
    told_at_once: bool = False

    @property
    def key(self) -> tuple[str, Role, str]:
        return self.obligation_id, self.role, self.former


def raised(line: Line | None, *, obligation_id: str, role: Role, level: int, at_once: bool = False) -> Line:
    """Return the line after `level` was reached. Overdue after near is new: nobody was told of anything late before."""
    if line is None:
        return Line(obligation_id, role, level, news="new", at_once=at_once)
    if line.news != "settled" and line.level >= level:
        return line
    waits = line.at_once and line.news not in (None, "settled")
    return replace(line, level=level, news="new" if line.told <= NEAR else "changed", at_once=at_once or waits)


def moved(line: Line) -> Line:
    """Return the line after the due time changed and is still past, or still near; or after a promise was missed."""
    if line.told < NEAR or line.news is not None or line.former or line.role == "receiving":
        return line
    return replace(line, news="changed", at_once=False)


def again(line: Line) -> Line:
    """Return the line after its head is to be told once more of what stands; only what was told is told again."""
    if line.news is not None or line.former or not NEAR < line.told == line.level:
        return line
    return replace(line, news="repeated", at_once=False)


def closed(line: Line, *, moved_away: bool = False) -> Line | None:
    """Return the line after the matter was settled; None where its head was never told of anything late.

    moved_away: its due time lies further ahead now. Who was told that it is near hears of that. Only what went out at
    once is ended at once.
    """
    if line.told > NEAR or (moved_away and line.told == NEAR and line.role != "receiving"):
        return replace(line, news="settled", at_once=line.told_at_once)
    return None


def handed_over(line: Line) -> list[Line]:
    """Return what becomes of a line once another unit answers: who was told keeps one, the new head hears anew."""
    if line.former:
        return [line]
    if line.role == "receiving":
        return []
    if line.told == NEAR and line.news == "settled":
        return [line]
    if line.told <= NEAR or line.post is None:
        return [anew(line)]
    kept = replace(line, level=line.told, news="settled" if line.news == "settled" else None, former=line.post)
    return [kept] if kept.news else [kept, anew(line)]


def anew(line: Line) -> Line:
    """Return the line of a matter that another head is told of for the first time."""
    return replace(line, told=NOTHING, news="new", post=None, told_at_once=False)


def closed_to_some(held: Sequence[Line]) -> list[Line]:
    """Return the lines after it was said who must not be told: each goes out anew, and who was told hears no more."""
    return [anew(line) for line in held if not line.former and line.news != "settled"]


def informed(obligation_id: str) -> Line:
    """Return the line that tells the unit that received a dossier who holds its late step; information, as near is."""
    return Line(obligation_id, "receiving", NEAR, news="new")


def reopened(line: Line) -> Line:
    """Return the line of who is not told anew, after the matter was late again before its settlement was told."""
    return replace(line, news=None) if line.news == "settled" else line


def of_another(held: Sequence[Line], *, joint: bool) -> list[Line]:
    """Return the lines after another unit has to act; in joint processing the unit that received it is informed."""
    handed = [line for each in held for line in handed_over(each)]
    if joint and held:
        handed.append(informed(held[0].obligation_id))
    # a unit that has it for the second time was told before: what is kept now replaces what was kept then
    return list({line.key: line for line in reversed(handed)}.values())[::-1]
