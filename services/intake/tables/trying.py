"""What an import of a table would do: its rows as they would be understood, and what would be refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from services.intake import national, statements
from services.intake.national import Refused
from services.intake.own.types import TYPES
from services.intake.tables import envelope
from services.intake.tables.converting import Prepared

SHOWN = 5  # rows


@dataclass(slots=True)
class Trial:
    """rows: that would be sent. skipped: blank ones and those that the mapping skips. reasons: with their rows."""

    rows: int = 0
    skipped: int = 0
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    shown: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    first_refused: dict[str, int] = field(default_factory=dict)


def tried(prepared: Prepared) -> Trial:
    """Convert every row and check it as intake would. raises: TableError."""
    trial = Trial()
    for number, line in prepared.lines():
        if line is None:
            trial.skipped += 1
            continue
        trial.rows += 1
        if reasons := refusals(line):
            trial.refused += 1
            for reason in reasons:
                trial.reasons[reason] += 1
                trial.first_refused.setdefault(reason, number)
        if len(trial.shown) < SHOWN:
            trial.shown.append((number, _content(line)))
    return trial


def refusals(line: bytes) -> list[str]:
    """Return why intake would refuse the line of a row: each reason once, with its column or field."""
    row = envelope.read(line)
    if isinstance(row, Refused):
        told = orjson.loads(line).get("refused") or [{"why": row.detail}]
        return [f"{one['column']}: {one['why']}" if one.get("column") else one["why"] for one in told]
    refused = (national.read(row.body) if row.format == "national" else statements.read(row.body, types=TYPES)).refused
    return [part.detail.removeprefix("data[0]: ") for part in refused]


def _content(line: bytes) -> dict[str, Any]:
    """Return what is shown of a row: the members of its message, or its cells where there is none."""
    document = orjson.loads(line)
    if "national" in document:
        content: dict[str, Any] = document["national"]["data"][0]
        return content
    if "facts" in document:
        return {"subject": document["facts"].get("subject"), **document["facts"]["data"]}
    return {"refused": dict(document["cells"])}
