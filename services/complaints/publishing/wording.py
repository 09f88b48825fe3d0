"""A published question and its answer, as all may read them: nothing of who asked, nor the number it has. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class PublishedAnswer:
    """unit: the code of who answered. field: its key. Days alone: an hour could tell who it was."""

    unit: str | None
    unit_name: str | None
    field: str | None
    field_name: str | None
    filed_on: date
    answered_on: date
    published_on: date
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class PublishedPage:
    """The newest first. next: where the page that follows begins; None: there is none."""

    found: tuple[PublishedAnswer, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen from, by code or key: units that something is published of, fields."""

    units: Mapping[str, str]
    fields: Mapping[str, str]


def unworded(*, unit_name: str | None, field_name: str | None, filed_on: date) -> str:
    """Return what stands in place of a question that no officer worded; the sender's own words may hold names."""
    about = f" thuộc lĩnh vực {field_name}" if field_name else ""
    by = f", do {unit_name} trả lời" if unit_name else ""
    return f"Phản ánh, kiến nghị{about}, gửi ngày {filed_on:%d/%m/%Y}{by}."
