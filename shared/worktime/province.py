"""The province's calendar: the hours of its offices, and Vietnam's days off and make-up days from data/vietnam.csv."""

import csv
from functools import cache
from importlib.resources import files

from shared.worktime.calendars import WorkCalendar, calendar

OFFICE_HOURS = ("07:00-11:30", "13:30-17:00")
"""Default of the province's one-stop software: no national text fixes office hours, so other provinces differ."""

KNOWN_FROM, KNOWN_UNTIL = "2018-01-01", "2027-12-31"  # the years that data/vietnam.csv covers in full
PROVISIONAL_CONFIDENCE = "low"  # expected by rule, the official schedule is not announced yet


@cache
def vietnam() -> WorkCalendar:
    """Return the province's calendar.

    law: Bộ luật Lao động 2019 Đ.111(3), 112 - holidays, and days off in lieu of those on a weekend. Swapped
        days off and the Saturdays worked for them are in each year's official notice; the file names the source.
    """
    text = files("shared.worktime").joinpath("data/vietnam.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return calendar(
        timezone="Asia/Ho_Chi_Minh",
        week=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE_HOURS),
        dates={row["date"]: row["shifts"].split() for row in rows},
        names={row["date"]: row["name"] for row in rows},
        provisional=[row["date"] for row in rows if row["confidence"] == PROVISIONAL_CONFIDENCE],
        known_from=KNOWN_FROM,
        known_until=KNOWN_UNTIL,
    )
