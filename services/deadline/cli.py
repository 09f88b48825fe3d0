"""Deadline's part of the `dondoc` command: the export of obligations, due dates, the check of calendar files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from shared.cli import REFUSED_INPUT, AsJson, Data, Output, client, exports, fail, group, reading, refusal, writing
from shared.clock import PROVINCE_ZONE, machine_now

EXAMPLE = "Example: dondoc export obligations --as-of 2026-11-20T17:00:00+07:00 --format csv --output obligations.csv"
CHECK_EXAMPLE = "Example: dondoc calendar check thanh-hoa.yaml muong-lat.yaml --year 2026"
DUE_EXAMPLE = "Example: dondoc due questions.ndjson --output answers.ndjson"
BOM = b"\xef\xbb\xbf"  # Excel reads UTF-8 only behind it
FORMULA_STARTS = ("=", "+", "-", "@", "\t")  # a spreadsheet would run what begins so


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add deadline's commands to the `dondoc` command line."""
    exports(app).command("obligations", epilog=EXAMPLE)(export_obligations)
    app.command(epilog=DUE_EXAMPLE)(due)
    calendars = group(app, "calendar", about="Calendar files: working hours, days off, make-up days.")
    calendars.command("check", epilog=CHECK_EXAMPLE)(check_calendars)


def due(
    file: Annotated[Path | None, typer.Argument(help="Questions, one a line; else the standard input.")] = None,
    output: Output = None,
) -> None:
    """Answer when limits run out: JSON lines in, JSON lines out, in order. Needs no running stack.

    A question: {"id": "a1", "calendar": "thanh-hoa", "start": "2026-11-20T16:00:00+07:00",
    "limit": {"value": 3, "unit": "working_days"}}. Units: working_minutes, working_hours, working_days, calendar_days,
    weeks, months. Also "ends", "roll", "first_day", "pauses", "pause_counts", "now", "levels", or "measure" for the
    open time between two instants; "rule": "local_software" for the date that the local one-stop software prints. Exit
    code 3: some questions are answered by an error.
    """
    from services.deadline.due import LONGEST_LINE, answer

    wrong = 0
    with reading(file) as questions, writing(output) as out:
        while line := questions.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                while line and not line.endswith(b"\n"):
                    line = questions.readline(LONGEST_LINE)
                answered = {"id": None, "error": f"the line is longer than {LONGEST_LINE} bytes"}
            elif line.isspace():
                continue
            else:
                answered = answer(line)
            wrong += "error" in answered
            out.write(orjson.dumps(answered, option=orjson.OPT_APPEND_NEWLINE))
    if wrong:
        fail(f"{wrong} of the questions could not be answered; see their `error`", code=REFUSED_INPUT)


def export_obligations(
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="The world then; without an offset, Vietnamese time.")
    ] = None,
    format: Annotated[Format, typer.Option(help="CSV opens in a spreadsheet.")] = Format.NDJSON,
    output: Output = None,
    data: Data = None,
) -> None:
    """Write one line for each obligation, with `timing` as of now or of --as-of."""
    import httpx

    query = {"as_of": moment(as_of)} if as_of else {}
    try:
        with (
            client("deadline", data) as deadline,
            deadline.stream("GET", "/v1/export/obligations", params=query, timeout=None) as answer,
        ):
            if not answer.is_success:
                answer.read()
                fail(refusal(answer))
            with writing(output) as out:
                for part in answer.iter_bytes() if format is Format.NDJSON else as_csv(_lines(answer.iter_bytes())):
                    out.write(part)
    except httpx.TransportError as error:
        fail(f"deadline ended the answer early or does not answer ({type(error).__name__}); see `dondoc status`")


def moment(text: str) -> str:
    """Return a time with its offset. raises: typer.BadParameter - it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is not a time like 2026-11-20T17:00:00+07:00", param_hint="--as-of") from None
    return (at if at.tzinfo else at.replace(tzinfo=PROVINCE_ZONE)).isoformat()


def _lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of an answer, split at line feeds alone: texts may hold other separators."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from whole


def as_csv(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a CSV file that opens in a spreadsheet: UTF-8 with its mark, flags joined by spaces."""
    from shared.events import Obligation  # here, as it takes half a second that no other command needs to wait

    text = io.StringIO()
    rows = csv.DictWriter(text, list(Obligation.__annotations__), extrasaction="ignore")
    rows.writeheader()
    yield BOM + text.getvalue().encode()
    for line in lines:
        text.seek(0)
        text.truncate()
        rows.writerow({name: _cell(value) for name, value in orjson.loads(line).items()})
        yield text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def check_calendars(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="YAML files; CSV beside them.")],
    year: Annotated[int | None, typer.Option(help="Whose days off to list; else this year's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check calendar files and show what they say. Exit code 1: there are mistakes, each told with its line.

    Files may inherit from one another and from thanh-hoa, the province's calendar that is carried along. Entries: name,
    source, inherits, timezone, week, periods, dates (by date, or the name of a CSV file with the columns date, kind,
    name, source, confidence, shifts), make_up, names, provisional, known_from, known_until. Nothing is loaded.
    """
    from shared.worktime import vietnam
    from shared.worktime.loading import CalendarFilesError, load
    from shared.worktime.summary import summary

    try:
        loaded = load(files, known={"thanh-hoa": vietnam()})
    except CalendarFilesError as error:
        if as_json:
            told = [{"file": str(one.file), "line": one.line, "says": one.says} for one in error.mistakes]
            typer.echo(orjson.dumps({"mistakes": told}).decode())
        else:
            typer.echo(str(error), err=True)
        fail(f"mistakes to put right: {len(error.mistakes)}")
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
