"""`dondoc demo`, as a newcomer runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import servers as real


@pytest.mark.long
def test_the_demo_plays_a_day_and_ends_by_itself(tmp_path: Path) -> None:
    base = str(real.free_port_base())
    command = [sys.executable, "-m", "dondoc.cli", "demo", "--data", str(tmp_path / "demo"), "--port-base", base]
    small = ["--units", "2", "--days", "1", "--no-browser", "--until-end"]
    environment = {**real.clean_environment(), "COLUMNS": "200"}
    done = subprocess.run(
        [*command, *small], env=environment, cwd=real.ROOT, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Console: http://127.0.0.1:{base}/?key=" in done.stdout
    mails = list((tmp_path / "demo" / "mail").glob("*.eml"))
    assert mails
    assert f"mails sent  {len(mails)}" in done.stdout
    assert "stack.json" not in os.listdir(tmp_path / "demo")  # nothing is left running
