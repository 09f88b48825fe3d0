"""Ending tasks that run for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

AGAIN_S = 2.0


async def cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until all have ended, however they do.

    A database driver that is cancelled while it connects may raise an error of its own, which a loop takes for a
    passing fault and goes on: who has not ended after `AGAIN_S` is cancelled again, but for who has `heard` it.
    """
    pending = set(tasks)
    for task in pending:
        task.cancel()
    while pending:
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)
        for task in pending:
            if task.cancelling():
                task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def heard() -> None:
    """Say that the running task knows it is to end: it takes its time to do so in order."""
    task = asyncio.current_task()
    while task and task.cancelling():
        task.uncancel()
