"""When many feedbacks about one unit or officer are a pattern, and when it is said again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

AboutKind = Literal["unit", "officer"]
Act = Literal["open", "again", "keep", "end", "none"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is about one in the time that counts.

    restricted: restricted feedback counts too, and there is some. lasts_until: when fewer than it takes are left, if
    no more come; None: there are fewer now. aboves: who may be told, the likeliest first.
    """

    about_kind: AboutKind
    about: str
    restricted: bool
    count: int
    first_at: datetime
    last_at: datetime
    lasts_until: datetime | None
    codes: tuple[str, ...]
    aboves: tuple[str, ...]
    not_to: tuple[str, ...]

    @property
    def kept_from(self) -> tuple[str, ...]:
        """Who must not know of it: whom its feedbacks are kept from, and of a restricted one whom it is about."""
        return tuple(sorted({*self.not_to, self.about} if self.restricted else self.not_to))

    @property
    def to(self) -> str | None:
        """The unit that is told: never one that it is kept from. None: no unit that is known may be."""
        return next((above for above in self.aboves if above not in self.kept_from), None)


@dataclass(frozen=True, slots=True)
class Standing:
    """A pattern that lasts. told: how many there were when it was last said."""

    id: int
    about_kind: AboutKind
    about: str
    restricted: bool
    told: int


def decide(seen: Seen | None, standing: Standing | None) -> Act:
    """Return what becomes of a pattern: it is said when there are enough, again when there are half as many more."""
    enough = seen is not None and seen.lasts_until is not None
    if standing is None:
        return "open" if enough else "none"
    if not enough or seen is None:
        return "end"
    return "again" if 2 * seen.count >= 3 * standing.told else "keep"
