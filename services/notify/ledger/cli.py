"""`dondoc ledger`: is every overdue matter of the morning pressed for; `dondoc why`: what was done for one."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from shared.cli import AsJson, Data, ask, call, client, fail
from shared.clock import PROVINCE_ZONE

SHOWN = 20

ledger = typer.Typer(help="Is everything overdue pressed for, or known why not.", no_args_is_help=True)


@ledger.command(epilog="Example: dondoc ledger show --json")
def show(data: Data = None, as_json: AsJson = False) -> None:
    """Show how the census of the morning compares with what was pressed."""
    with client("notify", data) as notify:
        _show(ask(notify, "/v1/ledger"), as_json=as_json)


@ledger.command(epilog="Example: dondoc ledger check && echo complete")
def check(data: Data = None, as_json: AsJson = False) -> None:
    """Look now at what differed. Exit code 1: something still does, or there is no census to compare with."""
    with client("notify", data) as notify:
        told = call(lambda: notify.post("/v1/ledger/look")).json()
    _show(told, as_json=as_json)
    if told["census"] is None:
        fail("no census has been compared yet: deadline takes one each morning")
    differing, lost = sum(told["differences"].values()), _lost(told)
    if differing or lost:
        fail("; ".join([f"{differing} obligations differ"] * bool(differing) + lost))


def why(
    id: Annotated[str, typer.Argument(metavar="ID", help="An obligation, such as dossier/<MaHoSo>.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show what became of each level of one obligation, and every notice that tells of it."""
    with client("notify", data) as notify:
        told = ask(notify, f"/v1/obligations/{id}/pressing")
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    typer.echo(f"{told['obligation_id']}  {told['state']}, due {_at(told['due_at'])}, unit {told['unit'] or 'unknown'}")
    typer.echo(f"stands: {_words(told['standing'])}")
    for level in told["levels"]:
        typer.echo(f"level {level['level']}  {_at(level['at'])}  {_words(level['outcome'])}")
    for line in told["lines"]:
        waits = f", {line['news']} for the digest of {_at(line['slot_at'])}" if line["news"] else ""
        knows = f"told of level {line['told']}" if line["told"] is not None else "not told yet"
        typer.echo(
            f"{line['role']} of {line['unit'] or 'nobody yet'}: concerned by level {line['level']}, {knows}{waits}"
        )
    for notice in told["notices"]:
        because = f" ({_words(notice['reason'])})" if notice["reason"] else ""
        typer.echo(
            f"{_at(notice['slot'])}  {notice['channel']} to {notice['role']} of {notice['unit']}: "
            f"level {notice['level']}, {notice['news']}, {notice['status']}{because}  {notice['notice_id']}"
        )


def register(app: typer.Typer) -> None:
    app.add_typer(ledger, name="ledger")
    app.command(epilog="Example: dondoc why dossier/000.00.12.H56-261120-0007")(why)


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    if census := told["census"]:
        typer.echo(f"census of {_at(census['taken_at'])}: {census['overdue']} overdue")
        for how, number in sorted(census["standings"].items(), key=lambda one: -one[1]):
            typer.echo(f"  {number:>8}  {_words(how)}")
        if census["newer"]:
            typer.echo(f"  {census['newer']:>8}  changed since, not compared")
    else:
        typer.echo("no census has been compared yet")
    standing = {kind: number for kind, number in told["standing"].items() if number}
    for kind, number in told["differences"].items():
        typer.echo(f"differs: {number} {_words(kind)}, {standing.get(kind, 0)} of them for 15 minutes and more")
    for line in _lost(told):
        typer.echo(f"alarm: {line}")
    for one in told["obligations"][:SHOWN]:
        typer.echo(f"  {one['obligation_id']}  {_words(one['kind'])} since {_at(one['found_at'])}")
    if len(told["obligations"]) > SHOWN:
        typer.echo("  … more with --json")


def _lost(told: dict[str, Any]) -> list[str]:
    said = {"census_incomplete": "parts of a census are missing", "census_missing": "no census for 26 hours"}
    return [text for kind, text in said.items() if told["standing"].get(kind)]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _at(text: str | None) -> str:
    return datetime.fromisoformat(text).astimezone(PROVINCE_ZONE).strftime("%Y-%m-%d %H:%M") if text else "never"
