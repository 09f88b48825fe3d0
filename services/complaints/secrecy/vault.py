"""Attachments: files outside the database, sealed while they are written. Names and keys are in the database alone.

A file has a random name in a folder of its first two letters, and a key of its own that is sealed, together with the
name that the sender gave it, into what the row keeps. So a change of keys touches rows and no files, and without its
row nobody can read a file.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import os
import secrets
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import orjson

from services.complaints.secrecy import framing, kinds
from services.complaints.secrecy.envelope import Envelope
from services.complaints.secrecy.refusing import RefusedFile, in_words

STEP = framing.FRAME  # bytes that one call of a thread seals and writes, or reads and opens


class MissingFileError(Exception):
    """The file of an attachment is not in the folder: restore it from the backup (docs/secrecy.md)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a feedback may have. files: attachments. file_bytes: of one. total_bytes: of all together."""

    files: int
    file_bytes: int
    total_bytes: int

    def check(self, sizes: Sequence[int], *, coming: int = 1) -> None:
        """Refuse one more file. sizes: of those there are. coming: bytes of the new one as far as known."""
        if len(sizes) >= self.files:
            raise RefusedFile("too_many", limit=str(self.files))
        if coming > self.file_bytes:
            raise RefusedFile("too_big", limit=in_words(self.file_bytes))
        if sum(sizes) + coming > self.total_bytes:
            raise RefusedFile("too_much", limit=in_words(self.total_bytes))


class Kept(NamedTuple):
    """An attachment. name: as it may be shown. size: bytes of content. sealed: name and key, for the row."""

    id: str
    name: str
    type: str
    size: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Vault:
    """The folder of attachments. It is made on the first write, for its owner alone."""

    folder: Path
    envelope: Envelope
    limits: Limits

    async def keep(self, chunks: AsyncIterator[bytes], *, name: str, code: str, there: Sequence[Kept] = ()) -> Kept:
        """Write a file to disk, for good, and return it for the row that `attachments.add` makes of it.

        name: as the sender's program gave it. code: of the feedback. there: attachments that it has already.
        raises: RefusedFile - nothing is left on disk; OSError - the disk; what `chunks` raises.
        """
        sizes = [one.size for one in there]
        self.limits.check(sizes)
        id, shown, key = secrets.token_hex(16), kinds.clean_name(name), framing.new_key()
        writing, type, held = _Writing(self._path(id), key), "", b""
        try:
            async for block in _blocks(chunks):
                type = type or kinds.type_of(shown, block[: kinds.HEAD])
                if held:
                    await asyncio.to_thread(writing.add, held)
                held = block
                self.limits.check(sizes, coming=writing.size + len(held))
            type = type or kinds.type_of(shown, held)
            await asyncio.to_thread(writing.finish, held, type)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(writing.undo))
            raise
        inside = orjson.dumps({"name": shown, "key": base64.b64encode(key).decode()})
        return Kept(id, shown, type, writing.size, self.envelope.seal(inside, about=_about(code, id)))

    async def read(self, kept: Kept, *, code: str) -> AsyncIterator[bytes]:
        """Yield the content. Length and beginning are looked at before anything is given out.

        raises: MissingFileError; SealError - it is damaged, or another's.
        """
        key = _inside(self.envelope, kept.id, kept.sealed, code=code)[1]
        opened = await asyncio.to_thread(self._open, kept, key)
        try:
            while part := await asyncio.to_thread(_read_step, opened):
                yield part
        finally:
            opened.close()

    def name_of(self, id: str, sealed: bytes, *, code: str) -> str:
        """Return the name that a row keeps sealed. raises: SealError."""
        return _inside(self.envelope, id, sealed, code=code)[0]

    def remove(self, kept: Iterable[Kept]) -> None:
        """Remove files that surely no row knows; those that one may know are left to the sweep. Blocks."""
        for one in kept:
            path_of(self.folder, one.id).unlink(missing_ok=True)

    def _open(self, kept: Kept, key: bytes) -> framing.Opened:
        try:
            file = self._path(kept.id).open("rb")
        except FileNotFoundError:
            raise MissingFileError(
                f"the file {kept.id} of an attachment is not in {self.folder}; restore it from the backup"
            ) from None
        return framing.Opened(file, key, size=kept.size)

    def _path(self, id: str) -> Path:
        return path_of(self.folder, id)


def path_of(folder: Path, id: str) -> Path:
    """Return where the file of an attachment is. raises: MissingFileError - no attachment has such an id."""
    if len(id) != 32 or set(id) - set("0123456789abcdef"):
        raise MissingFileError("no attachment has this id")
    return folder / id[:2] / id


def written_before(folder: Path, machine_s: float) -> Iterator[Path]:
    """Yield the files, unfinished ones too, that were last written before then (seconds since 1970). Blocks."""
    for part in sorted(folder.glob("[0-9a-f][0-9a-f]")):
        for file in part.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another copy's sweep was here
                if file.stat().st_mtime < machine_s:
                    yield file


def download_headers(kept: Kept) -> dict[str, str]:
    """Return the headers of a download: it is saved, never shown by the browser, kept by no cache.

    source: RFC 6266 and RFC 8187 for the name: in ASCII for old programs, and as it is.
    """
    plain = "".join(letter if letter.isascii() and letter not in '"\\%' else "_" for letter in kept.name)
    return {
        "Content-Type": kept.type,
        "Content-Length": str(kept.size),
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(kept.name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


class _Writing:
    """One file while it is written; its methods block. size: bytes of content so far.

    It has its name from the first byte on, as no row knows it before it is whole. Each call of the system gives the
    interpreter away and waits to get it back: there are few of them.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self._path, self._key = path, key
        self._sealing, self.size = framing.Sealing(key), 0
        self._sealed = bytearray(framing.MARK)  # what is to be written next
        self._file: int | None = None
        self._one_at_a_time = threading.Lock()  # who gives up does not wait for the thread that still writes

    def add(self, block: bytes) -> None:
        with self._one_at_a_time:
            self._add(block)

    def _add(self, block: bytes) -> None:
        self.size += len(block)
        self._sealed += self._sealing.add(block)
        if len(self._sealed) >= STEP:
            self._write()

    def finish(self, block: bytes, type: str) -> None:
        """Write the last block, look at the file as a whole, and bring it to the disk: itself, then its name."""
        with self._one_at_a_time:
            self._finish(block, type)

    def _finish(self, block: bytes, type: str) -> None:
        is_all = self.size == 0
        if is_all:
            kinds.check_whole(type, io.BytesIO(block), size=len(block))
        self._add(block)
        self._sealed += self._sealing.end()
        file = self._write()
        if not is_all:
            with framing.Opened(self._path.open("rb"), self._key, size=self.size) as opened:
                kinds.check_whole(type, io.BufferedReader(opened, framing.FRAME), size=self.size)
        os.fsync(file)
        _sync_folder(self._path.parent)
        os.close(file)
        self._file = None

    def undo(self) -> None:
        """Remove what there is of it."""
        with self._one_at_a_time:
            if self._file is not None:
                os.close(self._file)
                self._file = None
            self._path.unlink(missing_ok=True)

    def _write(self) -> int:
        if self._file is None:
            self._file = self._begin()
        left = memoryview(self._sealed)
        while left:
            left = left[os.write(self._file, left) :]
        self._sealed = bytearray()
        return self._file

    def _begin(self) -> int:
        how = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            return os.open(self._path, how, 0o600)
        except FileNotFoundError:
            folder = self._path.parent
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(folder.parent)
            return os.open(self._path, how, 0o600)


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what comes in blocks of STEP and more, the last as it is, none of them empty."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        if len(held) >= STEP:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _read_step(opened: framing.Opened) -> bytes:
    parts = bytearray()
    while len(parts) < STEP and (part := opened.read(framing.FRAME)):
        parts += part
    return bytes(parts)


def _inside(envelope: Envelope, id: str, sealed: bytes, *, code: str) -> tuple[str, bytes]:
    inside = orjson.loads(envelope.open(sealed, about=_about(code, id)))
    return inside["name"], base64.b64decode(inside["key"])


def _about(code: str, id: str) -> str:
    return f"{code}/attachment/{id}"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
