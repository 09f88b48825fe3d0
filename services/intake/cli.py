"""Intake's part of the `dondoc` command: procedures, and `dondoc import`."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import orjson
import typer

from services.intake import census_cli, directory_cli, importing, procedures_cli, tables_cli
from services.intake.correcting import cli as correcting_cli
from services.intake.oversight import cli as oversight_cli
from services.intake.oversight import series_cli
from services.intake.progress import How
from services.intake.quality import cli as quality_cli
from shared.cli import REFUSED_INPUT, AsJson, Data, client

EXAMPLES = (
    "Examples: dondoc import --source motcua-1 --format national feed.ndjson.gz; "
    "dondoc import --source motcua-2 --format csv --mapping motcua-2.yaml thang-10.xlsx"
)


class Format(StrEnum):
    NATIONAL = "national"
    FACTS = "facts"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add intake's commands to the `dondoc` command line."""
    app.command("import", epilog=EXAMPLES)(import_files)
    directory_cli.register(app)
    procedures_cli.register(app)
    census_cli.register(app)
    oversight_cli.register(app)
    series_cli.register(app)
    correcting_cli.register(app)
    tables_cli.register(app)
    quality_cli.register(app)


def import_files(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…", help="NDJSON, or CSV and XLSX; also as .gz; - is the standard input."),
    ],
    source: Annotated[str, typer.Option(metavar="NAME", help="The source's name, as in feed.<source>.<format>.")],
    format: Annotated[
        Format, typer.Option(help="The portal's messages, CloudEvents of our own, or tables.")
    ] = Format.NATIONAL,
    import_id: Annotated[
        str | None, typer.Option("--import-id", help="Goes before the content's own; a new one sends every line again.")
    ] = None,
    mapping: tables_cli.MappingFile = None,
    exported_at: tables_cli.ExportedAt = None,
    dry_run: tables_cli.TryOnly = False,
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
    tables = tables_cli.Tables(mapping, exported_at, dry_run)
    lines_of = tables.lines_of(files, as_json=as_json) if format is Format.CSV else tables.must_be_empty()
    word = "table" if format is Format.CSV else format  # CSV or XLSX: intake hears of rows of tables
    opened = importing.opened(files, source=source, import_id=import_id, format=word, lines_of=lines_of)
    with opened as batch, client("intake", data) as intake:
        how: How = "none" if as_json else "bar" if sys.stderr.isatty() else "lines"
        outcomes = [importing.send(intake, one, progress=how) for one in batch]
    total = {name: sum(outcome[name] for outcome in outcomes) for name in importing.COUNTED}
    whole = orjson.dumps({**total, "imports": outcomes}).decode()
    typer.echo(whole if as_json else "\n".join(map(importing.in_words, outcomes)))
    if total["refused"]:
        raise typer.Exit(REFUSED_INPUT)
