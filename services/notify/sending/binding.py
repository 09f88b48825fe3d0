"""Keeps the lines open over which message centres tell of receipts, once something may be sent over them."""

from __future__ import annotations

import asyncio

from services.notify.modes import modes
from services.notify.receipts.inbox import keeper
from services.notify.sending.channels.smpp import Centre
from services.notify.sending.traffic import Traffic
from services.notify.settings import NotifySettings
from shared import db
from shared.logs import log, told
from shared.service import Running

LOOK_S = 2  # for whether sending was switched on


def stay_bound(running: Running, *, settings: NotifySettings, traffic: Traffic) -> list[asyncio.Task[None]]:
    """Return the tasks that hold the lines, one for each message centre."""
    tasks = []
    for lane in traffic.lanes:
        if isinstance(lane.way, Centre):
            lane.way.on_receipt = keeper(running.engine, lane.provider.name)
            tasks.append(asyncio.create_task(_hold(running, lane.way, settings)))
    return tasks


async def _hold(running: Running, centre: Centre, settings: NotifySettings) -> None:
    """Stay bound from when the mode in force lets something leave. It is not left again in mode `record`: receipts of
    what left before still come."""
    while not await _sends(running, settings):  # noqa: ASYNC110 - the mode is told in a table
        await asyncio.sleep(LOOK_S)
    await centre.keep()


async def _sends(running: Running, settings: NotifySettings) -> bool:
    """Return whether the mode in force, an operator's or the environment's, lets anything leave."""
    try:
        async with running.engine.connect() as connection:
            return (await modes.get(connection, default=settings.send)).mode != "record"
    except Exception as error:
        if not db.is_transient(error):
            raise
        log.warning("lines_wait", error=told(error))
        return False
