"""Text of an SMS: Vietnamese without its marks, in the default alphabet, within one part. Pure.

source: 3GPP TS 23.038 6.2.1 - the default alphabet of 7 bits a character, its extension, 160 septets a part.
"""

from __future__ import annotations

import unicodedata

PART = 160  # septets of a message that is sent in one part
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")  # two septets each
_WRITTEN = str.maketrans({"đ": "d", "Đ": "D", "–": "-", "—": "-", "“": '"', "”": '"', "‘": "'", "’": "'", "…": "...",
                          "`": "'", "\t": " "})  # fmt: skip


def plain(text: str) -> str:
    """Return a text without marks, every character one of the default alphabet; what has no likeness there is `?`."""
    bare = "".join(
        mark for mark in unicodedata.normalize("NFD", text.translate(_WRITTEN)) if not unicodedata.combining(mark)
    )
    return "".join(mark if mark in BASIC or mark in EXTENDED else "?" for mark in bare)


def septets(text: str) -> int:
    """Return how many septets a text of the default alphabet takes. raises: ValueError - a character is not in it."""
    if strange := set(text) - BASIC - EXTENDED:
        raise ValueError(f"not in the default alphabet of GSM: {''.join(sorted(strange))}")
    return len(text) + sum(mark in EXTENDED for mark in text)


def shortened(text: str, *, room: int) -> str:
    """Return the beginning of a plain text that takes at most `room` septets; cut text ends with three dots."""
    if septets(text) <= room:
        return text
    kept = text
    while kept and septets(kept) > room - 3:
        kept = kept[:-1]
    return (kept.rstrip() + "...") if room > 3 else text[:0]
