"""How Vietnamese is written in a table: Unicode, or the older TCVN3 (ABC), VNI and windows-1258. Pure.

An older text is either bytes, or has got into a Unicode file as the signs of windows-1252 that its bytes stand for:
both are the same signs here. Which it is, is judged by what makes Vietnamese syllables; where that is in doubt it is
refused, never guessed.
source: TCVN 5712:1993, VN3 (the lower case of ABC; its capitals with tones are those of another font); the tables of
    VNI-Windows; the code page 1258 of Windows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from services.intake.tables.syllables import is_syllable

Encoding = Literal["unicode", "tcvn3", "vni", "windows-1258"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
ENOUGH_WORDS = 3  # different ones that speak for one encoding and against the next; by fewer a name may mislead
ENOUGH_SHARE = 0.9  # of the words with Vietnamese letters that must be syllables
LEAD = 0.2  # share of the words by which the best must surpass the next


class DoubtfulError(ValueError):
    """In which encoding a text is written cannot be told."""

    def __init__(self, candidates: Iterable[str]) -> None:
        self.candidates = tuple(candidates)
        named = " or ".join(self.candidates) or "no Vietnamese encoding"
        super().__init__(f"could be {named}; say `encoding:` in the mapping ({', '.join(ENCODINGS)})")


_TCVN3 = dict(
    zip(
        "¡¢£¤¥¦§¨©ª«¬\u00ad®µ¶·¸¹»¼½¾ÆÇÈÉÊËÌÎÏÐÑÒÓÔÕÖ×ØÜÝÞßáâãäåæçèéêëìíîïñòóôõö÷øùúûüýþ",
        "ĂÂÊÔƠƯĐăâêôơưđàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ",
        strict=True,
    )
)
_1258 = {
    chr(byte) if byte >= 0xA0 else bytes([byte]).decode("cp1252"): bytes([byte]).decode("cp1258")
    for byte in range(0x80, 0x100)
    if byte not in (0x81, 0x8A, 0x8D, 0x8E, 0x8F, 0x90, 0x9A, 0x9D, 0x9E)
}
_VNI_SINGLE = dict(zip("ÌÍÆÓÒÔÖÎÑìíæóòôöîñ", "ÌÍỈĨỊƠƯỴĐìíỉĩịơưỵđ", strict=True))
_VNI_MARKS = {  # a mark follows its letter
    "ø": "\u0300", "ù": "\u0301", "û": "\u0309", "õ": "\u0303", "ï": "\u0323",
    "â": "\u0302", "à": "\u0302\u0300", "á": "\u0302\u0301", "å": "\u0302\u0309", "ã": "\u0302\u0303",
    "ä": "\u0302\u0323",
    "ê": "\u0306", "è": "\u0306\u0300", "é": "\u0306\u0301", "ú": "\u0306\u0309", "ü": "\u0306\u0303",
    "ë": "\u0306\u0323",
}  # fmt: skip
_VNI_MARKS |= {sign.upper(): marks for sign, marks in _VNI_MARKS.items()}
_VNI_LETTERS = frozenset("aeoyuAEOYUÔÖôö")
_TCVN3_TABLE, _1258_TABLE = str.maketrans(_TCVN3), str.maketrans(_1258)
_OLD_SIGNS = frozenset(map(chr, range(0xA0, 0x100))) | frozenset(_1258)

# what parts words: everything of ASCII but letters, and the signs of print that older texts share with Unicode
_BETWEEN = re.compile(r"[\x00-\x40\x5b-\x60\x7b-\x7f\u2010-\u205f\u20ab\u20ac\u2122]+")
_AROUND = "«»°²³"  # may stand at a word of Unicode
_SYMBOL = re.compile("[\xa1-\xbf\xd7\xf7]")
_ABBREVIATION = re.compile("[A-ZĂÂĐÊÔƠƯ]{2,8}")  # ĐKĐĐ
_HALF_CAPITAL = re.compile(r"[^\W\d_]{3,}")


def as_unicode(text: str, encoding: Encoding) -> str:
    """Return a text in Unicode (NFC); what an encoding does not know stays as it is.

    TCVN3 keeps capitals with tones in a font of their own: among capitals a small letter with a tone was one of them.
    """
    if text.isascii():
        return text
    if encoding == "tcvn3":
        text = _HALF_CAPITAL.sub(_raised, text.translate(_TCVN3_TABLE))
    elif encoding == "vni":
        text = _of_vni(text)
    elif encoding == "windows-1258":
        text = text.translate(_1258_TABLE)
    return unicodedata.normalize("NFC", text)


def _raised(word: re.Match[str]) -> str:
    letters = word[0]
    plain = [letter for letter in letters if letter.isascii()]
    return letters.upper() if len(plain) > 1 and all(letter.isupper() for letter in plain) else letters


def _of_vni(text: str) -> str:
    out: list[str] = []
    before = ""
    for sign in text:
        if sign in _VNI_MARKS and before in _VNI_LETTERS:
            out.append(_VNI_MARKS[sign])
            before = ""
        else:
            out.append(_VNI_SINGLE.get(sign, sign))
            before = sign
    return "".join(out)


def words(text: str) -> Iterable[str]:
    """Yield the words of a text."""
    return filter(None, _BETWEEN.split(text))


def fits(text: str, encoding: Encoding) -> bool:
    """Return whether every word with a letter beyond ASCII is a Vietnamese syllable in an encoding."""
    return text.isascii() or all(judged(word, encoding) for word in words(text))


@lru_cache(maxsize=200_000)
def judged(raw: str, encoding: Encoding) -> bool:
    """Return whether a word, as it stands, would be Vietnamese in an encoding; a word of ASCII is, in all.

    raw: a word as `words` yields it.
    """
    if raw.isascii():
        return True
    if encoding != "unicode" and not _OLD_SIGNS.issuperset(sign for sign in raw if sign >= "\x80"):
        return False  # such a letter comes out of no older encoding
    word = as_unicode(raw, encoding).strip(_AROUND)
    if _SYMBOL.search(word):
        return not any(sign.isalpha() for sign in word)  # within a word they are letters of another encoding
    return all(part.isascii() or _ABBREVIATION.fullmatch(part) or is_syllable(part) for part in _parts(word))


def _parts(word: str) -> Iterable[str]:
    return filter(None, re.split(r"\W+", word))


@dataclass(frozen=True, slots=True)
class Evidence:
    """The different words beyond ASCII of some texts, as they stand."""

    words: frozenset[str]

    @staticmethod
    def of(texts: Iterable[str]) -> Evidence:
        return Evidence(frozenset(w for text in texts if not text.isascii() for w in words(text) if not w.isascii()))

    def fitting(self, encoding: Encoding) -> frozenset[str]:
        return frozenset(word for word in self.words if judged(word, encoding))


def recognised(evidence: Evidence, among: Iterable[Encoding] = ENCODINGS) -> Encoding:
    """Return the encoding in which words are Vietnamese.

    A text of ASCII is taken for Unicode, as is one with letters that only Unicode has; so is one that reads the same
    in all encodings that fit it equally well.
    raises: DoubtfulError - too few words, another fits nearly as well, or none fits.
    """
    among = tuple(among)
    if not evidence.words:
        return among[0]
    fitting = {encoding: evidence.fitting(encoding) for encoding in among}
    ranked = sorted(among, key=lambda encoding: -len(fitting[encoding]))  # among equals the first named
    best, most = ranked[0], len(fitting[ranked[0]])
    if most < ENOUGH_SHARE * len(evidence.words):
        raise DoubtfulError(one for one in among if len(fitting[one]) * 2 > len(evidence.words))
    if best == "unicode" and any(not _OLD_SIGNS.issuperset(w for w in word if w >= "\x80") for word in fitting[best]):
        return best  # a letter that comes out of no older encoding; what is odd beside it costs its row
    near, same = [best], [best]
    for other in ranked[1:]:
        if all(as_unicode(word, other) == as_unicode(word, best) for word in evidence.words):
            same.append(other)
            continue
        for_best, for_other = len(fitting[best] - fitting[other]), len(fitting[other] - fitting[best])
        if for_best < ENOUGH_WORDS or for_best - for_other < LEAD * len(evidence.words):
            near.append(other)
    if len(near) > 1:
        raise DoubtfulError(one for one in among if one in near + same)
    return best


def doubtful(text: str, encoding: Encoding) -> bool:
    """Return whether a text of a table in `encoding` seems to be in another one: it must not be converted."""
    if fits(text, encoding):
        return False
    return any(other != encoding and fits(text, other) for other in ENCODINGS)
