"""Vietnamese in the older encodings, and generators of Vietnamese words."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

from services.intake.tables.encodings import _TCVN3, _VNI_MARKS, _VNI_SINGLE
from services.intake.tables.syllables import ONSETS, RIMES, TONES, is_syllable

_TO_TCVN3 = {letter: sign for sign, letter in _TCVN3.items()}
_TO_VNI = {letter: sign for sign, letter in _VNI_SINGLE.items()}
_VNI_MARK = {unicodedata.normalize("NFC", marks): sign for sign, marks in _VNI_MARKS.items() if sign.islower()}


def tcvn3(text: str) -> str:
    """Return a text as the signs that stand for its bytes in TCVN3; capitals with tones are not in it."""
    return "".join(_TO_TCVN3.get(letter, letter) for letter in text)


def vni(text: str) -> str:
    out = []
    for letter in text:
        if letter in _TO_VNI or letter.isascii():
            out.append(_TO_VNI.get(letter, letter))
            continue
        base, *marks = list(unicodedata.normalize("NFD", letter))
        if "\u031b" in marks:  # the horn is the letter's own
            marks.remove("\u031b")
            base = _TO_VNI[unicodedata.normalize("NFC", base + "\u031b")]
        marks.sort(key=lambda mark: mark not in "\u0302\u0306")
        sign = _VNI_MARK[unicodedata.normalize("NFC", "".join(marks))]
        out.append(base + (sign.upper() if letter.isupper() else sign))
    return "".join(out)


def windows_1258(text: str) -> bytes:
    out = bytearray()
    for letter in text:
        try:
            out += letter.encode("cp1258")
        except UnicodeEncodeError:
            apart = unicodedata.normalize("NFD", letter)
            tone = next(mark for mark in apart if mark in set(TONES.values()) - {""})
            out += unicodedata.normalize("NFC", apart.replace(tone, "")).encode("cp1258") + tone.encode("cp1258")
    return bytes(out)


def _toned(onset: str, rime: str, tone: str) -> str:
    vowels = [n for n, letter in enumerate(rime) if letter in "aăâeêioôơuưy"]
    marked = [n for n in vowels if rime[n] in "ăâêôơư"] or vowels
    at = marked[-1] if rime[marked[-1]] in "ăâêôơư" or len(vowels) == 1 or vowels[-1] + 1 < len(rime) else vowels[0]
    return unicodedata.normalize("NFC", f"{onset}{rime[: at + 1]}{tone}{rime[at + 1 :]}")


SYLLABLES = st.builds(
    _toned, st.sampled_from(["", *ONSETS]), st.sampled_from(RIMES), st.sampled_from(list(TONES.values()))
).filter(is_syllable)
WORDS = st.builds(
    lambda word, capital: word.capitalize() if capital and word[0].isascii() else word, SYLLABLES, st.booleans()
)
TEXTS = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)
