"""The simulated province at its full size: every commune and office, what is asked of them, and when.

Units and procedures are those that the program carries. Agency ids, how busy and how late a unit is, the seasons' and
all other shares are invented; a factor says nothing about the real unit of that name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, cast
from zlib import crc32

from dondoc.simulate.feed import Cast
from dondoc.simulate.procedures import DESKS, Field, LimitUnit, Procedure
from dondoc.simulate.province import DIRECTORY_COLUMNS, UNITS, Unit
from services.intake import directory

OFFICES = {  # code in the directory: what is asked for there, how busy
    "TH-VPDKDD": ("land_office", 12.0), "TH-SXD": ("construction", 1.5), "TH-STC": ("finance", 4.0),
    "TH-STP": ("justice", 2.5), "TH-SNNMT": ("environment", 1.0), "TH-CA": ("police", 5.0),
    "TH-SNV": ("register", 0.3), "TH-SKHCN": ("register", 0.2), "TH-SCT": ("register", 0.3),
    "TH-SVHTTDL": ("register", 0.2), "TH-SGDDT": ("register", 0.8), "TH-SYT": ("register", 0.5),
    "TH-SDTTG": ("register", 0.1), "TH-BQLKKT": ("zone", 0.4),
}  # fmt: skip
LAND_OFFICE = "Văn phòng Đăng ký đất đai Thanh Hóa"
FIRST_DISTRICT = 300  # numbers of the former districts' invented agency ids begin here
JOINT_SHARE = 0.35  # of a commune's land dossiers that the land office settles in part
WEIGHT_UNKNOWN = 1.0
TET = (date(2025, 1, 29), date(2026, 2, 17), date(2027, 2, 6), date(2028, 1, 26))  # the first day of the lunar year
ALSO = {  # where a carried procedure is asked for, by a word in its field
    "Đất đai": "land_office", "xây dựng": "construction", "Quy hoạch": "construction", "doanh nghiệp": "finance",
    "hợp tác xã": "finance", "Đầu tư": "zone", "cháy": "police", "lái xe": "police", "Hộ tịch": "justice",
    "tư pháp": "justice", "Chứng thực": "register",
}  # fmt: skip
OTHER_ROOMS = ("Phòng Văn hóa - Xã hội", "Phòng chuyên môn")


@cache
def units() -> tuple[Unit, ...]:
    """Return all sending units; those that the small province has keep their numbers."""
    known = {unit.code: unit for unit in UNITS}
    found, number = list[Unit](), len(UNITS)
    for code, row in directory.carried().units.items():
        desk, volume = ("commune", 1.0) if row["kind"] in ("xa", "phuong") else OFFICES.get(code, ("", 0.0))
        if not desk:
            continue
        if code in known and desk == "commune":
            found.append(known[code])
            continue
        chance = crc32(code.encode()) % 1000 / 1000
        if code not in known:
            number += 1
        of = known[code].number if code in known else number
        volume *= 0.4 + 1.2 * chance if desk == "commune" else 1.0
        lateness = 0.4 + 0.8 * chance + (1.2 if chance > 0.93 else 0.0)
        found.append(Unit(of, code, row["name"], _kind(row["kind"]), desk, volume, lateness))
    return tuple(sorted(found, key=lambda unit: unit.number))


def _kind(kind: str) -> str:
    return kind if kind in ("xa", "phuong", "don_vi_su_nghiep") else "so"


@dataclass(frozen=True, slots=True)
class District:
    """A former district: its name, the invented agency id of its old system, and who has its dossiers now."""

    code: str
    name: str
    unit: Unit


@cache
def districts() -> tuple[District, ...]:
    rows = directory.carried().units
    former = [(code, row["name"]) for code, row in rows.items() if row["kind"] == "huyen_cu"]
    return tuple(
        District(code, name, Unit(FIRST_DISTRICT + n, code, name, "xa", "commune"))
        for n, (code, name) in enumerate(former)
    )


@cache
def desks() -> dict[str, dict[Procedure, float]]:
    """Return what is asked for at which desk: the small province's weights, and the other carried procedures."""
    weights = {procedure.code: (procedure, weight) for desk in DESKS.values() for procedure, weight in desk.items()}
    fields = {procedure.field.name: procedure.field for procedure, _ in weights.values()}
    made: dict[str, dict[Procedure, float]] = {desk: dict(asked) for desk, asked in DESKS.items()}
    text = files("services.deadline").joinpath("data/procedures.csv").read_text("utf-8")
    for row in csv.DictReader(io.StringIO(text)):
        if row["limit_unit"] not in ("working_days", "calendar_days", "same_day") or not row["limit_value"]:
            continue
        field = fields.setdefault(row["field"], _field(row["field"]))
        limit, unit = int(row["limit_value"]), cast(LimitUnit, row["limit_unit"])
        procedure = Procedure(row["code"], row["name"][:200], field, limit, unit)
        procedure = weights.get(row["code"], (procedure, 0))[0]
        for desk in _asked_at(row):
            made.setdefault(desk, {}).setdefault(procedure, WEIGHT_UNKNOWN)
    return made


def _field(name: str) -> Field:
    code = "".join(word[0] for word in name.split() if word[0].isalpha()).upper()
    return Field(code[:6], name, OTHER_ROOMS, late=0.05, supplement=0.06, online=0.4)


def _asked_at(row: dict[str, str]) -> Iterator[str]:
    if "xa" in row["authority_level"].split("+"):
        yield "commune"
    found = [desk for word, desk in ALSO.items() if word in row["field"] or word in row["name"]]
    if "tinh" in row["authority_level"] and found:
        yield found[0]
    if row["code"] == "2.000908":  # copies from registers, of every office that keeps one
        yield from ("register", "zone")


def busy(day: date, desk: str) -> float:
    """Return how much comes to a desk on a day, beside an average one.

    Before Tết and after it little is asked for; schools take in pupils in summer, who need papers of civil status and
    copies; land and enterprises press for the end of the year.
    """
    for first in TET:
        if first - timedelta(days=8) <= day < first + timedelta(days=12):
            return 0.55
    factor = 1.0
    if day.month in (6, 7, 8) and desk in ("commune", "justice", "register"):
        factor *= 1.3
    if (day.month, day.day) >= (11, 15):
        factor *= 1.25 if desk in ("land_office", "finance", "environment", "construction") else 1.1
    return factor * (1.1 if day.day <= 5 else 1.0)


def _joint(unit: Unit, procedure: Procedure) -> str:
    return LAND_OFFICE if unit.desk == "commune" and procedure.field.name == "Đất đai" and procedure.limit > 5 else ""


def whole() -> Cast:
    """Return the province as it plays."""
    return Cast(units(), desks(), busy=busy, joint=_joint, share=JOINT_SHARE)


def whole_directory() -> str:
    """Return the carried directory as CSV with the invented agency ids and the names as the feed writes them."""
    aliases: dict[str, list[str]] = {}
    for unit in (*units(), *(replace(of.unit, name=of.name) for of in districts())):
        names = unit.written if not unit.code.startswith("D") else (f"UBND {_small(unit.name)}",)
        aliases[unit.code] = [unit.agency_short, unit.agency, *(name for name in names if name != unit.name)]
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(DIRECTORY_COLUMNS)
    for number, (code, row) in enumerate(directory.carried().units.items()):
        rows.writerow(_directory_row(code, row, number, aliases.get(code, [])))
    return out.getvalue()


def _small(name: str) -> str:
    return name[0].lower() + name[1:]


def _directory_row(code: str, row: dict[str, Any], number: int, aliases: list[str]) -> list[str]:
    known = "|".join(dict.fromkeys([*row["aliases"], *aliases]))
    contacts = [f"dv{number:03}@example.vn", f"0900 000 {number:03}"] if row["active"] else ["", ""]
    head = f"Thủ trưởng đơn vị {number:03}" if row["active"] else ""
    return [code, row["name"], row["kind"], row["parent_code"] or "", row["head_title"], head, *contacts, known]
