"""`calendar load`, `procedures load` and `republish` against running services: what would move, and that it did."""

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
from tests.component.test_intake_to_deadline import message, snapshot

OURS, OTHERS = "000.00.12.H56-261102-0001", "000.00.13.H56-261102-0001"
MUONG_LAT = """\
name: muong-lat
inherits: thanh-hoa
units: [UBND xã Mường Lát]
dates: {2026-11-05: []}
"""


@pytest_asyncio.fixture(scope="module")
async def office(servers: real.Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """Intake and deadline, which know a dossier each of two units and procedures, without dates of their source's."""
    folder = tmp_path_factory.mktemp("office")
    await real.empty_jetstream(servers.nats_url)
    await harness.make_streams(servers.nats_url)
    database = await real.fresh_database(servers.postgres_url, migrated=["intake", "deadline"])
    given: Any = {"nats_url": servers.nats_url, "database": database, "folder": folder}
    with answering("intake", **given) as intake, answering("deadline", **given) as deadline:
        office = Office(folder, intake=intake, deadline=deadline)
        others = snapshot(OTHERS, NgayHenTra="", MaTTHC="1.000689", DonViXuLy="Sở Tư pháp")
        assert office.counts("-", stdin=message(snapshot(OURS, NgayHenTra=""), others)) == (1, 2, 0, 0)
        while not office.run("export", "obligations").stdout:
            pass
        yield office
    await real.drop_database(servers.postgres_url, database)


def due_at(office: Office, code: str, *arguments: str) -> str:
    lines = office.run("export", "obligations", *arguments).stdout.splitlines()
    return str({one["subject_id"]: one["due_at"] for one in map(json.loads, lines)}[code])


def test_a_calendar_is_tried_and_then_loaded_with_all_that_follows(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "muong-lat.yaml"
    file.write_text(MUONG_LAT, "utf-8")
    report = office.told("calendar", "load", str(file), "--dry-run")
    assert (report["open"], report["moved"], report["later"]) == (2, 1, 1)
    assert due_at(office, OURS) == "2026-11-09T09:10:00+07:00"
    done = office.run("calendar", "load", str(file))
    assert (done.returncode, done.stdout.decode()) == (0, "1 calendars: 1 added, 0 changed\n")
    assert done.stderr.decode() == "2 open matters looked at, 1 due times moved\n"
    assert due_at(office, OURS) == "2026-11-10T09:10:00+07:00"
    heir = tmp_path / "heir.yaml"
    heir.write_text("name: heir\ninherits: muong-lat\nunits: [Sở Xây dựng]\n", "utf-8")
    assert office.told("calendar", "load", str(heir), "--dry-run")["moved"] == 0  # it may inherit from what was loaded


def test_a_calendar_with_mistakes_is_told_with_their_lines_and_not_taken(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(MUONG_LAT + "week: {mon: [11:00-10:00]}\nknown_until: never\n", "utf-8")
    done = office.run("calendar", "load", str(file))
    assert done.returncode == 1
    lines = done.stderr.decode().splitlines()
    assert [line.split(":")[1] for line in lines[:-1]] == ["5", "6"]
    assert lines[-1] == "dondoc: mistakes to put right: 2"


def test_a_catalogue_is_tried_before_it_is_loaded_and_doubts_are_warnings(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "procedures.csv"
    file.write_text("code,limit_value,limit_unit\n1.000689,12,working_days\n1.012785,8,\n1.012786,9,\n", "utf-8")
    done = office.run("procedures", "load", str(file), "--dry-run")
    lines = done.stdout.decode().splitlines()
    assert (done.returncode, lines[0]) == (0, f"3 procedures in {file}: 3 would be added, 0 would be changed")
    assert lines[1].startswith("2 open matters looked at: 1 due times would move, 1 later and 0 earlier")
    assert done.stderr.decode().splitlines() == [
        "warning: 2 lines: a figure without a unit",
        f"`dondoc procedures check {file}` lists them",
    ]
    told = office.told("procedures", "load", str(file))
    assert (len(told["added"]), [one["line"] for one in told["flagged"]]) == (3, [3, 4])
    assert due_at(office, OTHERS) == "2026-11-18T09:10:00+07:00"
    assert office.told("procedures", "load", str(file))["added"] == []


def test_states_are_said_again_and_the_past_stays_as_it_was_known(office: Office) -> None:
    work = office.told("republish", "deadline")
    assert (work["total"], work["done"]) == (2, 2)
    assert office.run("republish", "deadline", "--since", "2100-01-01T00:00").stdout.startswith(b"0 states said again")
    assert office.run("republish", "notify").returncode == 2
    assert office.run("export", "obligations", "--known-at", "2020-01-01T00:00:00+07:00").stdout == b""
    later = office.run("export", "obligations", "--known-at", "2100-01-01T00:00:00+07:00", "--format", "csv").stdout
    assert later.count(b"\n") == 3
