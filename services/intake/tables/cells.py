"""What stands in a row of a table. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta

Value = str | int | float | bool | date | time | timedelta | None


@dataclass(frozen=True, slots=True)
class CellError:
    """A cell in which Excel shows an error, such as #REF!."""


Cell = Value | CellError


@dataclass(frozen=True, slots=True)
class Row:
    """number: as a spreadsheet shows it, from 1."""

    number: int
    cells: tuple[Cell, ...]
