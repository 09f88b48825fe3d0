"""How right the carried weights are on texts that they were not made from, and that they are made from the others."""

from __future__ import annotations

import dataclasses
import time

import orjson
import pytest

from bench.suggestions import texts
from services.complaints.suggesting import concepts, model
from services.complaints.suggesting.measuring import answers, scores
from services.complaints.suggesting.suggest import Guess, Suggestion, suggest
from services.complaints.suggesting.text import words_of

TEXTS = texts()
HELD_OUT = [one for one in TEXTS if one.is_held_out]
DEVELOPMENT = [one for one in TEXTS if not one.is_held_out]
CARRIED = model.load()
GIVEN = answers(HELD_OUT, CARRIED)
SCORES = scores(GIVEN)


def guesses(said: Suggestion) -> list[Guess]:
    return [said.kind, said.likeliest, *said.others, *said.fields, *said.categories]


def test_there_are_enough_texts_of_every_kind_and_none_twice() -> None:
    assert len(TEXTS) >= 1_200
    assert len(HELD_OUT) >= 400
    assert len({tuple(words_of(one.text)) for one in TEXTS}) == len(TEXTS)
    assert min(sum(one.kind == kind for one in HELD_OUT) for kind in {one.kind for one in TEXTS}) >= 60


def test_hardly_a_denunciation_of_those_held_out_is_missed() -> None:
    recall = SCORES["suspected"]["denunciation"].recall
    assert recall is not None
    assert recall >= 0.98


@pytest.mark.parametrize("kind", ["reflection", "recommendation", "complaint", "denunciation"])
def test_the_likeliest_kind_is_mostly_right(kind: str) -> None:
    one = SCORES["kind"][kind]
    assert one.precision is not None
    assert one.recall is not None
    assert min(one.precision, one.recall) >= 0.75


def test_each_reason_stands_in_the_text() -> None:
    for one in GIVEN:
        words = f" {' '.join(words_of(one.truth.text))} "
        reasons = [reason for guess in guesses(one.said) for reason in guess.reasons]
        assert all(f" {reason.term} " in words for reason in reasons)
    assert all(one.said.kind.reasons for one in GIVEN if one.said.is_suspected)


def test_terms_of_the_carried_weights_are_of_several_texts() -> None:
    said = [{term for term, _ in model.said_in(one.text)} for one in DEVELOPMENT]
    assert all(sum(term in one for one in said) >= 2 for term in list(CARRIED.rarity)[::40])


def test_a_phrase_that_means_something_else_without_its_marks_asks_for_them() -> None:
    lexicon = concepts.read({"giả mạo": ["!làm giả"], "người nhà": ["em vợ"]})
    found = {text: [one.concept for one in concepts.found(text, lexicon)] for text in ("làm giả", "làm già", "lam gia")}
    assert found == {"làm giả": ["giả mạo"], "làm già": [], "lam gia": ["giả mạo"]}
    assert concepts.found("cho EM VỢ 5 triệu", lexicon) == [
        concepts.Found("người nhà", "em vo"), concepts.Found(concepts.MONEY, "0 trieu"),
    ]  # fmt: skip
    assert concepts.found("em vo", lexicon.only(["lam gia"])) == []


def test_every_phrase_has_words() -> None:
    assert all(concepts.load().phrases)


def test_the_file_is_small_and_a_judgement_quick() -> None:
    assert model.CARRIED.stat().st_size < 2_000_000
    begun = time.process_time()
    for one in HELD_OUT[:200]:
        suggest(one.text, CARRIED)
    assert (time.process_time() - begun) / 200 < 0.01  # about 0.8 ms here; held is that it stays of that order


def test_the_carried_weights_are_made_from_the_texts_and_concepts_as_they_are() -> None:
    assert CARRIED.trained_on == len(DEVELOPMENT)
    weights = pytest.importorskip(
        "bench.suggestion_weights", reason="needs the group bench-suggestions", exc_type=ImportError
    )
    assert weights.digest(DEVELOPMENT) == CARRIED.made_from


def test_weights_made_anew_say_the_same() -> None:
    weights = pytest.importorskip(
        "bench.suggestion_weights", reason="needs the group bench-suggestions", exc_type=ImportError
    )
    again = model.read(orjson.dumps(weights.trained(DEVELOPMENT)))
    assert [dataclasses.asdict(one) for one in scores(answers(HELD_OUT, again))["kind"].values()] == [
        dataclasses.asdict(one) for one in SCORES["kind"].values()
    ]
