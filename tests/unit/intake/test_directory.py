"""What a directory file may hold."""

from __future__ import annotations

import pytest

from services.intake import directory

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


def test_a_file_without_that_column_marks_none() -> None:
    assert directory.read("code,name\nX,Xã Mường Lát\n")["X"]["difficult"] is False


@pytest.mark.parametrize("mark", ["x", "true", "2", "có"])
def test_another_mark_is_refused_with_its_line(mark: str) -> None:
    with pytest.raises(directory.DirectoryError, match="line 2: difficult of X must be 1, 0 or empty"):
        directory.read(f"code,name,difficult\nX,Xã Mường Lát,{mark}\n")
