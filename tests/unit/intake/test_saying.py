"""In which events facts leave intake."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from services.intake import saying
from shared.events import Fact

NATS_TAKES = 1 << 20
LONG = "\U00020000" * 500  # of four bytes each, as long as a word may be


def test_however_much_was_kept_back_each_event_is_one_that_the_stream_takes_and_each_fact_is_said_once() -> None:
    at: Any = "2026-11-02T09:10:00+07:00"
    facts: list[Fact] = [
        {
            "id": f"{number:024}", "slot": "about", "value": {"unit_name": LONG, "field": LONG, "procedure": LONG},
            "at": at, "as_of": at, "heard": at, "rank": 1, "source": "motcua-1",
        }
        for number in range(3 * saying.FACTS_AT_ONCE + 1)
    ]  # fmt: skip
    events = saying.dossier_said("X-1", "X-1", facts, at=datetime(2026, 11, 2, tzinfo=UTC))
    assert max(len(event.body) for event in events) < NATS_TAKES
    said = [fact["id"] for event in events for fact in orjson.loads(event.body)["data"]["facts"]]
    assert said == [fact["id"] for fact in facts]
    assert len({event.id for event in events}) == len(events) == 4
