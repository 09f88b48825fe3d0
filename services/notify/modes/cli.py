"""`dondoc notify`: what may leave the house, and what would have left it."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from services.notify.modes import report_cli
from services.notify.settings import Mode
from services.notify.telling import cli as preview_cli
from shared.cli import AsJson, Data, ask, call, client
from shared.clock import PROVINCE_ZONE

notify = typer.Typer(
    help="What may leave the house, what would have left it, and what it looks like.", no_args_is_help=True
)
notify.command("report", epilog=report_cli.EXAMPLE)(report_cli.report)
notify.command("preview", epilog=preview_cli.EXAMPLE)(preview_cli.preview)

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@notify.command(epilog="Example: dondoc notify status --json")
def status(data: Data = None, as_json: AsJson = False) -> None:
    """Show what may leave the house now, and who chose it."""
    with client("notify", data) as service:
        _show(ask(service, "/v1/sending"), as_json=as_json)


@notify.command(epilog="Example: dondoc notify mode live")
def mode(
    wanted: Annotated[Mode, typer.Argument(metavar="record|allowlist|live", help="What may leave from now on.")],
    data: Data = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Choose what may leave, whatever DONDOC_NOTIFY_SEND says from then on. What was recorded is never sent later."""
    with client("notify", data) as service:
        now = ask(service, "/v1/sending")
        if wanted == "live" and now["mode"] != "live" and not yes:
            _confirm(now)
        _change(service, {"mode": wanted}, as_json=as_json)


@notify.command(epilog='Example: dondoc notify pause --reason "the mail server moves"')
def pause(
    data: Data = None,
    reason: Annotated[str, typer.Option("--reason", help="For your colleagues, at most 200 characters.")] = "",
    as_json: AsJson = False,
) -> None:
    """Stop all sending at once. Notices are still made and wait for `dondoc notify resume`."""
    if len(reason) > 200:
        raise typer.BadParameter("at most 200 characters", param_hint="--reason")
    with client("notify", data) as service:
        _change(service, {"paused": True, "reason": reason}, as_json=as_json)


@notify.command(epilog="Example: dondoc notify resume")
def resume(data: Data = None, as_json: AsJson = False) -> None:
    """Send again; what waited goes out now."""
    with client("notify", data) as service:
        _change(service, {"paused": False}, as_json=as_json)


def register(app: typer.Typer) -> None:
    app.add_typer(notify, name="notify")


def _confirm(now: dict[str, Any]) -> None:
    waiting, recorded = now["notices"]["stored"], now["notices"]["recorded"]
    typer.echo(
        f"From now on notices reach people. {recorded} were only recorded and stay so; "
        f"{waiting} wait{' and go out once sending is resumed' if now['paused'] else ' and go out now'}.",
        err=True,
    )
    if not sys.stdin.isatty():
        raise typer.BadParameter("add --yes: there is no terminal to ask on", param_hint="live")
    typer.confirm("Go live?", abort=True, err=True)


def _change(service: Any, wanted: dict[str, Any], *, as_json: bool) -> None:
    _show(call(lambda: service.put("/v1/sending", json=wanted)).json(), as_json=as_json)


def _show(now: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(now, ensure_ascii=False))
        return
    if now["chosen_by"] == "operator":
        chosen = f"chosen by `dondoc notify mode`, whatever DONDOC_NOTIFY_SEND says (it says {now['environment']})"
    else:
        chosen = "as DONDOC_NOTIFY_SEND says"
    typer.echo(f"mode: {now['mode']}, {chosen}")
    if now["paused"]:
        because = f": {now['reason']}" if now["reason"] else ""
        since = datetime.fromisoformat(now["since"]).astimezone(PROVINCE_ZONE)
        typer.echo(f"paused since {since:%Y-%m-%d %H:%M}{because}; `dondoc notify resume` sends what waits")
    typer.echo(f"notices: {now['notices']['stored']} wait, {now['notices']['recorded']} were recorded only")
