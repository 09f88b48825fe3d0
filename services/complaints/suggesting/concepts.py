"""Words that say much the same, so that an example with one of them speaks for the others. Pure but for reading them.

The lists say what words mean, never whether somebody did wrong: how much each concept counts is learnt from texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path

import yaml

from services.complaints.suggesting.text import marked_words_of, words_of

CARRIED = Path(__file__).parent / "data" / "concepts.yaml"
MARKED = "!"  # before a phrase that must stand there with its marks, if the text is written with marks
MONEY = "số tiền"
_SUM = re.compile(r"0+(tr|trieu|cu|k|ty|ngan|nghin|lit|d|dong)0*")
_UNITS = {"trieu", "tr", "cu", "k", "ngan", "nghin", "ty", "dong", "d", "lit"}
_FIGURES = {"mot", "hai", "ba", "bon", "nam", "sau", "bay", "tam", "chin", "muoi", "tram", "chuc", "vai", "may", "ruoi"}


@dataclass(frozen=True)
class Lexicon:
    """phrases: by its bare words, the concepts of a phrase, each with the marked words that it asks for, if it does."""

    phrases: Mapping[tuple[str, ...], tuple[tuple[str, tuple[str, ...] | None], ...]]

    @cached_property
    def lengths(self) -> Mapping[str, list[int]]:
        """Return how many words the phrases have that begin with a word, the shortest first."""
        found: dict[str, set[int]] = {}
        for run in self.phrases:
            found.setdefault(run[0], set()).add(len(run))
        return {first: sorted(lengths) for first, lengths in found.items()}

    def only(self, said: Iterable[str]) -> Lexicon:
        """Return it without the phrases that were never said: for measuring what it is worth on texts unseen."""
        known = set(said)
        return Lexicon({run: of for run, of in self.phrases.items() if " ".join(run) in known})


@dataclass(frozen=True, slots=True)
class Found:
    """A concept, and the words of the text that say so, bare."""

    concept: str
    words: str


def read(lists: Mapping[str, list[str]]) -> Lexicon:
    """Return the lexicon of the phrases of each concept."""
    phrases: dict[tuple[str, ...], tuple[tuple[str, tuple[str, ...] | None], ...]] = {}
    for concept, members in lists.items():
        for phrase in members:
            asked = tuple(marked_words_of(phrase)) if phrase.startswith(MARKED) else None
            words = tuple(words_of(phrase))
            phrases[words] = (*phrases.get(words, ()), (concept, asked))
    return Lexicon(phrases)


@cache
def load() -> Lexicon:
    """Return the carried lexicon, read once."""
    return read(yaml.safe_load(CARRIED.read_bytes()))


def found(text: str, lexicon: Lexicon, words: Sequence[str] | None = None) -> list[Found]:
    """Return every concept that a text speaks of, as often as it does; a sum of money once.

    words: of the text, where they are known already.
    """
    words = words_of(text) if words is None else words
    marked: Sequence[str] | None = None
    said = []
    for at, first in enumerate(words):
        for length in lexicon.lengths.get(first, ()):
            run = tuple(words[at : at + length])
            if len(run) < length:
                break
            for concept, asked in lexicon.phrases.get(run, ()):
                if asked is not None and marked is None:
                    marked = _marked(text, words)
                if asked is None or not marked or tuple(marked[at : at + length]) == asked:
                    said.append(Found(concept, " ".join(run)))
    return said + _sum_of_money(words)


def _marked(text: str, words: Sequence[str]) -> Sequence[str]:
    """Return the words with the marks that they have; nothing where the text is written without."""
    marked = marked_words_of(text)
    return marked if len(marked) == len(words) and marked != words else ()


def _sum_of_money(words: Sequence[str]) -> list[Found]:
    for word, after in pairwise([*words, ""]):
        if _SUM.fullmatch(word):
            return [Found(MONEY, word)]
        if after in _UNITS and (set(word) == {"0"} or word in _FIGURES):
            return [Found(MONEY, f"{word} {after}")]
    return []
