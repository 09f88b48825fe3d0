"""What our own format says of the whole province: reports, findings, letters of apology, consultations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from random import Random

from dondoc.simulate.national import Message
from dondoc.simulate.province import Unit
from shared.worktime import WorkCalendar, next_opening, working_days_after

Fact = dict[str, object]
APOLOGY = "Ban hành văn bản xin lỗi và đề nghị gia hạn thời gian giải quyết"
EXAMINED = "Chuyển hồ sơ đến bộ phận chuyên môn thẩm định"
CONSULTED = 0.02  # share of examinations for which another body is asked
REPORT_DAY = 20  # of a quarter's last month: what units send is due; the period closes on the 14th
LATE, NEVER = 0.12, 0.04  # shares of reports
BEFORE_DAYS = 100  # what was given before the start is told of when something becomes of it
INSPECTED = 0.04  # share of units inspected in a month
QUARTER_ENDS = (3, 6, 9, 12)
FINDINGS = (
    "Niêm yết đầy đủ thủ tục hành chính tại Bộ phận Một cửa",
    "Xử lý dứt điểm hồ sơ quá hạn trên Cổng Dịch vụ công",
    "Cập nhật đầy đủ việc tiếp nhận vào phần mềm một cửa",
    "Thực hiện văn bản xin lỗi với hồ sơ chậm trả",
)


def _event(type: str, subject: str, at: datetime, data: Fact) -> Fact:
    id = f"{subject}/{at:%Y%m%d%H%M%S}"
    head: Fact = {"specversion": "1.0", "id": id, "source": "/simulate", "type": type, "subject": subject}
    return {**head, "time": at.isoformat(), "data": data}


def duties(
    units: Sequence[Unit], *, start: date, days: int, seed: int, calendar: WorkCalendar
) -> list[tuple[datetime, Fact]]:
    """Return what is said of the units' reports and of inspections' findings within some days, in order of time."""
    begin = datetime.combine(start, time(), calendar.zone)
    end = begin + timedelta(days=days)
    said: list[tuple[datetime, Fact]] = []
    month = (start - timedelta(days=BEFORE_DAYS)).replace(day=1)
    while datetime.combine(month, time(), calendar.zone) < end:
        for unit in units:
            dice = Random(f"{seed}/duties/{unit.number}/{month}")  # noqa: S311 - repeatable is what is wanted
            if month.month in QUARTER_ENDS:
                said += _report(unit, month, dice, calendar)
            if dice.random() < INSPECTED:
                said += _findings(unit, month, dice, calendar)
        month = (month + timedelta(days=31)).replace(day=1)
    return sorted(((at, fact) for at, fact in said if begin <= at < end), key=lambda one: one[0])


def _report(unit: Unit, month: date, dice: Random, calendar: WorkCalendar) -> Iterator[tuple[datetime, Fact]]:
    subject = f"BC-{month.year}-Q{month.month // 3}/{unit.code}"
    due_on = month.replace(day=REPORT_DAY)
    given = _opening(month, calendar)
    duty: Fact = {"kind": "report", "unit": unit.name, "title": "Báo cáo cải cách hành chính quý"}
    duty |= {"given_at": given.isoformat(), "due_on": due_on.isoformat()}
    yield given, _event("dondoc.duty.v1", subject, given, duty)
    drawn = dice.random()
    if drawn < NEVER:
        return
    after = dice.randint(1, 8) if drawn < NEVER + LATE else -dice.randint(0, 6)
    sent = _opening(due_on + timedelta(days=after), calendar) + timedelta(minutes=dice.randint(0, 200))
    yield sent, _event("dondoc.duty.v1", subject, sent, {**duty, "status": "submitted", "status_at": sent.isoformat()})


def _findings(unit: Unit, month: date, dice: Random, calendar: WorkCalendar) -> Iterator[tuple[datetime, Fact]]:
    found = _opening(month + timedelta(days=dice.randint(2, 24)), calendar)
    due_on = (found + timedelta(days=30)).date()
    for number, title in enumerate(dice.sample(FINDINGS, dice.randint(1, 3)), start=1):
        subject = f"KL-{month:%Y%m}-{unit.code}/{number}"
        duty: Fact = {
            "kind": "remediation",
            "unit": unit.name,
            "title": title,
            "basis": f"Kết luận kiểm tra {month:%m/%Y}",
        }
        duty |= {"given_at": found.isoformat(), "due_on": due_on.isoformat()}
        yield found, _event("dondoc.duty.v1", subject, found, duty)
        if dice.random() < 0.8:
            done = working_days_after(calendar, start=found, days=dice.randint(8, 32))
            for status, at in (("submitted", done), ("accepted", working_days_after(calendar, start=done, days=2))):
                yield at, _event("dondoc.duty.v1", subject, at, {**duty, "status": status, "status_at": at.isoformat()})


def _opening(day: date, calendar: WorkCalendar) -> datetime:
    return next_opening(calendar, at=datetime.combine(day, time(), calendar.zone))


def of_dossiers(messages: Sequence[Message], *, seed: int, calendar: WorkCalendar) -> Iterator[tuple[datetime, Fact]]:
    """Yield letters of apology (form 04) and pauses for consultation, as the steps of a day tell of them.

    A pause is told with its end in view: begun, and two to six working days later ended.
    """
    dues: dict[object, str] = {}
    for message in messages:
        for thing in message["data"] if isinstance(message["data"], list) else ():
            if thing.get("NgayHenTra"):
                dues[thing["MaHoSo"]] = str(thing["NgayHenTra"])
    for message in messages:
        for thing in message["data"] if isinstance(message["data"], list) else ():
            work, code = thing.get("NoiDungXuLy"), str(thing["MaHoSo"])
            if not code or work not in (APOLOGY, EXAMINED) or "1131256000" in str(thing["ThoiDiemXuLy"]):
                continue
            at = _moment(str(thing["ThoiDiemXuLy"]), calendar)
            if work == APOLOGY and code in dues:
                letter: Fact = {"number": 1, "issued_at": at.isoformat()}
                letter["due_after"] = _moment(dues[code], calendar).isoformat()
                yield at, _event("dondoc.apology.v1", code, at, letter)
            dice = Random(f"{seed}/consulted/{code}")  # noqa: S311 - repeatable is what is wanted
            if work == EXAMINED and dice.random() < CONSULTED:
                pause: Fact = {"number": 1, "kind": "consultation", "since": at.isoformat()}
                yield at, _event("dondoc.pause.v1", code, at, pause)
                until = working_days_after(calendar, start=at, days=dice.randint(2, 6))
                yield until, _event("dondoc.pause.v1", code, until, {**pause, "until": until.isoformat()})


def _moment(compact: str, calendar: WorkCalendar) -> datetime:
    return datetime.strptime(compact, "%Y%m%d%H%M%S").replace(tzinfo=calendar.zone)
