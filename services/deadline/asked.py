"""Reading the fields of a question to the calculator; each mistake is told by the field it is in. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

from shared.worktime.limits import LONGEST

Question = Mapping[str, Any]

FIRST_YEAR, LAST_YEAR = 1900, 2999  # of a question; a slip in a year's digits must not compile millions of days


class QuestionError(ValueError):
    """The question cannot be understood; the message begins with the field at fault."""


def object_of(question: Question, name: str) -> Question:
    given = question.get(name)
    if not isinstance(given, dict):
        raise QuestionError(f"{name}: {'missing' if given is None else 'not an object'}")
    return given


def list_of(question: Question, name: str) -> Sequence[Any]:
    given = question.get(name)
    if given is None:
        return ()
    if not isinstance(given, list):
        raise QuestionError(f"{name}: not a list")
    return given


def instant(given: Question, name: str) -> datetime:
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


def day(given: Question, name: str) -> str | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        if datetime.strptime(text, "%Y-%m-%d").strftime("%Y-%m-%d") == text:  # noqa: DTZ007 - a date
            return str(text)
    except (TypeError, ValueError):
        pass
    raise QuestionError(f"calendar.{name}: {text!r} is not a date such as 2027-12-31")


def number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise QuestionError(f"{name}: {value!r} is not a number")
    if not -LONGEST <= value <= LONGEST:
        raise QuestionError(f"{name}: {value} is not between -{LONGEST} and {LONGEST}")
    return value


def one_of(given: Question, name: str, kind: Any, usual: str | None = None) -> Any:
    value = given.get(name.rsplit(".", 1)[-1])
    if value is None and usual is not None:
        return usual
    if value not in get_args(kind):
        raise QuestionError(f"{name}: {value!r} is not one of {', '.join(get_args(kind))}")
    return value
