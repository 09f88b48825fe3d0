"""What citizens of the demo write, in the words of data/feedback.yaml, and when they and the offices act on it.

Some of it was given to its unit by the national portal weeks before, so that answers fall due from the first day.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from importlib.resources import files
from random import Random
from typing import Any, Literal, NamedTuple

import yaml

from dondoc.drive import on_grid
from dondoc.simulate.province import PROVINCE, UNITS, Unit
from shared.worktime import (
    WorkCalendar,
    is_working_day,
    open_time_after,
    vietnam,
    working_days_after,
    working_days_from,
)

Do = Literal["bring", "file", "decide", "ask", "supplement", "answer", "publish", "rate"]

# code, name, kind, the unit above, title of the head: who sorts feedback, and whom the rules name where a unit cannot
OFFICES = (
    ("TH-VPUBND", "Văn phòng Ủy ban nhân dân tỉnh", "van_phong", PROVINCE, "Chánh Văn phòng"),
    ("TH-TTPVHCC", "Trung tâm Phục vụ hành chính công tỉnh", "trung_tam_hcc", "TH-VPUBND", "Giám đốc Trung tâm"),
    ("TH-TTT", "Thanh tra tỉnh", "co_quan_ngang_so", PROVINCE, "Chánh Thanh tra tỉnh"),
)
FILED, BROUGHT = 24, 10  # of 20 units in three weeks; before them
OF_UNITS, OF_DAYS = 20, 21
DENOUNCED_OF = 12  # one in so many
ANSWER_DAYS = 15  # what the carried policy gives a unit
HOUR_S, OFFICE_DAY_S = 3600, 8 * 3600


@dataclass(frozen=True, slots=True)
class Feedback:
    """One feedback. text, answer: as they are written. denounced: it is for inspectors, so nobody acts on it here."""

    number: int
    unit: Unit
    kind: str
    field: str | None
    categories: tuple[str, ...]
    text: str
    answer: str
    denounced: bool = False
    given_at: datetime | None = None  # when the portal gave it to its unit; it was filed a working day before


class Act(NamedTuple):
    """Something that is done with a feedback, by its number in the plan."""

    at: datetime
    number: int
    do: Do


@dataclass(frozen=True, slots=True)
class Plan:
    """acts: in the order of their times, on the grid of the driver."""

    feedback: Sequence[Feedback]
    acts: Sequence[Act]


def offices() -> str:
    """Return the offices that deal with feedback as lines of the demo's directory."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    for number, (code, name, kind, parent, title) in enumerate(OFFICES, start=len(UNITS) + 2):
        head, mail = f"Thủ trưởng đơn vị {number}", f"dv{number}@example.vn"
        rows.writerow([code, name, kind, parent, title, head, mail, f"0900 000 {number:03}", ""])
    return out.getvalue()


def plan(*, units: int, days: int, seed: int, start: datetime) -> Plan:
    """Return what happens in `days` days from `start` at the first `units` units; the same for the same seed."""
    dice = Random(f"{seed}/feedback/{units}/{days}")  # noqa: S311 - repeatable is what is wanted
    calendar, until = vietnam(), start + timedelta(days=days)
    brought = max(2, round(BROUGHT * units / OF_UNITS))
    filed = max(2, round(FILED * units * days / OF_UNITS / OF_DAYS))
    feedback: list[Feedback] = []
    acts: list[Act] = []
    for one in _written(brought, units=units, dice=dice, denounced_of=0):
        given_at = _given_at(one.number, start, calendar)
        feedback.append(replace(one, number=len(feedback), given_at=given_at))
        acts += _of_portal(feedback[-1], start, dice, calendar)
    mornings = [
        day for day in (start + timedelta(days=n) for n in range(days)) if is_working_day(calendar, on=day.date())
    ]
    for one in _written(filed, units=units, dice=dice, denounced_of=DENOUNCED_OF):
        morning = (mornings or [start])[one.number * len(mornings) // filed]
        feedback.append(replace(one, number=len(feedback)))
        acts += _of_citizen(feedback[-1], one.number, morning, dice, calendar)
    return Plan(tuple(feedback), tuple(sorted(act for act in acts if act.at < until)))


def _written(count: int, *, units: int, dice: Random, denounced_of: int) -> Iterator[Feedback]:
    """Yield what is written to the units there are, numbered from 0; of `denounced_of` the last is a denunciation."""
    desks: dict[str, list[Unit]] = {}
    for unit in UNITS[:units]:
        desks.setdefault(unit.desk, []).append(unit)
    fitting = [text for text in _texts() if text["desk"] in desks]
    usual, denounced = ([text for text in fitting if bool(text.get("denounced")) is wanted] for wanted in (False, True))
    dice.shuffle(usual)
    for number in range(count):
        is_denounced = bool(denounced_of) and number % denounced_of == denounced_of - 1
        text = denounced[number // denounced_of % len(denounced)] if is_denounced else usual[number % len(usual)]
        unit = dice.choice(desks[text["desk"]])
        said, answer = (text.get(name, "").format(unit=unit.name) for name in ("text", "answer"))
        categories = tuple(text.get("categories", ()))
        yield Feedback(number, unit, text["kind"], text.get("field"), categories, said, answer, is_denounced)


def _texts() -> list[dict[str, Any]]:
    read: dict[str, list[dict[str, Any]]] = yaml.safe_load(
        (files("dondoc.demo") / "data" / "feedback.yaml").read_text(encoding="utf-8")
    )
    return read["texts"]


def _given_at(number: int, start: datetime, calendar: WorkCalendar) -> datetime:
    """Return when a unit got what is brought in: the first answer is overdue at the start, then one a day falls due."""
    first = working_days_after(calendar, start=datetime.combine(start, time(9), start.tzinfo), days=-1)
    return working_days_from(calendar, due=first, days=number % ANSWER_DAYS - ANSWER_DAYS)


def _of_portal(one: Feedback, start: datetime, dice: Random, calendar: WorkCalendar) -> Iterator[Act]:
    """Yield what is done with what the portal gave: of five units one never answers and one answers late."""
    assert one.given_at
    yield Act(start, one.number, "bring")
    yield Act(start + timedelta(hours=7), one.number, "decide")  # before the first digests
    due_at = working_days_after(calendar, start=one.given_at, days=ANSWER_DAYS)
    if one.number % 5 == 2:
        return
    late = one.number % 5 == 1 or due_at < start + timedelta(hours=7)
    hours = dice.randint(9, 20) if late else -dice.randint(2, 12)
    at = open_time_after(calendar, start=due_at, seconds=hours * HOUR_S)
    yield from _answered(one, max(at, start + timedelta(hours=9)), dice, calendar)


def _of_citizen(one: Feedback, nth: int, morning: datetime, dice: Random, calendar: WorkCalendar) -> Iterator[Act]:
    """Yield what is done with what a citizen files: one in eight is decided late, one waits for a supplement."""
    at = on_grid(morning + timedelta(minutes=dice.randint(7 * 60, 21 * 60)))
    yield Act(at, one.number, "file")
    if one.denounced:
        return
    hours = dice.randint(20, 26) if nth % 8 == 5 else dice.randint(1, 9)
    at = on_grid(open_time_after(calendar, start=at, seconds=hours * HOUR_S))
    if nth == 2:
        yield Act(at, one.number, "ask")
        at += timedelta(days=2)
        yield Act(at, one.number, "supplement")
        at = on_grid(open_time_after(calendar, start=at, seconds=3 * HOUR_S))
    yield Act(at, one.number, "decide")
    if nth % 6 != 4:
        at = open_time_after(calendar, start=at, seconds=dice.randint(2, 8) * OFFICE_DAY_S)
        yield from _answered(one, at, dice, calendar)


def _answered(one: Feedback, at: datetime, dice: Random, calendar: WorkCalendar) -> Iterator[Act]:
    at = on_grid(at)
    yield Act(at, one.number, "answer")
    if one.given_at is None and dice.random() < 0.5:
        yield Act(at + timedelta(hours=dice.randint(2, 6)), one.number, "rate")
    if dice.random() < 0.85:
        at = on_grid(open_time_after(calendar, start=at, seconds=dice.randint(2, 9) * HOUR_S))
        yield Act(at, one.number, "publish")
