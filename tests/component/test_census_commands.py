"""`census load` and `reconcile` against running services: a file goes in, the differences come out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests import servers as real
from tests.component import harness
from tests.component.test_import import Office, answering
from tests.component.test_intake_to_deadline import message, snapshot
from tests.waiting import wait_until

OURS, LISTED = "000.00.12.H56-261102-0001", "000.00.12.H56-261102-0099"
TAKEN_AT = "2026-11-20T06:00"


@pytest_asyncio.fixture(scope="module")
async def office(servers: real.Servers, tmp_path_factory: Any) -> AsyncIterator[Office]:
    """Intake and deadline, which know one dossier that is overdue since 9/11."""
    folder = tmp_path_factory.mktemp("office")
    await real.empty_jetstream(servers.nats_url)
    await harness.make_streams(servers.nats_url)
    database = await real.fresh_database(servers.postgres_url, migrated=["intake", "deadline"])
    given: Any = {"nats_url": servers.nats_url, "database": database, "folder": folder}
    with answering("intake", **given) as intake, answering("deadline", **given) as deadline:
        office = Office(folder, intake=intake, deadline=deadline)
        assert office.counts("-", stdin=message(snapshot(OURS))) == (1, 1, 0, 0)
        while not office.run("export", "obligations").stdout:
            pass
        yield office
    await real.drop_database(servers.postgres_url, database)


def loaded(office: Office, file: Path, *more: str) -> Any:
    return office.run("census", "load", "--source", "motcua-1", "--taken-at", TAKEN_AT, *more, str(file))


def listed(office: Office, *, revision: int) -> dict[str, Any]:
    """Return the census once it was compared so often."""

    def look() -> dict[str, Any] | None:
        found: list[dict[str, Any]] = json.loads(office.run("reconcile", "list", "--json").stdout)
        return found[0] if found and found[0]["compared_at"] and found[0]["revision"] == revision else None

    return wait_until(look, what="compared")


def test_a_list_is_loaded_compared_shown_and_corrected(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "overdue.csv"
    file.write_text(f"STT;Mã hồ sơ;Đơn vị\n1;{LISTED};UBND\n2;{LISTED.lower()} ;UBND\n", "utf-8-sig")
    assert b"would be given" in loaded(office, file, "--dry-run").stdout
    assert json.loads(office.run("reconcile", "list", "--json").stdout) == []
    done = loaded(office, file, "--open", "1", "--json")
    assert (done.returncode, json.loads(done.stdout)["overdue"]) == (0, 1), done.stderr
    one = listed(office, revision=1)
    assert one["result"]["by_reason"] == {"unknown_to_us": 1, "late_news": 1}
    assert one["result"]["counts"]["open"] == {"theirs": 1, "ours": 1}
    id = str(one["id"])
    shown = office.run("reconcile", "show", id).stdout.decode().splitlines()
    assert [line.split("\t")[:2] for line in shown[1:]] == [[OURS, "late_news"], [LISTED, "unknown_to_us"]]
    whole = json.loads(office.run("reconcile", "show", id, "--format", "json", "--only", "late_news").stdout)
    assert [difference["dossier"] for difference in whole["differences"]] == [OURS]
    sheet = tmp_path / "out.csv"
    assert office.run("reconcile", "show", id, "--format", "csv", "--output", str(sheet)).returncode == 0
    assert sheet.read_text("utf-8-sig").splitlines()[0].startswith("Mã hồ sơ,Nguồn: quá hạn")
    file.write_text(f"MaHoSo\n{OURS}\n", "utf-8")
    assert loaded(office, file).returncode == 0
    assert listed(office, revision=2)["result"]["by_reason"] == {}


def test_what_cannot_be_taken_or_shown_is_told_in_one_line(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "overdue.csv"
    file.write_text("STT,Tên\n1,Nguyễn Thị Mẫu\n", "utf-8")
    done = loaded(office, file)
    assert (done.returncode, b"names no column MaHoSo" in done.stderr, b"M\xe1\xba\xabu" in done.stderr) == (
        2,
        True,
        False,
    )
    file.write_bytes("Mã hồ sơ\n1".encode("utf-16"))
    assert loaded(office, file).returncode == 2
    assert office.run("reconcile", "show", "999").stderr.decode().startswith("dondoc: no such reconciliation")
    assert office.run("reconcile", "show", "1", "--only", "weather").returncode == 2


def test_what_a_mirror_says_otherwise_is_a_line_each(office: Office) -> None:
    done = office.run("reconcile", "mirror")
    assert (done.stdout, done.stderr) == (b"", b"1 dossiers looked at, 0 differ\n")
