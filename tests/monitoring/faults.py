"""What can go wrong with a stack: each fault is caused on entering and repaired on leaving."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg

from dondoc.drive import Timed
from shared import bus
from tests import servers as real
from tests.monitoring.scene import Scene
from tests.waiting import until

FAR_AWAY = "2099-01-01T00:00:00Z"


@dataclass
class Stage:
    """A scene on servers that the test may stop.

    clock: held while business time moves, and while a fault keeps it from moving.
    """

    scene: Scene
    broker: real.NatsServer
    database: real.PostgresServer
    clock: asyncio.Lock = field(default_factory=asyncio.Lock)


@contextlib.asynccontextmanager
async def a_silent_source(stage: Stage) -> AsyncIterator[None]:
    """As intake finds it after the weeks that it takes to know a source; that it does, its own tests hold."""
    scene = stage.scene
    await scene.feed(scene.dossier(unit=9, due="20261120101000"), source="motcua-2")
    silent = (
        "UPDATE intake.source_heard SET heard_at = heard_at - interval '1 hour', due_at = NULL, allowed_min = 30, "
        "silent_since = heard_at - interval '1 hour' WHERE source = 'motcua-2' RETURNING 1"
    )
    await until(lambda: scene.sql(silent))
    yield
    await scene.feed(scene.dossier(unit=9, due="20261120101000"), source="motcua-2")


@contextlib.asynccontextmanager
async def rubbish_in_the_feed(stage: Stage) -> AsyncIterator[None]:
    driver = stage.scene.driver
    await driver.publish(Timed(driver.at, "motcua-1", b"rubbish %d" % number) for number in range(25))
    yield


@contextlib.asynccontextmanager
async def an_entry_that_nobody_sees_to(stage: Stage) -> AsyncIterator[None]:
    """One entry of intake's has waited for a year; then it is dropped."""
    driver = stage.scene.driver
    await driver.publish([Timed(driver.at, "motcua-1", b"forgotten")])
    old = (
        "UPDATE intake.quarantine SET waiting_since = clock_timestamp() - interval '1 year' "
        "WHERE reason = 'unreadable' AND size = 9 RETURNING 1"
    )
    await until(lambda: stage.scene.sql(old))
    yield
    await stage.scene.sql(
        "UPDATE intake.quarantine SET state = 'dropped', closed_at = clock_timestamp() WHERE size = 9"
    )


@contextlib.asynccontextmanager
async def a_dossier_that_the_database_refuses(stage: Stage) -> AsyncIterator[None]:
    """As a broken trigger or a violated limit would; deadline tries what it parked again at its start."""
    scene = stage.scene
    refused = scene.dossier(unit=9, due="20261120101000")
    await scene.sql(
        "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$",
        "CREATE TRIGGER refusing BEFORE INSERT OR UPDATE ON deadline.obligation FOR EACH ROW "
        f"WHEN (NEW.document::text LIKE '%{refused['MaHoSo']}%') EXECUTE FUNCTION public.refuse()",
    )
    await scene.feed(refused)
    yield
    await scene.sql("DROP TRIGGER refusing ON deadline.obligation")
    os.kill(scene.pid("deadline"), signal.SIGTERM)


@contextlib.asynccontextmanager
async def a_relay_that_refuses(stage: Stage) -> AsyncIterator[None]:
    """One address for good, another for now."""
    scene = stage.scene
    scene.relay.answers = {"dv02@example.vn": "550 no such user", "dv03@example.vn": "451 try again later"}
    async with stage.clock:
        await scene.feed(*(scene.dossier(unit=unit, due="20261105091000") for unit in (2, 3)))
        await scene.move_to("2026-11-05T10:00:00+07:00")
        await scene.move_to("2026-11-05T15:00:00+07:00")  # past the slot of their digests
    yield
    scene.relay.answers = {}
    await scene.sql("UPDATE notify.notice SET next_try_at = clock_timestamp() WHERE status = 'stored'")  # no long wait


@contextlib.asynccontextmanager
async def a_notice_that_is_gone(stage: Stage) -> AsyncIterator[None]:
    """A head counts as told of what no notice tells: as after a restore of one table; then it is there again."""
    scene = stage.scene
    late = scene.dossier(unit=4, due=(scene.driver.at + timedelta(hours=1)).strftime("%Y%m%d%H%M%S"))
    about = f"obligation_id LIKE '%{late['MaHoSo']}'"
    async with stage.clock:
        await scene.feed(late)
        await scene.move_to((scene.driver.at + timedelta(days=3)).isoformat())  # past its slot
        await scene.sql(
            f"CREATE TABLE public.kept AS SELECT * FROM notify.notice_item WHERE {about}",
            f"DELETE FROM notify.notice_item WHERE {about}",
        )
        await scene.move_to((scene.driver.at + timedelta(days=1)).isoformat())  # past a census and its second look
        yield
        await scene.sql("INSERT INTO notify.notice_item SELECT * FROM public.kept")
        await scene.move_to((scene.driver.at + timedelta(minutes=16)).isoformat())


@contextlib.asynccontextmanager
async def a_full_stream(stage: Stage) -> AsyncIterator[None]:
    """Nothing fits into COMPLAINTS any more; a feedback is filed all the same."""
    scene = stage.scene
    assert await scene.complain("Trước khi đầy") == 201
    await asyncio.sleep(1)
    info = await bus.api(scene.client, "STREAM.INFO.COMPLAINTS")
    full = info["config"] | {"max_bytes": info["state"]["bytes"] + 1}
    async with stage.clock:
        await bus.api(scene.client, "STREAM.UPDATE.COMPLAINTS", full)
        assert await scene.complain("Khi đã đầy") == 201
        yield
        await bus.api(scene.client, "STREAM.UPDATE.COMPLAINTS", info["config"])


@contextlib.asynccontextmanager
async def a_lost_right(stage: Stage) -> AsyncIterator[None]:
    """Complaints may not write its own table; citizens go on filing."""
    scene = stage.scene

    async def file() -> None:
        while True:
            await scene.complain("Không gửi được")
            await asyncio.sleep(0.2)

    await scene.sql("REVOKE INSERT ON complaints.complaint FROM dondoc_complaints")
    filing = asyncio.create_task(file())
    yield
    filing.cancel()
    await scene.sql("GRANT INSERT ON complaints.complaint TO dondoc_complaints")


@contextlib.asynccontextmanager
async def a_clock_that_is_behind(stage: Stage) -> AsyncIterator[None]:
    """For one role the database's clock is ten seconds slow."""
    again = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dondoc_intake'"
    await stage.scene.sql(
        "CREATE SCHEMA slow",
        "CREATE FUNCTION slow.clock_timestamp() RETURNS timestamptz LANGUAGE sql "
        "AS $$ SELECT pg_catalog.clock_timestamp() - interval '10 s' $$",
        "GRANT USAGE ON SCHEMA slow TO dondoc_intake",
        "ALTER ROLE dondoc_intake SET search_path = slow, pg_catalog",
        again,
    )
    yield
    await stage.scene.sql("ALTER ROLE dondoc_intake RESET search_path", again)


@contextlib.asynccontextmanager
async def a_consumer_that_hears_nothing(stage: Stage) -> AsyncIterator[None]:
    """The server gives the console nothing of DEADLINE, where much is said."""
    scene = stage.scene
    await bus.api(scene.client, "CONSUMER.PAUSE.DEADLINE.console", {"pause_until": FAR_AWAY})
    await scene.feed(*(scene.dossier(unit=10, due="20261120101000") for _ in range(150)))
    yield
    await bus.api(scene.client, "CONSUMER.PAUSE.DEADLINE.console", {})


@contextlib.asynccontextmanager
async def a_process_that_hangs(stage: Stage) -> AsyncIterator[None]:
    pid = stage.scene.pid("console")
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def a_process_that_dies_again_and_again(stage: Stage) -> AsyncIterator[None]:
    scene = stage.scene
    async with stage.clock:
        for _ in range(3):
            dying = scene.pid("complaints")
            os.kill(dying, signal.SIGKILL)
            while scene.pid("complaints") in (0, dying) or not await _answers(scene):
                await asyncio.sleep(0.1)
            await asyncio.sleep(1.5)  # so that it is scraped between
        yield


async def _answers(scene: Scene) -> bool:
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        port = int(scene.at.http_urls["complaints"].rpartition(":")[2])
        _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 1)
        writer.close()
        return True
    return False


@contextlib.asynccontextmanager
async def a_lock_that_nobody_gives_back(stage: Stage) -> AsyncIterator[None]:
    """Somebody holds rows of notify whose levels fall due; of dossiers alone: feedback has news meanwhile."""
    scene = stage.scene
    async with stage.clock:
        holder = await asyncpg.connect(scene.admin_url)
        held = holder.transaction()
        await held.start()
        await holder.execute(
            "SELECT 1 FROM notify.obligation WHERE timer_at IS NOT NULL AND id LIKE 'dossier/%' FOR UPDATE"
        )
        late = scene.driver.at + timedelta(days=5)
        moving = asyncio.create_task(scene.driver.tick(late))  # past all that is due
        yield
        await held.rollback()
        await holder.close()
        await moving
        await scene.move_to((late + timedelta(hours=1)).isoformat())


@contextlib.asynccontextmanager
async def no_nats(stage: Stage) -> AsyncIterator[None]:
    await asyncio.to_thread(stage.broker.stop)
    yield
    await asyncio.to_thread(stage.broker.start)


@contextlib.asynccontextmanager
async def no_database(stage: Stage) -> AsyncIterator[None]:
    await asyncio.to_thread(stage.database.stop)
    yield
    await asyncio.to_thread(stage.database.start)
