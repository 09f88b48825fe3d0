"""`./dev audit` fails on a vulnerability, and never takes silence for an answer."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / ".ci" / "audit.py"
ASKED: dict[str, Any] = {"name": "typer", "version": "1.0", "vulns": []}
SILENT: dict[str, Any] = {"name": "rich", "skip_reason": "Dependency not found on PyPI"}
BAD: dict[str, Any] = {
    "name": "jinja2",
    "version": "3.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1"], "aliases": [], "description": ""}],
}


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("dependencies", "code", "said"),
    [
        ([ASKED], 0, "no vulnerability is known in 1 packages"),
        ([ASKED, SILENT], 75, "could not ask about 1 of 2 packages: rich"),
        ([BAD, SILENT], 1, "jinja2 3.0: PYSEC-1, mended in 3.1"),
    ],
)
def test_the_exit_code_tells_found_from_not_asked(
    audit: ModuleType, capsys: pytest.CaptureFixture[str], dependencies: list[Any], code: int, said: str
) -> None:
    assert audit.judge(dependencies) == code
    assert said in capsys.readouterr().err


def test_an_index_that_cannot_be_reached_is_told(
    audit: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\nexit 0\n")
    uv.chmod(0o755)
    monkeypatch.setattr(audit, "ask", lambda *_: ["sh", "-c", "echo no route to the index >&2; exit 1"])
    assert audit.main(str(uv)) == 75
    assert "could not ask whether vulnerabilities are known: no route to the index" in capsys.readouterr().err
