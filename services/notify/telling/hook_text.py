"""What a webhook is told of a digest: whom it is for and how many matters, never which or whose. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson

from services.notify.telling.entries import Section


def body(
    notice_id: str,
    post: str,
    *,
    role: str,
    slot: datetime,
    parts: Sequence[Section],
    overdue: int,
    why: Sequence[str] = (),
) -> str:
    """Return the JSON document. post: code of the unit whose head is told. counts: by part of the digest."""
    return orjson.dumps(
        {
            "notice_id": notice_id,
            "unit": post,
            "role": role,
            "slot": slot,
            "overdue": overdue,
            "counts": {part.part: part.total for part in parts},
            "why": list(why),
        }
    ).decode()
