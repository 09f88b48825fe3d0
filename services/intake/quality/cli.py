"""`dondoc quality`: what of the reception is incomplete."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from shared import sheets
from shared.cli import AsJson, Data, Output, ask, call, client, fail, group, writing
from shared.clock import monotonic_s

PAGE = 1000
LIST_COLUMNS = ("unit", "flag", "day", "thing", "amount", "evidence", "first_seen", "last_seen", "gone_at")
COUNT_COLUMNS = ("unit", "flag", "count")


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    CSV = "csv"


class Flags(StrEnum):
    NOT_IN_ONE_STOP = "not_in_one_stop"
    NOT_ON_PORTAL = "not_on_portal"
    NO_SLIP = "no_slip"
    NO_DUE_DATE = "no_due_date"
    NUMBERS_MISSING = "numbers_missing"
    COMPLETED_WITHOUT_ACCEPTANCE = "completed_without_acceptance"
    RECEIVED_OUTSIDE_HOURS = "received_outside_hours"


FormatOption = Annotated[Format, typer.Option(help="CSV opens in a spreadsheet.")]
UnitOption = Annotated[str | None, typer.Option("--unit", metavar="CODE", help="Only of this unit.")]
FlagOption = Annotated[Flags | None, typer.Option("--flag", help="Only this flag.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="DATE", help="Received on this day or later.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Received on this day or before.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the `dondoc` command line."""
    quality = group(app, "quality", about="What of the reception is incomplete, with the evidence.")
    quality.command("list", epilog="Example: dondoc quality list --unit H56.12 --format csv --output flags.csv")(
        list_flags
    )
    quality.command("counts", epilog="Example: dondoc quality counts --from 2026-11-01 --to 2026-11-30")(counts)
    quality.command("check", epilog="Example: dondoc quality check --from 2026-11-01")(check)


def list_flags(
    unit: UnitOption = None,
    flag: FlagOption = None,
    first: FromOption = None,
    last: ToOption = None,
    gone: Annotated[bool, typer.Option("--gone", help="Also those that hold no longer.")] = False,
    format: FormatOption = Format.TEXT,
    as_json: AsJson = False,
    output: Output = None,
    data: Data = None,
) -> None:
    """List flags with their evidence."""
    query = _query(unit, flag, first, last) | ({"gone": "true"} if gone else {})
    _write(_flags(data, query), LIST_COLUMNS, Format.JSON if as_json else format, output)


def counts(
    unit: UnitOption = None,
    flag: FlagOption = None,
    first: FromOption = None,
    last: ToOption = None,
    format: FormatOption = Format.TEXT,
    as_json: AsJson = False,
    output: Output = None,
    data: Data = None,
) -> None:
    """Count what is flagged now, by unit and flag."""
    query = _query(unit, flag, first, last)
    with client("intake", data) as intake:
        rows = call(lambda: intake.get("/v1/quality/counts", params=query)).json()
    _write(rows, COUNT_COLUMNS, Format.JSON if as_json else format, output)


def check(
    first: FromOption = None,
    last: ToOption = None,
    within: Annotated[float, typer.Option(metavar="SECONDS", min=1, help="Wait so long for its end.")] = 600,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Look now instead of at night, and wait until all is looked at."""
    until = monotonic_s() + within
    with client("intake", data) as intake:
        query = _query(None, None, first, last)
        path = f"/v1/quality/checks/{call(lambda: intake.post('/v1/quality/checks', params=query)).json()['id']}"
        while (told := call(lambda: intake.get(path)).json())["finished_at"] is None:
            if monotonic_s() > until:
                fail(f"not finished within {within:g} s, {told['seen']} dossiers so far; it goes on")
            time.sleep(0.3)
    days = f"received from {told['first']} to {told['last']}"
    typer.echo(orjson.dumps(told).decode() if as_json else f"looked at {told['seen']} dossiers {days}")


def _query(unit: str | None, flag: Flags | None, first: str | None, last: str | None) -> dict[str, str]:
    given = {"unit": unit, "flag": flag.value if flag else None, "from": first, "to": last}
    return {name: value for name, value in given.items() if value is not None}


def _flags(data: Path | None, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    with client("intake", data) as intake:
        after = 0
        while True:
            asked = {**query, "after": str(after), "limit": str(PAGE)}
            page = ask(intake, "/v1/quality", **asked)
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1]["id"]


def _write(rows: Iterable[dict[str, Any]], columns: tuple[str, ...], format: Format, output: Path | None) -> None:
    with writing(output) as out:
        if format is Format.JSON:
            out.write(orjson.dumps(list(rows)) + b"\n")
        elif format is Format.CSV:
            out.write(sheets.head(columns))
            for row in rows:
                out.write(sheets.line(_cell(row[name]) for name in columns))
        else:
            for row in rows:
                out.write("\t".join(_cell(row[name]) for name in columns).encode() + b"\n")


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return "" if value is None else str(value)
