"""The commands about tables: trying a mapping, and turning a table into the lines that an import sends."""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import orjson
import typer

from shared.cli import REFUSED_INPUT, AsJson, fail, group, moment

if TYPE_CHECKING:
    from services.intake.tables.converting import Prepared
    from services.intake.tables.mapping import TableMapping
    from services.intake.tables.trying import Trial

SHOW_EVERY = 1000  # rows
EXAMPLE = "Example: dondoc mapping check motcua-2.yaml thang-10.xlsx"

MappingFile = Annotated[
    Path | None,
    typer.Option(
        "--mapping", exists=True, dir_okay=False, readable=True, help="With --format csv: what the columns say."
    ),
]
ExportedAt = Annotated[
    str | None, typer.Option("--exported-at", metavar="TIME", help="With --format csv: when the table was exported.")
]
TryOnly = Annotated[
    bool, typer.Option("--dry-run", help="With --format csv: only show how the rows would be understood.")
]


class Tables(NamedTuple):
    """What `dondoc import` is told of tables."""

    mapping: Path | None
    exported_at: str | None
    dry_run: bool

    def lines_of(self, files: list[str], *, as_json: bool) -> Callable[[Path, str, Path], Path]:
        """Return what makes lines of a table; a dry run ends the command."""
        if self.mapping is None:
            raise typer.BadParameter("is needed with --format csv; see `dondoc mapping check`", param_hint="--mapping")
        mapping, at = read_mapping(self.mapping), sent_at(self.exported_at)
        if self.dry_run:
            try_out(files, mapping, exported_at=at, as_json=as_json)
            raise typer.Exit(0)
        return spooling(mapping, at, progress=sys.stderr.isatty())

    def must_be_empty(self) -> None:
        if any(self):
            raise typer.BadParameter("goes with --format csv", param_hint="--mapping, --exported-at or --dry-run")


def register(app: typer.Typer) -> None:
    """Add the group `mapping`."""
    mapping = group(app, "mapping", about="What the columns of tables say.")
    mapping.callback()(lambda: None)  # a group of one command stays a group
    mapping.command("check", epilog=EXAMPLE)(check)


def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The mapping: YAML.")],
    table: Annotated[Path | None, typer.Argument(dir_okay=False, help="Also try it on this CSV or XLSX.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a mapping file and, where a table is given, show how its rows would be understood. Sends nothing.

    Exit code 2: the mapping is wrong or does not fit the table; 3: some rows would be refused.
    """
    mapping = read_mapping(file)
    if table is None:
        told = {"version": str(mapping.version), "target": mapping.target, "fields": sorted(mapping.columns)}
        typer.echo(
            orjson.dumps(told).decode() if as_json else f"{file}: {mapping.target}, {len(mapping.columns)} fields"
        )
        return
    try_out([str(table)], mapping, as_json=as_json)


def read_mapping(file: Path) -> TableMapping:
    """Return a mapping; ends the command with a line for each mistake."""
    from services.intake.tables import mapping

    try:
        return mapping.read(file.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        fail(f"{file}: not UTF-8 text", code=2)
    except mapping.MappingError as error:
        fail("; ".join(f"{file}:{line}: {says}" for line, says in error.mistakes), code=2)


def sent_at(text: str | None) -> datetime | None:
    """Return when a table was exported."""
    return None if text is None else datetime.fromisoformat(moment(text, option="--exported-at"))


def _prepared(path: Path, name: str, mapping: TableMapping, exported_at: datetime | None) -> Prepared:
    from services.intake.tables.converting import prepare
    from services.intake.tables.reading import TableError

    try:
        return prepare(path, mapping, sent_at=exported_at)
    except TableError as error:
        fail(f"{name}: {error}", code=2)


def spooling(
    mapping: TableMapping, exported_at: datetime | None, *, progress: bool
) -> Callable[[Path, str, Path], Path]:
    """Return what turns a table, known under a name, into a file of lines for intake in a folder."""

    def spool(path: Path, name: str, folder: Path) -> Path:
        from rich.console import Console
        from rich.progress import Progress, TextColumn

        from services.intake.tables.reading import TableError

        prepared, skipped = _prepared(path, name, mapping, exported_at), 0
        columns = (TextColumn("{task.description} read, {task.completed:,} rows"),)
        with (
            tempfile.NamedTemporaryFile(dir=folder, delete=False, suffix=".gz") as made,
            gzip.GzipFile("", "wb", compresslevel=1, fileobj=made, mtime=0) as out,
            Progress(*columns, console=Console(stderr=True), disable=not progress) as bars,
        ):
            reading = bars.add_task(name, total=None)
            try:
                for number, line in prepared.lines():
                    skipped += line is None
                    out.write(line + b"\n" if line is not None else b"")
                    if number % SHOW_EVERY == 0:
                        bars.update(reading, completed=number)
            except TableError as error:
                fail(f"{name}: {error}; nothing was sent", code=2)
        _warn(name, prepared, skipped=skipped)
        return Path(made.name)

    return spool


def _warn(name: str, prepared: Prepared, *, skipped: int) -> None:
    if skipped:
        sys.stderr.write(f"{name}: {skipped:,} rows are blank or skipped by the mapping\n")
    for heading, count in sorted(prepared.plan.numbers.items()):
        sys.stderr.write(f"warning: {name}: {count:,} cells of {heading} are numbers: leading zeros may be missing\n")


def try_out(files: list[str], mapping: TableMapping, *, as_json: bool, exported_at: datetime | None = None) -> None:
    """Show how the rows of tables would be understood; ends with 3 where some would be refused."""
    from services.intake.tables.reading import TableError
    from services.intake.tables.trying import tried

    told = []
    for name in files:
        prepared = _prepared(Path(name), name, mapping, exported_at)
        try:
            trial = tried(prepared)
        except TableError as error:
            fail(f"{name}: {error}", code=2)
        told.append(_told(name, prepared, trial))
        if not as_json:
            _print(told[-1])
            _warn(name, prepared, skipped=0)
    if as_json:
        typer.echo(orjson.dumps({"tables": told}).decode())
    if any(one["refused"] for one in told):
        raise typer.Exit(REFUSED_INPUT)


def _told(name: str, prepared: Prepared, trial: Trial) -> dict[str, Any]:
    places = prepared.plan.places
    return {
        "file": name,
        "rows": trial.rows,
        "skipped": trial.skipped,
        "refused": trial.refused,
        "reasons": [
            {"reason": reason, "rows": count, "first_row": trial.first_refused[reason]}
            for reason, count in trial.reasons.most_common(100)
        ],
        "columns": {
            field: {"heading": place.heading, "encoding": place.encoding or "ascii"} for field, place in places.items()
        },
        "unused": list(prepared.unused),
        "first_rows": [{"row": number, **content} for number, content in trial.shown],
    }


def _print(told: dict[str, Any]) -> None:
    typer.echo(
        f"{told['file']}: {told['rows']:,} rows would be sent, {told['refused']:,} of them refused; "
        f"{told['skipped']:,} are blank or skipped"
    )
    for field, column in told["columns"].items():
        typer.echo(f"  {field}: {column['heading']} ({column['encoding']})")
    if told["unused"]:
        typer.echo(f"  not used: {', '.join(told['unused'])}")
    for row in told["first_rows"]:
        content = ", ".join(f"{name}={value}" for name, value in row.items() if name != "row" and value != "")
        typer.echo(f"  row {row['row']}: {content}")
    for one in told["reasons"]:
        typer.echo(f"  refused: {one['reason']} ({one['rows']:,} rows, the first is row {one['first_row']})")
