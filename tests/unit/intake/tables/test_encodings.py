"""Older encodings are recognised and converted back exactly, or refused: never read wrongly."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.intake.tables.encodings import (
    ENCODINGS,
    DoubtfulError,
    Encoding,
    Evidence,
    as_unicode,
    doubtful,
    recognised,
)
from services.intake.tables.syllables import is_syllable
from tests.unit.intake.tables import legacy

MOTTO = "Cộng hòa xã hội chủ nghĩa Việt Nam"
SAMPLE = (
    "Ủy ban nhân dân phường Hàm Rồng tiếp nhận hồ sơ đăng ký khai sinh, giấy chứng nhận quyền sử dụng đất, "
    "đã xử lý xong, chờ công dân thực hiện nghĩa vụ tài chính; yêu cầu bổ sung giấy tờ của người nộp"
)
OLD: tuple[Encoding, ...] = ("tcvn3", "vni", "windows-1258")


def in_old(text: str, encoding: Encoding) -> str:
    """Return a text as an older file shows it where its bytes are taken for windows-1252."""
    if encoding == "windows-1258":
        return legacy.windows_1258(text).decode("cp1252")
    as_signs: dict[str, Callable[[str], str]] = {"tcvn3": legacy.tcvn3, "vni": legacy.vni, "unicode": str}
    return as_signs[encoding](text)


@pytest.mark.parametrize(
    ("signs", "encoding", "text"),
    [
        ("Céng hoµ x· héi chñ nghÜa ViÖt Nam", "tcvn3", "Cộng hoà xã hội chủ nghĩa Việt Nam"),
        ("§éc lËp - Tù do - H¹nh phóc", "tcvn3", "Độc lập - Tự do - Hạnh phúc"),
        ("Coäng hoøa xaõ hoäi chuû nghóa Vieät Nam", "vni", MOTTO),
        ("Ñoäc laäp - Töï do - Haïnh phuùc", "vni", "Độc lập - Tự do - Hạnh phúc"),
        ("COÄNG HOØA XAÕ HOÄI CHUÛ NGHÓA VIEÄT NAM", "vni", MOTTO.upper()),
        ("C\xf4\xf2ng ho\xcca x\xe3\xde h\xf4\xf2i", "windows-1258", "Cộng hòa xẵ hội"),
        (unicodedata.normalize("NFD", MOTTO), "unicode", MOTTO),
    ],
)
def test_known_texts_are_read_as_they_were_meant(signs: str, encoding: Encoding, text: str) -> None:
    assert as_unicode(signs, encoding) == text


def test_capitals_of_the_font_for_capitals_are_capitals_again() -> None:
    """In .VnTimeH small letters show as capitals; typed with real ones between them the word is half of each."""
    assert as_unicode("NGUYÔN THÞ H¶I", "tcvn3") == "NGUYỄN THỊ HẢI"
    assert as_unicode("Hµ Néi", "tcvn3") == "Hà Nội"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_usual_text_is_recognised(encoding: Encoding) -> None:
    text = SAMPLE.replace("Ủ", "ủ")
    signs = in_old(text, encoding)
    assert recognised(Evidence.of([signs])) == encoding
    assert as_unicode(signs, encoding) == text


@settings(max_examples=400)
@given(text=legacy.TEXTS, encoding=st.sampled_from(ENCODINGS))
@example(text="Lê", encoding="tcvn3")
@example(text="xã và là", encoding="windows-1258")
def test_what_is_recognised_is_right_and_the_rest_is_refused(text: str, encoding: Encoding) -> None:
    signs = in_old(text, encoding)
    try:
        possible: tuple[str, ...] = (recognised(Evidence.of([signs])),)
    except DoubtfulError as doubt:
        possible = doubt.candidates
    assert text in {as_unicode(signs, one) for one in ENCODINGS if one in possible}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_ten_usual_words_are_enough(encoding: Encoding) -> None:
    usual = sorted({word for word in SAMPLE.lower().replace(",", "").replace(";", "").split() if not word.isascii()})
    for seed in range(100):
        text = " ".join(Random(seed).sample(usual, 10))
        assert recognised(Evidence.of([in_old(text, encoding)])) == encoding, text


@settings(max_examples=300)
@given(text=legacy.TEXTS, encoding=st.sampled_from(ENCODINGS))
def test_a_cell_in_the_encoding_of_its_column_is_never_in_doubt(text: str, encoding: Encoding) -> None:
    assert not doubtful(in_old(text, encoding), encoding)


@pytest.mark.parametrize("column", ENCODINGS)
@pytest.mark.parametrize("cell", ENCODINGS)
def test_a_cell_in_another_encoding_than_its_column_is_in_doubt(column: Encoding, cell: Encoding) -> None:
    assert doubtful(in_old(MOTTO, cell), column) == (column != cell)


def test_no_word_beyond_ascii_is_no_doubt_and_few_are() -> None:
    assert recognised(Evidence.of(["Ho so 000.00.12.H56", ""])) == "unicode"
    with pytest.raises(DoubtfulError, match="say `encoding:` in the mapping"):
        recognised(Evidence.of(["Lª"]))
    with pytest.raises(DoubtfulError, match="no Vietnamese encoding"):
        recognised(Evidence.of(["Grüße aus München, schöne Straße"]))


@pytest.mark.parametrize(
    "word", ["Hà", "HÀ", "hoá", "hóa", "nghiêng", "quốc", "Giữ", "khuya", "gì", "Ủy", "uỷ", "đường"]
)
def test_syllables_are_known(word: str) -> None:
    assert is_syllable(word)


@pytest.mark.parametrize("word", ["hÀ", "héi", "cóc̀", "các̉", "xăi", "ngz", "Straße", "bàc", "đượć"])
def test_what_is_none_is_not(word: str) -> None:
    assert not is_syllable(unicodedata.normalize("NFC", word))
