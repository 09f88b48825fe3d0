"""Receipts of Kannel, a real gateway, called by it over HTTP; all on loopback."""

# ruff: noqa: F811 - fixtures are taken by name

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn

from services.notify.sending import delivery
from shared import http
from shared.events import DeadlinePassed
from tests.component.office import (
    FRIDAY_1601,
    MONDAY_0730,
    Office,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
)
from tests.component.receiving import KEY, UNITS, by_channel, rows
from tests.component.test_notify_sms import CONFIG, Kannel, running_kannel
from tests.servers import free_port
from tests.waiting import until

pytestmark = pytest.mark.long  # needs Kannel, from Debian


@contextlib.asynccontextmanager
async def listening(here: Office, port: int) -> AsyncIterator[None]:
    """Let the gateway reach this notify's HTTP."""
    app = http.application(name="notify", settings=here.notify.settings, ready=dict, asyncapi={})
    assert here.notify.service.router
    app.include_router(here.notify.service.router)
    app.state.running = here.notify
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        yield
    finally:
        server.should_exit = True
        await serving


async def told(here: Office) -> None:
    await here.hear(DeadlinePassed)
    await here.move_to(FRIDAY_1601)
    await here.move_to(MONDAY_0730)


def settings(kannel: Kannel, port: int) -> dict[str, object]:
    return kannel.settings(receipts_url=f"http://127.0.0.1:{port}", receipts_key=KEY)


async def test_kannel_tells_that_the_centre_delivered(office: Open, tmp_path: Path) -> None:
    port = free_port()
    with running_kannel(tmp_path) as kannel:
        async with office(units=UNITS, **settings(kannel, port)) as here, listening(here, port):
            await told(here)
            await until(lambda: by_channel(here), lambda found: found["sms"]["receipt"] == "delivered")
            heard = await rows(here, "SELECT provider, state, code, said_at FROM notify.receipt_heard ORDER BY id")
            assert {row.provider for row in heard} == {"kannel"}
            assert ("delivered", "state=1") in {(row.state, row.code) for row in heard}


async def test_what_kannel_says_of_a_try_that_it_refused_is_not_held_against_the_next(
    office: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no centre takes the number Kannel answers 403, and calls with 16 all the same."""
    port, denied = free_port(), CONFIG.replace("smsc-id = FAKE", "smsc-id = FAKE\ndenied-prefix = 84")
    monkeypatch.setattr("tests.component.test_notify_sms.CONFIG", denied)
    with running_kannel(tmp_path) as kannel:
        async with office(units=UNITS, **settings(kannel, port)) as here, listening(here, port):
            monkeypatch.setattr(delivery, "RETRY_SECONDS", (3600,))
            await told(here)
            asked = "SELECT code, outcome FROM notify.receipt_heard WHERE outcome <> ''"
            heard = await until(lambda: rows(here, asked))
            assert {(row.code, row.outcome) for row in heard} == {("state=16", "refused_try")}
            notice = (await by_channel(here))["sms"]
            assert (notice["status"], notice["receipt"]) == ("stored", "")
