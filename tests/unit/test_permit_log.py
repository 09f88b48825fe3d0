"""The permit log's messages say exactly what the log records."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests import permit_log
from tests.permit_log import Case, Message, Oracle, Step, compact, from_compact

AMSTERDAM = timezone(timedelta(hours=2))
DUE = datetime(2011, 6, 6, tzinfo=AMSTERDAM)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    path = permit_log.permit_log_path()
    if path is None:
        pytest.skip(permit_log.ABSENT)
    return permit_log.read_cases(path)


@pytest.fixture(scope="module")
def messages(cases: list[Case]) -> list[Message]:
    return permit_log.national_messages(cases)


def objects(messages: list[Message], service: str) -> Iterator[dict[str, Any]]:
    return (thing for message in messages if message["service"] == service for thing in message["data"])


def last_snapshots(messages: list[Message]) -> dict[str, dict[str, Any]]:
    """Return each dossier's newest snapshot: the ended one where there is one."""
    latest: dict[str, dict[str, Any]] = {}
    for snapshot in objects(messages, "DongBoHoSoMC"):
        if not latest.get(snapshot["MaHoSo"], {}).get("NgayKetThucXuLy"):
            latest[snapshot["MaHoSo"]] = snapshot
    return latest


def overdue_by_messages(snapshots: dict[str, dict[str, Any]], moment: datetime) -> set[str]:
    return {
        key
        for key, said in snapshots.items()
        if from_compact(said["NgayTiepNhan"]) <= moment
        and (not said["NgayKetThucXuLy"] or from_compact(said["NgayKetThucXuLy"]) > moment)
        and from_compact(said["NgayHenTra"]) < moment
    }


def test_the_messages_hold_1434_dossiers_of_which_1329_ended_and_377_late(messages: list[Message]) -> None:
    snapshots = last_snapshots(messages)
    ended = [said for said in snapshots.values() if said["NgayKetThucXuLy"]]
    late = [s for s in ended if from_compact(s["NgayKetThucXuLy"]) > from_compact(s["NgayHenTra"])]
    assert (len(snapshots), len(ended), len(late)) == (1434, 1329, 377)


def test_the_messages_and_the_csv_name_the_same_dossiers(cases: list[Case], messages: list[Message]) -> None:
    oracle, snapshots = Oracle(tuple(cases)), last_snapshots(messages)
    ended = {key for key, said in snapshots.items() if said["NgayKetThucXuLy"]}
    late = {
        key
        for key in ended
        if from_compact(snapshots[key]["NgayKetThucXuLy"]) > from_compact(snapshots[key]["NgayHenTra"])
    }
    assert (ended, late) == (oracle.ended(), oracle.late())


@pytest.mark.parametrize("weeks", range(4, 70, 5))
def test_the_compact_dates_give_the_recorded_overdue_list(
    cases: list[Case], messages: list[Message], weeks: int
) -> None:
    moment = datetime(2010, 10, 4, 9, 30, tzinfo=permit_log.ZONE) + timedelta(weeks=weeks)
    recorded = Oracle(tuple(cases)).overdue_at(moment)
    assert overdue_by_messages(last_snapshots(messages), moment) == recorded
    assert recorded or weeks < 15  # the list is really exercised


def test_every_recorded_event_is_one_step_and_no_4_follows_the_end(messages: list[Message]) -> None:
    snapshots = last_snapshots(messages)
    steps = list(objects(messages, "CapNhatTienDoHoSoMC"))
    assert len(steps) == 8577
    for step in steps:
        end = snapshots[step["MaHoSo"]]["NgayKetThucXuLy"]
        assert step["TrangThai"] in {"4", "10"}
        assert not (step["TrangThai"] == "4" and end and step["ThoiDiemXuLy"] > end)


def test_batching_shuffling_and_tripling_keep_every_object(messages: list[Message]) -> None:
    def counted(some: list[Message]) -> list[str]:
        return sorted(json.dumps(thing) for message in some for thing in message["data"])

    gathered = list(permit_log.batched(messages, size=50))
    assert counted(gathered) == counted(messages)
    assert max(len(message["data"]) for message in gathered) == 50
    assert len(permit_log.tripled(messages)) == 3 * len(messages)
    mixed = permit_log.shuffled(messages, seed=1)
    assert mixed == permit_log.shuffled(messages, seed=1) != messages
    assert counted(mixed) == counted(messages)


# --- without the log --------------------------------------------------------------------------------------


def case(*, ended_at: datetime | None) -> Case:
    steps = (
        Step(DUE - timedelta(days=2), "T02 Check confirmation of receipt", "Group 4"),
        Step(DUE + timedelta(days=2), "T06 Determine necessity of stop advice", "Group 1"),
    )
    return Case("case-1", DUE - timedelta(days=56), DUE, ended_at, "Resource21", steps)


def test_a_case_late_by_milliseconds_stays_late_in_whole_seconds() -> None:
    late = permit_log.national_messages([case(ended_at=DUE + timedelta(milliseconds=20))])
    (snapshot,) = [m["data"][0] for m in late if m.get("isUpdating") == "True"]
    assert (snapshot["NgayHenTra"], snapshot["NgayKetThucXuLy"]) == ("20110606050000", "20110606050001")


def test_an_end_within_the_second_of_its_deadline_is_not_made_late() -> None:
    assert compact(DUE - timedelta(milliseconds=20)) == "20110606045959"


def test_a_step_after_the_end_is_of_status_10() -> None:
    said = permit_log.national_messages([case(ended_at=DUE)])
    assert [m["data"][0].get("TrangThai") for m in said] == [None, "4", None, "10"]


def test_an_absent_log_is_none_and_the_reason_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DONDOC_PERMIT_LOG", str(tmp_path / "nowhere.csv.gz"))
    assert permit_log.permit_log_path() is None
    assert "DONDOC_PERMIT_LOG" in permit_log.ABSENT


def test_written_messages_are_one_a_line(tmp_path: Path) -> None:
    said = permit_log.national_messages([case(ended_at=DUE)])
    path = tmp_path / "log.ndjson"
    assert permit_log.write_ndjson(said, path) == 4
    assert [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] == said
