"""Each fault of NATS that the doctor can see is made once on a real server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dondoc.doctor import broker
from shared import bus
from shared.settings import Settings
from shared.streams import STREAMS
from tests import servers as real
from tests.component.doctoring import HERE, nats_server, said, states
from tests.component.harness import connected

USUAL_BYTES = 1 << 20


async def provision(nats_url: str, *names: str, max_bytes: int = USUAL_BYTES) -> None:
    async with connected(nats_url) as client:
        for name, stream in STREAMS.items():
            if name in names or not names:
                await bus.provision_stream(client, stream, max_bytes=max_bytes)


async def test_sound_streams_are_found_so(nats_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DONDOC_STREAM_MAX_BYTES", str(USUAL_BYTES))
    await provision(nats_url)
    found = await broker.examine(replace(HERE, nats_url=nats_url))
    assert states(found, "streams") == states(found, "streams' room") == states(found, "clock of NATS") == ["ok"]


async def test_a_stream_changed_behind_our_back_and_a_missing_one_are_wrong(nats_url: str) -> None:
    bound = Settings().stream_max_bytes
    await provision(nats_url, "FEED", "BACKFILL", "INTAKE", "DEADLINE", "COMPLAINTS", max_bytes=bound)
    async with connected(nats_url) as client:
        config = {**STREAMS["INTAKE"].config(max_bytes=bound), "discard": "old", "max_age": 0}
        await bus.api(client, "STREAM.UPDATE.INTAKE", config)
    found = await broker.examine(replace(HERE, nats_url=nats_url))
    [(changed, words), missing] = said(found, "streams")
    assert changed == "wrong"
    assert words.startswith("stream INTAKE: discard is 'old' and must be 'new', max_age is 0")
    assert missing == ("wrong", "there is no stream NOTIFY")


async def test_a_stream_near_its_bound_is_a_warning(nats_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DONDOC_STREAM_MAX_BYTES", str(USUAL_BYTES))
    await provision(nats_url)
    async with connected(nats_url) as client:
        for _ in range(3):
            await client.jetstream().publish("feed.some.national", b"x" * (USUAL_BYTES // 4))
    found = await broker.examine(replace(HERE, nats_url=nats_url))
    [(state, words)] = said(found, "streams' room")
    assert state == "warning"
    assert words.startswith("stream FEED holds 75%")


async def test_a_wrong_log_in_and_a_silent_nats_are_told_apart(nats_url: str) -> None:
    denied = nats_url.replace("@", "x@")
    [finding] = await broker.examine(replace(HERE, nats_url=denied))
    assert finding.said.endswith("the log-in is refused")
    [finding] = await broker.examine(replace(HERE, nats_url=f"nats://127.0.0.1:{real.free_port()}"))
    assert (finding.state, finding.said.partition(": ")[2]) == ("wrong", "no answer within 2 s")


async def test_a_nats_that_acknowledges_before_the_disk_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nats_server(tmp_path, f'jetstream {{ store_dir: "{tmp_path}" }}') as (port, monitoring):
        monkeypatch.setattr(broker, "USUAL_MONITORING_PORT", monitoring)
        found = await broker.examine(replace(HERE, nats_url=f"nats://127.0.0.1:{port}"))
    assert states(found, "nats durability") == ["wrong"]
    assert states(found, "streams") == ["left_out"]


async def test_a_nats_without_jetstream_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "USUAL_MONITORING_PORT", real.free_port())
    with nats_server(tmp_path) as (port, _):
        found = await broker.examine(replace(HERE, nats_url=f"nats://127.0.0.1:{port}"))
    assert said(found, "streams") == [("wrong", "JetStream is off on this server")]
    assert states(found, "nats durability") == ["left_out"]
