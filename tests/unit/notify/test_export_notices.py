"""`dondoc export notices`."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from services.notify import cli

NOTICE = {"notice_id": "0a1b", "unit": "14797", "status": "sent", "subject": "[Đôn đốc] Phường Hạc Thành", "covers": []}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    def notices(data: Any, status: Any) -> Any:
        return iter([NOTICE])

    monkeypatch.setattr(cli, "_notices", notices)
    made = typer.Typer()
    cli.register(made)
    return made


def test_notices_go_to_the_standard_output_or_to_a_file(app: typer.Typer, tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["export", "notices"])
    assert json.loads(said.stdout) == NOTICE
    file = tmp_path / "notices.ndjson"
    assert CliRunner().invoke(app, ["export", "notices", "--output", str(file)]).stdout == ""
    assert json.loads(file.read_text("utf-8")) == NOTICE


def test_the_csv_opens_in_a_spreadsheet(app: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "notices.csv"
    said = CliRunner().invoke(app, ["export", "notices", "--format", "csv", "--output", str(file)])
    assert said.exit_code == 0
    with file.open(encoding="utf-8-sig", newline="") as opened:
        [row] = csv.DictReader(opened)
    assert (row["notice_id"], row["subject"]) == ("0a1b", "[Đôn đốc] Phường Hạc Thành")


def test_wrong_calls_are_refused(app: typer.Typer, tmp_path: Path) -> None:
    for wrong in (["--format", "xml"], ["--status", "lost"], ["--output", str(tmp_path)]):
        assert CliRunner().invoke(app, ["export", "notices", *wrong]).exit_code == 2


def test_the_help_says_the_formats_and_when_there_are_digests(app: typer.Typer) -> None:
    said = CliRunner().invoke(app, ["export", "notices", "--help"], terminal_width=120).stdout
    assert "<ndjson|csv>" in said or "[ndjson|csv]" in said
    assert "Digests are made at the slots of the policy" in said


def test_an_empty_export_says_so_beside_what_it_writes(app: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_notices", lambda data, status: iter(()))
    said = CliRunner().invoke(app, ["export", "notices", "--status", "failed"])
    assert (said.exit_code, said.stdout, said.stderr) == (0, "", "dondoc: nothing: no notice is failed\n")
    said = CliRunner().invoke(app, ["export", "notices", "--format", "csv"])
    assert (said.stdout.count("\n"), said.stderr) == (1, "dondoc: nothing: no notice was made yet\n")
