"""The part of a text that answers a search, in pieces of which some are marked. Pure; nothing here is HTML.

Whoever shows a piece escapes it: it is what a citizen wrote.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from services.complaints.finding.query import Query, Term, meets
from services.complaints.finding.words import Word, is_unmarked, spans

LENGTH = 200  # letters of an extract, about two lines
BEFORE = 40  # letters before the first hit, so that it is read in its sentence


@dataclass(frozen=True, slots=True)
class Piece:
    """Some letters of a text, and whether they are what was searched for."""

    text: str
    hit: bool


@dataclass(frozen=True, slots=True)
class Extract:
    """Pieces that follow one another. cut_before, cut_after: the text begins earlier, goes on."""

    pieces: tuple[Piece, ...]
    cut_before: bool
    cut_after: bool


def extract(text: str, query: Query) -> Extract:
    """Return the stretch of a text with the most hits, the first such; of a text without a hit its beginning."""
    text = unicodedata.normalize("NFC", text)
    found = list(spans(text))
    hits = _hits(found, query)
    begin, end = _stretch(text, found, hits)
    pieces, at = [], begin
    for first, last in hits:
        if first < begin or last > end:
            continue
        if at < first:
            pieces.append(Piece(text[at:first], hit=False))
        pieces.append(Piece(text[first:last], hit=True))
        at = last
    if at < end:
        pieces.append(Piece(text[at:end], hit=False))
    return Extract(tuple(pieces), cut_before=begin > 0, cut_after=end < len(text))


def _hits(found: list[tuple[Word, int, int]], query: Query) -> list[tuple[int, int]]:
    """Return where terms stand, joined where they overlap."""
    bares = [one.bare for one, _, _ in found]
    unmarked = is_unmarked([one for one, _, _ in found])
    raw = []
    for term in query.wanted:
        last = len(term.words) - 1
        for at in _starts(term, bares):
            if at + last < len(found) and _stands(term, found, at, unmarked=unmarked):
                raw.append((found[at][1], found[at + last][2]))
    joined: list[tuple[int, int]] = []
    for first, end in sorted(raw):
        if joined and first < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((first, end))
    return joined


def _starts(term: Term, bares: list[str]) -> list[int]:
    """Return where a term may begin, by the bare form of its first word: most places are left out by that."""
    first = term.words[0].bare
    if term.beginning and len(term.words) == 1:
        return [at for at, bare in enumerate(bares) if bare.startswith(first)]
    return [at for at, bare in enumerate(bares) if bare == first]


def _stands(term: Term, found: list[tuple[Word, int, int]], at: int, *, unmarked: bool) -> bool:
    last = len(term.words) - 1
    return all(
        meets(asked, found[at + number][0], unmarked=unmarked, beginning=term.beginning and number == last)
        for number, asked in enumerate(term.words)
    )


def _stretch(text: str, found: list[tuple[Word, int, int]], hits: list[tuple[int, int]]) -> tuple[int, int]:
    """Return from where to where to show, at the edges of words."""
    if len(text) <= LENGTH:
        return 0, len(text)
    begin = 0
    if hits:
        best = max(hits, key=lambda hit: (sum(hit[0] <= one[0] < hit[0] + LENGTH - BEFORE for one in hits), -hit[0]))
        begin = max(0, min(best[0] - BEFORE, len(text) - LENGTH))
    if begin:
        begin = next((first for _, first, _ in found if first >= begin), begin)
    end = min(len(text), begin + LENGTH)
    if end < len(text):
        end = max((last for _, first, last in found if begin <= first and last <= end), default=end)
    return begin, end
