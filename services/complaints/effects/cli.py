"""`dondoc complaints effects`: what feedback says of each unit, for the quarter's report."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import typer

from services.complaints.effects.figures import TITLES, sheet
from shared import sheets
from shared.cli import Data, Output, ask, client, writing

EXAMPLE = "Example: dondoc complaints effects --from 2026-10-01 --to 2026-12-31 --format xlsx --output quy-4.xlsx"
SHORT = ("received", "classified_percent", "on_time_percent", "satisfaction_percent", "dossiers")
AS_WRITTEN = str.maketrans(",.", ".,")  # 1.234,5


class Format(StrEnum):
    TEXT = "text"
    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


def effects(
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="First day, such as 2026-10-01.")],
    until: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day, included.")],
    format: Annotated[Format, typer.Option(help="Some figures to read, or all of them.")] = Format.TEXT,
    output: Output = None,
    data: Data = None,
) -> None:
    """Count the feedback filed in a period against the units that it is about. Nothing restricted is counted."""
    days = {"from": _day(since, "--from"), "to": _day(until, "--to")}
    with client("complaints", data) as complaints:
        told = ask(complaints, "/v1/effects", **days)
    lines = list(sheet(told))
    with writing(output) as out:
        if format is Format.JSON:
            out.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")
        elif format is Format.CSV:
            out.write(sheets.head(lines[0]) + b"".join(map(sheets.line, lines[1:])))
        elif format is Format.XLSX:
            out.write(workbook(lines))
        else:
            out.write("".join(f"{line}\n" for line in text(told)).encode())


def _day(written: str, option: str) -> str:
    try:
        return date.fromisoformat(written).isoformat()
    except ValueError:
        raise typer.BadParameter(f"{written} is not a day like 2026-10-01", param_hint=option) from None


def text(told: dict[str, Any]) -> Iterable[str]:
    """Yield a line for each unit, with the figures that matter most."""
    for one in (*told["units"], told["total"]):
        shown = ("–" if one[name] is None else f"{one[name]:,}".translate(AS_WRITTEN) for name in SHORT)
        yield f"{one['name']}: " + "; ".join(
            f"{TITLES[name]}: {value}" for name, value in zip(SHORT, shown, strict=True)
        )


def workbook(lines: Sequence[Sequence[Any]]) -> bytes:
    """Return XLSX whose texts no spreadsheet runs."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    page = book.create_sheet("Phản ánh, kiến nghị")
    for line in lines:
        cells = [WriteOnlyCell(page, value=value) for value in line]
        for cell, value in zip(cells, line, strict=True):
            if isinstance(value, str):
                cell.data_type = "s"
        page.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
