"""Reads bounces from a Maildir of the relay's. A mail is moved away once what it says is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from services.notify.receipts import bounces, inbox, store
from services.notify.receipts.api import heard_of
from services.notify.receipts.inbox import Heard
from services.notify.settings import NotifySettings
from shared import db, metrics
from shared.logs import log, told
from shared.service import Running

LOOK_S = 5.0
AT_ONCE = 50


async def read_for_ever(running: Running, *, settings: NotifySettings) -> None:
    """Read what lies in `new`, for ever; a folder that cannot be read is waited for, and so is the database."""
    folder = settings.bounces
    if folder is None:
        return
    while True:
        try:
            if await read_some(running, folder, settings=settings) == AT_ONCE:
                continue
        except Exception as error:
            if not db.is_transient(error):  # OSError is: a folder that is not there yet, or not ours to read
                raise
            log.warning("bounces_wait", error=told(error))
        await asyncio.sleep(LOOK_S)


async def read_some(running: Running, folder: Path, *, settings: NotifySettings) -> int:
    """Read the oldest mails and move them to `cur`; returns how many there were.

    A crash before the move lets them be read again, which is harmless, and so does another copy of notify.
    """
    read = await asyncio.to_thread(_read, folder, settings)
    heard = [one for _, said in read for one in said]
    if heard:
        async with db.transaction(running.engine) as connection:
            await inbox.put(connection, heard)
    for _, said in read:
        if not said:
            metrics.receipts.labels(store.BOUNCE, "no_report").inc()
    await asyncio.to_thread(_move, folder, [path for path, _ in read])
    return len(read)


def _read(folder: Path, settings: NotifySettings) -> list[tuple[Path, list[Heard]]]:
    """Return the oldest mails and what each says; one that vanished meanwhile is another copy's."""
    found = []
    for path in sorted((folder / "new").iterdir())[:AT_ONCE]:
        try:
            with path.open("rb") as file:
                raw = file.read(bounces.LARGEST)
        except FileNotFoundError:
            continue
        found.append((path, heard_of(bounces.read(raw, domain=settings.message_id_domain), settings)))
    return found


def _move(folder: Path, paths: Sequence[Path]) -> None:
    done = folder / "cur"
    done.mkdir(exist_ok=True)
    for path in paths:
        try:
            path.rename(done / f"{path.name}:2,S")
        except FileNotFoundError:
            continue
