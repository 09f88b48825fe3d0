"""A row of a table on its way to intake: one JSON document, with its place, whatever became of it. Pure.

    {"row": 17, "national": {…}}                       the message that the row makes, of exactly one object
    {"row": 17, "facts": {…}}                          likewise
    {"row": 17, "refused": [{"column": "Ngày hẹn trả", "why": "…"}], "cells": [["Mã hồ sơ", "…"], …]}

A row that could not be converted comes to intake all the same, and ends in quarantine with its place and its bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.intake.national import Refused, Word, places

REASONS_SHOWN = 5
LAST_ROW = 10**9


class Problem(BaseModel):
    """Why a row cannot be converted. column: its heading in the mapping. why: without the value."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    column: Word = ""
    why: Word


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    row: int = Field(strict=True, ge=1, le=LAST_ROW)
    national: dict[str, Any] | None = None
    facts: dict[str, Any] | None = None
    refused: tuple[Problem, ...] = Field(default=(), max_length=1000)


@dataclass(frozen=True, slots=True)
class Row:
    """A row that makes a message. body: in its format."""

    number: int
    format: Literal["national", "facts"]
    body: bytes

    def placed(self, part: Refused, whole: bytes) -> Refused:
        """Return what a format refuses of it, with its place and the bytes of the row."""
        return Refused(part.reason, f"row {self.number}: {part.detail}", whole)


def converted(row: int, format: Literal["national", "facts"], body: Mapping[str, Any]) -> bytes:
    """Return the line of a row that makes a message."""
    return orjson.dumps({"row": row, format: body})


def unconverted(row: int, problems: Iterable[Problem], cells: Iterable[tuple[str, str]]) -> bytes:
    """Return the line of a row that makes none."""
    refused = [{"column": one.column, "why": one.why} for one in problems]
    return orjson.dumps({"row": row, "refused": refused, "cells": [list(cell) for cell in cells]})


def read(body: bytes) -> Row | Refused:
    """Return the message of a row, or why there is none."""
    try:
        envelope = _Envelope.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        return Refused("unreadable", f"not JSON in UTF-8: {str(error)[:120]}", body)
    except ValidationError as error:
        return Refused("not_a_message", places(error), body)
    number = envelope.row
    if envelope.refused:
        shown = "; ".join(
            f"{one.column}: {one.why}" if one.column else one.why for one in envelope.refused[:REASONS_SHOWN]
        )
        return Refused("unconvertible_row", f"row {number}: {shown}", body)
    if (envelope.national is None) == (envelope.facts is None):
        return Refused("not_a_message", f"row {number}: either `national` or `facts` is expected", body)
    try:
        if envelope.facts is not None:
            return Row(number, "facts", orjson.dumps(envelope.facts))
        assert envelope.national is not None
        data = envelope.national.get("data")
        if not isinstance(data, list) or len(data) != 1:
            return Refused("not_a_message", f"row {number}: `data` must hold exactly one object", body)
        return Row(number, "national", orjson.dumps(envelope.national))
    except orjson.JSONEncodeError:  # nested deeper than may be written again
        return Refused("not_a_message", f"row {number}: too many objects in one another", body)
