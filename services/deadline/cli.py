"""Deadline's part of the `dondoc` command: the export of obligations, due dates, calendars, long work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from services.deadline import calendar_cli, jobs_cli, reconcile_cli
from shared import sheets
from shared.cli import (
    REFUSED_INPUT,
    Data,
    Output,
    client,
    exports,
    fail,
    lines_of,
    moment,
    or_nothing,
    reading,
    refusal,
    writing,
)

EXAMPLE = "Example: dondoc export obligations --as-of 2026-11-20T17:00:00+07:00 --format csv --output obligations.csv"
DUE_EXAMPLE = "Example: dondoc due questions.ndjson --output answers.ndjson"


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add deadline's commands to the `dondoc` command line."""
    exports(app).command("obligations", epilog=EXAMPLE)(export_obligations)
    app.command(epilog=DUE_EXAMPLE)(due)
    app.command(epilog=jobs_cli.REPUBLISH_EXAMPLE)(jobs_cli.republish)
    calendar_cli.register(app)
    reconcile_cli.register(app)


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
    known_at: Annotated[
        str | None,
        typer.Option("--known-at", metavar="TIME", help="Only from what was recorded by then; also as of then."),
    ] = None,
    format: Annotated[Format, typer.Option(help="CSV opens in a spreadsheet.")] = Format.NDJSON,
    output: Output = None,
    data: Data = None,
) -> None:
    """Write one line for each obligation, with `timing` as of now, of --as-of, or of --known-at."""
    import httpx

    moments = {"as_of": as_of, "known_at": known_at}
    query = {name: moment(at, option=f"--{name.replace('_', '-')}") for name, at in moments.items() if at}
    try:
        with (
            client("deadline", data) as deadline,
            deadline.stream("GET", "/v1/export/obligations", params=query, timeout=None) as answer,
        ):
            if not answer.is_success:
                answer.read()
                fail(refusal(answer))
            found = or_nothing(answer.iter_bytes(), why="no obligation was known then")
            with writing(output) as out:
                for part in found if format is Format.NDJSON else as_csv(lines_of(found)):
                    out.write(part)
    except httpx.TransportError as error:
        fail(f"deadline ended the answer early or does not answer ({type(error).__name__}); see `dondoc status`")


def as_csv(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a CSV file that opens in a spreadsheet: UTF-8 with its mark, flags joined by spaces."""
    from shared.events import Obligation  # here, as it takes half a second that no other command needs to wait

    names = [name for name in Obligation.__annotations__ if name not in ("restricted", "confidential")]
    yield sheets.head(names)
    for line in lines:
        told = orjson.loads(line)
        yield sheets.line(_cell(told.get(name)) for name in names)


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(value)
    return str(value).lower() if isinstance(value, bool) else value
