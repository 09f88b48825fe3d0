"""A failing database is told as problem details, with the status that says whether trying again can help."""

from __future__ import annotations

import httpx
import pytest
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError

from shared import cli, http
from shared.settings import Settings


class Failed(Exception):
    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("Nguyễn Thị Mẫu")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "status", "again"),
    [
        (DBAPIError("SELECT", {}, Failed("57P03")), 503, "5"),
        (DBAPIError("SELECT", {}, Failed(None)), 503, "5"),
        (ConnectionRefusedError("Nguyễn Thị Mẫu"), 503, "5"),
        (DBAPIError("SELECT", {}, Failed("22021")), 422, None),
        (DBAPIError("SELECT", {}, Failed("42P01")), 500, None),
    ],
)
async def test_a_failing_database_is_a_problem_without_values(error: Exception, status: int, again: str | None) -> None:
    app = http.application(name="test", settings=Settings(), ready=dict, asyncapi={})

    @app.get("/fails")
    async def fails() -> None:
        raise error

    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/fails")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, again)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Mẫu" not in answer.text


async def test_requests_are_counted_by_the_pattern_of_their_route_never_by_an_id() -> None:
    app = http.application(name="test", settings=Settings(), ready=dict, asyncapi={})

    @app.get("/things/{id}")
    async def thing(id: str) -> str:
        return id

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        await client.get("/things/000.00.12.H56-261102-0001")
        await client.request("ODD", "/nowhere/000.00.12.H56-261102-0001")
        told = (await client.get("/metrics")).text
    assert 'dondoc_http_requests_total{method="GET",route="/things/{id}",status="200"} 1.0' in told
    assert 'dondoc_http_requests_total{method="OTHER",route="unknown",status="404"} 1.0' in told
    assert "000.00.12" not in told


async def test_a_failure_that_nobody_expected_is_counted_too() -> None:
    app = http.application(name="test", settings=Settings(), ready=dict, asyncapi={})

    @app.get("/falls-over")
    async def falls_over() -> None:
        raise ZeroDivisionError

    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/falls-over")).status_code == 500
        told = (await client.get("/metrics")).text
    assert 'dondoc_http_requests_total{method="GET",route="/falls-over",status="500"} 1.0' in told


async def test_a_rule_of_a_whole_body_is_told_in_its_own_words() -> None:
    app = http.application(name="test", settings=Settings(), ready=dict, asyncapi={})

    @app.get("/fails")
    async def fails() -> None:
        raise RequestValidationError([{"loc": (), "msg": "Value error, name a unit", "type": "value_error"}])

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        answer = await client.get("/fails")
    assert answer.json()["errors"] == [{"at": "", "why": "name a unit"}]
    assert cli.refusal(answer) == "the request does not fit; see errors; name a unit"
