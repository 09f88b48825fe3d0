"""The hotline's table: what is read, in which shapes, and what is said of a line that cannot be taken."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest

from services.complaints.importing import table
from services.complaints.importing.lines import Given, Refused, take
from services.complaints.importing.table import Line, TableError, as_csv, read

NOW = datetime.fromisoformat("2026-11-20T09:00:00+07:00")
CALL = {"ref": "1022-1", "text": "Hồ sơ chậm."}


def taken(**cells: str) -> Given:
    given, refused = take([Line(2, CALL | cells)], now=NOW)
    assert refused == []
    return given[0]


def refusal(**cells: str) -> str:
    given, refused = take([Line(7, CALL | cells)], now=NOW)
    assert given == []
    assert [one.line for one in refused] == [7]
    return refused[0].why


@pytest.mark.parametrize("between", [",", ";", "\t"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_in_the_shapes_that_spreadsheets_write(between: str, coding: str) -> None:
    rows = (("Số cuộc gọi", "NỘI DUNG", "Đơn vị"), ("0012", '"Chậm, chờ;\nlâu"', "UBND phường A"), ("", "", ""))
    content = "\r\n".join(between.join(row) for row in rows).encode(coding)
    assert read(content) == [Line(2, {"ref": "0012", "text": "Chậm, chờ;\nlâu", "unit": "UBND phường A"})]


def workbook(*rows: tuple[Any, ...], sheets: int = 1) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    for at in range(1, sheets):
        book.create_sheet(f"{at}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_is_read_with_its_moments_and_numbers() -> None:
    at = datetime(2026, 11, 20, 8, 30)  # noqa: DTZ001 - as the sheet has it
    content = workbook(("ref", "text", "filed_at"), (12.0, "Chậm", at), (None,) * 3, (13, "Chậm", at.date()))
    assert read(content) == [
        Line(2, {"ref": "12", "text": "Chậm", "filed_at": "2026-11-20 08:30:00"}),
        Line(4, {"ref": "13", "text": "Chậm", "filed_at": "2026-11-20"}),
    ]
    with pytest.raises(TableError, match="2 visible sheets"):
        read(workbook(("ref", "text"), sheets=2))
    with pytest.raises(TableError, match="not a readable XLSX"):
        read(content[:200])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("ref,text,câu bí mật\n1,a,b", "line 1: column 3 is none of ref"),
        ("ref,unit\n1,a", "line 1: the column text (nội dung) is missing"),
        ("ref,text,mã phiếu\n1,a,b", "line 1: column 3: ref stands twice"),
        ('ref,text\n1,"bí mật', "not CSV"),
        ("", "ref (số cuộc gọi) and text (nội dung)"),
    ],
)
def test_what_is_no_table_is_told_by_its_places_alone(content: str, why: str) -> None:
    with pytest.raises(TableError) as caught:
        read(content.encode())
    assert why in str(caught.value)
    assert "bí mật" not in str(caught.value)


def test_old_encodings_and_too_many_lines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TableError, match="line 2 of the text is not UTF-8: save the file as CSV UTF-8"):
        read("ref,text\n1,nội".encode("cp1258", errors="replace").replace(b"?", b"\xf4"))
    monkeypatch.setattr(table, "MOST_LINES", 1)
    with pytest.raises(TableError, match="line 3: more than 1 lines"):
        read(b"ref,text\n1,a\n2,b")


def test_what_stands_below_blank_rows_is_read_and_of_a_sheet_that_is_too_long_not_a_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table, "MOST_LINES", 3)
    monkeypatch.setattr(table, "MOST_ROWS", 6)
    blank = (None, None)
    content = workbook(("ref", "text"), ("1", "a"), blank, blank, ("2", "b"), ("3", "c"))
    assert [line.cells["ref"] for line in read(content)] == ["1", "2", "3"]
    with pytest.raises(TableError, match="more than 6 rows, blank ones among them"):
        read(workbook(("ref", "text"), ("1", "a"), blank, blank, blank, blank, ("2", "b")))


def test_lines_survive_being_written_for_the_service_whatever_they_begin_with() -> None:
    lines = [Line(2, {"ref": "+84", "text": "=1+1\nhai", "contact": "'x"}), Line(3, {"ref": "2", "text": "-"})]
    assert read(as_csv(lines)) == lines


def test_a_line_is_a_feedback_with_all_that_is_known() -> None:
    one = taken(
        unit="UBND phường A", hide_identity="Có", name="Người gọi", kind="Khiếu nại", filed_at="19/11/2026 16:05"
    )
    assert (one.filing.unit, one.filing.hide_identity, one.filing.kind_hint) == ("UBND phường A", True, "complaint")
    assert one.filed_at == datetime.fromisoformat("2026-11-19T16:05:00+07:00")
    assert taken(anonymous="x").filing.anonymous
    assert taken().filed_at is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-19 16:05", "2026-11-19T16:05:00+07:00"),
        ("2026-11-19T09:05:00Z", "2026-11-19T16:05:00+07:00"),
        ("9/1/2026, 7h05", "2026-01-09T07:05:00+07:00"),
    ],
)
def test_moments_are_local_unless_they_say_otherwise(written: str, meant: str) -> None:
    assert taken(filed_at=written).filed_at == datetime.fromisoformat(meant)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"ref": ""}, "ref: 1 to 80 characters on one line"),
        ({"ref": "bí\nmật"}, "ref: 1 to 80 characters on one line"),
        ({"text": ""}, "text: missing"),
        ({"text": "bí mật\x07"}, "text: control characters are not accepted"),
        ({"unit": "bí mật" * 50}, "unit: longer than 200 characters"),
        ({"anonymous": "có", "name": "bí mật"}, "an anonymous feedback names no sender"),
        ({"hide_identity": "bí mật"}, "hide_identity: write có or không"),
        ({"kind": "bí mật"}, "kind: one of phản ánh"),
        ({"filed_at": "bí mật lúc ấy"}, "filed_at: write it as 20/11/2026 09:30"),
        ({"filed_at": "20/11/2026"}, "filed_at: write it as 20/11/2026 09:30"),
        ({"filed_at": "2026-11-20"}, "filed_at: write it as 20/11/2026 09:30"),
        ({"filed_at": "31/02/2026 08:00"}, "filed_at: write it as 20/11/2026 09:30"),
        ({"filed_at": "20/11/2026 09:01"}, "filed_at: lies in the future"),
        ({"filed_at": "20/11/1926 09:01"}, "filed_at: lies before 2000"),
    ],
)
def test_a_line_that_cannot_be_taken_is_told_without_what_it_says(cells: dict[str, str], why: str) -> None:
    told = refusal(**cells)
    assert told.startswith(why)
    assert "bí mật" not in told


def test_of_two_lines_with_one_number_the_first_is_taken_and_more_cells_than_columns_are_refused() -> None:
    lines = read(b"ref,text\n1,a\n1,b\n2,c,d\n3,e")
    given, refused = take(lines, now=NOW + timedelta(days=1))
    assert [(one.number, one.ref) for one in given] == [(2, "1"), (5, "3")]
    assert refused == [
        Refused(3, "ref: line 2 has the same"),
        Refused(4, "3 cells for 2 columns: is a text without quotes?"),
    ]
