"""Intake's side: elements in, and which of them the stream has stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import httpx
import orjson

from dondoc.bridge.config import Config
from dondoc.bridge.errors import RefusedError
from dondoc.bridge.http import post

WHO = "intake"
ELEMENTS = 50  # of one message
BYTES = 800_000  # of one message: intake takes 900,000 unless configured


def store(client: httpx.Client, config: Config, carries: str, elements: Sequence[bytes]) -> list[bool]:
    """Hand elements, each in JSON, to intake; says of each whether it is stored, which one too large for intake is not.

    raises: NotNowError - intake does not take them now. RefusedError - key or source is refused.
    """
    stored = [False] * len(elements)
    for run in _runs(elements):
        _store(client, config, carries, elements, run, stored)
    return stored


def _store(
    client: httpx.Client, config: Config, carries: str, elements: Sequence[bytes], run: range, stored: list[bool]
) -> None:
    head = orjson.dumps({"madonvi": config.portal.agency, "service": carries})[:-1]
    body = b'%b,"data":[%b]}' % (head, b",".join(elements[run.start : run.stop]))
    status, _, _ = post(client, f"/v1/feeds/{config.source}/national", body, who=WHO)
    if status == 413 and len(run) > 1:
        middle = run.start + len(run) // 2
        for half in (range(run.start, middle), range(middle, run.stop)):
            _store(client, config, carries, elements, half, stored)
    elif status == 202:
        for index in run:
            stored[index] = True
    elif status != 413:
        raise RefusedError(f"intake refuses with {status}; see intake.url, its key, and source")


def _runs(elements: Sequence[bytes]) -> Iterator[range]:
    """Yield runs that make a message each."""
    start = size = 0
    for index, element in enumerate(elements):
        length = len(element) + 1
        if index > start and (size + length > BYTES or index - start == ELEMENTS):
            yield range(start, index)
            start, size = index, 0
        size += length
    if elements:
        yield range(start, len(elements))
