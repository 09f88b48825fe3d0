"""How like two feedbacks are, why, and by what the few that may be like one are found among many. Pure.

Words are compared bare, each for itself and with the one that follows; figures of one length count as one, since
another sum or date makes no other matter. Texts that have many pairs of words in common also have smallest hashes of
them in common (MinHash): the hashes are kept in bands of two, and only what shares a band is compared.
source: Broder, "On the resemblance and containment of documents", 1997.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

import numpy as np

from services.complaints.finding.words import words
from services.complaints.suggesting.text import words_of

BANDS, ROWS = 16, 2  # half of the pairs in common: a band is shared 99 times of 100; a twentieth of them: 4 of 100
_NUMBERS = np.random.Generator(np.random.PCG64(20_008)).integers(1, 2**63, (2, BANDS * ROWS), dtype=np.uint64)
_FACTORS, _SHIFTS = _NUMBERS[0] | np.uint64(1), _NUMBERS[1]  # where they change all texts are indexed anew
_MIX = np.uint64(0x9E3779B97F4A7C15)

LIKELY = 0.65  # what is suggested: the like of other matters of one field is up to 0.55, with polite phrases around
SAME_DOSSIER, SAME_PLACE, SAME_UNIT, NEAR = 0.7, 0.1, 0.05, 0.05  # how likely each makes it by itself
OTHER_DOSSIER = 0.6  # by this their words count less: many write the same of a dossier of their own
NEAR_DAYS = 30
TOLD = 0.3  # likeness of words from which on it is a reason


@dataclass(frozen=True)
class Matter:
    """What is compared of a feedback; its words are taken apart once. unit: whose matter it is."""

    text: str
    place: str | None
    dossier: str | None
    unit: str | None
    filed_at: datetime

    @cached_property
    def terms(self) -> tuple[set[str], set[str]]:
        """The words and the pairs of words."""
        found = words_of(self.text)
        return set(found), _pairs(found)


def pairs_of(text: str) -> set[str]:
    """Return the pairs of words that follow one another; of a single word the word."""
    return _pairs(words_of(text))


def _pairs(found: list[str]) -> set[str]:
    return {f"{one} {other}" for one, other in pairwise(found)} or set(found)


def bands_of(text: str) -> list[int]:
    """Return the bands of a text, each a signed number of 64 bits that has its place among the bands in it."""
    pairs = pairs_of(text)
    if not pairs:
        return []
    hashes = np.fromiter((_hash(pair) for pair in pairs), np.uint64, len(pairs))
    smallest = (hashes[:, None] * _FACTORS + _SHIFTS).min(axis=0).reshape(BANDS, ROWS)
    keys = np.arange(1, BANDS + 1, dtype=np.uint64)
    for row in range(ROWS):
        keys = (keys ^ smallest[:, row]) * _MIX
        keys ^= keys >> np.uint64(29)
    found: list[int] = keys.view(np.int64).tolist()
    return found


def _hash(pair: str) -> int:
    written = pair.encode()
    return zlib.crc32(written) << 32 | zlib.crc32(written, 0x5EED)


def likeness_of_words(one: Matter, other: Matter) -> float:
    """Return the share of words and of pairs that two texts have in common, from 0 to 1 (Dice, the mean of both)."""
    return sum(map(_dice, one.terms, other.terms)) / 2


def _dice(one: set[str], other: set[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def compare(one: Matter, other: Matter) -> tuple[float, tuple[str, ...]]:
    """Return how likely two feedbacks are about the same matter, and why, in Vietnamese, what counts most first.

    Each reason leaves less of the doubt that the others left.
    """
    alike = likeness_of_words(one, other)
    same_dossier = one.dossier is not None and one.dossier == other.dossier
    differ = one.dossier is not None and other.dossier is not None and not same_dossier
    doubt = 1 - alike * (OTHER_DOSSIER if differ else 1)
    reasons = ["cùng mã hồ sơ"] if same_dossier else []
    doubt *= 1 - SAME_DOSSIER if same_dossier else 1
    if alike >= TOLD:
        reasons.append(f"lời văn giống {alike:.0%}")
    if _same_place(one.place, other.place):
        doubt *= 1 - SAME_PLACE
        reasons.append("cùng địa điểm")
    if one.unit is not None and one.unit == other.unit:
        doubt *= 1 - SAME_UNIT
        reasons.append("cùng đơn vị")
    apart = abs(one.filed_at - other.filed_at)
    if apart <= timedelta(days=NEAR_DAYS):
        doubt *= 1 - NEAR
        reasons.append(f"gửi cách nhau {apart.days} ngày" if apart.days else "gửi trong vòng một ngày")
    if differ:
        reasons.append("mã hồ sơ khác nhau")
    return 1 - doubt, tuple(reasons)


def _same_place(one: str | None, other: str | None) -> bool:
    return bool(one and other) and _place(one or "") == _place(other or "")


def _place(written: str) -> str:
    return " ".join(one.bare for one in words(written))
