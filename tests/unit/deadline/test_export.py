"""The export's table opens in a spreadsheet, and a time on the command line is an instant."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson
import pytest
import typer

from services.deadline import cli
from shared.cli import lines_of, moment
from tests.unit.deadline.saying import snapshot, told


def table(**changes: Any) -> list[dict[str, str]]:
    made = told(snapshot("2026-11-02T09:05:00", NgayTiepNhan="20261102090000", DonViXuLy="UBND xã Mường Lát"))
    raw = b"".join(cli.as_csv([orjson.dumps({**made, **changes})]))
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def test_flags_are_joined_by_spaces_and_empty_is_empty() -> None:
    [row] = table(flags=["due_dates_differ", "reopened"])
    assert (row["flags"], row["due_at"], row["unit_name"]) == ("due_dates_differ reopened", "", "UBND xã Mường Lát")


def test_a_text_that_a_spreadsheet_would_run_is_quoted() -> None:
    [row] = table(unit_name='=HYPERLINK("x")')
    assert row["unit_name"] == '\'=HYPERLINK("x")'


def test_lines_are_split_at_line_feeds_alone() -> None:
    parts = ['{"a":"một\u2028hai'.encode(), b'"}\n{"b"', b":1}\n"]
    assert list(lines_of(parts)) == ['{"a":"một\u2028hai"}'.encode(), b'{"b":1}']


def test_a_time_without_an_offset_is_vietnamese_time() -> None:
    assert moment("2026-11-20T17:00", option="--as-of") == "2026-11-20T17:00:00+07:00"
    assert moment("2026-11-20T10:00:00Z", option="--as-of") == "2026-11-20T10:00:00+00:00"
    with pytest.raises(typer.BadParameter):
        moment("soon", option="--as-of")
