"""The directory of units as a file: reading and checking it. Pure.

source: two-tier local government since 01/7/2025 (166 communes and wards, Nghị quyết 1686/NQ-UBTVQH15).
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

COLUMNS = ("code", "name", "kind", "parent_code", "head_title", "head_name", "email", "phone", "aliases", "difficult")
ONE_ADDRESS = re.compile(r"[^@\s,;:<>()]+@[^@\s,;:<>()]+")  # of two in one cell the allow-list would see the last only
DISSOLVED = frozenset({"huyen_cu"})  # former districts: known as parents of old names, never pressed


class DirectoryError(ValueError):
    """The directory file cannot be taken; names line and reason."""


def read(text: str) -> dict[str, dict[str, Any]]:
    """Return the units of a directory file by code.

    text: CSV with the columns of `COLUMNS`; only code and name must be filled; `aliases` are separated by `|`;
        `difficult` is 1 for a commune of which the law gives land dossiers more time, else 0 or empty.
    raises: DirectoryError - a column is missing, a code is missing or given twice, an address or a mark is none, a
        parent is its own descendant.
    """
    reader = csv.DictReader(io.StringIO(text))
    missing = {"code", "name"} - set(reader.fieldnames or ())
    if missing:
        raise DirectoryError(f"line 1: the column {', '.join(sorted(missing))} is missing; known: {', '.join(COLUMNS)}")
    units: dict[str, dict[str, Any]] = {}
    for row in reader:
        unit = _unit(row, line=reader.line_num)
        if unit["code"] in units:
            raise DirectoryError(f"line {reader.line_num}: the code {unit['code']} stands twice")
        units[unit["code"]] = unit
    _check_parents(units)
    return units


def carried() -> str:
    """Return the directory that the program carries: the province's units without contacts."""
    return files("services.intake").joinpath("data/units.csv").read_text("utf-8")


def _unit(row: Mapping[str, str | None], *, line: int) -> dict[str, Any]:
    clean = {name: unicodedata.normalize("NFC", (row.get(name) or "").strip()) for name in COLUMNS}
    if not clean["code"] or not clean["name"]:
        raise DirectoryError(f"line {line}: code and name must be filled")
    email = clean["email"]
    if email and not ONE_ADDRESS.fullmatch(email):
        raise DirectoryError(f"line {line}: the e-mail address of {clean['code']} is not one")
    if clean["difficult"] not in ("", "0", "1"):
        raise DirectoryError(f"line {line}: difficult of {clean['code']} must be 1, 0 or empty")
    return {
        "code": clean["code"],
        "name": clean["name"],
        "kind": clean["kind"] or "unit",
        "parent_code": clean["parent_code"] or None,
        "head_title": clean["head_title"] or "Thủ trưởng đơn vị",
        "head_name": clean["head_name"] or None,
        "email": email or None,
        "phone": clean["phone"] or None,
        "aliases": sorted({alias.strip() for alias in clean["aliases"].split("|") if alias.strip()}),
        "active": clean["kind"] not in DISSOLVED,
        "difficult": clean["difficult"] == "1",
    }


def _check_parents(units: Mapping[str, Mapping[str, Any]]) -> None:
    for code in units:
        seen, at = {code}, units[code]["parent_code"]
        while at in units:
            if at in seen:
                raise DirectoryError(f"the unit {code} is above itself")
            seen.add(at)
            at = units[at]["parent_code"]
