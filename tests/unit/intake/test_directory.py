"""What a directory file may hold."""

from __future__ import annotations

import pytest

from services.intake import directory
from services.intake.directory_changes import put_together

FULL = (
    "code,name,kind,parent_code,email,phone,aliases,difficult\nX,Xã Mường Lát,xa_cu,H56,x@example.vn,0900000001,M|L,1\n"
)
HEADER = "code,name,email\n"


def test_one_address_is_taken() -> None:
    assert directory.read(HEADER + "H56.12,UBND xã,xa@example.vn\n")["H56.12"]["email"] == "xa@example.vn"


@pytest.mark.parametrize(
    "email", ["a@example.com;b@example.vn", '"a@example.com,b@example.vn"', "A<a@example.vn>", "@"]
)
def test_several_addresses_in_one_cell_are_refused(email: str) -> None:
    with pytest.raises(directory.DirectoryError, match="line 2"):
        directory.read(HEADER + f"H56.12,UBND xã,{email}\n")


@pytest.mark.parametrize(("mark", "expected"), [("1", True), (" 1 ", True), ("0", False), ("", False)])
def test_a_commune_is_marked_as_difficult_by_1(mark: str, expected: bool) -> None:
    assert directory.read(f"code,name,difficult\nX,Xã Mường Lát,{mark}\n")["X"]["difficult"] is expected


def test_what_a_table_has_no_column_for_stays_as_it_is_and_an_empty_cell_takes_it_away() -> None:
    known = put_together({}, directory.take_file(FULL.encode()))
    renamed = put_together(known, directory.take_file("code,name\nX,Xã Mường Lát mới\n".encode()))
    assert renamed["X"] == {**known["X"], "name": "Xã Mường Lát mới"}
    emptied = put_together(known, directory.take_file("code,name,email,difficult\nX,Xã Mường Lát,,\n".encode()))
    assert emptied["X"] == {**known["X"], "email": None, "difficult": False}
    assert put_together({}, directory.take_file("code,name\nY,Xã Mới\n".encode()))["Y"]["kind"] == "unit"


@pytest.mark.parametrize("mark", ["x", "true", "2", "có"])
def test_another_mark_is_refused_with_its_line(mark: str) -> None:
    with pytest.raises(directory.DirectoryError, match="line 2: difficult of X must be 1, 0 or empty"):
        directory.read(f"code,name,difficult\nX,Xã Mường Lát,{mark}\n")
