"""The recorded permit log through the compose stack, each of its containers killed on the way, ends as recorded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import permit_log
from tests.containers.compose import ALL, Stack
from tests.permit_log import Message
from tests.servers import ROOT, clean_environment

SOURCE = "permit-log"
BEFORE_KILL_S = 0.7  # the command has started and is sending

pytestmark = [
    pytest.mark.skipif(not os.environ.get("DONDOC_TESTS_FULL"), reason="part of `./dev test --full`"),
    pytest.mark.timeout(900),  # the first build fetches every package
]


def importing(stack: Stack, file: Path) -> subprocess.Popen[str]:
    """Start `dondoc import` on this machine: no kill of a container ends it."""
    where = {
        "DONDOC_DATA": str(file.parent / "none"),
        "DONDOC_INTAKE_URL": stack.intake_url,
        "DONDOC_API_KEY": stack.secret("api_key"),
    }
    command = [sys.executable, "-m", "dondoc.cli", "import", "--source", SOURCE, "--json", str(file)]
    return subprocess.Popen(
        command, cwd=ROOT, env=clean_environment() | where, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def parts(messages: Sequence[Message], count: int) -> list[Sequence[Message]]:
    size = -(-len(messages) // count)
    return [messages[at : at + size] for at in range(0, len(messages), size)]


def test_killed_at_every_place_the_stack_ends_as_the_log_records(stack: Stack, tmp_path: Path) -> None:
    log = permit_log.permit_log_path()
    if log is None:
        pytest.skip(permit_log.ABSENT)
    messages = permit_log.national_messages(permit_log.read_cases(log))
    taken = 0
    for killed, part in zip(ALL, parts(messages, len(ALL)), strict=True):
        permit_log.write_ndjson(part, file := tmp_path / f"{killed}.ndjson")
        running = importing(stack, file)
        time.sleep(BEFORE_KILL_S)
        stack.kill(killed)
        told, wrong = running.communicate(timeout=240)
        assert running.returncode == 0, f"{killed}: {wrong}"
        outcome = json.loads(told)
        assert outcome["refused"] == 0
        taken += outcome["accepted"] + outcome["repeated"]
        stack.wait_healthy()
    assert taken == len(messages)

    oracle = permit_log.read_oracle(log)
    known = stack.obligations(source=SOURCE)
    ended = {one["subject_id"].lower() for one in known if one["state"] == "ended"}
    late = {one["subject_id"].lower() for one in known if one["timing"] == "late"}
    assert (len(known), len(ended), len(late)) == (1434, 1329, 377)
    assert (ended, late) == (oracle.ended(), oracle.late())
