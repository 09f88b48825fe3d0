"""Plays the demo: the stack, the directory, the feed on the moving clock, and what is shown of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import nats
import orjson
import typer

from dondoc.demo import feedback, stage
from dondoc.demo.citizens import Citizens
from dondoc.demo.mailbox import Mailbox, mailbox
from dondoc.demo.view import Scene, Screen, to_follow, when
from dondoc.drive import Driver, Timed, driving
from dondoc.simulate.feed import simulate
from dondoc.simulate.province import demo_directory
from dondoc.stack import status
from dondoc.stack.errors import StackError
from dondoc.stack.nats import client as operator
from dondoc.stack.running import Running
from shared.bus import NotPublishedError
from shared.clock import PROVINCE_ZONE, monotonic_s
from shared.secrets import KEY_HEADER

FIRST_DAY = date(2026, 11, 2)
SOURCE = "motcua-demo"
LOOK_EVERY_S = 1.0
SETTLE_S = 60  # for what is in flight at the end


@dataclass(frozen=True)
class Wish:
    """What `dondoc demo` was asked for. speed: business seconds a second; None: as fast as it goes."""

    data: Path
    port_base: int
    units: int
    days: int
    seed: int
    speed: float | None
    browser: bool
    until_end: bool


async def demo(wish: Wish) -> None:
    """Run the demo until its end, or until Ctrl-C.

    raises: StackError - in one line, what is wrong.
    """
    stage.clear(wish.data)
    task = asyncio.current_task()
    assert task
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        async with mailbox(wish.data / stage.MAIL) as box:
            typer.echo("Starting NATS, PostgreSQL and the services …")
            async with stage.stack(wish.data, port_base=wish.port_base, smtp_port=box.port) as stack:
                await _play(wish, stack, box)
                if not wish.until_end:
                    typer.echo("The console stays open. Ctrl-C ends the demo.")
                    await asyncio.Event().wait()
    except asyncio.CancelledError:
        typer.echo("The demo has ended.")


async def _play(wish: Wish, stack: Running, box: Mailbox) -> None:
    start = datetime.combine(FIRST_DAY, time(), PROVINCE_ZONE)
    address = f"{stack.http_urls['console']}/?key={quote(stack.api_key)}"
    pages = f"{stack.http_urls['complaints']}/"
    scene = Scene(address, pages, start, start + timedelta(days=wish.days), box, at=start)
    typer.echo(f"Console: {address}")
    typer.echo(f"Citizens' pages: {pages}")
    typer.echo(f"Mails:   {box.folder}")
    async with (
        httpx.AsyncClient(headers={KEY_HEADER: stack.api_key}, timeout=10) as http,
        httpx.AsyncClient(timeout=10) as public,
        operator(stack, name="dondoc-demo", max_reconnect_attempts=-1) as client,
    ):
        await _load_directory(http, stack, units=wish.units)
        planned = feedback.plan(units=wish.units, days=wish.days, seed=wish.seed, start=start)
        citizens = Citizens(planned, url=stack.http_urls["complaints"], citizens=public, officers=http)
        if wish.browser and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            webbrowser.open(address)
        with Screen(scene) as screen:

            def report(driver: Driver) -> None:
                scene.at, scene.messages, scene.ticks = driver.at, driver.messages, driver.ticks
                scene.feedback, scene.followed = citizens.count, citizens.shown
                screen.show()

            looking = asyncio.create_task(_look(http, stack, scene))
            try:
                async with driving(client, start=start, report=report) as driver:
                    scene.began_s = monotonic_s()
                    await driver.play(_feed(wish), until=scene.until, speed=wish.speed, beside=citizens)
                scene.played_s = monotonic_s() - scene.began_s
            except (NotPublishedError, nats.errors.Error) as error:
                raise StackError(f"NATS does not answer: {error!r}; see {wish.data / 'logs'}") from None
            finally:
                looking.cancel()
            await _settle(http, stack, scene)
    _sum_up(scene)


async def _load_directory(http: httpx.AsyncClient, stack: Running, *, units: int) -> None:
    url = f"{stack.http_urls['intake']}/v1/directory"
    try:
        (await http.post(url, content=(demo_directory(units) + feedback.offices()).encode())).raise_for_status()
    except httpx.HTTPError as error:
        raise StackError(f"intake does not take the directory: {error!r}") from None


def _feed(wish: Wish) -> Iterator[Timed]:
    for message in simulate(units=wish.units, days=wish.days, seed=wish.seed, start=FIRST_DAY):
        yield Timed(datetime.fromisoformat(str(message["sent_at"])), SOURCE, orjson.dumps(message))


async def _look(http: httpx.AsyncClient, stack: Running, scene: Scene) -> None:
    """Renew what the scene knows from the services, for ever; one that does not answer is asked again."""
    while True:
        with contextlib.suppress(httpx.HTTPError, ValueError, KeyError, StackError):
            await _look_once(http, stack, scene)
        await asyncio.sleep(LOOK_EVERY_S)


async def _look_once(http: httpx.AsyncClient, stack: Running, scene: Scene) -> None:
    told = (await http.get(f"{stack.http_urls['console']}/v1/units")).raise_for_status().json()
    scene.total, scene.units = told["total"], told["units"]
    answers = await status.ask_all(stack)
    scene.quarantine = sum(answer["quarantine"] for answer in answers.values() if answer)


async def _settle(http: httpx.AsyncClient, stack: Running, scene: Scene) -> None:
    """Wait for the last mails and the console, then look a last time."""
    await status.wait_idle(stack, SETTLE_S)
    await asyncio.sleep(1.1)  # the console shares one count for a second
    with contextlib.suppress(httpx.HTTPError, ValueError, KeyError):
        await _look_once(http, stack, scene)


def _sum_up(scene: Scene) -> None:
    total = {name: scene.total.get(name, 0) for name in ("open", "paused", "in_time", "late", "overdue", "soon")}
    dossiers = total["open"] + total["paused"] + total["in_time"] + total["late"]
    typer.echo(f"\n{when(scene.start)} to {when(scene.at)}, played in {scene.seconds:.0f} s ({scene.ticks} ticks)")
    typer.echo(f"  messages    {scene.messages}")
    typer.echo(f"  dossiers    {dossiers}: {total['in_time']} ended in time, {total['late']} late")
    typer.echo(
        f"  open        {total['open']}: {total['overdue']} overdue, {total['soon']} due soon; {total['paused']} paused"
    )
    typer.echo(f"  mails sent  {scene.box.count}, in {scene.box.folder}")
    typer.echo(f"  quarantine  {scene.quarantine}")
    typer.echo(f"  feedback    {scene.feedback} by citizens; {to_follow(scene)}")
