"""The weights of suggestions, made from labelled texts: logistic regressions over TF-IDF.

Kinds and categories are learnt each against the rest, fields together, as a text is of one or of none.

Needs scikit-learn (group `bench-suggestions`); what goes by the weights does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from services.complaints.suggesting import concepts
from services.complaints.suggesting.measuring import Answer, Labelled, answers
from services.complaints.suggesting.model import CONCEPT, Model, said_in, seen_by

FOUND = {"denunciation": 0.995}  # the share that cross-validation must find; of others the threshold best by F1
MARGIN = 0.75  # of that threshold is taken: with 0.9, weights of four fifths of the texts found 0.990 in the fifth
ROUNDS = 3  # of cross-validation, shuffled otherwise each time, where a share is to be found
FOLDS = 10
NO_FIELD = ""
KEPT = 0.1  # smaller weights decide nothing and are left out
LEAST_TEXTS = 2  # a term of a single text would be learnt by heart, and might be a name
NAMES = {
    "reflection": "Phản ánh", "recommendation": "Kiến nghị", "complaint": "Khiếu nại", "denunciation": "Tố cáo",
    "land": "Đất đai", "civil_status": "Hộ tịch", "certification": "Chứng thực", "residence": "Cư trú, căn cước",
    "construction": "Xây dựng", "business": "Đăng ký kinh doanh", "social": "Bảo trợ xã hội, người có công",
    "environment": "Môi trường", "transport": "Giao thông, hạ tầng", "education": "Giáo dục", "health": "Y tế",
    "online_service": "Dịch vụ công trực tuyến", "harassment": "Nhũng nhiễu, gây phiền hà",
    "extra_papers": "Yêu cầu thêm giấy tờ ngoài quy định", "pushed_work": "Đẩy việc của cơ quan cho người dân",
    "late": "Chậm giải quyết", "attitude": "Thái độ phục vụ", "overcharge": "Thu phí, lệ phí sai quy định",
    "not_recorded": "Tiếp nhận hồ sơ không cập nhật vào phần mềm, không cấp giấy hẹn",
}  # fmt: skip

Said = list[tuple[str, str]]  # the terms of a text, each with its words


def digest(texts: Iterable[Labelled]) -> str:
    """Return by what it is known from which texts and concepts weights were made."""
    rows = sorted(f"{one.text}\t{one.kind}\t{one.field}\t{sorted(one.categories)}" for one in texts)
    return hashlib.sha256("\n".join(rows).encode() + concepts.CARRIED.read_bytes()).hexdigest()


def trained(texts: Sequence[Labelled], lexicon: concepts.Lexicon | None = None) -> dict[str, Any]:
    """Return the file of weights made from texts."""
    said = [said_in(one.text, lexicon) for one in texts]
    of_others, of_fields = _Terms(said, of_fields=False), _Terms(said, of_fields=True)
    folds = _Folds(said, [one.kind for one in texts])
    made = [
        *(_label(about, key, truth, of_others, folds) for about, key, truth in _labels(texts)),
        *_fields([one.field for one in texts], of_fields),
    ]
    used = {term for label in made for term in label["weights"]}
    rarity = of_others.rarity | of_fields.rarity
    return {
        "version": "2",
        "valid_from": date(2026, 12, 1).isoformat(),
        "trained_on": len(texts),
        "made_from": digest(texts),
        "rarity": {term: rarity[term] for term in sorted(used)},
        "labels": made,
    }


def cross_validated(texts: Sequence[Labelled], parts: int = 5) -> list[Answer]:
    """Return what is suggested of each text by weights, thresholds and phrases of the others alone."""
    found: list[Answer] = []
    for learnt, asked in StratifiedKFold(parts, shuffle=True, random_state=11).split(
        list(texts), [one.kind for one in texts]
    ):
        others = [texts[at] for at in learnt]
        lexicon = concepts.load()
        known = lexicon.only(words for one in others for term, words in said_in(one.text) if term.startswith(CONCEPT))
        found += answers([texts[at] for at in asked], Model.model_validate(trained(others, known)), known)
    return found


def _labels(texts: Sequence[Labelled]) -> list[tuple[str, str, Any]]:
    kinds = sorted({one.kind for one in texts})
    categories = sorted({key for one in texts for key in one.categories})
    return [
        *(("kind", key, np.array([one.kind == key for one in texts])) for key in kinds),
        *(("category", key, np.array([key in one.categories for one in texts])) for key in categories),
    ]


def _vectors() -> Any:
    return TfidfVectorizer(analyzer=list, sublinear_tf=True, min_df=LEAST_TEXTS)


def _regression() -> Any:
    return LogisticRegression(C=10, class_weight="balanced", max_iter=3000)


class _Terms:
    """The terms that some labels go by, as columns. values: a row for each text."""

    def __init__(self, said: Sequence[Said], *, of_fields: bool) -> None:
        vectors = _vectors()
        self.values = vectors.fit_transform([list(seen_by(of_fields, (term for term, _ in one))) for one in said])
        self.names = list(vectors.get_feature_names_out())
        self.rarity = {term: round(float(rarity), 3) for term, rarity in zip(self.names, vectors.idf_, strict=True)}


def _label(about: str, key: str, truth: Any, terms: _Terms, folds: _Folds) -> dict[str, Any]:
    how = _regression().fit(terms.values, truth)
    weights = _weights(terms.names, how.coef_[0])
    likely = folds.likely(truth, rounds=ROUNDS if key in FOUND else 1)
    threshold = round(_threshold(likely, truth, recall=FOUND.get(key)), 3)
    return _said(about, key, float(how.intercept_[0]), threshold, weights)


def _fields(truth: Sequence[str | None], terms: _Terms) -> list[dict[str, Any]]:
    """Return a label of each field, learnt together: what speaks for it more than for having none.

    From one half on a field is likelier than none, and the likeliest of all is the one that softmax would choose.
    """
    how = _regression().fit(terms.values, [one or NO_FIELD for one in truth])
    classes = list(how.classes_)
    of_none = classes.index(NO_FIELD)
    return [
        _said(
            "field", key, float(how.intercept_[at] - how.intercept_[of_none]), 0.5,
            _weights(terms.names, how.coef_[at] - how.coef_[of_none]),
        )
        for at, key in enumerate(classes) if at != of_none
    ]  # fmt: skip


def _weights(terms: list[str], found: Any) -> dict[str, float]:
    return {term: round(float(one), 2) for term, one in zip(terms, found, strict=True) if abs(one) >= KEPT}


def _said(about: str, key: str, bias: float, threshold: float, weights: dict[str, float]) -> dict[str, Any]:
    return {
        "about": about, "key": key, "name": NAMES[key], "bias": round(bias, 3), "threshold": threshold,
        "weights": weights,
    }  # fmt: skip


class _Folds:
    """Cross-validation in which a part knows no phrase of a concept that its own texts alone have.

    The lists of phrases were written by people who had read the texts; else thresholds would be too high for others.
    """

    def __init__(self, said: Sequence[Said], kinds: Sequence[str]) -> None:
        self._said, self._kinds = said, kinds
        self._rounds: list[list[tuple[Any, Any, Any, Any]]] = []

    def likely(self, truth: Any, *, rounds: int) -> Any:
        """Return how likely each text is by those of the other parts, the mean of the scores of all rounds."""
        while len(self._rounds) < rounds:
            self._rounds.append(self._parts(seed=7 + len(self._rounds)))
        score = np.zeros(len(truth))
        for parts in self._rounds[:rounds]:
            for learnt, values, asked, others in parts:
                score[asked] += _regression().fit(values, truth[learnt]).decision_function(others)
        return 1 / (1 + np.exp(-score / rounds))

    def _parts(self, *, seed: int) -> list[tuple[Any, Any, Any, Any]]:
        made = []
        for learnt, asked in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(self._kinds, self._kinds):
            known = {one for at in learnt for one in self._said[at] if one[0].startswith(CONCEPT)}
            vectors = _vectors()
            values = vectors.fit_transform([self._terms(at, known) for at in learnt])
            made.append((learnt, values, asked, vectors.transform([self._terms(at, known) for at in asked])))
        return made

    def _terms(self, at: int, known: set[tuple[str, str]]) -> list[str]:
        terms = (one[0] for one in self._said[at] if not one[0].startswith(CONCEPT) or one in known)
        return list(seen_by(False, terms))


def _threshold(likely: Any, truth: Any, *, recall: float | None) -> float:
    """Return the highest threshold that finds that share, less the margin, or, without one, the best by F1."""
    if recall is not None:
        mine = np.sort(likely[truth])
        return float(max(mine[int((1 - recall) * len(mine))] * MARGIN, 0.01))
    tried = np.arange(0.05, 0.95, 0.01)
    found = [2 * ((likely >= at) & truth).sum() / max((likely >= at).sum() + truth.sum(), 1) for at in tried]
    return float(tried[int(np.argmax(found))])
