"""The due-date calculator: one question as plain data, one answer. Pure; `dondoc due` and `POST /v1/due` ask it.

A question that cannot be answered is answered by an error that begins with the field at fault.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, get_args

import orjson

from services.deadline import limits, wording
from shared.worktime import (
    CalendarEndsError,
    CalendarError,
    Level,
    Limit,
    LimitError,
    Pause,
    WorkCalendar,
    calendar,
    explain,
    level_at,
    measure,
    reckon,
    vietnam,
)
from shared.worktime.limits import LONGEST, Effect, Ends, FirstDay, PauseCounts, Roll, Unit

Question = Mapping[str, Any]
Answer = dict[str, Any]

LONGEST_LINE = 1 << 20  # bytes of a question
KNOWN = {"thanh-hoa": vietnam}
LEVEL_UNITS = ("working_minutes", "working_hours", "working_days")
OF_CALENDAR = frozenset(("timezone", "week", "periods", "dates", "names", "known_from", "known_until"))
# years before and after the asked ones for which a calendar without known ends is compiled, more where they do not do
WINDOWS = ((0, 1), (2, 8), (20, 79))
FIRST_YEAR, LAST_YEAR = 1900, 2999  # of a question; a slip in a year's digits must not compile millions of days


class QuestionError(ValueError):
    """The question cannot be understood; the message begins with the field at fault."""


class Window(NamedTuple):
    """A compiled calendar. version: of what was given, whichever years were compiled."""

    calendar: WorkCalendar
    version: str


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
    for number, (before, after) in enumerate(WINDOWS, start=1):
        try:
            return asks(question, _window(question, before=before, after=after))
        except CalendarEndsError:
            if number == len(WINDOWS) or _reaches_all(question, after=after):
                raise
    raise AssertionError("the last window answers or raises")


def _reaches_all(question: Question, *, after: int) -> bool:
    """Return whether a window reaches as far as the calendar is known, so that a larger one does not help."""
    given = question["calendar"]
    if isinstance(given, str):
        return True
    known_until = _day(given, "known_until")
    before_due = any(level.value < 0 for level in _levels(question))
    return known_until is not None and known_until <= _last_day(question, after) and not before_due


def _last_day(question: Question, after: int) -> str:
    return f"{_years(question)[-1] + after}-12-31"


def _measured(question: Question, window: Window) -> Answer:
    span = _object(question, "measure")
    start, end = _instant(span, "measure.from"), _instant(span, "measure.to")
    return {"working_seconds": measure(window.calendar, start=start, end=end, pauses=_pauses(question))}


def _due(question: Question, window: Window) -> Answer:
    on = window.calendar
    start, levels = _instant(question, "start"), _levels(question)
    limit, pauses = _limit(question), _pauses(question)
    pause_counts: PauseCounts = _one_of(question, "pause_counts", PauseCounts, "working_time")
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


def _limit(question: Question) -> Limit | None:
    """Return the limit, None where it is null or 0: no deadline."""
    if "limit" not in question:
        raise QuestionError("limit: missing; null where there is none")
    if not question["limit"]:
        return None
    given = _object(question, "limit")
    value = given.get("value")
    if value is None or value == 0:
        return None
    return Limit(
        _number(value, "limit.value"),
        _one_of(given, "limit.unit", Unit),
        _one_of(question, "ends", Ends, "clock_time"),
        _one_of(question, "roll", Roll, "forward"),
        _one_of(question, "first_day", FirstDay, "next"),
    )


def _pauses(question: Question) -> list[Pause]:
    return [_pause(question, f"pauses[{n}]", given) for n, given in enumerate(_list(question, "pauses"))]


def _pause(question: Question, name: str, given: Any) -> Pause:
    if not isinstance(given, dict):
        raise QuestionError(f"{name}: not an object with `from` and `to`")
    since = _instant(given, f"{name}.from")
    effect: Effect = _one_of(given, f"{name}.effect", Effect, "suspend")
    if given.get("to") is None:
        if question.get("now") is None:
            raise QuestionError(f"now: missing, and {name} is still open")
        return Pause(since, max(since, _instant(question, "now")), effect)
    until = _instant(given, f"{name}.to")
    if until < since:
        raise QuestionError(f"{name}.to: is before its `from`")
    return Pause(since, until, effect)


def _levels(question: Question) -> list[Level]:
    levels = []
    for n, given in enumerate(_list(question, "levels")):
        if not isinstance(given, dict):
            raise QuestionError(f"levels[{n}]: not an object with `value` and `unit`")
        value, unit = _number(given.get("value"), f"levels[{n}].value"), given.get("unit")
        if unit not in LEVEL_UNITS:
            raise QuestionError(f"levels[{n}].unit: {unit!r} is not one of {', '.join(LEVEL_UNITS)}")
        if unit == "working_days" and value != int(value):
            raise QuestionError(f"levels[{n}].value: {value} is not a whole number of days")
        levels.append(Level(value, unit))
    return levels


def _window(question: Question, *, before: int, after: int) -> Window:
    """Return the question's calendar, compiled for the years around the instants asked about."""
    given = question.get("calendar")
    if isinstance(given, str):
        if given not in KNOWN:
            raise QuestionError(f"calendar: {given!r} is not one of {', '.join(KNOWN)}")
        known = KNOWN[given]()
        return Window(known, known.version)
    given = _object(question, "calendar")
    for unknown in given.keys() - OF_CALENDAR:
        raise QuestionError(f"calendar.{unknown}: not one of {', '.join(sorted(OF_CALENDAR))}")
    first = max(f"{_years(question)[0] - before - 1}-01-01", _day(given, "known_from") or "")
    known_until = _day(given, "known_until")
    last = min(_last_day(question, after), known_until or "~")
    if last < first:
        raise QuestionError(f"calendar.known_until: {known_until} is before what is asked about")
    content = orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
    return Window(_compiled(content, first, last), hashlib.sha256(content).hexdigest()[:12])


@lru_cache(maxsize=512)
def _compiled(content: bytes, first: str, last: str) -> WorkCalendar:
    given = orjson.loads(content)
    for name in ("week", "dates", "names"):
        if not isinstance(given.get(name) or {}, dict):
            raise QuestionError(f"calendar.{name}: not an object")
    if not isinstance(given.get("periods") or [], list):
        raise QuestionError("calendar.periods: not a list")
    if not isinstance(given.get("timezone"), str):
        raise QuestionError("calendar.timezone: missing, such as Asia/Ho_Chi_Minh")
    if not _opens(given):
        raise CalendarError("calendar has no open hours")
    try:
        return calendar(
            timezone=given["timezone"],
            week=given.get("week") or {},
            periods=given.get("periods") or (),
            dates=given.get("dates") or {},
            names=given.get("names") or {},
            known_from=first,
            known_until=last,
        )
    except CalendarError as error:
        if str(error) == "calendar has no open hours":  # it has, at another time
            raise CalendarEndsError(f"calendar is open at no time between {first} and {last}") from None
        raise CalendarError(f"calendar.{error}") from None


def _opens(given: Question) -> bool:
    """Say whether any hours are given; those of periods are checked when they are compiled."""
    return any(given.get("periods") or ()) or any(any((given.get(name) or {}).values()) for name in ("week", "dates"))


def _years(question: Question) -> list[int]:
    """Return the years of the instants asked about, in order."""
    span = question.get("measure")
    if isinstance(span, dict):
        instants = [_instant(span, "measure.from"), _instant(span, "measure.to")]
    else:
        instants = [_instant(question, "start")]
    return sorted(instant.year for instant in instants)


def _object(question: Question, name: str) -> Question:
    given = question.get(name)
    if not isinstance(given, dict):
        raise QuestionError(f"{name}: {'missing' if given is None else 'not an object'}")
    return given


def _list(question: Question, name: str) -> Sequence[Any]:
    given = question.get(name)
    if given is None:
        return ()
    if not isinstance(given, list):
        raise QuestionError(f"{name}: not a list")
    return given


def _instant(given: Question, name: str) -> datetime:
    """Return the instant in the last part of a dotted name."""
    text = given.get(name.rsplit(".", 1)[-1])
    if text is None:
        raise QuestionError(f"{name}: missing")
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise QuestionError(f"{name}: {text!r} is not a time such as 2026-11-20T16:00:00+07:00") from None
    if at.tzinfo is None:
        raise QuestionError(f"{name}: {text} has no time zone, such as +07:00")
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise QuestionError(f"{name}: the year {at.year} is not between {FIRST_YEAR} and {LAST_YEAR}")
    return at


def _day(given: Question, name: str) -> str | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        if datetime.strptime(text, "%Y-%m-%d").strftime("%Y-%m-%d") == text:  # noqa: DTZ007 - a date
            return str(text)
    except (TypeError, ValueError):
        pass
    raise QuestionError(f"calendar.{name}: {text!r} is not a date such as 2027-12-31")


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise QuestionError(f"{name}: {value!r} is not a number")
    if not -LONGEST <= value <= LONGEST:
        raise QuestionError(f"{name}: {value} is not between -{LONGEST} and {LONGEST}")
    return value


def _one_of(given: Question, name: str, kind: Any, usual: str | None = None) -> Any:
    value = given.get(name.rsplit(".", 1)[-1])
    if value is None and usual is not None:
        return usual
    if value not in get_args(kind):
        raise QuestionError(f"{name}: {value!r} is not one of {', '.join(get_args(kind))}")
    return value
