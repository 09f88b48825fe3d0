"""The console's header says what may leave the house, as an operator of notify chose it."""

from __future__ import annotations

from datetime import timedelta

from shared import events
from shared.cloudevents import Outgoing, outgoing
from tests.component.test_console import API_KEY, NOW, hear, migrated, serving
from tests.servers import Database

__all__ = ["migrated"]  # a fixture


def change(revision: int, *, mode: str | None, paused: bool) -> Outgoing:
    told = {"revision": revision, "mode": mode, "paused": paused, "at": NOW + timedelta(minutes=revision)}
    return outgoing(events.SendingChanged, id=f"sending:{revision}", about="sending", time=NOW, data=told)


async def test_the_header_follows_mode_and_pause_and_no_older_revision(nats_url: str, migrated: Database) -> None:
    async with serving(nats_url, migrated) as (started, client):
        await client.post("/login", data={"key": API_KEY})
        assert "Chỉ ghi lại, không gửi ra ngoài" in (await client.get("/")).text
        await hear(started, change(2, mode="live", paused=True))
        assert "Đang tạm dừng gửi" in (await client.get("/live")).text
        await hear(started, change(1, mode="record", paused=False), change(3, mode="allowlist", paused=False))
        assert "Chỉ gửi đến địa chỉ được phép" in (await client.get("/live")).text
