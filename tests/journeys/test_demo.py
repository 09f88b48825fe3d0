"""`dondoc demo`, as a newcomer runs it."""

import email
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import servers as real


def text_of(mail: Path) -> str:
    message = email.message_from_bytes(mail.read_bytes())
    parts = [part.get_payload(decode=True) for part in message.walk() if part.get_content_type() == "text/plain"]
    return "".join(part.decode() for part in parts if isinstance(part, bytes))


@pytest.mark.long
def test_the_demo_plays_a_day_and_ends_by_itself(tmp_path: Path) -> None:
    base = str(real.free_port_base())
    command = [sys.executable, "-m", "dondoc.cli", "demo", "--data", str(tmp_path / "demo"), "--port-base", base]
    small = ["--units", "2", "--days", "1", "--no-browser", "--until-end"]
    environment = {**real.clean_environment(), "COLUMNS": "200"}
    done = subprocess.run(
        [*command, *small], env=environment, cwd=real.ROOT, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Console: http://127.0.0.1:{base}/?key=" in done.stdout
    mails = list((tmp_path / "demo" / "mail").glob("*.eml"))
    assert mails
    assert f"mails sent  {len(mails)}" in done.stdout
    texts = [text_of(mail) for mail in mails]
    assert any(f"http://127.0.0.1:{int(base) + 4}/v1/acknowledge/" in text for text in texts)
    assert f"Citizens' pages: http://127.0.0.1:{int(base) + 3}/" in done.stdout
    assert re.search(
        r"feedback    4 by citizens; follow one at \S+/theo-doi: number PA(-\w{4}){3}, secret \w{4}", done.stdout
    )
    assert any("trả lời phản ánh" in text or "trả lời kiến nghị" in text for text in texts)
    assert "stack.json" not in os.listdir(tmp_path / "demo")  # nothing is left running
