"""Oversight on real servers: records and duties from feeds and from operators, series of reports, proposals."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
import pytest_asyncio
import yaml
from nats.aio.client import Client
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.deadline.main import SERVICE as DEADLINE
from services.intake.main import SERVICE as INTAKE
from services.notify.main import SERVICE as NOTIFY
from shared import db
from shared.bus import publish
from shared.cloudevents import Outgoing, decode
from shared.events import OversightRecorded
from shared.service import Running
from tests import servers as real
from tests.component import harness

FINDING = {"id": "KL-12", "unit": "Sở Tư pháp", "inspection": "Kết luận 12/KL-TTr", "text": "Chậm niêm yết", "severity": "high"}  # fmt: skip  # noqa: E501 - one record
TASKS = [
    {"id": f"KL-12/{n}", "finding": "KL-12", "unit": "Sở Tư pháp", "division": f"Phòng {n}", "title": f"Việc {n}", "due_on": f"2026-12-1{n}"}  # noqa: E501 - one record
    for n in (1, 2, 3)
]  # fmt: skip
QUARTERLY = {
    "name": "bc-quy", "title": "Báo cáo cải cách hành chính", "units": ["Sở Tư pháp", "14758"],
    "period": "quarter_15_14", "due": {"working_days": 5}, "since": "2026-12-14",
}  # fmt: skip


class Office(NamedTuple):
    running: dict[str, Running]
    intake: httpx.AsyncClient
    deadline: httpx.AsyncClient
    nats: Client

    async def tick(self, at: str) -> None:
        await harness.tick(self.nats, at, streams=("FEED", "COMPLAINTS"))
        await harness.until_idle(self.running)

    async def post(self, path: str, rows: Any, **params: Any) -> dict[str, Any]:
        answer = await self.intake.post(f"/v1/{path}", json=rows, params=params)
        assert answer.is_success, answer.text
        await harness.until_idle(self.running)
        return dict(answer.json())

    async def load_series(self, *series: dict[str, Any]) -> dict[str, Any]:
        content = yaml.safe_dump({"series": list(series)}).encode()
        answer = (await self.intake.post("/v1/report-series", content=content)).raise_for_status()
        await harness.until_idle(self.running)
        return dict(answer.json())

    async def feed(self, *statements: dict[str, Any], at: str) -> None:
        headers, subject = {"Dondoc-Received-At": at}, "feed.thanh-tra.facts"
        await publish(
            self.nats, [Outgoing(uuid.uuid4().hex, subject, orjson.dumps(one), headers) for one in statements]
        )
        await harness.until_idle(self.running)

    async def owed(self, kind: str) -> dict[str, dict[str, Any]]:
        listed = (await self.deadline.get("/v1/obligations", params={"kind": kind, "limit": 1000})).json()
        return {one["subject_id"]: one for one in listed}

    async def recorded(self) -> list[OversightRecorded]:
        said = await harness.said(self.nats, "INTAKE")
        return [
            decode(OversightRecorded, orjson.dumps(one)).data
            for one in said
            if one["type"] == OversightRecorded.subject()
        ]

    async def events(self) -> int:
        return len(await harness.said(self.nats, "INTAKE"))


@pytest_asyncio.fixture
async def office(nats_url: str, postgres_url: str) -> AsyncIterator[Office]:
    async with harness.intake_and_deadline(nats_url, postgres_url) as pair:
        found = Office(*pair)
        await found.tick("2026-11-26T09:00:00+07:00")
        yield found


def statement(of: str, subject: str, *, time: str, **data: Any) -> dict[str, Any]:
    envelope = {"specversion": "1.0", "id": "1", "source": "/thanh-tra", "type": f"dondoc.{of}.v1"}
    return {**envelope, "subject": subject, "time": time, "data": data}


async def test_a_finding_with_three_tasks_goes_to_acceptance(office: Office) -> None:
    await office.post("oversight/finding", [FINDING])
    told = await office.post("oversight/task", TASKS)
    assert (told["added"], told["refused"]) == ([one["id"] for one in TASKS], [])
    owed = await office.owed("remediation")
    assert [(one["state"], one["due_at"][:10], one["title"]) for one in owed.values()] == [
        ("open", f"2026-12-1{n}", f"Việc {n} (giao Phòng {n})") for n in (1, 2, 3)
    ]
    await office.tick("2026-12-10T09:00:00+07:00")
    done = {"status": "submitted", "status_at": "2026-12-10T08:00:00+07:00", "evidence": "BC-1"}
    await office.post("oversight/task", [{"id": one["id"], **done} for one in TASKS], only_known=True)
    assert {one["state"] for one in (await office.owed("remediation")).values()} == {"ended"}
    back = {"id": "KL-12/2", "status": "returned", "status_at": "2026-12-10T08:30:00+07:00"}
    await office.post("oversight/task", [back], only_known=True)
    owed = await office.owed("remediation")
    assert [one["state"] for one in owed.values()] == ["ended", "open", "ended"]
    for status, at in (("submitted", "2026-12-10T08:40:00+07:00"), ("accepted", "2026-12-10T08:50:00+07:00")):
        rows = [{"id": one["id"], "status": status, "status_at": at} for one in TASKS]
        await office.post("oversight/task", rows, only_known=True)
    owed = await office.owed("remediation")
    assert {(one["state"], one["end"]) for one in owed.values()} == {("ended", "submitted")}
    assert "reopened" in owed["KL-12/2"]["flags"]
    history = (await office.intake.get("/v1/oversight/task/history", params={"id": "KL-12/2"})).json()
    told_of = [one["document"].get("status") for one in history]
    assert told_of == [None, "submitted", "returned", "submitted", "accepted"]
    assert [one["revision"] for one in history] == [1, 2, 3, 4, 5]
    last = [one for one in await office.recorded() if one.record == "KL-12/2"][-1]
    assert (last.kind, last.revision, last.document["evidence"]) == ("task", 5, "BC-1")


async def test_the_same_table_again_is_nothing_new_and_a_value_may_go_back(office: Office) -> None:
    await office.post("oversight/task", TASKS)
    await office.post("oversight/plan", [{"id": "KH số 1/KH-UBND năm 2026", "unit": "14758", "year": 2026}])
    before = await office.events()
    told = await office.post("oversight/task", TASKS)
    assert (told["added"], told["changed"], told["same"]) == ([], {}, 3)
    assert await office.events() == before
    for due in ("2026-12-20", "2026-12-11"):
        told = await office.post("oversight/task", [{"id": "KL-12/1", "due_on": due}])
        assert list(told["changed"]["KL-12/1"]) == ["due"]
        assert (await office.owed("remediation"))["KL-12/1"]["due_at"][:10] == due


async def test_a_dry_run_tells_the_same_and_keeps_nothing(office: Office) -> None:
    before = await office.events()
    rows = [*TASKS, {"id": "X", "unit": "Sở Tư pháp"}]
    would = await office.post("oversight/task", rows, dry_run=True)
    assert await office.events() == before
    did = await office.post("oversight/task", rows)
    assert {**would, "dry_run": False} == did
    assert [(one["at"], one["why"]) for one in did["refused"]] == [(3, "title, due: missing")]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({**TASKS[0], "unit": "Sở Không Có"}, "unit: the directory knows no such unit"),
        ({**TASKS[0], "status": "submitted", "status_at": "2027-01-01"}, "status_at: lies in the future"),
        ({**TASKS[0], "due_on": "soon"}, "due_on: must be a date, as in 2026-12-15"),
        ({**TASKS[0], "id": ""}, "id: missing"),
        ({"unit": "Sở Tư pháp"}, "id: missing"),
    ],
)
async def test_what_is_not_whole_is_refused_and_its_neighbours_are_taken(
    office: Office, row: dict[str, Any], why: str
) -> None:
    told = await office.post("oversight/task", [row, TASKS[1], TASKS[1]])
    assert told["added"] == ["KL-12/2"]
    assert [(one["at"], one["why"]) for one in told["refused"]] == [(0, why), (2, "id: stands twice in what was sent")]


async def test_nothing_is_noted_of_what_nobody_spoke_of(office: Office) -> None:
    row = {"id": "KL-99", "status": "submitted", "status_at": "2026-11-25"}
    told = await office.post("oversight/task", [row], only_known=True)
    assert [one["why"][:3] for one in told["refused"]] == ["id:"]


async def test_a_feed_says_the_same_in_any_order_and_its_repeat_nothing(office: Office) -> None:
    """A task said in our format, its submission before it, and a duty of the older type are one thing."""
    task = statement(
        "task", "KL-7/1", time="2026-11-20T08:00:00+07:00", **{k: v for k, v in TASKS[0].items() if k != "id"}
    )
    done = statement(
        "duty",
        "KL-7/1",
        time="2026-11-25T08:00:00+07:00",
        kind="remediation",
        status="submitted",
        status_at="2026-11-25T08:00:00+07:00",
    )
    item = statement("plan_item", "KH/1", time="2026-11-20T08:00:00+07:00", unit="14758", title="Phát tờ rơi", category="publicity", due_on="2026-12-30")  # fmt: skip  # noqa: E501 - one statement
    bad = statement("task", "KL-7/2", time="2026-11-20T08:00:00+07:00", due_on="soon")
    for _ in range(2):
        await office.feed(done, task, item, bad, at="2026-11-26T08:00:00+07:00")
        owed = (await office.owed("remediation"))["KL-7/1"]
        assert (owed["state"], owed["title"]) == ("ended", "Việc 1 (giao Phòng 1)")
        planned = (await office.owed("plan_item"))["KH/1"]
        assert (planned["unit"], planned["field"], planned["due_at"][:10]) == ("14758", "Tuyên truyền", "2026-12-30")
        assert [(one.kind, one.record, one.revision) for one in await office.recorded()] == [
            ("task", "KL-7/1", 1),
            ("plan_item", "KH/1", 1),
        ]
    async with office.running["intake"].engine.connect() as connection:
        rows = await connection.execute(text("SELECT reason, seen FROM intake.quarantine"))
        assert [tuple(row) for row in rows] == [("invalid_object", 2)]


async def test_a_recommendation_waits_for_its_addressee_and_says_no_name_anywhere(office: Office) -> None:
    row = {
        "id": "KN-1/2026", "unit": "14758", "ref": "VV-7/2026", "addressee": "Sở Nội vụ", "measure": "reprimand",
        "sent_on": "2026-11-20", "answer_due_on": "2026-12-05", "name": "Nguyễn Văn A",
    }  # fmt: skip
    await office.post("oversight/recommendation", [row])
    [owed] = (await office.owed("recommendation")).values()
    assert (owed["unit_name"], owed["state"], owed["title"]) == ("Sở Nội vụ", "open", None)
    answered = {"id": "KN-1/2026", "status": "submitted", "status_at": "2026-11-25", "answer": "accepted"}
    await office.post("oversight/recommendation", [answered], only_known=True)
    outcome = {"id": "KN-1/2026", "outcome": "reprimand", "outcome_on": "2026-11-26"}
    await office.post("oversight/recommendation", [outcome])
    [owed] = (await office.owed("recommendation")).values()
    assert owed["end"] == "submitted"
    last = (await office.recorded())[-1]
    assert (last.unit, last.document["ref"], last.document["outcome"]) == ("14758", "VV-7/2026", "reprimand")
    owed_said = [one for one in await harness.said(office.nats, "INTAKE") if one["type"].startswith("intake.duty_said")]
    assert len(owed_said) == 2
    assert "14758" not in orjson.dumps(owed_said).decode()
    for stream in ("INTAKE", "DEADLINE"):
        assert "Nguyễn" not in orjson.dumps(await harness.said(office.nats, stream)).decode()


async def test_a_series_makes_each_duty_once_when_its_period_has_ended(office: Office) -> None:
    told = await office.load_series(QUARTERLY)
    assert told["added"] == ["bc-quy"]
    await office.tick("2026-12-14T23:00:00+07:00")
    assert await office.owed("report") == {}
    await office.tick("2026-12-15T00:00:00+07:00")
    owed = await office.owed("report")
    assert sorted(owed) == ["bc-quy/2026-Q4/14758", "bc-quy/2026-Q4/TH-STP"]
    one = owed["bc-quy/2026-Q4/14758"]
    assert (one["due_at"], one["accepted_at"]) == ("2026-12-21T17:00:00+07:00", "2026-12-15T00:00:00+07:00")
    assert one["title"] == "Báo cáo cải cách hành chính quý IV năm 2026 (từ 15/09/2026 đến 14/12/2026)"
    before = await office.events()
    assert (await office.load_series(QUARTERLY))["changed"] == []
    await office.load_series({**QUARTERLY, "basis": "x"})
    await office.tick("2026-12-16T00:00:00+07:00")
    assert await office.events() == before
    [listed] = [s for s in (await office.intake.get("/v1/report-series")).json() if s["name"] == "bc-quy"]
    assert (listed["through"], listed["next_at"][:19], listed["revision"]) == ("2026-12-14", "2027-03-14T17:00:00", 2)


async def test_submission_ends_the_duty_of_a_series_whoever_tells_of_it(office: Office) -> None:
    await office.load_series(QUARTERLY)
    await office.tick("2026-12-18T09:00:00+07:00")
    at = "2026-12-18T08:00:00+07:00"
    told = statement("duty", "bc-quy/2026-Q4/14758", time=at, kind="report", status="submitted", status_at=at)
    await office.feed(told, at="2026-12-18T09:00:00+07:00")
    noted = {"id": "bc-quy/2026-Q4/TH-STP", "status": "submitted", "status_at": at, "evidence": "BC-88"}
    await office.post("oversight/report", [noted], only_known=True)
    assert {(one["state"], one["timing"]) for one in (await office.owed("report")).values()} == {("ended", "early")}


async def test_after_a_downtime_the_periods_missed_are_made_up_for_as_backlog(office: Office) -> None:
    await office.load_series({**QUARTERLY, "period": "month", "since": "2026-08-01", "units": ["14758"]})
    await office.tick("2026-11-26T10:00:00+07:00")
    owed = await office.owed("report")
    assert sorted(owed) == [f"bc-quy/2026-{month}/14758" for month in ("08", "09", "10")]
    assert {(one["timing"], one["backlog"]) for one in owed.values()} == {("overdue", True)}


async def test_a_series_that_is_not_enabled_makes_nothing(office: Office) -> None:
    carried = (await office.intake.get("/v1/report-series")).json()
    assert carried
    assert not any(one["enabled"] or one["next_at"] for one in carried)
    await office.load_series({**QUARTERLY, "since": "2026-09-14", "enabled": False})
    await office.tick("2026-12-20T00:00:00+07:00")
    assert await office.owed("report") == {}


async def test_where_the_calendar_does_not_reach_a_series_waits_until_one_does(office: Office) -> None:
    await office.load_series({**QUARTERLY, "since": "2031-01-01"})
    [listed] = [s for s in (await office.intake.get("/v1/report-series")).json() if s["name"] == "bc-quy"]
    assert listed["waits"] == "calendar_unknown"
    await office.tick("2031-03-10T00:00:00+07:00")
    hours = ["07:00-11:30", "13:30-17:00"]
    given = {
        "name": "thanh-hoa",
        "timezone": "Asia/Ho_Chi_Minh",
        "known_from": "2020-01-01",
        "known_until": "2032-12-31",
    }
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), hours)
    await office.post("calendars", [{"name": "thanh-hoa", "given": {**given, "week": week}, "units": []}])
    await office.tick("2031-03-14T12:00:00+07:00")
    assert await office.owed("report") == {}
    await office.tick("2031-03-15T00:00:00+07:00")
    owed = (await office.owed("report")).values()
    assert [one["due_at"] for one in owed] == ["2031-03-21T17:00:00+07:00"] * 2


async def test_units_are_proposed_with_reasons_and_the_choice_is_noted_for_good(office: Office) -> None:
    await office.post("oversight/finding", [FINDING])
    await office.post("oversight/task", TASKS)
    await office.post("oversight/surprise_check", [{"id": "KT-1", "unit": "TH-STC", "on": "2026-11-20", "result": "clean"}])  # fmt: skip  # noqa: E501 - one record
    looked = (await office.intake.get("/v1/oversight/proposals", params={"count": 5, "seed": 7})).json()
    kept = await office.post("oversight/proposals", {}, count=5, seed=7)
    assert {**looked, "id": kept["id"]} == kept
    first = kept["units"][0]
    assert (first["unit"], [one["what"] for one in first["reasons"]]) == (
        "TH-STP",
        ["never_checked", "findings", "open_tasks"],
    )
    assert [one["by_lot"] for one in kept["units"]] == [False] * 4 + [True]
    numbers = {"Sở Tài chính": {"overdue_share": 1}, "nobody": {"flags": 3}}
    other = await office.post("oversight/proposals", numbers, count=1, seed=7)
    assert (other["units"][0]["unit"], other["unknown_units"]) == ("TH-STC", ["nobody"])

    units = [one["unit"] for one in kept["units"]]
    choice = {"proposal": kept["id"], "ordered_by": "Giám đốc Sở Nội vụ", "units": units}
    await office.post("oversight/choices", choice)
    answer = await office.intake.post("/v1/oversight/choices", json={**choice, "units": ["Sở Tài chính"]})
    assert (answer.status_code, "say why" in answer.json()["detail"]) == (422, True)
    await office.post("oversight/choices", {**choice, "units": ["Sở Tài chính"], "why": "phản ánh của người dân"})
    noted = (await office.intake.get("/v1/oversight/choices")).json()
    assert [(one["units"], one["proposed"], one["seed"]) for one in noted] == [
        (sorted(units), units, 7),
        (["TH-STC"], units, 7),
    ]
    for table in ("oversight_choice", "oversight_proposal", "oversight_record"):
        with pytest.raises(DBAPIError, match="never changed"):
            async with db.transaction(office.running["intake"].engine) as connection:
                await connection.execute(text(f"DELETE FROM intake.{table}"))


async def test_units_are_those_of_the_day_under_any_of_their_words_and_their_flags_count(office: Office) -> None:
    """A commune that went into another, a former district with several heirs, what intake itself flagged."""
    directory = {
        "units": [
            {"code": "XA-CU", "name": "Xã Cũ", "kind": "xa", "valid_until": "2026-06-30", "successors": ["14758"]},
            {"code": "H-CU", "name": "Huyện Cũ", "kind": "huyen_cu", "valid_until": "2025-06-30",
             "successors": ["14758", "14797"]},
        ],
        "aliases": [{"unit": "TH-STP", "alias": "Tư pháp tỉnh", "from": "2020-01-01"}],
    }  # fmt: skip
    assert (await office.intake.post("/v1/directory", json=directory)).is_success
    told = await office.post("oversight/task", [{**TASKS[0], "id": word, "unit": word} for word in ("Xã Cũ", "Tư pháp tỉnh", "Huyện Cũ")])  # fmt: skip  # noqa: E501 - three records
    assert told["added"] == ["Xã Cũ", "Tư pháp tỉnh"]
    assert told["refused"] == [{"at": 2, "id": "Huyện Cũ", "why": "unit: may be any of several units: name one"}]
    async with db.transaction(office.running["intake"].engine) as connection:
        await connection.execute(
            text(
                "INSERT INTO intake.quality_flag (thing, flag, unit, day, amount, evidence, first_seen, last_seen) "
                "VALUES ('x', 'numbers_missing', '14758', '2026-11-20', 30, '{}', now(), now())"
            )
        )
    kept = await office.post("oversight/proposals", {}, count=200, seed=7)
    found = {one["unit"]: {reason["what"]: reason["points"] for reason in one["reasons"]} for one in kept["units"]}
    assert "XA-CU" not in found
    assert found["14758"] == {"never_checked": 15, "flags": 3, "open_tasks": 2}
    assert found["TH-STP"] == {"never_checked": 15, "open_tasks": 2}
    numbers = {"14758": {"flags": 50}, "Xã Cũ": {"overdue_share": 0.5}}
    kept = await office.post("oversight/proposals", numbers, count=200, seed=7)
    found = {one["unit"]: {reason["what"]: reason["points"] for reason in one["reasons"]} for one in kept["units"]}
    assert found["14758"] == {"never_checked": 15, "overdue_share": 15, "flags": 5, "open_tasks": 2}


async def test_a_series_asks_the_units_that_were_in_force_when_its_period_had_ended(office: Office) -> None:
    units = [
        {"code": "XA-CU", "name": "Xã Cũ", "kind": "xa", "valid_until": "2027-02-28", "successors": ["14758"]},
        {"code": "XA-MOI", "name": "Xã Mới", "kind": "xa", "valid_from": "2027-03-20"},
    ]
    assert (await office.intake.post("/v1/directory", json={"units": units})).is_success
    told = await office.load_series({**QUARTERLY, "units": ["Xã Cũ", "XA-MOI", "Xã Nào Đó"]})
    assert told["unknown_units"] == ["Xã Nào Đó"]
    await office.tick("2027-07-01T09:00:00+07:00")
    made = sorted(await office.owed("report"))
    assert made == [
        "bc-quy/2026-Q4/XA-CU", "bc-quy/2027-Q1/14758", "bc-quy/2027-Q2/14758", "bc-quy/2027-Q2/XA-MOI",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("oversight/choices", {"proposal": 99, "ordered_by": "x", "units": ["TH-STC"]}, 404),
        ("oversight/choices", {"proposal": 99, "ordered_by": "", "units": ["TH-STC"]}, 422),
        ("oversight/proposals", {"TH-STC": {"overdue_share": 1.5}}, 422),
        ("oversight/people", [{}], 422),
        ("oversight/task", [], 422),
        ("oversight/task", [{"id": "x"}] * 1001, 422),
    ],
)
async def test_a_call_that_does_not_fit_is_answered_with_why(office: Office, path: str, body: Any, status: int) -> None:
    assert (await office.intake.post(f"/v1/{path}", json=body)).status_code == status


async def test_heads_are_told_of_each_new_kind_in_words(nats_url: str, postgres_url: str) -> None:
    database = await real.fresh_database(postgres_url, migrated=["intake", "deadline", "notify"])
    async with (
        harness.services(INTAKE, DEADLINE, NOTIFY, nats_url=nats_url, database=database, clock="driven") as running,
        harness.connected(nats_url) as nats,
        harness.caller(running["intake"]) as intake,
        harness.caller(running["deadline"]) as deadline,
    ):
        office = Office(running, intake, deadline, nats)
        await office.tick("2026-11-26T09:00:00+07:00")
        row = {"unit": "Sở Tư pháp", "title": "Phát tờ rơi", "due_on": "2026-11-27", "category": "publicity"}
        await office.post("oversight/plan_item", [{"id": "KH/1", **row}])
        to = {"unit": "14758", "ref": "VV-7", "addressee": "Sở Tư pháp", "answer_due_on": "2026-11-27"}
        await office.post("oversight/recommendation", [{"id": "KN-1", **to}])
        await office.tick("2026-11-30T08:00:00+07:00")
        await office.tick("2026-11-30T15:00:00+07:00")
        async with running["notify"].engine.connect() as connection:
            rows = await connection.execute(text("SELECT text_body FROM notify.notice"))
            texts = "\n".join(rows.scalars())
    await real.drop_database(postgres_url, database)
    assert "KH/1 · nhiệm vụ trong kế hoạch cải cách hành chính · Phát tờ rơi · Tuyên truyền" in texts
    assert "KN-1 · việc trả lời kiến nghị xử lý kỷ luật" in texts
