"""Due dates and open time, one by one and by whole arrays, side by side with libraries that do this or a part of it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.machine import machine
from shared.worktime import calendar, open_seconds, open_time_after, vector, vietnam, working_days_after

GROUP = "bench-worktime"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MORNING, AFTERNOON = (clock(7), clock(11, 30)), (clock(13, 30), clock(17))
OURS, ARRAYS, DAYS_ONLY = "đôn đốc, one by one", "đôn đốc, arrays", "numpy busday_offset"
TIMES = "đôn đốc, arrays, datetimes in and out"
A_TURN_S = 0.25  # of one contender; those that need longer for all cases get as many as fit
COMPARED = 20_000

Answers = Sequence[Any] | NDArray[Any]


@dataclass
class Contender:
    """Who answers. run: answers the first n cases. whole_days: knows dates only. rates: cases per second, by round.

    cases, times: how many of the first cases a turn is long, and how often over.
    """

    name: str
    run: Callable[[int], Answers]
    shifts: bool = True
    whole_days: bool = False
    rates: list[float] = field(default_factory=list)
    cases: int = 0
    times: int = 1


@dataclass(frozen=True)
class Cases:
    """Random starts, four of five in opening hours, ends up to 90 days later, limits."""

    starts: list[datetime]
    ends: list[datetime]
    at: NDArray[np.int64]
    until: NDArray[np.int64]
    hours: NDArray[np.int64]
    days: NDArray[np.int64]


# What is measured: its name, who answers, what is added to a start, by the number of its case.
Measure = tuple[str, Callable[[Cases], list[Contender]], Callable[[int], str]]

OFF = sorted(day for day, hours in vietnam().content.dates.items() if hours == ())
# No make-up days: none of the others knows a Saturday that is worked.
PLAIN = calendar(
    timezone="Asia/Ho_Chi_Minh",
    week=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("07:00-11:30", "13:30-17:00")),
    dates={str(day): () for day in OFF},
    known_from="2018-01-01",
    known_until="2027-12-31",
)


def drawn(count: int, seed: int) -> Cases:
    chance = np.random.default_rng(seed)
    begin, end = (int(datetime(year, 1, 1, tzinfo=PLAIN.zone).timestamp()) for year in (2019, 2027))
    at = chance.integers(begin, end, count) * 1_000_000
    opens = np.full(count, begin * 1_000_000)
    years_s = vector.open_seconds(PLAIN, start=opens[:1], end=np.array([end * 1_000_000]))[0]
    is_open = vector.open_time_after(PLAIN, start=opens, seconds=chance.integers(1, years_s, count))
    at = np.where(chance.random(count) < 0.8, is_open, at)
    until = at + chance.integers(0, 90 * 86_400, count) * 1_000_000
    hours, days = chance.integers(1, 81, count), chance.integers(1, 61, count)
    return Cases(_datetimes(at[:COMPARED]), _datetimes(until[:COMPARED]), at, until, hours, days)


def _datetimes(instants: NDArray[np.int64]) -> list[datetime]:
    return [datetime.fromtimestamp(instant / 1_000_000, PLAIN.zone) for instant in instants.tolist()]


def one_by_one(reckon: Callable[..., Any], *inputs: Sequence[Any]) -> Callable[[int], Answers]:
    """Answer the first n cases, at most as many as there are inputs, in a loop."""
    return lambda n: [reckon(*case) for case in zip(*(one[:n] for one in inputs), strict=True)]


def adding_hours(cases: Cases) -> list[Contender]:
    from businesstimedelta import BusinessTimeDelta
    from pandas import Timestamp

    hours = cases.hours[:COMPARED].tolist()
    rules, offsets = _businesstimedelta_rules(), _pandas_offsets(max(hours))
    spans = [BusinessTimeDelta(rules, hours=n) for n in hours]
    stamps = [Timestamp(start.replace(tzinfo=None)) for start in cases.starts]
    seconds = cases.hours * 3600

    def times(n: int) -> Answers:
        starts = vector.instants(cases.starts[:n])
        return vector.datetimes(PLAIN, vector.open_time_after(PLAIN, start=starts, seconds=seconds[:n]))

    return [
        Contender(
            OURS, one_by_one(lambda at, n: open_time_after(PLAIN, start=at, seconds=n * 3600), cases.starts, hours)
        ),
        Contender(ARRAYS, lambda n: vector.open_time_after(PLAIN, start=cases.at[:n], seconds=seconds[:n])),
        Contender(TIMES, times),
        Contender("businesstimedelta", one_by_one(lambda at, span: at + span, cases.starts, spans)),
        Contender("pandas CustomBusinessHour", one_by_one(lambda at, n: at + offsets[n], stamps, hours)),
    ]


def adding_days(cases: Cases) -> list[Contender]:
    office, days = _workalendar(), cases.days[:COMPARED].tolist()
    of_numpy = np.busdaycalendar(holidays=OFF)
    dates = (cases.at + 7 * 3_600_000_000).view("datetime64[us]").astype("datetime64[D]")
    wall = [start.replace(tzinfo=None) for start in cases.starts]
    return [
        Contender(OURS, one_by_one(lambda at, n: working_days_after(PLAIN, start=at, days=n), cases.starts, days)),
        Contender(ARRAYS, lambda n: vector.working_days_after(PLAIN, start=cases.at[:n], days=cases.days[:n])),
        Contender(
            "workalendar",
            one_by_one(partial(office.add_working_days, keep_datetime=True), wall, days),
            shifts=False,
        ),
        Contender(
            DAYS_ONLY,
            lambda n: np.busday_offset(dates[:n], cases.days[:n], roll="forward", busdaycal=of_numpy),
            shifts=False,
            whole_days=True,
        ),
    ]


def measuring(cases: Cases) -> list[Contender]:
    from business_duration import businessDuration

    rules, off = _businesstimedelta_rules(), dict.fromkeys(OFF, "off")
    wall = [[at.replace(tzinfo=None) for at in instants] for instants in (cases.starts, cases.ends)]

    def two_shifts(start: datetime, end: datetime) -> float:
        parts = (
            businessDuration(start, end, starttime=opens, endtime=closes, holidaylist=off, unit="sec")
            for opens, closes in (MORNING, AFTERNOON)
        )
        return sum(0 if part != part else part for part in parts)  # NaN where a shift has no time in between

    def difference(start: datetime, end: datetime) -> float:
        return float(rules.difference(start, end).timedelta.total_seconds())

    return [
        Contender(OURS, one_by_one(lambda at, end: open_seconds(PLAIN, start=at, end=end), cases.starts, cases.ends)),
        Contender(ARRAYS, lambda n: vector.open_seconds(PLAIN, start=cases.at[:n], end=cases.until[:n])),
        Contender("businesstimedelta", one_by_one(difference, cases.starts, cases.ends)),
        Contender("business-duration, a call a shift", one_by_one(two_shifts, *wall)),
    ]


def _businesstimedelta_rules() -> Any:
    import pytz
    from businesstimedelta import HolidayRule, LunchTimeRule, Rules, WorkDayRule

    zone = pytz.timezone("Asia/Ho_Chi_Minh")
    return Rules(
        [
            WorkDayRule(start_time=MORNING[0], end_time=AFTERNOON[1], working_days=[0, 1, 2, 3, 4], tz=zone),
            LunchTimeRule(start_time=MORNING[1], end_time=AFTERNOON[0], working_days=[0, 1, 2, 3, 4], tz=zone),
            HolidayRule(dict.fromkeys(OFF, "off"), tz=zone),
        ]
    )


def _pandas_offsets(longest: int) -> list[Any]:
    from pandas.tseries.offsets import CustomBusinessHour

    opens, closes = ([f"{at:%H:%M}" for at in edges] for edges in zip(MORNING, AFTERNOON, strict=True))
    off = [str(day) for day in OFF]
    return [None, *(CustomBusinessHour(n, start=opens, end=closes, holidays=off) for n in range(1, longest + 1))]


def _workalendar() -> Any:
    from workalendar.core import Calendar, WesternMixin

    class Office(WesternMixin, Calendar):  # type: ignore[misc]  # workalendar has no types
        include_christmas = False
        include_new_years_day = False

        def get_calendar_holidays(self, year: int) -> list[tuple[date, str]]:
            return [(day, "off") for day in OFF if day.year == year]

    return Office()


def worktime(*, count: int, rounds: int, seed: int) -> None:
    """Print conditions, figures, ratios and where another's answers differ."""
    if any(find_spec(name) is None for name in ("pandas", "businesstimedelta", "business_duration", "workalendar")):
        raise SystemExit(f"the libraries to compare with are missing: uv run --group {GROUP} python -m bench worktime")
    cases = drawn(count, seed)
    names = ("numpy", "pandas", "businesstimedelta", "business-duration", "workalendar")
    print(f"{machine()}; {', '.join(f'{name} {version(name)}' for name in names)}")
    print(
        f"{count:,} random starts 2019–2026, four of five in opening hours (seed {seed}); UTC+7, 07:00–11:30 and "
        f"13:30–17:00, {len(OFF)} days off; arrays and busday_offset: arrays in and out; the others a loop "
        f"over as many as fit {A_TURN_S} s, of {COMPARED:,} over again; processor time, median of {rounds} rounds"
    )
    for zone in ("Asia/Ho_Chi_Minh", "Europe/Amsterdam"):
        print(f"a calendar of five years compiles in {_compiling(zone)} ({zone})")
    measures: tuple[Measure, ...] = (
        ("a limit of 1–80 working hours", adding_hours, lambda i: f" + {cases.hours[i]} h"),
        ("a limit of 1–60 working days", adding_days, lambda i: f" + {cases.days[i]} days"),
        ("open seconds between two instants, 0–90 days apart", measuring, lambda i: f" to {_shown(cases.ends[i])}"),
    )
    for title, made, limit in measures:
        contenders = made(cases)
        for _ in range(rounds):
            for contender in contenders:
                _turn(contender, count)
        print(f"\n{title}")
        _report(contenders)
        _differences(contenders, lambda i: f"{_shown(cases.starts[i])}{limit(i)}")  # noqa: B023 - called at once


def _compiling(zone: str) -> str:
    """Return how long a calendar takes the first time, when the zone is looked through, and after that."""
    took = []
    for _ in range(20):
        began = time.process_time()
        calendar(
            timezone=zone,
            week=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("07:00-11:30", "13:30-17:00")),
            known_from="2028-01-01",
            known_until="2032-12-31",
        )
        took.append((time.process_time() - began) * 1000)
    return f"{statistics.median(took):.1f} ms, the first in its zone in {took[0]:.1f}"


def _turn(contender: Contender, count: int) -> None:
    """Let a contender answer: all cases where they are arrays, else as many as fit its turn, over and over if few."""
    if not contender.cases:
        tried, took = min(50, count), _seconds(contender, min(50, count))
        at_once = contender.name in (ARRAYS, DAYS_ONLY)
        contender.cases = count if at_once else max(20, min(COMPARED, count, int(tried * A_TURN_S / took)))
        contender.times = 1 if at_once else max(1, int(A_TURN_S / _seconds(contender, contender.cases)))
    contender.rates.append(contender.cases * contender.times / _seconds(contender, contender.cases, contender.times))


def _seconds(contender: Contender, cases: int, times: int = 1) -> float:
    began = time.process_time()
    for _ in range(times):
        contender.run(cases)
    return time.process_time() - began


def _report(contenders: list[Contender]) -> None:
    middle = {contender.name: statistics.median(contender.rates) for contender in contenders}
    for contender in contenders:
        rate, rates = middle[contender.name], contender.rates
        print(
            f"  {contender.name:34}{rate:>14,.0f} a second  ({min(rates):,.0f}–{max(rates):,.0f}; {1e9 / rate:,.0f} ns)"
        )
    others = {one.name: one for one in contenders if one.name not in (OURS, ARRAYS, TIMES)}
    fastest = {shifts: _fastest(others.values(), middle, shifts=shifts) for shifts in (True, False)}
    for shifts, name in fastest.items():
        if name is not None:
            kind = "that handles shifts" if shifts else "of whole days"
            ratios = ", ".join(f"{ours} {_rounded(middle[ours] / middle[name])} ×" for ours in (OURS, ARRAYS))
            print(f"  against {name}, the fastest {kind}: {ratios}")


def _rounded(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"


def _fastest(others: Any, middle: dict[str, float], *, shifts: bool) -> str | None:
    names = [one.name for one in others if one.shifts == shifts]
    return max(names, key=middle.__getitem__, default=None)


def _differences(contenders: list[Contender], case: Callable[[int], str]) -> None:
    """Say how often others answer as we do one by one, and show the first case in which they do not."""
    right = [_wall(answer) for answer in contenders[0].run(COMPARED)]
    for contender in contenders[1:]:
        theirs = [_wall(answer) for answer in _plain(contender.run(min(COMPARED, contender.cases)))]
        mine = [answer.date() for answer in right] if contender.whole_days else right
        wrong = [i for i, answer in enumerate(theirs) if answer != mine[i]]
        print(f"  {contender.name}: {1 - len(wrong) / len(theirs):.2%} of {len(theirs):,} answers equal ours", end="")
        print(f"; e.g. {case(wrong[0])}: {_shown(theirs[wrong[0]])}, ours {_shown(mine[wrong[0]])}" if wrong else "")


def _plain(answers: Answers) -> list[Any]:
    """Return answers as plain values: arrays of instants as aware times, of dates as dates."""
    if not isinstance(answers, np.ndarray):
        return list(answers)
    if answers.dtype == np.int64 and answers[0] > 10**12:
        return [EPOCH + timedelta(microseconds=instant) for instant in answers.tolist()]
    return list(answers.tolist())


def _wall(answer: Any) -> Any:
    """Return an instant as the wall shows it in the calendar's zone, a number of seconds as a whole one."""
    if isinstance(answer, datetime):
        local = answer.astimezone(PLAIN.zone) if answer.tzinfo else answer
        return datetime.fromisoformat(local.replace(tzinfo=None).isoformat())
    return answer if isinstance(answer, date) else round(answer)


def _shown(answer: Any) -> str:
    return f"{_wall(answer):%a %Y-%m-%d %H:%M:%S}" if isinstance(answer, datetime) else str(answer)
