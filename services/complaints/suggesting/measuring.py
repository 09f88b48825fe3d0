"""How often suggestions are right, class by class, on texts that somebody labelled. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.complaints.suggesting.concepts import Lexicon
from services.complaints.suggesting.model import Model
from services.complaints.suggesting.suggest import Suggestion, suggest

HELD_OUT_SHARE = 30  # of a hundred
SECRET = frozenset({"denunciation"})


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and what it is. field: None where it is of none. categories: those it complains of."""

    text: str
    kind: str
    field: str | None
    categories: frozenset[str]

    @property
    def is_held_out(self) -> bool:
        """Whether rules are measured on it and never made from it: fixed by a hash of the text."""
        return hashlib.sha256(self.text.encode()).digest()[0] % 100 < HELD_OUT_SHARE


@dataclass(frozen=True, slots=True)
class Score:
    """Of one class: right and wrong suggestions, and how many texts of it were missed."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float | None:
        """Share of the suggestions that are right; None without any."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        """Share of the texts of the class that were found; None without any."""
        return self.right / (self.right + self.missed) if self.right + self.missed else None


def labelled(rows: Iterable[Mapping[str, str]]) -> list[Labelled]:
    """Return labelled texts from rows with text, kind, field, categories (separated by blanks).

    raises: ValueError - names the row that lacks a text or a kind.
    """
    found = []
    for number, row in enumerate(rows, start=2):
        if not (row.get("text") or "").strip() or not (row.get("kind") or "").strip():
            raise ValueError(f"line {number}: text and kind must be given")
        categories = frozenset((row.get("categories") or "").split())
        found.append(
            Labelled(row["text"].strip(), row["kind"].strip(), (row.get("field") or "").strip() or None, categories)
        )
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    """A labelled text and what was suggested of it."""

    truth: Labelled
    said: Suggestion


def answers(texts: Sequence[Labelled], model: Model, lexicon: Lexicon | None = None) -> list[Answer]:
    return [Answer(one, suggest(one.text, model, lexicon)) for one in texts]


def scores(given: Sequence[Answer]) -> dict[str, dict[str, Score]]:
    """Return the score of each class: of `kind` the likeliest, then whether it is `suspected`, `field`, `category`."""
    pairs: dict[str, list[tuple[frozenset[str], frozenset[str]]]] = {
        "kind": [(frozenset({one.truth.kind}), frozenset({one.said.likeliest.key})) for one in given],
        "suspected": [
            (frozenset({one.truth.kind}) & SECRET, SECRET if one.said.is_suspected else frozenset()) for one in given
        ],
        "field": [
            (frozenset(filter(None, [one.truth.field])), frozenset(filter(None, [one.said.field_key]))) for one in given
        ],
        "category": [(one.truth.categories, frozenset(guess.key for guess in one.said.categories)) for one in given],
    }
    return {about: _by_class(found) for about, found in pairs.items()}


def confusion(given: Sequence[Answer]) -> Counter[tuple[str, str]]:
    """Return how many texts of a kind (first) were likeliest taken for a kind (second)."""
    return Counter((one.truth.kind, one.said.likeliest.key) for one in given)


def _by_class(pairs: Sequence[tuple[frozenset[str], frozenset[str]]]) -> dict[str, Score]:
    classes = sorted(frozenset().union(*(truth | said for truth, said in pairs)))
    return {
        one: Score(
            right=sum(one in truth and one in said for truth, said in pairs),
            wrong=sum(one not in truth and one in said for truth, said in pairs),
            missed=sum(one in truth and one not in said for truth, said in pairs),
        )
        for one in classes
    }
