"""The SMS beside a digest: how many matters, never which or whose; one part without marks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.notify.telling import gsm7
from services.notify.telling.entries import FIRST_TOLD, Section
from shared.worktime import WorkCalendar

VERSION = "sms 2"  # raised with every change of a word below


def counts(
    parts: Sequence[Section],
    *,
    name: str,
    overdue: int,
    slot: datetime | None,
    calendar: WorkCalendar,
    others: int = 0,
) -> str:
    """Return the text, at most one part long; the unit's name is shortened where it must be.

    name: of the unit. overdue: all that is overdue under this head. slot: of the mail that says which; None: there is
    none. others: how many units more the counts are of.
    """
    totals = {part.part: part.total for part in parts}
    new = sum(totals.get(part, 0) for part in FIRST_TOLD)
    said = [f"{overdue} viec qua han" + (f" ({new} moi)" if new else "")]
    if changed := totals.get("changed", 0):
        said.append(f"{changed} co thay doi")
    if near := totals.get("near", 0):
        said.append(f"{near} sap den han")
    also = f" va {others} don vi khac" if others else ""
    end = f"{also}: {', '.join(said)}."
    if slot:
        end += f" Chi tiet trong thu dien tu {slot.astimezone(calendar.zone):%H:%M %d/%m}."
    begin = "Don doc - "
    room = gsm7.PART - gsm7.septets(begin + end)
    return begin + gsm7.shortened(gsm7.plain(name), room=room) + end
