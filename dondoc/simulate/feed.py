"""The simulated province's feed: every unit's dossiers of three weeks, as the messages its system would send.

A system gathers for some minutes, then sends what is new, at most twenty objects a message. A day of messages is
held at a time, and the dossiers still under way.
"""

import heapq
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import count, groupby
from random import Random

from dondoc.simulate.life import ENDS, Dossier, Happening, live
from dondoc.simulate.national import Message, Thing, progress, snapshot
from dondoc.simulate.procedures import DESKS, Procedure
from dondoc.simulate.province import UNITS, Unit
from shared.worktime import (
    WorkCalendar,
    next_opening,
    open_seconds,
    open_time_after,
    vietnam,
)

DAY = timedelta(days=1)
SENDING_SECONDS = (300, 600, 900)  # between two sendings of a unit's system, by the unit's place in the list
MESSAGE_OBJECTS = 20
BEFORE_DAYS = 70  # calendar days simulated before the start, for what is still open then
RESENT = 0.01  # share of messages sent again at once, as after a timeout
WEEKDAYS = (1.25, 1.05, 1.0, 0.95, 0.85, 1.0, 1.0)  # Mondays are full; make-up Saturdays are plain days
ONLINE_ON_DAYS_OFF = 0.08  # of a working day's dossiers

Sending = tuple[datetime, int, int, Dossier, Happening, bool]  # sent at, unit, counter, …, is the dossier known


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: units, what is asked for at their desks, how busy a day is, and who settles a dossier with them.

    busy: a factor on what comes to a desk on a day. joint: the name of the other unit for a matter of a desk, if any;
    share: of such dossiers that go there.
    """

    units: Sequence[Unit]
    desks: Mapping[str, Mapping[Procedure, float]]
    busy: Callable[[date, str], float] = lambda day, desk: 1.0
    joint: Callable[[Unit, Procedure], str] = lambda unit, procedure: ""
    share: float = 0.0


def simulate(
    *, units: int, days: int, seed: int, start: date, per_day: float = 18, broken: float = 0.1
) -> Iterator[Message]:
    """Yield the messages that the first `units` units send in `days` days, in the order of `sent_at`.

    units: 1..len(UNITS). days: calendar days, from 00:00 of `start`. per_day: new dossiers of an average unit on a
        working day. broken: messages, of a hundred, that hold one spoilt copy of an object more; the rest of the
        feed is the same for any `broken`.
    returns: on the first morning each system also sends what was open before the start, part of it overdue.
    raises: CalendarEndsError - the days, or the due dates within them, lie outside the known calendar.
    """
    yield from play(Cast(UNITS[:units], DESKS), days=days, seed=seed, start=start, per_day=per_day, broken=broken)


def play(cast: Cast, *, days: int, seed: int, start: date, per_day: float, broken: float) -> Iterator[Message]:
    """Yield what a cast sends, as `simulate` does."""
    calendar = vietnam()
    begin = datetime.combine(start, time(), calendar.zone)
    end = begin + days * DAY
    span = next_opening(calendar, at=begin), end
    waiting: list[Sending] = []
    numbers = count()
    for unit in cast.units:
        for day in _days(begin - BEFORE_DAYS * DAY, begin):
            for dossier, life in _arrivals(unit, day, cast, seed=seed, per_day=per_day, calendar=calendar):
                _schedule(waiting, dossier, _still_open(life, at=begin), span=span, numbers=numbers)
    for day in _days(begin, end):
        for unit in cast.units:
            for dossier, life in _arrivals(unit, day, cast, seed=seed, per_day=per_day, calendar=calendar):
                _schedule(waiting, dossier, life, span=span, numbers=numbers)
        messages = list(_messages(waiting, until=day + DAY))
        messages.sort(key=lambda message: str(message["sent_at"]))
        _spoil(messages, Random(f"{seed}/broken/{day.date()}"), share=broken / 100)  # noqa: S311 - repeatable is what is wanted
        yield from _resend(messages, Random(f"{seed}/resent/{day.date()}"))  # noqa: S311 - repeatable is what is wanted


def _days(begin: datetime, end: datetime) -> Iterator[datetime]:
    while begin < end:
        yield begin
        begin += DAY


def _arrivals(
    unit: Unit, day: datetime, cast: Cast, *, seed: int, per_day: float, calendar: WorkCalendar
) -> Iterator[tuple[Dossier, Iterator[Happening]]]:
    """Yield a unit's new dossiers of one day with their lives; the same whatever other units and days there are."""
    dice = Random(f"{seed}/{unit.number}/{day.date()}")  # noqa: S311 - repeatable is what is wanted
    open_s = open_seconds(calendar, start=day, end=day + DAY)
    mean = per_day * unit.volume * (WEEKDAYS[day.weekday()] if open_s else ONLINE_ON_DAYS_OFF)
    mean *= cast.busy(day.date(), unit.desk)
    desk = cast.desks[unit.desk]
    arrivals = []
    for _ in range(max(0, round(dice.gauss(mean, math.sqrt(mean))))):
        (procedure,) = dice.choices(list(desk), list(desk.values()))
        online = dice.random() < procedure.field.online
        if online:
            at = day + timedelta(seconds=int(dice.triangular(5, 23, 10) * 3600))
        elif open_s:
            at = open_time_after(calendar, start=day, seconds=int(dice.triangular(0.01, 0.99, 0.25) * open_s))
        else:
            continue
        arrivals.append((at, procedure, online))
    arrivals.sort(key=lambda arrival: arrival[0])
    for number, (at, procedure, online) in enumerate(arrivals, start=1):
        dossier = Dossier(
            id=f"{unit.agency}-{day:%y%m%d}-{number:04}",
            unit=unit,
            procedure=procedure,
            applicant=dice.randint(1, 9999),
            business=dice.random() < procedure.field.business,
            online=online,
            digitised=online or dice.random() < 0.6,
            arrives_at=at,
            handled_by=unit.written[dice.random() < 0.1],
        )
        own = Random(dice.getrandbits(64))  # noqa: S311 - repeatable is what is wanted
        if (holder := cast.joint(unit, procedure)) and own.random() < cast.share:
            dossier = replace(dossier, joint=holder)
        yield dossier, live(dossier, dice=own, calendar=calendar)


def _still_open(life: Iterator[Happening], *, at: datetime) -> Iterator[Happening]:
    """Yield a life as a source tells it that goes live at `at`: how things stand, then what follows.

    What had ended before is never told.
    """
    standing: Happening | None = None
    for happening in life:
        if happening.at < at:
            standing = happening
            continue
        if standing:
            if standing.state.status in ENDS:
                return
            yield replace(standing, snapshot=True)
            standing = None
        yield happening
    if standing and standing.state.status not in ENDS:
        yield replace(standing, snapshot=True)


def _schedule(
    waiting: list[Sending],
    dossier: Dossier,
    life: Iterator[Happening],
    *,
    span: tuple[datetime, datetime],
    numbers: Iterator[int],
) -> None:
    """Queue a dossier's happenings for the sendings of its unit within `span` (from, to)."""
    opens, ends = span
    known = False
    for happening in life:
        sent_at = _next_sending(dossier.unit, max(happening.at, opens))
        if sent_at >= ends:
            return
        heapq.heappush(waiting, (sent_at, dossier.unit.number, next(numbers), dossier, happening, known))
        known = True


def _next_sending(unit: Unit, at: datetime) -> datetime:
    every = SENDING_SECONDS[unit.number % len(SENDING_SECONDS)]
    beside = unit.number * 7 % every  # systems do not all send on the minute
    second = int(at.timestamp()) - beside
    return datetime.fromtimestamp(second - second % every + every + beside, at.tzinfo)


def _messages(waiting: list[Sending], *, until: datetime) -> Iterator[Message]:
    """Take what is sent before `until` off the queue and yield it, one sending of one unit after the other.

    In a sending new dossiers come first, then the steps, then the changed dossiers, a second between messages.
    """

    def taken() -> Iterator[Sending]:
        while waiting and waiting[0][0] < until:
            yield heapq.heappop(waiting)

    for (sent_at, _), sendings in groupby(taken(), key=lambda sending: sending[:2]):
        new: list[Thing] = []
        steps: list[Thing] = []
        changed: list[Thing] = []
        for *_rest, dossier, happening, known in sendings:
            if happening.snapshot:
                (changed if known else new).append(snapshot(dossier, happening.state))
            if happening.work:
                steps.append(progress(dossier, happening))
        kinds = (("DongBoHoSoMC", "False", new), ("CapNhatTienDoHoSoMC", "", steps), ("DongBoHoSoMC", "True", changed))
        parts = [
            (service, updating, things[i : i + MESSAGE_OBJECTS])
            for service, updating, things in kinds
            for i in range(0, len(things), MESSAGE_OBJECTS)
        ]
        for nth, (service, updating, data) in enumerate(parts):
            yield _message(dossier.unit, service, updating, sent_at + timedelta(seconds=nth), data)


def _message(unit: Unit, service: str, updating: str, sent_at: datetime, data: list[Thing]) -> Message:
    head: Message = {"session": "", "madonvi": unit.agency, "service": service}
    if updating:
        head["isUpdating"] = updating
    return {**head, "sent_at": sent_at.isoformat(), "data": data}


def _resend(messages: list[Message], dice: Random) -> Iterator[Message]:
    for message in messages:
        yield message
        if dice.random() < RESENT:
            yield message


def _spoil(messages: list[Message], dice: Random, *, share: float) -> None:
    """Add a spoilt copy of an object to some messages: without its number, or with a date that no calendar has."""
    for message in messages:
        data = message["data"]
        if dice.random() >= share or not isinstance(data, list) or len(data) == MESSAGE_OBJECTS:
            continue
        spoilt: Thing = dict(dice.choice(data))
        if dice.random() < 0.5:
            spoilt["MaHoSo"] = ""
        else:
            moment = "NgayTiepNhan" if "NgayTiepNhan" in spoilt else "ThoiDiemXuLy"
            spoilt[moment] = f"{str(message['sent_at'])[:4]}1131256000"
        data.append(spoilt)
