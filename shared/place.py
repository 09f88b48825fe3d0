"""Where in a message a refused part of it stood. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

FIELDS_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a message a refused part of it stood, and what of it is at fault.

    index: in the message's list. fields: paths in the part, joined by dots. envelope: the members around the list
    `data` in which it came, without which it says less; no personal data is in them.
    """

    index: int | None = None
    fields: tuple[str, ...] = ()
    envelope: Mapping[str, Any] | None = None

    def as_json(self) -> str:
        told = {"index": self.index, "fields": self.fields[:FIELDS_AT_MOST], "envelope": self.envelope}
        return orjson.dumps(told).decode()
