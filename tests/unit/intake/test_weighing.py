"""How much of a transaction a message takes, whatever its format."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.intake.understanding import weigh
from shared.bus import Received


@pytest.mark.parametrize(
    ("format", "data", "objects"),
    [
        ("national", b'{"data": [{"MaHoSo": "1"}, {"MaHoSo": "2"}]}', 2),
        ("facts", b'[{"specversion": "1.0"}, {"specversion": "1.0"}, {"specversion": "1.0"}]', 3),
        ("facts", b"{broken", 1),
        ("national", b"?" * 900_000, 219),  # nothing of it is an object, and all of it is kept
    ],
)
def test_a_message_weighs_as_much_as_it_holds_objects(format: str, data: bytes, objects: int) -> None:
    message = Received(f"feed.x.{format}", data, {}, "", "FEED", 1, 1, datetime(2026, 11, 2, tzinfo=UTC))
    assert weigh(message) == objects
