"""Keeps the files of a form, all of them or none, for the page and for programs."""

from __future__ import annotations

import asyncio

from services.complaints.secrecy.kinds import clean_name
from services.complaints.secrecy.refusing import RefusedFile
from services.complaints.secrecy.vault import STEP, Kept, Limits
from services.complaints.web.desk import Vault
from services.complaints.web.multipart import FIELDS_BYTES, Form

# bytes of a form in memory: its fields, and of its files those that come, those that wait, and those that are sealed
KEEPS = FIELDS_BYTES + 3 * STEP


def body_bytes(limits: Limits) -> int:
    """Return what is read of a form: files that are too large, too, so that its sender gets to know."""
    return 2 * limits.total_bytes + FIELDS_BYTES


class NotKeptError(Exception):
    """A file is not taken; the message says which and why, in Vietnamese. number: of the file, from 1."""

    def __init__(self, refused: RefusedFile, *, name: str, number: int) -> None:
        super().__init__(f"{clean_name(name)}: {refused.vi}")
        self.refused, self.number = refused, number


async def keep(vault: Vault, form: Form, *, code: str) -> list[Kept]:
    """Keep the files of a form. code: of the feedback they belong to. raises: NotKeptError, FormError.

    Where it fails later whether a row knows them is for the sweep to find out: what was stored may not lose its files.
    """
    kept: list[Kept] = []
    name = ""
    try:
        async for name, chunks in form.files():
            kept.append(await vault.keep(chunks, name=name, code=code, there=kept))
    except BaseException as error:
        await asyncio.to_thread(vault.remove, kept)
        if isinstance(error, RefusedFile):
            raise NotKeptError(error, name=name, number=len(kept) + 1) from None
        raise
    return kept
