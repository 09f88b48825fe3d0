"""The directory of units: reading its tables and checking each row. Pure.

source: two-tier local government since 01/7/2025 (166 communes and wards, Nghị quyết 1686/NQ-UBTVQH15); the former
districts with their successors, and the communes that were merged, as words for the new ones up to 30/6/2025.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from typing import Any, NamedTuple, get_args

from services.intake import directory_tables
from services.intake.directory_tables import COLUMNS as TABLE_COLUMNS
from services.intake.directory_tables import Row, TableError, Tables
from shared.events import HoldingKind, PostRole

COLUMNS = TABLE_COLUMNS["units"]
ONE_ADDRESS = re.compile(r"[^@\s,;:<>()]+@[^@\s,;:<>()]+")  # of two in one cell the allow-list would see the last only
KIND, HEAD_TITLE = "unit", "Thủ trưởng đơn vị"  # of a unit of which nobody says it
DISSOLVED = frozenset({"huyen_cu"})  # former districts: known as parents of old names, never pressed
FROM = {"active": "kind"}  # from which column a member is read, where it is another; where a table lacks it, it stays
LONGEST_CODE = 50  # part of the ids of reports that come again, which have 100
MOST_POSTS, MOST_ALIASES = 80, 300  # rows of one unit: its event stays below the 1 MB that NATS takes
ROLES: Mapping[str, PostRole] = {
    **{role: role for role in get_args(PostRole)},
    "trưởng": "head", "thủ trưởng": "head", "cấp trưởng": "head", "phó": "deputy", "cấp phó": "deputy",
    "trưởng bộ phận một cửa": "one_stop_head", "công chức": "officer", "viên chức": "officer",
}  # fmt: skip
KINDS: Mapping[str, HoldingKind] = {
    **{kind: kind for kind in get_args(HoldingKind)},
    "": "holder", "giữ chức": "holder", "quyền": "acting", "phụ trách": "acting", "thay": "stand_in",
    "ủy quyền": "stand_in", "vắng": "absent", "vắng mặt": "absent",
}  # fmt: skip


class Mistake(NamedTuple):
    """What cannot be meant. at: the place, empty for what concerns several rows."""

    at: str
    why: str


class DirectoryError(ValueError):
    """The directory cannot be taken; `mistakes` names each place and reason."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(f"{one.at}: {one.why}" if one.at else one.why for one in mistakes))
        self.mistakes = mistakes


@dataclass
class Given:
    """What tables give, by the unit's code. units: members of its document. posts, aliases: all of the unit's."""

    units: dict[str, dict[str, Any]] = field(default_factory=dict)
    posts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    aliases: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    at: dict[str, str] = field(default_factory=dict)  # where a unit is first spoken of

    @property
    def codes(self) -> list[str]:
        return list(dict.fromkeys((*self.units, *self.posts, *self.aliases)))


def read(text: str) -> dict[str, dict[str, Any]]:
    """Return the units of a CSV file by code. raises: DirectoryError - as `take`."""
    return take_file(text.encode()).units


def take_file(content: bytes) -> Given:
    """Return what a file gives. raises: DirectoryError - no table, or as `take`."""
    try:
        return take(directory_tables.read(content))
    except TableError as error:
        raise DirectoryError([Mistake("", str(error))]) from None


def carried() -> Given:
    """Return the directory that the program carries: the province's units without contacts, and old names."""
    data = files("services.intake").joinpath("data")
    units, aliases = (directory_tables.read(data.joinpath(f"{name}.csv").read_bytes()) for name in ("units", "aliases"))
    return take({**units, **aliases})


def take(tables: Tables) -> Given:
    """Return what the rows of the tables give.

    A unit of the table of posts gets exactly those given there, likewise of aliases; a row that names a unit alone
    gives it none. In the table of units `aliases` and `successors` are separated by `|`.
    raises: DirectoryError - with every mistake: a code missing or given twice, an address, a date or a mark that is
        none, two holders of one post at a time.
    """
    given, mistakes = Given(), []
    for row in tables.get("units", ()):
        unit, wrong = _unit(row)
        if not wrong and unit["code"] in given.units:
            wrong = [f"the code {unit['code']} stands twice"]
        mistakes += [Mistake(row.at, why) for why in wrong]
        given.units.setdefault(unit["code"], unit)
        given.at.setdefault(unit["code"], row.at)
    for row in tables.get("aliases", ()):
        mistakes += [Mistake(row.at, why) for why in _take_alias(row, given)]
    for row in tables.get("posts", ()):
        mistakes += [Mistake(row.at, why) for why in _take_post(row, given)]
    for code, posts in given.posts.items():
        mistakes += [Mistake(given.at[code], why) for why in _overlapping(code, posts)]
    if mistakes:
        raise DirectoryError(mistakes)
    return given


def _unit(row: Row) -> tuple[dict[str, Any], list[str]]:
    """Return a unit's members and what is wrong with them."""
    clean = {name: row.cells.get(name, "") for name in COLUMNS}
    code, wrong = clean["code"], []
    if not code or not clean["name"]:
        wrong.append("code and name must be filled")
    if len(code) > LONGEST_CODE:
        wrong.append(f"a code has {LONGEST_CODE} characters at most")
    if clean["email"] and not ONE_ADDRESS.fullmatch(clean["email"]):
        wrong.append(f"the e-mail address of {code} is not one")
    if clean["difficult"] not in ("", "0", "1"):
        wrong.append(f"difficult of {code} must be 1, 0 or empty")
    since, until = (_day(clean[name], name, wrong) for name in ("valid_from", "valid_until"))
    if since and until and until < since:
        wrong.append(f"valid_until of {code} lies before its valid_from")
    unit = {
        "code": code,
        "name": clean["name"],
        "kind": clean["kind"] or KIND,
        "parent_code": clean["parent_code"] or None,
        "head_title": clean["head_title"] or HEAD_TITLE,
        "head_name": clean["head_name"] or None,
        "email": clean["email"] or None,
        "phone": clean["phone"] or None,
        "aliases": sorted(_listed(clean["aliases"])),
        "active": clean["kind"] not in DISSOLVED,
        "difficult": clean["difficult"] == "1",
        "valid_from": since,
        "valid_until": until,
        "successors": _listed(clean["successors"]),
    }
    return {name: value for name, value in unit.items() if FROM.get(name, name) in row.cells}, wrong


def _listed(cell: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in cell.split("|") if part.strip()))


def _day(cell: str, name: str, wrong: list[str]) -> str | None:
    """Return a day as ISO 8601; also `31/12/2026`, as it is written in Vietnam."""
    if match := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", cell):
        cell = f"{match[3]}-{match[2]:0>2}-{match[1]:0>2}"
    if not cell:
        return None
    try:
        return date.fromisoformat(cell).isoformat()
    except ValueError:
        wrong.append(f"{name} must be a day such as 2026-12-31 or 31/12/2026")
        return None


def _take_alias(row: Row, given: Given) -> list[str]:
    unit, word = row.cells["unit"], row.cells["alias"]
    if not unit:
        return ["the unit must be filled"]
    given.at.setdefault(unit, row.at)
    aliases = given.aliases.setdefault(unit, [])
    if not word:
        return []
    wrong: list[str] = []
    since, until = (_day(row.cells.get(name, ""), name, wrong) for name in ("from", "until"))
    if len(aliases) == MOST_ALIASES:
        wrong.append(f"a unit has {MOST_ALIASES} rows of aliases at most")
    if since and until and until < since:
        wrong.append("until lies before from")
    alias = {"word": word, "source": row.cells.get("source") or None, "valid_from": since, "valid_until": until}
    if alias not in aliases:
        aliases.append(alias)
    return wrong


def _take_post(row: Row, given: Given) -> list[str]:
    cells = {name: row.cells.get(name, "") for name in TABLE_COLUMNS["posts"]}
    unit, post = cells["unit"], cells["post"]
    if not unit:
        return ["the unit must be filled"]
    given.at.setdefault(unit, row.at)
    posts = given.posts.setdefault(unit, [])
    if not post:
        return []
    wrong: list[str] = []
    since, until = (_day(cells[name], name, wrong) for name in ("from", "until"))
    role, kind = ROLES.get(cells["role"].lower()), KINDS.get(cells["kind"].lower())
    if role is None:
        wrong.append(f"role must be one of {', '.join(get_args(PostRole))}")
    if kind is None:
        wrong.append(f"kind must be one of {', '.join(get_args(HoldingKind))}")
    if cells["email"] and not ONE_ADDRESS.fullmatch(cells["email"]):
        wrong.append(f"the e-mail address of {post} is not one")
    if since and until and until < since:
        wrong.append("until lies before from")
    if kind not in ("holder", None) and not (cells["holder"] or cells["name"]):
        wrong.append(f"who is {kind} must be named by holder or name")
    if len(posts) == MOST_POSTS:
        wrong.append(f"a unit has {MOST_POSTS} rows of posts at most")
    filled = {name: cells[name] or None for name in ("name", "email", "phone")}
    holding = {"post": post, "role": role, "title": cells["title"], "person": cells["holder"] or None, **filled}
    posts.append({**holding, "kind": kind, "valid_from": since, "valid_until": until})
    return wrong


def _overlapping(code: str, posts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return which posts two different persons have at one time."""
    found: dict[str, None] = {}
    held = [one for one in posts if one["kind"] == "holder" and (one["person"] or one["name"])]
    for at, one in enumerate(held):
        for other in held[at + 1 :]:
            same = (one["person"] or one["name"]) == (other["person"] or other["name"])
            if one["post"] != other["post"] or same:
                continue
            if (one["valid_from"] or "") <= (other["valid_until"] or "9") and (other["valid_from"] or "") <= (
                one["valid_until"] or "9"
            ):
                found[f"two persons have the post {one['post']} of {code} at one time: end the first with until"] = None
    return list(found)
