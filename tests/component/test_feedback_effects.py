"""The figures of feedback by unit: what counts against whom, who sees it, and how long a quarter takes."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from services.complaints import officers, store
from services.complaints.effects import cli
from services.complaints.effects import store as effects
from services.complaints.effects.figures import sheet
from services.complaints.permissions import ROLES, Actor, is_counted
from tests.component.feedback import COMMUNE, OPERATOR, OTHER, Desk, opened_desk

DOSSIER = "000.00.12.H56-261102-0007"
SLOW = "Hồ sơ đất của tôi chậm trả kết quả."


@pytest_asyncio.fixture
async def desk(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened_desk(nats_url, postgres_url, tmp_path) as served:
        yield served


async def told(desk: Desk, by: dict[str, str] = OPERATOR, *, since: str = "2026-10-01", **more: str) -> dict[str, Any]:
    query = {"from": since, "to": "2026-12-31"} | more
    answer = await desk.client.get("/v1/effects", params=query, headers=by)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def of(desk: Desk, by: dict[str, str] = OPERATOR) -> dict[str | None, dict[str, Any]]:
    return {one["unit"]: one for one in (await told(desk, by))["units"]}


async def decided(desk: Desk, *categories: str, kind: str = "reflection", accused: str = "", **filing: Any) -> str:
    filed = await desk.file(**{"text": SLOW, "kind_hint": "reflection"} | filing)
    body: dict[str, Any] = {"kind": kind, "categories": categories, "accused_units": [accused] if accused else []}
    await desk.done(filed["code"], "decision", **body)
    return f"{filed['code']}/{filed['secret']}"


async def rated(desk: Desk, filed: str, rating: int) -> None:
    code, secret = filed.split("/")
    await desk.done(code, "answer", text="Đã giải quyết.")
    await desk.done(code, "rating", {}, secret=secret, rating=rating)


async def test_feedback_counts_against_the_unit_that_it_names_by_the_formulas(desk: Desk) -> None:
    assert (await told(desk))["total"]["satisfaction_percent"] is None
    good, bad, again = [await decided(desk, "late", unit="UBND phường Hạc Thành") for _ in range(3)]
    await rated(desk, good, 5)
    await rated(desk, bad, 2)
    await rated(desk, again, 4)
    await desk.done(again.split("/")[0], "reopening", {}, secret=again.split("/")[1], text="Chưa xong.")
    await decided(
        desk, "extra_papers", "harassment", unit="UBND phường Hạc Thành", kind="complaint", name="Nguyễn Văn Mẫu"
    )
    await desk.file(text=SLOW, kind_hint="reflection")
    units = await of(desk)
    one = units[COMMUNE]
    assert one["name"] == "UBND phường Hạc Thành"
    assert {name: one[name] for name in ("received", "complaints", "classified", "answered", "overdue")} == {
        "received": 3, "complaints": 1, "classified": 3, "answered": 2, "overdue": 0,
    }  # fmt: skip
    assert (one["disliked"], one["repeated"], one["satisfaction_percent"]) == (1, 1, 33.33)
    assert (one["classified_percent"], one["on_time_percent"]) == (100.0, 100.0)
    assert {key: number for key, number in one["categories"].items() if number} == {
        "late": 3, "extra_papers": 1, "harassment": 1,
    }  # fmt: skip
    assert (units[None]["name"], units[None]["received"], units[None]["classified"]) == ("Chưa rõ đơn vị", 1, 0)
    whole = await told(desk)
    assert whole["categories"]["pushed_work"] == "Đẩy việc của cơ quan cho người dân"
    assert (whole["total"]["received"], set(whole["categories"])) == (4, set(one["categories"]))

    # 15 working days on, what was reopened is overdue, and so is the screening of the other
    desk.move_to("2026-12-20T09:00:00+07:00")
    units = await of(desk)
    assert (units[COMMUNE]["overdue"], units[COMMUNE]["on_time_percent"]) == (1, 66.67)
    assert units[COMMUNE]["satisfaction_percent"] == 0.0
    assert (units[None]["classified_late"], units[None]["classified_percent"]) == (1, 0.0)
    assert (await told(desk, since="2026-11-21"))["units"] == []


async def test_a_dossier_counts_once_against_the_unit_that_has_it_and_one_under_seal_too(desk: Desk) -> None:
    async with desk.running.engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO complaints.dossier (code, revision, unit, holder) VALUES (:code, 1, 'H56', :holder)"),
            {"code": DOSSIER, "holder": "UBND phường Quảng Phú"},
        )
    await desk.file(text=SLOW, kind_hint="reflection", dossier=DOSSIER)
    await desk.file(text=SLOW, kind_hint="recommendation", dossier=DOSSIER.lower())
    await desk.file(text=SLOW, kind_hint="reflection", dossier=DOSSIER, hide_identity=True, contact="0900 000 123")
    await desk.file(text=SLOW, kind_hint="reflection", dossier=DOSSIER, unit="UBND phường Hạc Thành")
    units = await of(desk)
    assert {unit: (one["received"], one["dossiers"]) for unit, one in units.items()} == {
        OTHER: (3, 2),
        COMMUNE: (1, 1),
    }
    async with desk.running.engine.connect() as connection:
        kept = await connection.execute(
            text("SELECT dossier, about_unit FROM complaints.complaint WHERE hides_identity")
        )
        assert kept.all() == [(None, OTHER)]


async def test_nothing_restricted_counts_and_whom_it_is_about_finds_no_trace(desk: Desk) -> None:
    handler = await desk.officer("h", "handler", "sorter", unit=COMMUNE, person="head-1")
    own = await desk.officer("o", "handler", unit=COMMUNE)
    inspector = await desk.officer("i", "inspector", unit="TH-TTT")
    before = (await told(desk))["units"]
    filed = await desk.file(text="Tôi tố cáo chủ tịch nhận hối lộ.", kind_hint="denunciation", unit=COMMUNE)
    undecided = await desk.file(text=SLOW, kind_hint="reflection", unit=COMMUNE)
    async with desk.running.engine.connect() as connection:
        kept = await connection.execute(text("SELECT about_unit FROM complaints.complaint WHERE restricted"))
        assert kept.scalars().all() == [None]
    assert [one["received"] for one in (await told(desk))["units"]] == [1]
    assert before == (await told(desk, own))["units"] == []  # nobody has decided that it stays in the open
    await desk.done(filed["code"], "decision", inspector, kind="denunciation", accused_units=[COMMUNE])
    await decided(desk, accused=COMMUNE, unit=COMMUNE)
    assert (await told(desk, own))["units"] == []
    assert [one["received"] for one in (await told(desk, handler))["units"]] == [1]  # a sorter, but not of the accused
    await desk.done(undecided["code"], "decision", kind="reflection")
    assert {unit: one["received"] for unit, one in (await of(desk, own)).items()} == {COMMUNE: 1}
    # what turns out to be none comes into the open with what it is about, and what turns out to be one leaves
    await desk.done(filed["code"], "decision", inspector, kind="reflection")
    assert {unit: one["received"] for unit, one in (await of(desk)).items()} == {COMMUNE: 3}
    await desk.done(filed["code"], "decision", kind="denunciation")
    assert {unit: one["received"] for unit, one in (await of(desk)).items()} == {COMMUNE: 2}


async def test_who_may_not_count_and_a_period_that_is_none_are_refused(desk: Desk) -> None:
    other = await desk.officer("x", "inspector", "auditor", "confidant", unit=COMMUNE)
    query = {"from": "2026-10-01", "to": "2026-12-31"}
    assert (await desk.client.get("/v1/effects", params=query)).status_code == 401
    assert (await desk.client.get("/v1/effects", params=query, headers=other)).status_code == 403
    for wrong in ({"from": "2026-12-31", "to": "2026-10-01"}, {"from": "2020-01-01", "to": "2026-01-01"}, {}):
        assert (await desk.client.get("/v1/effects", params=wrong, headers=OPERATOR)).status_code == 422


async def test_the_condition_of_sql_is_the_rule_for_one(desk: Desk) -> None:
    await decided(desk, unit=COMMUNE)
    await decided(desk, accused=COMMUNE, unit=COMMUNE)
    await decided(desk, unit=OTHER)
    await desk.file(text=SLOW, kind_hint="reflection", unit=COMMUNE)
    await desk.file(text="Tôi tố cáo.", kind_hint="denunciation", unit=OTHER)
    async with desk.running.engine.connect() as connection:
        found = [
            feedback
            for code in (await connection.execute(text("SELECT code FROM complaints.complaint"))).scalars()
            if (feedback := await store.find(connection, code))
        ]
        for actor in (
            officers.OPERATOR,
            *(Actor("o", unit, None, frozenset((role,))) for role in ROLES for unit in (None, COMMUNE, OTHER)),
        ):
            now = desk.running.clock.now()
            counted = await effects.count(
                connection,
                actor,
                since=now - timedelta(days=1),
                until=now + timedelta(days=1),
                now=now,
                disliked=2,
                categories=(),
            )
            expected = sum(
                is_counted(actor, one.about, against=one.case.about_unit, decided=one.case.kind_by is not None)
                for one in found
            )
            assert sum(one.received for one in counted) == expected, actor


async def test_figures_are_written_for_a_spreadsheet(desk: Desk) -> None:
    await decided(desk, "late", unit="UBND phường Hạc Thành")
    lines = list(sheet(await told(desk)))
    assert (lines[0][:2], lines[1][:3]) == (["Mã đơn vị", "Đơn vị"], [COMMUNE, "UBND phường Hạc Thành", 1])
    import openpyxl

    page = openpyxl.load_workbook(io.BytesIO(cli.workbook([["=1+1", 2], *lines]))).worksheets[0]
    assert (page["A1"].value, page["A1"].data_type, page["B1"].value) == ("=1+1", "s", 2)
    assert [cell.value for cell in page[3]][:3] == lines[1][:3]
    assert next(iter(cli.text(await told(desk)))).startswith("UBND phường Hạc Thành: Phản ánh, kiến nghị tiếp nhận: 1;")


FILL = """
    INSERT INTO complaints.complaint (code, secret_hash, text, source, kind, kind_by, about_unit, categories, not_to,
        state, filed_at, answer_working_days, screening_due_at, screened_at, answer_due_at, answered_at, rating,
        reopened, dossier, has_dossier, restricted, sealed)
    SELECT 'PA-' || n, 'x', CASE WHEN n % 20 > 0 THEN repeat('Hồ sơ của tôi chậm trả kết quả. ', 20) END, 'api',
        CASE WHEN n % 20 = 0 THEN 'denunciation' WHEN n % 7 = 0 THEN 'complaint' ELSE 'reflection' END,
        CASE WHEN n % 5 > 0 THEN 'o' END, CASE WHEN n % 20 > 0 THEN 'U' || n % 180 END,
        CASE WHEN n % 3 = 0 THEN ARRAY['late', 'attitude'] ELSE ARRAY['extra_papers'] END, '{}', 'received',
        at, 15, at + interval '2 days', at + interval '1 day', at + interval '20 days',
        CASE WHEN n % 3 > 0 THEN at + interval '10 days' END, n % 6, n % 30 / 29,
        CASE WHEN n % 4 = 0 AND n % 20 > 0 THEN 'D' || n % 30000 END, n % 4 = 0, n % 20 = 0,
        CASE WHEN n % 20 = 0 THEN 'x'::bytea END
    FROM generate_series(1, 200000) AS n, LATERAL (SELECT timestamptz '2026-10-01' + n % 90 * interval '1 day') AS t(at)
"""


@pytest.mark.long  # 200,000 rows
async def test_a_quarter_of_two_hundred_thousand_is_counted_within_a_second(desk: Desk) -> None:
    async with desk.running.engine.begin() as connection:
        await connection.execute(text(FILL))
    async with desk.running.engine.connect() as connection:
        await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(
            text("VACUUM ANALYZE complaints.complaint")
        )
    took: list[float] = []
    for _ in range(5):
        began = time.monotonic()
        shown = await told(desk)
        took.append(time.monotonic() - began)
    print(f"{statistics.median(took):.3f} s, slowest {max(took):.3f} s")  # noqa: T201
    assert shown["total"]["received"] + shown["total"]["complaints"] == 190_000
    assert min(took) < 1  # the machine may have other work
