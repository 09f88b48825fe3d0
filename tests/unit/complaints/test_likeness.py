"""The same matter told again is told from another matter of the same unit; why, is said without any of its words."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest

from services.complaints.finding.likeness import BANDS, LIKELY, Matter, bands_of, compare, likeness_of_words
from tests.unit.complaints.likeness_cases import AT, copies, matter, others

TEXT = "Hồ sơ đất của tôi nộp tháng 8 ở bộ phận một cửa, đến nay chưa có kết quả"
ONE = Matter(TEXT, "xã Mẫu", "X-1", "H56.12", AT)


def test_copies_are_told_from_other_texts_about_the_same_unit() -> None:
    right: dict[str, list[bool]] = defaultdict(list)
    for made, one, other in copies():
        shares_a_band = bool(set(bands_of(one.text)) & set(bands_of(other.text)))
        right[made].append(shares_a_band and compare(one, other)[0] >= LIKELY)
    wrong = sum(compare(one, other)[0] >= LIKELY for one, other in others())
    found = sum(map(sum, right.values()))
    assert found / (found + wrong) >= 0.99  # precision, with six times as many other texts as copies
    for made, share in {"without_marks": 1.0, "mistyped": 0.99, "shortened": 0.99, "reworded": 0.93}.items():
        assert sum(right[made]) / len(right[made]) >= share, made


@pytest.mark.parametrize(
    ("other", "likely", "reasons"),
    [
        (ONE, True,
         ("cùng mã hồ sơ", "lời văn giống 100%", "cùng địa điểm", "cùng đơn vị", "gửi trong vòng một ngày")),
        (Matter("Một việc khác hẳn", None, "X-1", None, AT + timedelta(days=99)), True, ("cùng mã hồ sơ",)),
        (
            Matter(TEXT, None, "X-2", None, AT + timedelta(days=99)),  # many write the same of their own dossier
            False,
            ("lời văn giống 100%", "mã hồ sơ khác nhau"),
        ),
        (Matter("Đèn đường tắt", "XA MAU", None, "H56.12", AT + timedelta(days=3)), False,
         ("cùng địa điểm", "cùng đơn vị", "gửi cách nhau 3 ngày")),
        (Matter("Đèn đường tắt", "xã Đông", None, "H56.13", AT + timedelta(days=31)), False, ()),
    ],
)  # fmt: skip
def test_reasons_are_given(other: Matter, likely: bool, reasons: tuple[str, ...]) -> None:
    score, why = compare(ONE, other)
    assert (score >= LIKELY, why) == (likely, reasons)
    assert compare(other, ONE) == (score, why)
    assert 0 <= score <= 1


def test_a_place_is_the_same_however_its_marks_are_written() -> None:
    elsewhere = replace(ONE, dossier=None, text="Đèn đường tắt", unit=None, filed_at=AT + timedelta(days=99))
    assert compare(ONE, replace(elsewhere, place="XA MAU"))[1] == ("cùng địa điểm",)
    assert compare(ONE, replace(elsewhere, place="xã Mẫu Đông"))[1] == ()


def test_sums_and_dates_do_not_make_another_text() -> None:
    assert likeness_of_words(matter("Thu 300 nghìn ngày 5/9"), matter("thu 450 nghìn ngày 6/8")) == 1


def test_bands_are_the_same_at_every_start() -> None:
    """They are kept in the database: where they come out otherwise, all texts are to be indexed anew."""
    assert len(bands_of(TEXT)) == BANDS
    assert bands_of("một hai ba")[:2] == [
        -2311486440392428670,
        9113309088857735536,
    ]


def test_a_text_without_words_is_like_nothing() -> None:
    assert bands_of("…!?") == []
    assert likeness_of_words(matter("…"), matter("…")) == 0
