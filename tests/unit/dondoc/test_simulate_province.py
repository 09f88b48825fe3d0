"""The province at its full size: everybody sends, and what is wrong is wrong in the stated share."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner

from dondoc.simulate.cli import register
from dondoc.simulate.everything import Said, simulate_province
from dondoc.simulate.faults import FAULTS, fault_of
from dondoc.simulate.whole import busy, desks, districts, units, whole_directory
from services.intake import directory, national, statements

START = date(2026, 9, 14)


def said(**changed: Any) -> list[Said]:
    asked: dict[str, Any] = {"days": 3, "seed": 7, "start": START, "per_day": 1, "broken": 0, "faults": 10}
    return list(simulate_province(**{**asked, **changed}))


@pytest.fixture(scope="module")
def days() -> list[Said]:
    return said()


def messages(of: list[Said], file: str) -> list[dict[str, Any]]:
    return [dict(one.document) for one in of if one.file == file]


def things(of: list[Said], file: str = "national") -> list[dict[str, Any]]:
    return [thing for message in messages(of, file) for thing in message["data"]]


def test_the_same_seed_gives_the_same_and_another_seed_another() -> None:
    few = {"days": 1, "per_day": 0.2}
    assert said(**few) == said(**few) != said(**few, seed=8)


def test_every_commune_and_office_has_an_agency_id_of_its_own_and_a_desk_with_procedures() -> None:
    assert Counter(unit.desk == "commune" for unit in units()) == {True: 166, False: 14}
    of_all = [*units(), *(district.unit for district in districts())]
    assert len({unit.agency for unit in of_all}) == len({unit.agency_short for unit in of_all}) == 180 + 26
    assert all(desks()[unit.desk] for unit in units())


def test_messages_are_in_order_and_intake_takes_every_one(days: list[Said]) -> None:
    for file in ("national", "mirror"):
        times = [message["sent_at"] for message in messages(days, file)]
        assert times == sorted(times)
        assert times
        for message in messages(days, file):
            read = national.read(orjson.dumps(message))
            assert (len(read.objects), list(read.refused)) == (len(message["data"]), [])
    times = [fact["time"] for fact in messages(days, "facts")]
    assert times == sorted(times)
    assert not [bad for fact in messages(days, "facts") for bad in statements.read(orjson.dumps(fact)).refused]


def test_reports_findings_apologies_and_consultations_are_told(days: list[Said]) -> None:
    kinds = {(fact["type"], fact["data"].get("kind")) for fact in messages(days, "facts")}
    assert kinds >= {("dondoc.duty.v1", "report"), ("dondoc.pause.v1", "consultation")}
    told = messages(said(days=12, per_day=0.5), "facts")
    assert {fact["type"] for fact in told} == {"dondoc.duty.v1", "dondoc.pause.v1", "dondoc.apology.v1"}
    assert {"remediation", "report"} <= {fact["data"].get("kind") for fact in told}


def test_faults_are_as_many_as_asked_for_and_a_dossiers_own(days: list[Said]) -> None:
    codes = [f"000.00.12.H56-260914-{number:04}" for number in range(20_000)]
    drawn = Counter(fault_of(code, seed=7, share=0.1) for code in codes)
    assert all(300 < drawn[fault] < 500 for fault in FAULTS)
    assert not any(fault_of(code, seed=7, share=0) for code in codes)
    seen = defaultdict(list)
    for thing in things(days):
        seen[fault_of(thing["MaHoSo"], seed=7, share=0.1)].append(thing)
    assert set(seen) == {"", "no_due_date", "no_acceptance", "out_of_hours"}
    assert not any(thing.get("NgayHenTra") for thing in seen["no_due_date"])
    assert {thing["TrangThaiHoSo"] for thing in seen["no_acceptance"]} <= {"9", "10"}
    assert not any(thing["NgayTiepNhan"] for thing in seen["no_acceptance"])
    at_counter = [thing for thing in seen["out_of_hours"] if thing.get("KenhThucHien") == "1"]
    assert {thing["NgayTiepNhan"][8:10] for thing in at_counter} == {"21"}
    online = [thing for thing in seen["out_of_hours"] if thing.get("KenhThucHien") == "2" and thing["NgayTiepNhan"]]
    assert "21" not in {thing["NgayTiepNhan"][8:10] for thing in online}
    on_portal = {thing["MaHoSo"] for thing in things(days, "mirror")}
    only_there = on_portal - {thing["MaHoSo"] for thing in things(days)}
    assert only_there
    assert {fault_of(code, seed=7, share=0.1) for code in only_there} == {"mirror_only"}
    well = {thing["MaHoSo"] for thing in seen[""]}
    assert 0 < len(well - on_portal) < 0.05 * len(well)  # the portal has nearly all


def test_land_dossiers_of_communes_go_to_the_land_office_and_come_back() -> None:
    holders: dict[str, list[str]] = defaultdict(list)
    for thing in things(said(days=14, per_day=0.5, faults=0)):
        if "DonViXuLy" in thing:
            holders[thing["MaHoSo"]].append(thing["DonViXuLy"])
    joint = [
        of for code, of in holders.items() if "Văn phòng Đăng ký đất đai Thanh Hóa" in of and "00.02.H56" not in code
    ]
    assert joint
    assert any(of[-1] != "Văn phòng Đăng ký đất đai Thanh Hóa" for of in joint)


def test_what_former_districts_left_open_comes_under_their_names_on_the_first_morning(days: list[Said]) -> None:
    agencies = {district.unit.agency for district in districts()}
    left = [thing for thing in things(days) if thing["MaHoSo"].split("-")[0] in agencies]
    assert {thing["MaHoSo"].split("-")[0] for thing in left} == agencies
    assert all(thing["DonViXuLy"].startswith("UBND ") and thing["NgayTiepNhan"] < "20250701" for thing in left)
    assert {thing["TrangThaiHoSo"] for thing in left} == {"4", "9"}


def test_the_directory_is_taken_and_knows_every_name_and_agency_of_the_feed(days: list[Said]) -> None:
    taken = directory.read(whole_directory())
    known = {word for code, unit in taken.items() for word in (code, unit["name"], *unit["aliases"])}
    national_messages = messages(days, "national")
    assert {message["madonvi"] for message in national_messages} <= known
    assert {thing["DonViXuLy"] for thing in things(days) if "DonViXuLy" in thing} <= known
    emails = [row["email"] for row in csv.DictReader(io.StringIO(whole_directory())) if row["email"]]
    assert all(email.endswith("@example.vn") for email in emails)


def test_the_seasons_are_as_people_know_them() -> None:
    usual = busy(date(2026, 3, 17), "commune")
    assert busy(date(2026, 2, 12), "commune") < usual < busy(date(2026, 7, 15), "commune")
    assert busy(date(2026, 12, 15), "land_office") > busy(date(2026, 10, 15), "land_office")


def test_the_command_writes_each_file(tmp_path: Path) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    files = {name: tmp_path / f"{name}.ndjson" for name in ("output", "facts", "mirror", "directory")}
    options = " ".join(f"--{name} {path}" for name, path in files.items())
    asked = f"simulate --province --days 1 --per-day 0.2 --faults 10 --start {START} {options}"
    result = CliRunner().invoke(app, asked.split())
    assert (result.exit_code, result.stdout) == (0, "")
    written = {name: path.read_text("utf-8").splitlines() for name, path in files.items()}
    expected = said(days=1, per_day=0.2, broken=0.1)
    for name, file in (("output", "national"), ("facts", "facts"), ("mirror", "mirror")):
        assert [json.loads(line) for line in written[name]] == messages(expected, file)
    assert written["directory"] == whole_directory().splitlines()
    assert CliRunner().invoke(app, ["simulate", "--facts", str(tmp_path / "f")]).exit_code == 2
