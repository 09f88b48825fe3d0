"""How the content of a file is sealed piece by piece, so that any place of it can be read, and no piece moved. Pure.

After a mark of four bytes a file is frames of FRAME bytes, each with a tag; the last is shorter or as long. The nonce
of a frame is its number and whether it is the last (STREAM: Hoang, Reyhanitabar, Rogaway, Vizár 2015), which only a
key that seals this one file allows: frames moved, doubled, left out or cut off at the end do not open.
"""

from __future__ import annotations

import io
import secrets
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import Buffer

from services.complaints.secrecy.envelope import KEY, TAG, SealError

MARK = b"DDF1"
FRAME = 256 << 10  # bytes of content
SEALED_FRAME = FRAME + TAG


def new_key() -> bytes:
    """Return a key for one file."""
    return secrets.token_bytes(KEY)


def sealed_size(size: int) -> int:
    """Return the bytes on disk of a file with so many bytes of content, at least one."""
    return len(MARK) + size + TAG * -(-size // FRAME)


def _nonce(number: int, *, last: bool) -> bytes:
    return bytes(7) + number.to_bytes(4, "big") + bytes((last,))


class Sealing:
    """Seals content that comes in parts. What `add` returns is written behind MARK; `end` closes it."""

    def __init__(self, key: bytes) -> None:
        self._cipher, self._number, self._held = AESGCM(key), 0, bytearray()

    def add(self, part: bytes) -> bytes:
        """Return the frames that are full and not the last."""
        self._held += part
        done, at = bytearray(), 0
        while len(self._held) - at > FRAME:
            done += self._frame(self._held[at : at + FRAME], last=False)
            at += FRAME
        del self._held[:at]
        return bytes(done)

    def end(self) -> bytes:
        """Return the last frame."""
        return self._frame(self._held, last=True)

    def _frame(self, plain: bytes | bytearray, *, last: bool) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._number, last=last), bytes(plain), None)
        self._number += 1
        return sealed


class Opened(io.RawIOBase):
    """A sealed file as its content, with `seek`: one frame is in memory at a time. It closes `file` with itself.

    raises: SealError - at once where the length is wrong, else on reading.
    """

    def __init__(self, file: BinaryIO, key: bytes, *, size: int) -> None:
        self._file, self._cipher, self._size, self._at = file, AESGCM(key), size, 0
        self._last = -(-size // FRAME) - 1
        self._kept: tuple[int, bytes] = (-1, b"")
        file.seek(0, io.SEEK_END)
        if size < 1 or file.tell() != sealed_size(size) or not self._is_marked():
            file.close()
            raise SealError("the sealed file is not as long as it was written, or none of ours")

    def _is_marked(self) -> bool:
        self._file.seek(0)
        return self._file.read(len(MARK)) == MARK

    def close(self) -> None:
        self._file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, into: Buffer, /) -> int:
        target = memoryview(into).cast("B")
        if self._at >= self._size:
            return 0
        number, within = divmod(self._at, FRAME)
        part = self._frame(number)[within : within + len(target)]
        target[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _frame(self, number: int) -> bytes:
        if self._kept[0] != number:
            self._file.seek(len(MARK) + number * SEALED_FRAME)
            try:
                nonce = _nonce(number, last=number == self._last)
                self._kept = (number, self._cipher.decrypt(nonce, self._file.read(SEALED_FRAME), None))
            except (InvalidTag, ValueError):
                raise SealError("the sealed file is damaged, or not the one that was written") from None
        return self._kept[1]
