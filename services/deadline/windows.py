"""The calendars that questions name or write out, compiled for no more years than an answer needs. Pure."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

import orjson

from services.deadline import asked
from services.deadline.asked import Question, QuestionError
from shared.worktime import CalendarEndsError, CalendarError, WorkCalendar, calendar, vietnam

KNOWN = {"thanh-hoa": vietnam}
OF_CALENDAR = frozenset(("timezone", "week", "periods", "dates", "names", "known_from", "known_until"))


class Span(NamedTuple):
    """Years before and after the asked ones for which a calendar is compiled; how many such calendars are kept."""

    before: int
    after: int
    kept: int


# A calendar of three years takes half a megabyte, one of a hundred years twenty.
SPANS = (Span(0, 1, 512), Span(2, 8, 64), Span(20, 79, 8))


class Window(NamedTuple):
    """A compiled calendar. version: of what was given, whichever years were compiled."""

    calendar: WorkCalendar
    version: str


class _Written(NamedTuple):
    """What decides which years are compiled."""

    known_from: str | None
    known_until: str | None
    version: str


def window(question: Question, span: Span) -> Window:
    """Return the question's calendar, compiled for the years around the instants asked about.

    raises: QuestionError, CalendarError - what is wrong with it. CalendarEndsError - it is open at no time in these.
    """
    given = question.get("calendar")
    if isinstance(given, str):
        if given not in KNOWN:
            raise QuestionError(f"calendar: {given!r} is not one of {', '.join(KNOWN)}")
        known = KNOWN[given]()
        return Window(known, known.version)
    given = asked.object_of(question, "calendar")
    for unknown in given.keys() - OF_CALENDAR:
        raise QuestionError(f"calendar.{unknown}: not one of {', '.join(sorted(OF_CALENDAR))}")
    content = orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
    years, written = _years(question), _written(content)
    first = max(f"{years[0] - span.before - 1}-01-01", written.known_from or "")
    last = min(_last_day(years, span), written.known_until or "~")
    if last < first:
        raise QuestionError(f"calendar.known_until: {written.known_until} is before what is asked about")
    return Window(_COMPILED[span](content, first, last), written.version)


def reaches_end(question: Question, span: Span) -> bool:
    """Return whether a window reaches as far as the question's calendar is known."""
    given = question["calendar"]
    if isinstance(given, str):
        return True
    known_until = asked.day(given, "known_until")
    return known_until is not None and known_until <= _last_day(_years(question), span)


def _last_day(years: list[int], span: Span) -> str:
    return f"{years[-1] + span.after}-12-31"


def _years(question: Question) -> list[int]:
    """Return the years of the instants asked about, in order."""
    measured = question.get("measure")
    if isinstance(measured, dict):
        instants = [asked.instant(measured, "measure.from"), asked.instant(measured, "measure.to")]
    else:
        instants = [asked.instant(question, "start")]
    return sorted(instant.year for instant in instants)


@lru_cache(maxsize=512)
def _written(content: bytes) -> _Written:
    given = orjson.loads(content)
    version = hashlib.sha256(content).hexdigest()[:12]
    return _Written(asked.day(given, "known_from"), asked.day(given, "known_until"), version)


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


_COMPILED = {span: lru_cache(maxsize=span.kept)(_compiled) for span in SPANS}
