"""The catalogue of procedures from the command line: checked, looked at before, loaded with all that follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import orjson
import typer

from shared import cli_jobs
from shared.cli import AsJson, Data, DryRun, call, client, fail, group

if TYPE_CHECKING:
    from services.intake.procedures import Catalogue, Mistake

ABOUT_PROCEDURES = """Take a catalogue of procedures: CSV in UTF-8. Those that are not in the file stay as they are.

The columns, in any order; only code must be filled. Several lines of one code give the limits of its cases, channels
(counter, online, post) and periods; what is left empty holds for all:

\b
code,name,field,case,channel,limit_value,limit_unit,difficult_days,valid_from,valid_until,legal_basis,confidence,note
1.012784,Tách thửa hoặc hợp thửa đất,Đất đai,,,12,working_days,10,2025-07-01,,NĐ 101/2024/NĐ-CP,,
1.012784,,,,online,10,working_days,10,2026-07-01,,QĐ của UBND tỉnh,,

Units: working_days, calendar_days, working_hours, weeks, months, same_day. A doubtful line (no unit, low confidence …)
gives no limit and is a warning. Exit code 1: the file has mistakes, each told with its line, and nothing is taken.
"""


def register(app: typer.Typer) -> None:
    procedures = group(app, "procedures", about="The catalogue of procedures and their limits.")
    procedures.command(
        "load", help=ABOUT_PROCEDURES, epilog="Example: dondoc procedures load procedures.csv --dry-run"
    )(load_procedures)
    procedures.command("check", epilog="Example: dondoc procedures check procedures.csv")(check_procedures)


def load_procedures(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV.")],
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Take a catalogue of procedures. Those that are not in the file stay as they are."""
    content = file.read_bytes()
    read = _catalogues({file: content}, as_json=as_json)  # mistakes are told with their lines before anything is sent
    with client("intake", data) as intake, client("deadline", data) as deadline:
        before = cli_jobs.newest_recalculation(deadline)
        told = call(lambda: intake.post("/v1/procedures", params={"dry_run": dry_run}, content=content)).json()
        _warn(told["flagged"], file)
        codes = [*told["added"], *told["changed"]]
        if dry_run and codes:
            described = [{**read[file].procedures[code], "revision": 0} for code in codes]
            told["forecast"] = cli_jobs.forecast(deadline, {"procedures": described})
        if as_json:
            typer.echo(orjson.dumps(told).decode())
        else:
            would = "would be " if dry_run else ""
            added, changed = len(told["added"]), len(told["changed"])
            typer.echo(f"{told['procedures']} procedures in {file}: {added} {would}added, {changed} {would}changed")
            if "forecast" in told:
                typer.echo(cli_jobs.report_text(told["forecast"]))
        if codes and not dry_run:
            typer.echo(cli_jobs.reckon(deadline, before), err=True)


def _warn(flagged: list[dict[str, Any]], file: Path) -> None:
    reasons = Counter(one["why"] for one in flagged)
    for why, lines in reasons.most_common():
        typer.echo(f"warning: {lines} lines: {why}", err=True)
    if reasons:
        typer.echo(f"`dondoc procedures check {file}` lists them", err=True)


def check_procedures(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV.")],
    as_json: AsJson = False,
) -> None:
    """Check catalogues of procedures: how many limits there are by unit, and each doubtful line. Nothing is loaded.

    Doubtful lines give no limit; they are no reason for another exit code than 0. Exit code 1: there are mistakes.
    """
    read = _catalogues({file: file.read_bytes() for file in files}, as_json=as_json)
    said = []
    for file, catalogue in read.items():
        limits = Counter(rule["unit"] for one in catalogue.procedures.values() for rule in one["rules"])
        bare = sum(not one["rules"] for one in catalogue.procedures.values())
        counts = {"procedures": len(catalogue.procedures), "limits": dict(limits.most_common()), "without_limit": bare}
        said.append({"file": str(file), **counts, "flagged": [one._asdict() for one in catalogue.flagged]})
        if not as_json:
            by_unit = ", ".join(f"{number} {unit}" for unit, number in limits.most_common()) or "none"
            typer.echo(f"{file}: {len(catalogue.procedures)} procedures, {bare} without a limit; limits: {by_unit}")
            for one in catalogue.flagged:
                typer.echo(f"{file}:{one.line}: {one.code}: {one.why}")
    if as_json:
        typer.echo(orjson.dumps({"files": said}).decode())


def _catalogues(contents: dict[Path, bytes], *, as_json: bool) -> dict[Path, Catalogue]:
    """Read catalogue files; ends the command where there are mistakes, once all of them are told."""
    from services.intake.procedures import CatalogueError, read

    catalogues: dict[Path, Catalogue] = {}
    mistakes: dict[Path, Sequence[Mistake]] = {}
    for file, content in contents.items():
        try:
            catalogues[file] = read(content)
        except CatalogueError as error:
            mistakes[file] = error.mistakes
    if mistakes:
        _fail_by(mistakes, as_json=as_json)
    return catalogues


def _fail_by(mistakes: dict[Path, Sequence[Mistake]], *, as_json: bool) -> NoReturn:
    told = [{"file": str(file), "line": one.line, "says": one.why} for file, all in mistakes.items() for one in all]
    if as_json:
        typer.echo(orjson.dumps({"mistakes": told}).decode())
    else:
        for one in told:
            typer.echo("{file}:{line}: {says}".format(**one), err=True)
    fail(f"mistakes to put right: {len(told)}")
