"""`./dev compose`: bring the compose stack up; given the permit log, show that it ends as recorded. Steps are timed."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import permit_log
from tests.containers.compose import Stack, command, prepared
from tests.servers import ROOT

FOLDER = ROOT / "var" / "trial"  # the secrets and settings of a trial
SOURCE = "permit-log"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say how long the block took; nothing when it fails."""
    began = time.monotonic()
    yield
    say(f"{time.monotonic() - began:7.1f} s  {name}")


def make_secrets(*into: Path) -> None:
    """Make what is missing; what an earlier call made is kept."""
    with step("secrets made"):
        subprocess.run([ROOT / "deploy" / "make-secrets.sh", *into], check=True)


def bring_up(stack: Stack) -> None:
    with step("image built"):
        stack.run("build")
    with step("stack up and healthy"):
        stack.run("up", "--detach")
        stack.wait_healthy()


def tell_where(stack: Stack, *, key: Path) -> None:
    say(f"Console: http://{stack.run('port', 'console', '8000').stdout.strip()}/ – key: {key}")
    say(f"To end it: {' '.join(command())} --env-file {stack.env_file.relative_to(ROOT)} down  (--volumes: data too)")


def operators_stack() -> None:
    """Bring up the stack that .env describes, and leave it running."""
    make_secrets()
    stack = Stack(os.environ, ROOT / ".env")
    bring_up(stack)
    tell_where(stack, key=Path(os.environ.get("DONDOC_SECRETS", "deploy/secrets")) / "api_key")


def trial(log: Path, *, keep: bool) -> bool:
    """Send the log through a stack of its own. returns: whether it ends as the log records."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    make_secrets(FOLDER / "secrets")
    settings = {"COMPOSE_PROJECT_NAME": "dondoc-trial", "DONDOC_IMAGE": os.environ.get("DONDOC_IMAGE", "dondoc:dev")}
    with prepared(FOLDER, settings, keep=keep) as stack:
        stack.run("down", "--volumes")  # what an earlier trial kept
        bring_up(stack)
        good = sent_and_counted(stack, log)
        if keep:
            tell_where(stack, key=(FOLDER / "secrets" / "api_key").relative_to(ROOT))
    return good


def sent_and_counted(stack: Stack, log: Path) -> bool:
    feed = FOLDER / "permit-log.ndjson"
    lines = permit_log.write_ndjson(permit_log.national_messages(permit_log.read_cases(log)), feed)
    with step(f"permit log taken by intake: {lines:,} messages"), feed.open("rb") as given:
        stack.run("exec", "-T", "intake", "dondoc", "import", "--source", SOURCE, "-", given=given)
    with step("everything in flight done"):
        stack.dondoc("status", "--wait-idle", "300")
    with step("obligations exported"):
        told = [json.loads(line) for line in stack.dondoc("export", "obligations").splitlines()]
    late = {one["subject_id"].lower() for one in told if one["timing"] == "late"}
    recorded = permit_log.read_oracle(log).late()
    ended = sum(one["state"] == "ended" for one in told)
    say(f"{len(told):,} obligations, {ended:,} ended, {len(late)} late; the log records {len(recorded)} late")
    return late == recorded


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev compose", description=__doc__)
    parser.add_argument("--permit-log", type=Path, metavar="FOLDER", help="of receipt.csv.gz; on a stack of its own")
    parser.add_argument("--keep", action="store_true", help="leave that stack running at the end")
    given = parser.parse_args()
    log = given.permit_log / "receipt.csv.gz" if given.permit_log and given.permit_log.is_dir() else given.permit_log
    if log and not log.is_file():
        parser.error(f"there is no {log}")
    try:
        if not log:
            operators_stack()
        elif not trial(log, keep=given.keep):
            sys.exit("dev: the outcome is not the recorded one")
    except AssertionError as error:
        sys.exit(f"dev: {error}")


if __name__ == "__main__":
    main()
