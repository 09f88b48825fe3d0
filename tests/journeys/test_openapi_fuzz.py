"""No call that anybody can make is answered with 500, and every answer is one that the OpenAPI names."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dondoc.stack import layout, running
from tests import servers

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "unsupported_method",
)
EXAMPLES = 60  # of each operation

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzzed")


@pytest.fixture(scope="module")
def stack(data: Path) -> Iterator[running.Running]:
    with servers.running_stack(data) as started:
        yield started


@pytest.mark.parametrize("service", layout.SERVICES)
def test_whatever_is_sent_the_answer_is_one_of_those_described(
    service: str, stack: running.Running, data: Path, tmp_path: Path
) -> None:
    """Every failure is printed with a curl that repeats it."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{stack.http_urls[service]}/openapi.json",
        "-H", f"X-API-Key: {stack.api_key}", "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing",
        "--max-examples", str(EXAMPLES), "--seed", "20261126", "--no-color", "--suppress-health-check", "all",
    ]  # fmt: skip
    env = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.journeys.fuzzed_bodies", "PYTHONPATH": str(servers.ROOT)}
    told = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, check=False)
    assert told.returncode == 0, told.stdout
    log = (data / "logs" / f"{service}.log").read_text()
    assert "Traceback" not in log
    assert "request_failed" not in log
