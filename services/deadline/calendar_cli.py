"""Calendars from the command line: checked as files, loaded with all that follows, or only looked at before."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from shared import cli_jobs
from shared.cli import AsJson, Data, DryRun, call, client, fail, group
from shared.clock import PROVINCE_ZONE, machine_now

if TYPE_CHECKING:
    import httpx

    from shared.worktime import WorkCalendar
    from shared.worktime.loading import Loaded

CHECK_EXAMPLE = "Example: dondoc calendar check thanh-hoa.yaml muong-lat.yaml --year 2026"
LOAD_EXAMPLE = "Example: dondoc calendar load thanh-hoa.yaml --dry-run"
Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="YAML files; CSV beside them.")]


def register(app: typer.Typer) -> None:
    calendars = group(app, "calendar", about="Calendar files: working hours, days off, make-up days.")
    calendars.command("check", epilog=CHECK_EXAMPLE)(check_calendars)
    calendars.command("load", epilog=LOAD_EXAMPLE)(load_calendars)


def load_calendars(files: Files, dry_run: DryRun = False, as_json: AsJson = False, data: Data = None) -> None:
    """Take calendars: announce them, and wait until all open obligations are reckoned by them.

    A file may name the `units` whose calendar it is (codes, agency ids or names); one named thanh-hoa takes the place
    of the province's. Ended obligations keep what they were reckoned by; each due time that moves keeps its old value
    and the reason. Exit code 1: there are mistakes, each told with its line; then nothing is taken.
    """
    with client("intake", data) as intake, client("deadline", data) as deadline:
        loaded = _loaded(files, known=_known(intake), as_json=as_json)
        calendars = [{"name": one.name, "given": one.given, "units": one.units} for one in loaded]
        if dry_run:
            described = [{**calendar, "revision": 0} for calendar in calendars]
            told = cli_jobs.forecast(deadline, {"calendars": described})
            typer.echo(orjson.dumps(told).decode() if as_json else cli_jobs.report_text(told))
            return
        before = cli_jobs.newest_recalculation(deadline)
        told = call(lambda: intake.post("/v1/calendars", json=calendars)).json()
        if as_json:
            typer.echo(orjson.dumps(told).decode())
        else:
            typer.echo(f"{len(calendars)} calendars: {len(told['added'])} added, {len(told['changed'])} changed")
        if told["added"] or told["changed"]:
            typer.echo(cli_jobs.reckon(deadline, before), err=True)


def _known(intake: httpx.Client) -> dict[str, WorkCalendar]:
    """Return the calendars that others may inherit from: the province's, and what was loaded before."""
    from shared.worktime import vietnam
    from shared.worktime.loading import from_given

    known: dict[str, WorkCalendar] = {"thanh-hoa": vietnam()}
    waiting = {one["name"]: one["given"] for one in call(lambda: intake.get("/v1/calendars")).json()}
    while ready := [name for name, given in waiting.items() if given.get("inherits") in (None, *known)]:
        for name in ready:
            given = waiting.pop(name)
            known[name] = from_given(given, base=known[given["inherits"]] if given.get("inherits") else None)
    return known


def check_calendars(
    files: Files,
    year: Annotated[int | None, typer.Option(help="Whose days off to list; else this year's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check calendar files and show what they say. Exit code 1: there are mistakes, each told with its line.

    Files may inherit from one another and from thanh-hoa, the province's calendar that is carried along. Entries: name,
    source, inherits, units, timezone, week, periods, dates (by date, or the name of a CSV file with the columns date,
    kind, name, source, confidence, shifts), make_up, names, provisional, known_from, known_until. Nothing is loaded.
    """
    from shared.worktime import vietnam
    from shared.worktime.summary import summary

    loaded = _loaded(files, known={"thanh-hoa": vietnam()}, as_json=as_json)
    asked = year or machine_now().astimezone(PROVINCE_ZONE).year
    said = [
        {"name": one.name, "inherits": one.inherits, "source": one.source, "notes": one.notes}
        | summary(one.calendar, year=asked)
        for one in loaded
    ]
    typer.echo(
        orjson.dumps({"calendars": said}).decode()
        if as_json
        else "\n\n".join(_calendar_text(one, asked) for one in said)
    )


def _loaded(files: list[Path], *, known: dict[str, WorkCalendar], as_json: bool) -> list[Loaded]:
    """Return what the files say; ends the command where there are mistakes, each told with its line."""
    from shared.worktime.loading import CalendarFilesError, load

    try:
        return load(files, known=known)
    except CalendarFilesError as error:
        if as_json:
            told = [{"file": str(one.file), "line": one.line, "says": one.says} for one in error.mistakes]
            typer.echo(orjson.dumps({"mistakes": told}).decode())
        else:
            typer.echo(str(error), err=True)
        fail(f"mistakes to put right: {len(error.mistakes)}")


def _calendar_text(said: dict[str, Any], asked: int) -> str:
    inherits = f", inherits {said['inherits']}" if said["inherits"] else ""
    lines = [
        f"{said['name']}: good, version {said['version']}{inherits}",
        f"  {said['timezone']}, known from {said['known_from']} until {said['known_until']}",
        f"  {said['hours_a_week']:g} hours a week: {_week_text(said['week'])}",
        *(
            f"  {held['from']} until {held['until']} {held['hours_a_week']:g} hours: {_week_text(held['week'])}"
            for held in said["periods"]
        ),
        f"  {said['year']}{f' ({asked} is not known)' * (asked != said['year'])}: {said['working_days']} working days",
        *(f"  {_day_text(day)}" for day in (*said["days_off"], *said["own_hours"])),
        *(f"  note: {note}" for note in said["notes"]),
    ]
    return "\n".join(lines)


def _week_text(week: dict[str, list[str]]) -> str:
    """Return shifts by weekday, neighbours with the same ones together."""
    runs = [(shifts, [day for day, _ in days]) for shifts, days in groupby(week.items(), key=lambda item: item[1])]
    texts = [f"{'-'.join(days[:: len(days) - 1 or 1])} {' '.join(shifts)}" for shifts, days in runs if shifts]
    return ", ".join(texts) or "none"


def _day_text(day: dict[str, Any]) -> str:
    hours = " ".join(day.get("hours", ())) or "off"
    provisional = " (provisional)" if "provisional" in day else ""
    return f"{day['on']} {day['weekday']}  {hours}  {day['name']}{provisional}".rstrip()
