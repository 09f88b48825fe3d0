"""What waits of imports in BACKFILL, and letting go of what is done, so that years of history do not fill it.

A stream that drops each message at its ack (workqueue) was tried: with `sync_interval: always` each drop is a write of
its own, and acks fell behind. What is done is let go of in one piece instead, up to where both hearers have acked.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from nats.aio.client import Client
from nats.errors import Error as NatsError

from shared import bus
from shared.logs import log, told
from shared.service import Running

HEARERS = {"intake", "deadline"}  # of lines, and of what they say; before both have come nothing is done
LET_GO_EVERY_S = 10


@dataclass(frozen=True, slots=True)
class Waiting:
    """messages: still to do, lines and what they say. done: all up to this place in the stream is. size: bytes held."""

    messages: int
    done: int
    held: int
    size: int


async def waiting(client: Client) -> Waiting:
    """Return what waits. raises: JetStreamError, NatsError, TimeoutError - the stream does not tell now."""
    state = (await bus.api(client, "STREAM.INFO.BACKFILL"))["state"]
    hearers = (await bus.api(client, "CONSUMER.LIST.BACKFILL"))["consumers"]  # after the stream: what it says is older
    lags = {
        one["name"]: (one["num_pending"] + one["num_ack_pending"], one["ack_floor"]["stream_seq"]) for one in hearers
    }
    there = lags.keys() >= HEARERS
    done = min(floor if left else state["last_seq"] for left, floor in lags.values()) if there else 0
    return Waiting(sum(left for left, _ in lags.values()), done, state["messages"], state["bytes"])


async def let_go(client: Client) -> None:
    """Remove what both hearers have done; it is kept nowhere else, and nobody needs it."""
    now = await waiting(client)
    if now.held and now.done:
        await bus.api(client, "STREAM.PURGE.BACKFILL", {"seq": now.done + 1})


async def let_go_for_ever(running: Running) -> None:
    while True:
        await asyncio.sleep(LET_GO_EVERY_S)
        try:
            await let_go(running.client)
        except (bus.JetStreamError, NatsError, OSError, TimeoutError) as error:
            log.warning("backfill_not_let_go", error=told(error))
