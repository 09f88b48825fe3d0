"""The words that members of our own format are written in: times, dates, names, numbers. Pure.

Times are ISO 8601 with an offset. An absent, null or empty member says nothing.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from services.intake.national import EARLIEST_YEAR, LATEST_YEAR, word
from shared.instants import canonical

AT_MOST = 100  # letters, pauses, steps, supplements, transfers of one dossier
LONGEST_TERM = 3650  # days
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def moment(raw: object) -> str | None:
    """Return a time in Vietnamese time, None for an empty member.

    raises: ValueError - not ISO 8601, without an offset, or of a year that is a slip of the keyboard.
    """
    text = word(raw)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a time in ISO 8601") from None  # Python's own words repeat the value
    if at.tzinfo is None:
        raise ValueError("a time needs an offset, as in 2026-12-15T17:00:00+07:00")
    _check_year(at.year)
    return canonical(at)


def end_of_day(raw: object) -> str | None:
    """Return the last second of a date, None for an empty member.

    A day ends at 24:00, which as an instant is the next date's: lateness is compared to the second, and by date, so
    its last second is what people and comparisons take for that day.
    raises: ValueError - no date.
    law: Bộ luật Dân sự 2015 Đ.148(6) - the last day ends at 24:00 of that day.
    """
    text = word(raw)
    if not text:
        return None
    try:
        day = date.fromisoformat(text if _DATE.fullmatch(text) else "")
    except ValueError:
        raise ValueError("must be a date, as in 2026-12-15") from None
    _check_year(day.year)
    return f"{text}T23:59:59+07:00"


def _check_year(year: int) -> None:
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        raise ValueError(f"a year must lie between {EARLIEST_YEAR} and {LATEST_YEAR}")


_A_TIME, _A_DATE = {"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}
_MAYBE = {"type": "null"}

Moment = Annotated[str | None, BeforeValidator(moment), WithJsonSchema({"anyOf": [_A_TIME, _MAYBE]})]
SomeMoment = Annotated[str, BeforeValidator(moment), WithJsonSchema(_A_TIME)]
EndOfDay = Annotated[str | None, BeforeValidator(end_of_day), WithJsonSchema({"anyOf": [_A_DATE, _MAYBE]})]
Named = Annotated[str, BeforeValidator(word), Field(min_length=1)]
NothingIfEmpty = BeforeValidator(lambda raw: None if raw == "" else raw)
Number = Annotated[int, Field(strict=True, ge=1, le=AT_MOST)]
TermDays = Annotated[int | None, Field(strict=True, ge=1, le=LONGEST_TERM)]
Mark = Annotated[bool | None, Field(strict=True)]
