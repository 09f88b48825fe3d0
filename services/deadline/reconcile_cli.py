"""Comparisons with sources' own censuses, from the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from shared.cli import AsJson, Data, Output, ask, call, client, fail, group, writing

if TYPE_CHECKING:
    import httpx

PAGE = 1000


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add `dondoc reconcile`."""
    reconcile = group(app, "reconcile", about="Sources' own lists of what is overdue, beside ours.")
    reconcile.command("list", epilog="Example: dondoc reconcile list --source motcua-1 --json")(list_all)
    reconcile.command("show", epilog="Example: dondoc reconcile show 12 --format csv --output doi-soat.csv")(show)
    reconcile.command("mirror", epilog="Example: dondoc reconcile mirror --output mirror.ndjson")(mirror)


def list_all(
    source: Annotated[str | None, typer.Option(help="Only of this source.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=PAGE, help="So many, the newest first.")] = 30,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """List the censuses that sources gave, and how far we agree with each."""
    query: dict[str, str | int] = {"limit": limit, **({"source": source} if source else {})}
    with client("deadline", data) as deadline:
        found = call(lambda: deadline.get("/v1/reconciliations", params=query)).json()
    if as_json:
        typer.echo(orjson.dumps(found).decode())
        return
    for one in found:
        typer.echo(f"{one['id']}\t{one['source']}\t{one['taken_at']}\t{_in_words(one)}")
    if not found:
        typer.echo("no source has given a census; see `dondoc census load --help`", err=True)


def _in_words(one: dict[str, Any]) -> str:
    result = one["result"]
    if result is None:
        return "not compared yet"
    reasons = ", ".join(f"{reason} {number}" for reason, number in result["by_reason"].items())
    counts = "".join(f"; {name} {n['theirs']} theirs, {n['ours']} ours" for name, n in result["counts"].items())
    return f"{result['listed']} listed, {result['agreed']} agreed{f'; {reasons}' if reasons else ''}{counts}"


def show(
    id: Annotated[int, typer.Argument(min=1, help="As `dondoc reconcile list` shows it.")],
    format: Annotated[Format, typer.Option(help="CSV opens in a spreadsheet.")] = Format.TEXT,
    only: Annotated[
        str | None, typer.Option("--only", metavar="REASON", help="Only differences of one reason.")
    ] = None,
    output: Output = None,
    data: Data = None,
) -> None:
    """Show one comparison: each dossier that one side holds to be overdue and the other does not, and why.

    Exit code 1: it is not compared yet, as parts of the census are missing or news may be on their way.
    """
    query = {"reason": only} if only else {}
    with client("deadline", data) as deadline:
        head = call(lambda: deadline.get(f"/v1/reconciliations/{id}", params={**query, "limit": 1})).json()
        if head["result"] is None:
            fail(f"reconciliation {id} is not compared yet: parts are missing, or it was taken only now")
        with writing(output) as out:
            if format is Format.CSV:
                answer = call(lambda: deadline.get(f"/v1/reconciliations/{id}", params={**query, "format": "csv"}))
                out.write(answer.content)
                return
            found = _differences(deadline, id, query)
            if format is Format.JSON:
                out.write(orjson.dumps({**head, "differences": list(found), "next": None}) + b"\n")
                return
            out.write(f"{head['source']} at {head['taken_at']}: {_in_words(head)}\n".encode())
            for one in found:
                shown = (one["dossier"], one["reason"], one["unit"] or "", one["due_at"] or "", one["ended_at"] or "")
                out.write("\t".join((*shown, one["said_by"] or "")).encode() + b"\n")


def _differences(deadline: httpx.Client, id: int, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    after: str | None = ""
    while after is not None:
        asked: dict[str, str | int] = {**query, "after": after, "limit": PAGE}
        page = ask(deadline, f"/v1/reconciliations/{id}", **asked)
        yield from page["differences"]
        after = page["next"]


def mirror(output: Output = None, data: Data = None) -> None:
    """Write a line for each dossier of which a mirror and a primary source say different things now (NDJSON)."""
    looked_at = differing = 0
    after: str | None = ""
    with client("deadline", data) as deadline, writing(output) as out:
        while after is not None:
            asked = {"after": after}
            page = ask(deadline, "/v1/reconciliations/mirror", **asked)
            looked_at, differing = looked_at + page["looked_at"], differing + len(page["differences"])
            for one in page["differences"]:
                out.write(orjson.dumps(one) + b"\n")
            after = page["next"]
    sys.stderr.write(f"{looked_at} dossiers looked at, {differing} differ\n")
