"""The words of a text as they are looked for: without marks, with their marks, and where they stand. Pure.

A word is kept as up to two lexemes. `ho` is the bare word: whoever asks without marks finds it. `=2hô` is "hồ", its
tone set before the letters, so that "hoà" and "hòa" are one and the beginning of a word is a beginning of its lexeme.
`~ho` is a word of a text that is written without marks: its writer left them out everywhere, so it may be any.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from services.complaints.suggesting.text import bare

WORD = re.compile(r"[^\W_]+")
LETTERS = 48  # of a word are looked at; no word of a language is longer
UNMARKED = 0.1  # a text in which fewer of the words carry marks is written without: most Vietnamese words have some
GAP = 4  # places between text, place and codes, so that no phrase reaches from one into the next
TONES = {"\u0301": "1", "\u0300": "2", "\u0309": "3", "\u0303": "4", "\u0323": "5"}  # ´ ` hook ~ dot below
LAST_PLACE = 16_383  # PostgreSQL keeps no higher one


@dataclass(frozen=True, slots=True)
class Word:
    """A word: as it is kept, and with its marks where it has any. toneless: it has marks but no tone, or none yet."""

    bare: str
    marked: str | None
    toneless: bool


@lru_cache(maxsize=50_000)
def word(written: str) -> Word:
    """Return a word as it is looked for, whatever its case and however its marks are written."""
    lower = unicodedata.normalize("NFD", written.lower())
    tone = next((TONES[letter] for letter in lower if letter in TONES), "0")
    shape = unicodedata.normalize("NFC", "".join(letter for letter in lower if letter not in TONES))
    plain = "".join(WORD.findall(bare(lower)))[:LETTERS]
    shape = "".join(WORD.findall(shape))[:LETTERS]
    has_marks = tone != "0" or shape != plain
    return Word(plain, f"={tone}{shape}" if has_marks else None, has_marks and tone == "0")


def words(text: str) -> list[Word]:
    """Return the words of a text in their order."""
    return [word(found) for found in WORD.findall(unicodedata.normalize("NFC", text))]


def spans(text: str) -> Iterator[tuple[Word, int, int]]:
    """Yield the words of a text, which is in NFC, with where each begins and ends."""
    for found in WORD.finditer(text):
        yield word(found.group()), found.start(), found.end()


def is_unmarked(found: list[Word]) -> bool:
    """Return whether a text of these words is written without marks."""
    return sum(one.marked is not None for one in found) < UNMARKED * len(found)


def lexemes(one: Word, *, unmarked: bool) -> tuple[str, ...]:
    """Return under what a word of a text is found. unmarked: of the whole text."""
    if one.marked:
        return one.bare, one.marked
    return (one.bare, f"~{one.bare}") if unmarked else (one.bare,)


def vector(*texts: str | None) -> str:
    """Return what PostgreSQL reads as a tsvector: the words of all texts and their places.

    texts: what was written, its place, its codes; each is judged by itself, whether it is written without marks.
    """
    places: dict[str, list[int]] = {}
    at = 1
    for text in texts:
        found = words(text) if text else []
        unmarked = is_unmarked(found)
        for one in found:
            for lexeme in lexemes(one, unmarked=unmarked) if one.bare else ():
                places.setdefault(lexeme, []).append(min(at, LAST_PLACE))
            at += 1
        at += GAP
    return " ".join(f"'{lexeme}':{','.join(map(str, where))}" for lexeme, where in places.items())


def mark(name: str, value: str) -> str:
    """Return a quoted lexeme that says something else of a text than its words, so that an index knows it, too."""
    written = value.replace("\\", "\\\\").replace("'", "''")
    return f"'@{name} {written}'"
