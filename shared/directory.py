"""Which unit a word means: codes, agency ids in both shapes, names and aliases as sources write them. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shared.codes import short_agency

Directory = Mapping[str, str]  # normalised word -> unit code

_TONES = dict(
    zip(
        ["òa", "óa", "ỏa", "õa", "ọa", "òe", "óe", "ỏe", "õe", "ọe", "ùy", "úy", "ủy", "ũy", "ụy"],
        ["oà", "oá", "oả", "oã", "oạ", "oè", "oé", "oẻ", "oẽ", "oẹ", "uỳ", "uý", "uỷ", "uỹ", "uỵ"],
        strict=True,
    )
)  # Hóa and Hoá are one word: both ways of placing the mark are in use


class Unit(NamedTuple):
    """What the directory needs to know of a unit."""

    code: str
    name: str
    aliases: tuple[str, ...]
    active: bool


def directory(units: Iterable[Unit]) -> Directory:
    """Return the index that `resolve` reads; build it once for a state of the directory.

    A word that several units claim goes to the one with the better claim: in use before out of use, then code before
    name before alias. Between equal claims it goes to nobody: pressing the wrong head is worse than asking.
    """
    claims: dict[str, tuple[int, str | None]] = {}
    for unit in units:
        words = [(0, unit.code), (1, unit.name), *((2, alias) for alias in unit.aliases)]
        for rank, word in words:
            claim = rank if unit.active else rank + 3
            key = normalised(word)
            best, owner = claims.get(key, (9, None))
            if claim < best:
                claims[key] = claim, unit.code
            elif claim == best and owner != unit.code:
                claims[key] = claim, None
    return {word: code for word, (_, code) in claims.items() if word and code}


def resolve(directory: Directory, unit_name: str | None, unit: str | None) -> str | None:
    """Return the code of the unit meant, or None. The name goes first: an agency id may be that of the unit above."""
    for word in (unit_name, unit):
        if word and (code := directory.get(normalised(word))):
            return code
    return None


def normalised(word: str) -> str:
    """Return a word in the form in which two spellings of one unit are equal: NFC, one case, single spaces."""
    if agency := short_agency(word):
        return agency
    folded = " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", word).casefold()).split())
    for old, new in _TONES.items():
        if old in folded:
            folded = folded.replace(old, new)
    return folded
