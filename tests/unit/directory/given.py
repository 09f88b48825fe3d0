"""The carried directory, as the tests of units and words use it, with the agency ids that an installation gives."""

from __future__ import annotations

from functools import cache
from typing import Any

from services.intake import directory
from services.intake.directory_changes import put_together
from shared.directory import Directory, Words, unit_of


@cache
def documents() -> dict[str, dict[str, Any]]:
    return put_together({}, directory.carried())


def districts() -> dict[str, dict[str, Any]]:
    return {code: one for code, one in documents().items() if one["kind"] == "huyen_cu"}


def agency(district: str) -> str:
    """Return an agency id for a former district, such as a source would write."""
    return f"H56.{int(district[1:]) % 100 + 100}"


@cache
def index() -> Directory:
    """Return the carried directory in which each former district has an agency id."""
    with_ids = {
        code: {**one, "aliases": [*one["aliases"], agency(code)]} if code in districts() else one
        for code, one in documents().items()
    }
    return Directory(unit_of(one) for one in with_ids.values())


def words(*named: str, said_on: str = "2026-11-20", hints: tuple[str, ...] = (), source: str = "motcua-1") -> Words:
    return Words(named, source, said_on, tuple((hint, said_on) for hint in hints))
