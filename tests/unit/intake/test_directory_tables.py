"""The directory as tables: CSV, XLSX and JSON in, the same out, every mistake at its place."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from services.intake import directory, directory_tables
from services.intake.directory import DirectoryError
from services.intake.directory_changes import differences, put_together
from services.intake.directory_cli import _changed
from services.intake.directory_tables import COLUMNS, TableError
from shared.events import UnitDescribed

POSTS = ",".join(COLUMNS["posts"]) + "\n"
ALIASES = ",".join(COLUMNS["aliases"]) + "\n"
KNOWN = put_together(
    {}, directory.take_file("code,name,kind,parent_code,email\nX,Xã An,xa,H,x@a.vn\nH,Tỉnh,t,,\n".encode())
)


def workbook(**sheets: list[list[Any]]) -> bytes:
    book = Workbook()
    for title, rows in sheets.items():
        sheet = book.create_sheet(title.replace("_", " "))
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def mistakes(content: str | bytes) -> list[str]:
    with pytest.raises(DirectoryError) as refused:
        directory.take_file(content.encode() if isinstance(content, str) else content)
    return [f"{one.at}: {one.why}" if one.at else one.why for one in refused.value.mistakes]


def test_a_file_of_before_gives_what_it_gave_and_touches_none_of_the_later_members() -> None:
    old = "code,name,kind,parent_code,head_title,head_name,email,phone,aliases,difficult\n"
    unit = directory.take_file((old + "X,Xã An,xa,H56,Chủ tịch,,a@b.vn,,B|A,1\n").encode()).units["X"]
    assert unit == {
        "code": "X", "name": "Xã An", "kind": "xa", "parent_code": "H56", "head_title": "Chủ tịch", "head_name": None,
        "email": "a@b.vn", "phone": None, "aliases": ["A", "B"], "active": True, "difficult": True,
    }  # fmt: skip
    dated = {
        **KNOWN["X"],
        "valid_from": "2025-07-01",
        "valid_until": "2026-01-01",
        "successors": ["H"],
        "posts": [{"post": "p"}],
    }
    after = put_together({"X": dated, "H": KNOWN["H"]}, directory.take_file((old + "X,Xã An,xa,,,,,,,\n").encode()))
    assert [after["X"][name] for name in ("valid_from", "successors", "posts")] == [
        "2025-07-01",
        ["H"],
        [{"post": "p"}],
    ]


def test_a_workbook_with_vietnamese_sheets_numbers_and_dates_is_read() -> None:
    content = workbook(
        Đơn_vị=[["code", "name", "valid_until", "successors"], [14758, "Phường Hàm Rồng", date(2026, 12, 31), "X|H"]],
        Chức_vụ=[["unit", "post", "role", "name", "from"], [14758.0, "ct", "Thủ trưởng", "Nguyễn Văn A", "01/07/2025"]],
        Tên_khác=[["unit", "alias", "source"], [14758, "Một cửa", "motcua-1"]],
        Ghi_chú=[["gì cũng được"]],
    )
    given = directory.take_file(content)
    unit = given.units["14758"]
    assert (unit["valid_until"], unit["successors"]) == ("2026-12-31", ["X", "H"])
    [post] = given.posts["14758"]
    assert (post["role"], post["kind"], post["valid_from"], post["name"]) == (
        "head", "holder", "2025-07-01", "Nguyễn Văn A",
    )  # fmt: skip
    assert given.aliases["14758"][0]["source"] == "motcua-1"
    UnitDescribed.model_validate({**put_together(KNOWN, given)["14758"], "revision": 1})


def test_every_mistake_is_told_with_its_place() -> None:
    assert mistakes(
        "code,name,email,valid_from,valid_until\nX,,,,\nY,Y,@,32/13/2026,\nZ,Z,,2026-02-01,2026-01-01\n"
    ) == [
        "line 2: code and name must be filled",
        "line 3: the e-mail address of Y is not one",
        "line 3: valid_from must be a day such as 2026-12-31 or 31/12/2026",
        "line 4: valid_until of Z lies before its valid_from",
    ]
    assert mistakes(POSTS + "X,p,chief,,,,,,,,boss\n,p,head,,,,,,,,\nX,q,head,,,,,,,,acting\n") == [
        "line 2: role must be one of head, deputy, one_stop_head, officer",
        "line 2: kind must be one of holder, acting, stand_in, absent",
        "line 3: the unit must be filled",
        "line 4: who is acting must be named by holder or name",
    ]
    two = POSTS + "X,p,head,,a,,,,2026-01-01,,\nX,p,head,,b,,,,2026-06-01,,\n"
    assert mistakes(two) == ["line 2: two persons have the post p of X at one time: end the first with until"]
    assert directory.take_file(two.replace("2026-01-01,,", "2026-01-01,2026-05-31,").encode()).posts["X"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"code\nX\n", "line 1: the column name is missing"),
        (b"code,name\nX,\xff\n", "byte 12 is not UTF-8"),
        (b"PK\x03\x04nothing", "not a readable XLSX workbook"),
        (b'{"units": {}}', "units: must be a list of objects"),
        (b'{"people": []}', "unknown members: people"),
        (b"{", "not JSON"),
        (workbook(Sheet1=[["code", "name"]]), "no sheet named"),
        (workbook(units=[["code"], ["X"]]), "units, row 1: the column name is missing"),
        (b"code,name\nX," + b"a" * 201 + b"\n", "line 2: name has 200 characters at most"),
        (b"code,name\nX,a\x01b\n", "line 2: name holds a control character"),
        (b'{"units": [{"code": "X\\u0000", "name": "a"}]}', r"units\[0\]: code holds a control character"),
        (b"code,name\n" + b"X,Y\n" * 20_001, "line 20002: more than 20000 rows of units"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(TableError, match=why):
        directory_tables.read(content)


def test_what_stands_below_blank_rows_is_read_and_of_a_sheet_that_is_too_long_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(directory_tables, "MOST_SHEET_ROWS", 6)
    rows: list[list[Any]] = [["code", "name"], ["X", "a"], [None, None], [None, None], ["Y", "b"]]
    assert [row.cells["code"] for row in directory_tables.read(workbook(units=rows))["units"]] == ["X", "Y"]
    with pytest.raises(TableError, match="units: more than 6 rows, blank ones among them"):
        directory_tables.read(workbook(units=[*rows, [None, None], ["Z", "c"]]))


def test_a_workbook_that_unpacks_to_more_than_a_directory_can_have_is_refused_unread() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * (directory_tables.MOST_UNPACKED + 1))
    assert len(out.getvalue()) < 100_000
    with pytest.raises(TableError, match="larger than 32 MB unpacked"):
        directory_tables.read(out.getvalue())


def test_a_sheet_may_use_semicolons_as_excel_does_in_vietnam() -> None:
    assert directory.read("code;name;aliases\nX;Sở Văn hóa, Thể thao;a|b\n")["X"]["aliases"] == ["a", "b"]


def test_mistakes_that_show_only_beside_what_is_known() -> None:
    def refused(content: str) -> str:
        with pytest.raises(DirectoryError) as error:
            put_together(KNOWN, directory.take_file(content.encode()))
        return str(error.value)

    assert refused(POSTS + "N,p,head,,,,,,,,\n") == "line 2: no unit has the code N"
    assert "successors of X: N" in refused("code,name,valid_until,successors\nX,Xã An,2026-01-01,N\n")
    assert "X has successors: fill valid_until" in refused("code,name,successors\nX,Xã An,H\n")
    assert "the unit H is above itself" in refused("code,name,parent_code\nH,Tỉnh,X\n")
    circle = "code,name,valid_until,successors\nX,Xã An,2026-01-01,Y\nY,Xã Ba,2026-02-01,X\n"
    assert "the unit X comes after itself" in refused(circle)


def test_what_changes_is_told_by_unit_and_member() -> None:
    after = put_together(KNOWN, directory.take_file((POSTS + "X,p,head,Chủ tịch,cb-1,An,an@a.vn,,,,\n").encode()))
    [posts] = differences(KNOWN, after)
    assert (posts["unit"], posts["member"], posts["old"]) == ("X", "posts", [])
    said = "posts: + post=p role=head title=Chủ tịch person=cb-1 name=An email=an@a.vn kind=holder"
    assert _changed(posts) == said
    gone = put_together(after, directory.take_file((POSTS + "X,,,,,,,,,,\n").encode()))
    assert _changed(differences(after, gone)[0]) == said.replace("+", "-")
    moved = put_together(KNOWN, directory.take_file("code,name,kind,parent_code,email\nX,Xã An,xa,H,y@a.vn\n".encode()))
    assert [_changed(one) for one in differences(KNOWN, moved)] == ["email: x@a.vn → y@a.vn"]
    assert differences(KNOWN, KNOWN) == []


WORD = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=12).filter(
    lambda word: "|" not in word and word == directory_tables._cell(word)
)
DAY = st.one_of(st.none(), st.dates(max_value=date(2900, 1, 1)).map(date.isoformat))
POST = st.fixed_dictionaries(
    {
        "post": WORD, "role": st.sampled_from(["head", "deputy"]), "title": WORD, "person": WORD, "name": WORD,
        "email": st.just("a@example.vn"), "phone": st.sampled_from(["+84 237 1", "0900"]), "kind": st.just("acting"),
        "valid_from": DAY, "valid_until": st.none(),
    }
)  # fmt: skip
ALIAS = st.fixed_dictionaries(
    {"word": WORD, "source": st.one_of(st.none(), WORD), "valid_from": st.none(), "valid_until": DAY}
)


@settings(max_examples=40)
@given(WORD, st.lists(WORD, unique=True), st.lists(POST, max_size=3), st.lists(ALIAS, max_size=3, unique_by=str), DAY)
def test_an_export_loads_again_without_a_change(
    name: str, aliases: list[str], posts: list[dict[str, Any]], limited: list[dict[str, Any]], since: str | None
) -> None:
    unit = {
        **KNOWN["X"], "name": name, "aliases": sorted(aliases), "posts": posts, "limited_aliases": limited,
        "valid_from": since, "valid_until": "2999-12-31", "successors": ["H"],
    }  # fmt: skip
    known = {"X": unit, "H": KNOWN["H"]}
    files = [directory_tables.as_csv(table, known.values()) for table in ("units", "posts", "aliases")]
    for content in (*files, directory_tables.as_workbook(list(known.values()))):
        assert content.startswith((b"\xef\xbb\xbf", b"PK"))
        assert differences(known, put_together(known, directory.take_file(content))) == []


def test_no_cell_of_an_export_is_run_by_a_spreadsheet() -> None:
    unit = {**KNOWN["X"], "name": "=1+1", "phone": "+84"}
    assert ",'=1+1," in directory_tables.as_csv("units", [unit]).decode()
    from openpyxl import load_workbook

    [row] = list(load_workbook(io.BytesIO(directory_tables.as_workbook([unit])))["Đơn vị"].iter_rows(min_row=2))
    assert (row[1].value, row[1].data_type) == ("=1+1", "s")


def test_rows_given_as_json_name_their_own_places() -> None:
    content = orjson.dumps({"units": [{"code": "X", "name": "", "at": "units.csv line 7"}], "posts": [{"unit": "X"}]})
    with pytest.raises(DirectoryError, match=r"units\.csv line 7: code and name must be filled"):
        directory.take_file(content)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"code,name\nX,An, phuong\n", "line 2: 3 cells for 2 columns: is a text without quotes?"),
        (b"code,name,email,email\nX,An,a@b.vn,\n", "line 1: the column email stands twice"),
        (f"code,name\n{'X' * 51},An\n".encode(), "line 2: a code has 50 characters at most"),
        (
            workbook(units=[["code", "name"], ["X", "An"]], Đơn_vị=[["code", "name"], ["Y", "Bình"]]),
            "Đơn vị: the workbook has two sheets of units: put them into one",
        ),
    ],
)
def test_what_would_be_left_out_without_a_word_is_refused(content: bytes, why: str) -> None:
    assert mistakes(content) == [why]


def test_empty_cells_behind_the_last_column_are_no_mistake() -> None:
    assert directory.take_file(b"code,name,,\nX,An,,,,\n").units["X"]["name"] == "An"
