"""What a disabled source sent lies in quarantine; once it is enabled it is taken in after all."""

from __future__ import annotations

from services.intake.understanding import SOURCE_DISABLED
from shared import quarantine_store, retrying
from shared.sealing import SealError
from shared.service import Running

AT_ONCE = 1000  # entries of one call: those beyond wait for the next one


async def take_in(running: Running, name: str) -> tuple[int, int]:
    """Take in what waits of a source, in the order it came; returns how many entries went and how many stay.

    An entry stays where the source was disabled again, and where something else is wrong with its message.
    """
    async with running.engine.connect() as connection:
        waiting = await quarantine_store.list_entries(
            connection,
            "intake",
            after=0,
            limit=AT_ONCE,
            state="waiting",
            source=name,
            reason=SOURCE_DISABLED,
        )
    gone = 0
    for entry in waiting:
        try:
            told = await retrying.retry(running, entry["id"], body=None, by="source enable")
        except (retrying.NotNowError, retrying.NoEntryError, SealError):
            continue
        gone += told["state"] == "retried"
    async with running.engine.connect() as connection:
        left = await quarantine_store.list_entries(
            connection,
            "intake",
            after=0,
            limit=AT_ONCE,
            state="waiting",
            source=name,
            reason=SOURCE_DISABLED,
        )
    return gone, len(left)
