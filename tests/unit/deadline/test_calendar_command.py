"""`dondoc calendar check`: what calendar files say, or every mistake in them with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from typer import Typer
from typer.testing import CliRunner

from services.deadline import cli
from shared.worktime import vietnam
from shared.worktime.province import DATA

COMMUNE = """\
name: muong-lat
inherits: thanh-hoa
week: {mon: [08:00-12:00, 13:00-17:00], tue: [08:00-12:00], wed: [08:00-12:00], fri: [08:00-12:00]}
periods: [{from: 2026-05-01, until: 2026-09-30, week: {mon: [06:00-12:00]}}]
dates: {2026-12-30: [], 2062-01-01: []}
"""


def check(*arguments: object) -> Any:
    app = Typer()
    cli.register(app)
    return CliRunner().invoke(app, ["calendar", "check", *map(str, arguments)])


def written(folder: Path, text: str) -> Path:
    file = folder / "commune.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_carried_calendar_is_good() -> None:
    said = check(DATA / "thanh-hoa.yaml", "--year", 2026)
    assert said.exit_code == 0
    lines = said.stdout.splitlines()
    assert lines[:4] == [
        f"thanh-hoa: good, version {vietnam().version}",
        "  Asia/Ho_Chi_Minh, known from 2018-01-01 until 2027-12-31",
        "  40 hours a week: mon-fri 07:00-11:30 13:30-17:00",
        "  2026: 249 working days",
    ]
    assert "  2026-11-24 tue  off  Ngày Văn hóa Việt Nam" in lines
    assert "  2026-08-22 sat  07:00-11:30 13:30-17:00  Làm bù cho ngày nghỉ 31/08/2026" in lines


def test_a_provisional_day_is_shown_as_one() -> None:
    assert "  2027-02-04 thu  off  29 Tết (provisional)" in check(DATA / "thanh-hoa.yaml", "--year", 2027).stdout


def test_a_unit_s_calendar_is_told_with_its_periods_and_what_is_perhaps_not_meant(tmp_path: Path) -> None:
    lines = check(written(tmp_path, COMMUNE), "--year", 2031).stdout.splitlines()
    assert lines[0].endswith(", inherits thanh-hoa")
    assert lines[2:5] == [
        "  20 hours a week: mon 08:00-12:00 13:00-17:00, tue-wed 08:00-12:00, fri 08:00-12:00",
        "  2026-05-01 until 2026-09-30 6 hours: mon 06:00-12:00",
        f"  2027 (2031 is not known): {lines[4].split(': ')[1]}",
    ]
    assert lines[-1] == "  note: not between known_from and known_until, so without effect: 2062-01-01"


def test_facts_are_there_as_json(tmp_path: Path) -> None:
    [said] = orjson.loads(check(written(tmp_path, COMMUNE), "--year", 2026, "--json").stdout)["calendars"]
    assert (said["name"], said["timezone"], said["hours_a_week"]) == ("muong-lat", "Asia/Ho_Chi_Minh", 20)
    assert {"on": "2026-12-30", "weekday": "wed", "name": ""} in said["days_off"]
    assert [day["hours"] for day in said["own_hours"]] == [["08:00-12:00", "13:00-17:00"], ["06:00-12:00"]]


def test_all_mistakes_are_told_with_file_and_line(tmp_path: Path) -> None:
    file = written(tmp_path, COMMUNE.replace("13:00-17:00", "11:00-17:00").replace("2026-12-30", "2026-12-32"))
    said = check(file)
    assert said.exit_code == 1
    assert said.stderr.splitlines() == [
        f"{file}:3: week.mon: 08:00-12:00 and 11:00-17:00 overlap",
        f"{file}:5: dates: '2026-12-32' is not a date such as 2026-11-24",
        "dondoc: mistakes to put right: 2",
    ]
    said = check(file, "--json")
    assert said.exit_code == 1
    assert [mistake["line"] for mistake in orjson.loads(said.stdout)["mistakes"]] == [3, 5]


def test_a_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    assert check(tmp_path / "none.yaml").exit_code == 2
    assert check().exit_code == 2
