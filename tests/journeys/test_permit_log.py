"""The recorded permit log through a whole stack, by the command line alone, gives what the log itself records.

The second half goes through the same stack: every message three times, in any order, in batches of 20 objects, under
dossier codes of its own. What depends on when a message was received may differ, nothing else.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import permit_log, servers
from tests.permit_log import Message, Oracle

AGAIN = "LAI-"  # before the dossier codes of the second half
BY_RECEIPT = {"heard_at", "revision", "backlog"}
MOMENTS = [datetime(2010, 10, 4, 9, 30, tzinfo=permit_log.ZONE) + timedelta(weeks=weeks) for weeks in range(4, 70, 5)]

Obligation = dict[str, Any]

pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Played:
    """A stack that has heard both halves. first: the export after the first half."""

    data: Path
    oracle: Oracle
    imports: list[dict[str, Any]]
    first: list[Obligation]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    log = permit_log.permit_log_path()
    if log is None:
        pytest.skip(permit_log.ABSENT)
    data = tmp_path_factory.mktemp("stack")
    messages = permit_log.national_messages(permit_log.read_cases(log))
    again = permit_log.shuffled(permit_log.tripled(map(recoded, messages)), seed=20_111)
    with servers.running_stack(data):
        imports = [imported(data, "recorded", messages)]
        first = exported(data)
        imports.append(imported(data, "again", list(permit_log.batched(again, size=20))))
        yield Played(data, permit_log.read_oracle(log), imports, first)


def recoded(message: Message) -> Message:
    return {**message, "data": [{**of, "MaHoSo": AGAIN + of["MaHoSo"]} for of in message["data"]]}


def dondoc(data: Path, *arguments: str) -> str:
    """Run the command on the stack; it must end with 0."""
    done = subprocess.run(
        [sys.executable, "-m", "dondoc.cli", *arguments, "--data", str(data)],
        cwd=servers.ROOT, env=servers.clean_environment(), capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported(data: Path, name: str, messages: list[Message]) -> dict[str, Any]:
    file = data / f"{name}.ndjson"
    permit_log.write_ndjson(messages, file)
    told: dict[str, Any] = json.loads(dondoc(data, "import", "--source", "permit-log", "--json", str(file)))
    dondoc(data, "status", "--wait-idle", "120")
    return told


def exported(data: Path, *options: str) -> list[Obligation]:
    return [json.loads(line) for line in dondoc(data, "export", "obligations", *options).splitlines()]


def halves(obligations: list[Obligation]) -> tuple[dict[str, Obligation], dict[str, Obligation]]:
    """Return both halves by the log's own ids."""
    first, again = dict[str, Obligation](), dict[str, Obligation]()
    for obligation in obligations:
        code = obligation["subject_id"]
        half = again if code.startswith(AGAIN) else first
        half[code.removeprefix(AGAIN).lower()] = obligation
    return first, again


def without_receipt(obligation: Obligation) -> Obligation:
    own_names = {"obligation_id", "subject_id"}
    return {name: value for name, value in obligation.items() if name not in BY_RECEIPT | own_names}


def test_every_object_of_the_log_is_taken_once_and_none_is_refused(played: Played) -> None:
    recorded, again = played.imports
    objects = recorded["accepted"] + recorded["repeated"]
    assert (recorded["refused"], again["refused"]) == (0, 0)
    assert again["accepted"] + again["repeated"] == 3 * objects
    assert again["repeated"] >= 2 * objects


def test_the_outcome_is_the_recorded_one(played: Played) -> None:
    ended = [obligation for obligation in played.first if obligation["state"] == "ended"]
    late = {obligation["subject_id"].lower() for obligation in ended if obligation["timing"] == "late"}
    assert (len(played.first), len(ended), len(late), len(ended) - len(late)) == (1434, 1329, 377, 952)
    assert late == played.oracle.late()
    assert {obligation["subject_id"].lower() for obligation in ended} == played.oracle.ended()


def test_shuffled_and_three_times_the_outcome_is_the_same(played: Played) -> None:
    first, again = halves(exported(played.data))
    assert len(first) == 1434
    assert {id: without_receipt(o) for id, o in again.items()} == {id: without_receipt(o) for id, o in first.items()}


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: f"{moment:%Y-%m-%d}")
def test_the_overdue_list_of_any_date_is_the_recorded_one(played: Played, moment: datetime) -> None:
    recorded = played.oracle.overdue_at(moment)
    for half in halves(exported(played.data, "--as-of", moment.isoformat())):
        assert {id for id, obligation in half.items() if obligation["timing"] == "overdue"} == recorded
