"""Whether a document of an office (OOXML, ISO/IEC 29500) is what it should be: without macros, and no archive. Pure."""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import BinaryIO

from services.complaints.secrecy.refusing import RefusedFile

END = b"PK\x05\x06"
END_BYTES, LONGEST_COMMENT = 22, 65_535
ENTRIES, DIRECTORY_BYTES = 5_000, 1 << 20  # a report of many pictures has some hundred entries
UNPACKED_BYTES = 300 << 20  # in all: a workbook of 10 MB may well hold 100
CONTENT_TYPES, CONTENT_TYPES_BYTES = "[Content_Types].xml", 1 << 20
MAIN = {
    "word": b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "xl": b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
}
PROGRAM = re.compile(
    r"vba(?:project|data)|(?:^|/)(?:activex|macrosheets)/"
    r"|\.(?:exe|dll|com|scr|bat|cmd|ps1|vbs?|vbe|jse?|wsf|hta|jar|lnk|msi|chm|html?|svg)$",
    re.IGNORECASE,
)


def ends_as_archive(content: BinaryIO, *, size: int) -> bool:
    """Return whether a ZIP ends where the file ends: such a file is an archive whatever it begins with."""
    content.seek(max(size - END_BYTES - LONGEST_COMMENT, 0))
    tail, at = content.read(), -1
    while (at := tail.find(END, at + 1)) >= 0:
        comment = int.from_bytes(tail[at + 20 : at + 22], "little")
        if at + END_BYTES + comment <= len(tail):
            return True
    return False


def check(content: BinaryIO, *, size: int, folder: str) -> None:
    """Look through a document. folder: where its main part is, `word` or `xl`. raises: RefusedFile."""
    _check_end(content, size=size)
    content.seek(0)
    try:
        with zipfile.ZipFile(content) as archive:
            entries = archive.infolist()
            _check_entries(entries, folder=folder)
            with archive.open(CONTENT_TYPES) as part:
                types = part.read(CONTENT_TYPES_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, KeyError):
        raise RefusedFile("damaged") from None
    if re.search(rb"macroenabled|vbaproject|activex|ms-office\.intlmacrosheet", types, re.IGNORECASE):
        raise RefusedFile("macros")
    if len(types) > CONTENT_TYPES_BYTES or MAIN[folder] not in types:
        raise RefusedFile("differs")


def _check_end(content: BinaryIO, *, size: int) -> None:
    """Refuse a directory that is too long, that lies elsewhere, or has something before or behind it.

    Programs of offices write it at the very end and without a comment; two readers then see the same document.
    """
    content.seek(max(size - END_BYTES, 0))
    end = content.read(END_BYTES)
    if len(end) < END_BYTES or not end.startswith(END) or end[20:22] != b"\0\0":
        raise RefusedFile("damaged")
    disks, here, entries = end[4:8], int.from_bytes(end[8:10], "little"), int.from_bytes(end[10:12], "little")
    long, begin = int.from_bytes(end[12:16], "little"), int.from_bytes(end[16:20], "little")
    if disks != bytes(4) or here != entries or begin + long + END_BYTES != size:
        raise RefusedFile("damaged")
    if entries > ENTRIES or long > DIRECTORY_BYTES:
        raise RefusedFile("damaged")


def _check_entries(entries: list[zipfile.ZipInfo], *, folder: str) -> None:
    names = [entry.filename for entry in entries]
    if any(PROGRAM.search(name) for name in names):
        raise RefusedFile("macros")
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise RefusedFile("locked")
    if CONTENT_TYPES not in names or not any(name.startswith(f"{folder}/") for name in names):
        raise RefusedFile("differs")
    if len({name.lower() for name in names}) < len(names) or sum(e.file_size for e in entries) > UNPACKED_BYTES:
        raise RefusedFile("damaged")
    if any(name.startswith("/") or "\\" in name or ".." in name.split("/") for name in names):
        raise RefusedFile("damaged")
