"""What a file is, told by its content, and whether its name says the same. Pure.

A list of what is taken, not of what is refused: photographs and scans, documents of an office, recordings. The marks
are those of the formats' own descriptions; libraries that guess among hundreds of formats took photographs for films
and did not know usual recordings, see DECISIONS.
"""

from __future__ import annotations

import re
import unicodedata
from typing import BinaryIO

from services.complaints.secrecy import office
from services.complaints.secrecy.refusing import RefusedFile

HEAD = 4096  # bytes from the beginning that tell
LONGEST_NAME = 80  # letters; of three bytes each they fit into any file system
NAMELESS = "tep-dinh-kem"

# ending: type said in a download, family told by the content
ENDINGS = {
    "pdf": ("application/pdf", "pdf"),
    "jpg": ("image/jpeg", "jpeg"),
    "jpeg": ("image/jpeg", "jpeg"),
    "png": ("image/png", "png"),
    "webp": ("image/webp", "webp"),
    "heic": ("image/heic", "heif"),
    "heif": ("image/heif", "heif"),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "zip"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "zip"),
    "mp3": ("audio/mpeg", "mp3"),
    "m4a": ("audio/mp4", "film"),
    "mp4": ("video/mp4", "film"),
    "mov": ("video/quicktime", "film"),
}
# Brands of ISO/IEC 14496-12 files, as phones and cameras write them (the register is at mp4ra.org).
PICTURES = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
FILMS = {
    *(b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9", b"mp41", b"mp42", b"avc1"),
    *(b"M4A ", b"M4B ", b"M4V ", b"qt  ", b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"mmp4", b"MSNV", b"dash"),
}
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # documents of before 2007, and newer ones under a password
PAGE = re.compile(rb"<\s*(?:html|script|svg|!doctype|\?php)", re.IGNORECASE)
PLAIN_AT = 1024  # so far readers of PDF look for its mark, and browsers that guess for a page


def clean_name(name: str) -> str:
    """Return a file's name as it may be shown: no path, no control or direction marks, not too long."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(" " if letter.isspace() else letter for letter in last if _is_shown(letter))
    shown = re.sub(r" +", " ", re.sub(r'[<>:"|?*]', "_", shown)).strip(" .")
    stem, dot, ending = shown.rpartition(".")
    if not dot or not stem:
        return (shown or NAMELESS)[:LONGEST_NAME]
    return f"{stem[: LONGEST_NAME - len(ending) - 1].strip(' .') or NAMELESS}.{ending}"[:LONGEST_NAME]


def _is_shown(letter: str) -> bool:
    return letter in "\t\n" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def type_of(name: str, head: bytes) -> str:
    """Return the type of a file. name: cleaned. head: its first HEAD bytes, or all of a shorter one.

    raises: RefusedFile - its ending is none of ours, its content is of another kind, or of two.
    """
    known = ENDINGS.get(name.rpartition(".")[2].lower() if "." in name else "")
    if known is None:
        raise RefusedFile("unknown")
    if not head:
        raise RefusedFile("empty")
    type, family = known
    if family == "zip" and head.startswith(OLE):
        raise RefusedFile("locked")
    if _family(head) != family:
        raise RefusedFile("differs")
    if PAGE.search(head[:PLAIN_AT]) or (family != "pdf" and b"%PDF-" in head[:PLAIN_AT]):
        raise RefusedFile("two_in_one")
    return type


def check_whole(type: str, content: BinaryIO, *, size: int) -> None:
    """Look at a file once all of it is there. raises: RefusedFile - it is no sound document, or an archive as well."""
    if type.startswith("application/vnd."):
        office.check(content, size=size, folder="word" if "wordprocessing" in type else "xl")
    elif office.ends_as_archive(content, size=size):
        raise RefusedFile("two_in_one")


def _family(head: bytes) -> str | None:
    for mark, family in (
        (b"%PDF-", "pdf"),
        (b"\xff\xd8\xff", "jpeg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"PK\x03\x04", "zip"),
    ):
        if head.startswith(mark):
            return family
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _of_brand(head)
    return "mp3" if _is_mp3(head) else None


def _of_brand(head: bytes) -> str | None:
    """Return the family of an ISO file. A first box that is long would leave room for something else before it."""
    if not 16 <= int.from_bytes(head[:4], "big") <= PLAIN_AT:
        return None
    return "heif" if head[8:12] in PICTURES else "film" if head[8:12] in FILMS else None


def _is_mp3(head: bytes) -> bool:
    """Return whether tags (ID3v2) begin here, or two frames of MPEG audio follow one another."""
    if head.startswith(b"ID3") and len(head) > 10 and head[3] in (2, 3, 4) and not any(b & 0x80 for b in head[6:10]):
        return True
    length = _frame(head)
    return length is not None and _frame(head[length:]) is not None


# source: ISO/IEC 11172-3 and 13818-3, layer III; kbit/s by index, Hz by version and index
BITRATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
BITRATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def _frame(at: bytes) -> int | None:
    """Return the bytes of the MPEG audio frame of layer III that begins here, None where none does."""
    if len(at) < 4 or at[0] != 0xFF or at[1] & 0xE6 != 0xE2:
        return None
    version, bitrate, rate, padding = at[1] >> 3 & 3, at[2] >> 4, at[2] >> 2 & 3, at[2] >> 1 & 1
    if version not in RATES or bitrate in (0, 15) or rate == 3:
        return None
    kbits, factor = (BITRATES_1, 144) if version == 3 else (BITRATES_2, 72)
    return factor * kbits[bitrate] * 1000 // RATES[version][rate] + padding
