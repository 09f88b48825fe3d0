"""Ask pip-audit whether a vulnerability is known in what uv.lock names; run by `./dev audit`.

Exit code 0: asked about all, none is known. 1: one is. 75: it could not be asked about some or all.
pip-audit alone ends with 0 where the index told it nothing of any package.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

KNOWN, COULD_NOT_ASK = 1, 75
PATIENCE_S = 15  # for each answer of the index
NAMED = 5  # packages listed of those that could not be asked about


def main(uv: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        locked, told = Path(folder, "requirements.txt"), Path(folder, "told.json")
        export = [
            uv,
            "export",
            "--quiet",
            "--frozen",
            "--all-groups",
            "--no-emit-project",
            "--output-file",
            str(locked),
        ]
        subprocess.run(export, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - the uv that `./dev` found
        asked = subprocess.run(ask(locked, told), check=False, capture_output=True, text=True)  # noqa: S603 - pip-audit
        if not told.exists():
            lines = asked.stderr.strip().splitlines()
            return say(COULD_NOT_ASK, f"could not ask whether vulnerabilities are known: {lines[-1] if lines else '?'}")
        return judge(json.loads(told.read_text())["dependencies"])


def ask(locked: Path, told: Path) -> list[str]:
    """Return the command; hashes are required, so that what is asked about is what is installed."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(locked), "--no-deps", "--disable-pip"]
    command += ["--require-hashes", "--progress-spinner", "off", "--timeout", str(PATIENCE_S)]
    return [*command, "--format", "json", "--output", str(told)]


def judge(dependencies: Sequence[Mapping[str, Any]]) -> int:
    """Say what is known, else what could not be asked about, else that all is well; returns the exit code."""
    known = [(one, found) for one in dependencies for found in one.get("vulns", ())]
    for one, found in known:
        mended = ", ".join(found["fix_versions"]) or "no version yet"
        say(KNOWN, f"{one['name']} {one['version']}: {found['id']}, mended in {mended}")
    unasked = [one["name"] for one in dependencies if "skip_reason" in one]
    if unasked:
        some = ", ".join(unasked[:NAMED]) + (" …" if len(unasked) > NAMED else "")
        say(COULD_NOT_ASK, f"could not ask about {len(unasked)} of {len(dependencies)} packages: {some}")
    if known:
        return KNOWN
    return COULD_NOT_ASK if unasked else say(0, f"no vulnerability is known in {len(dependencies)} packages")


def say(code: int, words: str) -> int:
    sys.stderr.write(f"audit: {words}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
