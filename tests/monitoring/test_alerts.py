"""Each alert fires by causing its fault in a running stack and ends after repair; one reaches its reader by e-mail.

A minute of the rules is a second here. Faults that do not touch one another are caused at the same time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from dondoc.stack.layout import SERVICES
from shared.bus import NotPublishedError
from shared.clock import PROVINCE_ZONE
from tests import servers as real
from tests.monitoring import faults
from tests.monitoring.faults import Stage
from tests.monitoring.scene import Scene, SmtpServer, scene, smtp_server
from tests.monitoring.watch import DEPLOY, Prometheus, alertmanager, get, prometheus

pytestmark = [
    pytest.mark.skipif(not os.environ.get("DONDOC_TESTS_FULL"), reason="part of `./dev test --full`"),
    pytest.mark.timeout(900),
]

Alert = tuple[str, str]  # its name, and what it is about
Fault = Callable[[Stage], AbstractAsyncContextManager[None]]
LOOK_EVERY_S = 0.4
FIRES_S, ENDS_S = 180, 240  # three times what it takes on two busy cores

# One row after another; what stands in a row, one fault after another.
ROWS: Sequence[Sequence[tuple[Fault, tuple[Alert, ...]]]] = (
    [(faults.a_silent_source, (("FeedSilent", "motcua-2"),))],
    [(faults.rubbish_in_the_feed, (("QuarantineGrowing", "intake"),))],
    [(faults.an_entry_that_nobody_sees_to, (("QuarantineWaiting", "intake"),))],
    [(faults.a_clock_that_is_behind, (("ClockOff", "intake"),))],
    [(faults.a_dossier_that_the_database_refuses, (("MessageParked", "deadline"),))],
    [
        (faults.a_relay_that_refuses, (("NoticesFailing", "email"), ("NoticesWaiting", "email"))),
        (faults.a_lock_that_nobody_gives_back, (("TimersLate", "notify"),)),
        (faults.a_notice_that_is_gone, (("LedgerDiffers", "notify"),)),
    ],
    [
        (faults.a_lost_right, (("HttpErrors", "complaints"),)),
        (faults.a_full_stream, (("StreamNearlyFull", "COMPLAINTS"), ("OutboxStuck", "complaints"))),
        (faults.a_process_that_dies_again_and_again, (("CrashLoop", "complaints"),)),
    ],
    [
        (
            faults.a_consumer_that_hears_nothing,
            (
                ("ConsumerLagging", "console/DEADLINE"),
                ("ConsumerStalled", "console/DEADLINE"),
                ("ServiceNotReady", "console"),
            ),
        ),
        (faults.a_process_that_hangs, (("ServiceDown", "console"),)),
    ],
)
LAST = [(faults.no_nats, (("NatsDown", ""),)), (faults.no_database, (("DatabaseDown", ""),))]
CAUSED = {alert for row in [*ROWS, LAST] for _, alerts in row for alert in alerts}


@dataclass
class Seen:
    """What Prometheus and Alertmanager said while it happened. before: alerts that fired before any fault."""

    began_s: float = field(default_factory=time.monotonic)
    story: list[str] = field(default_factory=list)

    firing: set[Alert] = field(default_factory=set)
    ever: set[Alert] = field(default_factory=set)
    held_back: set[str] = field(default_factory=set)
    before: set[Alert] = field(default_factory=set)
    mail: SmtpServer = field(default_factory=SmtpServer)

    async def look(self, at: Prometheus, manager: str) -> None:
        while True:
            now = await asyncio.to_thread(at.firing)
            changes = [f"+{name}" for name in sorted(now - self.firing)] + [f"-{name}" for name in self.firing - now]
            self.story += [f"{time.monotonic() - self.began_s:.0f} s {change}" for change in changes]
            self.firing = now
            self.ever |= self.firing
            for alert in await asyncio.to_thread(get, f"http://{manager}/api/v2/alerts"):
                if alert["status"]["inhibitedBy"]:
                    self.held_back.add(alert["labels"]["alertname"])
            await asyncio.sleep(LOOK_EVERY_S)

    async def until(self, wanted: Callable[[], bool], *, within_s: float) -> bool:
        until = time.monotonic() + within_s
        while not wanted() and time.monotonic() < until:
            await asyncio.sleep(0.1)
        return wanted()


@contextlib.asynccontextmanager
async def stage_of_its_own(data: Path, servers: Path) -> AsyncIterator[Stage]:
    """Run a stack on servers of its own, which the test may stop."""
    broker, database = real.NatsServer(servers), real.PostgresServer(servers)
    try:
        await asyncio.to_thread(broker.start)
        await asyncio.to_thread(database.start)
        made = await real.fresh_database(database.url)
        urls = {f"DONDOC_{service.upper()}_DATABASE_URL": made.url(service) for service in SERVICES}
        more = {"DONDOC_NATS_URL": broker.url, "DONDOC_COMPLAINTS_FILINGS_PER_MINUTE": "0"}
        async with scene(data, admin_url=made.admin_url, env={**urls, **more}) as at_work:
            yield Stage(at_work, broker, database)
    finally:
        await asyncio.to_thread(broker.stop)
        await asyncio.to_thread(database.stop)


async def keep_speaking(at: Scene) -> None:
    """Send the same dossier every other second: one source is never silent, and nothing new comes of it."""
    known = at.dossier(unit=12, due="20261120101000")
    while True:
        with contextlib.suppress(NotPublishedError):
            await at.feed(known)
        await asyncio.sleep(2)


async def go_through(row: Sequence[tuple[Fault, tuple[Alert, ...]]], stage: Stage, seen: Seen) -> None:
    for fault, alerts in row:
        async with fault(stage):
            await seen.until(lambda alerts=alerts: seen.firing >= set(alerts), within_s=FIRES_S)  # type: ignore[misc]


@pytest_asyncio.fixture(scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Seen]:
    """Everything that was seen while all faults were caused and repaired."""
    folder, data, servers = (tmp_path_factory.mktemp(name) for name in ("watch", "stack", "servers"))
    seen = Seen()
    async with smtp_server() as seen.mail, stage_of_its_own(data, servers) as stage:
        with (
            alertmanager(folder / "alertmanager", mail_to="truc-ban@example.vn", smtp_port=seen.mail.port) as manager,
            prometheus(
                folder / "prometheus", services=stage.scene.at.http_urls, alertmanager=manager, faster=True
            ) as running,
        ):
            await asyncio.to_thread(until_all_are_found, running)
            looking = asyncio.create_task(seen.look(running, manager))
            speaking = asyncio.create_task(keep_speaking(stage.scene))
            await asyncio.sleep(5)
            seen.before = set(seen.ever)
            async with asyncio.TaskGroup() as rows:
                for row in ROWS:
                    rows.create_task(go_through(row, stage, seen))
            speaking.cancel()
            async with asyncio.TaskGroup() as rows:
                for one in LAST:
                    rows.create_task(go_through([one], stage, seen))
            for source in ("motcua-1", "motcua-2"):
                await stage.scene.feed(stage.scene.dossier(unit=12, due="20261120101000"), source=source)
            await seen.until(lambda: not seen.firing, within_s=ENDS_S)
            await asyncio.sleep(3)  # for the last mail
            looking.cancel()
            yield seen


def until_all_are_found(running: Prometheus) -> None:
    """Wait for Prometheus' first scrape of every service; until then it misses them, and rightly so."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        up = running.query("count(service:dondoc_copies:up == 1)")
        if up and up[0]["value"][1] == "5" and not running.firing():
            return
        time.sleep(0.2)


def test_a_fault_is_known_for_every_alert() -> None:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "rules" / "alerts.yml").read_text())["groups"]
    assert {name for name, _ in CAUSED} == {r["alert"] for group in groups for r in group["rules"] if "alert" in r}


async def test_nothing_fires_before_something_is_wrong(seen: Seen) -> None:
    assert seen.before == set()


@pytest.mark.parametrize("alert", sorted(CAUSED), ids="-".join)
async def test_it_fires_by_its_fault_and_ends_after_repair(seen: Seen, alert: Alert) -> None:
    assert alert in seen.ever, "it did not fire:\n" + "\n".join(seen.story)
    assert alert not in seen.firing, "it did not end:\n" + "\n".join(seen.story)


async def test_what_follows_from_another_alert_is_held_back(seen: Seen) -> None:
    assert {"ConsumerLagging", "ServiceNotReady"} <= seen.held_back


async def test_an_alert_and_its_end_reach_their_reader(seen: Seen) -> None:
    mails = [(subject, text) for to, subject, text in seen.mail.mails if to == "truc-ban@example.vn"]
    about = "Nhiều dữ liệu gửi đến intake bị cách ly"
    told = next((text for subject, text in mails if subject == f"[Đôn đốc] Cảnh báo: {about}"), "")
    assert told, [subject for subject, _ in mails]
    assert re.search("Thêm 2[56] mục không hiểu được trong một giờ qua", told)  # the rubbish, and what nobody sees to
    assert "Mức: xử lý trong ngày" in told
    assert "docs/runbooks/QuarantineGrowing.md" in told
    since = re.search(r"Từ: (\d\d:\d\d \d\d/\d\d/\d{4})", told)
    assert since
    at = datetime.strptime(since[1], "%H:%M %d/%m/%Y").replace(tzinfo=PROVINCE_ZONE)
    assert timedelta(0) < datetime.now(PROVINCE_ZONE) - at < timedelta(minutes=10)
    assert [subject for subject, _ in mails if subject == f"[Đôn đốc] Đã hết: {about}"]
