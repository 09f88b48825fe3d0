"""Words for units in the form in which two spellings of one unit are equal. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from shared.codes import short_agency

_TONES = dict(
    zip(
        ["òa", "óa", "ỏa", "õa", "ọa", "òe", "óe", "ỏe", "õe", "ọe", "ùy", "úy", "ủy", "ũy", "ụy"],
        ["oà", "oá", "oả", "oã", "oạ", "oè", "oé", "oẻ", "oẽ", "oẹ", "uỳ", "uý", "uỷ", "uỹ", "uỵ"],
        strict=True,
    )
)  # Hóa and Hoá are one word: both ways of placing the mark are in use
_COMMITTEE = re.compile(r"^(?:ubnd|uỷ ban nhân dân) (?=.)")  # the office of a place bears the name of the place
_SHORT = {"tp": "thành phố", "tp.": "thành phố", "tx": "thị xã", "tx.": "thị xã"}
_BETWEEN = re.compile(r"\s+[-–]\s+|[,;()/]+")  # what stands between the names in `Phường A, TP B`
_MARKS = re.compile(r"[^\w.]+")


@lru_cache(maxsize=20_000)
def normalised(word: str) -> str:
    """Return a word in the form in which two spellings of one unit are equal: NFC, one case, single spaces."""
    if agency := short_agency(word):
        return agency
    folded = " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", word).casefold()).split())
    for old, new in _TONES.items():
        if old in folded:
            folded = folded.replace(old, new)
    folded = _COMMITTEE.sub("", folded)
    first, _, rest = folded.partition(" ")
    return f"{_SHORT[first]} {rest}" if rest and first in _SHORT else folded


def parts(word: str) -> list[str]:
    """Return the names in `Phường A - TP B`, the first first; the whole where there is one."""
    return [part.strip() for part in _BETWEEN.split(word) if part.strip()] or [word]


def spoken(text: str) -> str:
    """Return a text as words alone, for looking for names in it."""
    words = _MARKS.sub(" ", normalised(text)).split()
    return " ".join(_SHORT.get(word, word.strip(".")) for word in words).replace("thị xã", "thị-xã")  # holds no `xã …`
