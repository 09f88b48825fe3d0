"""`dondoc complaints import` and `dondoc complaints effects` against a running service."""

from __future__ import annotations

import csv
import io
import os
import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import openpyxl
import pytest
import pytest_asyncio

from services.complaints.filing import CODE, SECRET
from tests import servers as real
from tests.component import harness
from tests.component.feedback import KEY_OF_SEALS
from tests.component.test_import import Office, answering

HEAD = "Số cuộc gọi;Nội dung;Họ tên;Thời gian\n"
GOOD = "1022-{};Đề nghị bố trí thêm ghế ngồi chờ tại bộ phận một cửa, lần {};Người gọi bí mật;02/01/2026 08:00\n"


@pytest_asyncio.fixture(scope="module")
async def office(servers: real.Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    await real.empty_jetstream(servers.nats_url)
    await harness.make_streams(servers.nats_url)
    database = await real.fresh_database(servers.postgres_url, migrated=["complaints"])
    more = {"DONDOC_COMPLAINTS_IDENTITY_KEYS": KEY_OF_SEALS, "DONDOC_DATA": str(folder)}
    given = {"nats_url": servers.nats_url, "database": database, "folder": folder, "more": more}
    with answering("complaints", **given) as complaints:  # type: ignore[arg-type]
        yield Office(folder, complaints=complaints)
    await real.drop_database(servers.postgres_url, database)


def test_calls_are_tried_taken_once_and_their_secrets_written_for_the_owner_alone(
    office: Office, tmp_path: Path
) -> None:
    file, secrets = tmp_path / "calls.csv", tmp_path / "secrets.csv"
    lines = [GOOD.format(number, number) for number in range(250)]
    lines[3:3] = ["\n", "1022-7b;;bí mật;\n"]
    lines.append("1022-249;bí mật;;\n")
    file.write_text(HEAD + "".join(lines), "utf-8")

    tried = office.run("complaints", "import", str(file), "--dry-run")
    assert tried.returncode == 3
    assert "250 would be filed, 0 known, 2 refused" in tried.stderr.decode()
    done = office.run("complaints", "import", str(file), "--secrets", str(secrets))
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 3
    assert "250 filed, 0 known, 2 refused" in said
    assert f"{file}: line 6: text: missing" in said
    assert f"{file}: line 254: ref: line 253 has the same" in said
    assert "bí mật" not in said
    assert stat.S_IMODE(os.stat(secrets).st_mode) == 0o600
    kept = list(csv.DictReader(io.StringIO(secrets.read_text("utf-8-sig"))))
    assert [one["ref"] for one in kept] == [f"1022-{number}" for number in range(250)]
    assert all(CODE.fullmatch(one["code"]) and SECRET.fullmatch(one["secret"]) for one in kept)
    assert all(one["secret"] not in said for one in kept)
    assert f"1022-0: {kept[0]['code']}" in said

    file.write_text(HEAD + "".join(GOOD.format(number, number) for number in range(249, 251)), "utf-8")
    told = office.told("complaints", "import", str(file), "--secrets", str(secrets))
    assert [one["code"] for one in told["known"]] == [kept[-1]["code"]]
    assert [one["ref"] for one in told["filed"]] == ["1022-250"]
    assert len(secrets.read_text("utf-8-sig").splitlines()) == 252
    assert "secret" not in told["filed"][0]

    csv_file = tmp_path / "effects.csv"
    period = ("complaints", "effects", "--from", "2026-01-01", "--to", "2026-03-31")
    office.run(*period, "--format", "csv", "--output", str(csv_file))
    [headings, unknown, total] = csv.reader(io.StringIO(csv_file.read_text("utf-8-sig")))
    assert (headings[2], unknown[:3], total[2]) == (
        "Phản ánh, kiến nghị tiếp nhận",
        ["", "Chưa rõ đơn vị", "251"],
        "251",
    )
    page = openpyxl.load_workbook(io.BytesIO(office.run(*period, "--format", "xlsx").stdout)).worksheets[0]
    assert page["C3"].value == 251
    assert b'"received": 251' in office.run(*period, "--format", "json").stdout
    assert office.run(*period).stdout.decode().splitlines()[-1].startswith("Tổng cộng: ")


def test_what_cannot_be_used_is_one_line_that_says_what_to_do(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    for content, code, why in (
        ("ref,text,câu bí mật\n", 2, "line 1: column 3 is none of ref"),
        ("ref,text\n", 1, "no line to take"),
    ):
        file.write_text(content, "utf-8")
        done = office.run("complaints", "import", str(file))
        assert (done.returncode, done.stdout) == (code, b"")
        assert done.stderr.decode().startswith(f"dondoc: {file}: {why}")
        assert "bí mật" not in done.stderr.decode()
    file.write_text("ref,text\n1,a\n", "utf-8")
    assert office.run("complaints", "import", str(file), "--dry-run", "--secrets", str(tmp_path / "s")).returncode == 2
    assert office.run("complaints", "effects", "--from", "2026-13-01", "--to", "2026-03-31").returncode == 2
    assert office.run("complaints", "effects", "--from", "2026-04-01", "--to", "2026-03-31").returncode == 2


def test_officers_are_made_listed_and_disabled_and_their_key_is_shown_once(office: Office) -> None:
    put = ("complaints", "officers", "put", "cb-014", "--role", "handler", "--role", "confidant", "--unit", "38-x14998")
    made = office.run(*put).stdout.decode()
    assert re.fullmatch(r"cb-014: do_[0-9a-f]{12}_\S{43}\n", made)
    assert office.run(*put).stdout.decode() != made, "another key each time"
    wrong = office.run("complaints", "officers", "put", "cb-015", "--role", "operator")
    assert wrong.returncode == 2
    office.run("complaints", "officers", "disable", "cb-014")
    [listed] = office.run("complaints", "officers", "list").stdout.decode().splitlines()
    assert re.match(r"cb-014\t38-x14998\t-\thandler,confidant\tdisabled ", listed)
