"""Processing limits of procedures: reading the catalogue, the rule that holds for a dossier, its due time. Pure.

Each unit is reckoned as what it is; none is converted into another.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from shared import worktime
from shared.events import Channel, ProcedureRule
from shared.worktime import Pause, WorkCalendar, open_seconds, open_time_after

Rule = ProcedureRule
Unit = worktime.LimitUnit | Literal["same_day"]
UNITS: Mapping[str, Unit] = {unit: unit for unit in (*get_args(worktime.LimitUnit), "same_day")}
CUT_OFF = time(15)
"""law: Luật Hộ tịch 2014, NĐ 23/2015/NĐ-CP Đ.7 - received after 15:00 and not solved at once: the next working day."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a matter may take.

    value: > 0, in `unit`; 0 for `same_day`. basis: the act that says so. rule: of the catalogue, where it comes from
    there; where `value` is more than the rule's, the days of difficult communes are in it.
    """

    value: float
    unit: Unit
    basis: str
    rule: Rule | None = None


def choose(
    rules: Sequence[Rule], *, case: str | None, channel: Channel | None, on: date, difficult: bool
) -> Limit | None:
    """Return the limit of a dossier, None where no rule holds for it or several say different things.

    case, channel: of the dossier, None where not known: then only rules for any hold. Of those that hold, one for its
    case and channel goes before one for its case, that before one for its channel, that before one for all; among
    equals the one valid from latest. Several that are still equal and differ are cases that what is known cannot tell
    apart: no limit rather than a guessed one, which would press an office that is in time or let a citizen wait.
    on: the local date of reception, whose rule a dossier keeps. difficult: its commune is one of which the rule gives
    more days.
    law: NĐ 101/2024/NĐ-CP - land dossiers of mountainous, border, island and difficult communes have 10 days more.
    """
    holding = [rule for rule in rules if _holds(rule, case=case, channel=channel, on=on)]
    if not holding:
        return None
    best = max(map(_precedence, holding))
    first, *others = (rule for rule in holding if _precedence(rule) == best)
    if any(_length(rule) != _length(first) for rule in others):
        return None
    more = first.difficult_days if difficult else 0
    return Limit(first.value + more, first.unit, first.basis, first)


def _holds(rule: Rule, *, case: str | None, channel: Channel | None, on: date) -> bool:
    return (
        rule.case in (None, case)
        and rule.channel in (None, channel)
        and (rule.valid_from is None or rule.valid_from <= on)
        and (rule.valid_until is None or on <= rule.valid_until)
    )


def _precedence(rule: Rule) -> tuple[bool, bool, date]:
    return rule.case is not None, rule.channel is not None, rule.valid_from or date.min


def _length(rule: Rule) -> tuple[int, str, int]:
    return rule.value, rule.unit, rule.difficult_days


def due_after(start: datetime, limit: Limit, *, calendar: WorkCalendar, pauses: Sequence[Pause] = ()) -> datetime:
    """Return when `limit`, counted from `start`, is used up; days keep the clock time of the start.

    pauses: ended ones, without overlaps, in order; their open time is added.
    raises: CalendarEndsError - past the last day whose holidays are known.
    law: Bộ luật Dân sự 2015 Đ.147(2), 148(5) - the first day is not counted, a last day that is off rolls forward.
    """
    if limit.unit != "same_day":
        return worktime.reckon(calendar, start=start, limit=_checked(limit.value, limit.unit), pauses=pauses).due_at
    due = worktime.same_day(calendar, start=start, cutoff=CUT_OFF)
    for pause in pauses:
        if pause.since < due and (since := max(pause.since, start)) < pause.until:
            due = open_time_after(calendar, start=due, seconds=open_seconds(calendar, start=since, end=pause.until))
    return due


def explain_due(
    start: datetime, limit: Limit, *, calendar: WorkCalendar, pauses: Sequence[Pause]
) -> tuple[datetime, list[worktime.Step]]:
    """Return the due time as `due_after` does, and what it was made of."""
    if limit.unit == "same_day":
        return due_after(start, limit, calendar=calendar, pauses=pauses), []
    checked = _checked(limit.value, limit.unit)
    reckoned = worktime.reckon(calendar, start=start, limit=checked, pauses=pauses)
    return reckoned.due_at, worktime.explain(calendar, limit=checked, reckoned=reckoned)


_checked = cache(worktime.Limit)  # a catalogue has few limits, and each due date asks for one


@cache
def carried() -> Mapping[str, Sequence[Rule]]:
    """Return the rules of the catalogue that the program carries, by procedure code.

    Rows of low confidence and those without a unit are left out: no due time of ours rather than a guessed one.
    """
    text = files("services.deadline").joinpath("data/procedures.csv").read_text("utf-8")
    rules: dict[str, list[Rule]] = defaultdict(list)
    for row in csv.DictReader(text.splitlines()):
        if row["confidence"] != "low" and row["limit_unit"] in UNITS and row["limit_value"].isdigit():
            rules[row["code"]].append(
                Rule(
                    value=int(row["limit_value"]),
                    unit=UNITS[row["limit_unit"]],
                    difficult_days=int(row["difficult_days"] or 0),
                    basis=row["legal_basis"],
                )
            )
    return dict(rules)
