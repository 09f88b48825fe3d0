"""Whatever our own format says of a dossier, a duty or oversight in single values, a row of a table can say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import orjson
import pytest

from services.intake import source_census, statements
from services.intake.own.types import TYPES
from services.intake.tables import envelope
from services.intake.tables.envelope import Row
from services.intake.tables.targets import TARGETS
from tests.unit.intake.tables.test_converting import as_csv, prepared, written

SEVERAL = {"findings"}  # lists: no single value


def test_every_type_but_a_census_is_a_target_with_all_its_single_values() -> None:
    assert TYPES.keys() - TARGETS.keys() == source_census.TYPES.keys()
    for word, shape in TYPES.items():
        if word in TARGETS:
            members = shape.model_fields["data"].annotation.model_fields.keys()  # type: ignore[union-attr]
            assert members - TARGETS[word].fields.keys() <= SEVERAL, word


FINDING = """\
version: 2026-11-01
target: dondoc.finding.v1
columns:
  subject: Số
  unit: Đơn vị
  text: Nội dung
  severity: {from: Mức, values: {nặng: high, nhẹ: low}}
  found_on: {from: Ngày, dates: [dd/MM/yyyy, dd/MM/yyyy HH:mm, excel]}
  report_due_on: {from: Hạn, dates: [dd/MM/yyyy, excel]}
"""
PLAN = """\
version: 2026-11-01
target: dondoc.plan.v1
columns:
  subject: Số
  unit: Đơn vị
  year: Năm
"""
DIGITAL = """\
version: 2026-11-01
target: dondoc.digital.v1
columns:
  subject: Số
  digitised: {from: Số hóa, values: {có: "true", không: "false"}}
  paid_online: Trực tuyến
"""


def _stated(path: Path, text: str) -> list[dict[str, object] | str]:
    """Return what intake takes of each row, or why it takes nothing."""
    said: list[dict[str, object] | str] = []
    for _, line in prepared(path, text).lines():
        assert line is not None
        row = envelope.read(line)
        if not isinstance(row, Row):
            said.append(row.detail)
            continue
        read = statements.read(row.body, types=TYPES)
        said += [one.data.model_dump(exclude_defaults=True) for one in read.objects]
        said += [one.detail for one in read.refused]
    return said


@pytest.mark.parametrize("as_sheet", [False, True])
def test_a_finding_has_its_days_with_and_without_a_clock_time(as_sheet: bool, tmp_path: Path) -> None:
    head = ["Số", "Đơn vị", "Nội dung", "Mức", "Ngày", "Hạn"]
    if as_sheet:
        rows = [["KL-1", "xã Hoằng Hóa", "không niêm yết", "nặng", date(2026, 11, 2), date(2026, 11, 20)]]
        path = written(tmp_path / "t.xlsx", [head, *rows])
    else:
        texts = [["KL-1", "xã Hoằng Hóa", "không niêm yết", "nặng", "02/11/2026", "20/11/2026"]]
        path = tmp_path / "t.csv"
        path.write_text(as_csv([head, *texts]), "utf-8")
    assert _stated(path, FINDING) == [
        {
            "unit": "xã Hoằng Hóa",
            "text": "không niêm yết",
            "severity": "high",
            "found_on": "2026-11-02T00:00:00+07:00",
            "report_due_on": "2026-11-20T23:59:59+07:00",
        }
    ]


def test_a_plan_has_its_year(tmp_path: Path) -> None:
    path = written(tmp_path / "t.xlsx", [["Số", "Đơn vị", "Năm"], ["KH-1", "xã Hoằng Hóa", 2026]])
    assert _stated(path, PLAN) == [{"unit": "xã Hoằng Hóa", "year": 2026}]


def test_marks_are_true_or_false_and_nothing_else(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["A-1", "có", True],
        ["A-2", "Không", "FALSE"],
        ["A-3", "chưa rõ", True],
        ["A-4", "có", "x"],
    ]
    path = written(tmp_path / "t.xlsx", [["Số", "Số hóa", "Trực tuyến"], *rows])
    assert _stated(path, DIGITAL) == [
        {"digitised": True, "paid_online": True},
        {"digitised": False, "paid_online": False},
        "row 4: Số hóa: a word that `values` of the mapping does not know",
        "row 5: Trực tuyến: must be true or false: say in `values` which words mean it",
    ]
    assert orjson.loads(next(prepared(path, DIGITAL).lines())[1] or b"")["facts"]["data"]["paid_online"] is True
