"""What a word means: on a day, for a source, through mergers, with evidence and without."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.directory import Alias, Directory, Unit, Words
from tests.unit.directory.given import words

OLD = Unit("O", "Huyện Cũ", ("H56.9",), False, None, "2025-06-30", ("A", "B"))
A = Unit("A", "Xã An", (), True, "2025-07-01", parent_code="P")
B = Unit("B", "Xã Bình", (), True, "2025-07-01", None, (), (Alias("Xã Cũ Nhất", None, None, "2025-06-30"),), "P")
ROOM = Unit("A-HCC", "Trung tâm Phục vụ hành chính công xã An", (), True, parent_code="A")
P = Unit("P", "Tỉnh", (), True)


def meaning(units: list[Unit], of: Words, on: str = "2026-11-20") -> tuple[str | None, str]:
    found = Directory(units).meaning(of, on=on)
    return found.code, found.why


def test_a_unit_that_is_over_gives_way_to_its_successor_through_any_number_of_mergers() -> None:
    chain = [
        Unit("1", "Một", (), True, None, "2025-06-30", ("2",)),
        Unit("2", "Hai", (), True, "2025-07-01", "2026-06-30", ("3",)),
        Unit("3", "Ba", (), True, "2026-07-01"),
    ]
    assert meaning(chain, words("Một"), on="2025-06-30") == ("1", "named")
    assert meaning(chain, words("Một"), on="2025-07-01") == ("2", "successor")
    assert meaning(chain, words("Một"), on="2026-06-30") == ("2", "successor")
    assert meaning(chain, words("Một"), on="2026-07-01") == ("3", "successor")


def test_a_unit_stands_for_itself_up_to_its_last_day() -> None:
    assert Directory([OLD, A, B]).successors("O", on="2025-06-30") == ("O",)
    assert Directory([OLD, A, B]).successors("O", on="2025-07-01") == ("A", "B")


def test_a_circle_of_successors_ends() -> None:
    circle = [
        Unit("1", "Một", (), False, None, None, ("2",)),
        Unit("2", "Hai", (), False, None, None, ("1",)),
    ]
    assert meaning(circle, words("Một")) == ("1", "named")


def test_successors_that_nobody_knows_are_passed_over() -> None:
    assert meaning([Unit("1", "Một", (), False, None, None, ("X",))], words("Một")) == ("1", "named")


@pytest.mark.parametrize(
    ("hints", "code"),
    [
        ((), None),
        (("Bộ phận một cửa UBND xã An",), "A"),
        (("bo phan mot cua",), None),
        (("Trung tâm Phục vụ hành chính công xã An",), "A"),
        (("A-HCC",), "A"),
        (("xã An", "xã Bình"), None),
        (("xã An", "Sở Tư pháp", "P"), "A"),
        (("UBND xã Cũ Nhất, huyện Cũ",), "B"),
        (("xã Anh",), None),
    ],
)
def test_only_evidence_that_points_at_one_singles_it_out(hints: tuple[str, ...], code: str | None) -> None:
    assert meaning([OLD, A, B, ROOM, P], words("Huyện Cũ", hints=hints))[0] == code
    assert meaning([OLD, A, B, ROOM, P], words("H56.9", hints=hints))[0] == code


def test_an_agency_id_that_is_one_of_the_successors_is_evidence_and_that_of_the_unit_above_is_none() -> None:
    of_a = A._replace(aliases=("H56.9.1",))
    of_p = P._replace(aliases=("H56",))
    assert meaning([OLD, of_a, B, of_p], words("Huyện Cũ", "H56.9.1")) == ("A", "evidence")
    assert meaning([OLD, of_a, B, of_p], words("Huyện Cũ", "H56")) == (None, "ambiguous")


def test_a_word_is_read_as_of_the_day_it_was_said() -> None:
    before = Unit("1", "Phường Đông", (), True, None, "2025-06-30", ("3",))
    now = Unit("2", "Phường Đông", (), True, "2025-07-01")
    took = Unit("3", "Phường Tây", (), True, "2025-07-01")
    units = [before, now, took]
    assert meaning(units, words("Phường Đông", said_on="2025-06-30")) == ("3", "successor")
    assert meaning(units, words("Phường Đông", said_on="2025-07-01")) == ("2", "named")


def test_an_alias_of_one_source_goes_first_for_that_source_and_is_unknown_to_others() -> None:
    own = A._replace(limited_aliases=(Alias("Một cửa", "motcua-1", "2026-01-01", None), Alias("Xã Bình", "motcua-1")))
    assert meaning([own, B], words("Một cửa")) == ("A", "named")
    assert meaning([own, B], words("Một cửa", source="khac")) == (None, "unknown")
    assert meaning([own, B], words("Xã Bình")) == ("A", "named")
    assert meaning([own, B], words("Xã Bình", source="khac")) == ("B", "named")


def test_a_name_out_of_force_still_means_its_unit_where_nothing_else_is_called_so() -> None:
    assert meaning([A, B], words("Xã Cũ Nhất")) == ("B", "named")
    newer = Unit("N", "Xã Cũ Nhất", (), True)
    assert meaning([A, B, newer], words("Xã Cũ Nhất")) == ("N", "named")
    assert meaning([A, B, newer], words("Xã Cũ Nhất", said_on="2025-01-01")) == ("N", "named")  # the name goes first


@pytest.mark.parametrize("written", ["TP. Thanh Hóa", "UBND TP Thanh Hoá", "Ủy ban nhân dân thành phố Thanh Hóa"])
def test_short_forms_of_a_place_and_its_committee_are_one_name(written: str) -> None:
    assert meaning([Unit("X", "Thành phố Thanh Hóa", (), True)], words(written)) == ("X", "named")


def test_a_name_with_the_place_behind_it_is_taken_apart_only_where_the_whole_is_unknown() -> None:
    both = [
        Unit("1", "Phường Ba Đình", (), True, parent_code="C"),
        Unit("2", "Phường Ba Đình", (), True, parent_code="D"),
        Unit("C", "Thành phố Thanh Hóa", (), False, None, None, ("1",)),
        Unit("D", "Thị xã Bỉm Sơn", (), False, None, None, ("2",)),
        Unit("S", "Sở Văn hóa, Thể thao và Du lịch", (), True),
    ]
    assert meaning(both, words("Phường Ba Đình - TP Thanh Hóa")) == ("1", "evidence")
    assert meaning(both, words("UBND phường Ba Đình (TX Bỉm Sơn)")) == ("2", "evidence")
    assert meaning(both, words("Phường Ba Đình")) == (None, "ambiguous")
    assert meaning(both, words("Sở Văn hóa, Thể thao và Du lịch")) == ("S", "named")


UNITS = [OLD, A, B, ROOM, P, Unit("N", "Xã Cũ Nhất", (), True, "2026-01-01")]
HINTS = ("xã An", "xã Bình", "Sở Tư pháp", "A-HCC", "P")
DAYS = st.dates().map(lambda day: day.isoformat())


@given(
    st.permutations(UNITS),
    st.lists(st.sampled_from(HINTS), max_size=4),
    st.sampled_from((*HINTS, "H56.9")),
    DAYS,
    DAYS,
)
def test_neither_the_order_of_units_nor_that_of_hints_changes_a_meaning(
    units: list[Unit], hints: list[str], word: str, said_on: str, on: str
) -> None:
    found = {
        Directory(order).meaning(words(word, hints=tuple(told), said_on=said_on), on=on)._replace(evidence=())
        for order in (UNITS, units)
        for told in permutations(hints)
    }
    assert len(found) == 1


@given(DAYS, DAYS)
def test_days_between_two_turns_give_the_same_meaning_as_each_day_itself(said_on: str, on: str) -> None:
    """The index remembers by spans in which nothing begins or ends."""
    turns = Directory(UNITS).turns(after="0001-01-01", until="9999-12-31")
    assert turns == ["2025-07-01", "2026-01-01"]
    found = Directory(UNITS).meaning(words("Huyện Cũ", said_on=said_on), on=on)
    assert found.candidates == (("A", "B") if on >= "2025-07-01" else ())
    assert found.code == (None if on >= "2025-07-01" else "O")


def test_two_states_of_the_directory_are_equal_when_the_same_words_mean_the_same() -> None:
    assert Directory([A, B]) == Directory([B, A])
    assert Directory([A, B]) != Directory([A, B._replace(name="Xã Khác")])
