"""`dondoc bridge`: run it, or see what it would do."""

from __future__ import annotations

import signal
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from shared.cli import REFUSED_INPUT, AsJson, fail, group
from shared.secrets import KEY_HEADER

if TYPE_CHECKING:
    import httpx

    from dondoc.bridge.config import Config
    from dondoc.bridge.portal import Portal
    from dondoc.bridge.rounds import Wait

File = Annotated[Path, typer.Option("--config", help="The bridge's file (YAML); docs/bridge.md shows one.")]
WRONG_CALL = 2


def register(app: typer.Typer) -> None:
    """Add the bridge to the `dondoc` command line."""
    bridge = group(app, "bridge", about="Fetches from a portal what is new, for intake.")
    bridge.command("run", epilog="Example: dondoc bridge run --config bridge.yaml --once")(run)
    bridge.command("check", epilog="Example: dondoc bridge check --config bridge.yaml")(check)


def run(
    config: File,
    once: Annotated[bool, typer.Option("--once", help="One round, then end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch what is new from the portal, hand it to intake, acknowledge what intake has stored; again and again.

    Nothing is kept here: what is not acknowledged comes again. Exit code 3 with --once: some elements could not be
    acknowledged, for they are too large or lack what names them.
    """
    from dondoc.bridge import rounds
    from dondoc.bridge.errors import BridgeError
    from shared.logs import set_up

    set_up(service="bridge", level="info")
    with _both_sides(config) as (of, portal, intake), _stopping() as wait:
        if not once:
            rounds.for_ever(portal, intake, of, wait)
            raise typer.Exit()
        try:
            outcome = rounds.once(portal, intake, of, wait)
        except BridgeError as error:
            fail(str(error))
    told = vars(outcome)
    typer.echo(orjson.dumps(told).decode() if as_json else ", ".join(f"{n} {name}" for name, n in told.items()))
    if outcome.stuck:
        raise typer.Exit(REFUSED_INPUT)


def check(config: File, as_json: AsJson = False) -> None:
    """Check the file, log in to the portal, ask intake whether it takes our key, and say what would be fetched.

    Nothing is stored and nothing is acknowledged.
    """
    from dondoc.bridge.errors import BridgeError
    from dondoc.bridge.rounds import name_of

    with _both_sides(config) as (of, portal, intake):
        try:
            portal.log_in()
            found: list[dict[str, Any]] = []
            for feed in of.feeds:
                page = portal.fetch(feed)
                nameless = sum(name_of(element, feed) is None for element in page)
                found.append({"list": feed.list, "elements": len(page), "without_ack_members": nameless})
            _ask_intake(intake, of)
        except BridgeError as error:
            fail(str(error))
    if as_json:
        typer.echo(orjson.dumps({"source": of.source, "feeds": found}).decode())
        return
    for one in found:
        lacking = f"; {one['without_ack_members']} lack what names them" if one["without_ack_members"] else ""
        typer.echo(f"{one['list']}: {one['elements']} elements on the first page{lacking}")
    typer.echo(f"the portal takes the login and intake the key; nothing of source {of.source} was stored")


def _ask_intake(intake: httpx.Client, of: Config) -> None:
    """Send intake nothing, which it refuses as nothing after it has looked at the key."""
    from dondoc.bridge.errors import NotNowError, RefusedError

    try:
        path, lines = f"/v1/feeds/{of.source}/facts", {"Content-Type": "application/x-ndjson"}
        status = intake.post(path, content=b"", headers=lines).status_code
    except Exception as error:
        raise NotNowError(f"intake does not answer ({type(error).__name__})") from None
    if status in (401, 403):
        raise RefusedError("intake refuses the key")
    if status != 422:
        raise NotNowError(f"intake answers {status}; see intake.url")


@contextmanager
def _both_sides(file: Path) -> Iterator[tuple[Config, Portal, httpx.Client]]:
    """Give the checked file and a client of each side; certificates are verified, redirects are not followed."""
    import httpx

    from dondoc.bridge.config import ConfigError, load
    from dondoc.bridge.portal import Portal

    try:
        of = load(file)
        key, trusted = of.intake.key(), ssl.create_default_context(cafile=of.portal.ca_file)
        to_portal = httpx.Client(base_url=of.portal.url, verify=trusted, timeout=of.portal.timeout_s)
        portal = Portal(of, to_portal)
    except ConfigError as error:
        fail(str(error), code=WRONG_CALL)
    except OSError as error:  # ssl's errors are some too
        fail(f"cannot use portal.ca_file: {type(error).__name__}", code=WRONG_CALL)
    headers = {KEY_HEADER: key.get_secret_value()}
    # intake is our own: no proxy between
    intake = httpx.Client(base_url=of.intake.url, headers=headers, timeout=of.intake.timeout_s, trust_env=False)
    with to_portal, intake:
        yield of, portal, intake


@contextmanager
def _stopping() -> Iterator[Wait]:
    """Give a way to wait that a signal to end cuts short."""
    asked = threading.Event()
    before = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked.wait
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
