"""`dondoc doctor` finds nothing wrong with a sound stack, and before the first start looks at what that will need."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from dondoc.doctor import surroundings
from dondoc.doctor.findings import Finding
from dondoc.stack import layout
from tests import servers as real
from tests.component.doctoring import HERE, said, states


def doctor(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dondoc.cli", "doctor", *arguments]
    return subprocess.run(
        command, cwd=real.ROOT, env={**real.clean_environment(), **env}, capture_output=True, text=True, check=False
    )


@pytest.mark.long
def test_a_sound_stack_has_no_fault_and_no_secret_is_told(tmp_path: Path) -> None:
    with real.running_stack(tmp_path) as stack:
        done = doctor("--data", str(tmp_path), "--json")
        differs = doctor("--data", str(tmp_path), "--json", DONDOC_NOTIFY_SEND="live", DONDOC_NOTIFY_SMTP_PORT="1")
    told = json.loads(done.stdout)
    findings = [Finding(**finding) for finding in told["findings"]]
    assert done.returncode == 0, done.stdout
    assert told["well"]
    looked_at = {finding.check for finding in findings if finding.state == "ok"}
    assert looked_at >= {
        *("settings", "programs", "ports", "disk", "secret files", "nats", "nats durability", "streams", "postgres"),
        *("postgres durability", "schemas", "roles", "passwords", "time zone", "calendar", "services", "quarantine"),
        *("clock of NATS", "clock of PostgreSQL", "streams' room", "mail"),
    }
    secrets = [stack.api_key, *json.loads((tmp_path / "secrets.json").read_text())["roles"].values()]
    assert [secret for secret in secrets if secret in done.stdout] == []
    assert differs.returncode == 1
    live = [Finding(**finding) for finding in json.loads(differs.stdout)["findings"]]
    assert states(live, "mail relay") == ["wrong"]
    assert ("warning", "notify runs in mode record, and DONDOC_NOTIFY_SEND is live here") in said(live, "services")


def test_before_the_first_start_it_looks_at_what_that_will_need(tmp_path: Path) -> None:
    base = real.free_port_base()
    with socket.socket() as occupant:
        occupant.bind((layout.HOST, base + layout.PORT_OFFSETS["postgres"]))
        occupant.listen()
        done = doctor("--data", str(tmp_path / "new"), "--port-base", str(base), "--json")
    findings = [Finding(**finding) for finding in json.loads(done.stdout)["findings"]]
    assert done.returncode == 1
    assert said(findings, "ports") == [("wrong", f"port {base + 12} of postgres is in use")]
    assert states(findings, "programs") == ["ok"]
    assert states(findings, "nats") == states(findings, "postgres") == states(findings, "services") == ["left_out"]
    assert not (tmp_path / "new").exists()


def test_a_server_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(metadata, "files", lambda _: [])
    [finding] = surroundings.check_programs(HERE)
    assert (finding.state, finding.to_do) == ("wrong", "run `uv sync`")
