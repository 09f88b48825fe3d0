"""Vietnamese as citizens write it, made comparable: without marks, in one case, abbreviations written out. Pure."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence

_APART = re.compile(r"[^\w]+|_+")
_FIGURE = re.compile(r"\d")
_BARE = {one: None for one in range(sys.maxunicode + 1) if unicodedata.combining(chr(one))} | str.maketrans("đĐ", "dD")
_STRETCHED = re.compile(r"([^\W\d])\1{2,}")  # "lâuuuu"
LONGEST = 2  # words of a term
ABBREVIATIONS = {
    "ubnd": "uy ban nhan dan", "cb": "can bo", "ko": "khong", "kg": "khong", "hok": "khong", "hs": "ho so",
    "dc": "duoc", "gcn": "giay chung nhan", "qsdd": "quyen su dung dat", "tthc": "thu tuc hanh chinh",
    "dvc": "dich vu cong", "bhyt": "bao hiem y te", "bhxh": "bao hiem xa hoi", "gpxd": "giay phep xay dung",
    "gpmb": "giai phong mat bang", "cccd": "can cuoc cong dan", "csgt": "canh sat giao thong", "qd": "quyet dinh",
    "đc": "duoc", "qsdđ": "quyen su dung dat", "qđ": "quyet dinh",
}  # fmt: skip


def bare(text: str) -> str:
    """Return a text without marks, đ as d: many write without, and some write them in two ways."""
    return unicodedata.normalize("NFD", text).translate(_BARE)


def words_of(text: str) -> list[str]:
    """Return the words of a text, bare and in lower case; figures become 0, as it is the size that may tell."""
    return _words(bare(text))


def marked_words_of(text: str) -> list[str]:
    """Return the same words with the marks that the text has; of an odd text they may be other in number."""
    return _words(unicodedata.normalize("NFC", text))


def terms_of(words: Sequence[str]) -> list[str]:
    """Return every run of one to `LONGEST` of the words of a text, as often as it stands there."""
    return [
        " ".join(words[at : at + length]) for length in range(1, LONGEST + 1) for at in range(len(words) - length + 1)
    ]


def _words(text: str) -> list[str]:
    lower = _FIGURE.sub("0", _STRETCHED.sub(r"\1", text.lower()))
    found: list[str] = []
    for word in _APART.split(lower):
        if written_out := ABBREVIATIONS.get(word):
            found += written_out.split()
        elif word:
            found.append(word)
    return found
