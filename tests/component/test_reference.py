"""Reference data through intake on real servers: what a file gives is stored and, where it is news, said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from nats.aio.client import Client
from sqlalchemy import text

from services.intake import api
from services.intake.main import SERVICE as INTAKE
from shared.events import ProcedureDescribed, UnitDescribed
from shared.service import Running
from tests import servers as real
from tests.component import harness

NATIONAL = Path(__file__).resolve().parents[2] / "../shared/data/procedures/procedures_national.csv"
HEADER = "code,name,field,channel,limit_value,limit_unit\n"
LAND = "1.012784,Tách thửa đất,Đất đai,,12,working_days\n"
MARRIAGE = "1.004746.000.00.00.H56,Đăng ký lại kết hôn,Hộ tịch,,5,ngay_lam_viec\n"
DOUBTFUL = "1.012785,Chuyển quyền,Đất đai,,8,\n"
UNITS = "code,name,kind,difficult\n"


@dataclass
class Office:
    """An intake, a caller of its HTTP, and an ear on its stream."""

    running: Running
    http: httpx.AsyncClient
    client: Client

    async def load(self, what: str, content: str | bytes, **query: Any) -> dict[str, Any]:
        answer = await self.http.post(f"/v1/{what}", content=content, params=query)
        told: dict[str, Any] = answer.raise_for_status().json()
        await harness.until_idle({"intake": self.running})
        return told

    async def said(self, event: type[Any]) -> list[tuple[str, Any]]:
        """Return id and data of every event of a type."""
        said = [one for one in await harness.said(self.client, "INTAKE") if one["type"] == event.subject()]
        return [(one["id"], one["data"]) for one in said]


@pytest_asyncio.fixture
async def office(nats_url: str, postgres_url: str) -> AsyncIterator[Office]:
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    async with harness.services(INTAKE, nats_url=nats_url, database=database) as started:
        of = started["intake"]
        async with (
            harness.caller(of) as caller,
            harness.connected(nats_url) as client,
        ):
            yield Office(of, caller, client)
    await real.drop_database(postgres_url, database)


async def test_each_procedure_of_a_catalogue_is_said_once_and_again_only_when_it_changes(office: Office) -> None:
    told = await office.load("procedures", HEADER + LAND + MARRIAGE)
    assert told == {
        "procedures": 2, "dry_run": False, "added": ["1.012784", "1.004746"], "changed": [], "flagged": []
    }  # fmt: skip
    again = await office.load("procedures", HEADER + MARRIAGE + LAND)
    assert (again["added"], again["changed"]) == ([], [])
    online = await office.load("procedures", HEADER + LAND + LAND.replace(",,12", ",online,9"))
    assert (online["added"], online["changed"]) == ([], ["1.012784"])
    said = await office.said(ProcedureDescribed)
    assert [id for id, _ in said] == ["procedure:1.004746:1", "procedure:1.012784:1", "procedure:1.012784:2"]
    land = ProcedureDescribed.model_validate(said[-1][1])
    assert (land.code, land.revision, land.name, land.field) == ("1.012784", 2, "Tách thửa đất", "Đất đai")
    assert [(rule.channel, rule.value, rule.unit) for rule in land.rules] == [
        (None, 12, "working_days"),
        ("online", 9, "working_days"),
    ]


async def test_a_procedure_is_shown_as_it_is_now_also_by_the_code_of_a_province(office: Office) -> None:
    await office.load("procedures", HEADER + LAND)
    await office.load("procedures", HEADER + MARRIAGE)  # what is not in a file stays
    shown = (await office.http.get("/v1/procedures/1.012784.H56")).raise_for_status().json()
    assert (shown["code"], shown["revision"], shown["rules"][0]["value"]) == ("1.012784", 1, 12)
    assert (await office.http.get("/v1/procedures/1.999999")).status_code == 404


async def test_a_catalogue_that_is_only_tried_changes_nothing(office: Office) -> None:
    told = await office.load("procedures", HEADER + LAND, dry_run=True)
    assert (told["added"], told["dry_run"]) == (["1.012784"], True)
    assert (await office.http.get("/v1/procedures/1.012784")).status_code == 404
    assert await office.said(ProcedureDescribed) == []


async def test_a_doubtful_limit_is_told_and_its_procedure_is_known_without_one(office: Office) -> None:
    told = await office.load("procedures", HEADER + LAND + DOUBTFUL)
    assert told["flagged"] == [{"line": 3, "code": "1.012785", "why": "a figure without a unit"}]
    [_, (_, doubtful)] = await office.said(ProcedureDescribed)
    assert (doubtful["code"], doubtful["rules"]) == ("1.012785", [])


async def test_a_catalogue_with_mistakes_is_refused_whole_with_each_line(office: Office) -> None:
    content = HEADER + LAND + LAND.replace("12,w", "-12,w") + ",,,,5,weeks\n"
    refused = await office.http.post("/v1/procedures", content=content)
    assert (refused.status_code, refused.headers["Content-Type"]) == (422, "application/problem+json")
    assert refused.json()["errors"] == [
        {"at": "line 3", "why": "limit_value must lie between 0 and ten years"},
        {"at": "line 4", "why": "the code is missing"},
    ]
    assert (await office.http.get("/v1/procedures/1.012784")).status_code == 404
    too_large = await office.http.post("/v1/procedures", content=b"x" * (api.MAX_CATALOGUE_BYTES + 1))
    assert too_large.status_code == 413


async def test_loads_at_the_same_time_follow_one_another(office: Office) -> None:
    files = [HEADER + LAND.replace(",12,", f",{days},") for days in range(1, 9)]
    await asyncio.gather(*(office.load("procedures", file) for file in files))
    said = await office.said(ProcedureDescribed)
    assert sorted(data["revision"] for _, data in said) == list(range(1, 9))
    now = (await office.http.get("/v1/procedures/1.012784")).json()
    assert now == max((data for _, data in said), key=lambda data: data["revision"])


@pytest.mark.skipif(not NATIONAL.is_file(), reason="the crawl of the national portal is not beside the project")
async def test_a_national_catalogue_is_loaded_whole_and_said_once(office: Office) -> None:
    content = NATIONAL.read_bytes()
    told = await office.load("procedures", content)
    assert (len(told["added"]), len(told["flagged"])) == (1601, 480)
    assert (await office.load("procedures", content))["changed"] == []
    assert len(await office.said(ProcedureDescribed)) == 1601


async def test_a_commune_s_mark_is_said_and_a_unit_stored_before_there_was_one_is_no_news(office: Office) -> None:
    await office.load("directory", UNITS + "X,Xã Mường Lát,xa,\nY,Xã Pù Nhi,xa,1\n")
    assert [data["difficult"] for _, data in await office.said(UnitDescribed) if data["code"] in "XY"] == [False, True]
    async with office.running.engine.begin() as connection:
        forget = "UPDATE intake.unit SET document = (document::jsonb - 'difficult')::json WHERE code IN ('X', 'Y')"
        await connection.execute(text(forget))
    told = await office.load("directory", UNITS + "X,Xã Mường Lát,xa,\nY,Xã Pù Nhi,xa,1\n")
    assert (told["added"], told["changed"]) == ([], ["Y"])
