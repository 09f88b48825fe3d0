"""What an officer types, read as a search. Pure; nothing that is typed is an error but too much of it.

A word without marks finds the word however it is marked; a word with marks finds those marks only, or the bare word in
a text written without any: "hồ" finds neither "hộ" nor "hố", and "nop ho so" is not lost. "Words in quotes" stand
side by side, as do the parts of a code, of a date, of a sum. `-word` must not occur. The last word, where nothing
follows it, may be the beginning of one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from services.complaints.finding.words import TONES, WORD, Word, lexemes, word

LONGEST, MOST = 300, 32  # letters and words of a query
BEGINNING, MARKED = 3, 2  # letters that the beginning of a word must have: fewer begin most words
_PART = re.compile(r'(-?)"([^"]*)"?|(\S+)')


class QueryTooLongError(ValueError):
    """Search for at most 300 letters and 32 words."""


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand side by side. beginning: the last of them may go on."""

    words: tuple[Word, ...]
    excluded: bool = False
    beginning: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A search: all terms hold. Without terms nothing is asked of the text."""

    terms: tuple[Term, ...]

    @property
    def wanted(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if not term.excluded)

    @property
    def whole(self) -> str:
        """The tsquery of all of it."""
        return " & ".join(map(_tsquery, self.terms))

    @property
    def key(self) -> str:
        """A tsquery that an index answers exactly: that words stand side by side is left to a check of its answers."""
        return " & ".join(part for term in self.terms for part in _key_parts(term))

    @property
    def is_exact(self) -> bool:
        """Whether the key says all."""
        return all(len(term.words) == 1 for term in self.terms)


def _key_parts(term: Term) -> list[str]:
    if term.excluded:
        return [_tsquery(term)] if len(term.words) == 1 else []
    parts = [_lexeme(one) for one in term.words]
    return [*parts[:-1], _beginning(term.words[-1]) if term.beginning else parts[-1]]


def read(written: str) -> Query:
    """Return what is searched for. raises: QueryTooLongError."""
    text = unicodedata.normalize("NFC", written)
    if len(text) > LONGEST:
        raise QueryTooLongError(QueryTooLongError.__doc__)
    terms = []
    for part in _PART.finditer(text):
        minus, quoted, single = part.groups()
        excluded = minus == "-" if single is None else single.startswith("-")
        found = tuple(one for one in map(word, WORD.findall(single or quoted or "")) if one.bare)
        if not found:
            continue
        ends_it = part.end() == len(text) and single is not None and single[-1].isalnum()
        enough = MARKED if found[-1].marked else BEGINNING
        beginning = ends_it and not excluded and len(found[-1].bare) >= enough
        terms.append(Term(found, excluded, beginning))
    if sum(len(term.words) for term in terms) > MOST:
        raise QueryTooLongError(QueryTooLongError.__doc__)
    wanted = any(not term.excluded for term in terms)
    return Query(tuple(dict.fromkeys(terms)) if wanted else ())


def _tsquery(term: Term) -> str:
    parts = [_lexeme(one) for one in term.words]
    if term.beginning:
        parts[-1] = _beginning(term.words[-1])
    joined = " <-> ".join(parts)
    side_by_side = f"({joined})" if len(parts) > 1 else joined
    return f"!{side_by_side}" if term.excluded else side_by_side


def _lexeme(one: Word) -> str:
    return f"('{one.marked}' | '~{one.bare}')" if one.marked else f"'{one.bare}'"


def _beginning(one: Word) -> str:
    return " | ".join(f"'{start}':*" for start in beginnings(one)).join("()")


def beginnings(one: Word) -> list[str]:
    """Return what lexemes of words begin with that `one` may become: its tone is often typed last."""
    if one.marked is None:
        return [one.bare]
    shape = one.marked[2:]
    tones = ["0", *TONES.values()] if one.toneless else [one.marked[1]]
    return [*(f"={tone}{shape}" for tone in tones), f"~{one.bare}"]


def meets(asked: Word, found: Word, *, unmarked: bool, beginning: bool) -> bool:
    """Return whether a word of a text is one that is asked for. unmarked: of the whole text."""
    kept = lexemes(found, unmarked=unmarked)
    if beginning:
        return any(lexeme.startswith(start) for lexeme in kept for start in beginnings(asked))
    if asked.marked is None:
        return asked.bare == found.bare
    return asked.marked in kept or f"~{asked.bare}" in kept
