"""Prometheus' and Alertmanager's own tools find nothing wrong with the files; the boards are what boards.py writes."""

from __future__ import annotations

import os
import runpy
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.monitoring.watch import BOUNDS, DEPLOY, fast

full = pytest.mark.skipif(not os.environ.get("DONDOC_TESTS_FULL"), reason="part of `./dev test --full`")
PROMETHEUS = DEPLOY / "prometheus"
BOARDS = runpy.run_path(str(DEPLOY / "grafana" / "boards.py"))


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@full
def test_promtool_takes_the_configuration_and_the_rules() -> None:
    run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    run("promtool", "check", "rules", *(PROMETHEUS / "rules").glob("*.yml"))


@full
def test_each_alert_takes_as_much_and_as_long_as_its_test_says() -> None:
    run("promtool", "test", "rules", *(PROMETHEUS / "tests").glob("*.yml"))


def test_each_alert_has_such_a_test() -> None:
    groups = yaml.safe_load((PROMETHEUS / "rules" / "alerts.yml").read_text())["groups"]
    tests = "".join(file.read_text() for file in (PROMETHEUS / "tests").glob("*.yml"))
    assert [
        rule["alert"]
        for group in groups
        for rule in group["rules"]
        if "alert" in rule and f'alertname="{rule["alert"]}"' not in tests
    ] == []


@full
@pytest.mark.parametrize("to", ["", "truc-ban@example.vn, 'o''b'@example.vn"])
def test_amtool_takes_the_configuration_with_and_without_mail(tmp_path: Path, to: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DONDOC_ALERTS_FOLDER": str(DEPLOY / "alertmanager"),
        "DONDOC_ALERTS_CONFIG": str(tmp_path / "alertmanager.yml"),
        "DONDOC_ALERTS_PROGRAM": "true",
        "DONDOC_ALERTS_TO": to,
        "DONDOC_NOTIFY_SMTP_HOST": "relay.example.vn",
        "DONDOC_NOTIFY_SMTP_USERNAME": "dondoc",
    }
    subprocess.run([DEPLOY / "alertmanager" / "start.sh"], env=environment, check=True)
    run("amtool", "check-config", tmp_path / "alertmanager.yml")
    [receiver] = yaml.safe_load((tmp_path / "alertmanager.yml").read_text())["receivers"]
    assert [mail["to"] for mail in receiver.get("email_configs", [])] == ([to] if to else [])


def test_alerts_for_somebody_need_a_relay(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "DONDOC_ALERTS_TO": "truc-ban@example.vn"}
    done = subprocess.run(
        [DEPLOY / "alertmanager" / "start.sh"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no relay" in done.stderr


@pytest.mark.parametrize("name", BOARDS["BOARDS"])
def test_a_board_is_what_its_source_writes(name: str) -> None:
    assert (DEPLOY / "grafana" / "dashboards" / f"{name}.json").read_text() == BOARDS["text"](name), (
        "write it anew: uv run python deploy/grafana/boards.py"
    )


def test_no_board_is_left_of_a_source_that_has_gone() -> None:
    assert {file.stem for file in (DEPLOY / "grafana" / "dashboards").iterdir()} == set(BOARDS["BOARDS"])


def test_the_fast_rules_differ_in_time_alone() -> None:
    rules = "".join(file.read_text() for file in (PROMETHEUS / "rules").glob("*.yml"))
    assert [bound for bound in BOUNDS if rules.count(bound) != 1] == []
    assert fast("rate(x[5m]) offset 10m\nfor: 2m\ninterval: 5m [10d]") == (
        "rate(x[5000ms]) offset 10000ms\nfor: 2000ms\ninterval: 5000ms [10d]"
    )
