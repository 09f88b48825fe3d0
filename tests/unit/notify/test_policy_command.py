"""`dondoc policy check`."""

from pathlib import Path

import typer
from typer.testing import CliRunner

from services.notify import cli
from services.notify.policy import CARRIED


def called(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    cli.register(app)
    result = CliRunner().invoke(app, ["policy", "check", *arguments])
    return result.exit_code, result.output


def test_a_good_policy_is_shown() -> None:
    code, said = called(str(CARRIED))
    assert code == 0
    assert "digests at 07:30, 14:00" in said
    assert "answer: near: head; level 1: +0 working days, head; level 2: +2 working days, superior" in said


def test_a_wrong_policy_ends_with_one_and_names_the_place(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(CARRIED.read_text("utf-8").replace("tell: superior", "tell: chairman"))
    code, said = called(str(file))
    assert code == 1
    assert "ladders.dossier.levels.1.tell" in said


def test_a_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    assert called(str(tmp_path / "none.yaml"))[0] == 2
