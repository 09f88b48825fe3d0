"""`dondoc policy`: what `check` says, and what `dry-run` writes."""

import csv
import json
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import typer
import yaml
from typer.testing import CliRunner

from services.notify import cli
from services.notify.policies.file import CARRIED
from services.notify.trying import cli as policy_cli


def called(*arguments: str, command: str = "check") -> tuple[int, str]:
    app = typer.Typer()
    cli.register(app)
    result = CliRunner().invoke(app, ["policy", command, *arguments])
    return result.exit_code, result.output


def test_a_good_policy_is_shown() -> None:
    code, said = called(str(CARRIED))
    assert code == 0
    assert "digests at 07:30, 14:00" in said
    assert (
        "answer: near: as deadline says, head, by email; level 1: +0 working days, head, by email and sms; "
        "level 2: +2 working days, superior, by email and sms" in said
    )


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text(CARRIED.read_text("utf-8").replace("tell: superior", "tell: chairman"))
    return file


def test_a_wrong_policy_ends_with_one_and_names_line_and_reason(wrong: Path) -> None:
    code, said = called(str(wrong))
    assert code == 1
    assert f"{wrong}: line 27: ladders.dossier.levels.1.tell: the Chairman gets the weekly page" in said
    assert "cannot be used: 12 faults" in said


def test_faults_are_told_as_json_too(wrong: Path) -> None:
    code, said = called(str(wrong), "--json")
    found = json.loads(said)
    assert (code, found["usable"], found["faults"][0]["line"]) == (1, False, 27)


def test_what_is_odd_is_told_and_no_reason_for_one(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(CARRIED.read_text("utf-8").replace('at: "08:00"', 'at: "05:00"'))
    code, said = called(str(file))
    assert code == 0
    assert "weekly.at: lies in the quiet hours: the page waits until they are over (odd, not wrong)" in said
    found = json.loads(called(str(file), "--json")[1])
    assert (found["usable"], [one["place"] for one in found["warnings"]]) == (True, ["weekly.at"])
    assert found["policies"][0]["fingerprint"]


ROW = {
    "policy": "tried", "at": "2026-11-23T07:30:00+07:00", "post": "H56.12", "role": "head",
    "channels": ["email", "sms"], "reached": True, "items": 1,
    "new": 1, "changed": 0, "repeated": 0, "settled": 0, "near": 0, "elsewhere": 0,
    "levels": {"1": 1}, "first": ["=A1"],
}  # fmt: skip
COUNTED = {
    "notices": {"email": 1, "sms": 1}, "posts": 1, "unreached": 0, "most_on_one_day": 1, "items": {"new": 1, "near": 0},
    "levels": {"1": 1},
}  # fmt: skip
TOTALS = {"all": COUNTED, "by_role": {"head": COUNTED}}
REPORT = {
    "from": "F", "to": "T", "read": 9, "matters": 3, "versions": {"tried": "5", "present": "4"},
    "totals": {"tried": TOTALS, "present": TOTALS},
    "differences": {"notices": 1, "items": 2, "posts": [{"post": "H56.12", "tried": 1, "present": 0}]},
    "really": [], "limits": ["the directory is that of today"],
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Stand in for notify; returns what it is asked."""
    heard: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(json.loads(request.content))
        if "chairman" in heard[-1]["policy"].split("ladders:")[1]:
            return httpx.Response(422, json={"detail": "the policy cannot be used: line 24: no"})
        lines = [{"read": 1, "of": 2}, {"row": ROW}, {"report": REPORT}]
        return httpx.Response(200, content=b"".join(orjson.dumps(line) + b"\n" for line in lines))

    def client(*_: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(answer), base_url="http://notify")

    monkeypatch.setattr(policy_cli, "client", client)
    return heard


SPAN = ("--from", "2026-11-01", "--to", "2026-11-22T12:00:00+07:00")


def test_a_dry_run_tells_in_a_few_lines_what_would_be_other(asked: list[Any]) -> None:
    code, said = called(str(CARRIED), *SPAN, command="dry-run")
    assert (code, asked[0]["from"]) == (0, "2026-11-01T00:00:00+07:00")
    assert "  head       1 mails, 1 SMS to 1 posts; 1 new; level 1: 1" in said
    assert "tried against present: +1 notices, +2 matters in them" in said
    assert "not known here:\n  - the directory is that of today" in said


def test_a_dry_run_writes_each_notice_for_a_spreadsheet(asked: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "trial.csv"
    assert called(str(CARRIED), *SPAN, "--output", str(file), command="dry-run")[0] == 0
    with file.open(encoding="utf-8-sig", newline="") as opened:
        [row] = csv.DictReader(opened)
    assert (row["post"], row["channels"], row["levels"], row["first"]) == ("H56.12", "email; sms", "1: 1", "'=A1")


def test_a_dry_run_as_json_has_the_notices_too(asked: list[Any]) -> None:
    found = json.loads(called(str(CARRIED), *SPAN, "--json", command="dry-run")[1])
    assert (found["rows"], found["versions"]["tried"]) == ([ROW], "5")


def test_a_dry_run_of_a_wrong_policy_or_time_is_a_wrong_call(asked: list[Any], wrong: Path) -> None:
    code, said = called(str(wrong), *SPAN, command="dry-run")
    assert (code, "dondoc: the policy cannot be used: line 24" in said) == (2, True)
    assert called(str(CARRIED), "--from", "x", "--to", "2026-11-22", command="dry-run")[0] == 2


def test_a_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    assert called(str(tmp_path / "none.yaml"))[0] == 2


def test_one_day_is_not_told_as_several(tmp_path: Path) -> None:
    document = yaml.safe_load(CARRIED.read_text("utf-8"))
    ladder = document["ladders"]["dossier"]
    ladder["levels"][1]["after"] = {"working_hours": 1}
    document["ladders"]["report"]["levels"][1]["after"] = {"working_days": 1}
    ladder["repeat"] = {"every_working_days": 1, "at_most": 1}
    ladder["stop"] = {"after_working_days": 60}
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(document))
    code, said = called(str(file))
    assert code == 0, said
    assert "level 2: +1 working hour, " in said
    assert "level 2: +1 working day, " in said
    assert "again every working day, 1 time;" in said
    assert "rests after 60 working days" in said
