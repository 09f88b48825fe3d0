"""What the demo may wipe, and what it hands to its stack."""

from pathlib import Path

import pytest

from dondoc.demo import stage
from dondoc.stack.errors import StackError


def test_a_directory_that_is_no_demo_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "report.odt").write_text("mine")
    with pytest.raises(StackError, match="no demo"):
        stage.clear(tmp_path)
    assert (tmp_path / "report.odt").read_text() == "mine"


def test_an_old_demo_is_wiped(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    stage.clear(data)
    (data / stage.MAIL / "1.eml").write_text("old")
    stage.clear(data)
    assert list((data / stage.MAIL).iterdir()) == []
    assert (data / stage.MARKER).exists()


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    stage.clear(tmp_path)
    assert (tmp_path / stage.MARKER).exists()


def test_a_demo_never_plays_into_servers_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DONDOC_NATS_URL", "nats://production.example.vn")
    monkeypatch.setenv("DONDOC_NOTIFY_SMTP_HOST", "relay.example.vn")
    environment = stage.environment(smtp_port=2525, notify_port=8004)
    assert "DONDOC_NATS_URL" not in environment
    assert (environment["DONDOC_NOTIFY_SMTP_HOST"], environment["DONDOC_NOTIFY_SMTP_PORT"]) == ("127.0.0.1", "2525")
