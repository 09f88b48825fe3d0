"""`dondoc oversight …` and `dondoc report-series …` against running services."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests import servers as real
from tests.component import harness
from tests.component.test_import import Office, answering

TASKS = """\
id,finding,unit,division,title,due_on
KL-1/1,KL-1,Sở Tư pháp,Phòng A,Niêm yết,15/12/2030
KL-1/2,KL-1,Sở Không Có,Phòng B,Số hóa,2030-12-15
KL-1/3,KL-1,14758,,,2030-12-15
"""


@pytest_asyncio.fixture(scope="module")
async def office(servers: real.Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    await real.empty_jetstream(servers.nats_url)
    await harness.make_streams(servers.nats_url)
    database = await real.fresh_database(servers.postgres_url, migrated=["intake", "deadline"])
    given: Any = {"nats_url": servers.nats_url, "database": database, "folder": folder}
    with answering("intake", **given) as intake, answering("deadline", **given) as deadline:
        yield Office(folder, intake=intake, deadline=deadline)
    await real.drop_database(servers.postgres_url, database)


@pytest.mark.long  # a dozen commands
def test_a_table_is_tried_loaded_and_loaded_again(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "tasks.csv"
    file.write_text(TASKS, "utf-8")
    for arguments, first, counts in (
        (["--dry-run"], "+ KL-1/1", "1 would be added, 0 would be changed, 0 as they were"),
        ([], "+ KL-1/1", "1 added, 0 changed, 0 as they were"),
        ([], None, "0 added, 0 changed, 1 as they were"),
    ):
        done = office.run("oversight", "load", "--kind", "task", str(file), *arguments)
        assert done.returncode == 3
        assert done.stderr.decode().splitlines() == [
            f"{file}:3: unit: the directory knows no such unit",
            f"{file}:4: title: missing",
        ]
        *shown, last = done.stdout.decode().splitlines()
        assert (shown, last) == ([first] if first else [], f"{file}: {counts}, 2 refused")
    file.write_text("id,due_on\nKL-1/1,2030-12-20\n", "utf-8")
    done = office.run("oversight", "load", "--kind", "task", str(file))
    assert (done.returncode, done.stdout.decode().splitlines()[0]) == (
        0,
        "~ KL-1/1: due: 2030-12-15T23:59:59+07:00 -> 2030-12-20T23:59:59+07:00",
    )
    [told] = json.loads(office.run("oversight", "list", "task", "--json").stdout)
    assert (told["id"], told["revision"], told["document"]["division"]) == ("KL-1/1", 2, "Phòng A")

    for said in ("submitted", "was noted before"):
        done = office.run("oversight", "submit", "task", "KL-1/1", "--at", "2026-10-01T08:00:00", "--evidence", "BC-1")
        assert (done.returncode, done.stdout.decode().strip()) == (0, f"task KL-1/1: {said}")
    done = office.run("oversight", "accept", "task", "KL-9", "--at", "2026-10-01")
    assert (done.returncode, done.stderr.decode()) == (
        1,
        "dondoc: id: nobody has spoken of it yet; see `dondoc oversight list`\n",
    )


def test_a_table_that_is_none_is_one_line_on_stderr(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "tasks.csv"
    file.write_text("id,colour\nKL-1,red\n", "utf-8")
    done = office.run("oversight", "load", "--kind", "task", str(file))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().startswith(f"dondoc: {file}: line 1: unknown column colour; known: id,")


@pytest.mark.long  # a dozen commands
def test_a_series_is_checked_tried_and_loaded(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "series.yaml"
    file.write_text(
        "series: [{name: bc-quy, title: Báo cáo, units: all, period: quarter_15_14, due: {working_days: 5}, "
        "since: 2026-12-14}]\n",
        "utf-8",
    )
    done = office.run("report-series", "check", str(file))
    assert done.stdout.decode().splitlines()[:2] == [
        "bc-quy",
        "  2026-Q4: 2026-09-15 to 2026-12-14, due 2026-12-21T17:00:00+07:00",
    ]
    done = office.run("report-series", "load", str(file), "--dry-run")
    assert done.stdout.decode() == f"1 series in {file}: would be added: bc-quy; would be changed: none\n"
    assert "bc-quy" not in office.run("report-series", "list").stdout.decode()
    assert office.run("report-series", "load", str(file)).returncode == 0
    listed = office.run("report-series", "list").stdout.decode().splitlines()
    assert [line.split("\t")[0] for line in listed] == ["bc-quy", "cchc-nam", "cchc-quy"]
    assert listed[1].endswith("not enabled")
    file.write_text("series: [{name: x}]", "utf-8")
    done = office.run("report-series", "check", str(file))
    assert (done.returncode, "series.0.title: Field required" in done.stderr.decode()) == (1, True)


@pytest.mark.long  # a dozen commands
def test_a_proposal_is_told_with_its_reasons_and_a_choice_names_it(office: Office, tmp_path: Path) -> None:
    numbers = tmp_path / "rates.csv"
    numbers.write_text("unit,overdue_share\nTH-STC,0.9\nnobody,1\n", "utf-8")
    done = office.run(
        "oversight", "propose", "--count", "1", "--numbers", str(numbers), "--seed", "5", "--with-overdue"
    )
    head, first, *reasons = done.stdout.decode().splitlines()
    assert (done.returncode, head) == (0, "proposal 1: 1 of 180 units, seed 5")
    assert first == " 42.00  TH-STC  Sở Tài chính"
    assert [line.split(maxsplit=1) for line in reasons[:2]] == [
        ["27.00", "90,0% hồ sơ quá hạn"],
        ["15.00", "chưa từng được kiểm tra đột xuất"],
    ]
    assert done.stderr.decode() == "warning: numbers of no unit that may be checked: nobody\n"
    choose = ("oversight", "choose", "1", "--ordered-by", "Giám đốc Sở Nội vụ", "TH-STC", "14758")
    done = office.run(*choose)
    assert (done.returncode, done.stderr.decode()) == (2, "dondoc: the units are not those proposed: say why\n")
    assert office.run(*choose, "--why", "phản ánh").stdout.decode() == "choice 1: 14758, TH-STC\n"
    [listed] = json.loads(office.run("oversight", "choices", "--json").stdout)
    assert (listed["why"], listed["units"], listed["seed"]) == ("phản ánh", ["14758", "TH-STC"], 5)
