"""What the former districts left open: dossiers under their old agency ids and names, told by whoever has them now.

source: two-tier local government since 01/7/2025; districts are no more.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random

from dondoc.simulate.life import Dossier, State
from dondoc.simulate.national import Message, Thing, snapshot
from dondoc.simulate.procedures import FIRST_TITLE, TRANSFER
from dondoc.simulate.whole import District
from shared.worktime import WorkCalendar, next_opening, working_days_after

DISSOLVED_ON = date(2025, 7, 1)
LEFT = (4, 16)  # open dossiers of a district
SETTLED = 0.5  # share that is done with in the days that are simulated
RUNNING, DONE = 4, 9


def leftovers(
    district: District, *, start: date, days: int, seed: int, calendar: WorkCalendar
) -> list[tuple[datetime, Message]]:
    """Return messages with when they are sent: on the first morning all that is open, later the ends of some."""
    dice = Random(f"{seed}/left/{district.code}")  # noqa: S311 - repeatable is what is wanted
    first = next_opening(calendar, at=datetime.combine(start, time(), calendar.zone)) + timedelta(minutes=7)
    open_ones: list[Thing] = []
    sent: list[tuple[datetime, Message]] = []
    for number in range(1, dice.randint(*LEFT) + 1):
        day = DISSOLVED_ON - timedelta(days=dice.randint(3, 60))
        accepted = next_opening(calendar, at=datetime.combine(day, time(9), calendar.zone))
        procedure = dice.choice((FIRST_TITLE, TRANSFER))
        name = district.name[0].lower() + district.name[1:]
        dossier = Dossier(
            f"{district.unit.agency}-{accepted:%y%m%d}-{number:04}", district.unit, procedure, dice.randint(1, 9999),
            False, False, False, accepted, f"UBND {name}",
        )  # fmt: skip
        due = working_days_after(calendar, start=accepted, days=procedure.limit)
        state = State(RUNNING, accepted_at=accepted, due_at=due)
        open_ones.append(snapshot(dossier, state))
        if dice.random() < SETTLED:
            ended = next_opening(calendar, at=first + timedelta(days=dice.randint(0, max(days - 1, 0)), hours=2))
            done = State(DONE, accepted_at=accepted, due_at=due, ended_at=ended)
            sent.append((ended + timedelta(minutes=9), _message(district, [snapshot(dossier, done)], "True", ended)))
    return [(first, _message(district, open_ones, "False", first)), *sent]


def _message(district: District, data: list[Thing], updating: str, at: datetime) -> Message:
    head: Message = {"session": "", "madonvi": district.unit.agency, "service": "DongBoHoSoMC", "isUpdating": updating}
    return {**head, "sent_at": at.isoformat(), "data": data}
