"""CSV that opens in a spreadsheet: UTF-8 with its mark, and no cell that it would run. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

BOM = b"\xef\xbb\xbf"  # Excel reads UTF-8 only behind it
GUARDED = ("=", "+", "-", "@", "\t", "'")  # a spreadsheet would run what begins so; ' is told from the guard itself


def head(names: Iterable[str]) -> bytes:
    """Return the beginning of a file: its mark and the line of headings."""
    return BOM + line(names)


def line(cells: Iterable[object]) -> bytes:
    """Return one line. Text that would be run stands behind an apostrophe; None is an empty cell."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow([_harmless(cell) for cell in cells])
    return text.getvalue().encode()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(GUARDED) else cell


def unguarded(text: str) -> str:
    """Return what a cell held before it was written by `line`."""
    return text[1:] if text.startswith("'") and text[1:].startswith(GUARDED) else text
