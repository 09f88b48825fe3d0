"""NATS: does it answer, does it write before it acknowledges, are the streams as they must be, is there room."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from pydantic import ValidationError

from dondoc.doctor.clock import judge_offset
from dondoc.doctor.findings import Finding, left_out, ok, settled, warning, wrong
from dondoc.doctor.place import Place, at
from dondoc.stack.layout import HOST, OPERATOR, SERVICES
from shared import bus
from shared.clock import machine_now
from shared.login import inbox, trusted
from shared.settings import Settings
from shared.streams import STREAMS

ANSWER_S = 2
OLDEST = (2, 15, 1)  # the version whose durability and atomic batches the services are tested with
FILLED, FULL = 0.7, 0.95  # of a stream's bound
USUAL_MONITORING_PORT = 8222

Info = dict[str, Any]  # JetStream's answer to STREAM.INFO; empty: no such stream


@dataclass(frozen=True)
class Refused:
    """What a connection was refused: by the server's own words, without the log-in."""

    why: str


async def examine(place: Place) -> list[Finding]:
    """Ask NATS over the connection that the services use, and its monitoring where that can be reached."""
    if not place.nats_url:
        return [left_out("nats", place.without("NATS"))]
    refusals: list[str] = []
    client = await _connect(place, refusals)
    if isinstance(client, Refused):
        to_do = "`dondoc up` starts it; else look at its log, and at DONDOC_NATS_URL"
        return [wrong("nats", f"NATS at {at(place.nats_url)}: {client.why}", to_do)]
    try:
        return [*_judge_version(client), *await _sync(place), *await _streams(client, refusals)]
    finally:
        await client.close()


async def _connect(place: Place, refusals: list[str]) -> Client | Refused:
    url = place.nats_url or ""
    user = urlsplit(url).username
    own = inbox(user if user in SERVICES else OPERATOR)

    async def hear(error: Exception) -> None:
        refusals.append(str(error))

    client = Client()
    try:
        await client.connect(
            url,
            inbox_prefix=own,
            tls=trusted(url, Path(place.nats_ca) if place.nats_ca else None),
            connect_timeout=ANSWER_S,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            error_cb=hear,
        )
        return client
    except (OSError, TimeoutError, NatsError):
        await client.close()
        denied = any("uthorization" in refusal for refusal in refusals)
        return Refused("the log-in is refused" if denied else f"no answer within {ANSWER_S} s")


def _judge_version(client: Client) -> list[Finding]:
    version = client.connected_server_version
    return judge_version((version.major, version.minor, version.patch))


def judge_version(found: tuple[int, int, int]) -> list[Finding]:
    said = f"NATS answers, version {'.'.join(map(str, found))}"
    if found < OLDEST:
        return [warning("nats", said, f"bring it to {'.'.join(map(str, OLDEST))} or newer: older ones were not tried")]
    return [ok("nats", said)]


async def _sync(place: Place) -> list[Finding]:
    assert place.nats_url
    own = place.stack.ports.get("nats_monitoring") if place.stack else None
    server = f"{HOST}:{own}" if own else f"{urlsplit(place.nats_url).hostname}:{USUAL_MONITORING_PORT}"
    told = await asyncio.to_thread(_monitoring, server)
    if told is None:
        to_do = 'on its own machine: `curl -s http://127.0.0.1:8222/jsz` must say "sync_always": true'
        return [left_out("nats durability", f"the monitoring of NATS does not answer at {server}", to_do)]
    return judge_sync(told)


def _monitoring(server: str) -> Info | None:
    try:
        with urllib.request.urlopen(f"http://{server}/jsz", timeout=ANSWER_S) as answer:
            told: Info = json.load(answer)
            return told
    except (urllib.error.URLError, OSError, ValueError):
        return None


def judge_sync(told: Mapping[str, Any]) -> list[Finding]:
    """Return what the monitoring's /jsz says of durability."""
    if told.get("config", {}).get("sync_always"):
        return [ok("nats durability", "each message is on disk before it is acknowledged")]
    said = "NATS acknowledges messages that are not on disk yet: a power failure loses up to two minutes of them"
    return [wrong("nats durability", said, "set `sync_interval: always` in its `jetstream` block, and restart it")]


async def _streams(client: Client, refusals: list[str]) -> list[Finding]:
    try:
        answers = await asyncio.gather(*(_info(client, name, refusals) for name in STREAMS))
    except NoRespondersError:
        return [wrong("streams", "JetStream is off on this server", "add a `jetstream` block to its configuration")]
    told = dict(zip(STREAMS, answers, strict=True))
    found: dict[str, Info] = {name: info for name, info in told.items() if info is not None}
    offsets = [info["offset"] for info in found.values() if info]
    clock = judge_offset("NATS", min(offsets, key=abs)) if offsets else []
    refused = [name for name in told if name not in found]
    closed = [left_out("streams", f"this log-in may not ask for {', '.join(refused)}")] if refused else []
    return [*(judge_streams(found, max_bytes=bound()) if found else []), *closed, *judge_room(found), *clock]


async def _info(client: Client, name: str, refusals: list[str]) -> Info | None:
    """Return what JetStream says of a stream, and its clock's `offset`; None where it says nothing to this log-in."""
    asked = machine_now()
    try:
        info = await asyncio.wait_for(bus.api(client, f"STREAM.INFO.{name}"), ANSWER_S)
    except bus.JetStreamError as error:
        if error.status != 404:
            raise
        return {}
    except TimeoutError:
        if any(f"STREAM.INFO.{name}" in refusal.upper() for refusal in refusals):
            return None
        raise
    middle = asked + (machine_now() - asked) / 2
    return {**info, "offset": datetime.fromisoformat(f"{info['ts'][:19]}{_fraction(info['ts'])}+00:00") - middle}


def bound() -> int:
    """Return the bound of a stream by the settings; where these are wrong, which is told elsewhere, the usual one."""
    try:
        return Settings().stream_max_bytes
    except ValidationError:
        return int(Settings.model_fields["stream_max_bytes"].default)


def _fraction(stamp: str) -> str:
    """Return the fraction of a second of JetStream's time stamp, as Python 3.11 reads it: six digits at most."""
    digits = stamp[19:].removeprefix(".").removesuffix("Z")
    return f".{digits[:6]:0<6}" if digits.isdigit() else ""


def judge_streams(found: Mapping[str, Info], *, max_bytes: int) -> list[Finding]:
    """Compare each stream with what it must be. max_bytes: the bound by the settings."""
    if not any(found.values()):
        return [left_out("streams", "there are none yet: the services make them at their first start")]
    problems = []
    for name, info in found.items():
        if not info:
            problems.append(wrong("streams", f"there is no stream {name}", "restart the services: they make it"))
            continue
        problems += _differences(name, info["config"], max_bytes=max_bytes)
    return settled("streams", problems, good=f"{', '.join(found)} are as they must be")


def _differences(name: str, has: Mapping[str, Any], *, max_bytes: int) -> list[Finding]:
    must = next(stream for stream in STREAMS.values() if stream.name == name).config(max_bytes=max_bytes)
    differ = {key: value for key, value in must.items() if has.get(key) != value}
    problems = []
    if differ.pop("max_bytes", None):
        said = f"stream {name} is bound to {has.get('max_bytes')} bytes, DONDOC_STREAM_MAX_BYTES says {max_bytes}"
        problems.append(warning("streams", said, "restart the services with that setting, or ask with theirs"))
    if differ:
        told = ", ".join(f"{key} is {has.get(key)!r} and must be {value!r}" for key, value in differ.items())
        to_do = "restart the services: they set what can be set; the rest needs the stream made anew from a backup"
        problems.append(wrong("streams", f"stream {name}: {told}", to_do))
    return problems


def judge_room(found: Mapping[str, Info]) -> list[Finding]:
    """Return which streams come near their bound: a full one refuses new messages."""
    problems = []
    for name, info in found.items():
        bound = info.get("config", {}).get("max_bytes", -1)
        share = info["state"]["bytes"] / bound if bound > 0 else 0
        if share >= FILLED:
            said = f"stream {name} holds {share:.0%} of its bound of {bound} bytes"
            say = wrong if share >= FULL else warning
            problems.append(say("streams' room", said, "raise DONDOC_STREAM_MAX_BYTES if the disk allows, and restart"))
    return settled("streams' room", problems, good="none has come to 70 % of its bound") if any(found.values()) else []
