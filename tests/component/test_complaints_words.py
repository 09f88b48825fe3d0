"""Words that complaints does not have are refused where they are written, with those that it has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests import servers as real
from tests.component.feedback import COMMUNE, OPERATOR, serving


@pytest_asyncio.fixture
async def migrated(postgres_url: str) -> AsyncIterator[real.Database]:
    made = await real.fresh_database(postgres_url, migrated=["complaints"])
    yield made
    await real.drop_database(postgres_url, made)


async def test_a_field_or_category_that_the_policy_lacks_is_not_decided(
    nats_url: str, migrated: real.Database, tmp_path: Path
) -> None:
    async with serving(nats_url, migrated, tmp_path) as desk:
        code = (await desk.file(unit=COMMUNE))["code"]
        for given, known in (({"field": "lnd"}, "land"), ({"categories": ["late", "extra"]}, "extra_papers")):
            refused = await desk.act(code, "decision", kind="reflection", **given)
            assert refused.status_code == 409
            assert known in refused.json()["detail"]
        assert (await desk.client.get(f"/v1/complaints/{code}", headers=OPERATOR)).json()["decided_by"] is None


async def test_an_officer_who_would_see_nothing_is_not_made(
    nats_url: str, migrated: real.Database, tmp_path: Path
) -> None:
    async with serving(nats_url, migrated, tmp_path) as desk:

        async def put(**given: Any) -> Any:
            return await desk.client.put("/v1/officers/cb-1", json=given, headers=OPERATOR)

        without = await put(roles=["sorter", "handler"])
        assert (without.status_code, "name its code" in without.text) == (422, True)
        assert (await desk.client.get("/v1/officers", headers=OPERATOR)).json() == {"officers": []}
        assert (await put(roles=["handler"], unit="nowhere")).json()["unit_name"] is None
        assert (await put(roles=["handler"], unit=COMMUNE)).json()["unit_name"]
