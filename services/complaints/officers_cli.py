"""`dondoc complaints officers`: who works on feedback, with which roles, and the keys they are given."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer

from shared.cli import AsJson, Data, ask, call, client, or_nothing

PATH = "/v1/officers"
ROLES = "sorter, handler, inspector, confidant, identity_reader, auditor"

officers = typer.Typer(help="Who works on feedback (docs/feedback.md says what each role may).", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="An opaque id of the officer, no name: it stands in histories and logs.")]


@officers.command("put", epilog="Example: dondoc complaints officers put cb-014 --role handler --unit 14797")
def put_officer(
    id: Id,
    role: Annotated[list[str], typer.Option("--role", help=f"Again for each: {ROLES}.")],
    unit: Annotated[
        str | None, typer.Option("--unit", help="The code of the officer's unit; handlers and confidants need one.")
    ] = None,
    person: Annotated[
        str | None, typer.Option("--person", help="The opaque id that posts of the directory have, for who has one.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Make an officer, or give one other rights and another key. The key is shown this once."""
    given = {"unit": unit, "person": person, "roles": role}
    with client("complaints", data) as complaints:
        made = call(lambda: complaints.put(f"{PATH}/{id}", json=given)).json()
    if unit and made["unit_name"] is None:
        typer.echo(f"the directory has no unit {unit}: see `dondoc directory show NAME`, and put {id} again", err=True)
    typer.echo(orjson.dumps(made).decode() if as_json else f"{id}: {made['key']}")


@officers.command("disable", epilog="Example: dondoc complaints officers disable cb-014")
def disable_officer(id: Id, data: Data = None) -> None:
    """Let an officer's key open nothing from now on; what the officer did stays in the history."""
    with client("complaints", data) as complaints:
        call(lambda: complaints.delete(f"{PATH}/{id}"))
    typer.echo(f"{id}: disabled")


@officers.command("list", epilog="Example: dondoc complaints officers list")
def list_officers(as_json: AsJson = False, data: Data = None) -> None:
    """List the officers. Their names stand in the directory, their keys nowhere."""
    with client("complaints", data) as complaints:
        found = ask(complaints, PATH)["officers"]
    if as_json:
        typer.echo(orjson.dumps({"officers": found}).decode())
        return
    for one in or_nothing(found, why="no officer was made yet"):
        state = f"disabled {one['disabled_at']}" if one["disabled_at"] else "enabled"
        typer.echo(f"{one['id']}\t{one['unit'] or '-'}\t{one['person'] or '-'}\t{','.join(one['roles'])}\t{state}")
