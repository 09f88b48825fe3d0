"""What is kept of the sources' logins on NATS."""

from __future__ import annotations

from pathlib import Path

from dondoc.source import logins
from dondoc.stack import layout


def test_a_closed_login_keeps_its_password_and_stays_closed_over_a_restart(tmp_path: Path) -> None:
    made = layout.load_secrets(tmp_path, sources=["a", "b"])
    closed = layout.load_secrets(tmp_path, closed=["a"])
    assert closed.open_sources.keys() == {"b"}
    assert layout.load_secrets(tmp_path, sources=["a"]).open_sources.keys() == {"b"}  # as `dondoc up --source a` does
    assert layout.load_secrets(tmp_path, closed=[]).open_sources == made.sources


def test_where_the_server_is_not_ours_it_is_said_what_to_do(tmp_path: Path) -> None:
    opened, closed = logins.open_login(tmp_path, "motcua-1"), logins.close_login(tmp_path, "motcua-1")
    assert "make-secrets.sh --source motcua-1 && docker-compose restart nats" in opened
    assert '"feed.motcua-1.>"' in opened
    assert "make-secrets.sh --close motcua-1" in closed
    assert logins.address(tmp_path, "motcua-1") is None
    assert not (tmp_path / "secrets.json").exists()
