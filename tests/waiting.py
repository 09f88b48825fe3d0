"""How tests wait for what must come about: asked again and again, and given up long after it should have come."""

from __future__ import annotations

import asyncio
import inspect
import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar

PATIENCE_S = 90.0  # measures nothing: machines that have much else to do pass too
EVERY_S = 0.05
T = TypeVar("T")


async def until(
    look: Callable[[], Any],
    true: Callable[[Any], object] = bool,
    *,
    within_s: float = PATIENCE_S,
    what: str = "",
) -> Any:
    """Return the first thing seen that is true; look may be a coroutine function."""
    seen = "nothing"
    try:
        async with asyncio.timeout(within_s):
            while True:
                found = look()
                if inspect.isawaitable(found):
                    found = await found
                if true(found):
                    return found
                seen = repr(found)
                await asyncio.sleep(EVERY_S)
    except TimeoutError:
        raise AssertionError(f"not within {within_s:g} s: {what or look}; last seen: {seen[:1000]}") from None


def wait_until(look: Callable[[], T | None], *, within_s: float = PATIENCE_S, what: str = "") -> T:
    """As until, for tests that run in no loop."""
    give_up = time.monotonic() + within_s
    while time.monotonic() < give_up:
        if found := look():
            return found
        time.sleep(EVERY_S)
    raise AssertionError(f"not within {within_s:g} s: {what or look}")


def wait_listening(port: int) -> None:
    """Return once somebody takes connections on a port of this machine."""

    def look() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(look, what=f"somebody listens on port {port}")
