"""Files of rules in YAML, one edition or several with the days from which they are in force; each fault with its line.

Pure but for reading the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

LONGEST = 1 << 20  # characters of a file
MOST_NODES = 50_000  # aliases of aliases make a short file endless

Location = tuple[int | str, ...]
WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "there is no such setting",
}


class Part(BaseModel):
    """A piece of a file of rules: nothing unknown in it, and it never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Edition(Part):
    """The whole of what is in force at a time. valid_from: the day from which it is; none: it always was."""

    version: str = Field(min_length=1)
    valid_from: date | None = None


M = TypeVar("M", bound=BaseModel)
E = TypeVar("E", bound=Edition)


class Fault(NamedTuple):
    """One thing that is wrong or odd. line: in the file, from 1. place: dotted, of what stands there; may be empty."""

    line: int
    place: str
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.place}: {self.why}" if self.place else f"line {self.line}: {self.why}"


class RuleFileError(ValueError):
    """The file cannot be used; the message names each line and what is wrong there."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


class Written(NamedTuple):
    """One part of the file as it stands there."""

    node: yaml.Node
    plain: Any

    def line(self, location: Location) -> int:
        return self._found(location)[0]

    def fault(self, location: Location, why: str) -> Fault:
        line, place = self._found(location)
        return Fault(line, place, why)

    def _found(self, location: Location) -> tuple[int, str]:
        """Return line and place of what pydantic names; a list of one that it puts in by itself is left out."""
        node, line, place = self.node, self.node.start_mark.line + 1, []
        for step in location:
            if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
            elif isinstance(node, yaml.MappingNode) and isinstance(step, str):
                if inner := next((pair for pair in reversed(node.value) if pair[0].value == step), None):
                    line, node = inner[0].start_mark.line + 1, inner[1]
                elif step == "[key]":
                    continue
            else:
                continue
            place.append(str(step))
        return line, ".".join(place)


@dataclass(frozen=True)
class Editions(Generic[E]):
    """The editions of a file, the one that is in force first at the head. written: where each stands."""

    several: tuple[E, ...]
    written: tuple[Written, ...] = ()

    def on(self, day: date) -> E:
        """Return the one in force on a day; before the first of them enters into force it is that one all the same."""
        return next((one for one in reversed(self.several) if first_day(one) <= day), self.several[0])

    @property
    def versions(self) -> str:
        """Their versions, for people: `4`, or `4, 5` where another enters into force later."""
        return ", ".join(one.version for one in self.several)


def first_day(edition: Edition) -> date:
    return edition.valid_from or date.min


def text_of(path: Path) -> str:
    """Return what a file holds. raises: RuleFileError - it cannot be read, or is no text in UTF-8."""
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleFileError([Fault(1, "", f"{path}: {error}")]) from None


def read_editions(text: str, model: type[E], *, several: str, holds: str) -> tuple[tuple[E, ...], tuple[Written, ...]]:
    """Return the editions of a YAML text, the earliest first, and where each stands.

    several: the setting under which a list of them may stand, beside documents of their own. holds: what one must hold.
    raises: RuleFileError - not YAML, or something in it is wrong.
    """
    found: list[tuple[E, Written]] = []
    faults: list[Fault] = []
    for one in [part for document in documents(text, holds=holds) for part in _listed(document, several)]:
        read, wrong = checked(model, one)
        faults += wrong
        if read is not None:
            found.append((read, one))
    found.sort(key=lambda pair: first_day(pair[0]))
    for (before, _), (edition, one) in pairwise(found):
        if first_day(before) == first_day(edition):
            faults.append(one.fault(("valid_from",), "another policy of this file is in force from the same day"))
    if faults:
        raise RuleFileError(sorted(set(faults)))
    return tuple(edition for edition, _ in found), tuple(one for _, one in found)


def checked(model: type[M], written: Written) -> tuple[M | None, list[Fault]]:
    """Return what a part of a file says, None where something is wrong, and all that is."""
    faults = list(_twice(written.node))
    try:
        return model.model_validate(written.plain), faults
    except ValidationError as error:
        for wrong in error.errors(include_input=False):
            faults.append(written.fault((*wrong["loc"], *wrong.get("ctx", {}).get("at", ())), _why(wrong)))
        return None, faults


def _why(wrong: Any) -> str:
    return WORDS.get(wrong["type"]) or str(wrong["msg"]).removeprefix("Value error, ")


def documents(text: str, *, holds: str) -> Iterator[Written]:
    """Yield the documents of a text, each a mapping. raises: RuleFileError."""
    if len(text) > LONGEST:
        raise RuleFileError([Fault(1, "", f"longer than {LONGEST} characters")])
    any_ = False
    try:
        loader = yaml.SafeLoader(text)
        while loader.check_node():
            node = loader.get_node()
            assert node is not None  # there is one
            _bound(node)
            any_ = True
            written = Written(node, loader.construct_document(node))
            if not isinstance(written.plain, dict) or not isinstance(node, yaml.MappingNode):
                raise RuleFileError([written.fault((), f"must hold a mapping with {holds}")])
            yield written
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RuleFileError([Fault(line, "", f"not readable as YAML: {error.problem}")]) from None
    except (yaml.reader.ReaderError, ValueError, RecursionError) as error:
        if isinstance(error, RuleFileError):
            raise
        raise RuleFileError([Fault(1, "", f"not readable as YAML: {' '.join(str(error).split())}")]) from None
    if not any_:
        raise RuleFileError([Fault(1, "", f"the file is empty; it must hold {holds}")])


def _listed(one: Written, several: str) -> Iterator[Written]:
    if several not in one.plain:
        yield one
        return
    [(_, listed)] = [(key, value) for key, value in one.node.value if key.value == several][:1]
    if len(one.plain) > 1 or not isinstance(listed, yaml.SequenceNode) or not listed.value:
        raise RuleFileError([one.fault((several,), f"must be a list of {several}, and nothing else stands beside it")])
    for node, plain in zip(listed.value, one.plain[several], strict=True):
        if not isinstance(plain, dict):
            raise RuleFileError([Fault(node.start_mark.line + 1, several, "each must be a mapping")])
        yield Written(node, plain)


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Yield a node and all below it, each once however often it is referred to."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _bound(root: yaml.Node) -> None:
    """Refuse what grows beyond all measure once references are followed. raises: RuleFileError."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node, depth: int) -> int:
        if depth > 20:
            raise RuleFileError([Fault(node.start_mark.line + 1, "", "too many lists and mappings in one another")])
        if id(node) not in sizes:
            below = node.value if isinstance(node, yaml.SequenceNode) else []
            if isinstance(node, yaml.MappingNode):
                below = [part for pair in node.value for part in pair]
            sizes[id(node)] = 1 + sum(size(child, depth + 1) for child in below)
        return sizes[id(node)]

    if size(root, 0) > MOST_NODES:
        raise RuleFileError([Fault(root.start_mark.line + 1, "", f"more than {MOST_NODES} entries")])


def _twice(root: yaml.Node) -> Iterator[Fault]:
    """Yield settings that stand twice: YAML would take the last and say nothing."""
    for node in _nodes(root):
        if isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, _ in node.value:
                line = key.start_mark.line + 1
                if isinstance(key, yaml.ScalarNode) and lines.setdefault(key.value, line) != line:
                    yield Fault(line, str(key.value), f"stands twice, first in line {lines[key.value]}")
