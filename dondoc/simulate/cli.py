"""The `dondoc simulate` command."""

import gzip
import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TextIO

import orjson
import typer

from dondoc.simulate.province import UNITS, demo_directory

EXAMPLE = (
    "Examples: dondoc simulate --units 20 --days 21 --seed 7 --format national --output feed.ndjson; "
    "dondoc simulate --province --days 30 --output feed.ndjson.gz --facts facts.ndjson --mirror portal.ndjson.gz "
    "--directory units.csv"
)


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
    province: Annotated[bool, typer.Option("--province", help="Every commune and office, instead of --units.")] = False,
    faults: Annotated[
        float, typer.Option(min=0, max=100, help="With --province: dossiers in a hundred with faulty data.")
    ] = 2,
    facts: Annotated[
        Path | None, typer.Option(help="With --province: reports, findings, apologies, pauses (CloudEvents).")
    ] = None,
    mirror: Annotated[Path | None, typer.Option(help="With --province: what the portal itself tells.")] = None,
) -> None:
    """Write the feed of a simulated province: one message a line (NDJSON), in the order of `sent_at`.

    Units, procedures and limits are those of Thanh Hóa; agency ids, people and all that happens are invented.

    With --province: 166 communes and the offices, seasons, joint processing, what former districts left open, and
    faults: numbers that are missing, no due date, no acceptance, received out of hours, known to the portal only.
    """
    if not province and (facts or mirror):
        raise typer.BadParameter("goes with --province", param_hint="--facts, --mirror")
    if directory:
        _write_directory(directory, None if province else units)
    what = {"days": days, "seed": seed, "start": start.date(), "per_day": per_day, "broken": broken}
    said = _of_province(faults=faults, **what) if province else _of_units(units=units, **what)
    _write(said, {"national": output, "facts": facts, "mirror": mirror})


def _of_units(**what: Any) -> Iterator[tuple[str, dict[str, object]]]:
    from dondoc.simulate.feed import simulate  # here, as calendars take a quarter of a second

    yield from (("national", message) for message in simulate(**what))


def _of_province(**what: Any) -> Iterator[tuple[str, dict[str, object]]]:
    from dondoc.simulate.everything import simulate_province

    yield from simulate_province(**what)


def _write_directory(path: Path, units: int | None) -> None:
    from dondoc.simulate.whole import whole_directory

    with _writable(path, "--directory") as out:
        out.write(whole_directory() if units is None else demo_directory(units))


def _write(said: Iterable[tuple[str, dict[str, object]]], paths: dict[str, Path | None]) -> None:
    """Write each message to its file, national ones else to the standard output; others without a file nowhere."""
    from shared.worktime import CalendarEndsError

    with ExitStack() as stack:
        files = {
            name: stack.enter_context(_writable(path, "--output" if name == "national" else f"--{name}"))
            for name, path in paths.items()
            if path
        }
        files.setdefault("national", sys.stdout)
        try:
            for name, message in said:
                if out := files.get(name):
                    out.write(orjson.dumps(message).decode() + "\n")
        except CalendarEndsError as ends:
            raise typer.BadParameter(f"{ends}. Choose other days.", param_hint="--start") from ends


def _writable(path: Path, option: str) -> TextIO:
    try:
        if path.suffix == ".gz":  # the same feed gives the same bytes: no time of writing in them
            return io.TextIOWrapper(gzip.GzipFile(path, "wb", mtime=0), encoding="utf-8")
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"cannot write {path}: {error.strerror}", param_hint=option) from error
