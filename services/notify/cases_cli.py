"""`dondoc cases`: the operator's queue of what pressing cannot settle by itself."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer

from shared.cli import AsJson, Data, ask, call, client

PAGE = 500
cases = typer.Typer(help="What pressing cannot settle by itself: the operator's queue.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(cases, name="cases")


@cases.command("list", epilog="Example: dondoc cases list --json")
def list_cases(data: Data = None, as_json: AsJson = False) -> None:
    """List open cases, the oldest first; OVERDUE: nobody decided in time, and pressing goes on."""
    found: list[dict[str, Any]] = []
    after: int | None = 0
    with client("notify", data) as notify:
        while after is not None:
            page = ask(notify, "/v1/cases", after=after, limit=PAGE)
            found += page["cases"]
            after = page["next"]
    if as_json:
        typer.echo(orjson.dumps(found).decode())
        return
    for case in found:
        unit = f"  unit {case['unit']}" if case["unit"] and case["unit"] != case["subject"] else ""
        until = f"  {'OVERDUE since' if case['overdue'] else 'until'} {case['answer_by']}" if case["answer_by"] else ""
        typer.echo(f"{case['id']}  {case['kind']}  {case['subject']}{unit}{until}")
    if not found:
        typer.echo("no open cases")


@cases.command("close", epilog="Example: dondoc cases close 17 --outcome stays")
def close_case(
    id: Annotated[int, typer.Argument(min=1, help="As `dondoc cases list` shows it.")],
    outcome: Annotated[
        str,
        typer.Option(
            help="Of not_ours: stays, handed_over. Of said_settled: not_settled, corrected. "
            "Of own_absence: entered, dismissed. Of all others: mended, dismissed."
        ),
    ],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Close a case. What a head said of a matter holds its ladder no longer: pressing goes on until it is settled.

    handed_over, corrected, entered: the directory or the facts were put right elsewhere. An absence that is dismissed
    counts no more.
    """
    with client("notify", data) as notify:
        told = call(lambda: notify.post(f"/v1/cases/{id}/close", json={"outcome": outcome})).json()
    typer.echo(orjson.dumps(told).decode() if as_json else f"case {id} ({told['kind']}, {told['subject']}) is closed")
