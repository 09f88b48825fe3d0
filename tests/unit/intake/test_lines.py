"""Calls of many lines: what is too much is refused before any line is made."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import HTTPException

from services.intake import api
from services.intake.sources import admission

NEWLINES = b"\n" * api.MAX_CALL_BYTES
NO_REQUEST: Any = None


def take_messages(monkeypatch: pytest.MonkeyPatch, body: bytes) -> int:
    return len(api._messages_of_lines(body))


def take_lines(monkeypatch: pytest.MonkeyPatch, body: bytes) -> int:
    """Take lines of an import, with nothing behind; returns how many are stored."""

    async def nothing(*_: object, **__: object) -> None:
        pass

    async def read_body(*_: object, **__: object) -> bytes:
        return body

    monkeypatch.setattr(api, "read_body", read_body)
    monkeypatch.setattr(api, "_running", lambda _: None)
    monkeypatch.setattr(api, "_headers", lambda _, **more: more)
    monkeypatch.setattr(admission, "refuse_disabled", nothing)
    for name in ("_leave_room", "_store"):
        monkeypatch.setattr(api, name, nothing)
    stored = asyncio.run(api.take_lines("i", NO_REQUEST, "motcua-1", 1))["stored"]
    return int(stored)


@pytest.mark.parametrize("take", [take_messages, take_lines])
def test_millions_of_line_ends_are_refused_before_they_are_lines(
    monkeypatch: pytest.MonkeyPatch, take: Callable[[pytest.MonkeyPatch, bytes], int]
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(HTTPException) as refused:
            take(monkeypatch, NEWLINES)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (refused.value.status_code, refused.value.detail) == (422, "send between 1 and 1000 lines")
    assert peak < 1 << 20


@pytest.mark.parametrize(
    ("take", "body"),
    [
        (take_messages, b"{}\n" * 1000),
        (take_messages, b"\n".join([b"{}"] * 1000)),
        (take_messages, b"{}\r\n\r\n\n" * 1000),  # blank lines between, and at the end
        (take_lines, b"{}\n" * 1000),
        (take_lines, b"\n".join([b"{}"] * 1000)),
    ],
)
def test_a_thousand_lines_are_taken(
    monkeypatch: pytest.MonkeyPatch, take: Callable[[pytest.MonkeyPatch, bytes], int], body: bytes
) -> None:
    assert take(monkeypatch, body) == 1000


@pytest.mark.parametrize("take", [take_messages, take_lines])
@pytest.mark.parametrize("body", [b"{}\n" * 1001, b"\n".join([b"{}"] * 1001), b""])
def test_one_more_or_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, take: Callable[[pytest.MonkeyPatch, bytes], int], body: bytes
) -> None:
    with pytest.raises(HTTPException, match="between 1 and 1000"):
        take(monkeypatch, body)
