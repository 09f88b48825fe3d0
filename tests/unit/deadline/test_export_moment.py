"""A moment at which there is no world to show is refused before an answer begins."""

import httpx
import pytest

from services.deadline import api
from shared import http
from shared.settings import Settings


@pytest.mark.parametrize(
    "as_of", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-11-01T00:00:00", "yesterday"]
)
async def test_a_moment_that_cannot_be_told_in_vietnamese_time_is_a_wrong_call(as_of: str) -> None:
    app = http.application(name="deadline", settings=Settings(api_key="k"), ready=dict, asyncapi={})
    app.include_router(api.router)
    app.state.running = None
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://deadline", headers={"X-API-Key": "k"}) as client:
        answer = await client.get("/v1/export/obligations", params={"as_of": as_of})
    assert answer.status_code == 422
