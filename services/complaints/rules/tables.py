"""Tables for trying routes: a directory with its posts, matters and who should have each. Pure but for reading them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from services.complaints.rules.accused import Matter
from services.complaints.rules.policy import Policies
from services.complaints.rules.routes import Routes
from services.complaints.rules.routing import Route, route
from services.complaints.rules.units import Offices, Units
from shared.events import FeedbackKind, Holding, UnitDescribed

CARRIED = Path(__file__).parents[2] / "intake" / "data"  # the directory that the program carries, as a file
COLUMNS = (
    *("about", "kind", "on", "instance", "field", "categories", "unit", "accused_units", "accused_persons"),
    *("dossier_unit", "procedure", "place_unit", "expected"),
)
T = TypeVar("T", bound=BaseModel)
NOBODY = "-"  # in the column `expected`: the operator's


class TableError(ValueError):
    """A table cannot be used; names the file, the line and what is wrong there."""


class Given(NamedTuple):
    """A matter of a table. expected: who should have it; None: the operator; "" where nothing was said."""

    at: str
    about: str
    expected: str | None
    matter: Matter


class Tried(NamedTuple):
    """A matter of a table and where it went."""

    given: Given
    got: Route

    @property
    def is_right(self) -> bool:
        return self.given.expected in ("", self.got.unit)


def units(table: Path | None, posts: Path | None) -> Offices:
    """Return the directory of a table of units as intake takes it, else the carried one, with a table of posts.

    raises: TableError.
    """
    path = table or CARRIED / "units.csv"
    held: dict[str, list[Holding]] = {}
    for line, row in _rows(posts, needs=("unit", "post", "role")) if posts else ():
        held.setdefault(row["unit"], []).append(_checked(Holding, _holding(row), posts, line))
    aliases: dict[str, list[dict[str, Any]]] = {}
    for _, row in _rows(CARRIED / "aliases.csv", needs=("unit", "alias")) if table is None else ():
        words = {"word": row["alias"], "source": row["source"] or None}
        aliases.setdefault(row["unit"], []).append({**words, **_dates(row, "from", "until")})
    found = []
    for line, row in _rows(path, needs=("code", "name")):
        document = {
            **{name: row.get(name, "") for name in ("code", "name", "kind", "head_title")},
            **{name: row.get(name) or None for name in ("parent_code", "head_name", "email", "phone")},
            **{name: _list(row.get(name, "")) for name in ("aliases", "successors")},
            **_dates(row, "valid_from", "valid_until"),
            "revision": 1,
            "active": not row.get("valid_until"),
            "limited_aliases": aliases.get(row["code"], ()),
            "posts": held.pop(row["code"], ()),
        }
        found.append(_checked(UnitDescribed, document, path, line))
    if held:
        raise TableError(f"{posts}: posts of units that {path.name} lacks: {', '.join(sorted(held))}")
    return Offices(found)


def read(what: Sequence[str], offices: Units, *, on: date) -> list[Given]:
    """Return the matters of a CSV file, or the one that `column=value` describes.

    on: of matters without a day. raises: TableError.
    """
    if len(what) == 1 and "=" not in what[0]:
        path = Path(what[0])
        return [_given(row, offices, on, at=f"{path}: line {line}") for line, row in _rows(path, needs=("kind",))]
    row = {name: value for name, mark, value in (word.partition("=") for word in what) if mark}
    if wrong := [word for word in what if word.partition("=")[0] not in COLUMNS or "=" not in word]:
        raise TableError(f"{', '.join(wrong)}: write column=value, a column being one of {', '.join(COLUMNS)}")
    return [_given(row, offices, on, at="the matter")]


def _given(row: Mapping[str, str], offices: Units, on: date, *, at: str) -> Given:
    try:
        if unknown := [name for name in row if name not in COLUMNS]:
            raise ValueError(f"no such column: {', '.join(unknown)}; known: {', '.join(COLUMNS)}")
        expected = row.get("expected", "")
        return Given(at, row.get("about", ""), None if expected == NOBODY else expected, matter(row, offices, on=on))
    except ValueError as error:
        raise TableError(f"{at}: {error}") from None


def matter(given: Mapping[str, str], offices: Units, *, on: date) -> Matter:
    """Return the matter that words say; on: unless they say another day. raises: ValueError - says what is wrong."""
    day = date.fromisoformat(given["on"]) if given.get("on") else on
    kinds: tuple[FeedbackKind, ...] = get_args(FeedbackKind)
    kind = next((one for one in kinds if one == given.get("kind")), None)
    if kind is None:
        raise ValueError(f"kind: {given.get('kind', '')!r} is not one of {', '.join(kinds)}")
    if (instance := given.get("instance") or "1") not in ("1", "2"):
        raise ValueError("instance: must be 1 or 2")

    def code(name: str) -> str | None:
        word = given.get(name, "")
        return _code(word, offices, on=day) if word else None

    return Matter(
        kind=kind,
        on=day,
        instance=int(instance),
        field=given.get("field") or None,
        categories=_list(given.get("categories", "")),
        unit=code("unit"),
        accused_units=tuple(_code(word, offices, on=day) for word in _list(given.get("accused_units", ""))),
        accused_persons=_list(given.get("accused_persons", "")),
        dossier_unit=code("dossier_unit"),
        procedure=given.get("procedure") or None,
        place_unit=code("place_unit"),
    )


def tried(rows: Iterable[Given], *, policies: Policies, routes: Routes, offices: Units) -> list[Tried]:
    """Return where the matters of a table go, each by the rules of its day."""
    return [Tried(row, route(row.matter, policies.on(row.matter.on), routes=routes, units=offices)) for row in rows]


def _code(word: str, offices: Units, *, on: date) -> str:
    """Return a code; a word that the directory does not know stays: what is not there is worth trying as well."""
    return word if offices.kind(word) is not None else offices.resolve(word, on=on) or word


def _list(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split("|") if part.strip())


def _dates(row: Mapping[str, str], since: str, until: str) -> dict[str, str | None]:
    return {"valid_from": row.get(since) or None, "valid_until": row.get(until) or None}


def _holding(row: Mapping[str, str]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("post", "role")},
        "title": row.get("title", ""),
        "person": row.get("holder") or None,
        "name": row.get("name") or None,
        "kind": row.get("kind") or "holder",
        **_dates(row, "from", "until"),
    }


def _checked(kind: type[T], document: Mapping[str, Any], path: Path | None, line: int) -> T:
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise TableError(f"{path}: line {line}: {place}: {first['msg']}") from None


def _rows(path: Path, *, needs: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a CSV file in UTF-8 with their lines, cells trimmed. raises: TableError."""
    try:
        lines = csv.DictReader(StringIO(path.read_text("utf-8-sig"), newline=""), strict=True)
        if missing := [name for name in needs if name not in (lines.fieldnames or ())]:
            raise TableError(f"{path}: line 1: the column {', '.join(missing)} is missing")
        for row in lines:
            if None in row:
                raise TableError(f"{path}: line {lines.line_num}: more cells than columns: quote texts with a comma")
            yield lines.line_num, {name: (cell or "").strip() for name, cell in row.items()}
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TableError(f"{path}: not UTF-8: save the file as CSV UTF-8") from None
    except csv.Error as error:
        raise TableError(f"{path}: not CSV: {error}") from None
