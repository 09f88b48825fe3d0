"""What is at fault in the directory, as cases for the operator: opened where it kept a notice from somebody.

They are closed once the directory is mended. Their SQL is in cases.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import cases
from services.notify.addressing.directory import NOBODY, Directory, Fault
from services.notify.cases import Case
from services.notify.stored import Notice
from shared.unit_words import normalised

MENDED = "directory_mended"
CLOSED_TO_ALL = "all who could be told are those whom it is about"
OF_UNITS: tuple[Literal["no_head", "no_contact", "loop"], ...] = ("no_head", "no_contact", "loop")
UNKNOWN: Literal["unit_unknown"] = "unit_unknown"
CODE = re.compile(r"[A-Za-z0-9._-]{1,40}")


def subject_of(*, unit: str | None, unit_name: str | None) -> str:
    """Return what a case of words that mean no unit is known by: the code they give, else a hash of the name.

    A case holds no names: the one that a source writes may be anybody's. The case names an obligation that has it.
    """
    if unit and CODE.fullmatch(unit):
        return unit
    return "~" + hashlib.sha256(normalised(unit_name or unit or "").encode()).hexdigest()[:16]


async def open_faults(connection: AsyncConnection, faults: Iterable[Fault], *, at: datetime) -> None:
    """Open a case for each unit that was passed over on the way up."""
    await cases.open_all(connection, [Case(fault.kind, fault.unit, fault.unit) for fault in faults], at=at)


async def open_unreached(
    connection: AsyncConnection, notices: Iterable[Notice], units: Directory, *, at: datetime
) -> None:
    """Open cases for notices that are withheld because nobody is reached, or all who are must not be told."""
    unreached = [notice for notice in notices if notice.reason == "no_contact"]
    await open_faults(connection, [fault for one in unreached for fault in units.way(one.post).faults], at=at)
    closed = [Case("undelivered", one.id, detail=CLOSED_TO_ALL) for one in unreached if one.post == NOBODY]
    await cases.open_all(connection, closed, at=at)


async def open_unknown(connection: AsyncConnection, examples: Mapping[str, str], *, at: datetime) -> None:
    """Open a case for words that mean no unit. examples: by `subject_of`, an obligation that has them."""
    opened = [Case(UNKNOWN, subject, detail=f"for example {example}") for subject, example in examples.items()]
    await cases.open_all(connection, opened, at=at)


Mended = Mapping[cases.Kind, Sequence[str]]


async def close_mended(connection: AsyncConnection, units: Directory, *, at: datetime) -> None:
    """Close the cases whose cause is gone from the directory as it is on the day."""
    await close(connection, await find_mended(connection, units), at=at)


async def close(connection: AsyncConnection, mended: Mended, *, at: datetime) -> None:
    for kind, subjects in mended.items():
        await cases.close(connection, kind, subjects, outcome=MENDED, at=at)


async def find_mended(connection: AsyncConnection, units: Directory) -> Mended:
    """Return the subjects of open cases, by kind, whose cause is gone from the directory as it is on the day."""
    rows = await connection.execute(
        text(
            "SELECT kind, subject FROM notify.operator_case WHERE closed_at IS NULL AND kind = ANY(:kinds) "
            "ORDER BY kind, subject"
        ),
        {"kinds": [*OF_UNITS, UNKNOWN]},
    )
    stand = [(row.kind, row.subject) for row in rows]
    if not stand:
        return {}
    unknown = await _unknown(connection, units) if any(kind == UNKNOWN for kind, _ in stand) else set()
    found: dict[cases.Kind, list[str]] = {
        UNKNOWN: [subject for kind, subject in stand if kind == UNKNOWN and subject not in unknown]
    }
    for fault in OF_UNITS:
        found[fault] = [s for kind, s in stand if kind == fault and not units.stands(Fault(fault, s))]
    return {kind: subjects for kind, subjects in found.items() if subjects}


async def _unknown(connection: AsyncConnection, units: Directory) -> set[str]:
    """Return the subjects of all words of what is pressed for that mean no unit."""
    rows = await connection.execute(
        text(
            "SELECT DISTINCT unit, unit_name FROM notify.obligation WHERE raised > -1 AND resolved IS NULL "
            "ORDER BY unit, unit_name"
        )
    )
    words = [{"unit": row.unit or None, "unit_name": row.unit_name or None} for row in rows]
    return {subject_of(**said) for said in words if units.resolve(**said) is None}
