"""Deadline's jobs from the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import orjson
import typer

from shared.cli import AsJson, Data, call, client, moment
from shared.cli_jobs import wait_for

REPUBLISH_EXAMPLE = "Example: dondoc republish deadline --since 2026-11-20T00:00:00+07:00"
SERVICES = ("deadline", "intake")


def republish(
    service: Annotated[str, typer.Argument(help="Whose states: deadline; intake: directory, procedures, calendars.")],
    since: Annotated[str | None, typer.Option(help="Only what changed since then, such as 2026-11-20T00:00.")] = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Say every present state again, one event for each, with its revision: how a hearer that lost some is rebuilt.

    Harmless at any time: who knows a state ignores it. Goes on in the background if this command is stopped.
    """
    if service not in SERVICES:
        raise typer.BadParameter(f"{service} cannot; there is {', '.join(SERVICES)}", param_hint="SERVICE")
    query = {"since": moment(since, option="--since")} if since else {}
    with client(service, data) as owner:
        asked = call(lambda: owner.post("/v1/republish", params=query)).json()
        if "done" in asked:  # a short work, done with the answer
            typer.echo(orjson.dumps(asked).decode() if as_json else f"{asked['done']} states said again")
            return
        job = wait_for(owner, asked["id"], what="saying states again")
    seconds = (datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["asked_at"])).total_seconds()
    if as_json:
        typer.echo(orjson.dumps(job).decode())
    else:
        typer.echo(f"{job['done']} states said again in {seconds:.0f} s")
