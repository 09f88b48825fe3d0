"""What people open in a spreadsheet runs nothing, and reads as it was."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from shared import sheets


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0")), min_size=1))
def test_no_cell_begins_a_formula_and_each_is_read_again_as_it_was(cells: list[str]) -> None:
    [row] = csv.reader(io.StringIO(sheets.line(cells).decode(), newline=""))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row)
    assert [sheets.unguarded(cell) for cell in row] == cells


def test_the_mark_comes_first_and_nothing_is_an_empty_cell() -> None:
    assert sheets.head(["Đơn vị", "số"]).startswith("\N{ZERO WIDTH NO-BREAK SPACE}Đơn vị,số".encode())
    assert sheets.line([None, -1, "-1", "=1+1"]) == b",-1,'-1,'=1+1\r\n"
