"""Which code a dossier goes by, what moves when that changes, and which retractions count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.intake.correcting import marks
from services.intake.correcting.marks import RETRACTED, Said

PORTAL, LATER = "000.00.12.H56-261102-0001", "H56.12-20261102-0000009"
WHY = Said("x", "y", "2026-11-20T09:00:00+07:00")


def test_the_portals_code_goes_before_others_and_the_smaller_before_the_larger() -> None:
    assert marks.dossiers_of([("A-1", PORTAL)]) == {"A-1": PORTAL, PORTAL: PORTAL}
    assert set(marks.dossiers_of([("A-1", LATER)]).values()) == {LATER}
    assert marks.dossiers_of([("B-1", "A-1")]) == {"A-1": "A-1", "B-1": "A-1"}
    assert set(marks.dossiers_of([(LATER, PORTAL)]).values()) == {PORTAL}


@given(st.permutations([("A", "B"), ("B", "C"), ("X", "Y"), ("C", "A"), ("Y", "Z")]), st.booleans())
def test_chains_and_circles_are_one_dossier_in_any_order(links: list[tuple[str, str]], turned: bool) -> None:
    said = [(other, one) for one, other in links] if turned else links
    assert marks.dossiers_of(said) == {"A": "A", "B": "A", "C": "A", "X": "X", "Y": "X", "Z": "X"}


def test_what_moves_is_every_code_whose_dossier_changed() -> None:
    before, after = marks.dossiers_of([("A", "B")]), marks.dossiers_of([("A", "B"), ("B", PORTAL)])
    assert marks.moves(before, after) == [("A", "A", PORTAL), ("B", "A", PORTAL)]
    assert marks.moves(after, before) == [("A", PORTAL, "A"), ("B", PORTAL, "A")]
    assert marks.moves({}, before) == [("B", "B", "A")]


def test_a_retraction_counts_unless_it_is_retracted() -> None:
    first = marks.mark("X", RETRACTED, "f", WHY)
    second = marks.mark("X", RETRACTED, first["id"], WHY)
    third = marks.mark("X", RETRACTED, second["id"], WHY)
    assert marks.retracted([first]) == {"f": first}
    assert set(marks.retracted([second, first])) == {first["id"]}
    assert set(marks.retracted([third, first, second])) == {"f", second["id"]}
