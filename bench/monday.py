"""Monday 07:30: what passed over the weekend, told to the heads of all units in one slot.

deadline is played: it says each obligation before the weekend, and that it passed in the hour in which it did. notify
runs alone, on real servers, before a real relay; business time is driven. All that is measured is machine time, from
the moment at which the slot's tick is given.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
from nats.aio.client import Client

from bench import alertmanager
from bench.ground import (
    PORT_BASE,
    Ground,
    client,
    forget_peak,
    peak_mb,
    processes,
    processor_seconds,
    resident_mb,
    servers,
)
from bench.relay import Mail, Relay, relay
from bench.weekend import FRIDAY, SLOT, Load, due_at, said, say, units
from dondoc.drive import last_tick
from shared import bus
from shared.clock import machine_now
from shared.cloudevents import Outgoing
from shared.db import migrate
from shared.streams import STREAMS, StreamName

NOTIFY = {"notify": ["services.notify.main"]}
HOUR = timedelta(hours=1)
RELAY_PORT, OTHER_RELAY_PORT = PORT_BASE + 30, PORT_BASE + 32
PATIENCE_S = 900
GROUP_WAIT_S = 60  # longer than the posting of all alerts takes
HEARD: tuple[StreamName, StreamName] = ("INTAKE", "DEADLINE")  # by notify; both bring it ticks


@dataclass(frozen=True)
class Monday:
    """One run. Times in seconds from the slot's tick. processor_s: from there to the last mail, by process."""

    followed_per_s: float
    weekend_s: float
    raised_s: float
    stored_s: float
    first_mail_s: float
    last_mail_s: float
    before_mb: float
    peak_mb: float
    processor_s: dict[str, float]
    mails: list[Mail]


async def give_tick(connection: Client, at: datetime) -> None:
    for stream in HEARD:
        subject = STREAMS[stream].tick
        body = orjson.dumps({"at": at, "timers": {}})
        await bus.publish(connection, [Outgoing(f"{subject}:{at.isoformat()}", subject, body)])


async def until(reached: Callable[[], Any], *, every_s: float = 0.05, within_s: float = PATIENCE_S) -> None:
    """Wait until an awaited look is true."""
    async with asyncio.timeout(within_s):
        while not await reached():
            await asyncio.sleep(every_s)


async def come_back(connection: Client, at: datetime) -> None:
    async def is_back() -> bool:
        tick = await last_tick(connection, "NOTIFY")
        return tick is not None and tick.at >= at

    await until(is_back, every_s=0.005)


async def _follow(connection: Client, load: Load) -> float:
    """Let notify hear every obligation, and Friday's tick behind them; returns how many a second it took in."""

    async def is_warm() -> bool:
        try:
            return (await bus.lag(connection, stream="DEADLINE", durable="notify")).floor >= load.obligations // 20
        except bus.JetStreamError:
            return False

    await until(is_warm, every_s=0.01)
    began, behind = machine_now(), load.obligations - load.obligations // 20
    await come_back(connection, FRIDAY)
    return behind / (machine_now() - began).total_seconds()


async def _weekend(connection: Client, load: Load) -> float:
    """Play the weekend hour by hour, or after a stop what was said in it all at once; returns how long that took."""
    began, hours = machine_now(), dict[int, list[int]]()
    for number in range(load.obligations):
        hours.setdefault((due_at(number, load) - FRIDAY) // HOUR, []).append(number)
    for hour in sorted(hours):
        await say(connection, (said(number, load, passed=True) for number in hours[hour]))
        at = FRIDAY + (hour + 1) * HOUR
        if at < SLOT and not load.after_a_stop:
            await give_tick(connection, at)
            await come_back(connection, at)
    return (machine_now() - began).total_seconds()


async def _slot(ground: Ground, connection: Client, load: Load, of_relay: Relay, pid: int) -> dict[str, Any]:
    """Give the slot's tick and wait for the last mail."""
    pids = ground.pids | {"notify": pid}
    spent = {name: processor_seconds(one) for name, one in pids.items()}
    before_mb = resident_mb(pid)
    forget_peak(pid)
    began = machine_now().timestamp()
    await give_tick(connection, SLOT)

    async def all_taken() -> bool:
        return len(of_relay.mails()) >= load.heads

    await until(all_taken)
    used = {name: processor_seconds(one) - spent[name] for name, one in pids.items()}
    await come_back(connection, SLOT)
    await asyncio.sleep(2)  # one too many would come now
    mails = of_relay.mails()
    return {
        "raised_s": await _last_said(connection, "notify.escalation_raised.v1") - began,
        "stored_s": await _last_said(connection, "notify.notice_stored.v1") - began,
        "first_mail_s": mails[0].at - began,
        "last_mail_s": mails[-1].at - began,
        "before_mb": before_mb,
        "peak_mb": peak_mb(pid),
        "processor_s": used,
        "mails": mails,
    }


async def _last_said(connection: Client, subject: str) -> float:
    """Return when the last event of a subject was stored, in seconds since 1970."""
    message = await connection.jetstream().get_last_msg("NOTIFY", subject)
    assert message.time
    return message.time.timestamp()


@asynccontextmanager
async def _database(ground: Ground) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(ground.database_url("notify"))
    try:
        yield connection
    finally:
        await connection.close()


async def verify(ground: Ground, load: Load, mails: list[Mail]) -> None:
    """A time counts only if every obligation is in exactly one digest, and every head got exactly one mail."""
    async with _database(ground) as database:
        covered, once, level = await database.fetchrow(
            "SELECT count(*), count(DISTINCT obligation_id), min(level) FROM notify.notice_item"
        )
        stored = await database.fetch("SELECT id, recipient FROM notify.notice WHERE status = 'sent'")
    wrong = {
        "covered": (covered, once) != (load.obligations, load.obligations) or level != 1,
        "digests": sorted(f"<{row['id']}@dondoc.example.vn>" for row in stored) != sorted(mail.id for mail in mails),
        "mails": len(mails) != load.heads or len({mail.to for mail in mails}) != load.heads,
        "recipients": sorted(row["recipient"] for row in stored) != sorted(mail.to for mail in mails),
    }
    if any(wrong.values()):
        raise SystemExit(f"wrong: {', '.join(name for name, is_wrong in wrong.items() if is_wrong)}")


def run_monday(load: Load) -> Monday:
    """Measure one slot on fresh servers."""

    async def run(of_relay: Relay) -> Monday:
        async with client(ground) as connection:
            await asyncio.to_thread(migrate, "notify", ground.database_url("notify"))
            for stream in (*HEARD, "COMPLAINTS"):
                await bus.provision_stream(connection, STREAMS[stream], max_bytes=4 << 30)
            await say(connection, units(load))
            await say(connection, (said(number, load, passed=False) for number in range(load.obligations)))
            await give_tick(connection, FRIDAY)
            more = {"DONDOC_CLOCK": "driven", "DONDOC_NOTIFY_SEND": "live",
                    "DONDOC_NOTIFY_SMTP_PORT": str(of_relay.port)}  # fmt: skip
            with processes(ground, NOTIFY, more=more) as running:
                followed = await _follow(connection, load)
                weekend_s = await _weekend(connection, load)
                measured = await _slot(ground, connection, load, of_relay, running["notify"].pid)
            await verify(ground, load, measured["mails"])
            return Monday(followed, weekend_s, **measured)

    with servers() as ground, relay(ground.data, name="relay", port=RELAY_PORT) as of_relay:
        return asyncio.run(run(of_relay))


def told(result: Monday, load: Load) -> str:
    used = "  ".join(f"{name} {seconds:.1f}" for name, seconds in result.processor_s.items())
    sizes = [mail.size for mail in result.mails]
    how = "heard and raised in the slot" if load.after_a_stop else "raised over the weekend"
    return (
        f"  {load.obligations:,} of {load.heads:,} heads, {how}: followed at {result.followed_per_s:,.0f} a second, "
        f"weekend {result.weekend_s:.1f} s;\n"
        f"    from the slot: last level {result.raised_s:.1f} s, last digest {result.stored_s:.1f} s, mails "
        f"{result.first_mail_s:.1f} to {result.last_mail_s:.1f} s; notify {result.before_mb:.0f} MB before, "
        f"{result.peak_mb:.0f} MB at most;\n"
        f"    processor s: {used}; {len(sizes):,} mails of {statistics.median(sizes) / 1024:.1f} KB, "
        f"the largest {max(sizes) / 1024:.1f} KB"
    )


def _beside(load: Load) -> None:
    """Print Alertmanager on the same load."""
    with servers() as ground, relay(ground.data, name="other", port=OTHER_RELAY_PORT) as of_relay:
        theirs = alertmanager.run(
            ground.data, of_relay, obligations=load.obligations, heads=load.heads, group_wait_s=GROUP_WAIT_S
        )
    sizes = [mail.size for mail in theirs.mails]
    print(
        f"  Alertmanager {theirs.version}: posted in {theirs.posted_s:.1f} s; from the end of group_wait: mails "
        f"{theirs.first_s - theirs.due_s:.1f} to {theirs.last_s - theirs.due_s:.1f} s "
        f"(from the first post {theirs.last_s:.1f} s, from the last {theirs.last_s - theirs.posted_s:.1f} s);\n"
        f"    {theirs.peak_mb:.0f} MB at most, processor {theirs.processor_s:.1f} s; {len(sizes):,} mails of "
        f"{statistics.median(sizes) / 1024:.1f} KB",
        flush=True,
    )


def report(*, obligations: int, heads: int, runs: int, one_head: int) -> None:
    """Print each run of ours and of Alertmanager's in turn, then one head with `one_head` lines."""
    for number in range(1, runs + 1):
        print(f"run {number}", flush=True)
        for load in (Load(obligations, heads), Load(obligations, heads, after_a_stop=True)):
            print(told(run_monday(load), load), flush=True)
        if alertmanager.is_there():
            _beside(Load(obligations, heads))
    if one_head:
        load = Load(one_head, 1)
        print(f"one head\n{told(run_monday(load), load)}", flush=True)
