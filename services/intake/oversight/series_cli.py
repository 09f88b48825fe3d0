"""Series of periodic reports from the command line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from shared.cli import AsJson, Data, DryRun, call, client, fail, group

SHOWN = 4  # periods that a check tells of each series

ABOUT = """Take report series from a YAML file. Series that are not in it stay as they are.

\b
series:
  - name: cchc-quy                 small letters, digits and -; part of the duties' ids
    title: Báo cáo công tác cải cách hành chính
    basis: the act that asks for it
    units: all                     or communes, departments, a list of codes or names
    period: quarter_15_14          month, quarter, half_year, year: by the calendar,
                                   or with _15_14 from the 15th to the 14th
    due: {working_days: 5}         after the period's last day; or calendar_days: 20,
                                   or on_day: 20 of its last month, months_later: 1
    since: 2026-12-14              a day of the first period
    enabled: true

A day off moves to the next working day. Duties are made when the period has ended, for the units in force then.
"""


def register(app: typer.Typer) -> None:
    series = group(app, "report-series", about="Reports that units owe again and again.")
    series.command("list", epilog="Example: dondoc report-series list --json")(list_series)
    series.command("load", help=ABOUT, epilog="Example: dondoc report-series load series.yaml --dry-run")(load)
    series.command("check", epilog="Example: dondoc report-series check series.yaml")(check)


def list_series(as_json: AsJson = False, data: Data = None) -> None:
    """List the series: how far each has come and when it makes the next duties."""
    with client("intake", data) as intake:
        told: list[dict[str, Any]] = call(lambda: intake.get("/v1/report-series")).json()
    if as_json:
        typer.echo(orjson.dumps(told).decode())
        return
    for one in told:
        if not one["enabled"]:
            state = "not enabled"
        elif one["waits"]:
            state = f"waits ({one['waits']}): load a calendar that reaches further"
        else:
            state = f"next at {one['next_at']}" if one["next_at"] else "has ended"
        typer.echo("\t".join((one["name"], one["period"], f"done through {one['through'] or '-'}", state)))


def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="YAML.")],
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Take report series."""
    content = file.read_bytes()
    with client("intake", data) as intake:
        told = call(lambda: intake.post("/v1/report-series", params={"dry_run": dry_run}, content=content)).json()
    if as_json:
        typer.echo(orjson.dumps(told).decode())
        return
    would = "would be " if dry_run else ""
    added, changed = (", ".join(told[what]) or "none" for what in ("added", "changed"))
    typer.echo(f"{told['series']} series in {file}: {would}added: {added}; {would}changed: {changed}")
    if unknown := told["unknown_units"]:
        typer.echo(f"warning: the directory knows no such unit, or several: {', '.join(unknown)}", err=True)


def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="YAML.")],
    as_json: AsJson = False,
) -> None:
    """Check a file of series: its first periods, each with the day its reports are due. Nothing is loaded.

    Days are counted in the calendar that the program carries.
    """
    from services.intake.oversight.series import SeriesError, read

    try:
        found = read(file.read_bytes())
    except SeriesError as error:
        fail(f"{file}: {error}")
    told: list[dict[str, Any]] = [{"name": one.name, "enabled": one.enabled, "periods": _periods(one)} for one in found]
    if as_json:
        typer.echo(orjson.dumps({"series": told}).decode())
        return
    for series in told:
        typer.echo(f"{series['name']}{'' if series['enabled'] else ' (not enabled)'}")
        for period in series["periods"]:
            typer.echo(f"  {period['code']}: {period['first']} to {period['last']}, due {period['due']}")


def _periods(series: Any) -> list[dict[str, Any]]:
    from services.intake.oversight.series import due_at, next_period
    from shared.worktime import CalendarEndsError, vietnam

    periods: list[dict[str, Any]] = []
    through: date | None = None
    while len(periods) < SHOWN and (period := next_period(series, through=through)):
        try:
            due = due_at(series.due, period, calendar=vietnam()).isoformat()
        except CalendarEndsError:
            due = "unknown: the calendar does not reach so far"
        periods.append({"code": period.code, "first": str(period.first), "last": str(period.last), "due": due})
        through = period.last
    return periods
