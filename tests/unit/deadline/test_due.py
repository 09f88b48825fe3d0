"""`dondoc due`: each question gets its answer in order; what cannot be answered is told by the field at fault."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from dondoc import cli as dondoc
from services.deadline.due import LONGEST_LINE, answer
from shared.worktime import vietnam

OFFICE = ["07:00-11:30", "13:30-17:00"]
WRITTEN_OUT = {
    "timezone": "Asia/Ho_Chi_Minh",
    "week": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE),
    "dates": {"2026-11-24": []},
    "known_until": "2027-12-31",
}
ASKED: dict[str, Any] = {
    "id": "a1",
    "calendar": WRITTEN_OUT,
    "start": "2026-11-20T16:00:00+07:00",
    "limit": {"value": 3, "unit": "working_days"},
}


def asked(**more: Any) -> dict[str, Any]:
    return answer(orjson.dumps(ASKED | more))


def test_a_calendar_written_out_may_have_hours_for_a_time() -> None:
    winter = {"from": "2026-11-25", "week": {day: ["08:00-11:00"] for day in WRITTEN_OUT["week"]}}
    told = asked(calendar=WRITTEN_OUT | {"periods": [winter]}, limit={"value": 12, "unit": "working_hours"})
    assert told["due_at"] == "2026-11-25T11:00:00+07:00"


def test_a_question_is_answered_with_levels_version_and_reasons() -> None:
    levels = [{"value": 10, "unit": "working_hours"}, {"value": -1, "unit": "working_days"}]
    told = asked(levels=levels)
    assert told["due_at"] == "2026-11-26T16:00:00+07:00"
    assert told["levels"] == ["2026-11-30T08:00:00+07:00", "2026-11-25T16:00:00+07:00"]
    assert [step["on"] for step in told["explanation"] if step["counts"]] == ["2026-11-23", "2026-11-25", "2026-11-26"]
    assert {"on": "2026-11-24", "counts": 0, "why": "day off"} in told["explanation"]
    assert told["calendar_version"] == asked(start="2027-11-19T16:00:00+07:00")["calendar_version"]
    assert told["calendar_version"] != asked(calendar=WRITTEN_OUT | {"dates": {}})["calendar_version"]


def test_the_provinces_calendar_is_known_by_its_name_and_names_its_holidays() -> None:
    told = asked(calendar="thanh-hoa")
    assert told["calendar_version"] == vietnam().version
    assert {"on": "2026-11-24", "counts": 0, "why": "holiday: Ngày Văn hóa Việt Nam"} in told["explanation"]


def test_open_hours_and_pauses_are_explained_to_the_second() -> None:
    pauses = [{"from": "2026-11-23T08:00:00+07:00", "to": None}]
    hours = {"value": 9, "unit": "working_hours"}
    told = asked(limit=hours, pauses=pauses, now="2026-11-23T10:00:00+07:00")
    assert told["due_at"] == "2026-11-25T09:00:00+07:00"
    assert sum(step["counts"] for step in told["explanation"]) == 9 * 3600
    assert [step["paused"] for step in told["explanation"] if step["why"] == "paused"] == [7200]
    assert asked(limit=hours, pauses=pauses)["error"] == "now: missing, and pauses[0] is still open"


def test_a_measurement_is_open_time_without_its_pauses() -> None:
    span = {"from": "2026-11-20T16:00:00+07:00", "to": "2026-11-26T16:00:00+07:00"}
    paused = [{"from": "2026-11-23T00:00:00+07:00", "to": "2026-11-24T00:00:00+07:00", "effect": "reset"}]
    assert asked(measure=span) == {"id": "a1", "working_seconds": 3 * 8 * 3600}
    assert asked(measure=span, pauses=paused) == {"id": "a1", "working_seconds": 2 * 8 * 3600}
    assert asked(measure={"from": span["to"], "to": span["from"]})["working_seconds"] == 0


@pytest.mark.parametrize("limit", [None, 0, {"value": 0, "unit": "weeks"}, {"value": None, "unit": "weeks"}])
def test_no_limit_is_no_deadline(limit: Any) -> None:
    assert asked(limit=limit)["due_at"] is None


def test_a_calendar_without_an_end_answers_far_ahead() -> None:
    endless = {name: value for name, value in WRITTEN_OUT.items() if name != "known_until"}
    assert asked(calendar=endless, limit={"value": 25 * 12, "unit": "months"})["due_at"].startswith("2051-11-20")
    once = {"timezone": "Asia/Ho_Chi_Minh", "dates": {"2033-01-03": OFFICE}}
    assert asked(calendar=once, limit={"value": 1, "unit": "working_hours"})["due_at"] == "2033-01-03T08:00:00+07:00"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"start": "2026-11-20T16:00:00"}, "start: 2026-11-20T16:00:00 has no time zone"),
        ({"start": "2026-02-30T16:00:00+07:00"}, "start: '2026-02-30T16:00:00+07:00' is not a time"),
        ({"start": None}, "start: missing"),
        ({"start": "9999-12-31T23:00:00+07:00"}, "start: the year 9999"),
        ({"limit": {"value": -3, "unit": "working_days"}}, "limit.value: -3"),
        ({"limit": {"value": 10**15, "unit": "working_days"}}, "limit.value: "),
        ({"limit": {"value": "3", "unit": "working_days"}}, "limit.value: '3' is not a number"),
        ({"limit": {"value": 3, "unit": "days"}}, "limit.unit: 'days' is not one of"),
        ({"limit": {"value": 9_000, "unit": "working_days"}}, "calendar: the calendar is known from"),
        ({"ends": "noon"}, "ends: 'noon' is not one of"),
        ({"first_day": "same"}, "first_day: same goes with"),
        ({"calendar": "atlantis"}, "calendar: 'atlantis' is not one of thanh-hoa"),
        ({"calendar": WRITTEN_OUT | {"timezone": "Asia/Atlantis"}}, "calendar.timezone: 'Asia/Atlantis'"),
        ({"calendar": WRITTEN_OUT | {"week": {}, "dates": {}}}, "calendar has no open hours"),
        ({"calendar": WRITTEN_OUT | {"week": {"mon": ["12:00-07:00"]}}}, "calendar.week.mon: 12:00-07:00 closes"),
        (
            {"calendar": WRITTEN_OUT | {"week": {"mon": ["07:00-12:00", "11:00-13:00"]}}},
            "calendar.week.mon: 07:00-12:00",
        ),
        ({"calendar": WRITTEN_OUT | {"week": [1]}}, "calendar.week: not an object"),
        ({"calendar": WRITTEN_OUT | {"weeks": {}}}, "calendar.weeks: not one of"),
        ({"calendar": WRITTEN_OUT | {"periods": {}, "week": {}, "dates": {}}}, "calendar has no open hours"),
        ({"calendar": WRITTEN_OUT | {"periods": {"from": "2026-11-23"}}}, "calendar.periods: not a list"),
        (
            {"calendar": WRITTEN_OUT | {"periods": [{"week": {"mon": ["9-10"]}}]}},
            "calendar.periods[0].week.mon: '9-10'",
        ),
        ({"calendar": WRITTEN_OUT | {"known_until": "2026-13-01"}}, "calendar.known_until: "),
        ({"calendar": WRITTEN_OUT | {"known_until": "2020-01-01"}}, "calendar.known_until: "),
        ({"pauses": [{"from": "2026-11-23T10:00:00+07:00", "to": "2026-11-23T09:00:00+07:00"}]}, "pauses[0].to: "),
        ({"pauses": [{"from": "2026-11-23T10:00:00", "to": None}]}, "pauses[0].from: "),
        ({"pauses": {}}, "pauses: not a list"),
        ({"levels": [{"value": 1, "unit": "weeks"}]}, "levels[0].unit: "),
        ({"levels": [{"value": 1.5, "unit": "working_days"}]}, "levels[0].value: "),
    ],
)
def test_a_bad_question_is_answered_by_its_field(wrong: dict[str, Any], error: str) -> None:
    told = asked(**wrong)
    assert told["id"] == "a1"
    assert told["error"].startswith(error)


def test_the_command_answers_line_by_line_in_order_and_says_with_3_that_some_were_wrong(tmp_path: Path) -> None:
    questions, answers = tmp_path / "questions.ndjson", tmp_path / "answers.ndjson"
    lines = [orjson.dumps(ASKED | {"id": number}) for number in range(3)]
    lines[1:1] = [b"no json", b"", b"[]", b"x" * (LONGEST_LINE + 5)]
    questions.write_bytes(b"\n".join(lines))
    dondoc.gather()
    ended = CliRunner().invoke(dondoc.app, ["due", str(questions), "--output", str(answers)])
    assert ended.exit_code == 3
    told = [orjson.loads(line) for line in answers.read_bytes().splitlines()]
    assert [one["id"] for one in told] == [0, None, None, None, 1, 2]
    assert [one["id"] for one in told if "due_at" in one] == [0, 1, 2]


def test_a_long_stream_keeps_its_order_with_mistakes_in_between(tmp_path: Path) -> None:
    random, questions, answers = Random(7), tmp_path / "questions.ndjson", tmp_path / "answers.ndjson"
    asked_at = [
        datetime(2026, 1, 5, 9, tzinfo=vietnam().zone) + timedelta(days=random.randrange(300)) for _ in range(3000)
    ]
    wrong = {n for n in range(len(asked_at)) if random.random() < 0.1}
    hours = [["07:00-11:30"], ["08:00-12:00", "13:00-17:00"]]
    with questions.open("wb") as file:
        for n, start in enumerate(asked_at):
            week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), hours[n % 2])
            own = {"timezone": "Asia/Ho_Chi_Minh", "week": week, "known_until": f"20{30 + n % 40}-12-31"}
            question = ASKED | {"id": n, "start": start.isoformat(), "calendar": own if n % 3 else "thanh-hoa"}
            file.write(orjson.dumps(question | ({"limit": "3 ngày"} if n in wrong else {})) + b"\n")
    dondoc.gather()
    ended = CliRunner().invoke(dondoc.app, ["due", str(questions), "--output", str(answers)])
    told = [orjson.loads(line) for line in answers.read_bytes().splitlines()]
    assert (ended.exit_code, [one["id"] for one in told]) == (3, list(range(len(asked_at))))
    assert {one["id"] for one in told if one.get("error") == "limit: not an object"} == wrong
    for n, start in enumerate(asked_at):
        assert n in wrong or told[n]["due_at"] > start.isoformat()


ODD: tuple[Any, ...] = (
    None, 0, -1, 1.5, True, "", "x", "\0", [], {}, ["x"], [None], {"mon": None}, {"2026-11-24": None}, 10**15, 1e300,
    "2026-11-24", "0001-01-01T00:00:00+07:00", "2026-11-20T16:00:00.5+23:59", ["00:00-24:00"], "end_of_day", "months",
)  # fmt: skip


def places(of: Any) -> list[tuple[Any, Any]]:
    """Return every place in plain data, as what holds it and its key."""
    keys = list(of) if isinstance(of, dict) else list(range(len(of))) if isinstance(of, list) else []
    return [(of, key) for key in keys] + [place for key in keys for place in places(of[key])]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_stands_in_a_question_it_is_answered(seed: int) -> None:
    random = Random(seed)
    span = {"from": "2026-11-23T10:00:00+07:00", "to": "2026-11-23T11:00:00+07:00"}
    period = {"from": "2026-05-01", "until": "2026-06-01", "week": {"mon": OFFICE}}
    whole = ASKED | {"calendar": WRITTEN_OUT | {"periods": [period]}, "pauses": [span], "levels": [ASKED["limit"]]}
    for _ in range(500):
        question = deepcopy(whole | ({"measure": span} if random.random() < 0.3 else {}))
        for _ in range(random.choice((1, 1, 2, 3))):
            holder, key = random.choice(places(question))
            holder[key] = deepcopy(random.choice(ODD))
        told = answer(orjson.dumps(question))
        assert told.keys() & {"due_at", "working_seconds", "error"}
        orjson.dumps(told)
