"""One line of a catalogue of procedures: what cannot be meant, what is doubtful, the rules it gives. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from shared.events import Channel, ProcedureRule

Cells = Mapping[str, str]  # by column, those of `procedures.COLUMNS` and perhaps `portal_times`; clean, "" where empty

LONGEST_TEXT = {"code": 100, "name": 2000, "field": 500, "case": 200, "legal_basis": 1000}  # characters
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 12, 31)  # beyond, a date is a slip of the keyboard
# ten years, of days of eight hours: beyond, a figure is a slip of the keyboard
DAYS = 3660
LONGEST = {"working_minutes": DAYS * 8 * 60, "working_hours": DAYS * 8, "weeks": DAYS // 7, "months": 120}
UNITS: Mapping[str, Any] = {
    **{unit: unit for unit in (*LONGEST, "working_days", "calendar_days", "same_day")},
    "ngay_lam_viec": "working_days",
    "ngay": "calendar_days",
    "gio": "working_hours",  # of the office: the portal's hours are of what is handled within its opening
    "gio_lam_viec": "working_hours",
    "tuan": "weeks",
    "thang": "months",
    "trong_ngay": "same_day",
}
CHANNELS: Mapping[str, Channel] = {
    "counter": "counter",
    "online": "online",
    "post": "post",
    "truc_tiep": "counter",
    "truc_tuyen": "online",
    "buu_chinh": "post",
    "buu_chinh_cong_ich": "post",
}
BELIEVED = frozenset({"", "medium", "high"})  # of `confidence`; an office's own catalogue need not fill it

NO_LIMIT = "no limit is given"
NO_LIMIT_BUT_PORTAL = "no limit is given; the portal's figures have no unit, or several"
NO_UNIT = "a figure without a unit"
UNKNOWN_UNIT = "the unit is none of working_days, calendar_days, working_hours, weeks, months, same_day"
NO_FIGURE = "a unit without a whole number above 0"
SAME_DAY_FIGURE = "same_day goes with the figure 0 or none"
BAD_DIFFICULT = "difficult_days is no whole number"
DIFFICULT_UNIT = "days of difficult communes go with a limit in days"
UNKNOWN_CHANNEL = "the channel is none of counter, online, post"
NOT_BELIEVED = "of low confidence, or of none that is known (medium, high)"
PORTAL_DIFFERS = "the portal has other figures too, of cases it does not name; the limit given alone is taken"

_NUMBER = re.compile(r"-?[0-9]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SHORTENED = re.compile(r"[0-9](\.[0-9]{1,5}|,[0-9]+)")  # 2.000810 as a spreadsheet shows it when it sees a number
_OF_PORTAL = re.compile(r"(?P<channel>[a-z]+)=(?P<value>[0-9]+)(?: (?P<unit>[a-z_]+))?")


def mistakes(cells: Cells) -> Iterator[str]:
    """Yield what cannot be meant: no code, impossible dates, figures below 0 or beyond ten years."""
    if not cells["code"]:
        yield "the code is missing"
    elif _SHORTENED.fullmatch(cells["code"]):
        yield f"the code {cells['code']} was shortened by a spreadsheet: keep codes as text, such as 2.000810"
    for name, longest in LONGEST_TEXT.items():
        if len(cells[name]) > longest:
            yield f"{name} has more than {longest} characters"
        if _CONTROL.search(cells[name]):
            yield f"{name} holds a control character"
    for name in ("valid_from", "valid_until"):
        if cells[name] and _date(cells[name]) is None:
            yield f"{name} must be a date such as 2026-07-01"
    begins, ends = _date(cells["valid_from"]), _date(cells["valid_until"])
    if begins and ends and ends < begins:
        yield "valid_until lies before valid_from"
    longest = LONGEST.get(UNITS.get(_word(cells["limit_unit"]), ""), DAYS)
    for name in ("limit_value", "difficult_days"):
        figure = _number(cells[name])
        if figure is not None and not 0 <= figure <= longest:
            yield f"{name} must lie between 0 and ten years"


def rules(cells: Cells) -> tuple[list[ProcedureRule], str]:
    """Return the rules that a line without mistakes gives, and what is doubtful of it; "" where nothing is.

    Nothing is guessed: what is doubtful makes no rule, but for figures of the portal beside a limit that is given.
    """
    if why := _doubt(cells):
        return [], why
    unit = UNITS[_word(cells["limit_unit"])]
    rule = ProcedureRule(
        case=cells["case"] or None,
        channel=CHANNELS.get(_word(cells["channel"])),
        value=_number(cells["limit_value"]) or 0,
        unit=unit,
        difficult_days=_number(cells["difficult_days"]) or 0,
        valid_from=_date(cells["valid_from"]),
        valid_until=_date(cells["valid_until"]),
        basis=cells["legal_basis"],
    )
    return _with_portal(rule, cells)


def _doubt(cells: Cells) -> str:
    unit, figure = UNITS.get(_word(cells["limit_unit"])), _number(cells["limit_value"])
    if not cells["limit_value"] and not cells["limit_unit"]:
        return NO_LIMIT_BUT_PORTAL if _OF_PORTAL.search(cells["portal_times"]) else NO_LIMIT
    if not cells["limit_unit"]:
        return NO_UNIT
    if unit is None:
        return UNKNOWN_UNIT
    if unit == "same_day":
        if cells["limit_value"] not in ("", "0"):
            return SAME_DAY_FIGURE
    elif not figure:
        return NO_FIGURE
    if cells["difficult_days"] and _number(cells["difficult_days"]) is None:
        return BAD_DIFFICULT
    if _number(cells["difficult_days"]) and unit not in ("working_days", "calendar_days"):
        return DIFFICULT_UNIT
    if cells["channel"] and _word(cells["channel"]) not in CHANNELS:
        return UNKNOWN_CHANNEL
    return "" if cells["confidence"].casefold() in BELIEVED else NOT_BELIEVED


def _with_portal(rule: ProcedureRule, cells: Cells) -> tuple[list[ProcedureRule], str]:
    """Return the limit given and, where the portal's figures can be believed to be of channels, one for each.

    The portal's figures often are of cases, put down under whichever channel: of the 80 procedures of its crawl with
    one figure a channel that differ, 33 are of land, where difficult communes have 10 days more; others are private
    houses, or complex tax cases. So they are of channels only where no note speaks, all have the unit, there is one a
    channel, and the limit given is among them.
    """
    told = [match.groupdict() for match in _OF_PORTAL.finditer(cells["portal_times"])]
    if all(one["value"] == str(rule.value) and _same_unit(one["unit"], rule) for one in told):
        return [rule], ""
    figures = {one["channel"]: int(one["value"]) for one in told}
    of_channels = (
        not cells["note"]
        and rule.channel is None
        and len(figures) == len(told)
        and figures.keys() <= CHANNELS.keys()
        and rule.value in figures.values()
        and all(one["unit"] and _same_unit(one["unit"], rule) for one in told)
        and all(0 < figure <= LONGEST.get(rule.unit, DAYS) for figure in figures.values())
    )
    if not of_channels:
        return [rule], PORTAL_DIFFERS
    differing = {CHANNELS[name]: figure for name, figure in figures.items() if figure != rule.value}
    return [rule, *(rule.model_copy(update={"channel": c, "value": v}) for c, v in differing.items())], ""


def _same_unit(unit: str | None, rule: ProcedureRule) -> bool:
    """Return whether a figure of the portal has the rule's unit; where the crawl lost it, it is the one given."""
    return unit is None or UNITS.get(unit) == rule.unit


def _word(text: str) -> str:
    """Return `Ngày làm việc` as ngay_lam_viec."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
    return "_".join(plain.split())


def _number(text: str) -> int | None:
    return int(text[:12]) if _NUMBER.fullmatch(text) else None  # twelve digits are too many already


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None
    return found if found and EARLIEST <= found <= LATEST else None
