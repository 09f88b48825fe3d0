"""`dondoc quarantine`: what the services could not understand or carry out; list, show, retry, drop, export."""

from __future__ import annotations

import getpass
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from dondoc.quarantine.asking import Name, asked, entries_of, named, tell_missing
from shared.cli import (
    REFUSED_INPUT,
    AsJson,
    Data,
    DryRun,
    Output,
    call,
    client,
    exports,
    group,
    reading,
    writing,
)

SHOWN = ("id", "service", "source", "reason", "state", "seen", "last_at", "detail")


class State(StrEnum):
    WAITING = "waiting"
    RETRIED = "retried"
    DROPPED = "dropped"
    ALL = "all"


Id = Annotated[str, typer.Argument(metavar="ID", help="As listed: 12 of intake, of another service deadline/12.")]
OfService = Annotated[str | None, typer.Option("--service", metavar="NAME", help="Only of this service.")]
OfSource = Annotated[str | None, typer.Option("--source", metavar="NAME", help="Only of this source.")]
OfReason = Annotated[str | None, typer.Option("--reason", metavar="CODE", help="Only with this reason.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it, for the history; else your login.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the `dondoc` command line."""
    quarantine = group(app, "quarantine", about="What could not be understood or carried out.")
    quarantine.command("list", epilog="Example: dondoc quarantine list --source motcua-1")(list_entries)
    quarantine.command("show", epilog="Example: dondoc quarantine show 12")(show_entry)
    quarantine.command("retry", epilog="Example: dondoc quarantine retry 12 --file corrected.json --dry-run")(retry)
    quarantine.command("drop", epilog='Example: dondoc quarantine drop 12 --reason "thử nghiệm của đơn vị"')(drop)
    exports(app).command("quarantine", epilog="Example: dondoc export quarantine --output quarantine.ndjson")(export)


def list_entries(
    service: OfService = None,
    source: OfSource = None,
    reason: OfReason = None,
    state: Annotated[State, typer.Option(help="Those that wait, or were closed.")] = State.WAITING,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """List the entries of all services, oldest first. They are shown without their bytes, which hold personal data.

    Where the output is no terminal, each is one line with tabs between its fields.
    """
    missing: list[str] = []
    entries = list(entries_of(data, missing, service=service, source=source, reason=reason, state=state))
    if as_json:
        typer.echo(orjson.dumps(entries).decode())
    elif not sys.stdout.isatty():
        for entry in entries:
            typer.echo("\t".join(" ".join(str(entry[name]).split()) for name in SHOWN))
    else:
        _print_table(entries)
    tell_missing(missing)


def _print_table(entries: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*SHOWN, box=None, pad_edge=False, header_style="bold")
    for entry in entries:
        table.add_row(*(str(entry[name]) for name in SHOWN))
    Console().print(table if entries else "quarantine is empty")


def show_entry(
    id: Id,
    raw: Annotated[bool, typer.Option("--raw", help="Write the bytes as they came, and nothing else.")] = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Show one entry: why, where it is at fault, and what was done with it. Its text may hold personal data."""
    name = Name.of(id)
    with client(name.service, data) as service:
        shown = asked(service, "GET", name)
        if as_json:
            typer.echo(orjson.dumps({"service": name.service, **shown}).decode())
            return
        content = b"" if shown["gone_at"] else call(lambda: service.get(f"{name.path}/raw")).content
    if raw:
        sys.stdout.buffer.write(content)
        return
    places, history = shown.pop("places"), shown.pop("history")
    for field, value in {"service": name.service, **shown}.items():
        if value is not None:
            typer.echo(f"{field}: {value}")
    for act in history:
        typer.echo(f"history: {orjson.dumps(act).decode()}")
    for place in places:
        typer.echo(f"\n{place['field'] or 'text'}: line {place['line']}, column {place['column']}")
        typer.echo(f"  {place['excerpt']}\n  {place['caret']}")
    if not places:
        typer.echo(f"\n{content.decode(errors='backslashreplace')}")


def retry(
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="As listed: 12, or deadline/12.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="What to send in its place; - is standard input.")] = None,
    all: Annotated[bool, typer.Option("--all", help="All that wait, of --service, --source and --reason.")] = False,
    service: OfService = None,
    source: OfSource = None,
    reason: OfReason = None,
    by: By = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Carry out again what waits: as it is, after a repair of program or reference data, or corrected.

    It goes the way of a feed message, with the source and the time of the original. What is refused again waits on.
    Exit code 3: some of it was refused or failed.
    """
    if (id is None) != all or (file and all):
        raise typer.BadParameter("give either one ID, or --all without --file")
    body = b""
    if file is not None:
        with reading(file) as opened:
            body = opened.read()
    names = [Name.of(id)] if id else named(data, service=service, source=source, reason=reason)
    query = {"by": by or _login(), "dry_run": str(dry_run).lower()}
    answers = []
    for name in names:
        with client(name.service, data) as http:
            answers.append({"service": name.service, **asked(http, "POST", name, "retry", query, body, one=bool(id))})
    if as_json:
        typer.echo(orjson.dumps(answers[0] if id else answers).decode())
    else:
        for answer in answers:
            typer.echo(_in_words(answer))
        if all:
            typer.echo(f"{len(answers)} entries, of which {sum(not _taken(one) for one in answers)} were not taken")
    if not all_taken(answers):
        raise typer.Exit(REFUSED_INPUT)


def all_taken(answers: list[dict[str, Any]]) -> bool:
    return all(_taken(answer) for answer in answers)


def drop(
    id: Id,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in its history. No applicant's data.")],
    by: By = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Close an entry that is worth nothing. Identical bytes that come again raise its count and stay dropped."""
    name = Name.of(id)
    body = orjson.dumps({"reason": reason})
    with client(name.service, data) as service:
        answer = asked(service, "POST", name, "drop", {"by": by or _login()}, body)
    if as_json:
        typer.echo(orjson.dumps(answer).decode())
    else:
        typer.echo(f"{id}: {'was dropped before' if answer['repeat'] else 'dropped'}")


def export(
    all: Annotated[bool, typer.Option("--all", help="Also those that were retried or dropped.")] = False,
    output: Output = None,
    data: Data = None,
) -> None:
    """Write one JSON line for each entry that waits, without its bytes."""
    missing: list[str] = []
    with writing(output) as out:
        for entry in entries_of(data, missing, state=State.ALL if all else State.WAITING):
            out.write(orjson.dumps(entry) + b"\n")
    tell_missing(missing)


def _taken(answer: dict[str, Any]) -> bool:
    return bool(answer["outcome"]["result"] == "taken")


def _in_words(answer: dict[str, Any]) -> str:
    outcome = answer["outcome"]
    would = "would be " if answer.get("dry_run") else "was " if answer["repeat"] else ""
    more = [f"{outcome['said']} events said"] if outcome["said"] else []
    more += [f"{one['reason']}: {one['detail']}" for one in outcome["refused"]]
    more += [outcome["why"]] if outcome.get("why") else []
    nothing_new = not more and outcome["result"] == "taken"
    known = "nothing of it is new" if nothing_new else "; ".join(more)
    return f"{answer['service']}/{answer['id']}: {would}{outcome['result']} ({known}); {answer['state']}"


def _login() -> str:
    try:
        return getpass.getuser()[:80]
    except (KeyError, OSError):
        return "cli"
