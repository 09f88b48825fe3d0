"""A mapping file is taken whole or refused with the line and the reason of every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.intake.tables import mapping
from services.intake.tables.mapping import MappingError

GOOD = """\
version: 2026-11-01
target: snapshot
columns:
  code: [Mã hồ sơ, Số hồ sơ]
  due_at:
    from: Ngày hẹn trả
    dates: [dd/MM/yyyy HH:mm, dd/MM/yyyy]
    time: "17:00"
  status: {from: Trạng thái, values: {Đang xử  lý: 4}}
  channel: {constant: 1}
"""


def mistakes(text: str) -> list[tuple[int, str]]:
    with pytest.raises(MappingError) as told:
        mapping.read(text)
    return told.value.mistakes


def test_a_good_file_is_taken() -> None:
    read = mapping.read(GOOD)
    assert read.columns["code"].named == ("Mã hồ sơ", "Số hồ sơ")
    assert read.columns["status"].values == {"đang xử lý": "4"}
    assert (read.file.header_row, read.aim.format) == (1, "national")


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("2026-11-01", "soon", 1, "version"),
        ("target: snapshot", "target: dossier", 2, "'dossier' is not one of snapshot, step, dondoc.duty.v1"),
        ("  channel:", "  colour:", 10, "snapshot has no such field"),
        ("dd/MM/yyyy]", "dd/MM/yy]", 7, "two digits make no year"),
        ("dd/MM/yyyy]", "MM/dd/yyyy]", 8, ""),
        ('    time: "17:00"\n', "", 5, "has no clock time"),
        ('"17:00"', "5pm", 8, "a clock time is written as"),
        ("    dates: [dd/MM/yyyy HH:mm, dd/MM/yyyy]\n", "", 5, "`dates` must say how"),
        ("{constant: 1}", "{constant: 1, from: Kênh}", 10, "either `from`"),
        ("  code: [Mã hồ sơ, Số hồ sơ]\n", "", 3, "columns.code: must be given"),
        ("columns:", "column:", 3, "Extra inputs"),
        ("  channel:", "  status:", 10, "given twice"),
        ("target: snapshot", "target: '", 11, "not YAML"),
    ],
)
def test_a_mistake_has_its_line_and_reason(old: str, new: str, line: int, says: str) -> None:
    if not says:  # two formats that take one text for two days
        new = new.replace("]", ", dd/MM/yyyy]")
        line, says = 7, "cannot be told apart"
    assert old in GOOD
    assert any(at == line and says in told for at, told in mistakes(GOOD.replace(old, new)))


def test_aliases_do_not_make_a_short_file_endless() -> None:
    layers = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]\n" for n in range(9))
    assert "too many entries" in mistakes(layers)[0][1]


def test_the_example_of_the_documents_is_good() -> None:
    example = Path(__file__).parents[4] / "docs" / "mapping-example.yaml"
    assert mapping.read(example.read_text("utf-8")).target == "snapshot"
