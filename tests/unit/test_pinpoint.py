"""Where in its bytes a message is at fault."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import pinpoint

SAMPLE = '{"a": 1,\n "ngày": {"x": [true, "đ\\"", {"y": 5}]}}'.encode()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


@pytest.mark.parametrize(
    ("path", "at"),
    [
        ("a", "1"),
        ("ngày.x.1", '"đ\\"'),
        ("ngày.x.2.y", "5"),
        ("ngày.x.7", "[true"),
        ("ngày.missing", '{"x"'),
        ("missing", '{"a"'),
        ("a.0", "1"),
    ],
)
def test_a_path_leads_to_its_value_or_to_where_it_would_belong(path: str, at: str) -> None:
    spot = pinpoint.field(SAMPLE, path)
    assert spot
    assert spot.excerpt[len(spot.caret) - 1 :].startswith(at)


@pytest.mark.parametrize(
    ("raw", "place"),
    [(b'{"a": }', (1, 7)), (b'{"a":\n 1,,}', (2, 4)), (b'{"\xc4\x83": "\xff"}', (1, 8)), (b"{}", None)],
)
def test_what_is_no_json_is_shown_where_the_parser_stops(raw: bytes, place: tuple[int, int] | None) -> None:
    spot = pinpoint.unreadable(raw)
    assert (spot and (spot.line, spot.column)) == place


@given(JSON, st.lists(st.text("ab01", max_size=2), max_size=3))
def test_any_path_in_any_json_has_a_place(document: object, path: list[str]) -> None:
    assert pinpoint.field(orjson.dumps(document), ".".join(path))


@given(st.binary(max_size=60), st.text(max_size=5))
def test_any_bytes_are_no_failure(raw: bytes, path: str) -> None:
    pinpoint.unreadable(raw)
    pinpoint.field(raw, path)
