"""Intake's part of the `dondoc` command: the directory, quarantine, procedures, and `dondoc import`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from services.intake import importing, procedures_cli
from services.intake.directory import COLUMNS
from shared.cli import REFUSED_INPUT, AsJson, Data, DryRun, Output, call, client, exports, fail, group, writing

if TYPE_CHECKING:
    import httpx

PAGE = 1000
SHOWN = ("id", "source", "reason", "seen", "last_at", "detail")
ABOUT_LOAD = f"""Take a directory of units: CSV in UTF-8. Units that are not in the file stay as they are.

The columns, in any order; only code and name must be filled, and | stands between aliases:

\b
{",".join(COLUMNS)}
14758,Phường Hàm Rồng,phuong,H56,Chủ tịch,,hamrong@example.vn,,H56.99|UBND phường Hàm Rồng
"""


class Format(StrEnum):
    NATIONAL = "national"
    FACTS = "facts"


def register(app: typer.Typer) -> None:
    """Add intake's commands to the `dondoc` command line."""
    app.command("import", epilog="Example: dondoc import --source motcua-1 --format national feed.ndjson.gz")(
        import_files
    )
    directory = group(app, "directory", about="The directory of units.")
    directory.command("load", help=ABOUT_LOAD, epilog="Example: dondoc directory load units.csv --dry-run")(
        load_directory
    )
    procedures_cli.register(app)
    quarantine = group(app, "quarantine", about="What could not be understood.")
    quarantine.command("list", epilog="Example: dondoc quarantine list --json")(list_quarantine)
    quarantine.command("show", epilog="Example: dondoc quarantine show 12")(show_quarantined)
    exports(app).command("quarantine", epilog="Example: dondoc export quarantine --output quarantine.ndjson")(
        export_quarantine
    )


def import_files(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="NDJSON, also as .gz; - is the standard input.")],
    source: Annotated[str, typer.Option(metavar="NAME", help="The source's name, as in feed.<source>.<format>.")],
    format: Annotated[Format, typer.Option(help="The portal's messages, or CloudEvents of our own.")] = Format.NATIONAL,
    import_id: Annotated[
        str | None, typer.Option("--import-id", help="Instead of the content's own; a new one sends every line again.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Feed files through intake, wait until every line has an outcome, and say how many were taken.

    An import that was interrupted goes on where it stopped when the same command is given again. Exit code 3: some
    lines or objects were refused; `dondoc quarantine list` says why.
    """
    if not importing.SOURCE.match(source):
        raise typer.BadParameter("small letters, digits, - and _ only", param_hint="--source")
    if import_id is not None and (len(files) > 1 or not importing.IMPORT_ID.match(import_id)):
        raise typer.BadParameter("goes with one file; letters, digits, - and _ only", param_hint="--import-id")
    opened = importing.opened(files, source=source, import_id=import_id, format=format)
    with opened as batch, client("intake", data) as intake:
        outcomes = [importing.send(intake, one, progress=sys.stderr.isatty()) for one in batch]
    total = {name: sum(outcome[name] for outcome in outcomes) for name in importing.COUNTED}
    if as_json:
        typer.echo(orjson.dumps({**total, "imports": outcomes}).decode())
    else:
        for outcome in outcomes:
            typer.echo(importing.in_words(outcome))
    if total["refused"]:
        raise typer.Exit(REFUSED_INPUT)


def load_directory(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV.")],
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Take a directory of units. Units that are not in the file stay as they are."""
    content = file.read_bytes()
    with client("intake", data) as intake:
        told = call(lambda: intake.post("/v1/directory", params={"dry_run": dry_run}, content=content)).json()
    if as_json:
        typer.echo(orjson.dumps(told).decode())
        return
    added, changed = len(told["added"]), len(told["changed"])
    would = "would be " if dry_run else ""
    typer.echo(f"{told['units']} units in {file}: {added} {would}added, {changed} {would}changed")
    if unknown := told["unknown_parents"]:
        typer.echo(f"warning: no unit has the code of these parents: {', '.join(unknown)}", err=True)


def list_quarantine(as_json: AsJson = False, data: Data = None) -> None:
    """List the entries, oldest first. They are shown without their bytes, which hold personal data.

    Where the output is no terminal, each is one line with tabs between its fields.
    """
    with client("intake", data) as intake:
        entries = list(_entries(intake))
    if as_json:
        typer.echo(orjson.dumps(entries).decode())
        return
    if not sys.stdout.isatty():
        for entry in entries:
            typer.echo("\t".join(" ".join(str(entry[name]).split()) for name in SHOWN))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*SHOWN, box=None, pad_edge=False, header_style="bold")
    for entry in entries:
        table.add_row(*(str(entry[name]) for name in SHOWN))
    Console().print(table if entries else "quarantine is empty")


def show_quarantined(
    id: Annotated[int, typer.Argument(min=1, help="As `dondoc quarantine list` shows it.")],
    raw: Annotated[bool, typer.Option("--raw", help="Write the bytes as they came, and nothing else.")] = False,
    data: Data = None,
) -> None:
    """Show one entry with its bytes. They may hold personal data."""
    with client("intake", data) as intake:
        page = call(lambda: intake.get("/v1/quarantine", params={"after": id - 1, "limit": 1})).json()
        if not page or page[0]["id"] != id:
            fail(f"there is no entry {id}; see `dondoc quarantine list`")
        content = call(lambda: intake.get(f"/v1/quarantine/{id}/raw")).content
    if raw:
        sys.stdout.buffer.write(content)
        return
    for name, value in page[0].items():
        typer.echo(f"{name}: {value}")
    typer.echo(f"\n{content.decode(errors='backslashreplace')}")


def export_quarantine(output: Output = None, data: Data = None) -> None:
    """Write one JSON line for each entry, without its bytes."""
    with client("intake", data) as intake, writing(output) as out:
        for entry in _entries(intake):
            out.write(orjson.dumps(entry) + b"\n")


def _entries(intake: httpx.Client) -> Iterator[dict[str, Any]]:
    after = 0
    while page := call(lambda: intake.get("/v1/quarantine", params={"after": after, "limit": PAGE})).json():  # noqa: B023 - called at once
        yield from page
        after = page[-1]["id"]
