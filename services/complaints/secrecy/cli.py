"""`dondoc complaints keys`: under which keys things are sealed, and putting all under the newest."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson
import typer

from shared.cli import AsJson, Data, ask, call, client, fail
from shared.cli_jobs import progress

PATH = "/v1/complaints/keys/rotation"
SETTING = "DONDOC_COMPLAINTS_IDENTITY_KEYS"

keys = typer.Typer(help="The keys under which feedback is sealed (docs/secrecy.md).", no_args_is_help=True)


@keys.command(epilog="Example: dondoc complaints keys status")
def status(as_json: AsJson = False, data: Data = None) -> None:
    """Tell how much is sealed under each key, and which may go. Exit code 1: a key that is needed is missing."""
    with client("complaints", data) as complaints:
        told = ask(complaints, PATH)
    _show(told, as_json=as_json)


@keys.command(epilog="Example: dondoc complaints keys rotate")
def rotate(as_json: AsJson = False, data: Data = None) -> None:
    """Put all that is sealed under the newest key. Broken off, it goes on at the next call."""
    done = broken = 0
    with client("complaints", data) as complaints:
        total, after = ask(complaints, PATH)["left"], ""
        with progress("changing keys") as bar:
            while after is not None:
                turn = call(partial(complaints.post, PATH, params={"after": after})).json()
                done, broken, after = done + turn["rewrapped"], broken + turn["broken"], turn["next"]
                bar(done=done, total=max(total, done))
        told = ask(complaints, PATH) | {"rewrapped": done, "broken": broken}
    if not as_json:
        typer.echo(f"{done} sealed things put under the newest key")
    _show(told, as_json=as_json)
    if broken:
        fail(f"{broken} sealed things are damaged and stay as they are; see docs/secrecy.md")


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(orjson.dumps(told).decode())
    else:
        for one in told["keys"]:
            typer.echo(f"{one['key']}  {one['sealed']:>9} sealed  {_standing(one)}")
    if told["unknown"]:
        missing = ", ".join(f"{key} ({number} sealed)" for key, number in told["unknown"].items())
        fail(f"no key opens what is sealed under {missing}: put that key back into {SETTING} and restart complaints")


def _standing(one: dict[str, Any]) -> str:
    if one["newest"]:
        return "the newest: what is new is sealed under it"
    if one["sealed"]:
        return "needed; `dondoc complaints keys rotate` puts these under the newest"
    return f"not needed any more but for older backups: may be taken out of {SETTING}"
