"""Which words can be Vietnamese: the shape of a syllable. Pure.

It tells a text read by the right table of characters from one read by the wrong one. Names of other languages that
are written with Vietnamese letters (Đắk Lắk) may fail: what asks must bear some words that do.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

ONSETS = (
    *("b", "c", "ch", "d", "đ", "g", "gh", "gi", "h", "k", "kh", "l", "m", "n", "ng", "ngh", "nh"),
    *("p", "ph", "q", "qu", "r", "s", "t", "th", "tr", "v", "x"),
)
# a nucleus with its glides, and the codas that may follow it ("-" stands for none)
_RIMES = {
    "a": "- c ch i m n ng nh o p t u y",
    "ă": "c m n ng p t",
    "â": "c m n ng p t u y",
    "e": "- c m n ng o p t",
    "ê": "- c ch m n nh p t u",
    "i": "- a ch m n nh p t u",
    "iê": "c m n ng p t u",
    "o": "- c i m n ng p t",
    "oa": "- c ch i m n ng nh o p t y",
    "oă": "c m n ng t",
    "oe": "- n o t",
    "oo": "c ng",
    "ô": "- c i m n ng p t",
    "ơ": "- i m n p t",
    "u": "- a c i m n ng p t",
    "uâ": "n ng t y",
    "uê": "- ch nh",
    "uô": "c i m n ng t",
    "uơ": "-",
    "uy": "- a ch n nh p t u",
    "uyê": "n t",
    "ư": "- a c i m n ng t u",
    "ươ": "c i m n ng p t u",
    "y": "- t u nh",  # the last three after qu only
    "yê": "m n ng t u",
}
RIMES = tuple(nucleus + ("" if coda == "-" else coda) for nucleus, codas in _RIMES.items() for coda in codas.split())
TONES = {"": "", "huyền": "\u0300", "sắc": "\u0301", "ngã": "\u0303", "hỏi": "\u0309", "nặng": "\u0323"}
_MARKS = re.compile("[\u0300\u0301\u0303\u0309\u0323]")
_SYLLABLE = re.compile(f"(?:{'|'.join(sorted(ONSETS, key=len, reverse=True))})?(?:{'|'.join(RIMES)})")
_STOPPED = re.compile("(?:c|ch|p|t)$")  # such rimes bear two tones only


@lru_cache(maxsize=100_000)
def is_syllable(word: str) -> bool:
    """Return whether a word could be one Vietnamese syllable, written in one way: Hà, HÀ or hà, never hÀ.

    word: NFC. Where the mark of the tone stands is not asked: hóa and hoá are both in use.
    """
    if not (word.islower() or word.isupper() or (word[:1].isupper() and word[1:].islower())):
        return False
    apart = unicodedata.normalize("NFD", word.lower())
    marks = _MARKS.findall(apart)
    bare = unicodedata.normalize("NFC", _MARKS.sub("", apart))
    if len(marks) > 1 or not _SYLLABLE.fullmatch(bare):
        return False
    return not _STOPPED.search(bare) or not marks or marks[0] in (TONES["sắc"], TONES["nặng"])
