"""Where in its bytes a message is at fault: line, column, and the piece of text around it. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined] # its stub leaves it out
from typing import Any

import orjson

AROUND = 40  # characters shown on either side of the fault
_BLANK = re.compile(r"[ \t\r\n]*")
_decoder = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a text. line, column: from 1. excerpt: one line of it. caret: under the place in the excerpt."""

    field: str
    line: int
    column: int
    excerpt: str
    caret: str


def unreadable(raw: bytes) -> Spot | None:
    """Return where a parser stops that wants JSON in UTF-8, None where it does not."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        return _spot(raw.decode(errors="replace"), len(before), field="")
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return _spot(raw.decode(), error.pos, field="")
    return None


def field(raw: bytes, path: str) -> Spot | None:
    """Return where the value of a path as `DanhSachHoSoBoSung.0.NgayBoSung` begins; of what is missing, where it
    would belong: the innermost member that is there. None where the bytes are no JSON."""
    text = raw.decode(errors="replace")
    try:
        at = _down(text, 0, [step for step in path.split(".") if step])
    except (ValueError, IndexError, StopIteration, RecursionError):
        return None
    return _spot(text, at, field=path)


def _down(text: str, at: int, path: list[str]) -> int:
    """Return the offset of the value at `path` in the value that begins at `at`."""
    at = _skip(text, at)
    if not path:
        return at
    if text[at] == "{":
        begin, here, wanted = at, _skip(text, at + 1), path[0]
        while text[here] != "}":
            name, here = scanstring(text, here + 1)
            here = _skip(text, _skip(text, here) + 1)  # behind the colon
            if name == wanted:
                return _down(text, here, path[1:])
            here = _next(text, here)
        return begin
    if text[at] == "[" and path[0].isdigit():
        begin, here = at, _skip(text, at + 1)
        for _ in range(int(path[0])):
            if text[here] == "]":
                return begin
            here = _next(text, here)
        return begin if text[here] == "]" else _down(text, here, path[1:])
    return at


def _next(text: str, at: int) -> int:
    """Return where the member after the value at `at` begins, or the closing bracket."""
    _, end = _decoder.raw_decode(text, at)
    end = _skip(text, end)
    return _skip(text, end + 1) if text[end] == "," else end


def _skip(text: str, at: int) -> int:
    found: Any = _BLANK.match(text, at)
    return int(found.end())


def _spot(text: str, at: int, *, field: str) -> Spot:
    begin = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    left, right = max(begin, at - AROUND), min(end, at + AROUND)
    shown = "".join(one if one.isprintable() else "�" for one in text[left:right])
    head, tail = "…" * (left > begin), "…" * (right < end)
    caret = " " * (len(head) + at - left) + "^"
    return Spot(field, text.count("\n", 0, at) + 1, at - begin + 1, f"{head}{shown}{tail}", caret)
