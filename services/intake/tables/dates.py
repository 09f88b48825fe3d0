"""Times as tables write them. Pure. Two digits never make a year, and a date alone makes no clock time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from services.intake.national import EARLIEST_YEAR, LATEST_YEAR
from services.intake.tables.cells import Value
from shared.clock import PROVINCE_ZONE

EXCEL, ISO = "excel", "iso"
_TOKENS = {
    "yyyy": ("year", r"\d{4}"), "MM": ("month", r"\d{2}"), "dd": ("day", r"\d{2}"), "HH": ("hour", r"\d{2}"),
    "mm": ("minute", r"\d{2}"), "ss": ("second", r"\d{2}"),
}  # fmt: skip
_TOKEN = re.compile(r"[A-Za-z]+?(?=(?:yyyy|MM|dd|HH|mm|ss)|[^A-Za-z]|$)")
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?")
_SERIAL = re.compile(r"\d{2,6}(?:[.,]\d+)?")
FIRST_SERIAL = 61  # of 1900-03-01: before, Excel counts a day that never was
EPOCH_1900, EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - as in the file, without a zone


@dataclass(frozen=True, slots=True)
class DateFormat:
    """One way of writing a time, by its pattern; `excel` and `iso` have none. clocked: whether it has a clock time."""

    written: str
    pattern: re.Pattern[str] | None
    clocked: bool | None
    shape: str  # equal for two that cannot be told apart


def date_format(written: str) -> DateFormat:
    """Return a format such as dd/MM/yyyy HH:mm, yyyyMMddHHmmss, `excel` or `iso`.

    A part that stands by itself may be written with one digit for two: 5/1/2026. raises: ValueError - no such format.
    """
    if written in (EXCEL, ISO):
        return DateFormat(written, None, None, written)
    pattern, shape, names, at = "", "", list[str](), 0
    tokens = list(_TOKEN.finditer(written))
    for n, token in enumerate(tokens):
        if token[0] not in _TOKENS:
            raise ValueError(_known(token[0]))
        name, digits = _TOKENS[token[0]]
        alone = (n == 0 or tokens[n - 1].end() < token.start()) and (
            n + 1 == len(tokens) or tokens[n + 1].start() > token.end()
        )
        if alone and name != "year":
            digits = r"\d{1,2}"
        between = written[at : token.start()]
        pattern += re.escape(between) + f"(?P<{name}>{digits})"
        shape += between + digits
        names.append(name)
        at = token.end()
    if not {"year", "month", "day"} <= set(names) or len(names) != len(set(names)):
        raise ValueError("a date needs yyyy, MM and dd, each once")
    if {"minute", "second"} & set(names) and "hour" not in names:
        raise ValueError("mm and ss need HH; the month is MM")
    return DateFormat(written, re.compile(pattern + re.escape(written[at:])), "hour" in names, shape + written[at:])


def _known(letters: str) -> str:
    if letters == "yy":
        return "two digits make no year: use yyyy"
    return f"{letters!r} is not one of {', '.join(_TOKENS)}, and the names are {EXCEL} and {ISO}"


def check_together(formats: Sequence[DateFormat]) -> None:
    """raises: ValueError - two of the formats take the same text for different days."""
    shapes: dict[str, str] = {}
    for one in formats:
        if (other := shapes.setdefault(one.shape, one.written)) != one.written:
            raise ValueError(f"{other} and {one.written} cannot be told apart")


def instant(value: Value, formats: Sequence[DateFormat], clock: time | None, *, epoch: datetime) -> datetime:
    """Return the moment that a cell means, in Vietnamese time.

    clock: the time of day of a date that has none; a cell of Excel at midnight has none. epoch: of Excel's serials.
    raises: ValueError - no such moment, or none that is sure; the words never repeat the value.
    """
    at, clocked = _read(value, formats, epoch=epoch)
    if not clocked:
        if clock is None:
            raise ValueError("a date without a clock time: say `time:` in the mapping")
        at = at.replace(hour=clock.hour, minute=clock.minute, second=clock.second)
    try:
        at = at.astimezone(PROVINCE_ZONE) if at.tzinfo else at.replace(tzinfo=PROVINCE_ZONE)
    except OverflowError:
        raise ValueError("no such moment") from None
    if not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
        raise ValueError(f"a year must lie between {EARLIEST_YEAR} and {LATEST_YEAR}")
    return at


def day(value: Value, formats: Sequence[DateFormat], *, epoch: datetime) -> date:
    """Return the date that a cell means. raises: ValueError - none, or a moment within a day."""
    at, clocked = _read(value, formats, epoch=epoch)
    if clocked and at.time() != time():
        raise ValueError("a date is expected, not a moment within a day")
    return at.date()


def _read(value: Value, formats: Sequence[DateFormat], *, epoch: datetime) -> tuple[datetime, bool]:
    """Return a moment as written, and whether it has a clock time."""
    if isinstance(value, datetime):
        at = (value + timedelta(microseconds=500_000)).replace(microsecond=0)  # Excel's fractions are not exact
        return at, at.time() != time()
    if isinstance(value, date):
        return datetime.combine(value, time()), False
    if isinstance(value, bool | time | timedelta) or value is None:
        raise ValueError("no date")
    number = str(int(value)) if isinstance(value, float) and value.is_integer() else value
    found = {_of_text(str(number).strip(), one, epoch=epoch) for one in formats} - {None}
    if len(found) != 1:
        named = ", ".join(one.written for one in formats)
        raise ValueError(f"is no date in {named}" if not found else f"means different days in {named}")
    return found.pop()  # type: ignore[return-value]  # None is taken out


def _of_text(text: str, one: DateFormat, *, epoch: datetime) -> tuple[datetime, bool] | None:
    try:
        if one.written == ISO:
            return (datetime.fromisoformat(text), len(text) > 10) if _ISO.fullmatch(text) else None
        if one.written == EXCEL:
            return _of_serial(float(text.replace(",", ".")), epoch=epoch) if _SERIAL.fullmatch(text) else None
        if one.pattern is None or not text.isascii() or not (found := one.pattern.fullmatch(text)):
            return None
        return datetime(**{name: int(digits) for name, digits in found.groupdict().items()}), bool(one.clocked)  # type: ignore[arg-type]  # noqa: DTZ001 - the zone comes later
    except (ValueError, OverflowError):
        return None


def _of_serial(serial: float, *, epoch: datetime) -> tuple[datetime, bool] | None:
    if serial < FIRST_SERIAL:
        return None
    at = epoch + timedelta(seconds=round(serial * 86400))
    return at, at.time() != time()
