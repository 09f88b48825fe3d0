"""What happens to one dossier of the simulated province, from its filing to the returned result.

Pure but for the generator of random numbers that it is given; knows nothing of messages.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from random import Random

from dondoc.simulate.procedures import Procedure
from dondoc.simulate.province import Unit
from shared.worktime import WorkCalendar, is_working_day, open_seconds, open_time_after, working_days_after

HOUR = 3600  # seconds
GAP = 1000  # open seconds at least between two happenings: longer than any system gathers before it sends
DAY, CUT_OFF = timedelta(days=1), time(15)  # received later, a matter due within the day may wait for the next one
COUNTER, STOPPED_AFTER_DAYS = "Bộ phận Một cửa", (10, 15)  # working days until an unanswered request ends it

FILED, ACCEPTED, REFUSED, RUNNING, ASKED, MUST_PAY, WITHDRAWN, STOPPED, DONE, RETURNED = range(1, 11)
ENDS = {REFUSED, WITHDRAWN, STOPPED, DONE, RETURNED}


@dataclass(frozen=True, slots=True)
class Dossier:
    """What never changes of a dossier. `applicant` is a number: nobody in here has a name."""

    id: str
    unit: Unit
    procedure: Procedure
    applicant: int
    business: bool
    online: bool
    digitised: bool
    arrives_at: datetime
    handled_by: str  # the unit's name as its source writes it
    joint: str = ""  # the unit that has it in between, where several settle it


@dataclass(frozen=True, slots=True)
class Supplement:
    """A request for missing papers; open while nothing was received."""

    asked_at: datetime
    due_before: datetime
    received_at: datetime | None = None
    due_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What a snapshot of the dossier would say. holder: the unit that has it, where it is not the one that took it."""

    status: int
    accepted_at: datetime | None = None
    due_at: datetime | None = None
    refused_at: datetime | None = None
    ended_at: datetime | None = None
    returned_at: datetime | None = None
    supplements: tuple[Supplement, ...] = ()
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Happening:
    """One moment of a life: the state after it, and what was done, in words, by which room.

    snapshot: the source sends the whole dossier. work: "" where no progress step is sent. term: the room's own.
    """

    at: datetime
    state: State
    work: str = ""
    room: str = ""
    term: datetime | None = None
    snapshot: bool = True


@dataclass(slots=True)
class Course:
    """A life under way: where it stands, and the dice."""

    dossier: Dossier
    calendar: WorkCalendar
    dice: Random
    at: datetime
    state: State

    @property
    def due_at(self) -> datetime:
        assert self.state.due_at is not None
        return self.state.due_at

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def open_after(self, start: datetime, seconds: float) -> datetime:
        return open_time_after(self.calendar, start=start, seconds=int(seconds))

    def part_way(self, share: float) -> datetime:
        """Return the moment at which `share` of the open time that is left to the due date is used up."""
        left = open_seconds(self.calendar, start=self.at, end=self.due_at)
        return self.open_after(self.at, left * share)

    def go(self, to: datetime, state: State) -> datetime:
        """Move on to `to`, or a little after the last happening if `to` is too close; return the moment."""
        self.at = max(to, self.open_after(self.at, GAP))
        self.state = state
        return self.at


Stage = Callable[[Course, float], Iterator[Happening]]


def live(dossier: Dossier, *, dice: Random, calendar: WorkCalendar) -> Iterator[Happening]:
    """Yield what happens to a dossier, in order of time. The last one need not be an end: some get stuck."""
    course = Course(dossier, calendar, dice, dossier.arrives_at, State(FILED))
    yield from _receive(course)
    if course.state.status in ENDS:
        return
    field = dossier.procedure.field
    late = course.chance(min(0.9, field.late * dossier.unit.lateness))
    stages = _stages(course, late=late)
    for left, stage in zip(range(len(stages), 0, -1), stages, strict=True):
        yield from stage(course, course.dice.uniform(0.3, 0.9) / (left + 1))
        if course.state.status != RUNNING:
            return
    kept = stages[-1:] == [_apologise] and course.chance(0.6)  # the new date holds, the first one was missed
    yield from _finish(course, late=late and not kept)


def announced_due(procedure: Procedure, *, accepted_at: datetime, calendar: WorkCalendar) -> datetime:
    """Return the date on the receipt slip, reckoned as the province's one-stop software does.

    accepted_at: open time. returns: the clock time of the receipt on the last day; the day's last closing for a
        matter due within the day.
    law: Luật Hộ tịch 2014, NĐ 23/2015/NĐ-CP Đ.7 - received after 15:00, the result may come the next working day.
    """
    if procedure.unit == "working_days":
        return working_days_after(calendar, start=accepted_at, days=procedure.limit)
    if procedure.unit == "calendar_days":
        last = accepted_at + procedure.limit * DAY
        while not is_working_day(calendar, on=last.date()):
            last += DAY
        return last
    day = accepted_at
    if accepted_at.time() >= CUT_OFF:
        day = working_days_after(calendar, start=accepted_at, days=1)
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    open_that_day = open_seconds(calendar, start=midnight, end=midnight + DAY)
    return open_time_after(calendar, start=midnight, seconds=open_that_day)


def _receive(course: Course) -> Iterator[Happening]:
    """File and accept, or refuse what was filed online. At the counter both are one."""
    dossier = course.dossier
    if dossier.online:
        yield Happening(dossier.arrives_at, course.state)
        hours = course.dice.uniform(8.5, 16) if course.chance(0.05) else course.dice.triangular(0.3, 8, 1)
        answered_at = course.open_after(course.at, hours * HOUR)
        if course.chance(0.04):
            course.go(answered_at, State(REFUSED, refused_at=answered_at))
            yield Happening(course.at, course.state, "Từ chối tiếp nhận giải quyết hồ sơ", COUNTER)
            return
        course.at = answered_at
    due_at = announced_due(dossier.procedure, accepted_at=course.at, calendar=course.calendar)
    course.state = State(ACCEPTED, accepted_at=course.at, due_at=due_at)
    yield Happening(course.at, course.state)
    course.state = replace(course.state, status=RUNNING)


def _stages(course: Course, *, late: bool) -> list[Stage]:
    """Choose what will happen between acceptance and the end, in order."""
    field, short = course.dossier.procedure.field, course.dossier.procedure.unit == "same_day"
    stages: list[Stage] = [] if short and course.chance(0.6) else [_pass_on]
    if course.chance(field.supplement):
        stages.append(_supplement)
    if course.chance(0.012):
        stages.append(_withdraw)
    if course.chance(0.006):
        stages.append(_stop)
    if course.chance(course.dossier.procedure.obligation):
        stages.append(_obligation)
    if course.dossier.joint and not short:
        stages.insert(1, _hand_over)
    if not short:
        stages.append(_submit)
    if late and course.dossier.procedure.limit >= 5 and course.chance(0.2):
        stages.append(_apologise)
    return stages


def _room(course: Course) -> str:
    commune, office = course.dossier.procedure.field.rooms
    return commune if course.dossier.unit.desk == "commune" else office


def _pass_on(course: Course, share: float) -> Iterator[Happening]:
    course.go(course.part_way(share * 0.4), course.state)
    term = course.part_way(0.6) if course.chance(0.4) else None
    yield Happening(
        course.at, course.state, "Chuyển hồ sơ đến bộ phận chuyên môn thẩm định", _room(course), term, False
    )


def _hand_over(course: Course, share: float) -> Iterator[Happening]:
    course.go(course.part_way(share * 0.5), replace(course.state, holder=course.dossier.joint))
    yield Happening(course.at, course.state, "Chuyển hồ sơ đến cơ quan phối hợp giải quyết", _room(course))


def _submit(course: Course, share: float) -> Iterator[Happening]:
    course.go(course.part_way(share), replace(course.state, holder="") if course.state.holder else course.state)
    term = course.due_at if course.chance(0.3) else None
    yield Happening(course.at, course.state, "Thẩm định xong, trình lãnh đạo phê duyệt", _room(course), term, False)


def _supplement(course: Course, share: float) -> Iterator[Happening]:
    """Ask for papers; mostly they come, and the due date moves as the local software moves it."""
    asked_at = course.part_way(share)
    asked = Supplement(asked_at, due_before=course.due_at)
    course.go(asked_at, replace(course.state, status=ASKED))
    asked = replace(asked, asked_at=course.at)
    course.state = replace(course.state, supplements=(asked,))
    yield Happening(course.at, course.state, "Yêu cầu bổ sung, hoàn thiện hồ sơ", _room(course))
    if course.chance(0.08):
        if course.chance(0.5):
            yield from _end_unanswered(course)
        return
    back_at = course.open_after(course.at, course.dice.triangular(3, 48, 10) * HOUR)
    days = max(0, (back_at.date() - asked.asked_at.date()).days - 1)
    due_at = working_days_after(course.calendar, start=course.due_at + days * DAY, days=1)
    course.go(back_at, course.state)
    answered = replace(asked, received_at=course.at, due_after=due_at)
    course.state = replace(course.state, status=RUNNING, due_at=due_at, supplements=(answered,))
    yield Happening(course.at, course.state, "Tiếp nhận hồ sơ bổ sung", COUNTER)


def _end_unanswered(course: Course) -> Iterator[Happening]:
    ends_at = working_days_after(course.calendar, start=course.at, days=course.dice.randint(*STOPPED_AFTER_DAYS))
    yield _ended(course, ends_at, STOPPED, "Dừng giải quyết: quá thời hạn bổ sung hồ sơ")


def _obligation(course: Course, share: float) -> Iterator[Happening]:
    """Wait for the taxes to be paid. Most sources then move the due date, some forget to."""
    course.go(course.part_way(share), replace(course.state, status=MUST_PAY))
    asked_at = course.at
    yield Happening(course.at, course.state, "Chờ công dân thực hiện nghĩa vụ tài chính", _room(course))
    if course.chance(0.04):
        return
    paid_at = course.open_after(course.at, course.dice.triangular(4, 64, 16) * HOUR)
    moved = course.state.due_at
    if course.chance(0.7):
        paused = open_seconds(course.calendar, start=asked_at, end=paid_at)
        moved = course.open_after(course.due_at, paused)
    course.go(paid_at, replace(course.state, status=RUNNING, due_at=moved))
    yield Happening(course.at, course.state, "Đã hoàn thành nghĩa vụ tài chính, tiếp tục giải quyết", COUNTER)


def _apologise(course: Course, share: float) -> Iterator[Happening]:
    """Move the due date once, about a working day before it passes."""
    left = open_seconds(course.calendar, start=course.at, end=course.due_at)
    ahead = course.dice.uniform(8, 14) * HOUR
    if left <= ahead + GAP:
        return
    due_at = working_days_after(course.calendar, start=course.due_at, days=course.dice.randint(3, 5))
    course.go(course.open_after(course.at, left - ahead), replace(course.state, due_at=due_at))
    yield Happening(
        course.at, course.state, "Ban hành văn bản xin lỗi và đề nghị gia hạn thời gian giải quyết", _room(course)
    )


def _withdraw(course: Course, share: float) -> Iterator[Happening]:
    yield _ended(course, course.part_way(share), WITHDRAWN, "Công dân yêu cầu rút hồ sơ")


def _stop(course: Course, share: float) -> Iterator[Happening]:
    yield _ended(course, course.part_way(share), STOPPED, "Dừng giải quyết hồ sơ, thông báo cho công dân")


def _finish(course: Course, *, late: bool) -> Iterator[Happening]:
    if late:
        mean = 4 if course.dossier.procedure.unit == "same_day" else 24
        hours = course.dice.expovariate(1 / mean) * (5 if course.chance(0.15) else 1)
        done_at = course.open_after(max(course.due_at, course.at), hours * HOUR + GAP)
    else:
        done_at = course.part_way(course.dice.uniform(0.3, 0.97))
    yield _ended(course, done_at, DONE, "Đã xử lý xong, chuyển trả kết quả")
    if course.chance(0.06):  # never fetched
        return
    returned_at = course.open_after(course.at, course.dice.triangular(0.2, 16, 1) * HOUR)
    course.go(returned_at, replace(course.state, status=RETURNED))
    course.state = replace(course.state, returned_at=course.at)
    yield Happening(course.at, course.state, "Đã trả kết quả cho công dân", COUNTER)


def _ended(course: Course, at: datetime, status: int, work: str) -> Happening:
    course.go(at, replace(course.state, status=status))
    course.state = replace(course.state, ended_at=course.at)
    room = COUNTER if status == WITHDRAWN else _room(course)
    return Happening(course.at, course.state, work, room)
