"""The calendar that is carried along: the province's, in data/thanh-hoa.yaml, with Vietnam's days in vietnam.csv."""

from functools import cache
from pathlib import Path

from shared.worktime.calendars import WorkCalendar
from shared.worktime.loading import load

DATA = Path(__file__).with_name("data")


@cache
def vietnam() -> WorkCalendar:
    """Return the province's calendar.

    law: Bộ luật Lao động 2019 Đ.111(3), 112 - holidays, and days off in lieu of those on a weekend. Swapped
        days off and the Saturdays worked for them are in each year's official notice; the file names the source.
    """
    return load([DATA / "thanh-hoa.yaml"])[0].calendar
