"""Whether what was answered is there: each filing once, with its file, its event and its obligations."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import orjson
from nats.aio.client import Client

from bench.feedback_sender import Outcome, digest, filling
from bench.ground import Ground
from services.complaints.secrecy import sweeping
from services.complaints.secrecy.envelope import Envelope
from services.complaints.secrecy.vault import Kept, Limits, Vault, written_before
from shared import db
from shared.clock import machine_now
from shared.events import ComplaintFiled
from shared.service import Running

LIMITS = Limits(files=5, file_bytes=10 << 20, total_bytes=30 << 20)
PATIENCE_S = 300


async def rows(ground: Ground, service: str, query: str, *values: Any) -> Sequence[asyncpg.Record]:
    connection = await asyncpg.connect(ground.database_url(service))
    try:
        found: Sequence[asyncpg.Record] = await connection.fetch(query, *values)
        return found
    finally:
        await connection.close()


async def settled(ground: Ground) -> None:
    """Wait until all that was stored is said, and deadline has taken it all in."""

    async def left() -> int:
        [waiting] = await rows(ground, "complaints", "SELECT count(*) FROM complaints.outbox")
        [filed] = await rows(ground, "complaints", "SELECT count(*) FROM complaints.complaint")
        query = "SELECT count(DISTINCT subject_id) FROM (SELECT document->>'subject_id' AS subject_id"
        query += " FROM deadline.obligation WHERE kind = 'answer') AS own"
        [known] = await rows(ground, "deadline", query)
        return int(waiting[0] + filed[0] - known[0])

    async with asyncio.timeout(PATIENCE_S):
        while await left():
            await asyncio.sleep(1)


async def filed(connection: Client) -> dict[str, list[dict[str, Any]]]:
    """Return the data of all ComplaintFiled by code."""
    stream, found = connection.jetstream(), dict[str, list[dict[str, Any]]]()
    subject = ComplaintFiled.subject()
    count = (await stream.stream_info("COMPLAINTS", subjects_filter=subject)).state.subjects or {}
    heard = await stream.subscribe(subject, ordered_consumer=True)
    for _ in range(count.get(subject, 0)):
        data = orjson.loads((await heard.next_msg(timeout=30)).data)["data"]
        found.setdefault(data["code"], []).append(data)
    await heard.unsubscribe()
    return found


async def faults(
    ground: Ground, connection: Client, sent: Sequence[Outcome], *, keys: str, folder: Path, kilobytes: int
) -> dict[str, int]:
    """Return how many filings something is wrong with, by what it is; sorts without any are left out."""
    answered = {one.code: one.number for one in sent if one.status == 201}
    unsure = sum(one.status != 201 for one in sent)
    stored = await rows(ground, "complaints", "SELECT code FROM complaints.complaint")
    codes = Counter(row["code"] for row in stored)
    events = await filed(connection)
    owed = Counter(
        row["of"]
        for row in await rows(
            ground, "deadline", "SELECT document->>'subject_id' AS of FROM deadline.obligation WHERE kind = 'answer'"
        )
    )
    wrong = {
        "answered twice with one number": sum(one.status == 201 for one in sent) - len(answered),
        "lost": sum(codes[code] == 0 for code in answered),
        "doubled": sum(number > 1 for number in codes.values()) + max(0, len(codes) - len(answered) - unsure),
        "without exactly one event": sum(len(events.get(code, ())) != 1 for code in codes),
        "without its obligations": sum(
            owed[code] != len({"answer", *(term["name"] for term in events[code][0]["terms"])})
            for code in codes
            if code in events
        ),
        "without a file that is as it was sent": await _without_file(
            ground, answered, keys=keys, folder=folder, kilobytes=kilobytes
        ),
    }
    return {sort: number for sort, number in wrong.items() if number}


async def _without_file(ground: Ground, answered: dict[str, int], *, keys: str, folder: Path, kilobytes: int) -> int:
    vault, filler = Vault(folder, Envelope.of(keys), LIMITS), filling(kilobytes)
    kept = Counter[str]()
    for row in await rows(ground, "complaints", "SELECT id, code, type, size, sealed FROM complaints.attachment"):
        if row["code"] not in answered:
            continue
        one = Kept(row["id"], "", row["type"], row["size"], row["sealed"])
        hashed = hashlib.sha256()
        async for part in vault.read(one, code=row["code"]):
            hashed.update(part)
        kept[row["code"]] += hashed.hexdigest() == digest(answered[row["code"]], filler)
    return sum(kept[code] != 1 for code in answered)


async def swept(ground: Ground, folder: Path) -> int:
    """Let the hourly sweep look at every file, however young; returns how many it removed."""
    engine = db.engine(ground.database_url("complaints"), name="bench", pool=2)
    try:
        return await sweeping.sweep(cast(Running, SimpleNamespace(engine=engine)), folder, older_than_s=-60)
    finally:
        await engine.dispose()


async def files_without_rows(ground: Ground, folder: Path) -> int:
    known = {row["id"] for row in await rows(ground, "complaints", "SELECT id FROM complaints.attachment")}
    there = await asyncio.to_thread(lambda: [f.name for f in written_before(folder, machine_now().timestamp() + 60)])
    return len(set(there) - known)
