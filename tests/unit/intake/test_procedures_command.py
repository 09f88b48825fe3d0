"""`dondoc procedures check` and what `load` does before it calls anybody: counts, doubtful lines, mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from typer import Typer
from typer.testing import CliRunner

from services.intake import cli

SOUND = (
    "code,limit_value,limit_unit\n1.012784,12,working_days\n1.012785,8,ngay_lam_viec\n1.012786,2,weeks\n1.012787,9,\n"
)
WRONG = "code,limit_value,limit_unit\n1.012784,-1,working_days\n,8,weeks\n"


def run(*arguments: object) -> Any:
    app = Typer()
    cli.register(app)
    return CliRunner().invoke(app, ["procedures", *map(str, arguments)])


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    file = tmp_path / "sound.csv"
    file.write_text(SOUND, "utf-8")
    return file


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    file = tmp_path / "wrong.csv"
    file.write_text(WRONG, "utf-8")
    return file


def test_check_counts_limits_by_unit_and_lists_each_doubtful_line(sound: Path) -> None:
    said = run("check", sound)
    assert (said.exit_code, said.stdout.splitlines()) == (
        0,
        [
            f"{sound}: 4 procedures, 1 without a limit; limits: 2 working_days, 1 weeks",
            f"{sound}:5: 1.012787: a figure without a unit",
        ],
    )


def test_check_tells_the_same_as_json(sound: Path) -> None:
    said = run("check", sound, "--json")
    assert (said.exit_code, orjson.loads(said.stdout)) == (
        0,
        {
            "files": [
                {
                    "file": str(sound),
                    "procedures": 4,
                    "limits": {"working_days": 2, "weeks": 1},
                    "without_limit": 1,
                    "flagged": [{"line": 5, "code": "1.012787", "why": "a figure without a unit"}],
                }
            ]
        },
    )


@pytest.mark.parametrize("command", ["check", "load"])
def test_mistakes_are_one_line_each_with_file_and_line_and_nobody_is_called(command: str, wrong: Path) -> None:
    said = run(command, wrong)
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr.splitlines() == [
        f"{wrong}:2: limit_value must lie between 0 and ten years",
        f"{wrong}:3: the code is missing",
        "dondoc: mistakes to put right: 2",
    ]


def test_the_mistakes_of_every_file_are_told(sound: Path, wrong: Path) -> None:
    said = run("check", sound, wrong, wrong, "--json")
    assert said.exit_code == 1
    assert [(one["file"], one["line"]) for one in orjson.loads(said.stdout)["mistakes"]] == [
        (str(wrong), 2),
        (str(wrong), 3),
    ]


def test_a_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    assert run("check", tmp_path / "none.csv").exit_code == 2
    assert run("load").exit_code == 2
