"""Suggests what a feedback is, and says why. Pure. A named officer decides.

A text that looks like a denunciation is taken for one for as long as no officer has decided: the sender's safety may
hang on it, so its threshold is low on purpose. What is likeliest is said apart.
law: NĐ 20/2008 (reflection, recommendation), Luật Khiếu nại 2011 (complaint), Luật Tố cáo 2018, articles 8, 23, 56
(denunciation; identity of the denouncer).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from services.complaints.suggesting.concepts import Lexicon
from services.complaints.suggesting.model import CONCEPT, Judged, Model, judge
from shared.events import FeedbackKind

KINDS: tuple[FeedbackKind, ...] = get_args(FeedbackKind)
KIND_OF: Mapping[str, FeedbackKind] = {kind: kind for kind in KINDS}
REASONS = 5  # words named for one label


@dataclass(frozen=True, slots=True)
class Reason:
    """Words that stand in the text, bare, and how much they counted; several texts or a concept's list have them.

    concept: what they stand for with others of its kind; None of words that speak for themselves.
    """

    term: str
    weight: float
    concept: str | None = None


@dataclass(frozen=True, slots=True)
class Guess:
    """A label that the text speaks for, its likeliest reasons first."""

    key: str
    name: str
    probability: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a text may be. kind: what it is taken for until an officer decides. likeliest: of the kinds, whatever it is
    taken for. others: kinds that it speaks for as well. fields, categories: the likeliest first.
    """

    kind: Guess
    likeliest: Guess
    others: tuple[Guess, ...]
    fields: tuple[Guess, ...]
    categories: tuple[Guess, ...]
    version: str

    @property
    def is_suspected(self) -> bool:
        """Whether it may be a denunciation, and so leaves the normal queue at once."""
        return self.kind.key == "denunciation"

    @property
    def field_key(self) -> str | None:
        return self.fields[0].key if self.fields else None


def suggest(text: str, model: Model, lexicon: Lexicon | None = None, *, why: bool = True) -> Suggestion:
    """Return what a text may be: taken for a denunciation from its threshold on, else for the likeliest kind.

    lexicon: of the concepts; if not given, the carried one. why: with reasons, which cost half of the time.
    """
    judged = judge(text, model, lexicon)
    guess = _with_reasons if why else _without_reasons
    kinds = sorted((one for one in judged if one.label.about == "kind"), key=lambda one: -one.probability)
    kind = next((one for one in kinds if one.label.key == "denunciation" and _is_reached(one)), kinds[0])
    return Suggestion(
        kind=guess(kind),
        likeliest=guess(kinds[0]),
        others=tuple(guess(one) for one in kinds if one is not kind and _is_reached(one)),
        fields=tuple(map(guess, _reached(judged, "field"))),
        categories=tuple(map(guess, _reached(judged, "category"))),
        version=model.version,
    )


def _is_reached(one: Judged) -> bool:
    return one.probability >= one.label.threshold


def _reached(judged: list[Judged], about: str) -> list[Judged]:
    reached = [one for one in judged if one.label.about == about and _is_reached(one)]
    return sorted(reached, key=lambda one: -one.probability)


def _with_reasons(one: Judged) -> Guess:
    spoke = sorted(((weight, term) for term, weight in one.spoke.items() if weight > 0), reverse=True)
    reasons = tuple(_reason(term, weight, one.words[term]) for weight, term in spoke[:REASONS])
    return _without_reasons(one, reasons)


def _without_reasons(one: Judged, reasons: tuple[Reason, ...] = ()) -> Guess:
    return Guess(one.label.key, one.label.name, round(one.probability, 3), reasons)


def _reason(term: str, weight: float, words: str) -> Reason:
    return Reason(words, round(weight, 2), term.removeprefix(CONCEPT) if term.startswith(CONCEPT) else None)
