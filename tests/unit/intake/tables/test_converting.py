"""Tables become lines for intake: every row that is not skipped has one, and what is in doubt is refused."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.intake import national, statements
from services.intake.national import Refused
from services.intake.tables import envelope, mapping
from services.intake.tables.converting import Prepared, prepare
from services.intake.tables.reading import TableError
from services.intake.tables.trying import tried
from tests.unit.intake.tables import legacy

MAPPING = """\
version: 2026-11-01
target: snapshot
agency: 000.00.12.H56
file:
  header_row: 2
  skip: [{column: STT, words: [Tổng cộng]}]
columns:
  code: [Mã hồ sơ, Số hồ sơ]
  unit_name: Đơn vị xử lý
  accepted_at: {from: Ngày tiếp nhận, dates: [dd/MM/yyyy HH:mm, excel], time: "07:00"}
  due_at: {from: Ngày hẹn trả, dates: [dd/MM/yyyy HH:mm, excel], time: "17:00", empty: [chưa hẹn]}
  status: {from: Trạng thái, values: {đang xử lý: 4, đã xử lý xong: 9}}
"""
TITLE = ["báo cáo hồ sơ"]
HEADINGS = ["STT", "Mã hồ sơ", "Đơn vị xử lý", "Ngày tiếp nhận", "Ngày hẹn trả", "Trạng thái", "Người nộp"]
ROWS = [
    ["1", "H56.12-261102-0001", "phường Hàm Rồng", "02/11/2026 08:10", "05/11/2026 17:00", "Đang xử lý", "A"],
    ["2", "H56.12-261102-0002", "xã Hoằng Hóa", "02/11/2026 08:20", "chưa hẹn", "đã xử  lý xong", "B"],
    ["Tổng cộng", "2", "", "", "", "", ""],
]


def as_csv(rows: Sequence[Sequence[str]], separator: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue()


def prepared(path: Path, text: str = MAPPING, **given: Any) -> Prepared:
    return prepare(path, mapping.read(text), **given)


def understood(table: Prepared) -> list[dict[str, Any] | str]:
    """Return the object that each row makes, or why it makes none."""
    rows = [envelope.read(line) for _, line in table.lines() if line is not None]
    return [row.detail if isinstance(row, Refused) else orjson.loads(row.body)["data"][0] for row in rows]


def written(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet
    for row in rows:
        sheet.append(list(row))
    book.save(path)
    return path


EXPECTED = [
    {
        "MaHoSo": "H56.12-261102-0001", "DonViXuLy": "phường Hàm Rồng", "NgayTiepNhan": "20261102081000",
        "NgayHenTra": "20261105170000", "TrangThaiHoSo": "4",
    },
    {
        "MaHoSo": "H56.12-261102-0002", "DonViXuLy": "xã Hoằng Hóa", "NgayTiepNhan": "20261102082000",
        "TrangThaiHoSo": "9",
    },
]  # fmt: skip
TABLE = as_csv([TITLE, HEADINGS, *ROWS])
BYTES = {
    "utf-8": TABLE.encode(),
    "utf-8-sig": TABLE.encode("utf-8-sig"),
    "utf-16": TABLE.encode("utf-16"),
    "utf-16-le": TABLE.encode("utf-16-le"),
    "tcvn3": legacy.tcvn3(TABLE).encode("latin-1"),
    "vni": legacy.vni(TABLE).encode("cp1252"),
    "windows-1258": legacy.windows_1258(TABLE),
    "tcvn3 in utf-8": legacy.tcvn3(TABLE).encode(),
    "semicolons": as_csv([TITLE, HEADINGS, *ROWS], ";").encode(),
    "tabs": as_csv([TITLE, HEADINGS, *ROWS], "\t").encode("utf-16"),
}


@pytest.mark.parametrize("how", BYTES)
def test_one_table_says_the_same_however_it_is_written(how: str, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(BYTES[how])
    table = prepared(file)
    assert understood(table) == EXPECTED
    assert table.unused == ["Người nộp"]
    assert [number for number, line in table.lines() if line] == [3, 4]


def test_a_sheet_says_the_same_with_dates_as_dates_and_old_letters_in_a_column(tmp_path: Path) -> None:
    moments = [datetime.fromisoformat(f"2026-11-{at}:00") for at in ("02T08:10", "05T17:00", "02T08:20")]
    first = ["1", "H56.12-261102-0001", legacy.tcvn3("phường Hàm Rồng"), moments[0], moments[1], "Đang xử lý"]
    second = [2, "H56.12-261102-0002", legacy.tcvn3("xã Hoằng Hóa"), moments[2], None, "đã xử lý xong"]
    file = written(tmp_path / "t.xlsx", [TITLE, HEADINGS, first, second, ["Tổng cộng", 2], []])
    table = prepared(file)
    assert understood(table) == EXPECTED
    assert table.plan.places["unit_name"].encoding == "tcvn3"
    assert table.plan.places["status"].encoding == "unicode"


def test_a_row_that_cannot_be_converted_says_where_and_keeps_its_cells(tmp_path: Path) -> None:
    bad = [
        ["3", "H56.12-3", "x", "02/11/26", "", "đang xử lý", "C"],
        ["4", "", "x", "", "", "chờ", "D"],
        ["5", "H56.12-5", "x", "", "", ""],
        ["6", "H56.12-6", legacy.tcvn3("xã Hàm"), "", "", "", ""],
    ]
    file = tmp_path / "t.csv"
    file.write_text(as_csv([TITLE, HEADINGS, *ROWS, *bad]), "utf-8")
    table = prepared(file)
    assert understood(table)[2:] == [
        "row 6: Ngày tiếp nhận: is no date in dd/MM/yyyy HH:mm, excel",
        "row 7: Mã hồ sơ: must not be empty; Trạng thái: a word that `values` of the mapping does not know",
        "row 8: 6 cells where there are 7 headings: a separator within a text needs quotes around it",
        "row 9: Đơn vị xử lý: seems not to be in unicode as the rest of the column is",
    ]
    lines = [orjson.loads(line) for _, line in table.lines() if line]
    assert lines[2]["cells"][3] == ["Ngày tiếp nhận", "02/11/26"]
    trial = tried(table)
    assert (trial.rows, trial.refused, trial.skipped) == (6, 4, 1)
    assert trial.first_refused["Mã hồ sơ: must not be empty"] == 7


def test_a_byte_that_is_no_letter_costs_its_row_only(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(TABLE.encode().replace("Hoằng".encode(), b"Ho\xff\xfe"))
    text = MAPPING.replace("  header_row", "  encoding: unicode\n  header_row")
    assert [isinstance(one, str) for one in understood(prepared(file, text))] == [False, True]


def test_what_is_in_doubt_is_refused_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    names = as_csv([["Ma", "Ten"], ["H56.12-1", legacy.tcvn3("Lê")]])
    file.write_bytes(names.encode("latin-1"))
    text = "version: 2026-11-01\ntarget: snapshot\ncolumns:\n  code: Ma\n  unit_name: Ten\n"
    with pytest.raises(
        TableError, match=r"column 'Ten': its letters could be .*tcvn3.* say `encoding:` in the mapping"
    ):
        prepared(file, text)
    [told] = understood(prepared(file, text.replace("columns", "file: {encoding: tcvn3}\ncolumns")))
    assert told == {"MaHoSo": "H56.12-1", "DonViXuLy": "Lê"}


def test_codes_keep_the_zeros_that_a_sheet_shows_and_numbers_are_counted(tmp_path: Path) -> None:
    file = written(tmp_path / "t.xlsx", [["Ma"], [7], [12.0]])
    book = openpyxl.load_workbook(file)
    assert book.active
    book.active["A2"].number_format = "0000"
    book.save(file)
    table = prepared(file, "version: 2026-11-01\ntarget: snapshot\ncolumns:\n  code: Ma\n")
    assert understood(table) == [{"MaHoSo": "0007"}, {"MaHoSo": "12"}]
    assert table.plan.numbers == {"Ma": 1}


def test_a_duty_is_a_document_of_our_own_format(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("Số,Hạn,Đơn vị,Loại\nKL-12/3,15/12/2026,xã Hoằng Hóa,Khắc phục\n", "utf-8")
    text = (
        "version: 2026-11-01\ntarget: dondoc.duty.v1\ncolumns:\n  subject: Số\n  unit: Đơn vị\n"
        "  due_on: {from: Hạn, dates: dd/MM/yyyy}\n  kind: {from: Loại, values: {khắc phục: remediation}}\n"
        "  title: {from: Tên, optional: true}\n"
    )
    table = prepared(file, text, sent_at=datetime.fromisoformat("2026-11-20T08:00:00+07:00"))
    [row] = [envelope.read(line) for _, line in table.lines() if line]
    assert isinstance(row, envelope.Row)
    [stated] = statements.read(row.body).objects
    assert (stated.subject, stated.time) == ("KL-12/3", "2026-11-20T08:00:00+07:00")
    assert stated.data.model_dump(include={"due_on", "unit", "kind"}) == {
        "due_on": "2026-12-15T23:59:59+07:00", "unit": "xã Hoằng Hóa", "kind": "remediation",
    }  # fmt: skip


CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["02/11/2026 08:10", "Đang xử lý", "H56.12-1", "46328", "\x00", "\ud800", "x" * 600, '"', "Tổng cộng", ""]
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.lists(st.lists(CELLS, min_size=6, max_size=8), max_size=6), coding=st.sampled_from(["utf-8", "utf-16"]))
def test_whatever_stands_in_a_table_each_row_has_one_line_that_is_taken_or_refused(
    tmp_path: Path, table: list[list[str]], coding: str
) -> None:
    file = tmp_path / "t.csv"
    text = as_csv([TITLE, HEADINGS, *ROWS, *table])
    file.write_bytes(text.encode(coding, errors="replace"))
    try:
        lines = list(prepared(file).lines())
    except TableError:  # a quote never closed, or an encoding in doubt: nothing is sent
        return
    assert len(lines) >= len(ROWS)
    for number, line in lines:
        if line is None:
            continue
        row = envelope.read(line)
        if isinstance(row, Refused):
            assert row.reason == "unconvertible_row"
            assert row.detail.startswith(f"row {number}: ")
        else:
            read = national.read(row.body)
            assert len(read.objects) + len(read.refused) == 1


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(
                    st.sampled_from(["row", "national", "facts", "refused", "cells", "column", "why", "data"]),
                    inner,
                    max_size=4,
                ),
            ),
            max_leaves=12,
        ).map(lambda one: orjson.dumps(one) if _fits(one) else b"{}"),
    )
)
def test_whatever_comes_as_a_row_is_a_message_or_refused(body: bytes) -> None:
    row = envelope.read(body)
    if isinstance(row, envelope.Row):
        assert orjson.loads(row.body)
    else:
        assert row.detail


def _fits(document: Any) -> bool:
    try:
        return bool(orjson.dumps(document))
    except (TypeError, orjson.JSONEncodeError):
        return False


def test_lines_within_a_cell_are_one_text(tmp_path: Path) -> None:
    file = written(tmp_path / "t.xlsx", [["Mã\nhồ sơ", "Đơn vị"], ["H56.12-1", "UBND xã\r\nHoằng Hóa"]])
    text = "version: 2026-11-01\ntarget: snapshot\ncolumns:\n  code: Mã hồ sơ\n  unit_name: Đơn vị\n"
    assert understood(prepared(file, text)) == [{"MaHoSo": "H56.12-1", "DonViXuLy": "UBND xã Hoằng Hóa"}]


def test_a_supplement_stands_where_the_portal_has_it(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("Ma,Yeu cau\nH56.12-1,02/11/2026 08:10\n", "utf-8")
    text = (
        "version: 2026-11-01\ntarget: snapshot\ncolumns:\n  code: Ma\n"
        "  supplement_requested_at: {from: Yeu cau, dates: dd/MM/yyyy HH:mm}\n"
    )
    [line] = [line for _, line in prepared(file, text).lines() if line]
    row = envelope.read(line)
    assert isinstance(row, envelope.Row)
    [of] = national.read(row.body).objects
    assert of.supplements[0].requested_at == "2026-11-02T08:10:00+07:00"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx or CSV"),
        ("t.xlsx", b"PK\x03\x04broken", "not a whole XLSX"),
        (
            "t.csv",
            as_csv([TITLE, HEADINGS[:3]]).encode(),
            "no column is called Ngày tiếp nhận; there are: STT, Mã hồ sơ",
        ),
        ("t.csv", as_csv([TITLE, [*HEADINGS, "số hồ  sơ"]]).encode(), "2 columns are called Mã hồ sơ or Số hồ sơ"),
        ("t.csv", b"", "has no headings"),
    ],
)
def test_what_is_no_such_table_is_refused(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=says):
        prepared(tmp_path / name)


def test_a_quote_that_is_never_closed_is_told_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE + '7,"H56.12', "utf-8")
    with pytest.raises(TableError, match=r"row 6: not CSV: .*quotes: none"):
        understood(prepared(tmp_path / "t.csv"))


def test_an_archive_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (64 << 20))
    with pytest.raises(TableError, match="times its size"):
        prepared(file)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('<row r="3"', '<row r="2000000"', "names a row beyond"),
        ("<worksheet", '<!DOCTYPE x [<!ENTITY a "b">]><worksheet', "cannot be read|not an XLSX"),
        ("</sheetData>", "", "cannot be read|not an XLSX"),
    ],
)
def test_a_sheet_that_is_made_to_harm_is_refused(old: str, new: str, says: str, tmp_path: Path) -> None:
    good, bad = written(tmp_path / "good.xlsx", [TITLE, HEADINGS, *ROWS]), tmp_path / "t.xlsx"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.namelist():
            content = source.read(part).decode()
            if part.endswith("sheet1.xml"):
                assert old in content
                content = content.replace(old, new)
            target.writestr(part, content)
    with pytest.raises(TableError, match=says):
        understood(prepared(bad))


def test_of_several_sheets_one_must_be_named(tmp_path: Path) -> None:
    file = written(tmp_path / "t.xlsx", [TITLE, HEADINGS, *ROWS])
    book = openpyxl.load_workbook(file)
    book.create_sheet("Ghi chú")
    book.save(file)
    with pytest.raises(TableError, match="say `sheet:` in the mapping: Sheet, Ghi chú"):
        prepared(file)
    assert understood(prepared(file, MAPPING.replace("  header_row", "  sheet: Sheet\n  header_row"))) == EXPECTED
