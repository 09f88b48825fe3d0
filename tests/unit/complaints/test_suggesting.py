"""What a feedback may be: spellings that say the same, reasons, and the measure of how often it is right."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.complaints.suggesting import model
from services.complaints.suggesting.measuring import Score, answers, confusion, labelled, scores
from services.complaints.suggesting.suggest import KINDS, suggest
from services.complaints.suggesting.text import bare, words_of

CARRIED = model.load()
SMALL = {
    "version": "1",
    "valid_from": "2026-12-01",
    "trained_on": 3,
    "rarity": {"nhan tien": 2.0, "dat": 1.0, "ho so": 1.0},
    "labels": [
        {"about": "kind", "key": "reflection", "name": "Phản ánh", "bias": 0.5, "threshold": 0.5, "weights": {}},
        {"about": "kind", "key": "denunciation", "name": "Tố cáo", "bias": -2, "threshold": 0.2,
         "weights": {"nhan tien": 2.0, "ho so": -1.0}},
        {"about": "field", "key": "land", "name": "Đất đai", "bias": -1, "threshold": 0.5, "weights": {"dat": 4.0}},
    ],
}  # fmt: skip


def small(**changed: object) -> model.Model:
    return model.read(json.dumps(SMALL | changed))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Cán bộ địa chính nói phải có phong bì năm triệu thì mới ký hồ sơ cho gia đình tôi", "denunciation"),
        ("Tôi không đồng ý với Quyết định thu hồi đất, đề nghị xem xét lại mức bồi thường cho gia đình", "complaint"),
        ("Kiến nghị tỉnh nghiên cứu bỏ bớt thủ tục, nên bố trí thêm cán bộ một cửa", "recommendation"),
    ],
)
def test_a_text_is_of_a_kind(text: str, kind: str) -> None:
    assert suggest(text, CARRIED).kind.key == kind
    assert suggest(bare(text), CARRIED).kind.key == kind


def test_a_denunciation_is_one_from_its_threshold_on_though_another_kind_is_likelier() -> None:
    said = suggest("nhận tiền", small())
    assert (said.kind.key, [one.key for one in said.others]) == ("denunciation", ["reflection"])
    assert (said.likeliest.key, said.is_suspected) == ("reflection", True)
    assert suggest("hồ sơ", small()).kind.key == "reflection"
    assert not suggest("hồ sơ", small()).is_suspected


def test_spellings_of_the_same_words_say_the_same() -> None:
    text = "Ủy ban hoà giải đất đai, cán bộ thuỷ lợi nhận tiền"
    said = suggest(text, CARRIED)
    for other in (unicodedata.normalize("NFD", text), text.upper(), text.replace("hoà", "hòa"), f"{text}!!!"):
        assert suggest(other, CARRIED) == said
    assert words_of("UBND xã lâuuu 250") == ["uy", "ban", "nhan", "dan", "xa", "lau", "000"]


def test_reasons_are_terms_of_the_model_the_weightiest_first() -> None:
    said = suggest("Nguyễn Văn Mẫu nhận tiền, làm đất", small())
    assert [(one.term, one.weight) for one in said.kind.reasons] == [("nhan tien", 1.79)]
    assert (said.field_key, [one.term for one in said.fields[0].reasons]) == ("land", ["dat"])


@given(st.text(max_size=300))
def test_any_text_has_a_suggestion(text: str) -> None:
    assert suggest(text, CARRIED).kind.key in KINDS


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"trained_on": 0}, "trained_on"),
        ({"labels": []}, "labels"),
        ({"rarity": {"a": "x"}}, "rarity.a"),
        ({"z": 1}, "z"),
    ],
)
def test_a_faulty_file_is_refused_with_the_place(changed: dict[str, object], place: str) -> None:
    with pytest.raises(model.ModelError, match=place):
        small(**changed)


def test_scores_count_what_is_right_wrong_and_missed() -> None:
    rows = csv.DictReader(
        io.StringIO(
            "text,kind,field,categories\n"
            "Ông ấy nhận tiền của dân,denunciation,,\n"
            "Đất của tôi,denunciation,land,\n"
            "Đường hỏng,reflection,transport,\n"
        )
    )
    given = answers(labelled(rows), small())
    found = scores(given)
    assert found["suspected"]["denunciation"] == Score(right=1, wrong=0, missed=1)
    assert (found["suspected"]["denunciation"].precision, found["suspected"]["denunciation"].recall) == (1.0, 0.5)
    assert found["kind"]["reflection"] == Score(right=1, wrong=2, missed=0)  # of kinds it is the likeliest that counts
    assert confusion(given) == {("denunciation", "reflection"): 2, ("reflection", "reflection"): 1}
    assert found["field"]["transport"].missed == 1
    assert Score(0, 0, 0).precision is None


def test_a_row_without_its_label_is_refused_by_its_line() -> None:
    with pytest.raises(ValueError, match="line 3"):
        labelled([{"text": "a", "kind": "reflection"}, {"text": "b", "kind": ""}])
