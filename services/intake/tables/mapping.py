"""The mapping file: which column of a table says what. YAML, checked with line and reason. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, time
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from services.intake.tables.dates import DateFormat, check_together, date_format
from services.intake.tables.encodings import Encoding
from services.intake.tables.targets import TARGETS, Target

DEEPEST, MOST_ENTRIES = 6, 20_000  # of entries in one another, and of all: aliases make a short file endless
Place = tuple[str | int, ...]


class MappingError(ValueError):
    """A mapping file cannot be used; each mistake has its line, 0 where it has none."""

    def __init__(self, mistakes: list[tuple[int, str]]) -> None:
        self.mistakes = sorted(mistakes)
        super().__init__("; ".join(f"line {line}: {says}" if line else says for line, says in self.mistakes))


def folded(text: str) -> str:
    """Return a text in the form in which spellings of one heading or word are equal: NFC, one case, single spaces."""
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).split())


def _several(raw: object) -> object:
    return [raw] if isinstance(raw, str) else raw


def _clock(raw: object) -> object:
    if not isinstance(raw, str) or not re.fullmatch(r"\d\d:\d\d(:\d\d)?", raw):
        raise ValueError('a clock time is written as "07:30"')
    return time.fromisoformat(raw)


def _formats(raw: object) -> object:
    given = _several(raw)
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise ValueError("a list of formats is expected")
    formats = tuple(date_format(one) for one in given)
    check_together(formats)
    return formats


def _folded_words(raw: object) -> object:
    return [folded(one) if isinstance(one, str) else one for one in raw] if isinstance(raw, list) else raw


def _folded_keys(raw: object) -> object:
    if not isinstance(raw, dict):
        return raw
    return {folded(word): meaning for word, meaning in raw.items()}


Texts = Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1, max_length=50)]
Words = Annotated[frozenset[str], BeforeValidator(lambda raw: _folded_words(_several(raw)))]
DateFormats = Annotated[tuple[DateFormat, ...], BeforeValidator(_formats)]
ClockTime = Annotated[time | None, BeforeValidator(_clock)]
Code = Annotated[
    Literal["auto", Encoding], BeforeValidator(lambda raw: "unicode" if raw in ("utf-8", "utf-16") else raw)
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Skip(_Part):
    """Rows that are no data, such as totals: those that have one of these words in a column."""

    column: str
    words: Texts


class Shape(_Part):
    """How a file is written. header_row: the row with the headings, counted from 1."""

    encoding: Code = "auto"
    separator: Literal["auto", ";", ",", "tab", "|"] = "auto"
    quotes: Literal["double", "none"] = "double"
    sheet: str | None = None
    header_row: int = Field(default=1, ge=1, le=1000)
    skip: tuple[Skip, ...] = Field(default=(), max_length=50)


class Column(_Part):
    """Where one field comes from: a column by its heading, in any of several spellings, or a constant.

    dates: formats of its times. time: the clock time of a date that has none. values: what a word means; then other
    words are refused. empty: words that mean nothing. optional: whether a table may lack the column.
    """

    named: Texts = Field(default=(), alias="from")
    constant: str | None = None
    dates: DateFormats = ()
    time: ClockTime = None
    values: Annotated[dict[str, str], BeforeValidator(_folded_keys)] = Field(default_factory=dict)
    empty: Words = frozenset()
    encoding: Code = "auto"
    optional: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.named) == (self.constant is not None):
            raise ValueError("give either `from` (headings) or `constant`")
        return self


def _column(raw: object) -> object:
    return {"from": raw} if isinstance(raw, str | list) else raw


class TableMapping(_Part):
    """A whole file. agency: madonvi of the portal's messages."""

    version: date
    target: str
    agency: str = ""
    file: Shape = Shape()
    columns: dict[str, Annotated[Column, BeforeValidator(_column)]] = Field(min_length=1, max_length=200)

    @property
    def aim(self) -> Target:
        return TARGETS[self.target]


def read(text: str) -> TableMapping:
    """Return what a mapping file says. raises: MappingError - every mistake with its line."""
    lines: dict[Place, int] = {}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = None if node is None else _plain(node, (), lines)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MappingError([(line, f"not YAML: {error.problem}")]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise MappingError([(line, "not YAML: a character that is not allowed")]) from None
    if not isinstance(document, dict):
        raise MappingError([(1, "not a mapping: version, target and columns are expected")])
    try:
        mapping = TableMapping.model_validate(document)
    except ValidationError as error:
        raise MappingError([_told(one, lines) for one in error.errors(include_url=False)]) from None
    if mistakes := _misfits(mapping, lines):
        raise MappingError(mistakes)
    return mapping


def _plain(node: yaml.Node, at: Place, lines: dict[Place, int]) -> Any:
    """Return a part of a file as text, list or object: nothing is guessed to be a number or a date."""
    lines.setdefault(at, node.start_mark.line + 1)
    if len(at) > DEEPEST or len(lines) > MOST_ENTRIES:
        raise yaml.MarkedYAMLError(problem="too many entries in one another", problem_mark=node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*at, n), lines) for n, child in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return None if node.tag == "tag:yaml.org,2002:null" else node.value
    plain: dict[str, Any] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else str(key.tag)
        if name in plain:
            raise yaml.MarkedYAMLError(problem=f"{name}: given twice", problem_mark=key.start_mark)
        lines[(*at, name)] = key.start_mark.line + 1
        plain[name] = _plain(value, (*at, name), lines)
    return plain


def _told(error: Any, lines: dict[Place, int]) -> tuple[int, str]:
    place: Place = tuple(error["loc"])
    named = ".".join(map(str, place))
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1), f"{named}: {error['msg'].removeprefix('Value error, ')}" if named else error["msg"]


def _misfits(mapping: TableMapping, lines: dict[Place, int]) -> list[tuple[int, str]]:
    """Return what does not fit the target."""
    if mapping.target not in TARGETS:
        return [(lines["target",], f"target: {mapping.target!r} is not one of {', '.join(TARGETS)}")]
    fields, mistakes = mapping.aim.fields, list[tuple[int, str]]()

    def tell(name: str, says: str) -> None:
        mistakes.append((lines.get(("columns", name), lines["columns",]), f"columns.{name}: {says}"))

    for name, column in mapping.columns.items():
        if name not in fields:
            tell(name, f"{mapping.target} has no such field; it has {', '.join(fields)}")
            continue
        timed = fields[name].kind in ("instant", "since", "date")
        if timed and column.named and not column.dates:
            tell(name, "`dates` must say how it is written, such as dd/MM/yyyy HH:mm")
        if not timed and (column.dates or column.time):
            tell(name, "`dates` and `time` go with times only")
        bare = [one.written for one in column.dates if one.clocked is False]
        if fields[name].kind == "instant" and bare and column.time is None:
            tell(name, f"{bare[0]} has no clock time: `time` must say which one is meant")
    for name, field in fields.items():
        if field.required and name not in mapping.columns:
            tell(name, "must be given")
    return mistakes
