"""Tables through the command line and a real intake: every row that is sent has an outcome."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest_asyncio

from tests import servers as real
from tests.component.test_import import Office, answering
from tests.unit.intake.tables import legacy
from tests.unit.intake.tables.test_converting import HEADINGS, MAPPING, ROWS, TITLE, as_csv, written

BAD = [
    ["3", "H56.12-261102-0003", "xã Hoằng Hóa", "02/11/26", "", "đang xử lý", "Người Nộp Ba"],
    ["4", "H56.12-261102-0004" + "x" * 100, "", "02/11/2026 08:30", "", "đang xử lý", "Người Nộp Bốn"],
]


@pytest_asyncio.fixture
async def office(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    (tmp_path / "mapping.yaml").write_text(MAPPING, "utf-8")
    with answering("intake", nats_url=nats_url, database=database, folder=tmp_path) as url:
        yield Office(tmp_path, intake=url)
    await real.drop_database(postgres_url, database)


TABLES = ("--format", "csv", "--mapping", "mapping.yaml")


def test_a_table_in_an_old_encoding_is_imported_and_its_bad_rows_are_in_quarantine_with_their_places(
    office: Office, tmp_path: Path
) -> None:
    content = legacy.tcvn3(as_csv([TITLE, HEADINGS, *ROWS, *BAD])).encode("latin-1")
    (tmp_path / "t.csv").write_bytes(content)
    assert office.counts(*TABLES, "t.csv", code=3) == (4, 2, 0, 2)
    entries = sorted(office.told("quarantine", "list"), key=lambda entry: entry["detail"])
    assert [(entry["reason"], entry["detail"]) for entry in entries] == [
        ("unconvertible_row", "row 6: Ngày tiếp nhận: is no date in dd/MM/yyyy HH:mm, excel"),
        ("invalid_object", "row 7: data[0]: MaHoSo: a code has 100 characters at most"),
    ]
    raw = orjson.loads(office.run("quarantine", "show", str(entries[0]["id"]), "--raw").stdout)
    assert ["Đơn vị xử lý", legacy.tcvn3("xã Hoằng Hóa")] in raw["cells"]
    assert office.counts(*TABLES, "-", stdin=content, code=3) == (4, 0, 2, 2)
    assert office.counts(*TABLES, "--import-id", "again", "t.csv", code=3) == (4, 0, 2, 2)


def test_a_sheet_says_what_the_portals_messages_said_before(office: Office, tmp_path: Path) -> None:
    written(tmp_path / "t.xlsx", [TITLE, HEADINGS, *ROWS])
    assert office.counts(*TABLES, "t.xlsx") == (2, 2, 0, 0)
    thing = {"MaHoSo": ROWS[0][1], "DonViXuLy": ROWS[0][2], "NgayTiepNhan": "20261102081000"}
    thing |= {"NgayHenTra": "20261105170000", "TrangThaiHoSo": "4"}
    message = {"madonvi": "000.00.12.H56", "service": "DongBoHoSoMC", "data": [thing]}
    assert office.counts("-", stdin=orjson.dumps(message)) == (1, 0, 1, 0)


def test_a_dry_run_sends_nothing_and_wrong_calls_are_told(office: Office, tmp_path: Path) -> None:
    written(tmp_path / "t.xlsx", [TITLE, HEADINGS, *ROWS, *BAD])
    told = office.told("import", "--source", "motcua-1", *TABLES, "--dry-run", "t.xlsx", code=3)["tables"][0]
    assert (told["rows"], told["refused"], told["skipped"], told["unused"]) == (4, 2, 1, ["Người nộp"])
    assert office.told("quarantine", "list") == []
    assert office.told("mapping", "check", "mapping.yaml")["target"] == "snapshot"
    (tmp_path / "wrong.yaml").write_text(MAPPING.replace("dd/MM/yyyy", "dd/MM/yy"), "utf-8")
    for arguments in (
        ("mapping", "check", "wrong.yaml"),
        ("import", "--source", "x", "--format", "csv", "t.xlsx"),
        ("import", "--source", "x", "--mapping", "mapping.yaml", "t.xlsx"),
        ("import", "--source", "x", *TABLES, "mapping.yaml"),
    ):
        done = office.run(*arguments)
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1), done.stderr
