"""The directory from the command line: checked, looked at before it is loaded, shown, exported."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import orjson
import typer

from services.intake import directory_tables
from services.intake.directory_tables import COLUMNS, Row, Table, TableError
from shared.cli import AsJson, Data, DryRun, Output, call, client, fail, group, writing

SHOWN_AT_MOST = 200  # lines of a diff on a terminal
Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV, XLSX or JSON.")]
ABOUT_LOAD = f"""Take a directory of units: CSV in UTF-8, XLSX or JSON. What is not in the files stays as it is.

A CSV file is one of three tables, known by its columns, which may be in any order; | stands between aliases and
successors, days are written 2026-12-31 or 31/12/2026 and both included:

\b
{",".join(COLUMNS["units"])}
14758,Phường Hàm Rồng,phuong,H56,Chủ tịch,,hamrong@example.vn,,H56.99|UBND phường Hàm Rồng,,2025-07-01,,
\b
{",".join(COLUMNS["posts"])}
14758,chu-tich,head,Chủ tịch UBND phường,cb-17,Nguyễn Văn A,a@example.vn,,2025-07-01,,holder
\b
{",".join(COLUMNS["aliases"])}
14758,Một cửa Hàm Rồng,motcua-1,2025-07-01,

role: head, deputy, one_stop_head, officer. kind: holder, acting, stand_in (named for an absence), absent. The posts and
the aliases of a unit become exactly those given. A workbook has a sheet for each: units, posts, aliases, or Đơn vị,
Chức vụ, Tên khác. On a terminal what changes is shown and asked about first.
"""


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


class Which(StrEnum):
    UNITS = "units"
    POSTS = "posts"
    ALIASES = "aliases"


def register(app: typer.Typer) -> None:
    commands = group(app, "directory", about="The directory of units.")
    commands.command("load", help=ABOUT_LOAD, epilog="Example: dondoc directory load units.csv posts.csv --dry-run")(
        load_directory
    )
    commands.command("check", epilog="Example: dondoc directory check danh-ba.xlsx")(check_directory)
    commands.command("show", epilog="Example: dondoc directory show 'Huyện Hà Trung' --on 2025-06-30")(show_unit)
    commands.command("export", epilog="Example: dondoc directory export --format xlsx --output danh-ba.xlsx")(
        export_directory
    )


def load_directory(
    files: Files,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it is applied.")] = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Take a directory of units."""
    content = files[0].read_bytes() if len(files) == 1 else orjson.dumps(_joined(files))
    with client("intake", data) as intake:

        def post(*, dry_run: bool) -> dict[str, Any]:
            answer = call(lambda: intake.post("/v1/directory", params={"dry_run": dry_run}, content=content))
            told: dict[str, Any] = answer.json()
            return told

        asks = not (dry_run or yes or as_json) and sys.stdin.isatty() and sys.stdout.isatty()
        if asks:
            would = post(dry_run=True)
            _tell(would, files)
            if not would["diff"] or not typer.confirm("Apply this?"):
                return
        told = post(dry_run=dry_run)
    if as_json:
        typer.echo(orjson.dumps(told).decode())
    else:
        _tell(told, files, diff=dry_run)


def _joined(files: Sequence[Path]) -> dict[str, list[dict[str, str]]]:
    """Return the rows of several files as one document; each row says where it stands."""
    joined: dict[str, list[dict[str, str]]] = {}
    for file in files:
        for table, rows in _tables(file).items():
            joined.setdefault(table, []).extend({**row.cells, "at": f"{file.name} {row.at}"} for row in rows)
    return joined


def _tables(file: Path) -> Mapping[Table, Sequence[Row]]:
    try:
        return directory_tables.read(file.read_bytes())
    except TableError as error:
        fail(f"{file}: {error}", code=2)


def _tell(told: Mapping[str, Any], files: Sequence[Path], *, diff: bool = True) -> None:
    if diff:
        for change in told["diff"][:SHOWN_AT_MOST]:
            typer.echo(f"{change['unit']} {change['name']}: {_changed(change)}")
        if more := len(told["diff"]) - SHOWN_AT_MOST:
            typer.echo(f"… and {more} more; --json has all") if more > 0 else None
    added, changed = len(told["added"]), len(told["changed"])
    would = "would be " if told["dry_run"] else ""
    named = ", ".join(map(str, files))
    typer.echo(f"{told['units']} units in {named}: {added} {would}added, {changed} {would}changed")
    if unknown := told["unknown_parents"]:
        typer.echo(f"warning: no unit has the code of these parents: {', '.join(unknown)}", err=True)


def _changed(change: Mapping[str, Any]) -> str:
    """Return a change in words; of lists only the entries that differ."""
    member, old, new = change["member"], change["old"], change["new"]
    if isinstance(new, list) and isinstance(old, list | None):
        gone = [f"- {_entry(one)}" for one in old or () if one not in new]
        come = [f"+ {_entry(one)}" for one in new if one not in (old or ())]
        return f"{member}: {'; '.join([*gone, *come]) or 'another order'}"
    return f"{member}: {_entry(old)} → {_entry(new)}"


def _entry(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={one}" for name, one in value.items() if one is not None)
    return "–" if value in (None, "") else str(value)


def check_directory(files: Files, as_json: AsJson = False) -> None:
    """Check directory files for themselves. Nothing is loaded and no stack is needed. Exit code 1: there are mistakes.

    Whether parents and successors are known, and none comes back to itself, `load --dry-run` says.
    """
    from services.intake.directory import DirectoryError, take

    rows: dict[Table, list[Row]] = {}
    for file in files:
        for table, found in _tables(file).items():
            rows.setdefault(table, []).extend(row._replace(at=f"{file} {row.at}") for row in found)
    mistakes = []
    try:
        take(rows)
    except DirectoryError as error:
        mistakes = [one._asdict() for one in error.mistakes]
    counts = {table: len(found) for table, found in rows.items()}
    if as_json:
        typer.echo(orjson.dumps({"rows": counts, "mistakes": mistakes}).decode())
    else:
        for one in mistakes:
            typer.echo(f"{one['at']}: {one['why']}", err=True)
        typer.echo(", ".join(f"{number} rows of {table}" for table, number in counts.items()))
    if mistakes:
        fail(f"mistakes to put right: {len(mistakes)}")


def show_unit(
    unit: Annotated[str, typer.Argument(help="A code, an agency id, or a name as a source writes it.")],
    source: Annotated[str | None, typer.Option(help="The source that writes so.")] = None,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day; today where it is not given.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Show a unit, who heads it on a day and why. Exit code 1: no unit is meant, or several; these are named."""
    query = {"source": source, "on": on.date().isoformat() if on else None}
    params = {name: value for name, value in query.items() if value}
    with client("intake", data) as intake:
        answer = intake.get(f"/v1/directory/{quote(unit, safe='')}", params=params)
        if answer.status_code == 404 and "candidates" in answer.json():
            told = answer.json()
            for one in told["candidates"]:
                typer.echo(f"{one['code']}\t{one['name']}")
            fail(told["detail"])
        shown = call(lambda: answer).json()
    if as_json:
        typer.echo(orjson.dumps(shown).decode())
        return
    for name, value in shown.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            typer.echo(f"{name}:")
            for one in value:
                typer.echo(f"  {_entry(one)}")
        elif value not in (None, [], ""):
            typer.echo(f"{name}: {', '.join(value) if isinstance(value, list) else _entry(value)}")


def export_directory(
    format: Annotated[Format, typer.Option(help="CSV holds one table, XLSX all three.")] = Format.CSV,
    table: Annotated[Which, typer.Option(help="Which table, of CSV.")] = Which.UNITS,
    output: Output = None,
    data: Data = None,
) -> None:
    """Write the directory as it is; loaded again it changes nothing. It holds names and contacts of officials."""
    with client("intake", data) as intake:
        units = call(lambda: intake.get("/v1/directory")).json()
    with writing(output) as out:
        of: Table = table.value
        out.write(directory_tables.as_workbook(units) if format is Format.XLSX else directory_tables.as_csv(of, units))
