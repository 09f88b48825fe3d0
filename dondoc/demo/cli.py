"""The `dondoc demo` and `dondoc mailbox` commands."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from dondoc.simulate.province import UNITS
from dondoc.stack import layout
from dondoc.stack.layout import HOST


def register(app: typer.Typer) -> None:
    """Add these commands to the `dondoc` command line."""
    app.command("demo", epilog="Example: dondoc demo --units 20 --days 21")(show)
    app.command("mailbox", epilog="Example: dondoc mailbox --port 1025 --http-port 8025")(catch_mail)


def show(
    data: Annotated[
        Path, typer.Option(help="The demo's own data directory; an old demo in it is wiped.")
    ] = layout.DEMO_DATA,
    port_base: Annotated[
        int, typer.Option("--port-base", min=1024, max=65_500, help="First port of the stack; the console's.")
    ] = layout.DEFAULT_PORT_BASE,
    units: Annotated[int, typer.Option(min=1, max=len(UNITS), help="How many units send.")] = 20,
    days: Annotated[int, typer.Option(min=1, max=365, help="Calendar days.")] = 21,
    seed: Annotated[int, typer.Option(help="The same seed gives the same feed.")] = 7,
    speed: Annotated[str, typer.Option(metavar="max|N", help="N business seconds a second.")] = "max",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the console in a browser.")] = True,
    until_end: Annotated[bool, typer.Option("--until-end", help="End when the feed ends.")] = False,
) -> None:
    """Play a simulated province on a stack of its own: feed, overdue dossiers, mails to the heads of units.

    Business time moves as fast as the services go. Mails stay on this machine, in <data>/mail.
    """
    from dondoc.demo.play import Wish, demo

    wish = Wish(
        data=data.expanduser().absolute(),
        port_base=port_base,
        units=units,
        days=days,
        seed=seed,
        speed=_speed(speed),
        browser=browser,
        until_end=until_end,
    )
    asyncio.run(demo(wish))


def catch_mail(
    host: Annotated[str, typer.Option(help="Where to listen; loopback unless other machines must reach it.")] = HOST,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of SMTP.")] = 1025,
    http_port: Annotated[int, typer.Option("--http-port", min=1, max=65_535, help="Port of the page.")] = 8025,
    folder: Annotated[
        Path | None, typer.Option(help="Keep mails here; default a new folder, removed at the end.")
    ] = None,
) -> None:
    """Take mail as a relay would, pass nothing on, and show it: a page, `/v1/mails` as JSON, each mail as it came.

    Point notify at it with DONDOC_NOTIFY_SMTP_HOST and DONDOC_NOTIFY_SMTP_PORT. For trying things out: whoever reaches
    its ports reads every mail.
    """
    from dondoc.demo.catcher import catch

    with tempfile.TemporaryDirectory(prefix="dondoc-mail-") as temporary:
        kept = folder or Path(temporary)
        kept.mkdir(parents=True, exist_ok=True)
        asyncio.run(catch(folder=kept, host=host, port=port, http_port=http_port))


def _speed(given: str) -> float | None:
    if given == "max":
        return None
    try:
        speed = float(given)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise typer.BadParameter("give `max` or a number above 0, as 3600 for an hour a second", param_hint="--speed")
    return speed
