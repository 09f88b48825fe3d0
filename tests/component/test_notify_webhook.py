"""A program of the province that hears of every digest: how many matters and for whom, signed, and nothing more."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import yaml

from services.notify.policies.file import CARRIED
from shared.events import DeadlinePassed
from tests.component import peers
from tests.component.office import (
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
)
from tests.component.sending import smtp

NAMES = ("Sở Nông nghiệp", "h56.12@example.vn", "000.00.12.H56")


async def test_a_webhook_hears_of_a_digest_even_where_its_head_cannot_be_reached(
    office: Open,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DONDOC_NOTIFY_SECRET_HOOK", "secret")
    policy, providers = tmp_path / "policy.yaml", tmp_path / "providers.yaml"
    policy.write_text(CARRIED.read_text().replace("by: [email, sms]", "by: [email, sms, webhook]"))
    async with peers.relay() as relay, peers.http_server() as peer:
        hook = {"name": "hook", "channel": "webhook", "kind": "webhook", "url": f"http://127.0.0.1:{peer.port}/"}
        providers.write_text(yaml.safe_dump({"providers": [smtp(relay.port), {**hook, "secret": "hook"}]}))
        how = {"policy": policy, "providers": providers, "relay": False}
        nobody = LAND.model_copy(update={"email": None})
        async with office(units=(OVERSIGHT.model_copy(update={"email": None}), nobody), **how) as here:
            await here.hear(DeadlinePassed)
            await here.move_to(FRIDAY_1601)
            await here.move_to(MONDAY_0730)
            [(_, body)] = peer.asked
            told = orjson.loads(body)
            assert (told["unit"], told["role"], told["overdue"], told["counts"]) == ("H56.12", "head", 1, {"new": 1})
            assert not any(name in body.decode() for name in NAMES)
            found = {notice["channel"]: notice for notice in await here.notices()}
            assert (found["webhook"]["status"], found["email"]["status"]) == ("sent", "withheld")
            assert found["webhook"]["notice_id"] == told["notice_id"]

            await here.hear_units(LAND.model_copy(update={"revision": 2}))  # the head was not told: it is news still
            await here.move_to("2026-11-23T08:00:00+07:00")
            await here.move_to(MONDAY_1400)
            assert len(relay.taken) == 1
