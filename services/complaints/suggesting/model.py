"""The file of weights that suggestions go by: a linear model over what a text says. Pure but for reading it.

A term is a run of one or two words, the word or two that a text begins with (`^`), or a concept (`=`) that some of its
words stand for: topics (`=về …`) speak of fields alone, all other concepts of kinds and categories alone. Made from
labelled texts by `python -m bench suggestions --train`; each weight can be read, and each suggestion names the words
that decided.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.complaints.suggesting import concepts
from services.complaints.suggesting.text import terms_of, words_of

CARRIED = Path(__file__).parent / "data" / "suggestions.json"
About = Literal["kind", "field", "category"]
OPENING = "^"
CONCEPT = "="
TOPIC = f"{CONCEPT}về "


class ModelError(ValueError):
    """The file of weights cannot be used; names each place and what is wrong there."""


class Label(BaseModel):
    """What a text may be. threshold: from which probability on it is suggested. weights: by term, for and against."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    about: About
    key: str
    name: str
    bias: float
    threshold: float = Field(gt=0, lt=1)
    weights: Mapping[str, float]


class Model(BaseModel):
    """The whole file. rarity: of each term, the logarithm of how few texts have it. trained_on: how many texts.

    made_from: a digest of those texts and of the concepts, by which weights that are behind them are noticed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: str
    valid_from: date
    trained_on: int = Field(ge=1)
    made_from: str = ""
    rarity: Mapping[str, float]
    labels: tuple[Label, ...] = Field(min_length=1)

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Return the row of `table` in which each term is; only those whose rarity is known count in a text."""
        return {term: row for row, term in enumerate(self.rarity)}

    @cached_property
    def table(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Return the weights of the terms, a row each, for the labels, a column each."""
        weights = np.zeros((len(self.rows), len(self.labels)))
        for column, label in enumerate(self.labels):
            for term, weight in label.weights.items():
                if term in self.rows:
                    weights[self.rows[term], column] = weight
        return weights


@dataclass(frozen=True, slots=True)
class Judged:
    """How likely a label is. values: how much each known term counts in the text. words: where each term stands."""

    label: Label
    probability: float
    values: Mapping[str, float]
    words: Mapping[str, str]

    @property
    def spoke(self) -> dict[str, float]:
        """Return by how much each term of the text spoke for the label, or against it."""
        weights = self.label.weights
        return {term: value * weights[term] for term, value in self.values.items() if term in weights}


def read(text: str | bytes) -> Model:
    """Return the model of a JSON text. raises: ModelError."""
    try:
        return Model.model_validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_input=False)[:5]
        raise ModelError("; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in faults)) from None


@cache
def load(path: Path | None = None) -> Model:
    """Return the model of a file, or the carried one, read once. raises: ModelError - also if it cannot be read."""
    try:
        return read((path or CARRIED).read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: {error}") from None


def said_in(text: str, lexicon: concepts.Lexicon | None = None) -> list[tuple[str, str]]:
    """Return every term of a text, as often as it stands there, each with the words that it is.

    lexicon: of the concepts; if not given, the carried one.
    """
    all_words = words_of(text)
    begins = all_words[:2]
    openings = [" ".join(begins[:number]) for number in range(1, len(begins) + 1)]
    return [
        *((term, term) for term in terms_of(all_words)),
        *((OPENING + words, words) for words in openings),
        *((CONCEPT + one.concept, one.words) for one in concepts.found(text, lexicon or concepts.load(), all_words)),
    ]


def values_of(terms: Iterable[str], rarity: Mapping[str, float]) -> dict[str, float]:
    """Return how much each known term counts in a text: 1 + ln of how often, times its rarity, to a length of 1."""
    often = Counter(term for term in terms if term in rarity)
    values = {term: (1 + math.log(number)) * rarity[term] for term, number in often.items()}
    length = math.sqrt(sum(value * value for value in values.values()))
    return {term: value / length for term, value in values.items()} if length else {}


def judge(text: str, model: Model, lexicon: concepts.Lexicon | None = None) -> list[Judged]:
    """Return every label with its probability, in the order of the file. lexicon: if not given, the carried one."""
    said = said_in(text, lexicon)
    words = dict(reversed(said))  # of several words that stand for one concept the first
    terms = [term for term, _ in said]
    of_fields, of_others = (_spoken(seen_by(one, terms), model) for one in (True, False))
    judged = []
    for column, label in enumerate(model.labels):
        spoken = of_fields if label.about == "field" else of_others
        judged.append(Judged(label, _probability(label.bias + spoken.scores[column]), spoken.values, words))
    return judged


class _Spoken(NamedTuple):
    """values: how much each term counts. scores: what they say for each label of the file."""

    values: Mapping[str, float]
    scores: list[float]


def _spoken(terms: Iterable[str], model: Model) -> _Spoken:
    values = values_of(terms, model.rarity)
    given = np.fromiter(values.values(), np.float64, len(values))
    return _Spoken(values, (given @ model.table[[model.rows[term] for term in values]]).tolist())


def seen_by(of_fields: bool, terms: Iterable[str]) -> Iterable[str]:
    """Return the terms that the labels of fields go by, or those that all others do."""
    if of_fields:
        return (term for term in terms if term.startswith(TOPIC) or not term.startswith(CONCEPT))
    return (term for term in terms if not term.startswith(TOPIC))


def _probability(score: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
