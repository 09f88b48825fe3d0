"""What the law's working time rests on: how far the calendar reaches."""

from __future__ import annotations

from datetime import date, timedelta

from dondoc.doctor.findings import Finding, ok, warning, wrong
from dondoc.doctor.place import Place
from shared.clock import PROVINCE_ZONE, machine_now
from shared.worktime import vietnam

REACH = timedelta(days=90)  # limits of two months and more are usual, and each needs its last day known


async def examine(_: Place) -> list[Finding]:
    return judge_calendar(vietnam().known_until, today=machine_now().astimezone(PROVINCE_ZONE).date())


def judge_calendar(known_until: date, *, today: date) -> list[Finding]:
    """Return whether due dates of the coming months can be reckoned."""
    said = f"the calendar is known until {known_until:%d/%m/%Y}"
    to_do = "bring the program to a version with the next year's holidays, which the Government announces in autumn"
    if known_until < today:
        return [wrong("calendar", f"{said}: no due date of ours can be reckoned", to_do)]
    return [warning("calendar", said, to_do)] if known_until - today < REACH else [ok("calendar", said)]
