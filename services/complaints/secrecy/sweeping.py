"""Files that no row knows: of filings that were broken off, and of feedback that was forgotten. They are removed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from services.complaints.secrecy import attachments
from services.complaints.secrecy.configured import folder_of, settings_of
from services.complaints.secrecy.vault import written_before
from shared.clock import machine_now
from shared.logs import log
from shared.service import Running

EVERY_S = 3600
OLD_S = 3600  # a file is written before its row is; no filing takes that long between the two
PAGE = 1000


async def sweep_for_ever(running: Running) -> None:
    """Look through the folder each hour, first an hour after the start: a database restored by mistake can be changed.

    What fails is told and tried again: nobody waits for it.
    """
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            await sweep(running, folder_of(settings_of(running)), older_than_s=OLD_S)
        except (DBAPIError, OSError, TimeoutError) as error:
            log.warning("attachments_not_swept", error=type(error).__name__)


async def sweep(running: Running, folder: Path, *, older_than_s: float) -> int:
    """Remove files last written longer ago that no row knows; returns how many."""
    before_s = machine_now().timestamp() - older_than_s
    files = await asyncio.to_thread(lambda: list(written_before(folder, before_s)))
    by_name = {file.name: file for file in files}
    removed, ids = 0, list(by_name)
    for at in range(0, len(ids), PAGE):
        async with running.engine.connect() as connection:
            unknown = await attachments.list_unknown(connection, ids[at : at + PAGE])
        await asyncio.to_thread(_unlink, [by_name[name] for name in unknown])
        removed += len(unknown)
    if removed:
        log.info("attachments_without_rows_removed", files=removed)
    return removed


def _unlink(files: list[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
