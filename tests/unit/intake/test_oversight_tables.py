"""Oversight's records from tables, each mistake with its line."""

from __future__ import annotations

import pytest

from services.intake.oversight.rows import MOST_LINES, TableError, read, read_numbers


def test_lines_keep_their_numbers_and_dates_may_be_written_as_people_do() -> None:
    table = 'ID,unit,title,due_on\n\nKL-1,14797,"Niêm yết\nđủ",15/12/2026\n,,,\nKL-2,14797,,2026-12-05\n'
    one, other = read("task", table.encode())
    assert (one.line, one.cells["due_on"], one.cells["title"]) == (3, "2026-12-15", "Niêm yết đủ")
    assert (other.line, sorted(other.cells)) == (6, ["due_on", "id", "unit"])


def test_cells_are_what_their_members_are() -> None:
    [check] = read("surprise_check", b"id,unit,findings\nKT-1,14797,KL-1 | KL-2|\n")
    [plan] = read("plan", b"id,unit,year\nKH-1,14797,2026\n")
    assert (check.cells["findings"], plan.cells["year"]) == (["KL-1", "KL-2"], 2026)


def test_decomposed_letters_are_composed() -> None:
    [one] = read("task", "id,title\nKL-1,Nie\u0302m yê\u0301t\n".encode())
    assert one.cells["title"] == "Niêm yết"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"id,colour\nx,red\n", "line 1: unknown column colour"),
        (b"id,id\nx,y\n", "line 1: a column stands twice"),
        (b"id,title\nx,a,b\n", "line 2: 3 cells for 2 columns"),
        (b'id,title\nx,"a\n', "line 2: not CSV"),
        (b"id,title\nx,\xff\n", "line 2: not UTF-8"),
        (b"id,title\nx," + b"a" * 10_001 + b"\n", "line 2: title: more than"),
        (b"id\n" + b"x\n" * (MOST_LINES + 1), f"more than {MOST_LINES} lines"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_line(content: bytes, said: str) -> None:
    with pytest.raises(TableError, match=said):
        read("task", content)


def test_semicolons_part_cells_as_excel_writes_them_in_vietnam() -> None:
    [one] = read("task", "\ufeffid;title;due_on\nKL-1;Niêm yết, đủ;15/12/2026\n".encode())
    assert one.cells == {"id": "KL-1", "title": "Niêm yết, đủ", "due_on": "2026-12-15"}
    assert read_numbers(b"unit;overdue_share\n14797;0,25\n") == {"14797": {"overdue_share": 0.25}}


def test_numbers_of_units_are_read_with_either_comma() -> None:
    table = b'unit,overdue_share,flags\n14797,"0,25",\nTH-STC,0.5,12\n'
    assert read_numbers(table) == {"14797": {"overdue_share": 0.25}, "TH-STC": {"overdue_share": 0.5, "flags": 12}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"unit,overdue_share\n14797,many\n", "line 2: overdue_share: not a number"),
        (b"unit,overdue_share\n14797,nan\n", "line 2: overdue_share: not a number"),
        (b"unit,overdue_share\n14797,1\n14797,0\n", "line 3: unit: 14797 stands twice"),
        (b"unit,overdue_share\n,0.5\n", "line 2: unit: missing"),
        (b"unit,points\n14797,3\n", "unknown column points"),
    ],
)
def test_numbers_that_are_none_are_refused(content: bytes, said: str) -> None:
    with pytest.raises(TableError, match=said):
        read_numbers(content)
