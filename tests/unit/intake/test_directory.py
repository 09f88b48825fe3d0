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
