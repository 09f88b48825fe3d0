"""The due-date calculator: one question as plain data, one answer. Pure; `dondoc due` and `POST /v1/due` ask it.

A question that cannot be answered is answered by an error that begins with the field at fault.
"""

from __future__ import annotations

from typing import Any, Literal

import orjson

from services.deadline import limits, local_software, wording
from services.deadline.asked import Question, QuestionError, instant, list_of, number, object_of, one_of
from services.deadline.windows import SPANS, Span, Window, reaches_end, window
from shared.worktime import (
    CalendarEndsError,
    CalendarError,
    Level,
    Limit,
    LimitError,
    Pause,
    explain,
    level_at,
    measure,
    reckon,
)
from shared.worktime.limits import Effect, Ends, FirstDay, PauseCounts, Roll, Unit

Answer = dict[str, Any]

LONGEST_LINE = 1 << 20  # bytes of a question
Rule = Literal["law", "local_software"]
# what the local software has no way to say, each with what it always does, if anything
NOT_LOCAL = {"pauses": [], "levels": [], "ends": "clock_time", "roll": "forward", "first_day": "next",
             "pause_counts": "working_time"}  # fmt: skip
LOCAL_UNITS = "working_hours, working_days and calendar_days"
LEVEL_UNITS = ("working_minutes", "working_hours", "working_days")


def answer(line: bytes) -> Answer:
    """Return the answer to a question in JSON; errors are answers too, of which `error` says what is wrong."""
    try:
        question = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return {"id": None, "error": f"not JSON: {error}"}
    if not isinstance(question, dict):
        return {"id": None, "error": "a question is a JSON object"}
    named = {"id": question.get("id")}
    try:
        return named | _answered(question)
    except (QuestionError, CalendarError, LimitError) as error:
        return named | {"error": str(error)}
    except CalendarEndsError as error:
        return named | {"error": f"calendar: {str(error)[0].lower()}{str(error)[1:]}"}


def _answered(question: Question) -> Answer:
    """Answer on the smallest window of the calendar that does."""
    asks = _measured if "measure" in question else _due
    for span in SPANS:
        try:
            return asks(question, window(question, span))
        except CalendarEndsError:
            if span is SPANS[-1] or _is_enough(question, span):
                raise
    raise AssertionError("the last window answers or raises")


def _is_enough(question: Question, span: Span) -> bool:
    """Return whether a larger window does not help."""
    if isinstance(question["calendar"], str):
        return True
    return reaches_end(question, span) and all(level.value >= 0 for level in _levels(question))


def _measured(question: Question, window: Window) -> Answer:
    if one_of(question, "rule", Rule, "law") != "law":
        raise QuestionError("rule: local_software measures nothing; leave it out")
    span = object_of(question, "measure")
    start, end = instant(span, "measure.from"), instant(span, "measure.to")
    return {"working_seconds": measure(window.calendar, start=start, end=end, pauses=_pauses(question))}


def _due(question: Question, window: Window) -> Answer:
    rule = one_of(question, "rule", Rule, "law")
    told = _by_law(question, window) if rule == "law" else _by_local_software(question, window)
    return told if question.get("rule") is None else told | {"rule": rule}


def _by_law(question: Question, window: Window) -> Answer:
    on = window.calendar
    start, levels = instant(question, "start"), _levels(question)
    limit, pauses = _limit(question), _pauses(question)
    pause_counts: PauseCounts = one_of(question, "pause_counts", PauseCounts, "working_time")
    if limit is None:
        return {"due_at": None, "levels": [], "calendar_version": window.version, "explanation": []}
    reckoned = reckon(on, start=start, limit=limit, pauses=pauses, pause_counts=pause_counts)
    steps = explain(on, limit=limit, reckoned=reckoned)
    return {
        "due_at": reckoned.due_at.isoformat(),
        "levels": [level_at(on, due=reckoned.due_at, level=level).isoformat() for level in levels],
        "calendar_version": window.version,
        "explanation": steps,
        "sentence": wording.sentence(
            start=start, due_at=reckoned.due_at, limit=limits.Limit(limit.value, limit.unit, ""), steps=steps
        ),
    }


def _by_local_software(question: Question, window: Window) -> Answer:
    on, start, limit = window.calendar, instant(question, "start"), _limit(question)
    for name, usual in NOT_LOCAL.items():
        if question.get(name) not in (None, usual):
            raise QuestionError(f"rule: local_software knows no `{name}`; leave it out, or ask for the law")
    if limit is None:
        return {"due_at": None, "levels": [], "calendar_version": window.version, "explanation": []}
    kept = local_software.hours_of(limit.value, limit.unit)
    if kept is None:
        raise QuestionError(f"rule: local_software has no limits in {limit.unit}, only in {LOCAL_UNITS}")
    hours, counts = kept
    due_at = local_software.local_due(start, hours=hours, counts=counts, calendar=on)
    return {
        "due_at": due_at.isoformat(),
        "levels": [],
        "calendar_version": window.version,
        "explanation": local_software.steps(start, hours=hours, counts=counts, calendar=on),
        "sentence": wording.of_local_software(
            start=start,
            due_at=due_at,
            limit=limits.Limit(limit.value, limit.unit, ""),
            by_working_days=counts == "working_days",
        ),
    }


def _limit(question: Question) -> Limit | None:
    """Return the limit, None where it is null or 0: no deadline."""
    if "limit" not in question:
        raise QuestionError("limit: missing; null where there is none")
    if not question["limit"]:
        return None
    given = object_of(question, "limit")
    value = given.get("value")
    if value is None or value == 0:
        return None
    return Limit(
        number(value, "limit.value"),
        one_of(given, "limit.unit", Unit),
        one_of(question, "ends", Ends, "clock_time"),
        one_of(question, "roll", Roll, "forward"),
        one_of(question, "first_day", FirstDay, "next"),
    )


def _pauses(question: Question) -> list[Pause]:
    return [_pause(question, f"pauses[{n}]", given) for n, given in enumerate(list_of(question, "pauses"))]


def _pause(question: Question, name: str, given: Any) -> Pause:
    if not isinstance(given, dict):
        raise QuestionError(f"{name}: not an object with `from` and `to`")
    since = instant(given, f"{name}.from")
    effect: Effect = one_of(given, f"{name}.effect", Effect, "suspend")
    if given.get("to") is None:
        if question.get("now") is None:
            raise QuestionError(f"now: missing, and {name} is still open")
        return Pause(since, max(since, instant(question, "now")), effect)
    until = instant(given, f"{name}.to")
    if until < since:
        raise QuestionError(f"{name}.to: is before its `from`")
    return Pause(since, until, effect)


def _levels(question: Question) -> list[Level]:
    levels = []
    for n, given in enumerate(list_of(question, "levels")):
        if not isinstance(given, dict):
            raise QuestionError(f"levels[{n}]: not an object with `value` and `unit`")
        value, unit = number(given.get("value"), f"levels[{n}].value"), given.get("unit")
        if unit not in LEVEL_UNITS:
            raise QuestionError(f"levels[{n}].unit: {unit!r} is not one of {', '.join(LEVEL_UNITS)}")
        if unit == "working_days" and value != int(value):
            raise QuestionError(f"levels[{n}].value: {value} is not a whole number of days")
        levels.append(Level(value, unit))
    return levels
