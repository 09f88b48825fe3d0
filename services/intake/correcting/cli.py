"""`dondoc fact`: the facts of a dossier, and what people put right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from shared.cli import AsJson, Data, DryRun, call, client, group

if TYPE_CHECKING:
    import httpx

PAGE = 1000
OF_A_DUTY = "<kind>/<id> for a duty, as in report/BC-Q4"
Dossier = Annotated[str, typer.Argument(help=f"A code of the dossier, any of them; {OF_A_DUTY}.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; shown with the due date. No personal data.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Whose word it is: a post, not a person.")]


def register(app: typer.Typer) -> None:
    facts = group(app, "fact", about="What is known of a dossier, and what is put right in it.")
    facts.command("list", epilog="Example: dondoc fact list 000.00.12.H56-261102-0001")(list_facts)
    facts.command("retract", epilog='Example: dondoc fact retract 000.00.12.H56-261102-0001 338a47af0cfe --reason "…"')(
        retract
    )
    facts.command("reversals", epilog="Example: dondoc fact reversals --json")(list_reversals)
    facts.command("let-stand", epilog='Example: dondoc fact let-stand 12 --reason "…"')(let_stand)
    facts.command("same-as", epilog='Example: dondoc fact same-as 000.00.12.H56-261102-0001 ML-01 --reason "…"')(
        same_as
    )


def list_facts(dossier: Dossier, as_json: AsJson = False, data: Data = None) -> None:
    """List every fact remembered of a dossier, in the order in which they became known.

    Marked: - retracted, and so it does not count; . only repeats a value, and so it was not said to other programs.
    """
    with client("intake", data) as intake:
        told = call(lambda: intake.get("/v1/facts", params={"dossier": dossier})).json()
    if as_json:
        typer.echo(orjson.dumps(told).decode())
        return
    typer.echo(f"{told['dossier']}, known as {', '.join(told['codes'])}")
    for fact in told["facts"]:
        mark = "-" if fact["retracted"] else " " if fact["said"] else "."
        typer.echo(f"{mark} {_line(fact)}")


def _line(fact: dict[str, Any]) -> str:
    value = fact["value"] if isinstance(fact["value"], str) else orjson.dumps(fact["value"]).decode()
    return f"{fact['id']}  {fact['as_of']}  {fact['source']}  {fact['slot']}  {value}"


def retract(
    dossier: Dossier,
    fact: Annotated[str, typer.Argument(metavar="FACT_ID", help="As `dondoc fact list` shows it.")],
    reason: Reason,
    by: By = "",
    every: Annotated[
        bool, typer.Option("--every", help="Also all other facts that say the same of the same slot.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Retract a fact: it no longer counts. Retracting a retraction restores what it took away.

    Said again by its source with the same content it stays retracted; with a new time of sending it is a new fact.
    """
    body = {"dossier": dossier, "fact": fact, "reason": reason, "by": by, "every": every}
    with client("intake", data) as intake:
        told = call(lambda: intake.post("/v1/retractions", params={"dry_run": dry_run}, json=body)).json()
    if as_json:
        typer.echo(orjson.dumps(told).decode())
        return
    did = "would be retracted" if dry_run else "was retracted before" if told["already"] else "retracted"
    for one in told["facts"]:
        typer.echo(f"{did}: {_line(one)}")
    if told["still"]:
        typer.echo(f"warning: {told['still']} other facts say the same and count on; --every takes them too", err=True)


def list_reversals(
    all: Annotated[bool, typer.Option("--all", help="Also those that are settled.")] = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """List where a snapshot without a sending time may have turned back what stood.

    What came last counts. Settle each with `let-stand`, or retract one of its two facts.
    """
    with client("intake", data) as intake:
        found = list(_reversals(intake, all=all))
    if as_json:
        typer.echo(orjson.dumps(found).decode())
        return
    for one in found:
        typer.echo(f"{one['id']}  {one['dossier']}  {one['came']['slot']}  {one['state']}")
        for name in ("stood", "came"):
            fact = one[name]
            typer.echo(f"    {name}  {fact['id']}  heard {fact['heard']}  {fact['source']}  {fact['value']}")
    if not found:
        typer.echo("no reversals")


def _reversals(intake: httpx.Client, *, all: bool) -> Iterator[dict[str, Any]]:
    after = 0
    while page := _page(intake, after, all=all):
        yield from page
        after = page[-1]["id"]


def _page(intake: httpx.Client, after: int, *, all: bool) -> list[dict[str, Any]]:
    query: dict[str, str | int] = {"after": after, "limit": PAGE, "all": str(all).lower()}
    page: list[dict[str, Any]] = call(lambda: intake.get("/v1/reversals", params=query)).json()
    return page


def let_stand(
    id: Annotated[int, typer.Argument(min=1, help="As `dondoc fact reversals` shows it.")],
    reason: Reason,
    by: By = "",
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Let what came last stand: the obligation is no longer flagged `possible_reversal`."""
    with client("intake", data) as intake:
        told = call(lambda: intake.post(f"/v1/reversals/{id}", json={"reason": reason, "by": by})).json()
    typer.echo(orjson.dumps(told).decode() if as_json else f"reversal {id} stands")


def same_as(
    dossier: Dossier,
    code: Annotated[str, typer.Argument(help="Another code of the same dossier.")],
    reason: Reason,
    by: By = "",
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Say that two codes are one dossier; retract the fact that it makes to take that back."""
    body = {"dossier": dossier, "code": code, "reason": reason, "by": by}
    with client("intake", data) as intake:
        told = call(lambda: intake.post("/v1/same_as", json=body)).json()
    if as_json:
        typer.echo(orjson.dumps(told).decode())
    else:
        typer.echo(f"{told['dossier']} is known as {', '.join(told['codes'])} (fact {told['fact']})")
