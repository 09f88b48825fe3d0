"""What is typed into the search of feedback, and what of a text it is shown to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.complaints.finding.extracts import LENGTH, extract
from services.complaints.finding.query import LONGEST, QueryTooLongError, read
from services.complaints.finding.words import vector, word


def marked(text: str, query: str) -> list[str]:
    return [piece.text for piece in extract(text, read(query)).pieces if piece.hit]


def test_a_word_without_marks_finds_it_however_it_is_marked() -> None:
    assert marked("Hồ sơ của hộ tôi, ho so", "ho ") == ["Hồ", "hộ", "ho"]


def test_a_word_with_marks_finds_those_marks_only() -> None:
    assert marked("Hồ sơ của hộ tôi bị hố", "hồ ") == ["Hồ"]


def test_a_word_with_marks_finds_the_bare_word_of_a_text_that_has_no_marks_at_all() -> None:
    assert marked("nop ho so da hai thang", "hồ sơ ") == ["ho", "so"]
    assert marked("Nộp hồ sơ ở ho tư pháp", "hộ ") == []


def test_both_ways_to_set_a_tone_and_to_write_a_letter_are_one() -> None:
    assert word("hoà") == word("hòa") == word("ho\u0300a") == word("HÒA")
    assert word("thuỷ") == word("thủy")
    assert word("đất").bare == "dat"
    assert word("đất") != word("dất")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("hồ sơ quá h", []),
        ("hồ sơ quá hạ", ["hạn"]),
        ("qua han", ["hạn"]),
        ("qua ha", []),
        ("hồ sơ quá ha ", []),
        ("hô", ["hồ"]),
    ],
)
def test_the_last_word_may_be_a_beginning_of_three_letters_or_two_marked(typed: str, found: list[str]) -> None:
    assert set(marked("hồ sơ quá hạn", typed)) - {"hồ", "sơ", "quá"} == set(found) - {"hồ"}
    assert (found == ["hồ"]) <= ("hồ" in marked("hồ sơ quá hạn", typed))


def test_words_in_quotes_stand_side_by_side() -> None:
    assert marked("trả kết quả, kết nối, quả", '"kết quả"') == ["kết quả"]
    assert read('"kết quả').whole == read('"kết quả"').whole  # a quote that is not closed ends with the query


def test_the_parts_of_a_code_stand_side_by_side() -> None:
    code = "000.00.12.H56-261120-0007"
    assert marked(f"mã {code} ạ, 261120", code.lower() + " ") == [code]
    assert read("261120-0007 ").whole == "('261120' <-> '0007')"


def test_the_index_is_asked_for_all_but_what_stands_side_by_side() -> None:
    assert read('"kết quả" tra').key == "('=1kêt' | '~ket') & ('=3qua' | '~qua') & ('tra':*)"
    assert read('đất -rừng -"cây cối"').key == "('=1đât' | '~dat') & !('=2rưng' | '~rung')"
    assert [read(typed).is_exact for typed in ("hồ sơ -đất", '"hồ sơ"', "261120-0007")] == [True, False, False]


def test_a_word_behind_a_minus_must_not_occur() -> None:
    assert read("đất -rừng").whole == "('=1đât' | '~dat') & !('=2rưng' | '~rung')"
    assert not read("-rừng").terms  # nothing is asked for


@pytest.mark.parametrize("typed", ["", "  ", "!", "&|!()<->:*'\\", "-", '""', "---", "🙂", "\x00"])
def test_what_has_no_words_asks_for_nothing(typed: str) -> None:
    assert read(typed).whole == read(typed).key == ""


def test_too_much_is_refused_with_what_is_allowed() -> None:
    for typed in ("a" * (LONGEST + 1), "a " * 33):
        with pytest.raises(QueryTooLongError, match="at most 300 letters and 32 words"):
            read(typed)


@given(st.text(max_size=LONGEST))
def test_whatever_is_typed_is_read_and_holds_no_quote_of_its_own(typed: str) -> None:
    try:
        query = read(typed)
    except QueryTooLongError:
        return
    inside = query.whole.replace("'", "").replace("<->", "")
    assert "\\" not in query.whole
    assert query.whole.count("'") % 2 == 0
    assert not set(inside) & {'"', "<", ";"}
    assert bool(query.whole) == bool(query.key)


@given(st.text(max_size=600), st.text(max_size=40))
def test_the_pieces_of_an_extract_are_the_text(written: str, typed: str) -> None:
    import unicodedata

    text = unicodedata.normalize("NFC", written)
    found = extract(written, read(typed))
    whole = "".join(piece.text for piece in found.pieces)
    assert whole in text
    assert len(whole) <= LENGTH
    assert found.cut_before or text.startswith(whole)
    assert found.cut_after or text.endswith(whole)


def test_an_extract_shows_where_most_hits_are() -> None:
    text = "Mở đầu có hồ. " + "Không có gì ở đây cả. " * 20 + "Nộp hồ sơ đất đã lâu. " + "Rồi thôi. " * 30
    found = extract(text, read("hồ sơ đất "))
    assert found.cut_before
    assert found.cut_after
    assert [piece.text for piece in found.pieces if piece.hit] == ["hồ", "sơ", "đất"]


def test_a_vector_parts_what_was_written_apart() -> None:
    assert vector("một", "hai") == "'mot':1 '=5môt':1 'hai':6 '~hai':6"
    assert vector("một hai", None) == "'mot':1 '=5môt':1 'hai':2"
