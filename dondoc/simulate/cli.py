"""The `dondoc simulate` command."""

import gzip
import io
import json
import sys
from contextlib import nullcontext
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer

from dondoc.simulate.province import UNITS, demo_directory

EXAMPLE = "Example: dondoc simulate --units 20 --days 21 --seed 7 --format national --output feed.ndjson"


class Format(StrEnum):
    NATIONAL = "national"


def register(app: typer.Typer) -> None:
    """Add the `simulate` command to the `dondoc` command line."""
    app.command("simulate", epilog=EXAMPLE)(write_feed)


def write_feed(
    units: Annotated[int, typer.Option(min=1, max=len(UNITS), help="How many units send.")] = 20,
    days: Annotated[int, typer.Option(min=1, help="Calendar days.")] = 21,
    seed: Annotated[int, typer.Option(help="The same seed gives the same feed.")] = 7,
    format: Annotated[Format, typer.Option(help="The shape of the messages.")] = Format.NATIONAL,
    start: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], show_default="2026-11-02", help="The first day.")
    ] = datetime(2026, 11, 2),  # noqa: DTZ001 - a date, as typer knows it
    per_day: Annotated[float, typer.Option(min=0, help="New dossiers of a unit and working day.")] = 18,
    broken: Annotated[
        float, typer.Option(min=0, max=100, help="Messages in a hundred that hold a broken object.")
    ] = 0.1,
    output: Annotated[
        Path | None, typer.Option(help="Write here, packed where it ends in .gz; else to the standard output.")
    ] = None,
    directory: Annotated[Path | None, typer.Option(help="Also write the directory of these units, as CSV.")] = None,
) -> None:
    """Write the feed of a simulated province: one message a line (NDJSON), in the order of `sent_at`.

    Units, procedures and limits are those of Thanh Hóa; agency ids, people and all that happens are invented.
    """
    from dondoc.simulate.feed import simulate  # here, as calendars take a quarter of a second
    from shared.worktime import CalendarEndsError

    messages = simulate(units=units, days=days, seed=seed, start=start.date(), per_day=per_day, broken=broken)
    if directory:
        with _writable(directory, "--directory") as out:
            out.write(demo_directory(units))
    try:
        with _writable(output, "--output") if output else nullcontext(sys.stdout) as out:
            for message in messages:
                out.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n")
    except CalendarEndsError as ends:
        raise typer.BadParameter(f"{ends}. Choose other days.", param_hint="--start") from ends


def _writable(path: Path, option: str) -> TextIO:
    try:
        if path.suffix == ".gz":  # the same feed gives the same bytes: no time of writing in them
            return io.TextIOWrapper(gzip.GzipFile(path, "wb", mtime=0), encoding="utf-8")
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"cannot write {path}: {error.strerror}", param_hint=option) from error
